//! Changes the datagrams of fixtures by chance, and reads them, for so many seconds: `cargo run --release --example
//! mutate -- 300`. What it does follows from its seed (the second argument); a panic is the only failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is to be seen"
)]
#![allow(clippy::print_stdout, reason = "it tells what it did")]
#![allow(clippy::cast_possible_truncation, reason = "chance may be cut")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use sni_watch::hello::entries;
use support::quic::seal::{Version, crypto};
use support::scenario::Scenario;

/// xorshift64*: small, and good enough to choose bytes.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 20) as usize % end.max(1)
    }
}

/// A chunk in the form of the entries.
fn chunk(way: u8, payload: &[u8]) -> Vec<u8> {
    [&[way], &(payload.len() as u16).to_be_bytes()[..], payload].concat()
}

/// Whole connections out of fixtures: datagrams as they are, and frames as they were ahead of sealing.
fn seeds() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut datagrams = Vec::new();
    let mut frames = Vec::new();
    for stem in ["quic", "gquic", "dtls"] {
        for connection in Scenario::fixture(stem).connection {
            let sent = support::scenario::packets(std::slice::from_ref(&connection), 0);
            let head = if connection.client.is_ipv4() { 28 } else { 48 };
            let chunks = sent.iter().map(|packet| chunk(u8::from(!packet.from_client), &packet.ip[head..]));
            datagrams.push(chunks.collect::<Vec<_>>().concat());
            if connection.dtls.is_some() {
                continue;
            }
            let hello = connection.hello.as_ref().unwrap().message(false);
            let pieces = connection.send.pieces(&hello);
            let pieces = pieces.iter().map(|piece| crypto(Version::V1, piece.from, &piece.bytes(&hello)));
            frames.push(chunk(0, &[&[2, 0, 0, 0, 0, 1][..], &pieces.collect::<Vec<_>>().concat()].concat()));
        }
    }
    let chlo = support::quic::gquic::chlo(
        &support::hello::Hello::named("c", support::hello::Version::Tls12, "c"),
        300,
    );
    frames.push(chunk(6, &crypto(Version::Q050, 0, &chlo)));
    frames.push(chunk(7, &crypto(Version::Q050, 0, b"REJ\0\0\0\0\0")));
    (datagrams, frames)
}

/// One to eight changes: bytes, lengths, cuts, repetitions, pieces of others.
fn mutate(chance: &mut Chance, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(8) {
        let at = chance.below(bytes.len());
        match chance.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), chance.next() as u8),
            2 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len());
                let to = (from + chance.below(1400)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            3 => {
                let end = (at + chance.below(64)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            _ => {
                // the heads of packets are few bytes among many
                let at = if chance.below(2) == 0 { at.min(40) } else { at };
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= (chance.next() as u8).max(1);
                }
            }
        }
        bytes.truncate(20_000);
    }
    bytes
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let (seconds, seed) = (arguments.next().unwrap_or(10), arguments.next().unwrap_or(1));
    let (mut chance, begun) = (Chance(seed.max(1)), Instant::now());
    let (datagrams, frames) = seeds();
    let (mut runs, mut hellos) = (0_u64, 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..100 {
            hellos += entries::datagrams(&mutate(&mut chance, &datagrams)) as u64;
            hellos += entries::quic_frames(&mutate(&mut chance, &frames)) as u64;
            runs += 2;
        }
    }
    println!("{runs} inputs, {hellos} hellos, no panic");
    assert!(hellos > 0, "what is changed a little is often still a hello");
}
