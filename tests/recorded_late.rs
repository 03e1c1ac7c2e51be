//! A capture of real programs whose TLS starts late (`fixtures/recorded/late.pcap`, by `tests/recorder/late.py`): the
//! program's whole output as committed, and what is known of each connection from the programs themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

use std::path::Path;
use std::process::Command;

use expect_test::expect_file;
use serde_json::Value;

fn output() -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_sni-watch"))
        .args(["-r", "fixtures/recorded/late.pcap", "-o", "json", "-vv", "--emit", "all", "--node", "golden"])
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
    let text = output();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}\n{errors:?}");
    }
    expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recorded/late.jsonl")].assert_eq(&text);
}

/// Name, port, what went ahead, client and destination that were named, version: in the order of recording.
const TOLD: [(&str, u64, &str, &str, &str, &str); 32] = [
    ("smtp.openssl.example", 25, "smtp", "", "", "1.2"),
    ("lmtp.openssl.example", 24, "lmtp", "", "", "1.3"),
    ("imap.openssl.example", 143, "imap", "", "", "1.2"),
    ("pop3.openssl.example", 110, "pop3", "", "", "1.3"),
    ("ftp.openssl.example", 21, "ftp", "", "", "1.2"),
    ("nntp.openssl.example", 119, "nntp", "", "", "1.2"),
    ("sieve.openssl.example", 4190, "sieve", "", "", "1.3"),
    ("irc.openssl.example", 6667, "irc", "", "", "1.2"),
    ("xmpp.openssl.example", 5222, "xmpp", "", "", "1.3"),
    ("ldap.openssl.example", 389, "ldap", "", "", "1.2"),
    ("postgres.openssl.example", 5432, "postgresql", "", "", "1.3"),
    ("mysql.openssl.example", 3306, "mysql", "", "", "1.3"),
    ("proxied.openssl.example", 8080, "http_connect", "", "www.openssl.example", "1.3"),
    ("smtp.curl.example", 25, "smtp", "", "", "1.3"),
    ("imap.curl.example", 143, "imap", "", "", "1.3"),
    ("pop3.curl.example", 110, "pop3", "", "", "1.3"),
    ("ftp.curl.example", 21, "ftp", "", "", "1.3"),
    ("connect.curl.example", 8080, "http_connect", "", "connect.curl.example", "1.3"),
    ("needs.curl.example", 8080, "http_connect", "", "needs.curl.example", "1.3"),
    ("socks5.curl.example", 1080, "socks5", "", "192.0.2.9", "1.3"),
    ("socks5h.curl.example", 1080, "socks5", "", "socks5h.curl.example", "1.3"),
    ("socks4.curl.example", 1080, "socks4", "", "192.0.2.9", "1.3"),
    ("socks4a.curl.example", 1080, "socks4", "", "socks4a.curl.example", "1.3"),
    ("proxy.curl.example", 9443, "proxy_v1", "127.0.0.1", "127.0.0.1", "1.3"),
    // haproxy passes on what it gets: the same hello, the second time behind its header
    ("send-proxy.openssl.example", 9001, "", "", "", "1.3"),
    ("send-proxy.openssl.example", 9443, "proxy_v1", "127.0.0.1", "127.0.0.1", "1.3"),
    ("send-proxy-v2.openssl.example", 9002, "", "", "", "1.3"),
    ("send-proxy-v2.openssl.example", 9444, "proxy_v2", "127.0.0.1", "127.0.0.1", "1.3"),
    ("psql.libpq.example", 5432, "postgresql", "", "", "1.3"),
    // mariadb's client names nobody
    ("", 3306, "mysql", "", "", "1.3"),
    ("server.dc1.consul", 8300, "consul_rpc", "", "", "1.3"),
    ("nats.python.example", 4222, "nats", "", "", "1.3"),
];

fn word<'r>(record: &'r Value, pointer: &str) -> &'r str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn programs_are_told_as_they_went() {
    let text = output();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let handshakes: Vec<&Value> =
        records.iter().filter(|record| record["event"]["action"] == "tls_handshake").collect();
    let told: Vec<_> = handshakes
        .iter()
        .map(|record| {
            let port = record["destination"]["port"].as_u64().unwrap();
            let preface = word(record, "/handshake/preface/0");
            let (source, destination) =
                (word(record, "/source/address"), word(record, "/destination/address"));
            (word(record, "/sni"), port, preface, source, destination, word(record, "/tls/version"))
        })
        .collect();
    assert_eq!(told, TOLD);
    for record in handshakes {
        assert_eq!(
            (word(record, "/handshake/result"), word(record, "/handshake/by")),
            ("ok", "server"),
            "{record}"
        );
        assert_eq!(record["tls"]["established"], true, "{record}");
        assert_eq!(record["handshake"]["hello_segments"], 1, "{record}");
        assert!(record["handshake"]["latency_ms"].as_f64().unwrap() < 1000.0, "{record}");
    }
}
