//! Captures of real programs (`fixtures/recorded`): the program's whole output as committed, and what is known of
//! each connection from the programs themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code fails loudly")]

use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect_file;
use serde_json::{Value, json};

/// What `tests/recorder` records; other recordings have tests of their own.
const CAPTURES: [&str; 2] = ["dtls-openssl", "quinn"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recorded")
}

fn output(capture: &str) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_sni-watch"))
        .args(["-r", &format!("fixtures/recorded/{capture}.pcap"), "-o", "json", "-vv", "--emit", "all"])
        .args(["--node", "golden"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn every_record_is_as_committed_and_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../docs/schema/v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for capture in CAPTURES {
        let text = output(capture);
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let errors: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{capture}: {line}\n{errors:?}");
        }
        expect_file![folder().join(format!("{capture}.jsonl"))].assert_eq(&text);
    }
}

/// Name, result, who, datagrams of the hello, resumed, alert: as quinn told it when it was recorded.
const QUINN: [(&str, &str, &str, u64, bool, &str); 8] = [
    ("plain", "ok", "server", 2, false, ""),
    ("retry", "ok", "server", 2, false, ""),
    ("resumed", "ok", "server", 2, false, ""),
    ("resumed", "ok", "server", 2, true, ""),
    ("alert", "alert", "server", 2, false, "no_application_protocol"),
    // the client's alert is under keys that nobody else has
    ("distrust", "ok", "server", 2, false, ""),
    ("refused", "closed", "server", 2, false, ""),
    ("silent", "closed", "client", 2, false, ""),
];

#[test]
fn quinn_is_told_as_it_went() {
    let text = output("quinn");
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let handshakes: Vec<&Value> =
        records.iter().filter(|record| record["event"]["action"] == "tls_handshake").collect();
    assert_eq!(handshakes.len(), QUINN.len());
    for (record, (name, result, by, segments, resumed, alert)) in handshakes.into_iter().zip(QUINN) {
        let handshake = &record["handshake"];
        assert_eq!(record["sni"], format!("{name}.quinn.example"));
        assert_eq!((&handshake["result"], &handshake["by"]), (&result.into(), &by.into()), "{name}");
        assert_eq!(handshake["hello_segments"], segments, "{name}");
        assert!(handshake["hello_bytes"].as_u64().unwrap() > 1400, "{name}: a post-quantum key share");
        assert_eq!(record["network"]["protocol"], "quic");
        assert_eq!(record["tls"]["client"]["alpn"], json!(["h3"]));
        assert!(record["tls"]["client"]["ja4"].as_str().unwrap().starts_with("q13d"), "{name}");
        assert_eq!(handshake["alert"]["description"].as_str().unwrap_or_default(), alert, "{name}");
        if result == "ok" {
            assert_eq!(
                (&record["tls"]["resumed"], &record["tls"]["established"]),
                (&resumed.into(), &true.into())
            );
            assert_eq!(record["tls"]["curve"], "X25519MLKEM768", "{name}");
            // as tshark works it out; a resumed session's answer has one extension more
            let ja3s = record["tls"]["server"]["ja3s"].as_str().unwrap();
            assert_eq!(ja3s == "907bf3ecef1c987c889946b737b43de8", !resumed, "{name}: {ja3s}");
        }
    }
}

/// Port, name, result, version, resumed, index and datagrams of the hello, retransmits, ALPN, alert: what
/// `fixtures/recorded/dtls.sh` told OpenSSL to do.
#[test]
fn openssl_is_told_as_it_went() {
    let pointers = [
        "/destination/port",
        "/sni",
        "/handshake/result",
        "/tls/version",
        "/tls/resumed",
        "/handshake/index",
        "/handshake/hello_segments",
        "/handshake/retransmits",
        "/tls/next_protocol",
        "/handshake/alert/description",
    ];
    let none = Value::Null;
    let expected = [
        json!([4431, "cookie.example", "ok", "1.2", false, 1, 1, 0, "coap", none]),
        json!([4432, "listen.example", "ok", "1.2", false, 1, 1, 0, none, none]),
        json!([4433, "fragments.example", "ok", "1.2", false, 1, 2, 0, none, none]),
        json!([4434, "old.example", "ok", "1.0", false, 1, 1, 0, none, none]),
        json!([4435, "alert.example", "alert", none, none, 1, 1, 0, none, "handshake_failure"]),
        json!([4436, "shared-key.example", "ok", "1.2", false, 1, 1, 0, none, none]),
        json!([4437, "first.example", "ok", "1.2", false, 1, 1, 0, none, none]),
        json!([4437, "first.example", "ok", "1.2", true, 1, 1, 0, none, none]),
        // the recording ends ahead of the timeout; two repetitions of two datagrams
        json!([4438, "nobody.example", "not_seen", none, none, 0, 2, 4, none, none]),
    ];
    let text = output("dtls-openssl");
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let handshakes = records.filter(|record| record["event"]["action"] == "tls_handshake");
    let told: Vec<Value> = handshakes
        .map(|record| pointers.iter().map(|at| record.pointer(at).cloned().unwrap_or_default()).collect())
        .collect();
    assert_eq!(told, expected);
}
