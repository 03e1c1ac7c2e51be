//! What is kept is bounded, and what had to go is counted: flows, bytes, attempts.

use super::*;
use crate::flow::limits::{IDLE_OPEN, TOTAL_BYTES};
use crate::model::segment::Hosts;

fn small(max_flows: usize) -> Watch {
    Watch::new(Settings { max_flows, ..Settings::default() })
}

#[test]
fn flows_that_need_nothing_more_make_room_first() {
    let mut watch = small(4);
    for port in 1..=3 {
        watch.handshake((1, port), "done.example");
    }
    watch.open(ONE);
    watch.says(ONE, 0, &named("waits.example").stream());
    assert_eq!(watch.inspector.stats().active, 4);
    watch.out.clear();
    watch.handshake((2, 1), "new.example");
    assert_eq!(watch.told(), ["handshake new.example ok by server"]);
    let stats = watch.inspector.stats();
    assert_eq!((stats.active, stats.evicted), (4, 1));
    watch.send(ONE, true, RST | ACK, (S + 1, 0), &[]);
    assert_eq!(watch.told(), ["handshake waits.example reset by server"]);
}

#[test]
fn a_flood_of_syns_drives_out_its_own() {
    let mut watch = small(100);
    watch.handshake(ONE, "done.example");
    watch.open((2, 2));
    watch.says((2, 2), 0, &named("waits.example").stream());
    watch.out.clear();
    for port in 1..=1000 {
        watch.syn((3, port));
    }
    assert!(watch.told().iter().all(|told| told == "handshake - timeout"));
    let stats = watch.inspector.stats();
    assert_eq!((stats.active, stats.evicted), (100, 902));
    watch.send((2, 2), true, RST | ACK, (S + 1, 0), &[]);
    assert_eq!(watch.told(), ["handshake waits.example reset by server"]);
    // the finished connection is still known: a late repetition of its hello begins nothing
    watch.says(ONE, 0, &named("done.example").stream());
    watch.finish();
    assert!(watch.told().iter().all(|told| !told.contains("done.example")));
}

#[test]
fn open_connections_go_last_and_are_told() {
    let mut watch = small(3);
    for port in 1..=5 {
        watch.open((1, port));
        watch.says((1, port), 0, &named(&format!("n{port}.example")).stream());
    }
    assert_eq!(watch.told(), ["handshake n1.example not_seen", "handshake n2.example not_seen"]);
    let stats = watch.inspector.stats();
    assert_eq!((stats.active, stats.evicted, stats.total), (3, 2, 5));
}

#[test]
fn connections_that_only_wait_for_their_end_go_before_those_that_are_not_told() {
    let mut watch = Watch::new(Settings { max_flows: 2, emit_end: true, ..Settings::default() });
    watch.open((1, 1));
    watch.says((1, 1), 0, &named("waits.example").stream());
    watch.handshake((1, 2), "told.example");
    watch.handshake((1, 3), "new.example");
    let told = ["handshake told.example ok by server", "end told.example ok by server"];
    assert_eq!(watch.told(), [&told[..], &["handshake new.example ok by server"]].concat());
    assert_eq!(watch.inspector.stats().active, 2);
}

#[test]
fn bytes_of_all_connections_together_are_bounded() {
    let mut watch = Watch::plain();
    let begun = Hello { size: 65_536, ..Hello::named("b", Version::Tls13, "big.example") }.stream();
    let each = &begun[..60 * 1024];
    let count = TOTAL_BYTES / each.len() + 20;
    for number in 0..count as u16 {
        watch.open((number, 7));
        watch.says((number, 7), 0, each);
    }
    let evicted = watch.inspector.stats().evicted as usize;
    assert_eq!(evicted, count - TOTAL_BYTES / each.len());
    assert_eq!(watch.told(), vec!["handshake - incomplete_hello"; evicted]);
}

#[test]
fn a_connection_without_a_word_is_forgotten() {
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.wait(IDLE_OPEN - SECOND);
    assert_eq!(watch.inspector.stats().active, 1);
    watch.wait(2 * SECOND);
    let stats = watch.inspector.stats();
    assert_eq!((stats.active, stats.no_hello), (0, 1));
    assert_eq!(watch.told(), [""; 0]);
}

#[test]
fn a_word_within_the_time_is_in_time() {
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.wait(IDLE_OPEN - SECOND);
    watch.says(ONE, 0, &named("late.example").stream());
    watch.send(ONE, true, RST | ACK, (S + 1, 0), &[]);
    assert_eq!(watch.told(), ["handshake late.example reset by server"]);
}

/// A refused attempt of `client` at `server`, a second after the start.
fn attempt(client: u32, server: u8, result: Outcome) -> Observation {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.wait(11 * SECOND);
    let mut record = watch.out.remove(0);
    record.flow.hosts = Hosts::V4(Ipv4Addr::from(client), Ipv4Addr::new(10, 9, 9, server));
    record.completed = START;
    let handshake = record.handshake.as_mut().unwrap();
    (handshake.result, handshake.retransmits) = (result, 1);
    record
}

/// True if the record is counted and not told by itself.
fn takes(attempts: &mut Attempts, record: &Observation) -> bool {
    attempts.takes(record)
}

/// Client, destination, result and number of attempts of each record.
fn groups(records: &[Observation]) -> Vec<String> {
    let text = |record: &Observation| {
        let handshake = record.handshake.as_ref().unwrap();
        let (client, port) = (record.flow.source_ip(), record.flow.ports.0);
        let to = record.flow.destination_ip();
        format!("{client} {port} {to} {} {}", handshake.result.name(), handshake.attempts.unwrap())
    };
    records.iter().map(text).collect()
}

#[test]
fn attempts_of_one_client_at_one_destination_are_told_together_after_the_interval() {
    let mut attempts = Attempts::new(10 * SECOND, true);
    let mut out = Vec::new();
    for result in [Outcome::Refused, Outcome::Timeout, Outcome::Refused] {
        assert!(takes(&mut attempts, &attempt(1, 1, result)));
    }
    assert!(takes(&mut attempts, &attempt(2, 1, Outcome::Refused)));
    attempts.flush(START.plus(10 * SECOND - 1), &mut out);
    assert!(out.is_empty());
    attempts.flush(START.plus(10 * SECOND), &mut out);
    let expected = [
        "0.0.0.1 0 10.9.9.1 refused 2",
        "0.0.0.1 40000 10.9.9.1 timeout 1",
        "0.0.0.2 40000 10.9.9.1 refused 1",
    ];
    assert_eq!(groups(&out), expected);
    assert_eq!(out[0].handshake.as_ref().unwrap().retransmits, 2);
    out.clear();
    attempts.finish(&mut out);
    assert!(out.is_empty(), "each is told once");
}

#[test]
fn many_clients_of_one_destination_are_told_as_one() {
    let mut attempts = Attempts::new(10 * SECOND, true);
    for client in 1..=1000 {
        takes(&mut attempts, &attempt(client, 1, Outcome::Timeout));
    }
    let mut out = Vec::new();
    attempts.finish(&mut out);
    assert_eq!(out.len(), 33);
    let told = groups(&out);
    assert_eq!(told[31], "0.0.0.32 40000 10.9.9.1 timeout 1");
    assert_eq!(told[32], "0.0.0.0 0 10.9.9.1 timeout 968");
}

#[test]
fn many_destinations_are_told_as_one() {
    let mut attempts = Attempts::new(10 * SECOND, true);
    let one = attempt(1, 1, Outcome::Timeout);
    for server in 0..5_000_u32 {
        let mut attempt = one.clone();
        attempt.flow.hosts = Hosts::V4(Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::from(server << 8));
        takes(&mut attempts, &attempt);
    }
    let mut out = Vec::new();
    attempts.finish(&mut out);
    assert_eq!(out.len(), 4097);
    let last = out.last().unwrap();
    assert_eq!((last.flow.destination_ip(), last.flow.ports), ("0.0.0.0".parse().unwrap(), (0, 0)));
    assert_eq!(last.handshake.as_ref().unwrap().attempts, Some(5000 - 4096));
}

#[test]
fn without_a_filter_attempts_count_where_tls_is_spoken() {
    let mut attempts = Attempts::new(10 * SECOND, false);
    let elsewhere = |port: u16| {
        let mut attempt = attempt(1, 1, Outcome::Timeout);
        attempt.flow.ports.1 = port;
        attempt
    };
    takes(&mut attempts, &elsewhere(22));
    takes(&mut attempts, &elsewhere(8443));
    let mut watch = Watch::plain();
    watch.handshake(ONE, "a.example");
    let mut told = watch.out.remove(0);
    told.flow.hosts = elsewhere(8443).flow.hosts;
    told.flow.ports.1 = 8443;
    assert!(!takes(&mut attempts, &told), "a connection is told by itself");
    takes(&mut attempts, &elsewhere(8443));
    takes(&mut attempts, &elsewhere(443));
    let mut out = Vec::new();
    attempts.finish(&mut out);
    let ports: Vec<u16> = out.iter().map(|record| record.flow.ports.1).collect();
    assert_eq!(ports, [8443]);
}

/// The account of held bytes is what the connections hold, also after one of them was given up.
#[test]
fn the_account_of_held_bytes_is_right_after_a_flow_is_given_up() {
    let mut watch = Watch::plain();
    watch.says((9, 9), 0, &[1; 1000]);
    for client in 0..40 {
        for part in 0..40 {
            watch.says((1, 1000 + client), part * 1000, &[2; 1000]);
        }
    }
    assert_eq!(watch.inspector.stats().open_before, 40);
    assert_eq!(watch.inspector.held, 1000);
    watch.finish();
    assert_eq!(watch.inspector.held, 0);
}

/// With what the slab adds it is six cache lines.
#[test]
fn a_connection_has_a_size() {
    assert!(size_of::<Connection>() <= 368, "{}", size_of::<Connection>());
}
