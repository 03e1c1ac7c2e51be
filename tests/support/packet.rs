//! IP packets that carry TCP or UDP, checksums and oddities included (RFC 791, RFC 8200, RFC 9293).

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// FIN flag.
pub const FIN: u8 = 0x01;
/// SYN flag.
pub const SYN: u8 = 0x02;
/// RST flag.
pub const RST: u8 = 0x04;
/// PSH flag.
pub const PSH: u8 = 0x08;
/// ACK flag.
pub const ACK: u8 = 0x10;

/// How a connection's frames look.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shape {
    /// VLAN identifiers, outer first: none, one or two.
    pub vlan: Vec<u16>,
    /// Bytes of IPv4 options, in fours, up to 40.
    pub ip_options: usize,
    /// IPv6 extension headers, outermost first.
    pub ip6_headers: Vec<Extension>,
    /// IPv4 total length or IPv6 payload length 0, as segmentation offload leaves it.
    pub length_zero: bool,
    /// Ethernet frames are padded to 60 bytes.
    pub padding: bool,
}

/// An IPv6 extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extension {
    /// Hop-by-hop options, 16 bytes.
    HopByHop = 0,
    /// Routing, type 4 with no segment left, 24 bytes.
    Routing = 43,
    /// A fragment header on a whole packet (RFC 6946).
    AtomicFragment = 44,
    /// Destination options, 8 bytes.
    Destination = 60,
}

/// One TCP segment, to be sent.
#[derive(Clone, Debug)]
pub struct Tcp {
    /// Sender.
    pub from: SocketAddr,
    /// Receiver.
    pub to: SocketAddr,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flag bits.
    pub flags: u8,
    /// Payload.
    pub payload: Vec<u8>,
}

/// An IP packet at a moment, not yet framed.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Index of the capturing interface.
    pub interface: usize,
    /// Sent by the client of its connection.
    pub from_client: bool,
    /// Sender's address, for the link header.
    pub source: IpAddr,
    /// Receiver's.
    pub destination: IpAddr,
    /// VLAN tags and padding of its frame.
    pub shape: Shape,
    /// The packet from its IP header on.
    pub ip: Vec<u8>,
}

impl Packet {
    /// True for IPv6.
    pub fn is_v6(&self) -> bool {
        self.source.is_ipv6()
    }
}

/// One UDP datagram, to be sent.
#[derive(Clone, Debug)]
pub struct Udp {
    /// Sender.
    pub from: SocketAddr,
    /// Receiver.
    pub to: SocketAddr,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Udp {
    /// The whole IP packet; `id` is IPv4's identification.
    pub fn ip(&self, shape: &Shape, id: u16) -> Vec<u8> {
        ip((self.from, self.to), 17, |addresses| self.datagram(addresses), (shape, id))
    }

    fn datagram(&self, addresses: &[u8]) -> Vec<u8> {
        let mut out = self.from.port().to_be_bytes().to_vec();
        out.extend(self.to.port().to_be_bytes());
        out.extend(((8 + self.payload.len()) as u16).to_be_bytes());
        out.extend([0, 0]);
        out.extend(&self.payload);
        let pseudo = [addresses, &[0, 17], &(out.len() as u16).to_be_bytes()].concat();
        let sum = checksum(&[&pseudo, &out]);
        out[6..8].copy_from_slice(&sum.to_be_bytes());
        out
    }
}

/// An IP packet around what `inside` makes of the addresses.
fn ip(
    (from, to): (SocketAddr, SocketAddr),
    protocol: u8,
    inside: impl Fn(&[u8]) -> Vec<u8>,
    (shape, id): (&Shape, u16),
) -> Vec<u8> {
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let body = inside(&[&from.octets()[..], &to.octets()].concat());
            ipv4([from.octets(), to.octets()], (protocol, &body), shape, id)
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let body = inside(&[&from.octets()[..], &to.octets()].concat());
            ipv6(&[from.octets(), to.octets()], (protocol, &body), shape)
        }
        _ => panic!("{from} and {to} are of two families"),
    }
}

impl Tcp {
    /// The whole IP packet; `id` is IPv4's identification.
    pub fn ip(&self, shape: &Shape, id: u16) -> Vec<u8> {
        ip((self.from, self.to), 6, |addresses| self.segment(addresses), (shape, id))
    }

    fn segment(&self, addresses: &[u8]) -> Vec<u8> {
        let options = self.options();
        let mut out = Vec::new();
        out.extend(self.from.port().to_be_bytes());
        out.extend(self.to.port().to_be_bytes());
        out.extend(self.seq.to_be_bytes());
        out.extend(self.ack.to_be_bytes());
        out.extend([((20 + options.len()) << 2) as u8, self.flags, 0xfa, 0xf0, 0, 0, 0, 0]);
        out.extend(options);
        out.extend(&self.payload);
        let pseudo = [addresses, &[0, 6], &(out.len() as u16).to_be_bytes()].concat();
        let sum = checksum(&[&pseudo, &out]);
        out[16..18].copy_from_slice(&sum.to_be_bytes());
        out
    }

    /// A SYN brings maximum segment size, SACK-permitted and window scale; other segments nothing.
    fn options(&self) -> Vec<u8> {
        if self.flags & SYN == 0 {
            return Vec::new();
        }
        vec![2, 4, 0x05, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1]
    }
}

fn ipv4(hosts: [[u8; 4]; 2], (protocol, body): (u8, &[u8]), shape: &Shape, id: u16) -> Vec<u8> {
    let header = 20 + shape.ip_options;
    let total = if shape.length_zero { 0 } else { (header + body.len()) as u16 };
    let mut out = vec![0x40 | (header / 4) as u8, 0];
    out.extend(total.to_be_bytes());
    out.extend(id.to_be_bytes());
    out.extend([0x40, 0, 64, protocol, 0, 0]);
    out.extend(hosts.concat());
    out.extend(ip_options(shape.ip_options));
    let sum = checksum(&[&out]);
    out[10..12].copy_from_slice(&sum.to_be_bytes());
    out.extend(body);
    out
}

/// Router alert, then no-operations: `len` bytes.
fn ip_options(len: usize) -> Vec<u8> {
    let mut out = if len >= 4 { vec![148, 4, 0, 0] } else { Vec::new() };
    out.resize(len, 1);
    out
}

fn ipv6(hosts: &[[u8; 16]; 2], (protocol, body): (u8, &[u8]), shape: &Shape) -> Vec<u8> {
    let mut rest = body.to_vec();
    let mut next = protocol;
    for &header in shape.ip6_headers.iter().rev() {
        rest = [extension(header, next), rest].concat();
        next = header as u8;
    }
    let length = if shape.length_zero { 0 } else { rest.len() as u16 };
    let mut out = vec![0x60, 0, 0, 0];
    out.extend(length.to_be_bytes());
    out.extend([next, 64]);
    out.extend(hosts.concat());
    out.extend(rest);
    out
}

fn extension(header: Extension, next: u8) -> Vec<u8> {
    match header {
        Extension::HopByHop => vec![next, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        Extension::Routing => {
            let mut out = vec![next, 2, 4, 0, 0, 0, 0, 0];
            out.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
            out
        }
        Extension::AtomicFragment => vec![next, 0, 0, 0, 0x12, 0x34, 0x56, 0x78],
        Extension::Destination => vec![next, 0, 1, 4, 0, 0, 0, 0],
    }
}

/// The Internet checksum (RFC 1071) of all parts; every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|w| u32::from(w[0]) << 8 | u32::from(w.get(1).copied().unwrap_or(0))).sum();
    let once = (sum & 0xffff) + (sum >> 16);
    !((once & 0xffff) + (once >> 16)) as u16
}
