//! What the link types have of their own, beyond an example of each.

use super::{decode, skip};
use crate::model::skip::Skip;
use crate::wire::tests::packets::Shape;

/// A packet without a link header.
fn ip(v6: bool) -> Vec<u8> {
    Shape { link: 101, v6, ..Shape::default() }.bytes()
}

/// True if `head` on `link` leads to the packet of [`ip`].
fn leads(link: u32, head: &[u8]) -> bool {
    let bytes = [head, &ip(false)].concat();
    decode(link, &bytes)
        .is_ok_and(|segment| segment.key == Shape::default().key() && segment.payload == b"hello")
}

fn why_not(link: u32, head: &[u8]) -> Skip {
    skip(link, &[head, &ip(false)].concat())
}

const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];

#[test]
fn ppp_is_read_with_and_without_framing_and_compression() {
    for head in
        [&[0, 0x21][..], &[0x21], &[0xff, 3, 0, 0x21], &[0xff, 3, 0x21], &[0x0f, 0, 8, 0], &[0x8f, 0, 8, 0]]
    {
        assert!(leads(9, head), "{head:?}");
        assert!(leads(50, head), "{head:?}");
        assert!(leads(204, &[&[0], head].concat()), "{head:?}");
    }
    for head in [&[0, 3, 0, 0x21][..], &[1, 3, 0x21], &[1, 0, 0x21]] {
        assert!(leads(166, head), "{head:?}");
    }
    // LCP, IPCP, compressed data.
    for protocol in [[0xc0, 0x21], [0x80, 0x21], [0, 0xfd]] {
        assert_eq!(why_not(9, &protocol), Skip::NotIp, "{protocol:?}");
    }
    assert_eq!(skip(9, &[0]), Skip::BadHeader);
}

#[test]
fn cisco_hdlc_has_no_lengths_for_protocols() {
    assert!(leads(104, &[0x8f, 0, 8, 0]));
    // An 802.3 length with LLC is Ethernet's; so are SLARP and CDP not IP.
    assert_eq!(why_not(104, &[&[0x0f, 0, 0, 20][..], &SNAP].concat()), Skip::NotIp);
    assert_eq!(why_not(104, &[0x8f, 0, 0x80, 0x35]), Skip::NotIp);
    assert_eq!(why_not(104, &[0x8f, 0, 0x20, 0]), Skip::NotIp);
}

#[test]
fn frame_relay_is_read_in_both_ways() {
    for head in [
        &[0x18, 0x41, 3, 0xcc][..],
        &[0x18, 0x41, 3, 0, 0xcc],
        &[0x18, 0x40, 0, 0x41, 3, 0xcc],
        &[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0],
        &[0x18, 0x41, 8, 0],
    ] {
        assert!(leads(107, head), "{head:?}");
    }
    assert_eq!(why_not(107, &[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7]), Skip::NotIp);
    assert_eq!(why_not(107, &[0; 8]), Skip::BadHeader, "an address without an end");
}

#[test]
fn llc_has_three_ways_to_ip() {
    for head in [&SNAP[..], &[0xaa, 0xaa, 3, 0, 0, 0xf8, 8, 0], &[6, 6, 3]] {
        assert!(leads(100, head), "{head:?}");
    }
    assert_eq!(why_not(100, &[0xfe, 0xfe, 3]), Skip::NotIp);
}

#[test]
fn fddi_frames_other_than_llc_are_not_ip() {
    for (control, expected) in [(0x50, true), (0x57, true), (0x4f, false), (0x80, false), (0xc2, false)] {
        assert_eq!(leads(10, &[&[control][..], &[1; 12], &SNAP].concat()), expected, "{control:#x}");
    }
}

/// Frame control's two bytes, and what follows the addresses.
fn wifi(control: [u8; 2], rest: &[u8]) -> Vec<u8> {
    [&control[..], &[0, 0], &[2; 18], &[0x10, 0], rest, &SNAP].concat()
}

#[test]
fn data_frames_are_read_in_every_shape() {
    assert!(leads(105, &wifi([0x08, 1], &[])), "to the network");
    assert!(leads(105, &wifi([0x08, 2], &[])), "from it");
    assert!(leads(105, &wifi([0x08, 0], &[])), "between stations");
    assert!(leads(105, &wifi([0x08, 3], &[5; 6])), "between access points");
    assert!(leads(105, &wifi([0x88, 1], &[0, 0])), "with quality of service");
    assert!(leads(105, &wifi([0x88, 3], &[5, 5, 5, 5, 5, 5, 0, 0])));
    assert!(leads(105, &wifi([0x88, 0x81], &[0, 0, 1, 2, 3, 4])), "with HT control");
    let part = [&[0x80, 0][..], &[6; 12], &[0, 53]].concat();
    assert!(leads(105, &wifi([0x88, 1], &part)), "the first part of an aggregate");
}

#[test]
fn other_802_11_frames_are_not_ip() {
    for control in [[0x80, 0], [0xb4, 0], [0x48, 1], [0xc8, 1], [0x08, 0x41], [0x88, 0x42], [0x09, 1]] {
        assert_eq!(why_not(105, &wifi(control, &[0, 0])), Skip::NotIp, "{control:?}");
    }
}

#[test]
fn radiotap_tells_of_padding() {
    let plain = wifi([0x08, 1], &[]);
    let padded = wifi([0x88, 1], &[0, 0, 9, 9]);
    let unpadded = wifi([0x88, 1], &[0, 0]);
    // Flags alone; behind a time stamp; behind two present words; none of it.
    let headers: [(&[u8], bool); 5] = [
        (&[0, 0, 9, 0, 2, 0, 0, 0, 0x20], true),
        (&[0, 0, 17, 0, 3, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0x30], true),
        (&[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0x20], true),
        (&[0, 0, 9, 0, 2, 0, 0, 0, 0x10], false),
        (&[0, 0, 9, 0, 4, 0, 0, 0, 0x20], false),
    ];
    for (header, pads) in headers {
        assert!(leads(127, &[header, &plain].concat()), "24 bytes need no padding: {header:?}");
        assert_eq!(leads(127, &[header, &padded].concat()), pads, "{header:?}");
        assert_eq!(leads(127, &[header, &unpadded].concat()), !pads, "{header:?}");
    }
    assert_eq!(why_not(127, &[&[1, 0, 8, 0, 0, 0, 0, 0][..], &plain].concat()), Skip::BadHeader);
    assert_eq!(why_not(127, &[&[0, 0, 7, 0, 0, 0, 0, 0][..], &plain].concat()), Skip::BadHeader);
    // Present words without an end.
    assert!(leads(127, &[&[0, 0, 12, 0, 2, 0, 0, 0x80, 0, 0, 0, 0x80][..], &plain].concat()));
}

#[test]
fn prism_and_avs_are_told_apart() {
    let frame = wifi([0x08, 1], &[]);
    let prism = [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136], &frame].concat();
    let big_endian = [&[0, 0, 0, 0x44, 0, 0, 0, 144][..], &[0; 136], &frame].concat();
    let avs = [&[0x80, 0x21, 0x10, 2, 0, 0, 0, 80][..], &[0; 72], &frame].concat();
    for link in [119, 163] {
        for head in [&prism, &big_endian, &avs] {
            assert!(leads(link, head));
        }
        assert_eq!(why_not(link, &[0x44, 0, 0, 0, 7, 0, 0, 0]), Skip::BadHeader);
        assert_eq!(why_not(link, &[0xff; 8]), Skip::BadHeader);
    }
}

#[test]
fn ppi_and_pktap_carry_any_link() {
    let ethernet = [&[1; 12][..], &[8, 0]].concat();
    for (number, frame) in
        [(1, &ethernet[..]), (101, &[]), (12, &[]), (0, &[2, 0, 0, 0]), (105, &wifi([8, 1], &[]))]
    {
        assert!(leads(192, &[&[0, 0, 8, 0, number, 0, 0, 0][..], frame].concat()), "{number}");
        let pktap = [&[20, 0, 0, 0, 1, 0, 0, 0, number, 0, 0, 0][..], &[0; 8], frame].concat();
        assert!(leads(258, &pktap), "{number}");
    }
    assert_eq!(why_not(192, &[0, 0, 8, 0, 0xff, 0xff, 0, 0]), Skip::UnknownLink);
    assert_eq!(why_not(192, &[0, 0, 7, 0, 1, 0, 0, 0]), Skip::BadHeader);
    assert_eq!(why_not(258, &[12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]), Skip::NotIp);
    assert_eq!(why_not(258, &[11, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]), Skip::BadHeader);
    assert_eq!(why_not(258, &[0xff; 12]), Skip::NotIp);
    // One inside the other, for ever.
    let endless = [0, 0, 8, 0, 192, 0, 0, 0].repeat(200);
    assert_eq!(skip(192, &endless), Skip::BadHeader);
}

#[test]
fn nflog_is_read_in_both_byte_orders() {
    // A packet header, a mark, and the payload.
    let le = [&[2, 0, 0, 1, 8, 0, 1, 0, 8, 0, 3, 0, 8, 0, 2, 0, 0, 0, 0, 1][..], &[49, 0, 9, 0]].concat();
    let be = [&[2, 0, 0, 1, 0, 8, 0, 1, 8, 0, 3, 0, 0, 8, 0, 2, 0, 0, 0, 1][..], &[0, 49, 0, 9]].concat();
    assert!(leads(239, &le));
    assert!(leads(239, &be));
    assert_eq!(skip(239, &le[..20]), Skip::BadHeader, "no payload");
    assert_eq!(why_not(239, &[2, 1, 0, 0]), Skip::BadHeader, "another version");
    assert_eq!(why_not(239, &[2, 0, 0, 0, 3, 0, 1, 0]), Skip::BadHeader, "shorter than its header");
    assert_eq!(why_not(239, &[&[7, 0, 0, 1][..], &le[20..]].concat()), Skip::NotIp, "of a bridge");
    let attributes = [4, 0, 1, 0].repeat(100);
    assert_eq!(why_not(239, &[&[2, 0, 0, 0][..], &attributes].concat()), Skip::BadHeader);
}

#[test]
fn what_the_packet_filter_logs_is_read() {
    assert!(leads(117, &[&[61, 2][..], &[0; 62]].concat()));
    assert!(leads(117, &[&[64, 2][..], &[0; 62]].concat()));
    assert_eq!(why_not(117, &[&[44, 2][..], &[0; 62]].concat()), Skip::BadHeader);
    assert_eq!(why_not(117, &[&[61, 7][..], &[0; 62]].concat()), Skip::NotIp);
    assert!(leads(109, &[2, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 3]));
    assert_eq!(why_not(109, &[9, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 3]), Skip::NotIp);
}
