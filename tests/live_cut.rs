//! What the cut in the kernel does to each kind of packet, at the source: needs root and `ip netns`, and says so where
//! it has not got them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use sni_watch::model::frame::OriginId;
use sni_watch::source::cut::{CutOptions, Method};
use sni_watch::source::live::LiveSource;
use sni_watch::source::live::options::LiveOptions;
use sni_watch::source::{Progress, Source};

#[path = "live/frames.rs"]
mod frames;
#[path = "support/netns.rs"]
mod netns;
mod support;

use frames::{Talk, datagram, hello, scenario, tagged};
use netns::{Lab, inside, send};

/// Bytes of each direction that pass.
const DEPTH: u32 = 4096;
/// Packets with a short header that pass after each with a long one.
const QUIC_SHORT: usize = 64;

fn open(lab: &Lab, best: Method, rings: usize) -> Vec<LiveSource> {
    let cut = CutOptions { depth: Some(DEPTH), best, entries: 1024 };
    // a filter with words takes one tag at most
    let options = LiveOptions { filter: Some(String::new()), cut, ..LiveOptions::default() };
    let opened = inside(&lab.near, move || LiveSource::open_rings("ens4", OriginId(0), &options, rings));
    let (sources, refused) = opened.join().unwrap().unwrap();
    assert_eq!(refused, None);
    sources
}

/// The frames of `sent` that a source has, once it has had none for 150 ms; and how many were cut. The two ends of the
/// link say something of themselves at any time, which is left out.
fn passed(source: &mut LiveSource, sent: &[Vec<u8>]) -> (Vec<Vec<u8>>, u64) {
    let sent: BTreeSet<_> = sent.iter().collect();
    let mut found = Vec::new();
    let mut quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(150) {
        let progress = source.drive(&mut |batch| {
            let frames = batch.iter().map(|frame| frame.bytes.to_vec());
            found.extend(frames.filter(|frame| sent.contains(frame)));
            ControlFlow::Continue(())
        });
        if progress.unwrap() == Progress::More {
            quiet = Instant::now();
        }
    }
    let stats = source.stats();
    assert_eq!(stats.dropped_by_kernel, 0);
    (found, stats.cut.map_or(0, |cut| cut.packets))
}

/// A named connection, and 60 segments of 1,000 bytes that its server sends.
fn bulk(client: &str, server: &str) -> Vec<Vec<u8>> {
    let mut talk = Talk::between(client.parse().unwrap(), server.parse().unwrap(), (50, 50));
    talk.say(true, &hello("bulk.example"), 400);
    talk.say(false, &vec![b'.'; 60_000], 1000);
    talk.hear(true);
    talk.close()
}

#[test]
fn bulk_is_cut_whatever_carries_it() {
    let Some(lab) = Lab::new() else { return };
    let four = bulk("10.9.0.1:40001", "10.9.0.2:443");
    let six = bulk("[fd09::1]:40001", "[fd09::2]:443");
    let tags = |frames: &[Vec<u8>], tags: &[(u16, u16)]| -> Vec<Vec<u8>> {
        let all =
            |frame: &Vec<u8>| tags.iter().fold(frame.clone(), |frame, (kind, id)| tagged(&frame, *kind, *id));
        frames.iter().map(all).collect()
    };
    let one = [(0x8100, 7)];
    let two = [(0x8100, 7), (0x88a8, 9)];
    let kinds = [
        ("IPv4", four.clone(), true),
        ("IPv6", six.clone(), true),
        ("IPv4, a tag", tags(&four, &one), true),
        ("IPv6, a tag", tags(&six, &one), true),
        ("IPv4, two tags", tags(&four, &two), true),
        ("IPv6, two tags", tags(&six, &two), true),
        ("IPv4, sent with a tag", tags(&four, &one), false),
        ("IPv6, sent with two tags", tags(&six, &two), false),
    ];
    for (what, sent, received) in kinds {
        let mut source = open(&lab, Method::Stateful, 1).remove(0);
        assert_eq!(source.cut(), Method::Stateful, "{}", source.cut_words());
        send(if received { &lab.far } else { &lab.near }, sent.clone());
        let (found, cut) = passed(&mut source, &sent);
        // of the server's 60 the five that begin within the depth; and the acknowledgement of all is no news
        assert_eq!(cut, 60 - 5 + 1, "{what}");
        let passes = |index: usize| index < sent.len() - 58 || index >= sent.len() - 2;
        let expected: Vec<_> =
            sent.iter().enumerate().filter(|(index, _)| passes(*index)).map(|(_, frame)| frame).collect();
        assert!(found.iter().eq(expected), "{what}: {} of {}", found.len(), sent.len());
    }
}

/// The IPv4 frame as two: `at` bytes of its payload, which eight divides, and the rest (RFC 791 §3.2).
fn fragments(frame: &[u8], at: usize) -> Vec<Vec<u8>> {
    let (head, payload) = frame[14..].split_at(20);
    let (first, second) = payload.split_at(at);
    let part = |bits: u16, payload: &[u8]| {
        let mut head = head.to_vec();
        head[2..4].copy_from_slice(&u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
        head[6..8].copy_from_slice(&bits.to_be_bytes());
        head[10..12].fill(0);
        let sum: u32 = head.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum();
        let sum = (sum & 0xffff) + (sum >> 16);
        head[10..12].copy_from_slice(&(!u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap()).to_be_bytes());
        [&frame[..14], &head, payload].concat()
    };
    vec![part(0x2000, first), part(u16::try_from(at / 8).unwrap(), second)]
}

/// The IPv6 frame with an atomic fragment header (RFC 6946) in it.
fn atomic(frame: &[u8]) -> Vec<u8> {
    let mut out = frame.to_vec();
    let header = [frame[20], 0, 0, 0, 0, 0, 0, 9];
    out[20] = 44;
    let len = u16::from_be_bytes([frame[18], frame[19]]) + 8;
    out[18..20].copy_from_slice(&len.to_be_bytes());
    out.splice(54..54, header);
    out
}

#[test]
fn what_is_not_understood_passes_at_any_depth() {
    let Some(lab) = Lab::new() else { return };
    let four = bulk("10.9.0.1:40001", "10.9.0.2:443");
    let six = bulk("[fd09::1]:40001", "[fd09::2]:443");
    let mut source = open(&lab, Method::Stateful, 1).remove(0);
    // both directions are known, and deep
    send(&lab.far, [&four[..four.len() - 2], &six[..six.len() - 2]].concat());
    let (_, cut) = passed(&mut source, &[]);
    assert_eq!(cut, 2 * 56);
    let deep = &four[four.len() - 4];
    let mut options = deep[..34].to_vec();
    // Internet header length 6: options that are none
    options[14] = 0x46;
    options.extend([1, 1, 1, 0]);
    options.extend(&deep[34..]);
    let len = u16::try_from(options.len() - 14).unwrap();
    options[16..18].copy_from_slice(&len.to_be_bytes());
    let whole = vec![deep.clone(), options];
    send(&lab.far, whole.clone());
    let (found, cut) = passed(&mut source, &whole);
    assert_eq!((found.len(), cut), (0, 2 * 56 + 2), "whole ones do not");
    let mut odd = fragments(deep, 504);
    odd.push(atomic(&six[six.len() - 4]));
    // the kernel takes one tag out, two are read, and a fourth one is too many
    let four = [(0x8100, 1), (0x8100, 2), (0x8100, 3), (0x8100, 4)];
    odd.push(four.iter().fold(deep.clone(), |frame, (kind, id)| tagged(&frame, *kind, *id)));
    send(&lab.far, odd.clone());
    let (found, cut) = passed(&mut source, &odd);
    assert_eq!(cut, 2 * 56 + 2);
    assert!(found == odd, "{} of {}", found.len(), odd.len());
}

/// Whether a frame carries a QUIC packet with a short header (RFC 9000 §17.3).
fn is_short(frame: &[u8]) -> bool {
    frame[23] == 17 && frame[42] & 0xc0 == 0x40
}

#[test]
fn of_datagrams_only_quics_bulk_is_cut() {
    let Some(lab) = Lab::new() else { return };
    let ends = |port: u16| -> (SocketAddr, SocketAddr) {
        (([10, 9, 0, 1], port).into(), ([10, 9, 0, 2], 443).into())
    };
    let many = |port: u16, first: u8| -> Vec<Vec<u8>> {
        let (client, server) = ends(port);
        (0..200_u8)
            .map(|number| datagram(server, client, &[&[first, number][..], &[9; 1100]].concat()))
            .collect()
    };
    let quic = |port: u16| scenario("quic.example", port, "quic = {}\ndata = [0, 0]");
    let from_server =
        |frames: &[Vec<u8>]| frames.iter().filter(|f| f[34..36] == [1, 187] && is_short(f)).count();
    // the name's own packets, and what passes of the 200 behind them
    let shorts = from_server(&quic(46_000));
    let kinds = [
        ("QUIC", [quic(46_000), many(46_000, 0x40)].concat(), 200 - (QUIC_SHORT - shorts)),
        ("QUIC that nobody saw begin", many(46_001, 0x40), 0),
        ("DTLS", [scenario("dtls.example", 46_002, "dtls = {}"), many(46_002, 23)].concat(), 0),
        ("other datagrams", many(46_003, 0x80), 0),
        ("a version that nobody knows", many(46_004, 0xc0), 0),
        (
            "QUIC that begins again on the same ports",
            [quic(46_005), many(46_005, 0x40), quic(46_005), many(46_005, 0x40)].concat(),
            2 * (200 - (QUIC_SHORT - shorts)),
        ),
    ];
    for (what, sent, expected) in kinds {
        let mut source = open(&lab, Method::Stateful, 1).remove(0);
        send(&lab.far, sent.clone());
        let (found, cut) = passed(&mut source, &sent);
        assert_eq!(usize::try_from(cut).unwrap(), expected, "{what}");
        assert_eq!(found.len() + expected, sent.len(), "{what}");
        let found: BTreeSet<_> = found.iter().collect();
        let long = sent.iter().filter(|frame| !is_short(frame));
        assert!(long.into_iter().all(|frame| found.contains(frame)), "{what}");
    }
}

#[test]
fn where_the_kernel_refuses_a_cut_the_next_best_is_taken_by_all_rings() {
    let Some(lab) = Lab::new() else { return };
    // room for the filters of a socket: less and less, until the stateful one has none (per namespace since Linux 6.9)
    let least = (2..=40).rev().map(|room| room * 512).find(|room| {
        let room = room.to_string();
        let written = inside(&lab.near, || fs::write("/proc/sys/net/core/optmem_max", room)).join().unwrap();
        written.is_err() || open(&lab, Method::Stateful, 1).iter().any(|one| one.cut() != Method::Stateful)
    });
    if inside(&lab.near, || fs::read("/proc/sys/net/core/optmem_max")).join().unwrap().is_err() {
        println!("skipped: needs Linux 6.9");
        return;
    }
    assert!(least.is_some(), "it is never refused");
    for rings in [1, 2] {
        let mut sources = open(&lab, Method::Stateful, rings);
        for source in &sources {
            assert_eq!(source.cut(), Method::Stateless, "{least:?}: {}", source.cut_words());
            let words = source.cut_words();
            let expected = "the kernel cuts off bare acknowledgements (classic BPF); eBPF: ";
            assert!(words.starts_with(expected), "{words}");
        }
        let sent = [bulk("10.9.0.1:40001", "10.9.0.2:443"), bulk("10.9.0.1:40002", "10.9.0.2:443")].concat();
        send(&lab.far, sent.clone());
        let found: usize = sources.iter_mut().map(|source| passed(source, &sent).0.len()).sum();
        // of each the bare acknowledgements: of the SYN-ACK, and of the bulk
        assert_eq!(found, sent.len() - 4);
    }
}
