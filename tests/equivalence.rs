//! However a connection's bytes are cut, ordered, repeated and numbered, its record is the same; and bytes that are
//! missing never make another name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "test code fails loudly; streams are shorter than 4 GiB"
)]

mod support;
mod watch;

use proptest::prelude::*;
use proptest::sample::Index;
use sni_watch::model::observation::{Observation, Outcome};
use support::connection::{Answer, Close, Connection, Open};
use support::dtls::Dtls;
use support::hello::{Hello, Version};
use support::packet::{ACK, Packet};
use support::pieces::{Cutting, Piece};
use support::scenario::{self, Scenario};
use watch::essence;

/// Bytes of an IPv4 header without options, and of the TCP header behind it.
const IP: usize = 20;
const TCP: usize = 20;

const NAME: &str = "currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul";

/// How the bytes of a flight are sent.
#[derive(Clone, Debug)]
struct Way {
    /// Where a segment ends.
    cuts: Vec<Index>,
    /// Shuffles the segments.
    order: Vec<u16>,
    /// Segments that are sent twice.
    twice: Vec<Index>,
    /// Stretches that are sent once more, wherever the segments end.
    again: Vec<(Index, Index)>,
    /// Every byte by itself.
    by_byte: bool,
}

fn way() -> impl Strategy<Value = Way> {
    let index = any::<Index>;
    (
        prop::collection::vec(index(), 0..12),
        prop::collection::vec(any::<u16>(), 0..40),
        prop::collection::vec(index(), 0..4),
        prop::collection::vec((index(), index()), 0..3),
        prop::bool::weighted(0.05),
    )
        .prop_map(|(cuts, order, twice, again, by_byte)| Way { cuts, order, twice, again, by_byte })
}

impl Way {
    /// The stretches of a flight of `len` bytes in the order of sending.
    fn pieces(&self, len: usize) -> Vec<(usize, usize)> {
        let mut ends: Vec<usize> = if self.by_byte && len < 4096 {
            (1..=len).collect()
        } else {
            let full = (1460..len).step_by(1460);
            full.chain(self.cuts.iter().map(|cut| cut.index(len))).chain([len]).collect()
        };
        ends.retain(|end| *end > 0);
        ends.sort_unstable();
        ends.dedup();
        let mut from = 0;
        let mut pieces: Vec<(usize, usize)> =
            ends.iter().map(|&end| (std::mem::replace(&mut from, end), end)).collect();
        for twice in &self.twice {
            pieces.push(pieces[twice.index(pieces.len())]);
        }
        for (a, b) in &self.again {
            let (a, b) = (a.index(len), b.index(len));
            let (from, to) = (a.min(b), a.max(b) + 1);
            pieces.push((from, to.min(from + 1460)));
        }
        let mut numbered: Vec<(u16, (usize, usize))> = pieces
            .iter()
            .enumerate()
            .map(|(i, piece)| (self.order.get(i).copied().unwrap_or(i as u16), *piece))
            .collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, piece)| piece).collect()
    }
}

/// The payload of a packet as this test builds them: IPv4 and TCP without options, but for a SYN, which has none.
fn payload(packet: &Packet) -> &[u8] {
    let header = IP + usize::from(packet.ip[IP + 12] >> 4) * 4;
    &packet.ip[header..]
}

fn seq(packet: &Packet) -> u32 {
    u32::from_be_bytes(packet.ip[IP + 4..IP + 8].try_into().unwrap())
}

fn flags(packet: &Packet) -> u8 {
    packet.ip[IP + 13]
}

/// A packet as `like`, with this payload at this sequence number.
fn segment(like: &Packet, seq: u32, bytes: &[u8], time: u64) -> Packet {
    let mut ip = like.ip[..IP + TCP].to_vec();
    ip[IP + 4..IP + 8].copy_from_slice(&seq.to_be_bytes());
    ip.extend(bytes);
    let total = ip.len() as u16;
    ip[2..4].copy_from_slice(&total.to_be_bytes());
    Packet { time, ip, ..like.clone() }
}

/// Sends each flight of one side in another way: all packets with payload up to one of the other side's.
fn resend(packets: &[Packet], from_client: bool, way: &Way) -> Vec<Packet> {
    let mut out: Vec<Packet> = Vec::new();
    let mut flight: Vec<&Packet> = Vec::new();
    for packet in packets {
        let data = !payload(packet).is_empty();
        if data && packet.from_client == from_client {
            flight.push(packet);
        } else {
            // a mere acknowledgement of the other side's may overtake the flight, as it may in a capture; but as the
            // very first packet it would tell nothing
            if out.is_empty() || data || packet.from_client == from_client || flags(packet) != ACK {
                flush(&mut flight, way, &mut out);
            }
            out.push(packet.clone());
        }
    }
    flush(&mut flight, way, &mut out);
    out
}

fn flush(flight: &mut Vec<&Packet>, way: &Way, out: &mut Vec<Packet>) {
    let Some(first) = flight.first() else { return };
    let bytes: Vec<u8> = flight.iter().flat_map(|packet| payload(packet)).copied().collect();
    let time = out.last().map_or(first.time, |last| last.time.max(first.time));
    for (i, (from, to)) in way.pieces(bytes.len()).into_iter().enumerate() {
        let seq = seq(first).wrapping_add(from as u32);
        out.push(segment(first, seq, &bytes[from..to], time + i as u64));
    }
    flight.clear();
}

fn hello() -> impl Strategy<Value = Hello> {
    let size = prop_oneof![4 => Just(0_usize), 2 => 1700..2200_usize, 1 => 16_000..17_000_usize];
    let version = prop_oneof![Just(Version::Tls10), Just(Version::Tls12), Just(Version::Tls13)];
    (size, version, any::<bool>(), any::<bool>(), "[a-z]{1,8}").prop_map(
        |(size, version, alpn, grease, label)| Hello {
            size,
            grease,
            session_id: 32,
            alpn: if alpn { vec!["h2".into(), "http/1.1".into()] } else { Vec::new() },
            ..Hello::named(&label, version, NAME)
        },
    )
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        6 => Just(Answer::Ok),
        1 => Just(Answer::Resumed),
        1 => Just(Answer::Alert),
        1 => Just(Answer::ClientAlert),
        1 => Just(Answer::Reset),
        1 => Just(Answer::ClientReset),
        1 => Just(Answer::Close),
        1 => Just(Answer::ClientClose),
    ]
}

/// A connection; `retry` allows a HelloRetryRequest too.
fn connection() -> impl Strategy<Value = Connection> {
    let retry = prop::bool::weighted(0.15);
    (hello(), answer(), retry, any::<u32>(), any::<u32>(), any::<bool>()).prop_map(
        |(hello, answer, retry, isn, server_isn, data)| Connection {
            at: 1.0,
            answer: if retry && hello.version == Version::Tls13 { Answer::HelloRetry } else { answer },
            hello: Some(hello),
            isn: Some(isn),
            server_isn: Some(server_isn),
            data: data.then_some([300, 2000]),
            close: if data { Close::Fin } else { Close::Open },
            ..Connection::default()
        },
    )
}

fn packets(connection: &Connection) -> Vec<Packet> {
    scenario::packets(std::slice::from_ref(connection), 1_700_000_000_000_000_000)
}

fn told(sent: &[Packet]) -> Vec<Observation> {
    essence(watch::packets(sent))
}

/// What the first way of sending gives: one record, with the name.
fn reference(connection: &Connection) -> Vec<Observation> {
    let records = told(&packets(connection));
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0].name.as_ref().and_then(|name| name.text()), Some(NAME));
    records
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn the_client_may_send_in_any_way(connection in connection(), way in way()) {
        let sent = resend(&packets(&connection), true, &way);
        prop_assert_eq!(told(&sent), reference(&connection));
    }

    #[test]
    fn the_client_may_send_in_any_way_without_a_syn(mut connection in connection(), way in way()) {
        connection.open = Open::Missing;
        let sent = resend(&packets(&connection), true, &way);
        prop_assert_eq!(told(&sent), reference(&connection));
    }

    #[test]
    fn the_server_may_send_in_any_way(connection in connection(), way in way()) {
        let sent = resend(&packets(&connection), false, &way);
        prop_assert_eq!(told(&sent), reference(&connection));
    }

    #[test]
    fn both_may_send_in_any_way(connection in connection(), ways in (way(), way())) {
        let sent = resend(&resend(&packets(&connection), true, &ways.0), false, &ways.1);
        prop_assert_eq!(told(&sent), reference(&connection));
    }

    #[test]
    fn a_hello_may_come_in_any_records(
        connection in connection(),
        cuts in prop::collection::vec(any::<Index>(), 1..8),
        way in way(),
    ) {
        let mut expected = reference(&connection);
        let mut split = connection;
        let hello = split.hello.as_mut().unwrap();
        let len = hello.message(false).len();
        hello.records = cuts.iter().map(|cut| cut.index(len)).filter(|cut| *cut > 0).collect();
        hello.records.sort_unstable();
        hello.records.dedup();
        let mut records = told(&resend(&packets(&split), true, &way));
        for record in records.iter_mut().chain(&mut expected) {
            record.hello.as_mut().unwrap().records = 0;
        }
        prop_assert_eq!(records, expected);
    }

    #[test]
    fn sequence_numbers_may_wrap_anywhere(connection in connection(), before in 0..3000_u32, way in way()) {
        let wrapping = Connection {
            isn: Some(0_u32.wrapping_sub(before)),
            server_isn: Some(0_u32.wrapping_sub(before / 3)),
            ..connection.clone()
        };
        prop_assert_eq!(told(&resend(&packets(&wrapping), true, &way)), reference(&connection));
    }

    #[test]
    fn what_is_missing_never_makes_another_name(
        connection in connection(),
        way in way(),
        missing in any::<bool>(),
        lost in prop::collection::vec(any::<Index>(), 1..4),
    ) {
        let open = if missing { Open::Missing } else { Open::Handshake };
        let mut sent = resend(&packets(&Connection { open, ..connection }), true, &way);
        for lost in lost {
            sent.remove(lost.index(sent.len()));
        }
        for record in told(&sent) {
            let name = record.name.as_ref().and_then(|name| name.text());
            prop_assert!(matches!(name, None | Some(NAME)), "{:?}", name);
            let result = record.handshake.map(|handshake| handshake.result);
            prop_assert!(result != Some(Outcome::Ok) || name.is_some());
        }
    }
}

#[test]
fn every_fiftieth_packet_may_be_lost_and_no_name_is_wrong() {
    for stem in ["failover", "outcomes", "segments", "records", "reuse", "hrr", "names", "midstream"] {
        let sent = Scenario::fixture(stem).packets();
        let right = named(&sent);
        assert!(!right.is_empty());
        let offsets = if stem == "failover" { 0..10 } else { 0..50 };
        for offset in offsets {
            let kept = sent.iter().enumerate().filter(|(i, _)| i % 50 != offset);
            let kept: Vec<Packet> = kept.map(|(_, packet)| packet.clone()).collect();
            let wrong: Vec<_> = named(&kept).difference(&right).cloned().collect();
            assert!(wrong.is_empty(), "{stem} without every 50th packet from {offset} on: {wrong:?}");
        }
    }
}

fn named(sent: &[Packet]) -> std::collections::BTreeSet<watch::Named> {
    watch::Watched { records: watch::packets(sent), ..watch::Watched::default() }.names()
}

/// A connection over DTLS whose hello is sent in some way.
fn in_fragments(connection: &Connection, way: &Way, together: usize) -> Connection {
    let dtls = Dtls { together, jump: 977, ..Dtls::default() };
    let len = dtls.body(connection.hello.as_ref().unwrap(), false).len();
    let pieces = way.pieces(len).into_iter().map(|(from, to)| Piece { from, to, fill: None });
    let send = Cutting { pieces: pieces.collect(), ..Cutting::default() };
    Connection { send, dtls: Some(dtls), ..connection.clone() }
}

/// Records without the number of fragments.
fn told_of_dtls(connection: &Connection) -> Vec<Observation> {
    let mut records = told(&packets(connection));
    for hello in records.iter_mut().filter_map(|record| record.hello.as_mut()) {
        hello.records = 0;
    }
    records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Fragments in any order, again and over one another, over any number of datagrams.
    #[test]
    fn fragments_of_a_dtls_hello_change_nothing(
        hello in hello(),
        answer in prop_oneof![
            3 => Just(Answer::Ok),
            1 => Just(Answer::Resumed),
            1 => Just(Answer::Alert),
            1 => Just(Answer::ClientAlert),
            1 => Just(Answer::Close),
        ],
        way in way(),
        together in 1..5_usize,
    ) {
        let hello = Hello { size: hello.size.min(2200), ..hello };
        let whole = Connection { at: 1.0, answer, hello: Some(hello), dtls: Some(Dtls::default()), ..Connection::default() };
        let expected = told_of_dtls(&whole);
        prop_assert_eq!(expected.len(), 1);
        prop_assert!(expected[0].hello.is_some() && expected[0].name.as_ref().unwrap().text().is_some());
        prop_assert_eq!(told_of_dtls(&in_fragments(&whole, &way, together)), expected);
    }
}
