//! The kernel cuts off bulk (`--capture-depth`): no name and no end is lost by it, and it says what it does.

use serde_json::Value;

use crate::frames::{Talk, answer, datagram, hello, record, scenario};
use crate::netns::{Lab, send};
use crate::watch::{End, Watch, json, records, result};

/// How the watch is started, and what `-v` says of its cut.
const CUTS: [(bool, &str, &str); 3] = [
    (false, "", "the kernel cuts off each direction after 16 KiB (eBPF)"),
    (true, "", "the kernel cuts off bare acknowledgements (classic BPF); eBPF: "),
    (false, "--capture-depth all", "nothing is cut off in the kernel"),
];

fn start(lab: &Lab, (net_raw_only, option, words): (bool, &str, &str), more: &str) -> Watch {
    let line = format!("-i ens4 -v -j port 443 {option} {more}");
    let watch = if net_raw_only {
        Watch::with_net_raw_only(&lab.near, &line)
    } else {
        Watch::start(&lab.near, &line)
    };
    watch.until_told(words, |told| told.iter().any(|line| line.text.contains(words)));
    watch
}

/// The last `capture_stats` record's `capture`.
fn counts(end: &End) -> Value {
    json(&end.stdout.last().unwrap().text)["capture"].clone()
}

/// A handshake, and then `segments` of 1,400 bytes from the server, each of them acknowledged.
fn long(port: u16, numbers: (u32, u32), segments: usize) -> Vec<Vec<u8>> {
    let mut talk = Talk::open(port, numbers);
    talk.say(true, &hello("long.example"), 1400);
    talk.say(false, &answer(), 1400);
    talk.say(true, &record(23, 69), 1400);
    let bulk: Vec<u8> = std::iter::repeat_with(|| record(23, 16_000)).take(segments / 10).flatten().collect();
    for piece in bulk.chunks(1400) {
        talk.say(false, piece, 1400);
        talk.hear(true);
    }
    talk.close()
}

#[test]
fn a_hello_of_three_segments_out_of_order_survives_each_cut() {
    let Some(lab) = Lab::new() else { return };
    for (cut, port) in CUTS.into_iter().zip(41_000..) {
        let watch = start(&lab, cut, "");
        send(&lab.far, scenario("three.example", port, "send = { split = [3, 100], order = [3, 2, 1] }"));
        let found = records(&watch.until_lines(1));
        assert_eq!((found[0]["sni"].as_str(), result(&found[0])), (Some("three.example"), "ok"), "{cut:?}");
        assert_eq!(found[0]["handshake"]["hello_segments"], 3);
        let has_round_trip = found[0]["handshake"].get("tcp_rtt_ms").is_some();
        assert_eq!(has_round_trip, !cut.0, "bare acknowledgements tell it");
        assert_eq!(watch.interrupt().code, Some(0));
    }
}

#[test]
fn a_hello_longer_than_the_depth_survives_and_so_does_one_deep_in_a_connection() {
    let Some(lab) = Lab::new() else { return };
    let cut = (false, "--capture-depth 4k", "the kernel cuts off each direction after 4 KiB (eBPF)");
    let watch = start(&lab, cut, "");
    // padding of 12,000 bytes
    let mut talk = Talk::open(42_000, (7, 7));
    talk.say(true, &padded(&hello("padded.example"), 12_000), 1400);
    talk.say(false, &answer(), 1400);
    send(&lab.far, talk.close());
    watch.until_lines(1);
    // TLS begins after 20,000 bytes of something else
    let mut talk = Talk::open(42_001, (7, 7));
    talk.say(true, &vec![b'.'; 20_000], 1000);
    talk.hear(false);
    talk.say(true, &padded(&hello("late.example"), 6000), 1400);
    send(&lab.far, talk.close());
    let end = watch.interrupt();
    let names: Vec<_> =
        end.records().iter().map(|record| record["sni"].as_str().map(str::to_owned)).collect();
    assert_eq!(names.first(), Some(&Some("padded.example".to_owned())));
    let counts = counts(&end);
    // Of the 20 segments ahead of the hello, five begin within the depth; the hello's pass, and the acknowledgement
    // of the 20 does not.
    assert_eq!(counts["cut_packets"], 20 - 5 + 1, "{counts}");
}

/// A hello whose last extension (21, padding) makes it longer by so many bytes.
fn padded(hello: &[u8], by: usize) -> Vec<u8> {
    let mut message = hello[5..].to_vec();
    let extensions = message.len() - extensions_len(&message);
    let len = |bytes: &[u8]| usize::from(bytes[0]) << 8 | usize::from(bytes[1]);
    let grown = u16::try_from(len(&message[extensions - 2..]) + by).unwrap();
    message[extensions - 2..extensions].copy_from_slice(&grown.to_be_bytes());
    message.extend([0, 21]);
    message.extend(u16::try_from(by - 4).unwrap().to_be_bytes());
    message.extend(vec![0; by - 4]);
    let body = u32::try_from(message.len() - 4).unwrap().to_be_bytes();
    message[1..4].copy_from_slice(&body[1..]);
    [&[22, 3, 1][..], &u16::try_from(message.len()).unwrap().to_be_bytes(), &message].concat()
}

/// Bytes of a hello message's extensions, which are its end.
fn extensions_len(message: &[u8]) -> usize {
    // type and length, version, random; then session, suites, compression
    let mut at = 4 + 2 + 32;
    at += 1 + usize::from(message[at]);
    at += 2 + (usize::from(message[at]) << 8 | usize::from(message[at + 1]));
    at += 1 + usize::from(message[at]);
    message.len() - at - 2
}

#[test]
fn a_connection_longer_than_the_depth_reports_its_end_and_what_was_cut_is_no_drop() {
    let Some(lab) = Lab::new() else { return };
    let frames = long(43_000, (100, 100), 400);
    let sent = frames.len() as u64;
    let watch = start(&lab, CUTS[0], "--capture-depth 16k --emit end");
    send(&lab.far, frames);
    let found = records(&watch.until_lines(2));
    let actions: Vec<_> = found.iter().map(|record| record["event"]["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["tls_handshake", "tls_flow_end"]);
    assert_eq!(found[1]["sni"], "long.example");
    assert!(found[1]["source"].get("bytes").is_none(), "not all of them were seen: {}", found[1]);
    let end = watch.interrupt();
    let counts = counts(&end);
    let of = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!((of("dropped_by_kernel"), of("dropped_by_app")), (0, 0));
    assert_eq!(of("packets") + of("cut_packets"), sent, "{counts}");
    assert!(of("packets") < 20, "from the first encrypted record on nothing is read: {counts}");
    assert!(of("cut_bytes") > 500_000, "{counts}");
    assert!(
        end.stderr.iter().any(|line| line.contains("packets cut off in the kernel, which is no loss")),
        "{:?}",
        end.stderr
    );
}

#[test]
fn without_ebpf_a_long_connection_reports_its_end_too() {
    let Some(lab) = Lab::new() else { return };
    let watch = start(&lab, CUTS[1], "--capture-depth 16k --emit end");
    send(&lab.far, long(43_001, (100, 100), 100));
    let found = records(&watch.until_lines(2));
    let actions: Vec<_> = found.iter().map(|record| record["event"]["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["tls_handshake", "tls_flow_end"]);
    assert_eq!((found[0]["sni"].as_str(), result(&found[0])), (Some("long.example"), "ok"));
    assert_eq!(watch.interrupt().code, Some(0));
}

#[test]
fn names_over_udp_survive_the_cut_and_what_quic_carries_does_not() {
    let Some(lab) = Lab::new() else { return };
    let watch = start(&lab, CUTS[0], "");
    let (client, server) = (([10, 9, 0, 1], 46_000).into(), ([10, 9, 0, 2], 443).into());
    let mut frames = scenario("quic.example", 46_000, "quic = { chaos = true }");
    frames.extend(
        (0..200_u8).map(|number| datagram(server, client, &[&[0x40, number][..], &[9; 1100]].concat())),
    );
    frames.extend(scenario("dtls.example", 46_001, "dtls = {}\nsend = { split = [100], order = [2, 1] }"));
    let sent = frames.len() as u64;
    send(&lab.far, frames);
    let mut found: Vec<_> = records(&watch.until_lines(2))
        .iter()
        .map(|record| (record["sni"].as_str().unwrap().to_owned(), result(record).to_owned()))
        .collect();
    found.sort();
    assert_eq!(found, [("dtls.example".into(), "ok".into()), ("quic.example".into(), "ok".into())]);
    let counts = counts(&watch.interrupt());
    let of = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!((of("packets") + of("cut_packets"), of("dropped_by_kernel")), (sent, 0), "{counts}");
    assert!((136..200).contains(&of("cut_packets")), "{counts}");
}

#[test]
fn a_sequence_number_that_wraps_inside_the_cut_changes_nothing() {
    let Some(lab) = Lab::new() else { return };
    let passed = |numbers: (u32, u32), port: u16| {
        let watch = start(&lab, CUTS[0], "");
        // no TLS in the answer: what counts is the depth alone
        let mut talk = Talk::open(port, numbers);
        talk.say(true, &hello("wrap.example"), 60);
        talk.say(false, &vec![b'.'; 60_000], 1000);
        talk.hear(true);
        let frames = talk.close();
        let sent = frames.len() as u64;
        send(&lab.far, frames);
        watch.until_lines(1);
        let end = watch.interrupt();
        assert_eq!(end.records()[0]["sni"], "wrap.example");
        let counts = counts(&end);
        assert_eq!(counts["packets"].as_u64().unwrap() + counts["cut_packets"].as_u64().unwrap(), sent);
        counts["packets"].as_u64().unwrap()
    };
    let plain = passed((1000, 1000), 44_000);
    assert_eq!(passed((u32::MAX - 30, u32::MAX - 8000), 44_001), plain);
    assert_eq!(passed((u32::MAX, u32::MAX), 44_002), plain);
    // 60 segments of the server: those that begin in the first 16,384 bytes pass
    let hello_segments = hello("wrap.example").len().div_ceil(60) as u64;
    assert_eq!(plain, 3 + hello_segments + 17 + 2);
}

#[test]
fn without_a_depth_the_ends_tell_all_that_was_carried() {
    let Some(lab) = Lab::new() else { return };
    let frames = long(45_000, (100, 100), 100);
    let watch = start(&lab, (false, "--emit end", "nothing is cut off in the kernel"), "");
    send(&lab.far, frames);
    let found = records(&watch.until_lines(2));
    assert!(found[1]["destination"]["bytes"].as_u64().unwrap() > 160_000, "{}", found[1]);
    let end = watch.interrupt();
    assert!(counts(&end).get("cut_packets").is_none());
}
