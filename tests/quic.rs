//! QUIC and Google QUIC under hostile conditions: packets in any order and number, cut, changed; never another
//! record, never a wrong name, never a panic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "test code fails loudly"
)]

mod support;
mod watch;

use std::collections::BTreeSet;

use proptest::prelude::*;
use sni_watch::hello::entries;
use sni_watch::model::observation::Observation;
use support::connection::{Answer, Connection};
use support::hello::Hello;
use support::packet::Packet;
use support::pieces::Cutting;
use support::quic::Quic;
use support::quic::seal::Version;
use support::random;
use support::scenario::{self, Capture, Scenario};

const START: u64 = 1_700_000_000_000_000_000;

fn connection(quic: Quic, hello: Hello, send: Cutting) -> Connection {
    Connection { at: 1.0, hello: Some(hello), quic: Some(quic), send, ..Connection::default() }
}

fn named(name: &str) -> Hello {
    Hello::named(name, support::hello::Version::Tls13, name)
}

fn packets(connection: &Connection) -> Vec<Packet> {
    scenario::packets(std::slice::from_ref(connection), START)
}

/// A post-quantum hello in seven frames over three datagrams.
fn spread(version: Version) -> Connection {
    let hello = Hello { post_quantum: true, size: 1900, ..named("spread.example") };
    let send = Cutting { split: vec![100, 230, 300, 900, 1300, 1500], ..Cutting::default() };
    let quic = Quic { version, frames: vec![3, 2, 2], chaos: true, ..Quic::default() };
    connection(quic, hello, send)
}

/// What the record says, whenever its packets came.
fn essence(records: Vec<Observation>) -> Vec<Observation> {
    watch::essence(records)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// The first flight's datagrams in any order, each any number of times: the same record.
    #[test]
    fn any_order_and_number_of_initials_makes_the_same_record(
        order in Just((0..3_usize).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec((0..3_usize, 0..4_usize), 0..5),
        second in any::<bool>(),
    ) {
        let whole = packets(&spread(if second { Version::V2 } else { Version::V1 }));
        let mut places = order;
        for (which, at) in again {
            places.insert(at.min(places.len()), which);
        }
        let mut sent: Vec<Packet> = places.iter().map(|place| whole[*place].clone()).collect();
        sent.extend(whole[3..].iter().cloned());
        for (number, packet) in sent.iter_mut().enumerate() {
            packet.time = START + number as u64 * 1000;
        }
        let found = watch::packets(&sent);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].hello.as_ref().unwrap().segments, 3);
        prop_assert_eq!(essence(found), essence(watch::packets(&whole)));
    }

    /// Any frames at all, opened: nothing panics.
    #[test]
    fn any_frames_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        entries::quic_frames(&bytes);
        entries::datagrams(&bytes);
    }
}

#[test]
fn a_datagram_that_ends_early_has_no_name() {
    // Ethernet, IP and UDP headers, Google's own, the hash, a frame's header, the CHLO: the padding may be missing
    let clear = |header: usize| 14 + 20 + 8 + header + 12 + 4 + 1024;
    for (version, needed) in [
        (Version::V1, None),
        (Version::V2, None),
        (Version::Q050, None),
        (Version::Q043, Some(clear(14))),
        (Version::Q046, Some(clear(18))),
    ] {
        let quic = Quic { version, ..Quic::default() };
        let sent = packets(&connection(quic, named("cut.example"), Cutting::default()));
        let file = Capture::default().file(&sent[..1]);
        let captured = file.len() - 24 - 16;
        for len in 0..=captured {
            let mut short = file[..24 + 16 + len].to_vec();
            short[24 + 8..24 + 12].copy_from_slice(&u32::try_from(len).unwrap().to_le_bytes());
            let found = watch::capture(short);
            assert!(found.errors.is_empty(), "{version:?} cut at {len}: {:?}", found.errors);
            let whole = len >= needed.unwrap_or(captured);
            assert_eq!(found.names().len(), usize::from(whole), "{version:?} cut at {len}");
        }
    }
}

/// Fixtures whose every packet is a datagram of these protocols.
fn fixtures() -> Vec<(String, Vec<Packet>)> {
    let stems = ["quic", "gquic"];
    stems.iter().map(|stem| ((*stem).to_owned(), Scenario::fixture(stem).packets())).collect()
}

fn names(records: &[Observation]) -> BTreeSet<String> {
    records.iter().filter_map(|record| Some(record.name.as_ref()?.wire()?.to_owned())).collect()
}

#[test]
fn a_changed_byte_never_makes_a_wrong_name() {
    for (stem, whole) in fixtures() {
        let right = names(&watch::packets(&whole));
        assert!(right.len() >= 4);
        for turn in 0..60 {
            let mut changed = whole.clone();
            for (place, packet) in changed.iter_mut().enumerate() {
                let number = random::number(&format!("{stem} {turn} {place}"));
                // behind the IP header and the ports; every third packet stays as it is
                let at = 28 + (number % 1300) as usize;
                if let Some(byte) = packet.ip.get_mut(at).filter(|_| !number.is_multiple_of(3)) {
                    *byte ^= ((number >> 40) as u8).max(1);
                }
            }
            let found = names(&watch::packets(&changed));
            let wrong: Vec<_> = found.difference(&right).collect();
            assert!(wrong.is_empty(), "{stem}, turn {turn}: {wrong:?}");
        }
    }
}

#[test]
fn packets_in_any_order_make_no_other_names() {
    for (stem, whole) in fixtures() {
        let right = names(&watch::packets(&whole));
        for turn in 0..20 {
            let mut shuffled = whole.clone();
            shuffled.sort_by_cached_key(|packet| random::number(&format!("{turn} {}", packet.time)));
            for (number, packet) in shuffled.iter_mut().enumerate() {
                packet.time = START + number as u64 * 100_000;
            }
            let found = names(&watch::packets(&shuffled));
            assert!(found.is_subset(&right), "{stem}: {:?}", found.difference(&right));
        }
    }
}

#[test]
fn a_retry_that_was_not_captured_is_still_one_connection() {
    let quic = Quic { retry: Some(12), ..Quic::default() };
    let mut one_way = connection(quic, named("retry.example"), Cutting::default());
    one_way.direction = support::connection::Direction::Client;
    let found = watch::packets(&packets(&one_way));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(names(&found).len(), 1);
}

#[test]
fn a_server_may_answer_in_another_version() {
    // RFC 9368: the client begins with version 1, the server goes over to version 2 under the same first id
    let first = packets(&connection(Quic::default(), named("compatible.example"), Cutting::default()));
    let quic = Quic { version: Version::V2, ..Quic::default() };
    let second = packets(&connection(quic, named("compatible.example"), Cutting::default()));
    let sent: Vec<Packet> = first[..1].iter().chain(&second[1..]).cloned().collect();
    let found = watch::packets(&sent);
    assert_eq!(found.len(), 1);
    let handshake = found[0].handshake.as_ref().unwrap();
    assert_eq!((handshake.result.name(), handshake.established), ("ok", Some(true)));
}

#[test]
fn clients_without_an_id_are_kept_apart_by_what_opens() {
    let of = |name: &str, at: f64, latency_ms: f64| {
        let quic = Quic { ids: [8, 0, 8], ..Quic::default() };
        Connection { at, latency_ms, ..connection(quic, named(name), Cutting::default()) }
    };
    let both = [of("one.example", 1.0, 5.0), of("two.example", 1.001, 30.0)];
    let found = watch::packets(&scenario::packets(&both, START));
    let told: Vec<_> = found
        .iter()
        .map(|record| {
            let handshake = record.handshake.as_ref().unwrap();
            (record.name.as_ref().unwrap().wire().unwrap(), handshake.result.name(), handshake.established)
        })
        .collect();
    assert_eq!(told, [("one.example", "ok", Some(true)), ("two.example", "ok", Some(true))]);
}

#[test]
fn quic_is_read_inside_tunnels() {
    // a GRE header between two IP headers, around each packet
    let mut sent = packets(&connection(Quic::default(), named("tunnel.example"), Cutting::default()));
    for packet in &mut sent {
        let inner = std::mem::take(&mut packet.ip);
        let total = u16::try_from(24 + inner.len()).unwrap().to_be_bytes();
        let head = [0x45, 0, total[0], total[1], 0, 1, 0x40, 0, 64, 47, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
        packet.ip = [&head[..], &[0, 0, 8, 0], &inner].concat();
    }
    let found = watch::packets(&sent);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].tunnel.unwrap().kind.name(), "gre");
    assert_eq!(found[0].protocol, "quic");
}

#[test]
fn a_silent_server_is_told_by_what_the_client_repeats() {
    let mut silent = connection(Quic::default(), named("silent.example"), Cutting::default());
    silent.retransmits = 2;
    silent.answer = Answer::Silence;
    let mut later = connection(Quic::default(), named("later.example"), Cutting::default());
    (later.at, later.client) = (20.0, ([10, 0, 0, 1], 40_001).into());
    let found = watch::packets(&scenario::packets(&[silent, later], START));
    let silent =
        found.iter().find(|record| record.name.as_ref().unwrap().wire() == Some("silent.example")).unwrap();
    let handshake = silent.handshake.as_ref().unwrap();
    assert_eq!((handshake.result.name(), handshake.retransmits), ("timeout", 2));
}
