//! The keeper beside a real inspector, through a worker: what the ring alone does not show.

use std::collections::HashSet;

use super::*;
use crate::inspector::settings::Settings;
use crate::model::frame::LinkType;
use crate::model::seed::Seed;
use crate::naming::Namer;
use crate::run::plan::{Emit, Limits};
use crate::run::worker::Worker;

const MS: u64 = 1_000_000;

/// An IPv4 packet with a TCP header, from port `from` to port `to`.
fn tcp((from, to): (u16, u16), flags: u8, seq: u32, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(40 + payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 6, 0, 0];
    let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let ends = if to == 443 { [client, server] } else { [server, client] };
    bytes.extend(ends.concat());
    bytes.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
    bytes.extend(seq.to_be_bytes());
    // The server acknowledges the client's SYN, which has the number 9.
    let ack: u32 = if to == 443 { 100 } else { 10 };
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(payload);
    bytes
}

struct Bench {
    worker: Worker,
    number: u64,
}

impl Bench {
    fn new(left: Option<u64>) -> Self {
        let limits = Limits { records: left, ..Limits::default() };
        let emit = Emit { hello: false, handshake: true, end: false, failover: false, stats: false };
        let rule = Rule { choice: Choice::all(&limits, emit), age: 11_000 * MS };
        let inspector = Inspector::new(Settings::default(), Namer::default());
        let worker = Worker::new(Decoder::new(Seed(1, 2)), inspector, None).keeping(Some(Keep::new(rule)));
        Self { worker, number: 0 }
    }

    fn take(&mut self, at: u64, bytes: &[u8]) {
        self.number += 1;
        let (time, link) = (Timestamp(at * MS), LinkType(101));
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let frame = Frame { number: self.number, time, link, origin: OriginId(0), wire_len, bytes };
        assert!(self.worker.frames(&[frame]).is_continue());
    }

    /// Times, in milliseconds, of the packets that have left since the last call.
    fn left(&mut self) -> Vec<u64> {
        self.worker.out.kept.packets.drain(..).map(|packet| packet.time.0 / MS).collect()
    }
}

#[test]
fn what_is_no_tls_is_given_up_as_soon_as_that_is_known() {
    let mut bench = Bench::new(None);
    bench.take(0, &tcp((4000, 443), 0x02, 9, b""));
    bench.take(1, &tcp((443, 4000), 0x12, 99, b""));
    bench.take(2, &tcp((4001, 443), 0x02, 9, b""));
    bench.take(3, &tcp((443, 4001), 0x14, 0, b""));
    assert_eq!(bench.left(), [0; 0], "the first connection may still be one");
    bench.take(4, &tcp((4000, 443), 0x18, 10, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
    // Bytes that disagree with every protocol, in both directions.
    bench.take(5, &tcp((443, 4000), 0x18, 100, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    bench.take(6, &tcp((4000, 443), 0x18, 44, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
    assert_eq!(bench.left(), [2, 3], "a refused attempt counts");
    bench.worker.finish();
    assert_eq!(bench.left(), [0; 0]);
}

#[test]
fn a_connection_that_says_nothing_holds_the_others_up_no_longer_than_an_outcome_takes() {
    let mut bench = Bench::new(None);
    bench.take(0, &tcp((4000, 443), 0x02, 9, b""));
    bench.take(1, &tcp((443, 4000), 0x12, 99, b""));
    bench.take(2, &tcp((4001, 443), 0x02, 9, b""));
    bench.take(3, &tcp((443, 4001), 0x14, 0, b""));
    bench.take(10_000, &tcp((4002, 443), 0x02, 9, b""));
    assert_eq!(bench.left(), [0; 0]);
    bench.take(11_200, &tcp((4003, 443), 0x02, 9, b""));
    assert_eq!(bench.left(), [2, 3]);
    assert_eq!(bench.worker.out.kept.lost, 0);
}

#[test]
fn after_the_last_record_nothing_is_held() {
    let mut bench = Bench::new(Some(0));
    bench.take(0, &tcp((4000, 443), 0x02, 9, b""));
    bench.take(1, &tcp((443, 4000), 0x14, 0, b""));
    bench.worker.finish();
    assert_eq!(bench.left(), [0; 0]);
    assert_eq!(bench.worker.out.kept.safe, Timestamp(u64::MAX));
}

#[test]
fn a_slow_collector_costs_no_memory_without_end() {
    let packet = Packet {
        time: Timestamp(1),
        origin: OriginId(0),
        link: LinkType(1),
        wire_len: 1,
        bytes: vec![0; MAX_HELD / 3].into(),
        comment: None,
    };
    let mut kept = Kept { packets: vec![packet; 5], ..Kept::default() };
    kept.bound();
    assert_eq!((kept.packets.len(), kept.dropped), (3, 2));
}

#[test]
fn a_flow_that_is_forgotten_costs_nothing() {
    let mut bench = Bench::new(None);
    let ports: HashSet<u16> = (1..=u16::try_from(MANY + 50).unwrap()).map(|port| 10_000 + port).collect();
    for (place, port) in ports.iter().enumerate() {
        let at = place as u64;
        bench.take(at, &tcp((*port, 443), 0x02, 9, b""));
        bench.take(at, &tcp((443, *port), 0x14, 0, b""));
    }
    let refused = bench.left().len();
    assert!(refused >= 2 * MANY, "{refused}");
}
