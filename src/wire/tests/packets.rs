//! Packets written from a description, and frames around them.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::frame::{Frame, LinkType, OriginId, Timestamp};
use crate::model::segment::{FlowKey, Header, Hosts, TcpFlags, Transport, Tunnel, TunnelKind, Vlans};

pub(crate) const SOURCE_V4: Ipv4Addr = Ipv4Addr::new(10, 42, 0, 17);
pub(crate) const DESTINATION_V4: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 10);
pub(crate) const SOURCE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 1, 2, 3, 4, 5, 6, 7);
pub(crate) const DESTINATION_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);
pub(crate) const PORTS: (u16, u16) = (41022, 443);
pub(crate) const TCP: Header =
    Header::Tcp { seq: 0xdead_beef, ack: 0x0102_0304, flags: TcpFlags(TcpFlags::ACK | 0x08) };

/// IPv6 next header numbers with a meaning of their own to the builder.
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const AUTHENTICATION: u8 = 51;

/// A packet of any shape that the decoder knows.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent choice of a shape")]
pub(crate) struct Shape {
    pub(crate) link: u32,
    /// Ethernet with a length and a SNAP header instead of an `EtherType`.
    pub(crate) snap: bool,
    /// Tag number and VLAN identifier, outer first.
    pub(crate) tags: Vec<(u16, u16)>,
    pub(crate) v6: bool,
    /// IPv4 options in words of four bytes, 0 to 10.
    pub(crate) ip_options: u8,
    /// Headers between IP and transport by number; over IPv4 only AH makes sense.
    pub(crate) extensions: Vec<u8>,
    pub(crate) udp: bool,
    /// TCP options in words of four bytes, 0 to 10.
    pub(crate) tcp_options: u8,
    pub(crate) payload: Vec<u8>,
    /// The IP length field is 0, as under segmentation offload.
    pub(crate) zero_length: bool,
    /// Bytes behind the IP packet.
    pub(crate) padding: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            link: 1,
            snap: false,
            tags: Vec::new(),
            v6: false,
            ip_options: 0,
            extensions: Vec::new(),
            udp: false,
            tcp_options: 0,
            payload: b"hello".to_vec(),
            zero_length: false,
            padding: 0,
        }
    }
}

impl Shape {
    /// The whole frame.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.head();
        out.extend(&self.payload);
        out.extend(std::iter::repeat_n(0xee, self.padding));
        out
    }

    /// The frame ahead of the payload.
    pub(crate) fn head(&self) -> Vec<u8> {
        let ip = self.ip_header();
        [self.link_header(ip.len() + self.payload.len()), ip].concat()
    }

    pub(crate) fn key(&self) -> FlowKey {
        let hosts =
            if self.v6 { Hosts::V6(SOURCE_V6, DESTINATION_V6) } else { Hosts::V4(SOURCE_V4, DESTINATION_V4) };
        let transport = if self.udp { Transport::Udp } else { Transport::Tcp };
        FlowKey { hosts, ports: PORTS, transport }
    }

    pub(crate) fn header(&self) -> Header {
        if self.udp { Header::Udp } else { TCP }
    }

    pub(crate) fn vlans(&self) -> Vlans {
        let vid = |at: usize| self.tags.get(at).map(|tag| tag.1);
        Vlans { outer: vid(0), inner: vid(1) }
    }

    /// PPPoE is a link type, too.
    pub(crate) fn tunnel(&self) -> Option<Tunnel> {
        (self.link == 51).then(|| Tunnel::new(TunnelKind::Pppoe, Some(0x1234)))
    }

    fn link_header(&self, behind: usize) -> Vec<u8> {
        let network = if self.v6 { 0x86dd } else { 0x0800 };
        let mut rest = Vec::new();
        let mut ether_type = network;
        if self.snap {
            rest.extend([0xaa, 0xaa, 0x03, 0, 0, 0]);
            rest.extend(be(ether_type));
            ether_type = 100;
        }
        for &(tag, vid) in self.tags.iter().rev() {
            // Priority bits, which are no part of the identifier.
            let inner = [be(0xa000 | vid), be(ether_type)].concat();
            rest.splice(0..0, inner);
            ether_type = tag;
        }
        [link_header(self.link, ether_type, self.v6, behind), rest].concat()
    }

    fn ip_header(&self) -> Vec<u8> {
        let transport = self.transport_header();
        let mut chain = Vec::new();
        let mut next = if self.udp { 17 } else { 6 };
        for &extension in self.extensions.iter().rev() {
            let mut header = extension_header(extension, next);
            header.append(&mut chain);
            chain = header;
            next = extension;
        }
        let behind = chain.len() + transport.len() + self.payload.len();
        let ip = if self.v6 { self.ipv6(next, behind) } else { self.ipv4(next, behind) };
        [ip, chain, transport].concat()
    }

    fn ipv4(&self, protocol: u8, behind: usize) -> Vec<u8> {
        let header_len = 20 + 4 * usize::from(self.ip_options);
        let total = if self.zero_length { 0 } else { header_len + behind };
        let mut out = vec![0x45 + self.ip_options, 0];
        out.extend(be(u16::try_from(total).unwrap()));
        // Identification, don't fragment, time to live; an unfilled checksum.
        out.extend([0x12, 0x34, 0x40, 0, 64, protocol, 0, 0]);
        out.extend(SOURCE_V4.octets());
        out.extend(DESTINATION_V4.octets());
        out.resize(header_len, 1);
        out
    }

    fn ipv6(&self, next: u8, behind: usize) -> Vec<u8> {
        let length = if self.zero_length { 0 } else { behind };
        let mut out = vec![0x6a, 0xbc, 0xde, 0xf0];
        out.extend(be(u16::try_from(length).unwrap()));
        out.extend([next, 64]);
        out.extend(SOURCE_V6.octets());
        out.extend(DESTINATION_V6.octets());
        out
    }

    fn transport_header(&self) -> Vec<u8> {
        let mut out = [be(PORTS.0), be(PORTS.1)].concat();
        if self.udp {
            out.extend(be(u16::try_from(8 + self.payload.len()).unwrap()));
            out.extend([0, 0]);
            return out;
        }
        let Header::Tcp { seq, ack, flags } = TCP else { panic!("TCP is TCP") };
        out.extend(seq.to_be_bytes());
        out.extend(ack.to_be_bytes());
        out.extend([(5 + self.tcp_options) << 4, flags.0, 0xff, 0xff, 0, 0, 0, 0]);
        out.resize(20 + 4 * usize::from(self.tcp_options), 1);
        out
    }
}

pub(crate) fn be(number: u16) -> [u8; 2] {
    number.to_be_bytes()
}

/// The header of a link type; `behind` bytes follow it.
fn link_header(link: u32, ether_type: u16, v6: bool, behind: usize) -> Vec<u8> {
    let [high, low] = be(ether_type);
    let behind = u16::try_from(behind).unwrap_or(0);
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, high, low][..]].concat();
    let ppp = vec![0, if v6 { 0x57 } else { 0x21 }];
    // A QoS data frame to an access point.
    let wifi = [&[0x88, 1, 0, 0][..], &[2; 18], &[0, 0, 0, 0], &snap].concat();
    match link {
        9 => ppp,
        50 => [vec![0xff, 3], ppp].concat(),
        51 => [&[0x11, 0, 0x12, 0x34][..], &be(behind + 2), &ppp].concat(),
        166 => [vec![1, 3], ppp].concat(),
        204 => [vec![0, 0xff, 3], ppp].concat(),
        104 => vec![0x0f, 0, high, low],
        107 => vec![0x18, 0x41, 3, if v6 { 0x8e } else { 0xcc }],
        100 => snap,
        10 => [vec![0x57], vec![4; 12], snap].concat(),
        105 => wifi,
        // A time stamp, flags (none of them), a rate.
        127 => [&[0, 0, 18, 0, 7, 0, 0, 0][..], &[9; 8], &[0, 2], &wifi].concat(),
        119 => [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[b'w'; 136], &wifi].concat(),
        163 => [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], &wifi].concat(),
        192 => [&[0, 0, 12, 0, 105, 0, 0, 0][..], &[7; 4], &wifi].concat(),
        258 => [&[16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0][..], &[b'e'; 4], &[if v6 { 30 } else { 2 }, 0, 0, 0]]
            .concat(),
        // A prefix of five bytes with its padding, and the packet.
        239 => {
            let [low, high] = (behind + 4).to_le_bytes();
            vec![
                if v6 { 10 } else { 2 },
                0,
                0,
                5,
                9,
                0,
                10,
                0,
                b'd',
                b'r',
                b'o',
                b'p',
                0,
                0,
                0,
                0,
                low,
                high,
                9,
                0,
            ]
        }
        117 => [&[61, if v6 { 24 } else { 2 }][..], &[0; 62]].concat(),
        109 => vec![0, 0, 0, if v6 { 24 } else { 2 }, 1, 2, 3, 4, 0, 0, 0, 1],
        1 => vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, high, low],
        113 => vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, high, low],
        276 => vec![high, low, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0],
        0 => vec![if v6 { 30 } else { 2 }, 0, 0, 0],
        108 => vec![0, 0, 0, if v6 { 24 } else { 2 }],
        101 | 12 | 14 | 228 | 229 => Vec::new(),
        _ => panic!("no example of link type {link}: write its header here"),
    }
}

fn extension_header(number: u8, next: u8) -> Vec<u8> {
    match number {
        FRAGMENT => vec![next, 0, 0, 0, 1, 2, 3, 4],
        AUTHENTICATION => [vec![next, 4, 0, 0], vec![7; 20]].concat(),
        _ => [vec![next, 1], vec![0; 14]].concat(),
    }
}

/// `bytes` as a frame of `wire_len` bytes.
pub(crate) fn frame(link: u32, bytes: &[u8], wire_len: usize) -> Frame<'_> {
    Frame {
        number: 7,
        time: Timestamp(1_700_000_000_123_456_789),
        link: LinkType(link),
        origin: OriginId(3),
        wire_len: u32::try_from(wire_len).unwrap(),
        bytes,
    }
}
