//! The program's whole output for every fixture: as committed, as the schema says, and as the scenario says.
//!
//! `UPDATE_EXPECT=1` writes the outputs anew. What a scenario expects of its connections is held against the
//! same text, so that an output that was written anew cannot hide a mistake.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "test code fails loudly; times of this century are exact to a microsecond"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::process::Command;

use expect_test::expect_file;
use serde_json::Value;
use support::connection::{Answer, Connection, Direction, Open};
use support::scenario::{self, Scenario};

/// Scenarios whose lines and table are held too.
const SHOWN: [&str; 5] = ["certificates", "failover", "names", "outcomes", "segments"];

/// Capture file names of a scenario, with the suffix of each.
fn captures(stem: &str) -> Vec<(String, String)> {
    let scenario = Scenario::fixture(stem);
    let suffixes = scenario.capture.iter().map(|capture| capture.suffix.clone());
    let suffixes = if scenario.capture.is_empty() { vec![String::new()] } else { suffixes.collect() };
    let names = scenario.files(stem).into_iter().map(|(name, _)| name);
    names.zip(suffixes).collect()
}

fn stems() -> Vec<String> {
    let entries = std::fs::read_dir(scenario::fixtures()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut stems: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".toml").map(Into::into)).collect();
    stems.sort();
    assert!(stems.len() >= 12, "the scenarios are there: {stems:?}");
    stems
}

/// Standard output of the program, run in the project's folder.
fn output(arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_sni-watch"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("TZ", "UTC")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.success(), "{arguments:?}: {words}");
    String::from_utf8(run.stdout).unwrap()
}

fn json(capture: &str) -> String {
    let file = format!("fixtures/{capture}");
    output(&["-r", &file, "-o", "json", "-vv", "--emit", "all", "--node", "golden"])
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn without_extension(capture: &str) -> &str {
    capture.rsplit_once('.').unwrap().0
}

#[test]
fn every_record_of_every_capture_is_as_committed_and_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../docs/schema/v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (capture, _) in stems().iter().flat_map(|stem| captures(stem)) {
        let text = json(&capture);
        for (number, record) in records(&text).iter().enumerate() {
            let errors: Vec<String> = validator.iter_errors(record).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{capture}, record {}: {errors:?}", number + 1);
        }
        let golden = scenario::fixtures().join(format!("{}.jsonl", without_extension(&capture)));
        expect_file![golden].assert_eq(&text);
    }
}

/// The columns of [`rows_with_commas_are_as_committed`]: those that may hold a comma among them.
const COLUMNS: [&str; 6] =
    ["@timestamp", "event.type", "sni", "tls.client.alpn", "handshake.result", "capture.packet"];

#[test]
fn rows_with_commas_are_as_committed() {
    let mut arguments = vec!["-r", "fixtures/outcomes.pcap", "-o", "csv"];
    arguments.extend(COLUMNS.iter().flat_map(|path| ["-e", path]));
    let rows = output(&arguments);
    assert_eq!(rows.matches("\r\n").count(), rows.matches('\n').count(), "every line ends as RFC 4180 says");
    // Committed with plain line ends, for editors and git.
    expect_file![scenario::fixtures().join("outcomes.csv")].assert_eq(&rows.replace("\r\n", "\n"));
}

#[test]
fn lines_and_tables_are_as_committed() {
    for stem in SHOWN {
        let file = format!("fixtures/{stem}.pcap");
        let lines = output(&["-r", &file, "-o", "line", "-v", "--node", "golden"]);
        expect_file![scenario::fixtures().join(format!("{stem}.lines.txt"))].assert_eq(&lines);
        let table = output(&["summary", "-r", &file, "--node", "golden"]);
        expect_file![scenario::fixtures().join(format!("{stem}.table.txt"))].assert_eq(&table);
        let rows = output(&["-r", &file, "-o", "tsv", "--emit", "all"]);
        expect_file![scenario::fixtures().join(format!("{stem}.tsv"))].assert_eq(&rows);
    }
    let timeline = output(&["explain", "currency", "-r", "fixtures/failover.pcap"]);
    expect_file![scenario::fixtures().join("failover.timeline.txt")].assert_eq(&timeline);
}

/// What the scenario says in words: 41 connections to currency in dc2, each once though both legs were captured.
#[test]
fn the_summary_counts_connections_and_not_legs() {
    let table = output(&["summary", "-r", "fixtures/failover.pcap"]);
    let row = |service: &str, dc: &str| -> Vec<String> {
        let mut rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row =
            rows.find(|row| row[..2] == [service, dc]).unwrap_or_else(|| panic!("{service} {dc}: {table}"));
        row[2..8].iter().map(|cell| (*cell).to_owned()).collect()
    };
    // CONN  OK  RESET  ALERT  TIMEOUT  REFUSED
    assert_eq!(row("currency", "dc2"), ["41", "39", "1", "0", "1", "0"]);
    assert_eq!(row("shipping", "dc2"), ["20", "20", "0", "0", "0", "0"]);
    assert_eq!(row("currency", "dc1"), ["15", "8", "7", "0", "0", "0"]);
    assert_eq!(row("-", "-"), ["4", "0", "0", "0", "3", "1"]);
}

#[test]
fn no_output_is_committed_without_its_capture() {
    let whole = |name: String| without_extension(&name).to_owned();
    let known: BTreeSet<String> =
        stems().iter().flat_map(|stem| captures(stem)).map(|(name, _)| whole(name)).collect();
    for entry in std::fs::read_dir(scenario::fixtures()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // the outputs of `correlate` are of all captures of a scenario: `tests/correlate.rs`
        let endings = [
            ".paths.jsonl",
            ".paths.txt",
            ".jsonl",
            ".lines.txt",
            ".table.txt",
            ".timeline.txt",
            ".tsv",
            ".csv",
        ];
        if let Some(stem) = endings.iter().find_map(|ending| name.strip_suffix(ending)) {
            let of_all = name.contains(".paths.") && stems().iter().any(|known| known == stem);
            assert!(of_all || known.contains(stem), "{name} belongs to no capture");
        }
    }
}

#[test]
fn two_runs_say_the_same() {
    for capture in ["failover.pcap", "outcomes.pcap", "segments.pcap"] {
        assert_eq!(json(capture), json(capture), "{capture}");
    }
}

#[test]
fn records_say_what_their_scenario_expects() {
    let mut wrong = Vec::new();
    for stem in stems() {
        let scenario = Scenario::fixture(&stem);
        for (capture, suffix) in captures(&stem) {
            let told = records(&json(&capture));
            let errors = check(&scenario, &suffix, &told);
            wrong.extend(errors.into_iter().map(|error| format!("{capture}: {error}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_check_finds_what_is_wrong() {
    let scenario = Scenario::fixture("outcomes");
    let told = records(&json("outcomes.pcap"));
    assert!(check(&scenario, "", &told).is_empty());
    let spoil = |pointer: &str, value: Value| {
        let mut told = told.clone();
        let handshakes = told.iter_mut().filter(|record| is(record, "tls_handshake"));
        *handshakes.into_iter().next().unwrap().pointer_mut(pointer).unwrap() = value;
        check(&scenario, "", &told)
    };
    let wrong = |pointer: &str, value: Value| {
        assert!(!spoil(pointer, value).is_empty(), "{pointer} may be anything");
    };
    wrong("/sni", "other.example".into());
    wrong("/handshake/result", "reset".into());
    wrong("/handshake/by", "client".into());
    wrong("/handshake/latency_ms", 2.1.into());
    wrong("/handshake/hello_bytes", 178.into());
    wrong("/handshake/hello_segments", 2.into());
    wrong("/handshake/random", "00".into());
    wrong("/source/port", 41_999.into());
    wrong("/tls/client/version", "1.3".into());
    wrong("/tls/client/alpn", Value::Array(Vec::new()));
    wrong("/ts", 1_772_625_601.1.into());
    wrong("/event/sequence", 99.into());
    let doubled: Vec<Value> = told.iter().chain(told.iter().take(1)).cloned().collect();
    assert!(!check(&scenario, "", &doubled).is_empty());
}

/// Client and server; where a record stands for attempts, these have an outcome in common and no port.
type Ends = (IpAddr, String, IpAddr, u16);

/// Everything in which `told` differs from what `scenario` expects of its capture `suffix`.
fn check(scenario: &Scenario, suffix: &str, told: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expected: BTreeMap<Ends, Vec<Expected>> = BTreeMap::new();
    let start = scenario.start_nanos() as f64 / 1e9;
    let clock = scenario.clock_ms(suffix);
    let all = scenario.connection.iter().flat_map(Connection::expand);
    for connection in all.filter_map(|connection| connection.at_capture(suffix, clock)) {
        let expect = of_capture(&connection, suffix);
        assert!(!expect.is_empty(), "{} expects nothing", connection.client);
        if expect.get("told").and_then(toml::Value::as_bool) != Some(false) {
            let list = expected.entry(ends(&connection)).or_default();
            match list.first_mut().filter(|_| is_attempt(&connection)) {
                Some(first) => first.attempts += 1,
                None => list.push(Expected { start, connection, expect, attempts: 1 }),
            }
        }
    }
    let mut handshakes = by_ends(told.iter().filter(|record| is(record, "tls_handshake")));
    for records in handshakes.values_mut() {
        // of two connections that are open at the same time the second may be told first
        let ts = |record: &Value| record.pointer("/ts").and_then(Value::as_f64).unwrap();
        records.sort_by(|a, b| ts(a).total_cmp(&ts(b)));
    }
    for ends in handshakes.keys().filter(|ends| !expected.contains_key(*ends)) {
        wrong.push(format!("{ends:?}: nothing is expected"));
    }
    for (ends, list) in &mut expected {
        list.sort_by(|a, b| a.connection.at.total_cmp(&b.connection.at));
        let seen = handshakes.get(ends).map(Vec::as_slice).unwrap_or_default();
        if seen.len() != list.len() {
            wrong.push(format!("{ends:?}: {} records, not {}", seen.len(), list.len()));
        }
        for (expected, record) in list.iter().zip(seen) {
            let errors = expected.differences(record, suffix);
            wrong.extend(errors.into_iter().map(|error| format!("{ends:?}: {error}")));
        }
    }
    wrong.extend(of_other_records(told));
    wrong
}

/// Each hello is told once, each connection with a hello or a begun one ends once, and the last word is the counts.
fn of_other_records(told: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let count = |action: &str| by_ends(told.iter().filter(|record| is(record, action)));
    let (hellos, ends) = (count("tls_client_hello"), count("tls_flow_end"));
    for (key, records) in count("tls_handshake") {
        let is_attempt = |record: &&Value| record.pointer("/handshake/attempts").is_some();
        let index = |record: &Value| record.pointer("/handshake/index").and_then(Value::as_u64);
        let whole = records.iter().filter(|record| record.get("sni").is_some());
        let said: u64 = whole.map(|record| index(record).unwrap_or(0) + 1).sum();
        let hellos = hellos.get(&key).map_or(0, Vec::len) as u64;
        if said != hellos {
            wrong.push(format!("{key:?}: {hellos} hellos are told, not {said}"));
        }
        let closed = ends.get(&key).map_or(0, Vec::len);
        let connections = records.iter().filter(|record| !is_attempt(record)).count();
        if closed != connections {
            wrong.push(format!("{key:?}: {closed} ends are told, not {connections}"));
        }
    }
    let mut before = 0;
    for (place, record) in told.iter().enumerate() {
        let packets = record.pointer("/capture/packets").and_then(Value::as_u64);
        if packets.is_some_and(|packets| packets < std::mem::replace(&mut before, packets).max(1)) {
            wrong.push(format!("record {}: fewer packets than before", place + 1));
        }
        if record.pointer("/event/sequence").and_then(Value::as_u64) != Some(place as u64 + 1) {
            wrong.push(format!("record {}: its number in sequence is another", place + 1));
        }
        if is(record, "capture_stats") && place + 1 == told.len() {
            return wrong;
        }
    }
    wrong.push("the last record is not the counts".to_owned());
    wrong
}

struct Expected {
    /// The scenario's start, seconds since 1970.
    start: f64,
    connection: Connection,
    expect: toml::Table,
    attempts: u64,
}

impl Expected {
    fn differences(&self, record: &Value, suffix: &str) -> Vec<String> {
        let mut fields = Vec::new();
        for (key, value) in &self.expect {
            if !value.is_table() && key != "segments" && key != "records" {
                fields.push((pointer(key), value.as_str().map_or_else(|| plain(value), Into::into)));
            }
        }
        if is_attempt(&self.connection) {
            fields.push(("/handshake/attempts".into(), self.attempts.to_string()));
        }
        fields.extend(self.of_the_hello(record));
        let mut wrong = Vec::new();
        for (pointer, expected) in fields {
            let seen = text(record.pointer(&pointer));
            if seen != expected {
                wrong.push(format!("{pointer} is {seen}, not {expected}"));
            }
        }
        if suffix != "simple" {
            wrong.extend(self.of_time(record));
        }
        wrong
    }

    /// What the record must say of the hello, where it was whole.
    fn of_the_hello(&self, record: &Value) -> Vec<(String, String)> {
        let Some(hello) = &self.connection.hello else { return Vec::new() };
        if record.pointer("/handshake/random").is_none() {
            return Vec::new();
        }
        let second = self.connection.answer == Answer::HelloRetry;
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
        let random = hello.random();
        let random: String = random.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        let (message, stream) = match &self.connection.dtls {
            Some(dtls) => (dtls.message(hello, second), dtls.body(hello, second)),
            None if second => (hello.message(true), hello.second_stream()),
            None => (hello.message(false), hello.stream()),
        };
        let protocols = match &hello.alpn[..] {
            [] => "absent".to_owned(),
            list => format!("[{}]", list.join(",")),
        };
        let version = match &self.connection.dtls {
            Some(dtls) if dtls.old => "0.9",
            _ => ["1.0", "1.1", "1.2", "1.3"][(hello.version as usize) - 0x0301],
        };
        let first = hello.stream();
        let mut records = (stream.len().saturating_sub(message.len()) / 5).max(1);
        let dtls = self.connection.dtls.is_some();
        let pieces = self.connection.send.pieces(if dtls { &stream } else { &first });
        let segments: BTreeSet<(usize, usize)> = pieces.iter().map(|piece| (piece.from, piece.to)).collect();
        let mut segments = segments.len();
        if dtls {
            records = segments; // its fragments
        }
        if let Some(quic) = &self.connection.quic {
            let datagrams = quic.datagrams(&self.connection.send, &message);
            records = if second { 1 } else { datagrams.iter().map(Vec::len).sum() };
            segments = if second { 1 } else { datagrams.len() };
        }
        let given = |key: &str, count: usize| self.expect.get(key).map_or_else(|| count.to_string(), plain);
        let (segments, records) = (given("segments", segments), given("records", records));
        [
            ("/handshake/hello_segments", segments),
            ("/mesh/hop/id", random[..16].to_owned()),
            ("/handshake/random", random),
            ("/handshake/hello_bytes", message.len().to_string()),
            ("/handshake/hello_records", records),
            ("/handshake/ech", if hello.ech || hello.esni { "grease_or_real" } else { "none" }.to_owned()),
            ("/handshake/index", u8::from(second).to_string()),
            ("/tls/client/version", version.to_owned()),
            ("/tls/client/alpn", protocols),
        ]
        .map(|(pointer, value)| (pointer.to_owned(), value))
        .to_vec()
    }

    /// The record's time is the hello's, to a clock's tick and the gaps between segments; the latency is the server's.
    fn of_time(&self, record: &Value) -> Vec<String> {
        let connection = &self.connection;
        let mut wrong = Vec::new();
        let ts = record.pointer("/ts").and_then(Value::as_f64).unwrap();
        let due = self.start + connection.at;
        if (ts - due).abs() > 0.002 {
            wrong.push(format!("its time is {ts}, not {due}"));
        }
        let latency = record.pointer("/handshake/latency_ms").and_then(Value::as_f64);
        let mut due = (!is_attempt(connection)).then(|| connection.latency());
        match connection.answer {
            _ if connection.direction != Direction::Both || latency.is_none() => due = None,
            // the alert, and the ServerHello after the second hello, wait for what they answer to
            Answer::LateAlert => due = None,
            Answer::ClientAlert | Answer::HelloRetry => {
                due = due.map(|due| due + 0.06 + connection.server_turn() as f64 / 1e6);
            }
            _ => {}
        }
        if let (Some(due), Some(latency)) = (due, latency)
            && (latency - due).abs() > 0.0051
        {
            wrong.push(format!("its latency is {latency} ms, not {due}"));
        }
        wrong
    }
}

/// What `connection` expects of this capture.
fn of_capture(connection: &Connection, suffix: &str) -> toml::Table {
    match connection.expect.get(suffix) {
        Some(toml::Value::Table(own)) => own.clone(),
        _ => connection.expect.clone(),
    }
}

fn is_attempt(connection: &Connection) -> bool {
    matches!(connection.open, Open::Refused | Open::Unanswered)
}

fn ends(connection: &Connection) -> Ends {
    let side = match connection.open {
        Open::Refused => "refused".to_owned(),
        Open::Unanswered => "timeout".to_owned(),
        Open::Handshake | Open::Missing => connection.client.port().to_string(),
    };
    (connection.client.ip(), side, connection.server.ip(), connection.server.port())
}

fn by_ends<'r>(records: impl Iterator<Item = &'r Value>) -> BTreeMap<Ends, Vec<&'r Value>> {
    let mut all: BTreeMap<Ends, Vec<&Value>> = BTreeMap::new();
    for record in records {
        let ip = |pointer: &str| record.pointer(pointer).unwrap().as_str().unwrap().parse().unwrap();
        let attempt = record.pointer("/handshake/attempts").is_some();
        let side = if attempt { "/handshake/result" } else { "/source/port" };
        let port = record.pointer("/destination/port").unwrap().as_u64().unwrap();
        let port = u16::try_from(port).unwrap();
        let key = (ip("/source/ip"), text(record.pointer(side)), ip("/destination/ip"), port);
        all.entry(key).or_default().push(record);
    }
    all
}

fn is(record: &Value, action: &str) -> bool {
    record.pointer("/event/action").and_then(Value::as_str) == Some(action)
}

fn pointer(key: &str) -> String {
    let place = match key {
        "sni" => "/sni",
        "result" | "by" | "retransmits" | "index" => return format!("/handshake/{key}"),
        "alert" => "/handshake/alert/description",
        "protocol" => "/network/protocol",
        "hello_retry" => "/handshake/hello_retry",
        "version" | "resumed" | "established" => return format!("/tls/{key}"),
        "alpn" => "/tls/next_protocol",
        "wire" => "/tls/client/server_name",
        "kind" | "scheme" | "service" | "subset" | "namespace" | "partition" | "peer" | "flags" => {
            return format!("/mesh/{key}");
        }
        "dc" => "/mesh/datacenter",
        "caller" => "/mesh/source_service",
        "caller_namespace" => "/mesh/source_namespace",
        "caller_partition" => "/mesh/source_partition",
        "caller_dc" => "/mesh/source_datacenter",
        "client_subject" => "/tls/client/subject",
        "server_subject" => "/tls/server/subject",
        "client_names" => "/tls/client/x509/alternative_names",
        "server_names" => "/tls/server/x509/alternative_names",
        "preface" => "/handshake/preface",
        "source" | "destination" => return format!("/{key}/address"),
        "vlan" => "/network/vlan/id",
        "inner_vlan" => "/network/inner/vlan/id",
        "truncated" | "gap" | "conflict" => return format!("/capture/{key}"),
        _ => panic!("`{key}` is no field that a scenario can expect"),
    };
    place.to_owned()
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::Array(list) => {
            let texts: Vec<&str> = list.iter().map(|text| text.as_str().unwrap()).collect();
            format!("[{}]", texts.join(","))
        }
        other => other.to_string(),
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            format!("[{}]", texts.join(","))
        }
        Some(other) => other.to_string(),
    }
}
