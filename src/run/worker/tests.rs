//! What a worker makes of fragments and tunnels, from the frame to the record.

use super::Worker;
use crate::inspector::Inspector;
use crate::inspector::settings::Settings;
use crate::model::frame::{Frame, LinkType, OriginId, Timestamp};
use crate::model::observation::{Observation, Outcome};
use crate::model::seed::Seed;
use crate::model::segment::{Tunnel, TunnelKind};
use crate::model::skip::Skip;
use crate::model::stats::RunStats;
use crate::naming::Namer;
use crate::wire::Decoder;

const SYN: u8 = 0x02;
const RST_ACK: u8 = 0x14;
const ACK: u8 = 0x10;

fn be(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_be_bytes()
}

/// A ClientHello for `a.example` in its record.
fn hello() -> Vec<u8> {
    let name = b"a.example";
    let sni = [&[0, 0, 0, 14, 0, 12, 0, 0, 9][..], name].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 1, 1, 0], &be(sni.len()), &sni].concat();
    let message = [&[1, 0][..], &be(body.len()), &body].concat();
    [&[22, 3, 1][..], &be(message.len()), &message].concat()
}

fn ipv4(protocol: u8, fragment: [u8; 2], ends: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let addresses = [10, 0, 0, ends[0], 10, 0, 0, ends[1]];
    let start = [&[0x45, 0][..], &be(20 + payload.len()), &[0, 9], &fragment, &[64, protocol, 0, 0]].concat();
    [&start[..], &addresses, payload].concat()
}

fn tcp(ports: [u8; 2], seq: u8, ack: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let start = [1, ports[0], 1, ports[1], 0, 0, 0, seq, 0, 0, 0, ack, 0x50, flags, 1, 0, 0, 0, 0, 0];
    [&start[..], payload].concat()
}

/// `packet` in GRE with key 5.
fn in_gre(packet: &[u8]) -> Vec<u8> {
    ipv4(47, [0, 0], [101, 102], &[&[0x20, 0, 8, 0, 0, 0, 0, 5], packet].concat())
}

fn watch(packets: &[Vec<u8>]) -> (Vec<Observation>, RunStats) {
    let inspector = Inspector::new(Settings::default(), Namer::new(None));
    let mut worker = Worker::new(Decoder::new(Seed(1, 2)), inspector, None);
    let frames: Vec<Frame<'_>> = (1..)
        .zip(packets)
        .map(|(number, bytes)| Frame {
            number,
            time: Timestamp(1_700_000_000_000_000_000 + number),
            link: LinkType(101),
            origin: OriginId(0),
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes,
        })
        .collect();
    for batch in frames.chunks(crate::source::BATCH) {
        assert!(worker.frames(batch).is_continue());
    }
    worker.finish();
    (std::mem::take(&mut worker.out.records), worker.stats())
}

/// The hello's segment in two fragments.
fn halves() -> [Vec<u8>; 2] {
    let segment = tcp([1, 2], 1, 1, ACK, &hello());
    let (first, second) = segment.split_at(48);
    [ipv4(6, [0x20, 0], [1, 2], first), ipv4(6, [0, 6], [1, 2], second)]
}

#[test]
fn a_fragmented_hello_is_read_at_its_last_fragment() {
    let [first, second] = halves();
    for (packets, place) in
        [(vec![first.clone(), second.clone()], 2), (vec![second.clone(), second.clone(), first.clone()], 3)]
    {
        let (records, stats) = watch(&packets);
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!(record.name.as_ref().unwrap().text(), Some("a.example"));
        assert_eq!((record.packet, record.tunnel), (place, None));
        assert_eq!((stats.tcp, stats.skips.get(Skip::Fragment)), (1, 0));
        assert_eq!(stats.packets, packets.len() as u64);
    }
}

#[test]
fn segments_around_a_fragmented_one_keep_their_order() {
    let [first, second] = halves();
    let syn = ipv4(6, [0, 0], [1, 2], &tcp([1, 2], 0, 0, SYN, &[]));
    let reset = ipv4(6, [0, 0], [2, 1], &tcp([2, 1], 1, 120, RST_ACK, &[]));
    let (records, _) = watch(&[syn, first, second, reset]);
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(record.handshake.as_ref().unwrap().result, Outcome::Reset);
    assert!(record.name.is_some(), "the reset came after the hello");
}

#[test]
fn fragments_of_no_whole_datagram_are_counted() {
    let [first, _] = halves();
    let (records, stats) = watch(&[first.clone(), first]);
    assert!(records.is_empty());
    assert_eq!((stats.tcp, stats.skips.get(Skip::Fragment)), (0, 2));
    // Whole, but of another transport.
    let icmp = |field, part: &[u8]| ipv4(1, field, [1, 2], part);
    let (_, stats) = watch(&[icmp([0x20, 0], &[8; 16]), icmp([0, 2], &[8; 16])]);
    assert_eq!((stats.skips.get(Skip::Fragment), stats.skips.get(Skip::OtherTransport)), (0, 1));
}

#[test]
fn records_tell_of_the_tunnel() {
    let tunnel = Some(Tunnel::new(TunnelKind::Gre, Some(5)));
    let [first, second] = halves();
    let segment = ipv4(6, [0, 0], [1, 2], &tcp([1, 2], 1, 1, ACK, &hello()));
    let (syn, refusal) = (tcp([1, 2], 0, 0, SYN, &[]), tcp([2, 1], 0, 1, RST_ACK, &[]));
    let (syn, refusal) = (ipv4(6, [0, 0], [1, 2], &syn), ipv4(6, [0, 0], [2, 1], &refusal));
    let begun = ipv4(6, [0, 0], [1, 2], &tcp([1, 2], 1, 1, ACK, &hello()[..60]));
    for packets in [
        vec![in_gre(&segment)],
        vec![in_gre(&first), in_gre(&second)],
        vec![in_gre(&syn), in_gre(&segment)],
        vec![in_gre(&syn), in_gre(&refusal)],
        vec![in_gre(&syn), in_gre(&begun)],
        vec![in_gre(&begun)],
    ] {
        let (records, _) = watch(&packets);
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!(record.tunnel, tunnel, "{record:?}");
    }
}
