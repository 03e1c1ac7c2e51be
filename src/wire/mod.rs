//! Decodes a frame down to its transport segment: the links table, the layer tables, and the way
//! through them.
//!
//! A frame is hostile: whatever its bytes, [`Decoder::decode`] returns a segment that lies inside the
//! frame, or the reason why there is none. It allocates nothing. Lengths that a header claims beyond the
//! captured bytes are told as [`Segment::missing`]; Ethernet padding is left out of the payload.
//!
//! To add a link type: a file, and a row in [`LINKS`]. To add what may stand between link and
//! transport: a row in `ETHER_TYPES` or `PROTOCOLS`.

pub mod link;

mod cooked;
mod ethernet;
mod fast;
mod layer;
mod loopback;
mod network;
mod raw;

use crate::model::frame::{Frame, LinkType};
use crate::model::segment::{Seed, Segment};
use crate::model::skip::Skip;
use crate::wire::layer::{Enter, Found, Layer, Next, Packet};
use crate::wire::link::{IPV4, IPV6, Link};

/// Headers of one frame that are passed before it is given up: more than any real stack has.
const MAX_LAYERS: usize = 32;

/// `LINKTYPE_ETHERNET`, which has the fast path.
const ETHERNET: LinkType = LinkType(1);

/// Every link type, by its number in capture files (tcpdump.org/linktypes.html).
pub static LINKS: &[Link] = &[
    Link { ids: &[ETHERNET], name: "EN10MB", help: "Ethernet", strip: ethernet::strip },
    Link {
        ids: &[LinkType(113)],
        name: "LINUX_SLL",
        help: "Linux cooked capture, version 1",
        strip: cooked::strip_v1,
    },
    Link {
        ids: &[LinkType(276)],
        name: "LINUX_SLL2",
        help: "Linux cooked capture, version 2",
        strip: cooked::strip_v2,
    },
    Link { ids: &[LinkType(0)], name: "NULL", help: "BSD loopback", strip: loopback::strip_null },
    Link { ids: &[LinkType(108)], name: "LOOP", help: "OpenBSD loopback", strip: loopback::strip_loop },
    Link {
        // 12 and 14 are what libpcap calls raw IP in memory; some writers let them slip into files.
        ids: &[LinkType(101), LinkType(12), LinkType(14)],
        name: "RAW",
        help: "raw IPv4 or IPv6",
        strip: raw::strip_any,
    },
    Link { ids: &[LinkType(228)], name: "IPV4", help: "raw IPv4", strip: raw::strip_ipv4 },
    Link { ids: &[LinkType(229)], name: "IPV6", help: "raw IPv6", strip: raw::strip_ipv6 },
];

/// What an `EtherType` announces.
static ETHER_TYPES: &[Layer<u16>] = &[
    Layer { numbers: &[IPV4], enter: network::ipv4 },
    Layer { numbers: &[IPV6], enter: network::ipv6 },
    Layer { numbers: &ethernet::VLAN_TAGS, enter: ethernet::vlan },
];

/// What an IP protocol number or an IPv6 next header announces.
static PROTOCOLS: &[Layer<u8>] = &[
    Layer { numbers: &[6], enter: network::tcp },
    Layer { numbers: &[17], enter: network::udp },
    Layer { numbers: &network::IPV6_EXTENSIONS, enter: network::ipv6_extension },
    Layer { numbers: &[44], enter: network::ipv6_fragment },
    Layer { numbers: &[51], enter: network::authentication },
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
    /// among them: what it quotes is no segment), [`Skip::Fragment`], [`Skip::TruncatedHeader`] where the
    /// capture ends inside a header, [`Skip::BadHeader`] where the packet itself does or a header
    /// contradicts itself.
    #[inline]
    pub fn decode<'a>(&self, frame: &Frame<'a>) -> Result<Segment<'a>, Skip> {
        let found = match fast_path(frame) {
            Some(found) => found,
            None => layers(frame)?,
        };
        Ok(Segment {
            packet: frame.number,
            time: frame.time,
            origin: frame.origin,
            key: found.key,
            hash: found.key.hash(self.seed),
            header: found.header,
            vlans: found.vlans,
            head: found.head,
            payload: found.payload,
            missing: found.missing,
        })
    }
}

#[inline]
fn fast_path<'a>(frame: &Frame<'a>) -> Option<Found<'a>> {
    if frame.link == ETHERNET { fast::decode(frame) } else { None }
}

/// The general path: one row after another, until a transport's payload.
fn layers<'a>(frame: &Frame<'a>) -> Result<Found<'a>, Skip> {
    let link = link(frame.link).ok_or(Skip::UnknownLink)?;
    let stripped = (link.strip)(frame.bytes)?;
    let mut packet = Packet::new(frame, stripped.payload);
    let mut next = Next::EtherType(stripped.ether_type);
    for _ in 0..MAX_LAYERS {
        let enter = match next {
            Next::EtherType(..FIRST_ETHER_TYPE) => ethernet::llc,
            Next::EtherType(number) => find(ETHER_TYPES, number).ok_or(Skip::NotIp)?,
            Next::Protocol(number) => find(PROTOCOLS, number).ok_or(Skip::OtherTransport)?,
            Next::Payload { ports, header } => return packet.finish(frame, ports, header),
        };
        next = enter(&mut packet)?;
    }
    Err(Skip::BadHeader)
}

fn find<N: Copy + PartialEq>(table: &'static [Layer<N>], number: N) -> Option<Enter> {
    table.iter().find(|layer| layer.numbers.contains(&number)).map(|layer| layer.enter)
}

#[cfg(test)]
mod tests;
