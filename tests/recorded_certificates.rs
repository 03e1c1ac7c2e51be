//! Certificates of real handshakes: the program says of them what `openssl x509` says.
//!
//! `fixtures/recorded/certificates.pcap` holds what OpenSSL's server and client said to each other;
//! `certificates.truth.tsv` what `openssl x509` said of the certificates that they had. Both are written by
//! `cargo test --test recorded_certificates -- --ignored record`, which needs `openssl`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect_file;
use serde_json::Value;

#[path = "recorded_certificates/openssl.rs"]
mod openssl;
#[path = "recorded_certificates/relay.rs"]
mod relay;

/// What `openssl x509` is asked for; columns of the truth.
const FIELDS: [&str; 7] =
    ["subject", "issuer", "not_before", "not_after", "hash/sha256", "x509/serial_number", "names"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recorded")
}

fn output() -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_sni-watch"))
        .args(["-r", "fixtures/recorded/certificates.pcap", "-o", "json", "-vv", "--emit", "all"])
        .args(["--node", "golden"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// The handshake records by the first label of their server name, which is the case's.
fn handshakes() -> BTreeMap<String, Value> {
    let text = output();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let handshakes = records.filter(|record| record["event"]["action"] == "tls_handshake");
    handshakes
        .map(|record| (record["sni"].as_str().unwrap().split('.').next().unwrap().to_owned(), record))
        .collect()
}

#[test]
fn every_record_is_as_committed_and_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../docs/schema/v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let text = output();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}\n{errors:?}");
    }
    expect_file![folder().join("certificates.jsonl")].assert_eq(&text);
}

#[test]
fn every_certificate_is_what_openssl_says() {
    let truth = fs::read_to_string(folder().join("certificates.truth.tsv")).unwrap();
    let records = handshakes();
    let mut compared = 0;
    for line in truth.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let (case, side) = (cells[0], cells[1]);
        let told = &records[case]["tls"][side];
        for (field, expected) in FIELDS.iter().zip(&cells[2..]) {
            let seen = match *field {
                "names" => {
                    let names = told["x509"]["alternative_names"].as_array();
                    let names = names.into_iter().flatten().map(|name| name.as_str().unwrap());
                    names.collect::<Vec<_>>().join(" ")
                }
                _ => told.pointer(&format!("/{field}")).and_then(Value::as_str).unwrap_or("").to_owned(),
            };
            assert_eq!(seen, **expected, "{case}, {side}, {field}");
            compared += 1;
        }
    }
    assert_eq!(compared, FIELDS.len() * 10, "{truth}");
}

/// Case, result, alert, version, resumed, caller; `-` where it is absent, `null` where it is null.
const CASES: [[&str; 6]; 8] = [
    ["mutual", "ok", "-", "1.2", "false", "payments@dc1"],
    ["resumed", "ok", "-", "1.2", "true", "-"],
    ["records", "ok", "-", "1.2", "false", "-"],
    ["nameless", "ok", "-", "1.2", "false", "backend"],
    ["none", "ok", "-", "1.2", "false", "null"],
    ["stranger", "alert", "unknown_ca", "1.2", "false", "stranger"],
    ["old", "ok", "-", "1.0", "false", "payments@dc1"],
    ["encrypted", "ok", "-", "1.3", "false", "-"],
];

#[test]
fn every_case_is_told_as_it_was_recorded() {
    let records = handshakes();
    assert_eq!(records.len(), CASES.len());
    let text = |value: Option<&Value>| match value {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    for [case, result, alert, version, resumed, caller] in CASES {
        let record = &records[case];
        let at = |pointer: &str| text(record.pointer(pointer));
        let mut seen_caller = at("/mesh/source_service");
        if let Some(datacenter) = record.pointer("/mesh/source_datacenter") {
            seen_caller = format!("{seen_caller}@{}", datacenter.as_str().unwrap());
        }
        let seen = [
            at("/handshake/result"),
            at("/handshake/alert/description"),
            at("/tls/version"),
            at("/tls/resumed"),
            seen_caller,
        ];
        assert_eq!(seen, [result, alert, version, resumed, caller], "{case}");
    }
    let spread = records["records"]["tls"]["server"]["x509"]["alternative_names"].as_array().unwrap();
    assert_eq!(spread.len(), 300);
    for quiet in ["resumed", "encrypted"] {
        let sides = ["client", "server"].map(|side| records[quiet]["tls"][side].get("subject"));
        assert_eq!(sides, [None, None], "{quiet}");
    }
}

#[test]
#[ignore = "writes the capture anew; needs openssl"]
fn record() {
    let (capture, truth) = openssl::record();
    fs::write(folder().join("certificates.pcap"), capture).unwrap();
    fs::write(folder().join("certificates.truth.tsv"), truth).unwrap();
}
