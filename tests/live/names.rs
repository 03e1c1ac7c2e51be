//! Names and what is known of them: every connection once, as line and as JSON.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::traffic::{Process, Site, client};
use crate::watch::{Watch, json, records, result};

const CURRENCY: &str = "currency.default.dc2.internal.c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul";
const SUBSET: &str = "v1.shop.default.dc3.internal.c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul";
const PARTITION: &str = "api.neighbor.part1.dc4.internal-v1.c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul";

/// Connects once with each kind of client; names, and the versions that each must come to.
fn connect_all(site: &Site) -> Vec<(Option<&'static str>, &'static str)> {
    let near = "10.77.0.1:443";
    // These at once: the server takes one after the other.
    let far = &site.lab.far;
    let together = [
        client(far, near, CURRENCY, "-tls1_2"),
        client(far, near, SUBSET, "-tls1_3"),
        client(far, near, PARTITION, "-tls1_3 -alpn h2,http/1.1"),
    ];
    together.map(Process::without_input).into_iter().for_each(Process::wait);
    site.connect(near, "no-tickets.example", "-tls1_2 -no_ticket");
    site.curl("curl.example", 443, "");
    site.curl("curl12.example", 443, "--tls-max 1.2");
    site.connect(near, "", "-tls1_3");
    vec![
        (Some(CURRENCY), "1.2"),
        (Some(SUBSET), "1.3"),
        (Some(PARTITION), "1.3"),
        (Some("no-tickets.example"), "1.2"),
        (Some("curl.example"), "1.3"),
        (Some("curl12.example"), "1.2"),
        (None, "1.3"),
    ]
}

#[test]
fn every_client_is_told_once_with_its_name_and_ok() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let file = site.file("records");
    let watch = Watch::start(&site.lab.near, &format!("-i ens4 port 443 -o line -o json:{}", file.display()));
    let expected = connect_all(&site);
    watch.until_lines(expected.len());
    let end = watch.interrupt();

    assert_eq!(end.code, Some(0));
    assert_eq!(end.stdout.len(), expected.len(), "{:#?}", end.stdout);
    let text = std::fs::read_to_string(file).unwrap();
    valid(&text);
    let mut all: Vec<Value> = text.lines().map(json).collect();
    let stats = all.pop().unwrap();
    assert_eq!(stats["event"]["action"], "capture_stats");
    assert_eq!(stats["flows"]["with_sni"], expected.len() - 1);
    assert_eq!(all.len(), expected.len(), "{all:#?}");
    for (name, version) in expected {
        let of: Vec<_> = all.iter().filter(|record| record["sni"].as_str() == name).collect();
        assert_eq!(of.len(), 1, "{name:?}");
        is_ok(of[0], version);
    }
    let target = |name: &str| {
        let record = all.iter().find(|record| record["sni"] == name).unwrap();
        ["service", "subset", "namespace", "partition", "datacenter"]
            .map(|label| record["mesh"][label].as_str().unwrap_or("").to_owned())
    };
    assert_eq!(target(CURRENCY), ["currency", "", "default", "default", "dc2"]);
    assert_eq!(target(SUBSET), ["shop", "v1", "default", "default", "dc3"]);
    assert_eq!(target(PARTITION), ["api", "", "neighbor", "part1", "dc4"]);
    for (words, times) in [
        ("currency → dc2", 1),
        ("shop → dc3", 1),
        ("   no-tickets.example   ", 1),
        ("   (no name)   ", 1),
        ("   ok   ", 7),
        (" > 10.77.0.1:443   ", 7),
    ] {
        let found = end.texts().iter().filter(|line| line.contains(words)).count();
        assert_eq!(found, times, "{words}: {:#?}", end.texts());
    }
}

/// Holds every line to the published schema.
fn valid(text: &str) {
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in text.lines() {
        let errors: Vec<_> = validator.iter_errors(&json(line)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {line}");
    }
}

fn is_ok(record: &Value, version: &str) {
    assert_eq!(result(record), "ok", "{record}");
    assert_eq!(record["handshake"]["by"], "server");
    assert_eq!(record["tls"]["version"], version, "{record}");
    assert_eq!(record["tls"]["established"], true);
    assert_eq!(record["handshake"]["retransmits"], 0);
    assert_eq!(record["source"]["ip"], "10.77.0.2");
    assert_eq!(record["destination"]["ip"], "10.77.0.1");
    assert_eq!(record["destination"]["port"], 443);
    assert_eq!(record["observer"]["ingress"]["interface"]["name"], "ens4");
    let [latency, total] = ["latency_ms", "total_ms"].map(|key| record["handshake"][key].as_f64().unwrap());
    assert!(latency > 0.0 && latency < total && total < 10_000.0, "{record}");
}

#[test]
fn resumption_is_told_in_both_versions() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443 -j");
    for version in ["-tls1_2", "-tls1_3"] {
        let session = site.file(version);
        for (name, option) in [("first.example", "-sess_out"), ("again.example", "-sess_in")] {
            let options = format!("{version} -ign_eof {option} {}", session.display());
            let mut client = client(&site.lab.far, "10.77.0.1:443", name, &options);
            // The answer comes behind the tickets of TLS 1.3.
            client.say("GET / HTTP/1.0\r\n\r\n");
            client.wait();
        }
    }
    let found = records(&watch.until_lines(4));
    let resumed: Vec<_> =
        found.iter().map(|record| (&record["tls"]["version"], &record["tls"]["resumed"])).collect();
    let told = serde_json::json!([["1.2", false], ["1.2", true], ["1.3", false], ["1.3", true]]);
    assert_eq!(serde_json::to_value(resumed).unwrap(), told);
    assert!(found.iter().all(|record| result(record) == "ok"));
    assert_eq!(watch.interrupt().records().len(), 4);
}

#[test]
fn a_hello_that_the_server_wants_anew_is_one_connection() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "-tls1_3 -groups P-384");
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443 -j --emit hello");
    site.connect("10.77.0.1:443", "retried.example", "-groups X25519:P-384");
    watch.until_lines(3);
    let found = watch.interrupt().records();
    let told: Vec<_> =
        found.iter().map(|record| (&record["event"]["action"], &record["handshake"]["index"])).collect();
    let expected =
        serde_json::json!([["tls_client_hello", 0], ["tls_client_hello", 1], ["tls_handshake", 1]]);
    assert_eq!(serde_json::to_value(told).unwrap(), expected);
    assert!(found.iter().all(|record| record["sni"] == "retried.example"));
    assert_eq!(found[2]["handshake"]["hello_retry"], true);
    assert_eq!(result(&found[2]), "ok");
}

/// tcpdump's line from the exercise, with only the program's name changed.
#[test]
fn tcpdumps_line_prints_each_connection_once_with_its_hello() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443 -nnXX -vv -A");
    let names = [CURRENCY, SUBSET, "third.example"];
    for name in names {
        site.connect("10.77.0.1:443", name, "");
    }
    watch.until_lines(names.len() * 10);
    thread::sleep(Duration::from_millis(100));
    let end = watch.interrupt();

    assert_eq!(end.code, Some(0));
    let lines = end.texts();
    let told: Vec<&str> = lines.iter().copied().filter(is_record).collect();
    assert_eq!(told.len(), names.len(), "{lines:#?}");
    for (line, name) in told.iter().zip(names) {
        assert!(line.contains(name) && line.contains(" ok "), "{line}");
    }
    let dumps: Vec<Vec<u8>> = lines.split(is_record).skip(1).map(bytes).collect();
    assert_eq!(dumps.len(), names.len());
    for (dump, name) in dumps.iter().zip(names) {
        // Ethernet, IPv4 and TCP with its time stamps, then the record with the hello, and nothing more.
        assert_eq!(&dump[12..14], [8, 0]);
        assert_eq!(&dump[66..68], [22, 3]);
        let record = usize::from(u16::from_be_bytes([dump[69], dump[70]]));
        assert_eq!(dump.len(), 66 + 5 + record);
        assert!(dump.windows(name.len()).any(|window| window == name.as_bytes()));
    }
    let told = format!("{:?}", end.stderr);
    assert!(end.stderr[0].starts_with("sni-watch: ens4, link ") && end.stderr.len() == 6, "{told}");
    assert!(!told.contains("consul") && !told.contains("example"), "{told}");
}

/// Not a line of a hello's bytes.
fn is_record(line: &&str) -> bool {
    !line.starts_with('\t')
}

/// The bytes of lines such as `<tab>0x0010:  0102 0304  ....`.
fn bytes(lines: &[&str]) -> Vec<u8> {
    let mut found = Vec::new();
    for line in lines {
        let (offset, rest) = line.trim_start().split_once(":  ").unwrap();
        assert_eq!(usize::from_str_radix(&offset[2..], 16).unwrap(), found.len());
        let digits: String = rest.split("  ").next().unwrap().split(' ').collect();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        found.extend((0..digits.len()).step_by(2).map(byte));
    }
    found
}

#[test]
fn records_leave_soon_after_the_packet_that_decides_them() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443 -j");
    let count = 100;
    for index in 0..count {
        let name = format!("number-{index}.example");
        site.connect("10.77.0.1:443", &name, if index % 2 == 0 { "-tls1_2" } else { "-tls1_3" });
        if index == 0 {
            assert_eq!(watch.until_lines(1).len(), 1, "the first comes before the end of the output");
        }
    }
    let lines = watch.until_lines(count);
    let mut delays: Vec<Duration> = lines
        .iter()
        .map(|line| {
            let record = json(&line.text);
            // The ServerHello: what decides comes after it, so the real delay is shorter.
            let latency = record["handshake"]["latency_ms"].as_f64().unwrap() / 1e3;
            let decided = Duration::from_secs_f64(record["ts"].as_f64().unwrap() + latency);
            line.at.duration_since(UNIX_EPOCH).unwrap().saturating_sub(decided)
        })
        .collect();
    delays.sort();
    let (median, late) = (delays[count / 2], delays[count * 99 / 100]);
    println!("record at the reader after its packet: median {median:?}, p99 {late:?}");
    assert!(late < Duration::from_millis(500), "{delays:?}");
    assert!(median < Duration::from_millis(200), "{delays:?}");
    let end = watch.interrupt();
    let mut seen = HashMap::new();
    for record in end.records() {
        *seen.entry(record["sni"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert!(seen.len() == count && seen.values().all(|times| *times == 1), "{seen:?}");
}
