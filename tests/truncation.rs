//! Captures that were cut or damaged: never a panic, never a name that the whole capture does not have.
//!
//! Large captures are cut at some hundred places. `SNI_WATCH_EVERY_BYTE=1 cargo test --release --test truncation` cuts
//! each at every byte, which takes minutes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;
mod watch;

use std::fs;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use support::random;
use support::scenario;

/// Bytes that all cut copies of one capture have together, more or less: time is what limits their number.
const CUT_BYTES: usize = 6_000_000;
/// Copies in any case.
const MIN_CUTS: usize = 60;
/// Damaged copies of each small capture.
const DAMAGED: usize = 400;
/// Captures up to this size, in bytes, are small.
const SMALL: usize = 12_000;

/// Name and bytes of each committed capture, by name.
fn captures() -> Vec<(String, Vec<u8>)> {
    let folders = [scenario::fixtures(), scenario::fixtures().join("recorded")];
    let mut captures: Vec<(String, Vec<u8>)> = folders
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "pcap" || kind == "pcapng"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    captures.sort();
    assert!(captures.len() >= 62, "only {} captures", captures.len());
    captures
}

/// Watches bytes that `what` tells of; a panic is told with it.
fn watched(what: &str, bytes: Vec<u8>) -> watch::Watched {
    catch_unwind(AssertUnwindSafe(|| watch::capture(bytes)))
        .unwrap_or_else(|_| panic!("{what}: the program panicked"))
}

/// Lengths at which a capture of `len` bytes is cut: the first hundred, and every so many (an odd number) from there.
fn lengths(len: usize) -> impl Iterator<Item = usize> {
    let cuts = (CUT_BYTES * 2 / len).clamp(MIN_CUTS, len);
    let every = std::env::var_os("SNI_WATCH_EVERY_BYTE").is_some();
    let step = if every { 1 } else { (len / cuts) | 1 };
    (0..len).filter(move |at| *at < 100 || at % step == 0)
}

/// Where the packets of a little- or big-endian pcap file begin and end, headers included.
fn records(pcap: &[u8]) -> Vec<Range<usize>> {
    let little = matches!(pcap[0], 0xd4 | 0x4d);
    let mut records = Vec::new();
    let mut at = 24;
    while at < pcap.len() {
        let length: [u8; 4] = pcap[at + 8..at + 12].try_into().unwrap();
        let length = if little { u32::from_le_bytes(length) } else { u32::from_be_bytes(length) };
        let end = at + 16 + length as usize;
        records.push(at..end);
        at = end;
    }
    records
}

#[test]
fn a_capture_under_any_link_header_may_end_anywhere() {
    may_end_anywhere(|name| name.starts_with("links-"));
}

#[test]
fn any_other_capture_may_end_anywhere() {
    may_end_anywhere(|name| !name.starts_with("links-"));
}

fn may_end_anywhere(chosen: fn(&str) -> bool) {
    for (name, whole) in captures().into_iter().filter(|(name, _)| chosen(name)) {
        let right = watched(&name, whole.clone()).names();
        for length in lengths(whole.len()) {
            let what = format!("{name} cut after {length} bytes");
            let cut = watched(&what, whole[..length].to_vec());
            let wrong: Vec<_> = cut.names().difference(&right).cloned().collect();
            assert!(wrong.is_empty(), "{what}: {wrong:?}");
            assert!(cut.errors.len() <= 1, "{what}: {:?}", cut.errors);
        }
    }
}

#[test]
fn what_stands_ahead_of_a_cut_is_found_and_the_cut_is_told() {
    for (name, whole) in captures() {
        let is_pcapng = whole.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
        if is_pcapng || whole.len() > SMALL {
            continue;
        }
        for record in records(&whole) {
            let before = watched(&name, whole[..record.start].to_vec());
            assert!(before.errors.is_empty(), "{name}, {} bytes: {:?}", record.start, before.errors);
            for length in [record.start + 1, record.start + 16, record.end - 1] {
                let what = format!("{name} cut after {length} bytes");
                let cut = watched(&what, whole[..length].to_vec());
                assert_eq!(cut.errors.len(), 1, "{what}: {:?}", cut.errors);
                assert_eq!(cut.stats.packets, before.stats.packets, "{what}");
                assert_eq!(cut.records, before.records, "{what}");
            }
        }
    }
}

/// A packet that ends early (a snapshot length): what is missing is never made up.
#[test]
fn a_packet_may_be_cut_anywhere() {
    for name in [
        "segments.pcap",
        "outcomes.pcap",
        "hrr.pcap",
        "vlan.pcap",
        "ipoptions.pcap",
        "links-sll2.pcap",
        "quic.pcap",
        "gquic.pcap",
        "dtls.pcap",
        "late.pcap",
        "certificates.pcap",
        "pq.pcap",
    ] {
        let whole = fs::read(scenario::fixtures().join(name)).unwrap();
        let right = watched(name, whole.clone()).names();
        for snap in (0..300).step_by(3).chain((300..1500).step_by(97)) {
            let mut short = whole[..24].to_vec();
            for record in records(&whole) {
                let kept = (record.len() - 16).min(snap);
                short.extend(&whole[record.start..record.start + 8]);
                short.extend(u32::try_from(kept).unwrap().to_le_bytes());
                short.extend(&whole[record.start + 12..record.start + 16 + kept]);
            }
            let what = format!("{name} under a snapshot length of {snap}");
            let cut = watched(&what, short);
            assert!(cut.errors.is_empty(), "{what}: {:?}", cut.errors);
            let wrong: Vec<_> = cut.names().difference(&right).cloned().collect();
            assert!(wrong.is_empty(), "{what}: {wrong:?}");
        }
    }
}

#[test]
fn any_byte_may_be_another() {
    let mut tried = 0;
    for (name, whole) in captures().into_iter().filter(|(_, whole)| whole.len() <= SMALL) {
        for turn in 0..DAMAGED {
            let number = random::number(&format!("{name} {turn}"));
            let at = usize::try_from(number % whole.len() as u64).unwrap();
            // the headers of files and packets are few bytes among many: half of the damage is aimed at them
            let at = if turn % 2 == 0 { at } else { at % 160 };
            let [.., change] = (number >> 32).to_be_bytes();
            let mut damaged = whole.clone();
            damaged[at] ^= change.max(1);
            let what = format!("{name}, byte {at} as {:#04x}", damaged[at]);
            let found = watched(&what, damaged);
            assert!(found.errors.len() <= 1, "{what}: {:?}", found.errors);
            tried += 1;
        }
    }
    assert!(tried >= 20 * DAMAGED, "only {tried} copies");
}

#[test]
fn noise_is_no_capture_and_behind_a_header_no_name() {
    for turn in 0..200 {
        let noise = random::bytes(&format!("noise {turn}"), 3000);
        let found = watched("noise", noise.clone());
        assert!(found.names().is_empty() && found.errors.len() == 1, "{:?}", found.errors);
        let whole = fs::read(scenario::fixtures().join("links-ethernet.pcap")).unwrap();
        let found = watched("noise behind a header", [&whole[..24], &noise].concat());
        assert!(found.names().is_empty(), "{:?}", found.names());
    }
}
