//! Captures of a real mesh beside the project, where they are there: what must be told of each, and what must not.
//!
//! `SNI_WATCH_SHARED` names the folder; without it, `../shared` beside the project is looked at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "test code fails loudly, and says when it has nothing to look at"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn captures() -> Option<PathBuf> {
    let shared = std::env::var_os("SNI_WATCH_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let captures = shared.join("lab/captures");
    if captures.is_dir() {
        return Some(captures);
    }
    println!("skipped: {} is not there", captures.display());
    None
}

/// What the program says of a capture, one JSON record a line.
fn records(capture: &Path, options: &[&str]) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_sni-watch"))
        .args(["-j", "--emit", "failover", "-r"])
        .arg(capture)
        .args(options)
        .env_clear()
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_failover(record: &Value) -> bool {
    record["event"]["action"] == "failover"
}

/// Seconds since 1970 of the first and the last hello for currency in dc2, by tshark.
fn truth(scenario: &Path, gateway: &str) -> (f64, f64) {
    let text = std::fs::read_to_string(scenario.join(format!("{gateway}-gateway.truth.jsonl"))).unwrap();
    let hellos = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let currency = hellos.filter(|hello| {
        hello["sni"].as_str().is_some_and(|sni| sni.to_lowercase().starts_with("currency.default.dc2."))
            && hello["dst"].as_str().is_some_and(|dst| dst.ends_with(":443"))
    });
    let mut times: Vec<f64> = currency.map(|hello| hello["t_first"].as_f64().unwrap()).collect();
    times.sort_by(f64::total_cmp);
    // a gateway passes the last hello on some milliseconds after it came
    let inward = times.iter().rev().find(|time| times[times.len() - 1] - **time > 0.005);
    (times[0], *inward.unwrap_or(&times[0]))
}

/// Scenario; first sights and changes of label, and silences, of currency at dc1's gateway.
const EXPECTED: &[(&str, usize, usize)] = &[
    ("failover", 1, 0),
    ("crash", 1, 0),
    ("aggregate", 1, 0),
    ("longlived", 1, 0),
    ("keepalive", 1, 0),
    ("failback", 0, 1),
    ("gatewaydown", 0, 0),
    ("healthy", 0, 0),
    ("crossdc", 0, 0),
    ("loss", 0, 0),
    ("hrr", 0, 0),
    ("tls12", 0, 0),
    ("slow", 0, 0),
    ("edge", 0, 0),
];

#[test]
fn currency_at_the_gateway_of_dc1() {
    let Some(captures) = captures() else { return };
    for (scenario, moves, silences) in EXPECTED {
        let folder = captures.join(scenario);
        for options in [&[][..], &["--local-dc", "dc1"]] {
            let records = records(&folder.join("dc1-gateway.pcap"), options);
            let told: Vec<&Value> = records.iter().filter(|record| is_failover(record)).collect();
            let of = |rules: &[&str]| -> Vec<&Value> {
                let rule = |record: &Value| rules.iter().any(|rule| record["failover"]["rule"] == *rule);
                told.iter().filter(|it| it["mesh"]["service"] == "currency" && rule(it)).copied().collect()
            };
            let (moved, silent) = (of(&["first_sight", "label_change"]), of(&["silence"]));
            assert_eq!((moved.len(), silent.len()), (*moves, *silences), "{scenario} {options:?}: {told:#?}");
            // nothing else moves in these either
            assert_eq!(told.len(), moves + silences, "{scenario} {options:?}: {told:#?}");
            let near = |record: &Value, time: f64| (record["ts"].as_f64().unwrap() - time).abs() < 0.000_01;
            for record in moved {
                assert!(near(record, truth(&folder, "dc1").0), "{scenario}: {record:#?}");
                assert!(record["failover"]["confidence"].as_f64().unwrap() >= 0.9);
                assert_eq!(
                    (&record["failover"]["from"], &record["failover"]["to"]),
                    (&Value::Null, &"dc2".into())
                );
                assert_eq!(record["failover"]["clients_moved"], 1);
            }
            for record in silent {
                assert!(near(record, truth(&folder, "dc1").1), "{scenario}: {record:#?}");
                assert_eq!(
                    (&record["failover"]["from"], &record["failover"]["to"]),
                    (&"dc2".into(), &Value::Null)
                );
            }
        }
    }
}

#[test]
fn currency_at_the_gateway_of_dc2_is_ingress() {
    let Some(captures) = captures() else { return };
    for (scenario, moves, _) in EXPECTED {
        let folder = captures.join(scenario);
        let records = records(&folder.join("dc2-gateway.pcap"), &["--local-dc", "dc2"]);
        let told: Vec<&Value> = records.iter().filter(|record| is_failover(record)).collect();
        assert_eq!(told.len(), *moves, "{scenario}: {told:#?}");
        for record in told {
            assert_eq!(
                (&record["mesh"]["role"], &record["failover"]["to"]),
                (&"ingress".into(), &"dc2".into())
            );
            assert!(
                (record["ts"].as_f64().unwrap() - truth(&folder, "dc2").0).abs() < 0.000_01,
                "{scenario}"
            );
        }
    }
}

/// Every connection through a gateway crosses a border, and no other does.
#[test]
fn roles_are_what_the_topology_says() {
    let Some(captures) = captures() else { return };
    for (scenario, ..) in EXPECTED {
        for local in ["dc1", "dc2"] {
            let capture = captures.join(scenario).join(format!("{local}-gateway.pcap"));
            for record in records(&capture, &["--local-dc", local]) {
                let Some(to) = record["mesh"]["datacenter"].as_str() else { continue };
                let expected = if to == local { "ingress" } else { "egress" };
                // dc9 and the like are where the names of `edge` say; they come from inside all the same
                assert_eq!(record["mesh"]["role"], expected, "{scenario} {local}: {record:#?}");
            }
        }
    }
}

#[test]
fn causes_are_those_that_were_measured() {
    let Some(captures) = captures() else { return };
    let mut seen = Vec::new();
    for record in records(&captures.join("edge/dc1-gateway.pcap"), &["--local-dc", "dc1"]) {
        let Some(cause) = record["handshake"]["cause"].as_str() else { continue };
        let latency = record["handshake"]["latency_ms"].as_f64().unwrap();
        // two round trips of 10 ms where it was passed on, and no time at all where it was not
        let fits = match cause {
            "remote_reset" => (20.0..30.0).contains(&latency),
            "no_route" => latency < 1.0,
            _ => false,
        };
        assert!(fits, "{record:#?}");
        seen.push(cause.to_owned());
    }
    assert!(seen.iter().any(|it| it == "remote_reset") && seen.iter().any(|it| it == "no_route"), "{seen:?}");
    // a gateway that was killed: the time fits to a refusal that never was
    let records = records(&captures.join("gatewaydown/dc1-gateway.pcap"), &["--local-dc", "dc1"]);
    assert!(records.iter().all(|record| record["handshake"].get("cause").is_none()));
}
