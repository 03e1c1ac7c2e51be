//! The committed captures are what their scenarios say, byte for byte (`UPDATE_EXPECT=1` writes them anew).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code fails loudly")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::connection::{Answer, Connection};
use support::damage;
use support::hello::{Hello, Version, unescape};
use support::packet::Packet;
use support::pieces::{Cutting, Piece};
use support::scenario::{self, Capture, Format, Scenario};

/// Stems of all scenarios.
fn stems() -> Vec<String> {
    let mut stems: Vec<String> =
        names().iter().filter_map(|n| n.strip_suffix(".toml").map(Into::into)).collect();
    stems.sort();
    assert!(stems.len() >= 12, "the scenarios are there: {stems:?}");
    stems
}

fn names() -> BTreeSet<String> {
    let entries = fs::read_dir(scenario::fixtures()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn built() -> Vec<(String, Vec<u8>)> {
    stems().iter().flat_map(|stem| Scenario::fixture(stem).files(stem)).collect()
}

#[test]
fn captures_are_what_their_scenarios_say() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1");
    for (name, bytes) in built() {
        let path = scenario::fixtures().join(&name);
        if update {
            fs::write(&path, &bytes).unwrap();
        }
        let committed = fs::read(&path).unwrap_or_default();
        assert!(committed == bytes, "{name} differs from its scenario; UPDATE_EXPECT=1 writes it anew");
    }
}

#[test]
fn every_capture_has_a_scenario() {
    let built: BTreeSet<String> = built().into_iter().map(|(name, _)| name).collect();
    let is_capture = |name: &&String| {
        Path::new(name).extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng")
    };
    let committed: BTreeSet<String> = names().iter().filter(is_capture).cloned().collect();
    assert_eq!(committed, built);
}

#[test]
fn every_scenario_says_in_words_what_it_shows() {
    for stem in stems() {
        let text = fs::read_to_string(scenario::fixtures().join(format!("{stem}.toml"))).unwrap();
        let words = text.lines().next().unwrap_or_default();
        assert!(words.starts_with("# ") && words.len() > 30, "{stem}.toml opens with {words:?}");
    }
}

#[test]
fn captures_stay_small() {
    let bytes: usize = built().iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes < 2_000_000, "all fixtures together have {bytes} bytes");
}

#[test]
fn both_legs_of_a_proxy_carry_the_same_hello() {
    let scenario = Scenario::parse(
        r#"
        start = 2026-03-04T10:31:00Z
        [[connection]]
        at = 1.0
        client = "10.42.0.17:41022"
        server = "10.128.0.10:443"
        hello = { label = "b1", sni = ["a.example"] }
        out = { client = "10.128.0.10:51514", server = "10.132.0.20:443", after_ms = 0.54 }
        "#,
    );
    let packets = scenario.packets();
    let random = Hello::named("b1", Version::Tls12, "a.example").random();
    let with_random: Vec<&Packet> = packets.iter().filter(|packet| holds(&packet.ip, &random)).collect();
    let [inbound, outbound] = with_random[..] else { panic!("{} hellos", with_random.len()) };
    assert_eq!(outbound.time - inbound.time, 540_000);
    assert_eq!(inbound.time, 1_772_620_261_000_000_000, "2026-03-04T10:31:01Z");
    assert_eq!(payload(inbound), payload(outbound));
}

#[test]
fn segments_are_cut_ordered_and_repeated_as_told() {
    let stream: Vec<u8> = (0..10).collect();
    let cutting =
        Cutting { split: vec![2, 5], order: vec![2, 1, 3], duplicate: vec![1], ..Cutting::default() };
    let sent: Vec<Vec<u8>> = cutting.pieces(&stream).iter().map(|piece| piece.bytes(&stream)).collect();
    assert_eq!(sent, [vec![2, 3, 4], vec![0, 1], vec![0, 1], vec![5, 6, 7, 8, 9]]);
    let each = Cutting { each: Some(4), stop: Some(6), ..Cutting::default() };
    assert_eq!(each.pieces(&stream).iter().map(|piece| piece.to).collect::<Vec<_>>(), [4, 6]);
    let fill = Piece { from: 0, to: 2, fill: Some(0) };
    assert_eq!(fill.bytes(&stream), [0, 0]);
}

#[test]
fn sequence_numbers_follow_the_segments_over_the_wrap() {
    let hello = Hello::named("w", Version::Tls13, "wrap.example");
    let send = Cutting { split: vec![3], order: vec![2, 1], ..Cutting::default() };
    let connection = Connection {
        at: 1.0,
        isn: Some(u32::MAX - 1),
        hello: Some(hello),
        send,
        answer: Answer::Silence,
        ..Connection::default()
    };
    let played = scenario::packets(&[connection], 0);
    let numbers: Vec<u32> =
        played.iter().filter(|it| it.from_client).map(|it| number(&it.ip[24..28])).collect();
    assert_eq!(numbers, [u32::MAX - 1, u32::MAX, 2, u32::MAX]);
}

#[test]
fn a_hello_is_padded_to_its_size_and_cut_into_records() {
    for size in [1742, 16_500, 65_536] {
        let hello = Hello { size, records: vec![1, 100], ..Hello::named("p", Version::Tls13, "a.example") };
        assert_eq!(hello.message(false).len(), size);
        let records = 3 + (size - 100).div_ceil(1 << 14) - 1;
        assert_eq!(hello.stream().len(), size + 5 * records);
    }
    assert_eq!(unescape("a\\xff\\x00b"), [b'a', 0xff, 0, b'b']);
}

#[test]
fn damage_lands_where_it_is_aimed() {
    let connection = Connection { hello: Some(Hello::default()), at: 1.0, ..Connection::default() };
    let packets = scenario::packets(&[connection], 0);
    let pcap = Capture::default().file(&packets);
    let pcapng = Capture { format: Format::Pcapng, ..Capture::default() }.file(&packets);
    assert_eq!(damage::cut_in_record_header(&pcap, 1).len(), 24 + 8);
    assert_eq!(damage::cut_in_packet(&pcap, 2).len(), 24 + 16 + 66 + 16 + 10);
    assert_eq!(damage::packet_length(&pcap, 1, u32::MAX)[32..36], [0xff; 4]);
    assert_eq!(damage::cut_in_block(&pcapng, 2).len(), 28 + 10);
    assert_eq!(damage::block_length(&pcapng, 2, 0)[32..36], [0; 4]);
    assert!(damage::gzip(&pcap).starts_with(&[0x1f, 0x8b]));
    assert!(damage::zstandard(&pcap).starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn payload(packet: &Packet) -> &[u8] {
    &packet.ip[40..]
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().unwrap())
}
