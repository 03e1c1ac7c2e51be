//! Decodes a frame down to its transport segment: the links table, the layer tables, and the way
//! through them.
//!
//! A frame is hostile: whatever its bytes, [`Decoder::decode`] returns a segment that lies inside the
//! frame, or the reason why there is none. It allocates nothing. Lengths that a header claims beyond the
//! captured bytes are told as [`Segment::missing`]; Ethernet padding is left out of the payload. Tunnels
//! are followed, eight within each other, to the innermost segment. IP fragments are joined by
//! [`fragment::Fragments`].
//!
//! To add a link type: a file, and a row in [`LINKS`]. To add what may stand between link and
//! transport: a file, and a row in `ETHER_TYPES` or `PROTOCOLS`; a tunnel over UDP, in `UDP_TUNNELS`.

pub mod fragment;
pub mod link;

mod capwap;
mod cooked;
mod erspan;
mod ethernet;
pub mod fast;
mod fddi;
mod geneve;
mod gre;
mod gtp;
mod hdlc;
mod ipip;
mod l2tp;
mod layer;
mod loopback;
mod mpls;
mod network;
mod nsh;
mod ppp;
mod raw;
mod teredo;
mod tzsp;
mod vxlan;
mod wifi;
mod wrapped;

use crate::model::frame::{Frame, LinkType};
use crate::model::seed::Seed;
use crate::model::segment::{FlowKey, Header, Segment};
use crate::model::skip::Skip;
use crate::wire::fast::Glance;
use crate::wire::layer::{Enter, Found, Layer, Next, Packet, Part};
use crate::wire::link::{ETHERNET, IPV4, IPV6, Link, PPP, WIFI};

/// Headers of one frame that are passed before it is given up: more than any real stack has.
const MAX_LAYERS: usize = 64;

/// A row of [`LINKS`].
const fn row(ids: &'static [LinkType], name: &'static str, help: &'static str, enter: Enter) -> Link {
    Link { ids, name, help, enter }
}

/// Every link type, by its number in capture files (tcpdump.org/linktypes.html).
pub static LINKS: &[Link] = &[
    row(&[ETHERNET], "EN10MB", "Ethernet", ethernet::enter),
    row(&[LinkType(113)], "LINUX_SLL", "Linux cooked capture, version 1", cooked::v1),
    row(&[LinkType(276)], "LINUX_SLL2", "Linux cooked capture, version 2", cooked::v2),
    row(&[LinkType(0)], "NULL", "BSD loopback", loopback::null),
    row(&[LinkType(108)], "LOOP", "OpenBSD loopback", loopback::network_order),
    // 12 and 14 are what libpcap calls raw IP in memory; some writers let them slip into files.
    row(&[LinkType(101), LinkType(12), LinkType(14)], "RAW", "raw IPv4 or IPv6", raw::any),
    row(&[LinkType(228)], "IPV4", "raw IPv4", raw::ipv4),
    row(&[LinkType(229)], "IPV6", "raw IPv6", raw::ipv6),
    row(&[PPP, LinkType(50)], "PPP", "PPP, with or without HDLC-like framing", ppp::enter),
    row(&[LinkType(51)], "PPP_ETHER", "PPPoE", ppp::over_ethernet),
    row(&[LinkType(166)], "PPP_PPPD", "PPP with a direction for an address", ppp::pppd),
    row(&[LinkType(204)], "PPP_WITH_DIR", "PPP behind a direction", ppp::with_direction),
    row(&[LinkType(104)], "C_HDLC", "Cisco HDLC", hdlc::cisco),
    row(&[LinkType(107)], "FRELAY", "Frame Relay", hdlc::frame_relay),
    row(&[LinkType(100)], "ATM_RFC1483", "LLC over ATM", hdlc::llc),
    row(&[LinkType(10)], "FDDI", "FDDI", fddi::enter),
    row(&[WIFI], "IEEE802_11", "802.11", wifi::enter),
    row(&[LinkType(127)], "IEEE802_11_RADIO", "802.11 with radiotap", wifi::radiotap),
    row(&[LinkType(119), LinkType(163)], "PRISM_HEADER", "802.11 with Prism or AVS", wifi::prism_or_avs),
    row(&[LinkType(192)], "PPI", "per-packet information, any link type", wrapped::ppi),
    row(&[LinkType(258)], "PKTAP", "Apple's packet tap, any link type", wrapped::pktap),
    row(&[LinkType(239)], "NFLOG", "Linux netfilter log", wrapped::nflog),
    row(&[LinkType(117)], "PFLOG", "OpenBSD pf log", wrapped::pflog),
    row(&[LinkType(109)], "ENC", "BSD IPsec, decrypted", loopback::enc),
];

/// What an `EtherType` announces.
static ETHER_TYPES: &[Layer<u16>] = &[
    Layer { numbers: &[IPV4], enter: network::ipv4 },
    Layer { numbers: &[IPV6], enter: network::ipv6 },
    Layer { numbers: &ethernet::VLAN_TAGS, enter: ethernet::vlan },
    Layer { numbers: &[mpls::MPLS, mpls::MPLS_UPSTREAM], enter: mpls::enter },
    Layer { numbers: &[0x8864], enter: ppp::over_ethernet },
    Layer { numbers: &[0x880b], enter: ppp::enter },
    Layer { numbers: &[0x6558], enter: ethernet::bridged },
    Layer { numbers: &erspan::ETHER_TYPES, enter: erspan::enter },
    Layer { numbers: &[nsh::NSH], enter: nsh::enter },
];

/// What an IP protocol number or an IPv6 next header announces.
static PROTOCOLS: &[Layer<u8>] = &[
    Layer { numbers: &[6], enter: network::tcp },
    Layer { numbers: &[17], enter: network::udp },
    Layer { numbers: &network::IPV6_EXTENSIONS, enter: network::ipv6_extension },
    Layer { numbers: &[44], enter: network::ipv6_fragment },
    Layer { numbers: &[51], enter: network::authentication },
    Layer { numbers: &[4], enter: ipip::ipv4 },
    Layer { numbers: &[41], enter: ipip::ipv6 },
    Layer { numbers: &[47], enter: gre::enter },
    Layer { numbers: &[97], enter: ipip::etherip },
    Layer { numbers: &[115], enter: l2tp::over_ip },
    Layer { numbers: &[137], enter: mpls::enter },
    Layer { numbers: &[143], enter: ipip::ethernet },
];

/// What a UDP port, of either side, may announce: a row that refuses leaves the datagram what it is.
static UDP_TUNNELS: &[Layer<u16>] = &[
    Layer { numbers: &vxlan::PORTS, enter: vxlan::enter },
    Layer { numbers: &geneve::PORTS, enter: geneve::enter },
    Layer { numbers: &gtp::PORTS, enter: gtp::enter },
    Layer { numbers: &l2tp::PORTS, enter: l2tp::over_udp },
    Layer { numbers: &teredo::PORTS, enter: teredo::enter },
    Layer { numbers: &capwap::PORTS, enter: capwap::enter },
    Layer { numbers: &gre::PORTS, enter: gre::over_udp },
    Layer { numbers: &tzsp::PORTS, enter: tzsp::enter },
];

/// `EtherType`s begin here; what is less is an 802.3 length (IEEE 802.3 §3.2.6).
const FIRST_ETHER_TYPE: u16 = 0x0600;

/// The row of a link type.
pub fn link(link_type: LinkType) -> Option<&'static Link> {
    LINKS.iter().find(|link| link.ids.contains(&link_type))
}

/// Frames in, segments out.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    seed: Seed,
}

impl Decoder {
    /// A decoder whose segments carry hashes under `seed`.
    pub fn new(seed: Seed) -> Self {
        Self { seed }
    }

    /// The TCP segment or UDP datagram in `frame`.
    ///
    /// # Errors
    /// The [`Skip`] to count: [`Skip::UnknownLink`], [`Skip::NotIp`], [`Skip::OtherTransport`] (ICMP
    /// among them: what it quotes is no segment), [`Skip::Fragment`], for [`fragment::Fragments::join`],
    /// [`Skip::TruncatedHeader`] where the capture ends inside a header, [`Skip::BadHeader`] where the
    /// packet itself does or a header contradicts itself.
    #[inline]
    pub fn decode<'a>(&self, frame: &Frame<'a>) -> Result<Segment<'a>, Skip> {
        match self.glance(frame).and_then(|(hash, glance)| segment(frame, hash, &glance)) {
            Some(segment) => Ok(segment),
            None => self.decode_layers(frame),
        }
    }

    /// The hash that segments of a flow carry, in either direction.
    pub fn hash(&self, key: &FlowKey) -> u64 {
        key.hash(self.seed)
    }

    /// A first look at a frame of the usual kind: the hash of its flow, and where things stand for [`segment`].
    /// `None`: [`Decoder::decode_layers`] is to be asked.
    #[inline]
    pub fn glance(&self, frame: &Frame<'_>) -> Option<(u64, Glance)> {
        if frame.link == ETHERNET { fast::glance(frame.bytes, self.seed) } else { None }
    }

    /// [`Decoder::decode`] for a frame without a [`Glance`].
    ///
    /// # Errors
    /// As [`Decoder::decode`].
    pub fn decode_layers<'a>(&self, frame: &Frame<'a>) -> Result<Segment<'a>, Skip> {
        layers(frame).map(|found| self.found(frame, &found))
    }

    fn found<'a>(&self, frame: &Frame<'_>, found: &Found<'a>) -> Segment<'a> {
        made(frame, found, found.key.hash(self.seed))
    }
}

/// The segment of a frame that `hash` and `glance` were made of; `None` for any other frame.
#[inline]
pub fn segment<'a>(frame: &Frame<'a>, hash: u64, glance: &Glance) -> Option<Segment<'a>> {
    Some(made(frame, &glance.found(frame.bytes)?, hash))
}

#[inline]
fn made<'a>(frame: &Frame<'_>, found: &Found<'a>, hash: u64) -> Segment<'a> {
    Segment {
        packet: frame.number,
        time: frame.time,
        origin: frame.origin,
        key: found.key,
        hash,
        header: found.header,
        vlans: found.vlans,
        tunnel: found.tunnel,
        head: found.head,
        payload: found.payload,
        missing: found.missing,
    }
}

/// The general path.
fn layers<'a>(frame: &Frame<'a>) -> Result<Found<'a>, Skip> {
    let mut packet = Packet::new(frame.bytes, frame.wire_len);
    match travel(&mut packet, Next::Link(frame.link))? {
        End::Payload(found) => Ok(found),
        End::Fragment(_) => Err(Skip::Fragment),
    }
}

/// Where the way through the layers ends.
enum End<'a> {
    /// At a transport's payload.
    Payload(Found<'a>),
    /// At a part of an IP datagram, which is what is left of the packet.
    Fragment(Part),
}

/// One row after another.
fn travel<'a>(packet: &mut Packet<'a>, mut next: Next) -> Result<End<'a>, Skip> {
    for _ in 0..MAX_LAYERS {
        if packet.is_too_deep() {
            break;
        }
        let enter = match next {
            Next::Link(number) => link(number).ok_or(Skip::UnknownLink)?.enter,
            Next::EtherType(..FIRST_ETHER_TYPE) => ethernet::llc,
            Next::EtherType(number) => find(ETHER_TYPES, number).ok_or(Skip::NotIp)?,
            Next::Protocol(number) => find(PROTOCOLS, number).ok_or(Skip::OtherTransport)?,
            Next::Datagram { ports } => {
                next = datagram(packet, ports);
                continue;
            }
            Next::Payload { ports, header } => return packet.finish(ports, header).map(End::Payload),
            Next::Fragment(part) => return Ok(End::Fragment(part)),
        };
        next = enter(packet)?;
    }
    Err(Skip::BadHeader)
}

fn find<N: Copy + PartialEq>(table: &'static [Layer<N>], number: N) -> Option<Enter> {
    table.iter().find(|layer| layer.numbers.contains(&number)).map(|layer| layer.enter)
}

/// True if a layer is known that `ether_type` announces.
fn leads_to_ip(ether_type: u16) -> bool {
    find(ETHER_TYPES, ether_type).is_some()
}

/// A UDP payload: what the first willing tunnel carries, the destination's port first, or the end.
fn datagram(packet: &mut Packet<'_>, ports: (u16, u16)) -> Next {
    let by_port = [ports.1, ports.0].into_iter().filter_map(|port| find(UDP_TUNNELS, port));
    for enter in by_port.chain([teredo::between_clients as Enter]) {
        let mut inner = *packet;
        if let Ok(next) = enter(&mut inner) {
            *packet = inner;
            return next;
        }
    }
    Next::Payload { ports, header: Header::Udp }
}

/// False if a UDP payload is no tunnel for sure.
#[inline]
fn may_be_tunnel(ports: (u16, u16), payload: &[u8]) -> bool {
    // A sieve for the usual port: the table is read for one in forty of the others.
    const LOW: u64 = port_bits(UDP_TUNNELS, 0);
    const HIGH: u64 = port_bits(UDP_TUNNELS, 6);
    let known = |port: u16| {
        (LOW >> (port % 64)) & (HIGH >> (port >> 6 & 63)) & 1 == 1 && find(UDP_TUNNELS, port).is_some()
    };
    known(ports.0) || known(ports.1) || teredo::has_prefix(payload)
}

/// A bit for each port of `rows`, at the number that six of its bits make, `from` the lowest on.
const fn port_bits(mut rows: &[Layer<u16>], from: u32) -> u64 {
    let mut bits = 0;
    while let [row, rest @ ..] = rows {
        let mut numbers = row.numbers;
        while let [number, others @ ..] = numbers {
            bits |= 1 << (*number >> from & 63);
            numbers = others;
        }
        rows = rest;
    }
    bits
}

#[cfg(test)]
mod tests;
