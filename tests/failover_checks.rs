//! Health checks to the other datacenter, and what moves beside them; what another vantage point knows better.
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

mod support;

#[path = "support/mesh.rs"]
mod mesh;
#[path = "support/run.rs"]
mod run;

use mesh::{P17, P23, calls, capture, checks, direct, records, through, told};
use run::fed;
use support::connection::{Answer, Connection};

/// One check every 2 s to the other datacenter, while all is healthy.
#[test]
fn health_checks_are_no_news() {
    for begin in [0.1, 1.0, 2.0] {
        told(&[checks(7), through("currency", "dc2", (begin, 2.02, 30), P17)], &[]);
    }
}

/// The checks go on when the requests come to the same target: what comes beside them is the move.
#[test]
fn a_failover_beside_health_checks_is_found() {
    let all = [
        checks(6),
        through("currency", "dc2", (0.9, 2.02, 28), P17),
        through("currency", "dc2", (20.3, 0.25, 120), P17),
    ];
    told(&all, &["currency first_sight - dc2 20.300"]);
    let banner =
        "FAILOVER  currency: first request for dc2 through this gateway beside health checks every 2 s";
    let lines = fed("-r - --local-dc dc1", &capture(&all)).out;
    assert!(lines.contains(banner), "{lines}");
    // two that check, and one request that was tried again there
    let all = [
        checks(6),
        through("currency", "dc2", (0.9, 2.02, 28), P17),
        through("currency", "dc2", (1.6, 2.02, 28), P23),
        through("currency", "dc2", (30.1, 1.0, 1), P23),
    ];
    told(&all, &[]);
}

/// Without an answer, a connection's record comes with the end of the wait; its hello does not.
#[test]
fn correlate_judges_what_nobody_answers_when_it_is_asked_for() {
    let vain = Connection { answer: Answer::Silence, ..through("currency", "dc2", (3.0, 0.25, 70), P17) };
    let folder = run::Folder::new();
    let file = folder.write("dc1.pcap", &capture(&[checks(6), vain]));
    let table = run::sni_watch(&format!("correlate dc1={file} -o table")).printed();
    let told =
        table.lines().filter(|line| line.starts_with("FAILOVER  10:30:03.000  currency  (silent) → dc2"));
    assert_eq!(told.count(), 1, "{table}");
}

/// The checks go on when the requests have gone: these fell silent, at the last one, and can come again.
#[test]
fn a_failback_beside_health_checks_is_silence() {
    let all = [
        checks(13),
        through("currency", "dc2", (0.9, 2.02, 62), P17),
        through("currency", "dc2", (20.3, 0.25, 81), P17),
        through("currency", "dc2", (80.3, 0.25, 81), P17),
    ];
    let expected = [
        "currency first_sight - dc2 20.300",
        "currency silence dc2 - 40.300",
        "currency first_sight - dc2 80.300",
        "currency silence dc2 - 100.300",
    ];
    told(&all, &expected);
    // and with the checks of another that never asks for more
    let other = through("currency", "dc2", (1.6, 2.02, 62), P23);
    let all: Vec<_> = all.into_iter().chain([other]).collect();
    told(&all, &expected);
    let moved: Vec<_> = records(&all, "").iter().map(|it| it["failover"]["clients_moved"].clone()).collect();
    assert_eq!(moved, [1, 0, 1, 0], "who only checks has not moved");
}

/// Its program was restarted, soon or after a while: its clock is another one.
#[test]
fn health_checks_that_begin_anew_are_no_news() {
    for again in [40.6, 43.7, 47.5, 55.1, 70.2] {
        let all = [
            checks(13),
            through("currency", "dc2", (0.9, 2.02, 20), P17),
            through("currency", "dc2", (again, 2.02, 26), P17),
        ];
        told(&all, &[]);
    }
    // They just end: nothing was in use.
    told(&[checks(13), through("currency", "dc2", (0.9, 2.02, 20), P17)], &[]);
}

/// On a long line the last answers of the old target come when the new one is in use already: their hellos were the
/// last that it took.
#[test]
fn the_gap_is_from_the_last_hello_that_was_answered_however_late() {
    let slow = |times| Connection { latency_ms: 400.0, ..direct(times, P17) };
    let all = [checks(6), slow((0.2, 0.25, 80)), through("currency", "dc2", (20.1, 0.25, 100), P17)];
    told(&all, &["currency label_change dc1 dc2 20.100"]);
    // the last of 80 began at 19.95
    assert_eq!(records(&all, "")[0]["failover"]["gap_ms"], 150.0);
}

/// The moves that both gateways together tell of.
fn moves(near: &[Connection], far: &[Connection]) -> Vec<String> {
    let folder = run::Folder::new();
    let (one, two) = (folder.write("dc1.pcap", &capture(near)), folder.write("dc2.pcap", &capture(far)));
    let table = run::sni_watch(&format!("correlate dc1={one} dc2={two} -o table")).printed();
    let told = table.lines().filter(|line| line.starts_with("FAIL") || line.starts_with("SILENCE"));
    told.map(|line| line[..18].to_owned()).collect()
}

/// The far gateway hears nothing while the near one's clients are refused or its line is cut; the near one knows that
/// they never turned to another place.
#[test]
fn a_silence_that_another_vantage_point_denies_is_none() {
    let far = |times| calls("currency", "dc2", times, "10.128.0.10", "10.132.0.20:443");
    let heard = [checks(11), far((0.15, 0.25, 120)), far((50.15, 0.25, 200))];
    told(&heard, &["currency silence dc2 - 29.900", "currency first_sight - dc2 50.150"]);
    let moves = |near: &[Connection]| moves(near, &heard);
    assert_eq!(moves(&[checks(11), through("currency", "dc2", (0.1, 0.25, 400), P17)]), [""; 0]);
    // Another service's requests, or none in the meantime, say nothing about it.
    let other = [checks(11), through("ledger", "dc2", (0.1, 0.25, 400), P17)];
    assert_eq!(moves(&other), ["SILENCE   10:30:29", "FAILOVER  10:30:50"]);
}

/// Where the requests went, the near gateway saw.
#[test]
fn a_silence_after_which_another_place_is_asked_is_that_move() {
    let far = calls("currency", "dc2", (0.15, 0.25, 120), "10.128.0.10", "10.132.0.20:443");
    let heard = [checks(11), far];
    told(&heard, &["currency silence dc2 - 29.900"]);
    let stays = through("currency", "dc2", (0.1, 0.25, 120), P17);
    let goes = through("currency", "dc3", (30.1, 0.25, 300), P17);
    assert_eq!(moves(&[checks(11), stays.clone(), goes], &heard), ["FAILOVER  10:30:30"]);
    assert_eq!(moves(&[checks(11), stays], &heard), ["SILENCE   10:30:29"]);
}
