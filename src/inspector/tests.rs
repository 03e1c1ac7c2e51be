#![allow(clippy::cast_possible_truncation, reason = "streams and times of these tests are short")]

use std::net::Ipv4Addr;

use super::*;
use crate::inspector::attempts::Attempts;
use crate::model::frame::OriginId;
use crate::model::observation::{Action, Handshake, Peer};
use crate::model::seed::Seed;
use crate::model::segment::{FlowKey, Hosts, Transport, Vlans};

#[path = "../../tests/support/mod.rs"]
pub(super) mod support;

mod bounds;
mod endings;
mod late;
mod openings;

use support::connection::Chain;
use support::hello::{Hello, Version};
use support::server::Choice;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
/// 2023-11-14 22:13:20 UTC.
const START: Timestamp = Timestamp(1_700_000_000 * SECOND);
const SYN: u8 = TcpFlags::SYN;
const ACK: u8 = TcpFlags::ACK;
const RST: u8 = TcpFlags::RST;
const FIN: u8 = TcpFlags::FIN;
/// Initial sequence numbers of client and server.
const C: u32 = 1000;
const S: u32 = 5000;

/// An inspector, and a clock that goes on by 0.1 ms with each segment.
struct Watch {
    inspector: Inspector,
    out: Vec<Observation>,
    now: Timestamp,
    packet: u64,
    /// Bytes that the snapshot length cuts off the next segment.
    missing: u32,
}

/// Which connection: client 10.0.`.0` port `.1` to 10.9.9.9 port 443.
type Client = (u16, u16);

const ONE: Client = (1, 40_000);

impl Watch {
    fn new(settings: Settings) -> Self {
        let inspector = Inspector::new(settings, Namer::default());
        Self { inspector, out: Vec::new(), now: START, packet: 0, missing: 0 }
    }

    fn plain() -> Self {
        Self::new(Settings::default())
    }

    fn send(&mut self, client: Client, back: bool, flags: u8, (seq, ack): (u32, u32), payload: &[u8]) {
        let [high, low] = client.0.to_be_bytes();
        let hosts = Hosts::V4(Ipv4Addr::new(10, 0, high, low), Ipv4Addr::new(10, 9, 9, 9));
        let key = FlowKey { hosts, ports: (client.1, 443), transport: Transport::Tcp };
        self.now = self.now.plus(MS / 10);
        self.packet += 1;
        let segment = Segment {
            packet: self.packet,
            time: self.now,
            origin: OriginId(0),
            key: if back { key.reversed() } else { key },
            hash: key.hash(Seed(3, 5)),
            header: Header::Tcp { seq, ack, flags: TcpFlags(flags) },
            vlans: Vlans::default(),
            tunnel: None,
            head: b"head",
            payload,
            missing: std::mem::take(&mut self.missing),
        };
        self.inspector.push(&segment, &mut self.out);
    }

    /// A segment of the client, `at` bytes after its SYN.
    fn says(&mut self, client: Client, at: usize, payload: &[u8]) {
        self.send(client, false, ACK, (C + 1 + at as u32, S + 1), payload);
    }

    /// A segment of the server.
    fn answers(&mut self, client: Client, at: usize, payload: &[u8]) {
        self.send(client, true, ACK, (S + 1 + at as u32, C + 1), payload);
    }

    fn syn(&mut self, client: Client) {
        self.send(client, false, SYN, (C, 0), &[]);
    }

    fn open(&mut self, client: Client) {
        self.syn(client);
        self.send(client, true, SYN | ACK, (S, C + 1), &[]);
        self.says(client, 0, &[]);
    }

    /// A whole handshake of TLS 1.2; it stays open.
    fn handshake(&mut self, client: Client, name: &str) {
        let hello = named(name);
        let choice = choice(&hello, Version::Tls12);
        let (asked, flight, keys) = (hello.stream(), choice.server_flight(), choice.client_flight());
        self.open(client);
        self.says(client, 0, &asked);
        self.answers(client, 0, &flight);
        self.says(client, asked.len(), &keys);
        self.answers(client, flight.len(), &choice.server_end());
    }

    fn wait(&mut self, nanos: u64) {
        self.now = self.now.plus(nanos);
        self.inspector.tick(self.now, &mut self.out);
    }

    fn finish(&mut self) {
        self.inspector.finish(&mut self.out);
    }

    /// The records so far: action, name, result and who.
    fn told(&mut self) -> Vec<String> {
        self.out.drain(..).map(|record| short(&record)).collect()
    }

    /// The handshake of the only record so far.
    fn only(&mut self) -> Handshake {
        assert_eq!(self.out.len(), 1, "{:?}", self.out);
        self.out.remove(0).handshake.unwrap()
    }
}

/// `handshake a.example ok by server`.
fn short(record: &Observation) -> String {
    let action = match record.action {
        Action::Hello => "hello",
        Action::Handshake => "handshake",
        Action::End => "end",
    };
    let name = record.name.as_ref().and_then(|name| name.text()).unwrap_or("-");
    let mut words = vec![action, name];
    if let Some(handshake) = &record.handshake {
        words.push(handshake.result.name());
        words.extend(handshake.by.into_iter().flat_map(|by| ["by", by.name()]));
    }
    words.join(" ")
}

fn named(name: &str) -> Hello {
    Hello::named(name, Version::Tls12, name)
}

fn choice(hello: &Hello, version: Version) -> Choice<'_> {
    Choice {
        hello,
        version,
        resumed: false,
        alpn: None,
        identity: "spiffe://t/svc/s",
        client_identity: None,
        server_chain: Chain::Leaf,
        client_chain: Chain::Leaf,
    }
}
