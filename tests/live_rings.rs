//! Rings and cuts at the source: needs root and `ip netns`, and says so where it has not got them.
//!
//! What the tests of the whole program (tests/live) cannot choose: the method of the cut, the size of its map, and the
//! end of one ring.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::thread;
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

use frames::{Talk, answer, ethernet, hello, record, scenario};
use netns::{Lab, inside, send};

fn options(filter: &str, depth: Option<u32>, best: Method, entries: u32) -> LiveOptions {
    let cut = CutOptions { depth, best, entries };
    LiveOptions { filter: Some(filter.to_owned()), cut, ..LiveOptions::default() }
}

fn open(lab: &Lab, options: &LiveOptions, rings: usize) -> Vec<LiveSource> {
    let options = options.clone();
    let opened = inside(&lab.near, move || LiveSource::open_rings("ens4", OriginId(0), &options, rings));
    let (sources, refused) = opened.join().unwrap().unwrap();
    assert_eq!(refused, None);
    sources
}

/// All frames that a source has, once it has had none for 150 ms.
fn frames_of(source: &mut LiveSource) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(150) {
        let progress = source.drive(&mut |batch| {
            found.extend(batch.iter().map(|frame| frame.bytes.to_vec()));
            ControlFlow::Continue(())
        });
        if progress.unwrap() == Progress::More {
            quiet = Instant::now();
        }
    }
    found
}

/// Frames of all kinds: names whole and in pieces, bulk, tags, IPv6, other ports, ICMP.
fn mixture() -> Vec<Vec<u8>> {
    let mut frames = scenario("one.example", 40_001, "");
    frames.extend(scenario("pieces.example", 40_002, "send = { split = [3, 100], order = [3, 2, 1] }"));
    frames.extend(scenario("tagged.example", 40_003, "frame = { vlan = [7] }"));
    frames.extend(scenario("twice.example", 40_004, "frame = { vlan = [7, 8] }"));
    let mut talk = Talk::open(40_005, (1, 1));
    talk.say(true, &hello("bulk.example"), 1400);
    talk.say(false, &answer(), 1400);
    talk.say(false, &record(23, 16_000), 1400);
    talk.hear(true);
    frames.extend(talk.close());
    for (number, frame) in scenario("other.example", 40_006, "").into_iter().enumerate() {
        // the same to port 444, and as ICMP
        let mut other = frame;
        other[37] = other[37].wrapping_add(u8::from(number % 2 == 0));
        if number % 3 == 0 {
            other[23] = 1;
        }
        frames.push(other);
    }
    frames.push(vec![0xff; 60]);
    frames
}

#[test]
fn the_users_filter_holds_under_every_cut() {
    let Some(lab) = Lab::new() else { return };
    let filters = [
        "",
        "port 443",
        "tcp port 443 or udp port 443",
        "host 10.9.0.1 and not port 444",
        "vlan and tcp",
        "icmp or arp",
        "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
        "ip[2:2] - ((ip[0] & 0xf) << 2) > 100 and len < 900",
        "src portrange 40001-40003 or dst net 10.9.0.0/30",
        "ip[8] * 2 / 3 % 7 != 1 and greater 60",
        "inbound and tcp",
    ];
    for filter in filters {
        // deeper than anything here: nothing but the filter decides
        let everything = options(filter, None, Method::Nothing, 64);
        let stateful = options(filter, Some(1 << 29), Method::Stateful, 1024);
        let stateless = options(filter, Some(1 << 29), Method::Stateless, 64);
        let mut sources: Vec<_> = [everything, stateful, stateless]
            .iter()
            .map(|options| open(&lab, options, 1).remove(0))
            .collect();
        let methods: Vec<_> = sources.iter().map(LiveSource::cut).collect();
        assert_eq!(methods, [Method::Nothing, Method::Stateful, Method::Stateless], "{filter}");
        // no encrypted record is there: that would be cut at any depth
        let frames: Vec<_> =
            mixture().into_iter().filter(|frame| !frame.windows(3).any(|w| w == [23, 3, 3])).collect();
        send(&lab.far, frames);
        let mut found: Vec<_> = sources.iter_mut().map(frames_of).collect();
        // what the two ends of the link say of themselves, at any time
        for all in &mut found {
            all.retain(|frame| frame[12..14] != [0x86, 0xdd]);
        }
        let what = |all: &[Vec<u8>]| all.iter().map(|frame| frame[..48].to_vec()).collect::<Vec<_>>();
        assert!(found[1] == found[0], "{filter}: {:?} {:?}", what(&found[1]), what(&found[0]));
        let with_payload = |frame: &&Vec<u8>| !is_bare(frame);
        assert!(found[2].iter().eq(found[0].iter().filter(with_payload)), "{filter}");
    }
}

const FIN: usize = 1;
const SYN: usize = 2;
const RST: usize = 4;

/// An IPv4 TCP segment with no payload and none of SYN, FIN, RST. One tag is no hindrance: the kernel takes it out of a
/// received frame ahead of the filter, and libpcap puts it back.
fn is_bare(frame: &[u8]) -> bool {
    let tag = if frame.get(12..14) == Some(&[0x81, 0]) { 4 } else { 0 };
    let at = |place: usize| usize::from(frame.get(tag + place).copied().unwrap_or_default());
    let tcp = 14 + (at(14) & 0x0f) * 4;
    let is_tcp = (at(12), at(13), at(23)) == (8, 0, 6);
    let control = at(tcp + 13) & (FIN | SYN | RST);
    is_tcp && control == 0 && (at(16) << 8 | at(17)) + 14 == tcp + (at(tcp + 12) >> 4) * 4
}

#[test]
fn a_full_map_lets_more_pass_and_loses_no_hello() {
    let Some(lab) = Lab::new() else { return };
    let mut source = open(&lab, &options("port 443", Some(4096), Method::Stateful, 4), 1).remove(0);
    assert_eq!(source.cut(), Method::Stateful, "{}", source.cut_words());
    // 60 connections whose segments take turns
    let connections: Vec<Vec<Vec<u8>>> = (0..60)
        .map(|number| {
            let mut talk = Talk::open(41_000 + number, (u32::from(number) * 99, 5));
            talk.say(true, &hello(&format!("name-{number}.example")), 70);
            talk.say(false, &vec![b'.'; 20_000], 1000);
            talk.close()
        })
        .collect();
    let most = connections.iter().map(Vec::len).max().unwrap();
    let turns: Vec<Vec<u8>> =
        (0..most).flat_map(|turn| connections.iter().filter_map(move |one| one.get(turn).cloned())).collect();
    let sent = turns.len();
    send(&lab.far, turns.clone());
    let found = frames_of(&mut source);
    let stats = source.stats();
    assert_eq!(stats.dropped_by_kernel, 0);
    assert_eq!(stats.cut.unwrap().packets + found.len() as u64, sent as u64);
    // all that clients say, and every SYN and FIN
    let kept = |frame: &&Vec<u8>| frame[36..38] == [1, 187] || frame[47] & 3 != 0;
    let found: BTreeSet<_> = found.into_iter().collect();
    assert!(turns.iter().filter(kept).all(|frame| found.contains(frame)));
}

#[test]
fn each_connection_comes_to_one_ring_with_both_its_ways() {
    let Some(lab) = Lab::new() else { return };
    let mut rings = open(&lab, &options("", Some(16_384), Method::Stateful, 1024), 2);
    let frames: Vec<_> = (0..100).flat_map(|port| scenario("a.example", 30_000 + port, "")).collect();
    let sent = frames.len();
    send(&lab.far, frames);
    let found: Vec<_> = rings.iter_mut().map(frames_of).collect();
    let of_connection = |frame: &&Vec<u8>| frame.len() >= 54 && frame[26..29] == [10, 9, 0];
    let port = |frame: &Vec<u8>| {
        let ports = [&frame[34..36], &frame[36..38]].map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        ports.into_iter().find(|port| *port != 443).unwrap()
    };
    let ports: Vec<BTreeMap<u16, usize>> = found
        .iter()
        .map(|frames| {
            let mut count = BTreeMap::new();
            frames.iter().filter(of_connection).for_each(|frame| *count.entry(port(frame)).or_default() += 1);
            count
        })
        .collect();
    let both: usize = ports.iter().map(|ring| ring.values().sum::<usize>()).sum();
    let cut: u64 = rings.iter_mut().map(|ring| ring.stats().cut.unwrap_or_default().packets).sum();
    assert_eq!(both as u64 + cut, sent as u64, "each frame once");
    assert!(ports[0].keys().all(|port| !ports[1].contains_key(port)), "{ports:?}");
    assert!(ports.iter().all(|ring| ring.len() > 20), "{ports:?}");
}

#[test]
fn both_ways_of_a_tunnel_and_all_fragments_come_to_one_ring() {
    let Some(lab) = Lab::new() else { return };
    for place in 0..8_u8 {
        let mut rings = open(&lab, &options("net 10.7.0.0/16", None, Method::Nothing, 64), 2);
        // VXLAN (RFC 7348 §5): the outer source port is the sender's choice
        let udp = |ends: [u8; 2], from: u16, to: u16| {
            let datagram = [&from.to_be_bytes()[..], &to.to_be_bytes(), &[0, 16, 0, 0], &[8; 8]].concat();
            ethernet(&ipv4(17, [0, 0], ends, &datagram))
        };
        let tunnel: Vec<_> = (0..10)
            .flat_map(|port| [udp([place, 99], 50_000 + port, 4789), udp([99, place], 51_000 + port, 4789)])
            .collect();
        send(&lab.far, tunnel);
        let found: Vec<_> = rings.iter_mut().map(|ring| frames_of(ring).len()).collect();
        assert!(found == [20, 0] || found == [0, 20], "{found:?}");
        // a datagram in two fragments is joined, and comes to the ring of the whole ones
        let datagram = [&[0xc0, place, 1, 187, 0, 40, 0, 0][..], &[7; 32]].concat();
        let (first, second) = datagram.split_at(24);
        send(
            &lab.far,
            vec![
                ethernet(&ipv4(17, [0, 0], [place, 98], &datagram)),
                ethernet(&ipv4(17, [0x20, 0], [place, 98], first)),
                ethernet(&ipv4(17, [0, 3], [place, 98], second)),
            ],
        );
        let found: Vec<_> = rings.iter_mut().map(frames_of).collect();
        let (has, other) = if found[0].is_empty() { (&found[1], &found[0]) } else { (&found[0], &found[1]) };
        assert!(other.is_empty(), "{found:?}");
        assert_eq!(has.len(), 2, "joined: {found:?}");
        assert!(has.iter().all(|frame| frame.ends_with(&datagram)), "{found:?}");
    }
}

fn ipv4(protocol: u8, fragment: [u8; 2], [from, to]: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut header = vec![0x45, 0, len[0], len[1], 0, 9, fragment[0], fragment[1], 64, protocol, 0, 0];
    header.extend([10, 7, 0, from, 10, 7, 0, to]);
    let sum: u32 = header.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16));
    header[10..12].copy_from_slice(&u16::try_from(sum & 0xffff).unwrap().to_be_bytes());
    [&header[..], payload].concat()
}

#[test]
fn the_rings_that_are_left_take_the_connections_of_one_that_ends() {
    let Some(lab) = Lab::new() else { return };
    let mut rings = open(&lab, &options("port 443", None, Method::Nothing, 64), 2);
    drop(rings.remove(0));
    let frames: Vec<_> = (0..40).flat_map(|port| scenario("a.example", 33_000 + port, "")).collect();
    let sent = frames.len();
    send(&lab.far, frames);
    assert_eq!(frames_of(&mut rings[0]).len(), sent);
}

#[test]
fn what_came_before_the_rings_were_joined_is_told_by_none() {
    let Some(lab) = Lab::new() else { return };
    let far = lab.far.to_string();
    let sender = thread::spawn(move || {
        for port in 0..60 {
            send(&far, scenario("a.example", 34_000 + port, ""));
            thread::sleep(Duration::from_millis(3));
        }
    });
    let mut rings = open(&lab, &options("port 443", None, Method::Nothing, 64), 2);
    sender.join().unwrap();
    let late: Vec<_> = rings.iter_mut().map(frames_of).collect();
    let port = |frame: &Vec<u8>| [&frame[34..36], &frame[36..38]].concat();
    assert!(late.iter().all(|ring| !ring.is_empty()));
    let [one, two] = [0, 1].map(|ring: usize| late[ring].iter().map(port).collect::<BTreeSet<_>>());
    assert!(one.is_disjoint(&two), "{one:?} {two:?}");
}
