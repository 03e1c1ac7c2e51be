//! Each behaviour of the decoder on packets of a known shape; the properties stand in `property`.

mod links;
pub(super) mod packets;
mod property;
pub(super) mod tunnels;

use super::{Decoder, LINKS, link};
use crate::model::frame::LinkType;
use crate::model::seed::Seed;
use crate::model::segment::{Hosts, Segment, Vlans};
use crate::model::skip::Skip;
use packets::{AUTHENTICATION, FRAGMENT, Shape, frame};
use property::fast_path;

pub(super) const SEED: Seed = Seed(1, 2);

fn decode(link: u32, bytes: &[u8]) -> Result<Segment<'_>, Skip> {
    Decoder::new(SEED).decode(&frame(link, bytes, bytes.len()))
}

fn decode_cut(bytes: &[u8], wire_len: usize) -> Result<Segment<'_>, Skip> {
    Decoder::new(SEED).decode(&frame(1, bytes, wire_len))
}

fn skip(link: u32, bytes: &[u8]) -> Skip {
    decode(link, bytes).expect_err("a skip")
}

/// Decodes `shape` and holds every field against it.
fn assert_decodes(shape: &Shape) {
    let bytes = shape.bytes();
    let segment = decode(shape.link, &bytes).unwrap_or_else(|skip| panic!("{skip:?}: {shape:?}"));
    assert_eq!(segment.packet, 7);
    assert_eq!(segment.time.0, 1_700_000_000_123_456_789);
    assert_eq!(segment.origin.0, 3);
    assert_eq!(segment.key, shape.key(), "{shape:?}");
    assert_eq!(segment.hash, shape.key().hash(SEED));
    assert_eq!(segment.header, shape.header(), "{shape:?}");
    assert_eq!(segment.vlans, shape.vlans(), "{shape:?}");
    assert_eq!(segment.tunnel, shape.tunnel(), "{shape:?}");
    assert_eq!(segment.head, shape.head(), "{shape:?}");
    assert_eq!(segment.payload, shape.payload, "{shape:?}");
    assert_eq!(segment.missing, 0, "{shape:?}");
}

/// One packet of every shape, on every link type.
fn examples() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = Vec::new();
    for id in LINKS.iter().flat_map(|link| link.ids) {
        let v4 = Shape { link: id.0, ..Shape::default() };
        let v6 = Shape { v6: true, udp: true, ..v4.clone() };
        if id.0 != 229 {
            shapes.push(v4);
        }
        if id.0 != 228 {
            shapes.push(v6);
        }
    }
    let ethernet = Shape::default();
    for tags in [vec![(0x8100, 100)], vec![(0x88a8, 100), (0x8100, 4095)], vec![(0x9100, 0), (0x9200, 2)]] {
        shapes.push(Shape { tags, ..ethernet.clone() });
    }
    shapes.push(Shape { snap: true, ..ethernet.clone() });
    shapes.push(Shape { snap: true, tags: vec![(0x8100, 5)], ..ethernet.clone() });
    shapes.push(Shape { tags: vec![(0x8100, 5)], link: 113, ..ethernet.clone() });
    shapes.push(Shape { ip_options: 10, tcp_options: 10, ..ethernet.clone() });
    shapes.push(Shape { extensions: vec![AUTHENTICATION], ..ethernet.clone() });
    let every = vec![0, 60, 43, FRAGMENT, AUTHENTICATION, 60, 135, 139, 140];
    shapes.push(Shape { v6: true, extensions: every, ..ethernet });
    shapes
}

#[test]
fn every_row_is_sound_and_has_an_example_that_decodes() {
    let mut ids = Vec::new();
    let mut names = Vec::new();
    for row in LINKS {
        assert!(!row.ids.is_empty() && !row.help.is_empty() && row.help.len() <= 60, "{}", row.name);
        assert!(row.name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'));
        names.push(row.name);
        for id in row.ids {
            ids.push(*id);
            assert_eq!(link(*id).map(|found| found.name), Some(row.name));
            assert_decodes(&Shape { link: id.0, v6: row.name == "IPV6", ..Shape::default() });
        }
    }
    ids.sort_unstable();
    names.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    assert!(link(LinkType(9999)).is_none());
}

#[test]
fn every_example_decodes_to_what_was_written() {
    examples().iter().for_each(assert_decodes);
}

#[test]
fn usual_frames_take_the_fast_path() {
    for v6 in [false, true] {
        for udp in [false, true] {
            for tags in [vec![], vec![(0x8100, 1)], vec![(0x88a8, 1), (0x8100, 2)]] {
                let shape = Shape { v6, udp, tags, tcp_options: 3, ..Shape::default() };
                let bytes = shape.bytes();
                assert!(fast_path(&frame(1, &bytes, bytes.len())).is_some(), "{shape:?}");
            }
        }
    }
}

#[test]
fn a_cut_at_any_byte_is_a_truncated_header_or_missing_payload() {
    for shape in examples().into_iter().filter(|shape| shape.link == 1) {
        let (bytes, head_len) = (shape.bytes(), shape.head().len());
        for cut in 0..bytes.len() {
            match decode_cut(&bytes[..cut], bytes.len()) {
                Ok(segment) => {
                    assert!(cut >= head_len, "{cut} {shape:?}");
                    assert_eq!(segment.head.len() + segment.payload.len(), cut);
                    assert_eq!(segment.missing as usize, bytes.len() - cut, "{cut} {shape:?}");
                }
                // SNAP cut short is nothing that is known to lead to IP.
                Err(Skip::NotIp) => assert!(shape.snap && cut < head_len),
                Err(skip) => {
                    assert!(cut < head_len, "{cut} {shape:?}");
                    assert_eq!(skip, Skip::TruncatedHeader, "{cut} {shape:?}");
                }
            }
        }
    }
}

#[test]
fn a_cut_on_any_link_is_a_skip_or_missing_payload() {
    for shape in examples() {
        let (bytes, head_len) = (shape.bytes(), shape.head().len());
        for cut in 0..bytes.len() {
            let result = decode(shape.link, &bytes[..cut]);
            assert_eq!(result.is_ok(), cut >= head_len, "{cut} {shape:?}");
            if let Ok(segment) = result {
                assert_eq!(segment.missing as usize, bytes.len() - cut, "{cut} {shape:?}");
            }
        }
    }
}

#[test]
fn two_vlan_tags_are_told_and_up_to_eight_are_passed() {
    let tags = |n: u16| (1..=n).map(|vid| (0x8100, vid)).collect();
    let eight = Shape { tags: tags(8), ..Shape::default() };
    let bytes = eight.bytes();
    assert_eq!(decode(1, &bytes).unwrap().vlans, Vlans { outer: Some(1), inner: Some(2) });
    assert_decodes(&eight);
    assert_eq!(skip(1, &Shape { tags: tags(9), ..Shape::default() }.bytes()), Skip::BadHeader);
}

#[test]
fn padding_is_no_payload() {
    for v6 in [false, true] {
        for udp in [false, true] {
            let empty = Shape { v6, udp, payload: Vec::new(), padding: 6, ..Shape::default() };
            assert_decodes(&empty);
            assert_decodes(&Shape { extensions: vec![AUTHENTICATION], ..empty.clone() });
            assert_decodes(&Shape { payload: b"x".to_vec(), padding: 700, ..empty });
        }
    }
}

#[test]
fn a_length_of_zero_reaches_to_the_end_of_the_frame_on_the_wire() {
    for v6 in [false, true] {
        for udp in [false, true] {
            let payload = vec![0x16; 3000];
            let shape = Shape { v6, udp, payload, zero_length: true, ..Shape::default() };
            assert_decodes(&shape);
            let bytes = shape.bytes();
            let segment = decode_cut(&bytes[..1000], bytes.len()).unwrap();
            assert_eq!(segment.head.len() + segment.payload.len(), 1000);
            assert_eq!(segment.missing as usize, bytes.len() - 1000);
        }
    }
    let jumbo = Shape { v6: true, extensions: vec![0], zero_length: true, ..Shape::default() };
    assert_decodes(&jumbo);
}

#[test]
fn a_jumbogram_of_more_than_64_kib_is_taken_whole() {
    let jumbo = Shape { v6: true, extensions: vec![0], zero_length: true, ..Shape::default() };
    let mut bytes = jumbo.bytes();
    bytes.resize(200_000, 9);
    let segment = decode(1, &bytes).unwrap();
    assert_eq!(segment.payload.len(), 200_000 - jumbo.head().len());
    assert_eq!(segment.missing, 0);
}

#[test]
fn padding_behind_a_cut_packet_is_not_missing_payload() {
    let shape = Shape { padding: 20, ..Shape::default() };
    let bytes = shape.bytes();
    let segment = decode_cut(&bytes[..bytes.len() - 22], bytes.len()).unwrap();
    assert_eq!((segment.payload, segment.missing), (&b"hel"[..], 2));
}

#[test]
fn a_length_that_claims_more_than_an_uncut_frame_has_is_told_as_missing() {
    for v6 in [false, true] {
        let shape = Shape { v6, ..Shape::default() };
        let mut bytes = shape.bytes();
        let low = if v6 { 14 + 5 } else { 14 + 3 };
        bytes[low] += 10;
        let segment = decode(1, &bytes).unwrap();
        assert_eq!((segment.payload, segment.missing), (&b"hello"[..], 10));
    }
}

#[test]
fn a_wire_length_below_the_captured_one_is_no_matter() {
    let bytes = Shape { zero_length: true, ..Shape::default() }.bytes();
    let segment = decode_cut(&bytes, 0).unwrap();
    assert_eq!((segment.payload, segment.missing), (&b"hello"[..], 0));
}

#[test]
fn ipv4_fragments_are_skipped() {
    for field in [[0x20, 0], [0x20, 1], [0, 1], [0x1f, 0xff]] {
        let mut bytes = Shape::default().bytes();
        bytes[14 + 6..14 + 8].copy_from_slice(&field);
        assert_eq!(skip(1, &bytes), Skip::Fragment, "{field:?}");
    }
    // Neither don't-fragment nor the reserved bit make a fragment.
    for field in [[0, 0], [0xc0, 0]] {
        let mut bytes = Shape::default().bytes();
        bytes[14 + 6..14 + 8].copy_from_slice(&field);
        assert!(decode(1, &bytes).is_ok(), "{field:?}");
    }
}

#[test]
fn ipv6_fragments_are_skipped_unless_atomic() {
    let shape = Shape { v6: true, extensions: vec![FRAGMENT], ..Shape::default() };
    assert_decodes(&shape);
    for field in [[0, 1], [0, 8], [0xff, 0xf9]] {
        let mut bytes = shape.bytes();
        bytes[14 + 40 + 2..14 + 40 + 4].copy_from_slice(&field);
        assert_eq!(skip(1, &bytes), Skip::Fragment, "{field:?}");
    }
}

#[test]
fn contradictory_ip_headers_are_bad() {
    let with = |at: usize, value: u8| {
        let mut bytes = Shape::default().bytes();
        bytes[14 + at] = value;
        skip(1, &bytes)
    };
    assert_eq!(with(0, 0x65), Skip::BadHeader, "version 6 behind the IPv4 EtherType");
    assert_eq!(with(0, 0x44), Skip::BadHeader, "header length 16");
    assert_eq!(with(3, 19), Skip::BadHeader, "total length below the header");
    assert_eq!(with(3, 39), Skip::BadHeader, "total length inside the TCP header");
    let mut icmp = Shape::default().bytes();
    icmp[14 + 3] = 19;
    icmp[14 + 9] = 1;
    assert_eq!(skip(1, &icmp), Skip::BadHeader, "total length below the header, whatever follows");
    let mut v6 = Shape { v6: true, ..Shape::default() }.bytes();
    v6[14] = 0x45;
    assert_eq!(skip(1, &v6), Skip::BadHeader);
    assert_eq!(skip(101, &[0x55; 40]), Skip::BadHeader);
}

#[test]
fn tcp_data_offset_is_checked_against_header_packet_and_capture() {
    let with = |data_offset: u8| {
        let mut bytes = Shape { payload: vec![0; 12], padding: 40, ..Shape::default() }.bytes();
        bytes[14 + 20 + 12] = data_offset << 4;
        bytes
    };
    assert_eq!(skip(1, &with(4)), Skip::BadHeader);
    assert_eq!(decode(1, &with(8)).unwrap().payload.len(), 0);
    assert_eq!(skip(1, &with(9)), Skip::BadHeader, "options beyond the packet");
    let bytes = with(8);
    assert_eq!(decode_cut(&bytes[..14 + 20 + 31], bytes.len()).unwrap_err(), Skip::TruncatedHeader);
    assert_eq!(decode_cut(&bytes[..14 + 20 + 8], bytes.len()).unwrap_err(), Skip::TruncatedHeader);
}

#[test]
fn udp_length_counts_only_if_it_can_be_true() {
    let with = |length: u16| {
        let mut bytes = Shape { udp: true, padding: 9, ..Shape::default() }.bytes();
        bytes[14 + 20 + 4..14 + 20 + 6].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    for (length, payload) in [
        (0, &b"hello"[..]),
        (7, b"hello"),
        (8, b""),
        (10, b"he"),
        (13, b"hello"),
        (14, b"hello"),
        (9999, b"hello"),
    ] {
        let bytes = with(length);
        let segment = decode(1, &bytes).unwrap();
        assert_eq!((segment.payload, segment.missing), (payload, 0), "UDP length {length}");
    }
    let cut = with(13);
    let segment = decode_cut(&cut[..14 + 20 + 8 + 2], cut.len()).unwrap();
    assert_eq!((segment.payload, segment.missing), (&b"he"[..], 3));
}

#[test]
fn icmp_is_no_segment_whatever_it_quotes() {
    let quoted = Shape { link: 101, ..Shape::default() }.bytes();
    for (v6, protocol_at, icmp) in [(false, 14 + 9, 1), (true, 14 + 6, 58)] {
        let payload = [&[3, 1, 0, 0, 0, 0, 0, 0], quoted.as_slice()].concat();
        let mut bytes = Shape { v6, payload, ..Shape::default() }.bytes();
        bytes[protocol_at] = icmp;
        assert_eq!(skip(1, &bytes), Skip::OtherTransport);
    }
}

#[test]
fn ipv6_extension_headers_have_no_meaning_over_ipv4() {
    for number in [0, 43, 60, FRAGMENT] {
        let bytes = Shape { extensions: vec![number], ..Shape::default() }.bytes();
        assert_eq!(skip(1, &bytes), Skip::OtherTransport, "{number}");
    }
}

#[test]
fn endless_extension_headers_are_given_up() {
    let chain = |n| Shape { v6: true, extensions: vec![60; n], ..Shape::default() };
    assert_decodes(&chain(20));
    assert_eq!(skip(1, &chain(100).bytes()), Skip::BadHeader);
}

#[test]
fn an_authentication_header_of_no_length_is_bad() {
    let mut bytes = Shape { extensions: vec![AUTHENTICATION], ..Shape::default() }.bytes();
    bytes[14 + 20 + 1] = 0;
    assert_eq!(skip(1, &bytes), Skip::BadHeader);
}

#[test]
fn what_is_not_ip_says_so() {
    let mut arp = Shape::default().bytes();
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    assert_eq!(skip(1, &arp), Skip::NotIp);
    let mut stp = Shape { snap: true, ..Shape::default() }.bytes();
    stp[14..17].copy_from_slice(&[0x42, 0x42, 0x03]);
    assert_eq!(skip(1, &stp), Skip::NotIp);
    let mut cisco = Shape { snap: true, ..Shape::default() }.bytes();
    cisco[17..20].copy_from_slice(&[0, 0, 0x0c]);
    assert_eq!(skip(1, &cisco), Skip::NotIp, "SNAP of another organisation");
    assert_eq!(skip(9999, &arp), Skip::UnknownLink);
}

#[test]
fn cooked_frames_of_devices_without_ether_types_are_not_ip() {
    for (link, at) in [(113, 2), (276, 8)] {
        let mut bytes = Shape { link, ..Shape::default() }.bytes();
        for device in [770_u16, 803, 824] {
            bytes[at..at + 2].copy_from_slice(&device.to_be_bytes());
            assert_eq!(skip(link, &bytes), Skip::NotIp, "{device}");
        }
        // A device without link header (ARPHRD_NONE), as tunnels are.
        bytes[at..at + 2].copy_from_slice(&[0xff, 0xfe]);
        assert!(decode(link, &bytes).is_ok());
    }
}

#[test]
fn loopback_families_are_read_in_the_order_of_the_link_type() {
    let v4 = Shape { link: 0, ..Shape::default() }.bytes();
    let v6 = Shape { link: 0, v6: true, ..Shape::default() }.bytes();
    for family in [10_u32, 24, 28, 30] {
        for order in [family.to_le_bytes(), family.to_be_bytes()] {
            let segment_bytes = [&order, &v6[4..]].concat();
            assert!(matches!(decode(0, &segment_bytes).unwrap().key.hosts, Hosts::V6(..)), "{family}");
        }
        assert!(decode(108, &[&family.to_be_bytes(), &v6[4..]].concat()).is_ok(), "{family}");
        assert_eq!(skip(108, &[&family.to_le_bytes(), &v6[4..]].concat()), Skip::NotIp, "{family}");
    }
    assert!(decode(0, &[&2_u32.to_be_bytes(), &v4[4..]].concat()).is_ok());
    assert_eq!(skip(0, &[&7_u32.to_le_bytes(), &v4[4..]].concat()), Skip::NotIp);
}

#[test]
fn links_of_one_ip_version_refuse_the_other() {
    let v4 = Shape { link: 228, ..Shape::default() }.bytes();
    let v6 = Shape { link: 229, v6: true, ..Shape::default() }.bytes();
    assert_eq!(skip(229, &[v4.as_slice(), &[0; 40]].concat()), Skip::BadHeader);
    assert_eq!(skip(228, &v6), Skip::BadHeader);
}
