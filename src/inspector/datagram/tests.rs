#![allow(clippy::cast_possible_truncation, reason = "what these tests send is short")]

use std::net::Ipv4Addr;

use super::*;
use crate::hello::datagram::{Datagram, DatagramReader, Retry, Said};
use crate::inspector::datagram::chain::TOGETHER;
use crate::inspector::names::Names;
use crate::model::frame::OriginId;
use crate::model::hello::{Alert, Hello, ServerHello, Sni, Version};
use crate::model::observation::{Action, Outcome, Peer};
use crate::model::segment::{FlowKey, Header, Hosts, Transport, Vlans};
use crate::naming::Namer;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

/// A protocol in which a datagram is `@`, a letter that names the connection, and words of one letter, each
/// with an argument of one. `@` opens a connection, `.` goes on; `?` looks like an opening, and is none.
struct Toy;

struct ToyReader {
    id: Option<u8>,
    begun: bool,
    message: Vec<u8>,
}

impl DatagramProtocol for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn letter(&self) -> char {
        'q'
    }

    fn carrier(&self) -> &'static [u16] {
        &[7]
    }

    fn probe(&self, payload: &[u8]) -> Probe {
        if matches!(payload, [b'@' | b'?', ..]) { Probe::Yes } else { Probe::No }
    }

    fn tag(&self, payload: &[u8]) -> u32 {
        payload.get(1).copied().unwrap_or(0).into()
    }

    fn reader(&self) -> Box<dyn DatagramReader> {
        Box::new(ToyReader { id: None, begun: false, message: Vec::new() })
    }
}

impl DatagramReader for ToyReader {
    fn next<'a, 'd: 'a>(
        &'a mut self,
        datagram: &mut Datagram<'d>,
        scratch: &'a mut Vec<u8>,
    ) -> Option<Said<'a>> {
        scratch.clear();
        if !self.begun {
            self.begun = true;
            let [first, id, rest @ ..] = datagram.bytes else { return None };
            if *first == b'?' || *self.id.get_or_insert(*id) != *id {
                self.begun = false;
                return Some(Said::NotMine);
            }
            datagram.bytes = rest;
        }
        let [word, argument, rest @ ..] = datagram.bytes else {
            self.begun = false;
            return None;
        };
        datagram.bytes = rest;
        Some(match word {
            b'p' => {
                self.message.push(*argument);
                Said::Part { first: *argument == b'0' }
            }
            b'h' => {
                self.message.clear();
                scratch.extend([*argument, self.id.unwrap()].repeat(16));
                Said::ClientHello(hello(scratch, *argument))
            }
            b'k' => {
                // the same, whatever the connection
                scratch.extend([*argument; 32]);
                Said::ClientHello(hello(scratch, *argument))
            }
            b'f' => {
                Said::Foreign { sni: Sni::Name { bytes: b"foreign.example", more: false }, message: b"chlo" }
            }
            b'a' => Said::Again,
            b'r' if *argument == b'h' => Said::Retry(Retry::Hello),
            b'r' if *argument == b'v' => Said::Retry(Retry::Version),
            b'r' => Said::Retry(Retry::Address),
            b's' => Said::ServerHello(ServerHello {
                version: Version(0x0300 + u16::from(*argument - b'0')),
                ..ServerHello::default()
            }),
            b'g' => Said::Agreed,
            b'!' => Said::Alert(Alert { level: *argument - b'0', code: 40, name: "handshake_failure" }),
            b'c' => Said::Closed,
            b'm' => Said::Handshake(*argument - b'0' + 10),
            b'e' => Said::Encrypted,
            _ => Said::Established,
        })
    }

    fn held(&self) -> usize {
        // as if each part were large
        self.message.len() * (64 << 20)
    }

    fn tag(&self) -> u32 {
        self.id.unwrap_or(0).into()
    }
}

/// Names of hellos are `a.example` and so on; their randoms repeat the letter.
fn hello(random: &[u8], letter: u8) -> Hello<'_> {
    let names: [&'static [u8]; 3] = [b"a.example", b"b.example", b"c.example"];
    Hello {
        message: b"message",
        wire_len: 7,
        records: 3,
        random: random.first_chunk().unwrap(),
        legacy_version: Version::TLS12,
        offered: Version::TLS13,
        session_id: &[],
        sni: Sni::Name { bytes: names[usize::from(letter - b'a')], more: false },
        alpn: None,
        ech: letter == b'c',
    }
}

static TOYS: &[&dyn DatagramProtocol] = &[&Toy];

struct Watch {
    datagrams: Datagrams,
    settings: Settings,
    tools: Tools,
    stats: FlowStats,
    out: Vec<Observation>,
    packet: u64,
    missing: u32,
}

impl Watch {
    fn new(settings: Settings) -> Self {
        let tools = Tools::new(Names::new(Namer::default()), &settings);
        let datagrams = Datagrams { now: Timestamp(SECOND), ..Datagrams::new(TOYS) };
        Self {
            datagrams,
            settings,
            tools,
            stats: FlowStats::default(),
            out: Vec::new(),
            packet: 0,
            missing: 0,
        }
    }

    fn plain() -> Self {
        Self::new(Settings::default())
    }

    fn with(&mut self, act: impl FnOnce(&mut Datagrams, &mut Desk<'_>)) {
        let Self { datagrams, settings, tools, stats, out, .. } = self;
        act(datagrams, &mut Desk { settings, tools, stats, out });
    }

    fn send(&mut self, client: u16, back: bool, payload: &str) {
        let hosts = Hosts::V4(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 9, 9, 9));
        let key = FlowKey { hosts, ports: (client, 443), transport: Transport::Udp };
        self.packet += 1;
        let segment = Segment {
            packet: self.packet,
            time: self.datagrams.now,
            origin: OriginId(0),
            key: if back { key.reversed() } else { key },
            hash: u64::from(client) << 20,
            header: Header::Udp,
            vlans: Vlans::default(),
            tunnel: None,
            head: b"head",
            payload: payload.as_bytes(),
            missing: std::mem::take(&mut self.missing),
        };
        self.with(|datagrams, desk| datagrams.push(&segment, desk));
    }

    fn says(&mut self, payload: &str) {
        self.send(1, false, payload);
    }

    fn answers(&mut self, payload: &str) {
        self.send(1, true, payload);
    }

    fn wait(&mut self, nanos: u64) {
        self.datagrams.now = self.datagrams.now.plus(nanos);
        self.with(Datagrams::tick);
    }

    fn finish(&mut self) {
        self.with(Datagrams::finish);
    }

    /// The records so far: action, name, result and who.
    fn told(&mut self) -> Vec<String> {
        self.out.drain(..).map(|record| short(&record)).collect()
    }
}

fn short(record: &Observation) -> String {
    let action = match record.action {
        Action::Hello => "hello",
        Action::Handshake => "handshake",
        Action::End => "end",
    };
    let name = record.name.as_ref().and_then(|name| name.text()).unwrap_or("-");
    let mut words = vec![action, name];
    if let Some(handshake) = record.handshake.as_ref().filter(|_| record.action == Action::Handshake) {
        words.push(handshake.result.name());
        words.extend(handshake.by.into_iter().flat_map(|by| ["by", by.name()]));
    }
    words.join(" ")
}

#[test]
fn a_hello_and_its_answer_make_one_record() {
    let mut watch = Watch::plain();
    watch.says("@1ha");
    watch.wait(3 * MS);
    watch.answers(".1s4e_");
    assert!(watch.out.is_empty());
    watch.says(".1e_");
    let record = watch.out.pop().unwrap();
    assert_eq!(short(&record), "handshake a.example ok by server");
    assert_eq!((record.protocol, record.flow.ports, record.packet), ("toy", (1, 443), 1));
    let (handshake, facts) = (record.handshake.unwrap(), record.hello.unwrap());
    assert_eq!((handshake.latency, handshake.established), (Some(3 * MS), Some(true)));
    assert_eq!((facts.segments, facts.records, facts.bytes, facts.index), (1, 3, 7, 0));
    watch.answers(".1e_");
    watch.says("bulk");
    watch.finish();
    assert!(watch.out.is_empty());
    assert_eq!((watch.stats.total, watch.stats.with_sni, watch.datagrams.len()), (1, 1, 1));
    assert_eq!(watch.tools.skips.get(Skip::OtherDatagram), 0);
    assert!(watch.datagrams.open.is_empty());
}

#[test]
fn what_opens_no_connection_is_counted_and_forgotten() {
    let mut watch = Watch::plain();
    watch.says("dns");
    watch.says("?1ha");
    watch.answers(".1s4");
    let skips = watch.tools.skips;
    assert_eq!((skips.get(Skip::OtherDatagram), skips.get(Skip::Sealed)), (2, 1));
    assert_eq!((watch.datagrams.len(), watch.stats.total), (0, 0));
}

#[test]
fn outcomes() {
    for (sent, waits, expected) in [
        (&[(false, "@1ha")][..], true, "handshake a.example not_seen"),
        (&[(false, "@1ha"), (true, ".1")], true, "handshake a.example timeout"),
        (&[(false, "@1ha"), (true, ".1")], false, "handshake a.example not_seen"),
        (&[(false, "@1ha"), (false, ".1e_")], true, "handshake a.example not_seen"),
        (&[(false, "@1ha"), (true, ".1e_")], true, "handshake a.example not_seen"),
        (&[(false, "@1ha"), (true, ".1!2")], true, "handshake a.example alert by server"),
        (&[(false, "@1ha"), (true, ".1s4"), (false, ".1!2")], true, "handshake a.example alert by client"),
        (&[(false, "@1ha"), (true, ".1!1")], true, "handshake a.example timeout"),
        (&[(false, "@1ha"), (true, ".1c_")], true, "handshake a.example closed by server"),
        (&[(false, "@1ha"), (true, ".1s4"), (true, ".1c_")], true, "handshake a.example ok by server"),
        (&[(false, "@1ha"), (true, ".1rv")], true, "handshake a.example closed by server"),
        (&[(false, "@1ha"), (true, ".1rv"), (false, ".1hb")], true, "handshake b.example timeout"),
        (&[(false, "@1ha"), (true, ".1s4")], true, "handshake a.example ok by server"),
        (&[(false, "@1f_"), (true, ".1g_")], true, "handshake foreign.example ok by server"),
        (&[(false, "@1p0")], true, "handshake - incomplete_hello"),
        (&[(false, "@1p0"), (true, ".1c_")], true, "handshake - incomplete_hello by server"),
        (&[(true, "@1e_"), (false, ".1ha"), (true, ".1s4")], true, "handshake a.example ok by server"),
    ] {
        let mut watch = Watch::plain();
        for (back, payload) in sent {
            watch.send(1, *back, payload);
        }
        if waits {
            watch.wait(10 * SECOND);
        }
        watch.finish();
        assert_eq!(watch.told(), [expected], "{sent:?}");
        assert_eq!(watch.datagrams.held, 0);
    }
}

#[test]
fn a_client_that_repeats_itself_waits_in_vain() {
    let mut watch = Watch::plain();
    watch.says("@1ha");
    watch.wait(SECOND);
    watch.says(".1a_");
    watch.wait(9 * SECOND);
    assert_eq!(watch.told(), ["handshake a.example timeout"]);
}

#[test]
fn a_connection_that_says_nothing_of_a_hello_is_only_counted() {
    let mut watch = Watch::plain();
    watch.says("@1e_");
    watch.wait(10 * SECOND);
    assert!(watch.out.is_empty());
    assert_eq!((watch.stats.total, watch.stats.no_hello), (1, 1));
}

#[test]
fn the_client_is_who_sends_the_hello() {
    let mut watch = Watch::plain();
    watch.answers("@1e_");
    watch.says(".1ha");
    watch.answers(".1!2");
    let record = watch.out.pop().unwrap();
    assert_eq!((record.flow.ports, record.handshake.unwrap().by), ((1, 443), Some(Peer::Server)));
}

#[test]
fn parts_and_repetitions_are_counted_by_datagram() {
    let mut watch = Watch::plain();
    watch.says("@1p1p2");
    watch.wait(MS);
    watch.says(".1p0a_");
    watch.says(".1a_a_"); // captured twice
    watch.wait(MS);
    watch.says(".1haa_");
    watch.wait(5 * MS);
    watch.says(".1a_a_");
    watch.answers(".1a_");
    watch.answers(".1s4");
    watch.says(".1a_");
    watch.finish();
    let record = watch.out.pop().unwrap();
    let (handshake, facts) = (record.handshake.unwrap(), record.hello.unwrap());
    assert_eq!((facts.segments, handshake.retransmits), (3, 1));
    assert_eq!((record.time, record.packet), (Timestamp(SECOND + MS), 4));
}

#[test]
fn a_second_hello_has_index_1_and_is_told_when_it_is_whole() {
    let settings = Settings { emit_hello: true, keep_bytes: true, ..Settings::default() };
    let mut watch = Watch::new(settings);
    watch.says("@1p0p1");
    watch.says(".1ha");
    watch.answers(".1rh");
    watch.says(".1ha");
    watch.answers(".1s4e_");
    watch.says(".1e_");
    let [first, second, last] = &watch.out[..] else { panic!("{:?}", watch.out) };
    let facts = |record: &Observation| {
        let facts = record.hello.as_ref().unwrap();
        (record.action, record.packet, facts.index, facts.segments)
    };
    assert_eq!(facts(first), (Action::Hello, 2, 0, 2));
    assert_eq!(facts(second), (Action::Hello, 4, 1, 1));
    assert_eq!(facts(last), (Action::Handshake, 4, 1, 1));
    assert!(last.handshake.as_ref().unwrap().hello_retry);
    let bytes = last.bytes.as_ref().unwrap();
    assert_eq!((&*bytes.head, &*bytes.records), (&b"head"[..], &b"message"[..]));
    assert_eq!(watch.stats.with_sni, 1, "one connection");
}

#[test]
fn a_hello_repeated_for_its_address_is_told_once_unless_it_has_another_name() {
    for (second, records, packet) in [(".1ha", 2, 1), (".1hb", 3, 3)] {
        let mut watch = Watch::new(Settings { emit_hello: true, ..Settings::default() });
        watch.says("@1ha");
        watch.answers(".1ra");
        watch.wait(MS);
        watch.says(second);
        watch.wait(MS);
        watch.answers(".1s4");
        watch.finish();
        let last = watch.out.last().unwrap();
        assert_eq!((watch.out.len(), last.hello.as_ref().unwrap().index), (records, 0));
        let handshake = last.handshake.as_ref().unwrap();
        assert_eq!((handshake.hello_retry, handshake.latency), (false, Some(MS)), "from the newest hello on");
        assert_eq!((last.packet, watch.out[0].packet), (packet, 1));
    }
}

#[test]
fn resumption_shows_in_what_the_server_sends() {
    for (answer, resumed) in
        [(".1s3m1e_", Some(false)), (".1s3e_", Some(true)), (".1s4e_", Some(false)), (".1s3", None)]
    {
        let mut watch = Watch::plain();
        watch.says("@1ha");
        watch.answers(answer);
        watch.finish();
        assert_eq!(watch.out.pop().unwrap().handshake.unwrap().resumed, resumed, "{answer}");
    }
}

#[test]
fn connections_with_the_same_ports_are_kept_apart() {
    let mut watch = Watch::plain();
    watch.says("@1ha");
    watch.says("@2hb");
    watch.says("@3hc");
    watch.answers(".2s4e_");
    watch.answers(".1!2");
    watch.says(".2e_");
    watch.says("@1ha"); // sent before its alert arrived
    assert_eq!(watch.told(), ["handshake a.example alert by server", "handshake b.example ok by server"]);
    watch.says("@2hb");
    watch.answers(".3c_");
    watch.says("@3hc");
    assert_eq!(watch.told(), ["handshake c.example closed by server"]);
    assert_eq!((watch.stats.total, watch.stats.ech), (4, 1), "of several, only the last one's tag is known");
    watch.finish();
    assert_eq!(watch.told(), ["handshake a.example not_seen"]);
    assert!(watch.datagrams.open.is_empty());
}

#[test]
fn the_same_ports_may_be_used_again() {
    let mut watch = Watch::plain();
    for id in ["1", "2", "1"] {
        watch.says(&format!("@{id}ha"));
        watch.answers(&format!(".{id}s4z_"));
        watch.says(&format!("@{id}ha"));
    }
    assert_eq!(watch.told().len(), 3);
    assert_eq!(watch.datagrams.len(), 1);
}

#[test]
fn the_same_hello_under_another_id_is_the_same_connection() {
    let mut watch = Watch::new(Settings { emit_hello: true, emit_end: true, ..Settings::default() });
    watch.says("@1ka");
    watch.wait(5 * MS);
    watch.says("@1a_");
    watch.says("@2ka");
    watch.wait(5 * MS);
    watch.says("@3kb");
    watch.answers(".2s4e_");
    watch.says(".2e_");
    watch.finish();
    let first = watch.out[2].clone();
    assert_eq!(
        watch.told(),
        [
            "hello a.example",
            "hello b.example",
            "handshake a.example ok by server",
            "handshake b.example not_seen",
            "end b.example",
            "end a.example"
        ]
    );
    let handshake = first.handshake.unwrap();
    assert_eq!((first.time, first.packet), (Timestamp(SECOND), 1));
    assert_eq!((handshake.latency, handshake.total), (Some(5 * MS), Some(10 * MS)), "from the newest hello");
    assert_eq!(handshake.retransmits, 1);
    assert_eq!((watch.stats.total, watch.stats.with_sni, watch.stats.evicted), (2, 2, 0));
    assert_eq!(watch.datagrams.held, 0);
}

#[test]
fn bounds_hold() {
    let mut watch = Watch::new(Settings { max_flows: 20, ..Settings::default() });
    for id in b'A'..=b'Z' {
        watch.says(&format!("@{}ha", char::from(id)));
    }
    assert_eq!((watch.datagrams.open.len(), watch.out.len()), (TOGETHER, 26 - TOGETHER));
    for client in 2..100 {
        watch.send(client, false, "@1ha");
    }
    assert_eq!(watch.datagrams.open.len(), 20);
    assert!(watch.datagrams.len() <= 20);
    assert_eq!(watch.out.len(), 26 + 98 - 20);
    assert!(watch.out.iter().all(|record| record.handshake.as_ref().unwrap().result == Outcome::NotSeen));
    // parts are large: two on each of three connections are more than may be held
    let mut watch = Watch::plain();
    for client in 1..=3 {
        watch.send(client, false, "@1p0p1");
    }
    assert_eq!(watch.told(), ["handshake - incomplete_hello"]);
    assert_eq!(watch.datagrams.held, 4 * (64 << 20));
}

#[test]
fn an_end_record_follows_where_it_is_wanted() {
    let mut watch = Watch::new(Settings { emit_end: true, ..Settings::default() });
    watch.says("@1ha");
    watch.answers(".1s4z_");
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
    watch.wait(59 * SECOND);
    watch.says("more");
    watch.says("@1ha");
    watch.wait(59 * SECOND);
    watch.says("@2hb");
    watch.answers(".2c_");
    assert_eq!(watch.told(), ["handshake b.example closed by server", "end b.example"]);
    watch.wait(SECOND);
    let end = watch.out.pop().unwrap();
    assert_eq!(short(&end), "end a.example");
    let (client, server) = end.traffic.unwrap();
    assert_eq!((client.packets, client.bytes, server.packets, server.bytes), (3, 12, 1, 6));
    assert!(watch.datagrams.open.is_empty());
}

#[test]
fn a_datagram_that_was_cut_marks_the_record() {
    let mut watch = Watch::plain();
    watch.missing = 100;
    watch.says("@1p0");
    watch.wait(10 * SECOND);
    let record = watch.out.pop().unwrap();
    assert!(record.marks.truncated && !record.marks.gap);
    watch.says("@2p1");
    watch.missing = 100;
    watch.says(".2ha");
    watch.finish();
    assert!(!watch.out.pop().unwrap().marks.truncated, "the hello is whole all the same");
}
