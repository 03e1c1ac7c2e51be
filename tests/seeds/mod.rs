//! Inputs to begin with for each row of `sni_watch::run::entries::ENTRIES`, out of fixtures; and changes by chance.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::cast_possible_truncation,
    reason = "test code, of which each user takes a part; chance may be cut"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

use std::fs;
use std::path::PathBuf;

use sni_watch::model::frame::LinkType;
use sni_watch::wire::LINKS;

use crate::support::connection::Connection;
use crate::support::hello::{Hello, Version as Tls, unescape};
use crate::support::packet::Packet;
use crate::support::quic::seal::{Version, crypto};
use crate::support::scenario::Scenario;
use crate::support::{damage, der, quic, scenario};

/// Seeds are no longer than this, in bytes, and no changed one is.
const MAX: usize = 20_000;
/// Frames in a seed.
const FRAMES: usize = 24;

/// What the entry called `name` begins with.
pub fn seeds(name: &str) -> Vec<Vec<u8>> {
    let mut seeds = match name {
        "capture" => captures(),
        "frames" => frames(),
        "fragments" => connections(fragments),
        "segments" => connections(segments),
        "hello" => connections(|packets| stream(packets, true)),
        "flight" => connections(|packets| [&[200][..], &stream(packets, false)].concat()),
        "dialogue" => connections(|packets| stream(packets, true)),
        "datagrams" => datagrams(),
        "quic_frames" => quic_frames(),
        "certificate" => vec![der::certificate("spiffe://a/ns/default/dc/dc1/svc/web")],
        "name" => names(),
        "records" => texts("jsonl"),
        "paths" => paths(),
        _ => panic!("no seeds for {name}"),
    };
    seeds.retain(|seed| !seed.is_empty());
    for seed in &mut seeds {
        seed.truncate(MAX);
    }
    seeds.sort();
    seeds.dedup();
    seeds
}

/// The fixtures, and those recorded, whose names end in `ending`.
fn files(ending: &str) -> Vec<PathBuf> {
    let folders = [scenario::fixtures(), scenario::fixtures().join("recorded")];
    let all = folders.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut files: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == ending));
    files.sort();
    files
}

fn texts(ending: &str) -> Vec<Vec<u8>> {
    files(ending).iter().map(|path| fs::read(path).unwrap()).collect()
}

fn captures() -> Vec<Vec<u8>> {
    let mut seeds = [texts("pcap"), texts("pcapng")].concat();
    seeds.retain(|seed| seed.len() <= MAX);
    let packed = [damage::gzip(&seeds[0]), damage::zstandard(&seeds[0])];
    seeds.extend(packed);
    seeds
}

/// The frames of each pcap file, as `frames` takes them.
fn frames() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for pcap in texts("pcap") {
        let little = matches!(pcap[0], 0xd4 | 0x4d);
        let word = |at: usize| {
            let bytes: [u8; 4] = pcap[at..at + 4].try_into().unwrap();
            if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
        };
        let link = LinkType(word(20) & 0xffff);
        let row = LINKS.iter().position(|row| row.ids.contains(&link)).unwrap() as u16;
        let mut seed = row.to_be_bytes().to_vec();
        let mut at = 24;
        let mut count = 0;
        while at < pcap.len() {
            let len = word(at + 8) as usize;
            seed.extend(chunk(&[20, 0], &pcap[at + 16..at + 16 + len]));
            (at, count) = (at + 16 + len, count + 1);
            if count % FRAMES == 0 {
                seeds.push(std::mem::replace(&mut seed, row.to_be_bytes().to_vec()));
            }
        }
        seeds.push(seed);
    }
    seeds
}

/// A seed of each connection over the transport that `make` asks for, of all scenarios.
fn connections(make: fn(&[Packet]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for path in files("toml") {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for connection in Scenario::fixture(&stem).connection.iter().flat_map(Connection::expand) {
            seeds.push(make(&scenario::packets(&[connection], 0)));
        }
    }
    assert!(seeds.iter().any(|seed| !seed.is_empty()), "no seed at all");
    seeds
}

/// Where the transport's header of an IP packet begins, and its protocol, where that stands right behind the header.
fn transport(packet: &Packet) -> (usize, u8) {
    match packet.ip[0] >> 4 {
        4 => (usize::from(packet.ip[0] & 15) * 4, packet.ip[9]),
        _ => (40, packet.ip[6]),
    }
}

fn fragments(packets: &[Packet]) -> Vec<u8> {
    let mut seed = Vec::new();
    for (id, packet) in packets.iter().take(FRAMES).enumerate() {
        let (at, protocol) = transport(packet);
        let body = &packet.ip[at..];
        let way = u8::from(!packet.from_client) | (id as u8) << 1;
        let cut = (body.len() / 2 / 8 * 8).max(8).min(body.len());
        let v6 = if packet.is_v6() { 2 } else { 0 };
        seed.extend(chunk(&[way, protocol, v6, (cut / 8) as u8], &body[cut..]));
        seed.extend(chunk(&[way, protocol, v6 | 1, 0], &body[..cut]));
    }
    seed
}

fn segments(packets: &[Packet]) -> Vec<u8> {
    let mut come = [None::<u32>; 2];
    let mut seed = Vec::new();
    for packet in packets {
        let (at, protocol) = transport(packet);
        if protocol != 6 {
            continue;
        }
        let tcp = &packet.ip[at..];
        let seq = u32::from_be_bytes(tcp[4..8].try_into().unwrap());
        let payload = &tcp[usize::from(tcp[12] >> 4) * 4..];
        let flags = tcp[13];
        let mine = &mut come[usize::from(!packet.from_client)];
        let jump = seq.wrapping_sub(mine.unwrap_or(seq)) as u16;
        if jump == 0 {
            *mine = Some(seq.wrapping_add(payload.len() as u32 + u32::from(flags >> 1 & 1)));
        }
        let [high, low] = jump.to_be_bytes();
        let way = u8::from(!packet.from_client) | (flags & 7) << 1 | (flags & 16);
        seed.extend(chunk(&[way, 20, high, low, 0], payload));
    }
    seed
}

/// What one side sent, in the order of the packets.
fn stream(packets: &[Packet], client: bool) -> Vec<u8> {
    let mut seed = Vec::new();
    for packet in packets.iter().filter(|packet| packet.from_client == client) {
        let (at, protocol) = transport(packet);
        if protocol == 6 {
            seed.extend(&packet.ip[at + usize::from(packet.ip[at + 12] >> 4) * 4..]);
        }
    }
    seed.truncate(6000);
    seed
}

fn datagrams() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for stem in ["quic", "gquic", "dtls"] {
        for connection in Scenario::fixture(stem).connection {
            let sent = scenario::packets(std::slice::from_ref(&connection), 0);
            let head = if connection.client.is_ipv4() { 28 } else { 48 };
            let chunks =
                sent.iter().map(|packet| chunk(&[u8::from(!packet.from_client)], &packet.ip[head..]));
            seeds.push(chunks.collect::<Vec<_>>().concat());
        }
    }
    seeds
}

/// Frames as they were ahead of sealing.
fn quic_frames() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for stem in ["quic", "gquic"] {
        for connection in Scenario::fixture(stem).connection {
            let hello = connection.hello.as_ref().unwrap().message(false);
            let pieces = connection.send.pieces(&hello);
            let pieces = pieces.iter().map(|piece| crypto(Version::V1, piece.from, &piece.bytes(&hello)));
            let frames = [&[2, 0, 0, 0, 0, 1][..], &pieces.collect::<Vec<_>>().concat()].concat();
            seeds.push(chunk(&[0], &frames));
        }
    }
    let chlo = quic::gquic::chlo(&Hello::named("c", Tls::Tls12, "c"), 300);
    seeds.push(chunk(&[6], &crypto(Version::Q050, 0, &chlo)));
    seeds.push(chunk(&[7], &crypto(Version::Q050, 0, b"REJ\0\0\0\0\0")));
    seeds
}

fn names() -> Vec<Vec<u8>> {
    let hellos = Scenario::fixture("names").connection.into_iter().filter_map(|connection| connection.hello);
    hellos.filter_map(|hello| hello.sni).flatten().map(|name| unescape(&name)).collect()
}

/// Records of both gateways by turns.
fn paths() -> Vec<Vec<u8>> {
    let both = ["gateways-dc1.jsonl", "gateways-dc2.jsonl"]
        .map(|name| fs::read(scenario::fixtures().join(name)).unwrap());
    let line = |which: usize, at: usize| {
        let mut lines = both[which].split_inclusive(|byte| *byte == b'\n');
        lines.nth(at).map(|line| chunk(&[which as u8], line)).unwrap_or_default()
    };
    (0..12).map(|at| (at..at + 4).flat_map(|at| [line(0, at), line(1, at)].concat()).collect()).collect()
}

/// A chunk in the form of the entries.
fn chunk(head: &[u8], payload: &[u8]) -> Vec<u8> {
    [head, &(payload.len() as u16).to_be_bytes(), payload].concat()
}

/// xorshift64*: small, and good enough to choose bytes.
pub struct Chance(u64);

impl Chance {
    /// What it gives follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 20) as usize % end.max(1)
    }

    /// A seed with one to eight changes: bytes, lengths, cuts, repetitions, pieces of others.
    pub fn changed(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len());
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at.min(bytes.len()), self.next() as u8),
                2 => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len());
                    let to = (from + self.below(1400)).min(other.len());
                    bytes.splice(at..at, other[from..to].iter().copied());
                }
                3 => {
                    let end = (at + self.below(64)).min(bytes.len());
                    bytes.drain(at.min(end)..end);
                }
                4 => {
                    let odd = [0, 1, 0x7f, 0x80, 0xff][self.below(5)];
                    let end = (at + 1 + self.below(4)).min(bytes.len());
                    bytes[at.min(end)..end].fill(odd);
                }
                _ => {
                    // the heads of packets are few bytes among many
                    let at = if self.below(2) == 0 { at.min(40) } else { at };
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= (self.next() as u8).max(1);
                    }
                }
            }
            bytes.truncate(MAX);
        }
        bytes
    }
}
