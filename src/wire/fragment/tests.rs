//! Fragments in every order, contradictory, late, and too many.

use proptest::prelude::*;

use super::{AGE_V4, AGE_V6, Fragments, MAX_DATAGRAMS, MAX_HELD, MAX_PIECES};
use crate::model::frame::{Frame, OriginId, Timestamp};
use crate::model::segment::{Segment, Tunnel, TunnelKind, Vlans};
use crate::model::skip::Skip;
use crate::wire::Decoder;
use crate::wire::tests::SEED;
use crate::wire::tests::packets::{Shape, be, frame};
use crate::wire::tests::tunnels::{Example, ethernet, examples, ipv4, udp, vxlan};

const T0: u64 = 1_700_000_000_000_000_000;

/// Takes frames as a worker does: what the decoder leaves, `Fragments` gets.
#[derive(Default)]
struct Taker {
    fragments: Fragments,
    number: u64,
    now: u64,
}

impl Taker {
    fn take(&mut self, link: u32, bytes: &[u8]) -> Result<Vec<u8>, Skip> {
        self.number += 1;
        let time = Timestamp(T0 + self.now);
        let frame = Frame { number: self.number, time, ..frame(link, bytes, bytes.len()) };
        self.take_frame(&frame, |segment| segment.payload.to_vec())
    }

    fn take_frame<T>(&mut self, frame: &Frame<'_>, look: impl FnOnce(&Segment<'_>) -> T) -> Result<T, Skip> {
        let decoder = Decoder::new(SEED);
        assert_eq!(decoder.decode(frame).map(|_| ()), Err(Skip::Fragment), "{frame:?}");
        self.fragments.join(&decoder, frame).map(|segment| look(&segment))
    }

    /// Takes all; the payload of the last, if it completes and no other does.
    fn last(&mut self, packets: &[Vec<u8>]) -> Result<Vec<u8>, Skip> {
        let (last, others) = packets.split_last().unwrap();
        for other in others {
            assert_eq!(self.take(101, other), Err(Skip::Fragment));
        }
        self.take(101, last)
    }
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

/// A packet without a link header, UDP with `len` bytes of payload.
fn shape(v6: bool, len: usize) -> Shape {
    Shape { link: 101, v6, udp: true, payload: payload(len), ..Shape::default() }
}

/// The part of `packet`, which begins with an IP header without options, from `from` to `to`.
fn part(packet: &[u8], id: u8, from: usize, to: usize) -> Vec<u8> {
    let header_len = if packet[0] >> 4 == 4 { 20 } else { 40 };
    let (header, body) = packet.split_at(header_len);
    raw_part(header, id, from, to < body.len(), &body[from..to])
}

/// A fragment at `from` with `bytes`.
fn raw_part(header: &[u8], id: u8, from: usize, more: bool, bytes: &[u8]) -> Vec<u8> {
    let mut header = header.to_vec();
    let offset = u16::try_from(from).unwrap();
    assert_eq!(offset % 8, 0);
    let len = u16::try_from(bytes.len()).unwrap();
    if header[0] >> 4 == 4 {
        header[2..4].copy_from_slice(&be(len + 20));
        header[4..6].copy_from_slice(&[0, id]);
        header[6..8].copy_from_slice(&be((offset / 8) | if more { 0x2000 } else { 0 }));
        return [&header, bytes].concat();
    }
    header[4..6].copy_from_slice(&be(len + 8));
    let next = std::mem::replace(&mut header[6], 44);
    [&header[..], &[next, 0], &be(offset | u16::from(more)), &[0, 0, 0, id], bytes].concat()
}

/// All of `packet` in parts of `size` bytes.
fn parts(packet: &[u8], id: u8, size: usize) -> Vec<Vec<u8>> {
    let body = packet.len() - if packet[0] >> 4 == 4 { 20 } else { 40 };
    (0..body).step_by(size).map(|from| part(packet, id, from, body.min(from + size))).collect()
}

#[test]
fn a_datagram_is_joined_whatever_comes_first() {
    for v6 in [false, true] {
        let shape = shape(v6, 100);
        let packet = shape.bytes();
        let three = parts(&packet, 1, 40);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut taker = Taker::default();
            let ordered = order.map(|at| three[at].clone());
            assert_eq!(taker.last(&ordered), Ok(shape.payload.clone()), "{order:?}");
            assert_eq!(taker.fragments.lost(), 0);
            assert_eq!(taker.fragments.store.held, 0);
        }
    }
}

#[test]
fn the_segment_is_that_of_the_whole_at_the_last_fragment() {
    for v6 in [false, true] {
        let shape = Shape { udp: false, ..shape(v6, 3000) };
        let packet = shape.bytes();
        let [first, second] =
            [part(&packet, 1, 0, 1480), part(&packet, 1, 1480, packet.len() - if v6 { 40 } else { 20 })];
        let tagged = |packet: &[u8]| {
            ethernet(0x8100, &[&[0, 9], &be(if v6 { 0x86dd } else { 0x0800 })[..], packet].concat())
        };
        let mut taker = Taker::default();
        let (first, second) = (tagged(&first), tagged(&second));
        assert_eq!(taker.take(1, &first), Err(Skip::Fragment));
        let frame = Frame { number: 77, time: Timestamp(T0 + 5), ..frame(1, &second, second.len()) };
        taker
            .take_frame(&frame, |segment| {
                assert_eq!(
                    (segment.packet, segment.time, segment.origin),
                    (77, Timestamp(T0 + 5), OriginId(3))
                );
                assert_eq!(segment.key, shape.key());
                assert_eq!(segment.hash, shape.key().hash(SEED));
                assert_eq!(segment.header, shape.header());
                assert_eq!(segment.vlans, Vlans { outer: Some(9), inner: None });
                assert_eq!((segment.payload, segment.missing), (&shape.payload[..], 0));
                assert_eq!(segment.head.len(), if v6 { 60 } else { 40 });
            })
            .unwrap();
    }
}

#[test]
fn fragments_of_other_datagrams_are_no_part() {
    let packet = shape(false, 100).bytes();
    let [first, second, third] =
        [part(&packet, 1, 0, 40), part(&packet, 1, 40, 80), part(&packet, 1, 80, 108)];
    let mut taker = Taker::default();
    taker.take(101, &first).unwrap_err();
    taker.take(101, &second).unwrap_err();
    let mut others = vec![part(&packet, 2, 80, 108); 3];
    others[1] = third.clone();
    others[1][9] = 6;
    others[2] = third.clone();
    others[2][19] ^= 1;
    for other in &others {
        assert_eq!(taker.take(101, other), Err(Skip::Fragment), "identification, protocol, destination");
    }
    for vid in [1, 2] {
        let tagged = ethernet(0x8100, &[&[0, vid, 8, 0], &third[..]].concat());
        assert_eq!(taker.take(1, &tagged), Err(Skip::Fragment), "VLAN");
    }
    let elsewhere = Frame { origin: OriginId(4), ..frame(101, &third, third.len()) };
    assert_eq!(taker.take_frame(&elsewhere, |_| ()), Err(Skip::Fragment), "input");
    assert_eq!(taker.fragments.lost(), 8);
    assert_eq!(taker.take(101, &third), Ok(payload(100)));
    assert_eq!(taker.fragments.lost(), 6);
}

#[test]
fn fragments_captured_twice_are_no_matter() {
    for v6 in [false, true] {
        let packet = shape(v6, 100).bytes();
        let three = parts(&packet, 1, 40);
        let order = [0, 0, 2, 0, 2, 1].map(|at| three[at].clone());
        let mut taker = Taker::default();
        assert_eq!(taker.last(&order), Ok(payload(100)));
        assert_eq!(taker.fragments.lost(), 0, "copies are used up with the datagram");
    }
}

#[test]
fn an_overlap_of_other_bytes_voids_the_datagram_and_what_comes_later() {
    for v6 in [false, true] {
        let packet = shape(v6, 100).bytes();
        let three = parts(&packet, 1, 40);
        let mut forged = part(&packet, 1, 32, 80);
        // In what it shares with the first part, and in what it shares with the second.
        let (start, last) = (forged.len() - 48, forged.len() - 1);
        forged[start] ^= 1;
        forged[last] ^= 1;
        let mut copy = three[1].clone();
        copy[last - 8] ^= 1;
        let copy_len = copy.len();
        for bad in [forged, copy] {
            for first in [&three[0], &three[1]] {
                let first = if bad.len() == copy_len { &three[1] } else { first };
                let order = [first, &bad, &three[2], &three[0], &three[1]];
                let mut taker = Taker::default();
                assert_eq!(taker.last(&order.map(Clone::clone)), Err(Skip::Fragment), "{v6}");
                assert_eq!(taker.fragments.lost(), 5);
                // Not even a clean set is taken before the datagram's age is over.
                assert_eq!(taker.last(&three), Err(Skip::Fragment));
                taker.now = AGE_V6 + 1;
                assert_eq!(taker.last(&three), Ok(payload(100)));
                assert_eq!(taker.fragments.lost(), 8);
            }
        }
    }
}

#[test]
fn an_overlap_of_equal_bytes_is_taken_in_ipv4_alone() {
    for v6 in [false, true] {
        let packet = shape(v6, 100).bytes();
        let expected = if v6 { Err(Skip::Fragment) } else { Ok(payload(100)) };
        let of = |from, to| part(&packet, 1, from, to);
        for pieces in [
            [of(0, 48), of(40, 88), of(80, 108)],
            [of(80, 108), of(40, 88), of(0, 48)],
            [of(16, 24), of(0, 48), of(40, 108)],
            // Around two that are there.
            [of(16, 24), of(40, 48), of(0, 108 / 8 * 8)],
        ] {
            let mut taker = Taker::default();
            let result = taker.last(&pieces);
            if pieces[2].len() == packet.len() - 4 + if v6 { 8 } else { 0 } {
                assert_eq!(result, Err(Skip::Fragment));
                assert_eq!(taker.take(101, &of(104, 108)), expected);
            } else {
                assert_eq!(result, expected, "{v6}");
            }
        }
    }
}

#[test]
fn fragments_beyond_the_end_void_the_datagram() {
    for v6 in [false, true] {
        let packet = shape(v6, 100).bytes();
        let header = &packet[..if v6 { 40 } else { 20 }];
        let three = parts(&packet, 1, 40);
        let beyond = raw_part(header, 1, 112, true, &[0; 8]);
        let other_end = raw_part(header, 1, 80, false, &packet[header.len() + 80..][..8]);
        for bad in
            [[&three[2], &beyond], [&beyond, &three[2]], [&three[2], &other_end], [&other_end, &three[2]]]
        {
            let mut taker = Taker::default();
            for piece in bad.into_iter().chain(&three) {
                assert_eq!(taker.take(101, piece), Err(Skip::Fragment));
            }
        }
    }
}

#[test]
fn fragments_that_no_sender_makes_are_not_taken() {
    for v6 in [false, true] {
        let packet = shape(v6, 100).bytes();
        let header = &packet[..if v6 { 40 } else { 20 }];
        let mut taker = Taker::default();
        let odd = raw_part(header, 1, 0, true, &[0; 41]);
        let empty = raw_part(header, 1, 40, false, &[]);
        let too_far = raw_part(header, 1, 65528, false, &[0; 8]);
        for bad in [odd, empty, too_far] {
            assert_eq!(taker.take(101, &bad), Err(Skip::Fragment));
        }
        // Nor is one of which the capture has only a part.
        let first = part(&packet, 1, 0, 40);
        let cut = Frame { wire_len: 4000, ..frame(101, &first[..first.len() - 1], 0) };
        assert_eq!(taker.take_frame(&cut, |_| ()), Err(Skip::Fragment));
        assert!(taker.fragments.store.datagrams.is_empty());
        assert_eq!(taker.fragments.lost(), 4);
        assert_eq!(taker.last(&parts(&packet, 1, 40)), Ok(payload(100)), "and the good ones are");
    }
}

#[test]
fn the_largest_datagram_is_joined() {
    for (v6, body) in [(false, 65515), (true, 65535)] {
        let packet = shape(v6, 0).bytes();
        let header = &packet[..if v6 { 40 } else { 20 }];
        let whole = [&packet[header.len()..], &payload(body - 8)].concat();
        let mut taker = Taker::default();
        let mut result = Err(Skip::Fragment);
        for (at, bytes) in whole.chunks(1480).enumerate() {
            assert_eq!(result, Err(Skip::Fragment));
            result = taker.take(101, &raw_part(header, 1, at * 1480, (at + 1) * 1480 < body, bytes));
        }
        // The UDP header says 8 bytes; the payload was cut to that.
        assert_eq!(result, Ok(Vec::new()));
        assert_eq!(taker.fragments.lost(), 0);
    }
}

#[test]
fn datagrams_are_given_up_by_age() {
    for (v6, age) in [(false, AGE_V4), (true, AGE_V6)] {
        let packet = shape(v6, 100).bytes();
        let three = parts(&packet, 1, 40);
        for (late, complete) in [(age, true), (age + 1, false)] {
            let mut taker = Taker::default();
            taker.take(101, &three[0]).unwrap_err();
            taker.take(101, &three[1]).unwrap_err();
            taker.now = late;
            assert_eq!(taker.take(101, &three[2]).is_ok(), complete, "{late}");
            assert_eq!(taker.fragments.lost(), if complete { 0 } else { 3 });
            assert_eq!(taker.fragments.store.datagrams.len(), usize::from(!complete));
        }
    }
}

#[test]
fn an_ipv4_datagram_behind_one_of_ipv6_is_given_up_in_its_own_time() {
    let (v4, v6) = (shape(false, 100).bytes(), shape(true, 100).bytes());
    let mut taker = Taker::default();
    taker.take(101, &parts(&v6, 1, 40)[0]).unwrap_err();
    let three = parts(&v4, 1, 40);
    taker.take(101, &three[0]).unwrap_err();
    taker.now = AGE_V4 + 1;
    taker.take(101, &three[1]).unwrap_err();
    assert_eq!(taker.take(101, &three[2]), Err(Skip::Fragment), "the first part is too old");
    assert_eq!(taker.take(101, &three[0]), Ok(payload(100)), "the others are not");
}

#[test]
fn the_number_of_datagrams_is_bounded() {
    let packet = shape(false, 100).bytes();
    let three = parts(&packet, 1, 40);
    let mut taker = Taker::default();
    taker.take(101, &three[0]).unwrap_err();
    for other in 0..MAX_DATAGRAMS + 10 {
        let mut fragment = three[0].clone();
        fragment[12..16].copy_from_slice(&u32::try_from(other).unwrap().to_be_bytes());
        taker.take(101, &fragment).unwrap_err();
    }
    let store = &taker.fragments.store;
    assert_eq!((store.datagrams.len(), store.order.len()), (MAX_DATAGRAMS, MAX_DATAGRAMS));
    taker.take(101, &three[1]).unwrap_err();
    assert_eq!(taker.take(101, &three[2]), Err(Skip::Fragment), "the oldest went first");
    assert_eq!(taker.fragments.lost(), MAX_DATAGRAMS as u64 + 13);
}

#[test]
fn the_bytes_held_are_bounded() {
    let packet = shape(true, 60_000).bytes();
    let mut taker = Taker::default();
    for id in 0..255 {
        for from in (0..59_200).step_by(1480).rev() {
            taker.take(101, &part(&packet, id, from, from + 1480)).unwrap_err();
        }
        assert!(taker.fragments.store.held <= MAX_HELD);
    }
    let counted: usize = taker.fragments.store.datagrams.values().map(super::Datagram::cost).sum();
    assert_eq!(taker.fragments.store.held, counted);
    assert!(taker.fragments.store.datagrams.len() < 280, "some had to go");
    assert!(taker.fragments.store.datagrams.len() > 200);
    // The youngest are there.
    for from in (59_200..60_008).step_by(800) {
        let result = taker.take(101, &part(&packet, 254, from, 60_008.min(from + 800)));
        assert_eq!(result.is_ok(), from > 59_200);
    }
}

#[test]
fn the_number_of_pieces_is_bounded() {
    let packet = shape(false, 60_000).bytes();
    let mut taker = Taker::default();
    for piece in 0..=MAX_PIECES {
        assert!(!taker.fragments.store.datagrams.values().any(|datagram| datagram.cost() < 256 + 8 * piece));
        taker.take(101, &part(&packet, 1, piece * 16, piece * 16 + 8)).unwrap_err();
    }
    assert_eq!(taker.fragments.store.held, taker.fragments.store.datagrams.values().next().unwrap().cost());
    assert!(taker.fragments.store.held < 1000, "void");
}

#[test]
fn fragments_in_a_tunnel_are_joined_with_its_identifier() {
    let inner = shape(false, 2000).bytes();
    let in_vxlan = |vni: u32, packet: &[u8]| {
        ethernet(0x0800, &ipv4(17, &udp((50001, 4789), &vxlan(vni, &ethernet(0x0800, packet)))))
    };
    let [first, second] = [part(&inner, 1, 0, 1400), part(&inner, 1, 1400, 2008)];
    let mut taker = Taker::default();
    assert_eq!(taker.take(1, &in_vxlan(5, &first)), Err(Skip::Fragment));
    assert_eq!(taker.take(1, &in_vxlan(6, &second)), Err(Skip::Fragment), "another network");
    let bytes = in_vxlan(5, &second);
    let tunnel = taker.take_frame(&frame(1, &bytes, bytes.len()), |segment| segment.tunnel);
    assert_eq!(tunnel, Ok(Some(Tunnel::new(TunnelKind::Vxlan, Some(5)))));
}

/// The parts of what `example` carries behind Ethernet.
fn fragmented(example: &Example, size: usize) -> Vec<Vec<u8>> {
    parts(&example.bytes[14..], 9, size)
}

#[test]
fn fragmented_tunnels_are_followed() {
    for example in examples() {
        if !matches!(example.bytes[12..14], [0x08, 0x00] | [0x86, 0xdd]) {
            continue;
        }
        let pieces = fragmented(&example, 24);
        let mut taker = Taker::default();
        for piece in pieces.iter().skip(1) {
            taker.take(101, piece).unwrap_err();
        }
        let bytes = &pieces[0];
        taker
            .take_frame(&frame(101, bytes, bytes.len()), |segment| {
                assert_eq!(segment.payload, example.inner.payload, "{example:?}");
                assert_eq!(segment.tunnel, Some(example.tunnel), "{example:?}");
            })
            .unwrap();
    }
}

#[test]
fn fragments_in_fragments_are_joined_to_a_bounded_depth() {
    // Each datagram is cut in two, each half goes into a tunnel, which is cut in two again.
    let split = |packets: &[Vec<u8>], depth: u8| -> Vec<Vec<u8>> {
        let tunnelled = packets.iter().map(|packet| {
            let mut packet = ipv4(4, packet);
            packet[15] = depth;
            packet
        });
        (0..).zip(tunnelled).flat_map(|(id, packet)| parts(&packet, id, packet.len() / 16 * 8)).collect()
    };
    let mut packets = parts(&shape(false, 400).bytes(), 1, 208);
    for depth in 1..=6 {
        let mut taker = Taker::default();
        let mut results: Vec<_> = packets.iter().map(|packet| taker.take(101, packet)).collect();
        let last = results.pop().unwrap();
        assert!(results.iter().all(Result::is_err), "{depth}");
        assert_eq!(last, if depth <= 5 { Ok(payload(400)) } else { Err(Skip::BadHeader) }, "{depth}");
        packets = split(&packets, depth);
    }
}

#[test]
fn what_is_joined_to_something_else_is_skipped_as_it_is_whole() {
    let mut icmp = shape(false, 100).bytes();
    icmp[9] = 1;
    assert_eq!(Taker::default().last(&parts(&icmp, 1, 40)), Err(Skip::OtherTransport));
    let mut bad = Shape { udp: false, ..shape(false, 100) }.bytes();
    bad[20 + 12] = 0x40;
    assert_eq!(Taker::default().last(&parts(&bad, 1, 40)), Err(Skip::BadHeader));
}

#[test]
fn only_the_first_fragment_names_the_protocol_in_ipv6() {
    let three = parts(&shape(true, 100).bytes(), 1, 40);
    for order in [[0, 1, 2], [2, 1, 0]] {
        let mut pieces = order.map(|at| three[at].clone());
        for (piece, at) in pieces.iter_mut().zip(order) {
            if at != 0 {
                piece[40] = 59;
            }
        }
        assert_eq!(Taker::default().last(&pieces), Ok(payload(100)));
    }
}

#[test]
fn a_whole_packet_is_decoded_as_ever() {
    let bytes = shape(false, 10).bytes();
    let mut fragments = Fragments::default();
    let frame = frame(101, &bytes, bytes.len());
    assert_eq!(fragments.join(&Decoder::new(SEED), &frame).unwrap().payload, payload(10));
    assert_eq!(fragments.lost(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_any_cuts_makes_the_datagram(
        v6 in any::<bool>(),
        len in 1..3000_usize,
        cuts in proptest::collection::btree_set(1..370_usize, 1..12),
        keys in proptest::collection::vec(any::<u32>(), 13),
    ) {
        let packet = shape(v6, len).bytes();
        let body = len + 8;
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut * 8).filter(|cut| *cut < body).collect();
        prop_assume!(!ends.is_empty());
        ends.push(body);
        let starts = std::iter::once(0).chain(ends.clone());
        let mut pieces: Vec<(u32, Vec<u8>)> =
            starts.zip(&ends).zip(keys).map(|((from, to), key)| (key, part(&packet, 1, from, *to))).collect();
        pieces.sort();
        let pieces: Vec<Vec<u8>> = pieces.into_iter().map(|(_, piece)| piece).collect();
        let mut taker = Taker::default();
        prop_assert_eq!(taker.last(&pieces), Ok(payload(len)));
        prop_assert_eq!(taker.fragments.lost(), 0);
        prop_assert_eq!(taker.fragments.store.held, 0);
    }

    #[test]
    fn hostile_fragments_are_held_to_the_books(
        pieces in proptest::collection::vec(
            (any::<bool>(), 0..3_u8, 0..12_usize, 0..40_usize, any::<bool>(), 0..2_u8, 0..20_000_000_000_u64),
            1..80,
        ),
    ) {
        let mut taker = Taker::default();
        for (v6, id, unit, len, more, fill, pause) in pieces {
            let packet = shape(v6, 0).bytes();
            let bytes = raw_part(&packet[..if v6 { 40 } else { 20 }], id, unit * 8, more, &vec![fill; len]);
            taker.now += pause;
            let frame = Frame { time: Timestamp(T0 + taker.now), ..frame(101, &bytes, bytes.len()) };
            let decoder = Decoder::new(SEED);
            let fragment = decoder.decode(&frame).map(|_| ()) == Err(Skip::Fragment);
            prop_assert!(fragment || unit == 0 && !more);
            if let Ok(segment) = taker.fragments.join(&decoder, &frame) {
                prop_assert!(segment.head.len() + segment.payload.len() <= 40 + 11 * 8 + 39);
            }
            let store = &taker.fragments.store;
            prop_assert_eq!(store.held, store.datagrams.values().map(super::Datagram::cost).sum::<usize>());
            prop_assert_eq!(store.datagrams.len(), store.order.len());
            prop_assert!(store.used <= store.seen);
        }
    }
}
