//! What real meshes do when nothing moves, and when something does, played to the program: each pattern was seen
//! between two gateways of a real mesh, and its scenario imitates it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test code fails loudly, and its numbers are small"
)]
#![allow(unreachable_pub, reason = "the modules below share their helpers")]

use serde_json::Value;

mod support;

#[path = "support/mesh.rs"]
mod mesh;
#[path = "support/run.rs"]
mod run;

use mesh::{
    GATEWAY, P17, P23, POD, START_SECONDS, address, calls, capture, checks, direct, records, shown, through,
    told, vain,
};
use nix::sys::signal::Signal;
use run::{Running, fed};
use support::connection::{Answer, Connection, Leg, Open};
use support::hello::{Hello, Version};

#[test]
fn a_healthy_mesh_is_silent() {
    told(&[checks(6), direct((0.2, 0.25, 200), P17)], &[]);
}

#[test]
fn a_failover_is_a_first_sight_at_a_gateway() {
    told(
        &[checks(6), through("currency", "dc2", (20.0, 0.25, 120), P17)],
        &["currency first_sight - dc2 20.000"],
    );
}

#[test]
fn a_failover_soon_after_the_start_needs_a_rate() {
    let fast = through("currency", "dc2", (0.75, 0.2, 60), P17);
    told(&[checks(3), fast], &["currency first_sight - dc2 0.750"]);
    let slow = through("currency", "dc2", (0.75, 1.0, 20), P17);
    told(&[checks(3), slow], &[]);
}

#[test]
fn services_that_always_cross_are_no_news() {
    let batch = calls("cache", "dc1", (0.05, 0.25, 160), "10.132.0.20", GATEWAY);
    told(&[checks(5), through("ledger", "dc2", (0.0, 0.25, 160), P17), batch], &[]);
}

/// One request now and then: the first one comes late by chance.
#[test]
fn a_slow_service_is_no_news_once_its_rate_is_known() {
    let at = [7.0, 12.5, 14.0, 21.0, 24.5, 33.0, 35.5, 41.0];
    let mut all = vec![checks(6)];
    all.extend(at.map(|at| through("currency", "dc2", (at, 1.0, 1), P17)));
    told(&all, &[]);
    let lines = fed("-r - --local-dc dc1", &capture(&all)).out;
    let banners: Vec<&str> = lines.lines().filter(|line| line.starts_with('─')).collect();
    assert_eq!(banners.len(), 2, "at once, and taken back: {banners:?}");
    assert_eq!(
        banners[1],
        "── 10:30:07.000  no FAILOVER  currency: requests for dc2 are so few that a pause of 7 s is usual"
    );
    let table = fed("summary -r -", &capture(&all)).out;
    assert!(!table.contains("FAILOVER") && !table.contains("TIMELINE"), "{table}");
}

/// It sends as seldom, but as if by a clock, and the pause before was twice as long as any since.
#[test]
fn a_slow_failover_is_one() {
    for every in [1.0, 2.0, 4.0, 5.0] {
        told(
            &[checks(7), through("currency", "dc2", (12.0, every, (50.0 / every) as u16), P17)],
            &["currency first_sight - dc2 12.000"],
        );
    }
}

/// It comes and goes: that is one move, until it has been gone for good.
#[test]
fn a_target_that_flaps_is_told_once() {
    let mut all = vec![checks(9)];
    for at in [12.0, 24.0, 36.0] {
        all.push(through("currency", "dc2", (at, 0.25, 20), P17));
    }
    told(&all, &["currency first_sight - dc2 12.000", "currency silence dc2 - 40.750"]);
}

#[test]
fn a_failback_is_silence() {
    let all = [checks(4), through("currency", "dc2", (0.1, 0.25, 34), P17)];
    told(&all, &["currency silence dc2 - 8.350"]);
    // too short a silence
    let all = [checks(3), through("currency", "dc2", (0.1, 0.25, 34), P17)];
    told(&all, &[]);
}

#[test]
fn there_and_back_and_there_again() {
    let all = [
        checks(12),
        through("currency", "dc2", (15.0, 0.25, 100), P17),
        through("currency", "dc2", (80.0, 0.25, 100), P17),
    ];
    let expected = [
        "currency first_sight - dc2 15.000",
        "currency silence dc2 - 39.750",
        "currency first_sight - dc2 80.000",
    ];
    told(&all, &expected);
}

/// The gateway's process is down for 8 s: clients are refused, then nobody asks until Consul's next check.
#[test]
fn a_gateway_that_is_down_is_no_silence() {
    let all = [
        checks(6),
        through("currency", "dc2", (0.0, 0.25, 25), P17),
        vain(Open::Refused, (6.25, 0.25, 25), P17, GATEWAY),
        through("currency", "dc2", (22.5, 0.25, 100), P17),
    ];
    told(&all, &[]);
    // the same right at the start: it was asked all the time
    let all = [
        vain(Open::Refused, (0.0, 0.25, 32), P17, GATEWAY),
        through("currency", "dc2", (8.0, 0.25, 40), P17),
    ];
    told(&all, &[]);
}

/// The host of the gateway is away for 8 s.
#[test]
fn a_link_that_is_cut_is_no_silence() {
    let all = [
        checks(5),
        through("currency", "dc2", (0.0, 0.25, 96), P17),
        through("currency", "dc2", (32.2, 0.25, 60), P17),
    ];
    told(&all, &[]);
}

/// No deregistration: the calls fail, and nothing crosses the gateway until the catalog notices.
#[test]
fn a_crash_is_seen_with_what_failed_where_that_is_visible() {
    let all = [
        direct((0.1, 0.25, 80), P17),
        vain(Open::Refused, (20.1, 0.25, 23), P17, POD),
        through("currency", "dc2", (25.85, 0.25, 100), P17),
    ];
    told(&all, &["currency label_change dc1 dc2 25.850"]);
    let record = &records(&all, "")[0]["failover"];
    assert_eq!(
        (&record["evidence"]["refused"], &record["evidence"]["reset_by"][0]),
        (&23.into(), &"10.42.0.31".into())
    );
    assert_eq!(record["evidence"]["packets"].as_array().unwrap().len(), 23);
    assert_eq!(record["gap_ms"], 6000.0);
}

/// One connection for all requests: one hello.
#[test]
fn a_connection_that_is_kept_is_one_hello_and_enough() {
    let all = [
        checks(7),
        through("ledger", "dc2", (0.0, 1.0, 1), P17),
        through("currency", "dc2", (12.2, 1.0, 1), P17),
    ];
    told(&all, &["currency first_sight - dc2 12.200"]);
}

#[test]
fn a_service_that_is_split_is_no_news() {
    let all = [
        direct((0.0, 0.5, 100), P17),
        through("currency", "dc2", (0.25, 0.5, 100), P17),
        direct((0.1, 0.9, 60), P23),
        through("currency", "dc2", (0.45, 1.9, 30), P23),
    ];
    told(&all, &[]);
}

#[test]
fn two_clients_that_always_used_different_datacenters_are_no_news() {
    told(&[direct((0.0, 0.5, 100), P17), through("currency", "dc2", (0.25, 0.5, 100), P23)], &[]);
    // and one that comes later uses what it uses
    told(&[direct((0.0, 0.5, 100), P17), through("currency", "dc2", (20.0, 0.5, 60), P23)], &[]);
}

/// One request fails, and is tried again in the other datacenter.
#[test]
fn retries_elsewhere_are_no_news() {
    let mut all = vec![direct((0.0, 0.25, 240), P17)];
    for at in [12.1, 25.1, 40.1, 41.1] {
        all.push(Connection { answer: Answer::Reset, latency_ms: 1.0, ..direct((at, 1.0, 1), P17) });
        all.push(through("currency", "dc2", (at + 0.03, 1.0, 1), P17));
    }
    told(&all, &[]);
}

/// Consul's servers, through the gateways.
#[test]
fn servers_are_no_services() {
    let mut server = calls("x", "dc2", (20.0, 0.25, 60), P17, GATEWAY);
    server.hello = Some(Hello::named("server", Version::Tls13, "node7.server.dc2.consul"));
    told(&[checks(6), server], &[]);
}

#[test]
fn a_client_that_moves_and_moves_back_is_told_twice() {
    let all = [
        direct((0.0, 0.25, 80), P17),
        through("currency", "dc2", (20.0, 0.25, 80), P17),
        direct((40.0, 0.25, 80), P17),
    ];
    told(&all, &["currency label_change dc1 dc2 20.000", "currency label_change dc2 dc1 40.000"]);
    let done = fed("-r - --local-dc dc1", &capture(&all));
    let banners: Vec<&str> = done.out.lines().filter(|line| line.starts_with('─')).collect();
    assert_eq!(banners.len(), 2, "{banners:?}");
    assert!(
        banners[0].contains("FAILOVER  currency: ") && banners[1].contains("FAILBACK  currency: "),
        "{banners:?}"
    );
}

/// At the other gateway the same is requests from elsewhere.
#[test]
fn the_other_gateway_sees_ingress() {
    let mut call = calls("currency", "dc2", (20.0, 0.25, 60), "10.128.0.10", "10.132.0.20:443");
    call.out = Some(Leg::new(address("10.132.0.20:40000"), address("10.132.0.31:21000"), 0.5));
    let mut check = checks(5);
    check.server = address("10.132.0.20:443");
    let all = [check, call];
    let done = fed("-r - --local-dc dc2", &capture(&all));
    let banner =
        "── 10:30:20.000  INGRESS  currency: first request from another datacenter (via 10.128.0.10)\n";
    assert!(done.out.starts_with(banner), "{}", done.out);
    assert_eq!(done.out.matches("INGRESS").count(), 1);
}

#[test]
fn records_have_a_role_where_the_datacenter_of_the_place_is_known() {
    let all = [
        through("ledger", "dc2", (0.1, 1.0, 2), P17),
        calls("cache", "dc1", (0.3, 1.0, 2), "10.132.0.20", GATEWAY),
        calls("cache", "dc1", (0.301, 1.0, 2), "10.128.0.10", "10.42.0.35:20000"),
        direct((0.5, 1.0, 2), P17),
        calls("far", "dc3", (0.7, 1.0, 2), "10.132.0.20", GATEWAY),
    ];
    let done = fed("-r - -j --local-dc DC1", &capture(&all));
    let mut roles: Vec<String> = Vec::new();
    for line in done.out.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["mesh"]["local_datacenter"], "dc1");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        roles.push(format!(
            "{} {} > {} {}",
            text(&record["mesh"]["service"]),
            text(&record["source"]["ip"]),
            text(&record["destination"]["ip"]),
            text(&record["mesh"]["role"])
        ));
    }
    roles.sort();
    roles.dedup();
    let expected = [
        "cache 10.128.0.10 > 10.42.0.35 ingress",
        "cache 10.132.0.20 > 10.128.0.10 ingress",
        "currency 10.42.0.17 > 10.42.0.31 local",
        "far 10.132.0.20 > 10.128.0.10 transit",
        "ledger 10.128.0.10 > 10.132.0.20 egress",
        "ledger 10.42.0.17 > 10.128.0.10 egress",
    ];
    assert_eq!(roles, expected);
    let without = fed("-r - -j", &capture(&all)).out;
    assert!(!without.contains("\"role\"") && !without.contains("local_datacenter"));
}

/// The causes that a gateway's records can prove.
#[test]
fn a_failure_has_its_cause_where_it_is_sure() {
    let fails = |at: f64, latency_ms: f64| {
        let it = calls("currency", "dc2", (at, 1.0, 1), P17, GATEWAY);
        Connection { answer: Answer::Reset, latency_ms, ..it }
    };
    let onward = |server: &str, at: f64| vain(Open::Refused, (at, 1.0, 1), "10.128.0.10", server);
    let passed = Connection {
        out: Some(Leg::new(address("10.128.0.10:41000"), address("10.132.0.20:443"), 10.5)),
        ..fails(4.0, 21.5)
    };
    let all = [
        fails(1.0, 0.3),
        fails(2.0, 11.0),
        onward("10.132.0.20:443", 2.0005),
        fails(3.0, 3.0),
        onward("10.42.0.34:20000", 3.0005),
        passed,
        fails(5.0, 5005.0),
        fails(6.0, 11.3),
    ];
    let done = fed("-r - -j --local-dc dc1", &capture(&all));
    let mut causes = Vec::new();
    for line in done.out.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["source"]["ip"] == P17 {
            let second = (record["ts"].as_f64().unwrap() - START_SECONDS) as u64;
            causes.push((second, record["handshake"]["cause"].as_str().unwrap_or("-").to_owned()));
        }
    }
    causes.sort();
    let expected = [
        (1, "no_route"),
        (2, "remote_gateway_refused"),
        (3, "sidecar_refused"),
        (4, "remote_reset"),
        (5, "connect_timeout"),
        (6, "-"),
    ];
    assert_eq!(causes, expected.map(|(second, cause)| (second, cause.to_owned())));
}

/// Shipping, which always goes to dc2, and 41 currency connections of two clients from 20 s on.
fn the_failover_of_the_story() -> Vec<Connection> {
    let mut moved = through("currency", "dc2", (20.0, 1.0, 41), P17);
    moved.repeat.as_mut().unwrap().clients = vec![P17.parse().unwrap(), P23.parse().unwrap()];
    vec![through("shipping", "dc2", (0.0, 1.0, 65), P17), moved]
}

#[test]
fn story_3_operator_during_failover() {
    let all = the_failover_of_the_story();
    for options in ["", "--local-dc dc1"] {
        let records = records(&all, options);
        assert_eq!(records.len(), 1, "{records:#?}");
        let it = &records[0];
        assert_eq!(shown(it), "currency first_sight - dc2 20.000");
        assert_eq!(
            (&it["failover"]["clients_moved"], &it["failover"]["clients_stale"]),
            (&2.into(), &0.into())
        );
    }
    let lines = fed("-r - --local-dc dc1", &capture(&all)).out;
    let banner =
        "── 10:30:20.000  FAILOVER  currency: first request for dc2 through this gateway (caller 10.42.0.17)";
    let banners: Vec<&str> = lines.lines().filter(|line| line.starts_with('─')).collect();
    assert_eq!(banners, [banner]);
    let first = lines.lines().position(|line| line.contains("currency → dc2")).unwrap();
    assert!(lines.lines().position(|line| line == banner).unwrap() < first, "{lines}");
    let table = fed("summary -r -", &capture(&all)).out;
    let row = table.lines().find(|line| line.starts_with("currency")).unwrap();
    assert_eq!(row.split_whitespace().nth(2), Some("41"), "connections, not legs: {row}");
    assert!(table.contains("\nFAILOVER  10:30:20.000  currency  (silent) → dc2  first sight, "), "{table}");
}

/// Ctrl-C: the counts, and below them what moved.
#[test]
fn a_watch_ends_with_its_failovers() {
    let mut running = Running::piped("-r - --local-dc dc1");
    running.feed(&capture(&the_failover_of_the_story()));
    // the last connection but one is told; the last may wait for more
    while !running.line().contains("10:31:03.0") {}
    let err = running.ends_within(std::time::Duration::from_secs(5), Signal::SIGINT).err;
    let (counts, rows) = err.split_once("FAILOVER").unwrap();
    assert!(counts.contains("packets captured\n") && counts.contains("connections ("), "{err}");
    assert!(
        rows.starts_with("  10:30:20.000  currency  (silent) → dc2  first sight, confidence 0.99, "),
        "{err}"
    );
    assert!(rows.contains("\nTIMELINE currency\n"), "{err}");
}

#[test]
fn story_4_who_still_talks_to_the_old_dc() {
    let mut all = the_failover_of_the_story();
    let stale = Connection { answer: Answer::Reset, latency_ms: 0.3, ..direct((3.0, 4.0, 14), "10.42.0.29") };
    all.push(stale);
    all.push(direct((0.2, 1.0, 19), P17));
    all.push(direct((0.7, 1.0, 19), P23));
    let records = records(&all, "");
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(shown(&records[0]), "currency label_change dc1 dc2 20.000");
    let it = &records[0]["failover"];
    assert_eq!((&it["clients_moved"], &it["clients_stale"]), (&2.into(), &1.into()));
    assert_eq!(it["stale"], serde_json::json!(["10.42.0.29"]));
    let table = fed("summary -r - --service currency --by src,dc --since 10:30:20", &capture(&all)).out;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert!(rows.contains(&vec!["10.42.0.29", "dc1", "9"]), "{table}");
    assert!(!rows.iter().any(|row| row[..2] == [P17, "dc1"]), "{table}");
    assert!(table.contains("10.42.0.29 still asks for dc1, "), "{table}");
}

#[test]
fn story_5_why_did_it_fail_over() {
    let failing =
        |answer, at: f64| Connection { answer, latency_ms: 1.2, alert: 48, ..direct((at, 1.0, 1), P17) };
    let all = [
        direct((0.0, 0.5, 40), P17),
        failing(Answer::Reset, 20.4),
        failing(Answer::ClientAlert, 20.8),
        vain(Open::Refused, (21.2, 1.0, 1), P17, POD),
        vain(Open::Unanswered, (21.6, 0.4, 3), P17, POD),
        through("currency", "dc2", (45.0, 0.5, 60), P17),
    ];
    let records = records(&all, "");
    assert_eq!(records.len(), 1, "{records:#?}");
    let it = &records[0];
    assert_eq!(shown(it), "currency label_change dc1 dc2 45.000");
    let evidence = &it["failover"]["evidence"];
    let count = |key: &str| evidence[key].as_u64().unwrap();
    assert_eq!(["refused", "reset", "alert", "timeout"].map(count), [1, 1, 1, 3]);
    assert_eq!(evidence["reset_by"], serde_json::json!(["10.42.0.31"]));
    let sentence = "in the 30 s before: 9 SYN unanswered, 2 RST by 10.42.0.31, 1 TLS alert (unknown_ca)";
    assert!(it["event"]["reason"].as_str().unwrap().ends_with(sentence), "{it}");
    // the packets are those of the failures' own records
    let done = fed("-r - -j --emit failover,hello", &capture(&all));
    let mut failed: Vec<u64> = Vec::new();
    for line in done.out.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let result = record["handshake"]["result"].as_str().unwrap_or("ok");
        if result != "ok" {
            failed.push(record["capture"]["packet"].as_u64().unwrap());
        }
    }
    let cited: Vec<u64> =
        evidence["packets"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).collect();
    assert_eq!(cited.len(), 6);
    assert!(failed.iter().all(|packet| cited.contains(packet)), "{failed:?} {cited:?}");
    let why = fed("explain currency -r -", &capture(&all)).out;
    assert!(
        why.contains("9 SYN unanswered, 2 RST by 10.42.0.31, 1 TLS alert (unknown_ca) (packets "),
        "{why}"
    );
    let packets: Vec<String> = cited.iter().map(u64::to_string).collect();
    assert!(why.contains(&packets.join(" ")), "{why}");
    let json = fed("explain currency -r - -j", &capture(&all)).out;
    assert_eq!(json.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["failover"], it["failover"]);
    let nothing = fed("explain shipping -r -", &capture(&all)).out;
    assert_eq!(nothing, "no failover, failback or silence in 0 connections\n");
}
