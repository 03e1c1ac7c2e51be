//! The whole output for the fixture, as text and as JSON, and against the schema.

use expect_test::expect_file;
use serde_json::Value;

use crate::run::{Folder, sni_watch};
use crate::support::connection::Connection;
use crate::support::scenario::{Scenario, fixtures};
use crate::{DC1, DC2, as_of_records, paths, records};

#[test]
fn lines_and_records_are_as_committed() {
    let text = sni_watch(&format!("correlate dc1={DC1} dc2={DC2} -v")).good();
    expect_file![fixtures().join("gateways.paths.txt")].assert_eq(&text);
    let json = sni_watch(&format!("correlate dc1={DC1} dc2={DC2} -o json --node golden")).good();
    expect_file![fixtures().join("gateways.paths.jsonl")].assert_eq(&json);
}

#[test]
fn every_path_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for line in [format!("dc1={DC1} dc2={DC2}"), format!("one={DC1}"), "x=fixtures/names.pcap".to_owned()] {
        let (paths, ..) = paths(&line);
        assert!(!paths.is_empty());
        for path in paths {
            let errors: Vec<String> = validator.iter_errors(&path).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{path}: {errors:?}");
        }
    }
}

/// The scenario itself says which legs were seen where: all of them are there, once, with the hello that they had.
#[test]
fn every_leg_of_the_scenario_is_in_one_path() {
    let scenario = Scenario::fixture("gateways");
    let mut due = Vec::new();
    for connection in scenario.connection.iter().flat_map(Connection::expand) {
        let random = connection.hello.as_ref().unwrap().random();
        let id = random[..8].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        for capture in ["dc1", "dc2"] {
            if connection.wire_at(capture).is_some() {
                due.push((id.clone(), capture.to_owned(), connection.client.to_string()));
            }
        }
    }
    let (paths, ..) = paths(&format!("dc1={DC1} dc2={DC2}"));
    let mut told = Vec::new();
    for path in &paths {
        let id = path["path"]["id"].as_str().unwrap();
        for leg in path["path"]["legs"].as_array().unwrap() {
            let source = format!("{}:{}", leg["source"]["ip"].as_str().unwrap(), leg["source"]["port"]);
            told.push((id.to_owned(), leg["node"].as_str().unwrap().to_owned(), source));
        }
    }
    let hellos: std::collections::BTreeSet<&String> = due.iter().map(|(id, ..)| id).collect();
    assert_eq!(paths.len(), hellos.len(), "one path for each hello");
    due.sort();
    told.sort();
    assert_eq!(told, due);
}

#[test]
fn records_give_what_their_captures_give_whatever_their_verbosity() {
    let folder = Folder::new();
    for output in ["line", "json"] {
        let whole = sni_watch(&format!("correlate -v --node x -o {output} dc1={DC1} dc2={DC2}")).good();
        let whole = as_of_records(&whole);
        for verbosity in ["", "-v", "-vv"] {
            let dc1 = folder.write("a.jsonl", records(DC1, "dc1", verbosity).as_bytes());
            let dc2 = folder.write("b.jsonl", records(DC2, "dc2", verbosity).as_bytes());
            let back = sni_watch(&format!("correlate -v --node x -o {output} {dc1} {dc2}")).good();
            assert_eq!(back, whole, "{output} {verbosity}");
            let mixed = sni_watch(&format!("correlate -v --node x -o {output} dc1={DC1} {dc2}")).good();
            assert_eq!(as_of_records(&mixed), whole, "{output} {verbosity}, a capture and records");
        }
    }
}

#[test]
fn the_order_of_the_inputs_changes_the_sign_of_the_offset_and_nothing_else() {
    let one = sni_watch(&format!("correlate dc1={DC1} dc2={DC2}")).good();
    let other = sni_watch(&format!("correlate dc2={DC2} dc1={DC1}")).good();
    let paths = |text: &str| {
        let paths = text.lines().filter(|line| line.contains('→'));
        paths.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(paths(&one), paths(&other));
    assert!(one.starts_with("clock offset dc2−dc1: +0.31 ms ± 0.00 (41 shared hellos; ± 0.20 "), "{one}");
    assert!(other.starts_with("clock offset dc1−dc2: −0.31 ms ± 0.00 (41 shared hellos; ± 0.20 "), "{other}");
}

#[test]
fn one_vantage_point_has_paths_too_and_tables_come_alone() {
    let text = sni_watch(&format!("correlate {DC1}")).good();
    assert!(text.starts_with("HELLO             PATH "), "no second clock: {text}");
    assert!(
        text.contains("  10.42.0.17 → gw gateways-dc1 → 10.132.0.20:443  (payments→currency) "),
        "{text}"
    );
    let tables = sni_watch(&format!("correlate -o table dc1={DC1} dc2={DC2}")).good();
    let lines: Vec<&str> = tables.lines().collect();
    assert_eq!(lines[0], "51 connections: 47 ok, 3 reset, 1 timeout; 2 incomplete");
    assert_eq!(lines[1].split_whitespace().take(4).collect::<Vec<_>>(), ["NODE", "IN", "OUT", "ONLY"]);
    assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["dc1", "44", "44", "3", "0.52", "0.54"]);
    assert_eq!(lines[3].split_whitespace().collect::<Vec<_>>(), ["dc2", "41", "41", "7", "0.48", "0.50"]);
}
