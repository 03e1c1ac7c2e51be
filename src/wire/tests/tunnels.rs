//! An example of each tunnel, written byte by byte; what they do within each other, cut, damaged or not meant.

use proptest::prelude::*;

use super::packets::{Shape, be, frame};
use super::property::{paths_agree, stays_inside};
use super::{SEED, decode, decode_cut, skip};
use crate::model::segment::{Segment, Transport, Tunnel, TunnelKind, Vlans};
use crate::model::skip::Skip;
use crate::wire::{Decoder, ETHER_TYPES, PROTOCOLS, UDP_TUNNELS};

/// The table and the number of the row that an example is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Row {
    Ether(u16),
    Ip(u8),
    Udp(u16),
}
use Row::{Ether, Ip, Udp};

/// A frame that carries a packet of [`Shape`] in a tunnel.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    pub(crate) row: Row,
    /// From Ethernet on.
    pub(crate) bytes: Vec<u8>,
    /// What it carries.
    pub(crate) inner: Shape,
    pub(crate) tunnel: Tunnel,
}

/// A packet without a link header: TCP over IPv4, or UDP over IPv6.
pub(crate) fn inner_ip(v6: bool) -> Shape {
    Shape { link: 101, v6, udp: v6, ..Shape::default() }
}

fn inner_ethernet() -> Shape {
    Shape { tags: vec![(0x8100, 77)], ..Shape::default() }
}

pub(crate) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 9, 1, 2, 0, 0, 0, 9, 2][..], &be(ether_type), payload].concat()
}

pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap();
    let start = [&[0x45, 0][..], &be(total), &[0, 1, 0, 0, 64, protocol, 0, 0]].concat();
    [&start[..], &[192, 0, 2, 1, 192, 0, 2, 2], payload].concat()
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut address = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let source = address;
    address[15] = 2;
    [&[0x60, 0, 0, 0][..], &be(length), &[next, 64], &source, &address, payload].concat()
}

pub(crate) fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    [&be(ports.0)[..], &be(ports.1), &be(length), &[0, 0], payload].concat()
}

fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(17, &udp((50001, port), payload)))
}

fn over_ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(protocol, payload))
}

pub(crate) fn vxlan(vni: u32, payload: &[u8]) -> Vec<u8> {
    [&[8, 0, 0, 0][..], &(vni << 8).to_be_bytes(), payload].concat()
}

fn gtp(teid: u32, flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(options.len() + payload.len()).unwrap();
    [&[0x30 | flags, 0xff][..], &be(length), &teid.to_be_bytes(), options, payload].concat()
}

fn gre(flags: u16, protocol: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    [&be(flags)[..], &be(protocol), options, payload].concat()
}

fn pppoe(session: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    [&[0x11, 0][..], &be(session), &be(length), payload].concat()
}

/// Examples of what carries IP at once; IPv4 and IPv6 in turn.
fn with_ip(v6: bool) -> Vec<(Row, TunnelKind, Option<u32>, Vec<u8>)> {
    let inner = inner_ip(v6).bytes();
    let ether_type = if v6 { 0x86dd } else { 0x0800 };
    let ppp = [&[0, if v6 { 0x57 } else { 0x21 }], &inner[..]].concat();
    let framed = [&[0xff, 3], &ppp[..]].concat();
    let l2tp = |flags: u16, options: &[u8], payload: &[u8]| [&be(flags)[..], options, payload].concat();
    let (ip_in_4, ip_in_6) = if v6 {
        ((41, TunnelKind::SixInFour), TunnelKind::SixInSix)
    } else {
        ((4, TunnelKind::FourInFour), TunnelKind::FourInSix)
    };
    let l2tp_length = u16::try_from(8 + framed.len()).unwrap();
    vec![
        (Ether(0x8864), TunnelKind::Pppoe, Some(0xbeef), ethernet(0x8864, &pppoe(0xbeef, &ppp))),
        (
            Ether(0x8847),
            TunnelKind::Mpls,
            Some(0xabcde),
            ethernet(0x8847, &[&[0, 1, 0, 64, 0xab, 0xcd, 0xe1, 64], &inner[..]].concat()),
        ),
        (Ether(0x8848), TunnelKind::Mpls, Some(16), ethernet(0x8848, &[&[0, 1, 1, 64], &inner[..]].concat())),
        (Ip(ip_in_4.0), ip_in_4.1, None, over_ip(ip_in_4.0, &inner)),
        (Ip(ip_in_4.0), ip_in_6, None, ethernet(0x86dd, &ipv6(ip_in_4.0, &inner))),
        (Ip(47), TunnelKind::Gre, None, over_ip(47, &gre(0, ether_type, &[], &inner))),
        (Ip(47), TunnelKind::Gre, Some(7), over_ip(47, &gre(0x2000, ether_type, &[0, 0, 0, 7], &inner))),
        (
            Ip(47),
            TunnelKind::Gre,
            Some(0x0102_0304),
            ethernet(
                0x86dd,
                &ipv6(47, &gre(0xb000, ether_type, &[9, 9, 0, 0, 1, 2, 3, 4, 0, 0, 0, 5], &inner)),
            ),
        ),
        (
            Ether(0x880b),
            TunnelKind::Pptp,
            Some(0x0203),
            over_ip(
                47,
                &gre(
                    0x3081,
                    0x880b,
                    &[&be(u16::try_from(framed.len()).unwrap())[..], &[2, 3, 0, 0, 0, 1, 0, 0, 0, 1]]
                        .concat(),
                    &framed,
                ),
            ),
        ),
        (Ether(0x880b), TunnelKind::Gre, None, over_ip(47, &gre(0, 0x880b, &[], &ppp))),
        (Ip(137), TunnelKind::Mpls, Some(2), over_ip(137, &[&[0, 0, 0x21, 9], &inner[..]].concat())),
        (Udp(2152), TunnelKind::Gtp, Some(0xfeed_f00d), over_udp(2152, &gtp(0xfeed_f00d, 0, &[], &inner))),
        (Udp(2152), TunnelKind::Gtp, Some(1), over_udp(2152, &gtp(1, 2, &[0, 9, 0, 0], &inner))),
        (
            Udp(2152),
            TunnelKind::Gtp,
            Some(1),
            // Sequence number, a PDU session container, a PDCP number.
            over_udp(2152, &gtp(1, 6, &[0, 9, 0, 0x85, 1, 0, 0, 0xc0, 2, 0, 0, 0, 0, 0, 0, 0], &inner)),
        ),
        (Udp(2152), TunnelKind::Gtp, Some(2), over_udp(2152, &gtp(2, 0, &[], &framed))),
        (
            Udp(1701),
            TunnelKind::L2tp,
            Some(9),
            over_udp(1701, &l2tp(0x4002, &[&be(l2tp_length)[..], &[0, 5, 0, 9]].concat(), &framed)),
        ),
        (
            Udp(1701),
            TunnelKind::L2tp,
            Some(9),
            over_udp(1701, &l2tp(0x0a02, &[0, 5, 0, 9, 0, 1, 0, 1, 0, 3, 7, 7, 7], &ppp)),
        ),
        (Udp(6081), TunnelKind::Geneve, Some(0x000a_0b0c), {
            let head = [&[0, 0][..], &be(ether_type), &[0x0a, 0x0b, 0x0c, 0]].concat();
            over_udp(6081, &[&head[..], &inner].concat())
        }),
        (Udp(4754), TunnelKind::Gre, None, over_udp(4754, &gre(0, ether_type, &[], &inner))),
        (Udp(4790), TunnelKind::VxlanGpe, Some(3), {
            over_udp(4790, &[&[0x0c, 0, 0, if v6 { 2 } else { 1 }, 0, 0, 3, 0], &inner[..]].concat())
        }),
        (Ether(0x894f), TunnelKind::Nsh, Some(0x0001_0203), {
            let head = [0, 0x06, 1, if v6 { 2 } else { 1 }, 1, 2, 3, 255];
            ethernet(0x894f, &[&head[..], &[5; 16], &inner].concat())
        }),
        (Ether(0x22eb), TunnelKind::Erspan, Some(5), {
            // Type III with an IP frame and a subheader.
            let head = [0x20, 0, 0, 5, 1, 2, 3, 4, 0, 0, 0x08, 1, 0, 0, 0, 0, 0, 0, 0, 0];
            over_ip(47, &gre(0x1000, 0x22eb, &[0, 0, 0, 1], &[&head[..], &inner].concat()))
        }),
    ]
}

/// Teredo's packets on its port, with its headers and without, and between clients.
fn with_teredo() -> Vec<(Row, TunnelKind, Option<u32>, Vec<u8>)> {
    let mut packet = inner_ip(true).bytes();
    packet[8..12].copy_from_slice(&[0x20, 1, 0, 0]);
    let origin = [&[0, 0, 1, 2, 3, 4, 5, 6], &packet[..]].concat();
    let both = [&[0, 1, 2, 1, 8, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0], &origin[..]].concat();
    [(3544, &packet), (3544, &origin), (3544, &both), (50002, &packet)]
        .map(|(port, payload)| (Udp(3544), TunnelKind::Teredo, None, over_udp(port, payload)))
        .into()
}

/// Examples of what carries an Ethernet frame.
fn with_ethernet() -> Vec<(Row, TunnelKind, Option<u32>, Vec<u8>)> {
    let inner = inner_ethernet().bytes();
    let behind = |head: &[u8]| [head, &inner].concat();
    let wifi = |control: [u8; 2]| {
        let packet = inner_ethernet().bytes();
        [&control[..], &[0, 0], &[2; 18], &[0, 0, 0xaa, 0xaa, 3, 0, 0, 0], &packet[12..]].concat()
    };
    // Tags behind SNAP are as good as any.
    let capwap = |first: u32, rest: &[u8]| [&first.to_be_bytes()[..], &[0; 4], rest].concat();
    vec![
        (Ether(0x6558), TunnelKind::Gre, Some(9), over_ip(47, &gre(0x2000, 0x6558, &[0, 0, 0, 9], &inner))),
        (Ether(0x88be), TunnelKind::Gre, None, over_ip(47, &gre(0, 0x88be, &[], &inner))),
        (
            Ether(0x88be),
            TunnelKind::Erspan,
            Some(0x123),
            over_ip(47, &gre(0x1000, 0x88be, &[0, 0, 0, 1], &behind(&[0x10, 5, 0xfd, 0x23, 0, 0, 0, 9]))),
        ),
        (
            Ether(0x22eb),
            TunnelKind::Erspan,
            Some(0x3ff),
            over_ip(
                47,
                &gre(0x1000, 0x22eb, &[0, 0, 0, 1], &behind(&[0x20, 5, 0xff, 0xff, 1, 2, 3, 4, 0, 0, 0, 0])),
            ),
        ),
        (Ip(97), TunnelKind::EtherIp, None, over_ip(97, &behind(&[0x30, 0]))),
        (Ip(143), TunnelKind::Ethernet, None, ethernet(0x86dd, &ipv6(143, &inner))),
        (Ip(115), TunnelKind::L2tp, Some(6), over_ip(115, &behind(&[0, 0, 0, 6]))),
        (Ip(115), TunnelKind::L2tp, Some(6), over_ip(115, &behind(&[0, 0, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8]))),
        (
            Udp(1701),
            TunnelKind::L2tp,
            Some(6),
            over_udp(1701, &behind(&[0, 3, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0])),
        ),
        (Udp(4789), TunnelKind::Vxlan, Some(0x000a_0b0c), over_udp(4789, &vxlan(0x000a_0b0c, &inner))),
        (Udp(8472), TunnelKind::Vxlan, Some(1), over_udp(8472, &vxlan(1, &inner))),
        (Udp(4789), TunnelKind::Vxlan, Some(1), over_udp(4789, &behind(&[0x88, 0, 1, 2, 0, 0, 1, 0]))),
        (Udp(4790), TunnelKind::VxlanGpe, Some(1), over_udp(4790, &behind(&[0x0c, 0, 0, 3, 0, 0, 1, 0]))),
        (Udp(4790), TunnelKind::Nsh, Some(5), {
            over_udp(4790, &behind(&[0x0c, 0, 0, 4, 0, 0, 1, 0, 0, 2, 2, 3, 0, 0, 5, 1]))
        }),
        (
            Udp(6081),
            TunnelKind::Geneve,
            Some(0x000a_0b0c),
            over_udp(6081, &behind(&[2, 0x40, 0x65, 0x58, 0x0a, 0x0b, 0x0c, 0, 1, 2, 0x80, 1, 9, 9, 9, 9])),
        ),
        (Udp(5247), TunnelKind::Capwap, None, over_udp(5247, &capwap(0x0010_0200, &inner))),
        (Udp(5247), TunnelKind::Capwap, None, over_udp(5247, &capwap(0x0010_0300, &wifi([0x08, 2])))),
        (Udp(5247), TunnelKind::Capwap, None, {
            // The bytes of frame control swapped; a radio address ahead.
            let head = capwap(0x0020_0310, &[6, 1, 2, 3, 4, 5, 6, 0]);
            over_udp(5247, &[head, wifi([1, 0x08])].concat())
        }),
        (Udp(37008), TunnelKind::Tzsp, None, over_udp(37008, &behind(&[1, 0, 0, 1, 0, 10, 1, 0xcc, 1]))),
        (
            Udp(37008),
            TunnelKind::Tzsp,
            None,
            over_udp(37008, &[&[1, 1, 0, 18, 1][..], &wifi([8, 2])].concat()),
        ),
        (Ether(0x8847), TunnelKind::Mpls, Some(16), {
            ethernet(0x8847, &behind(&[0, 1, 1, 64, 0, 0, 0, 0]))
        }),
        (Ether(0x8847), TunnelKind::Mpls, Some(16), ethernet(0x8847, &behind(&[0, 1, 1, 64]))),
    ]
}

pub(crate) fn examples() -> Vec<Example> {
    let ip = [false, true].into_iter().flat_map(|v6| {
        let teredo = if v6 { with_teredo() } else { Vec::new() };
        with_ip(v6).into_iter().chain(teredo).map(move |(row, kind, id, bytes)| {
            let inner = inner_ip(v6);
            Example { row, bytes, inner, tunnel: Tunnel::new(kind, id) }
        })
    });
    let ethernet = with_ethernet().into_iter().map(|(row, kind, id, bytes)| {
        let inner = inner_ethernet();
        Example { row, bytes, inner, tunnel: Tunnel::new(kind, id) }
    });
    ip.chain(ethernet).collect()
}

/// True if `segment` is the inner packet of `example`, down to the last captured byte of it.
fn is_inner(segment: &Segment<'_>, example: &Example, cut: usize) -> bool {
    let mut key = example.inner.key();
    if example.tunnel.kind == TunnelKind::Teredo {
        key = segment.key;
    }
    let payload = &example.inner.payload;
    let head_len = example.bytes.len() - payload.len();
    segment.key == key
        && segment.header == example.inner.header()
        && segment.tunnel == Some(example.tunnel)
        && segment.vlans == example.inner.vlans()
        && segment.head == &example.bytes[..head_len]
        && segment.payload == &payload[..cut - head_len]
        && segment.missing as usize == example.bytes.len() - cut
}

#[test]
fn every_example_decodes_to_what_it_carries() {
    for example in examples() {
        let segment = decode(1, &example.bytes).unwrap_or_else(|skip| panic!("{skip:?}: {example:?}"));
        assert!(is_inner(&segment, &example, example.bytes.len()), "{segment:?}\n{example:?}");
    }
}

#[test]
fn every_row_and_every_kind_has_an_example() {
    let examples = examples();
    let has = |row: Row| examples.iter().any(|example| example.row == row);
    for number in ETHER_TYPES.iter().skip(3).flat_map(|row| row.numbers) {
        assert!(has(Ether(*number)), "{number:#x}");
    }
    for number in PROTOCOLS.iter().skip(5).flat_map(|row| row.numbers) {
        assert!(has(Ip(*number)), "{number}");
    }
    for number in UDP_TUNNELS.iter().flat_map(|row| row.numbers) {
        assert!(has(Udp(*number)), "{number}");
    }
    let schema = include_str!("../../../docs/schema/v1.json");
    for example in &examples {
        let name = example.tunnel.kind.name();
        assert!(schema.contains(&format!("\"{name}\"")), "{name} in the schema");
    }
    let mut kinds: Vec<&str> = examples.iter().map(|example| example.tunnel.kind.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 20, "{kinds:?}");
}

#[test]
fn a_cut_at_any_byte_leads_to_the_inner_packet_or_nowhere_else() {
    for example in examples() {
        let whole = example.bytes.len();
        let head_len = whole - example.inner.payload.len();
        for cut in 0..whole {
            match decode_cut(&example.bytes[..cut], whole) {
                Ok(segment) if cut >= head_len => {
                    assert!(is_inner(&segment, &example, cut), "{cut} {example:?}");
                }
                // A tunnel's header that is cut is no tunnel; its datagram is told as one.
                Ok(segment) => {
                    assert_eq!(segment.key.transport, Transport::Udp, "{cut} {example:?}");
                    assert_eq!(segment.tunnel, None, "{cut} {example:?}");
                    assert!(matches!(example.row, Udp(_)), "{cut} {example:?}");
                }
                Err(_) => assert!(cut < head_len, "{cut} {example:?}"),
            }
            stays_inside(&frame(1, &example.bytes[..cut], cut)).unwrap();
        }
    }
}

#[test]
fn every_byte_may_lie() {
    for example in examples() {
        for at in 0..example.bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, example.bytes[at].wrapping_add(1)] {
                let mut bytes = example.bytes.clone();
                bytes[at] = value;
                let frame = frame(1, &bytes, bytes.len());
                stays_inside(&frame).unwrap();
                paths_agree(&frame).unwrap();
            }
        }
    }
}

#[test]
fn eight_tunnels_are_followed_and_nine_are_not() {
    let nest = |depth: u32| {
        (0..depth).fold(inner_ethernet().bytes(), |inner, vni| {
            ethernet(0x0800, &ipv4(17, &udp((50001, 4789), &vxlan(vni, &inner))))
        })
    };
    let bytes = nest(8);
    let segment = decode(1, &bytes).unwrap();
    assert_eq!(segment.key, inner_ethernet().key());
    assert_eq!(segment.tunnel, Some(Tunnel::new(TunnelKind::Vxlan, Some(0))), "the innermost");
    assert_eq!(skip(1, &nest(9)), Skip::BadHeader);
    let nest = |depth: u32| (0..depth).fold(inner_ip(false).bytes(), |inner, _| ipv4(4, &inner));
    assert_eq!(decode(101, &nest(8)).unwrap().payload, b"hello");
    assert_eq!(skip(101, &nest(9)), Skip::BadHeader);
}

#[test]
fn the_innermost_tunnel_with_an_identifier_is_told() {
    let in_gre = over_ip(47, &gre(0, 0x0800, &[], &inner_ip(false).bytes()));
    let bytes = ethernet(0x0800, &ipv4(17, &udp((1, 4789), &vxlan(5, &in_gre))));
    assert_eq!(decode(1, &bytes).unwrap().tunnel, Some(Tunnel::new(TunnelKind::Vxlan, Some(5))));
    let bytes = ethernet(0x0800, &ipv4(4, &in_gre[14..]));
    assert_eq!(decode(1, &bytes).unwrap().tunnel, Some(Tunnel::new(TunnelKind::Gre, None)));
}

#[test]
fn tags_outside_come_before_tags_inside() {
    let inner = inner_ethernet().bytes();
    let outer = ipv4(17, &udp((1, 4789), &vxlan(5, &inner)));
    let bytes = ethernet(0x8100, &[&[0, 12, 8, 0], &outer[..]].concat());
    assert_eq!(decode(1, &bytes).unwrap().vlans, Vlans { outer: Some(12), inner: Some(77) });
}

#[test]
fn what_is_inside_is_not_longer_than_what_is_around() {
    // The inner packet claims ten bytes more than the tunnel has; the frame has padding there.
    let mut inner = inner_ip(false).bytes();
    inner[3] += 10;
    let around: [Vec<u8>; 4] = [
        over_ip(4, &inner),
        over_udp(2152, &gtp(1, 0, &[], &inner)),
        ethernet(0x8864, &pppoe(1, &[&[0, 0x21], &inner[..]].concat())),
        over_ip(47, &gre(0, 0x0800, &[], &inner)),
    ];
    for mut bytes in around {
        bytes.extend([0xee; 40]);
        let segment = decode(1, &bytes).unwrap();
        assert_eq!((segment.payload, segment.missing), (&b"hello"[..], 0));
    }
}

#[test]
fn a_datagram_on_a_tunnels_port_that_is_no_tunnel_stays_a_datagram() {
    let dtls =
        [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 40, 1, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0, 28, 0xfe, 0xfd];
    let quic = [&[0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8][..], &[0x5a; 60]].concat();
    let short = [&[0x60][..], &[0x33; 50]].concat();
    let text = [b'G'; 64];
    let payloads: [&[u8]; 7] = [&dtls, &quic, &short, &text, &[0; 64], &[0xff; 64], &[]];
    for port in UDP_TUNNELS.iter().flat_map(|row| row.numbers) {
        for payload in payloads {
            for ports in [(*port, 443), (443, *port)] {
                let bytes = ethernet(0x0800, &ipv4(17, &udp(ports, payload)));
                let segment = decode(1, &bytes).unwrap_or_else(|e| panic!("{e:?} {ports:?} {payload:?}"));
                assert_eq!((segment.key.ports, segment.payload), (ports, payload));
                assert_eq!(segment.tunnel, None);
            }
        }
    }
}

#[test]
fn messages_of_tunnels_that_carry_nothing_are_datagrams() {
    let mut echo = gtp(0, 2, &[0, 1, 0, 0], &[14, 0]);
    echo[1] = 1;
    let inner = inner_ip(false).bytes();
    let longer =
        gtp(1, 0, &[], &inner).into_iter().enumerate().map(|(at, b)| if at == 3 { b + 1 } else { b });
    let endless = gtp(1, 4, &[&[0, 0, 0, 1], &[1, 0, 0, 1].repeat(30)[..]].concat(), &inner);
    let empty = gtp(1, 4, &[0, 0, 0, 0x85, 0, 0, 0, 0], &inner);
    let frames: [(u16, Vec<u8>); 9] = [
        (2152, echo),
        (2152, longer.collect()),
        (2152, endless),
        (2152, empty),
        (1701, vec![0xc8, 2, 0, 12, 0, 1, 0, 0, 0, 0, 0, 0]),
        (5247, [&[0, 0x10, 2, 8, 0, 0, 0, 0][..], &[0; 40]].concat()),
        (5247, [&[1, 0, 0, 0][..], &[0x17; 40]].concat()),
        (37008, [&[1, 4, 0, 1, 1][..], &[0; 40]].concat()),
        (3544, [&[0, 1, 0xff, 0xff][..], &[0; 40]].concat()),
    ];
    for (port, payload) in frames {
        let bytes = over_udp(port, &payload);
        let segment = decode(1, &bytes).unwrap_or_else(|e| panic!("{e:?} {port} {payload:?}"));
        assert_eq!(segment.payload, payload);
    }
}

#[test]
fn gre_that_carries_nothing_or_too_much_is_skipped() {
    let inner = inner_ip(false).bytes();
    let of = |flags: u16, protocol: u16, options: &[u8]| {
        skip(1, &over_ip(47, &gre(flags, protocol, options, &inner)))
    };
    assert_eq!(of(0x4000, 0x0800, &[0; 4]), Skip::BadHeader, "routing");
    assert_eq!(of(0x0002, 0x0800, &[]), Skip::BadHeader, "version 2");
    assert_eq!(of(0x2081, 0x880b, &[0, 0, 0, 7, 0, 0, 0, 1]), Skip::NotIp, "PPTP acknowledges");
    assert_eq!(
        of(0x3001, 0x880b, &[0xff, 0xff, 0, 7, 0, 0, 0, 1]),
        Skip::BadHeader,
        "longer than its packet"
    );
    assert_eq!(of(0, 0, &[]), Skip::NotIp, "a keep-alive");
    assert_eq!(
        of(0x1000, 0x22eb, &[0, 0, 0, 1, 0x30, 0, 0, 0]),
        Skip::BadHeader,
        "ERSPAN of another version"
    );
}

#[test]
fn wccp_redirects_with_and_without_a_header() {
    let inner = inner_ip(false).bytes();
    for head in [&[][..], &[0, 1, 2, 3]] {
        let bytes = over_ip(47, &gre(0, 0x883e, head, &inner));
        assert_eq!(decode(1, &bytes).unwrap().key, inner_ip(false).key(), "{head:?}");
    }
}

#[test]
fn mpls_tells_ip_from_ethernet_whatever_the_address() {
    let label = [0, 1, 1, 64];
    // Addresses that begin as IP, as a control word and as an associated channel do.
    for first in [0x00, 0x08, 0x10, 0x44, 0x45, 0x60, 0x8c, 0xf0] {
        let mut inner = inner_ethernet().bytes();
        inner[..6].copy_from_slice(&[first, 0x1b, 0xff, 0xff, 0xff, 0xff]);
        for head in [&[][..], &[0, 0, 0, 0], &[0, 0, 0x12, 0x34]] {
            let bytes = ethernet(0x8847, &[&label[..], head, &inner].concat());
            assert_eq!(decode(1, &bytes).unwrap().key, inner_ethernet().key(), "{first:#x} {head:?}");
        }
    }
    let channel = ethernet(0x8847, &[&label[..], &[0x10, 0, 0, 0x21], &inner_ip(false).bytes()].concat());
    assert_eq!(skip(1, &channel), Skip::NotIp);
    assert_eq!(skip(1, &ethernet(0x8847, &[0, 1, 0, 64].repeat(17))), Skip::BadHeader);
}

#[test]
fn pppoe_sessions_of_another_kind_are_skipped() {
    let ppp = [&[0, 0x21], &inner_ip(false).bytes()[..]].concat();
    let with = |at: usize, value: u8| {
        let mut bytes = ethernet(0x8864, &pppoe(1, &ppp));
        bytes[14 + at] = value;
        bytes
    };
    assert_eq!(skip(1, &with(0, 0x12)), Skip::BadHeader);
    assert_eq!(skip(1, &with(1, 0xa7)), Skip::NotIp);
    let mut bytes = with(4, 0);
    bytes[14 + 5] = 0;
    assert_eq!(decode(1, &bytes).unwrap().payload, b"hello", "no length, as under segmentation offload");
}

#[test]
fn segmentation_offload_reaches_into_tunnels() {
    let inner = Shape { payload: vec![7; 3000], zero_length: true, ..inner_ethernet() };
    let mut bytes = over_udp(4789, &vxlan(1, &inner.bytes()));
    let segment = decode(1, &bytes).unwrap();
    assert_eq!((segment.payload.len(), segment.missing), (3000, 0));
    // Neither IP nor UDP know how long they will be.
    bytes[16..18].copy_from_slice(&[0, 0]);
    bytes[38..40].copy_from_slice(&[0, 0]);
    let segment = decode(1, &bytes).unwrap();
    assert_eq!((segment.payload.len(), segment.missing), (3000, 0));
}

#[test]
fn what_tunnels_carry_beside_ip_is_skipped_as_outside() {
    let arp = ethernet(0x0806, &[0; 28]);
    assert_eq!(skip(1, &over_udp(4789, &vxlan(1, &arp))), Skip::NotIp);
    let icmp = ipv4(1, &[&[3, 1, 0, 0, 0, 0, 0, 0], &inner_ip(false).bytes()[..]].concat());
    assert_eq!(skip(1, &over_ip(4, &icmp)), Skip::OtherTransport);
    assert_eq!(skip(1, &over_ip(115, &[&[0, 0, 0, 6][..], &[0; 60]].concat())), Skip::NotIp);
    let control = over_ip(115, &[&[0, 0, 0, 0], &inner_ethernet().bytes()[..]].concat());
    assert_eq!(skip(1, &control), Skip::NotIp, "session 0");
    assert_eq!(skip(1, &over_ip(97, &[&[0x40, 0], &inner_ethernet().bytes()[..]].concat())), Skip::BadHeader);
    let nsh = ethernet(0x894f, &[&[0, 2, 1, 7, 0, 0, 5, 1], &inner_ip(false).bytes()[..]].concat());
    assert_eq!(skip(1, &nsh), Skip::NotIp);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_tunnels_in_tunnels_stay_inside_their_frame(
        which in any::<proptest::sample::Index>(),
        around in 0..5_usize,
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..5),
        cut in any::<proptest::sample::Index>(),
        wire_len in 0..400_usize,
    ) {
        let examples = examples();
        let example = which.get(&examples);
        let mut bytes = match around {
            0 => example.bytes.clone(),
            1 => over_udp(4789, &vxlan(9, &example.bytes)),
            2 => over_ip(47, &gre(0, 0x6558, &[], &example.bytes)),
            3 => over_udp(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 9, 0], &example.bytes[..]].concat()),
            _ => ethernet(0x8847, &[&[0, 1, 1, 64, 0, 0, 0, 0], &example.bytes[..]].concat()),
        };
        if damage.is_empty() {
            let segment = Decoder::new(SEED).decode(&frame(1, &bytes, bytes.len()));
            prop_assert_eq!(segment.map(|segment| segment.header), Ok(example.inner.header()));
        }
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()));
        let frame = frame(1, &bytes, wire_len);
        stays_inside(&frame)?;
        paths_agree(&frame)?;
    }
}
