//! The fixed-offset path: Ethernet with up to two VLAN tags, IPv4 or bare IPv6, TCP or UDP.
//!
//! This is most of all traffic. What it answers is what the layers would (a property test holds it to
//! that); whatever is unusual, truncated, wrong or perhaps a tunnel gets `None` and goes through the layers.
//!
//! It goes in two steps, since most packets need no more than the first: [`Glance`] says which flow it is and
//! where things stand, [`Glance::found`] reads them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::ethernet::VLAN_TAGS;
use super::layer::Found;
use super::link::{IPV4, IPV6};
use super::may_be_tunnel;
use crate::model::seed::Seed;
use crate::model::segment::{FlowKey, Header, Hosts, TcpFlags, Transport, Vlans};

/// Length of a MAC header.
const MAC_LEN: usize = 14;
/// Length of a VLAN tag.
const TAG_LEN: usize = 4;
/// Length of a header without options, and of an IPv6 header.
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
/// More-fragments bit and fragment offset of IPv4.
const FRAGMENT: u16 = 0x3fff;
/// IP protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Lengths of the transport headers, TCP's without options.
const TCP_LEN: usize = 20;
const UDP_LEN: usize = 8;
/// Where the transport header of the commonest frame begins: no tag, IPv4 without options.
const USUAL_AT: usize = MAC_LEN + IPV4_LEN;

/// Where the parts of a frame stand. Every place it names was captured.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// TCP flags; none in a UDP datagram.
    pub flags: TcpFlags,
    /// TCP or UDP.
    pub transport: Transport,
    v6: bool,
    tags: u8,
    /// Where the transport header begins, and its length.
    transport_at: u16,
    header_len: u16,
    /// Length of the payload on the wire.
    length: u32,
}

/// What the IP header tells.
struct Network {
    v6: bool,
    protocol: u8,
    header_len: usize,
    /// Bytes behind the IP header as it counts them. An IPv6 length of 0, which means something else, has no
    /// room for a transport header and thus ends in `None`.
    length: usize,
}

/// Looks at an Ethernet frame; `None` is for the layers to look at.
#[inline]
pub(super) fn glance(bytes: &[u8], seed: Seed) -> Option<(u64, Glance)> {
    usual(bytes, seed).or_else(|| other(bytes, seed))
}

/// The commonest frame of all, with every place known beforehand: no tag, IPv4 without options, TCP.
#[inline]
fn usual(bytes: &[u8], seed: Seed) -> Option<(u64, Glance)> {
    let h = bytes.first_chunk::<{ USUAL_AT + TCP_LEN }>()?;
    let total = usize::from(u16::from_be_bytes([h[16], h[17]]));
    let fragment = u16::from_be_bytes([h[20], h[21]]) & FRAGMENT;
    let header_len = usize::from(h[46] >> 4) * 4;
    let captured = bytes.len().min(MAC_LEN + total);
    if (h[12], h[13], h[14]) != (8, 0, 0x45)
        || fragment != 0
        || h[23] != TCP
        || header_len < TCP_LEN
        || USUAL_AT + header_len > captured
    {
        return None;
    }
    let source =
        seed.v4(u32::from_be_bytes([h[26], h[27], h[28], h[29]]), u16::from_be_bytes([h[34], h[35]]));
    let target =
        seed.v4(u32::from_be_bytes([h[30], h[31], h[32], h[33]]), u16::from_be_bytes([h[36], h[37]]));
    #[expect(clippy::cast_possible_truncation, reason = "of two-byte lengths")]
    let glance = Glance {
        flags: TcpFlags(h[47]),
        transport: Transport::Tcp,
        v6: false,
        tags: 0,
        transport_at: USUAL_AT as u16,
        header_len: header_len as u16,
        length: (total - IPV4_LEN - header_len) as u32,
    };
    Some((seed.flow(source, target, Transport::Tcp), glance))
}

/// Tags, IPv4 options, IPv6, UDP.
#[inline(never)]
fn other(bytes: &[u8], seed: Seed) -> Option<(u64, Glance)> {
    let mut tags = 0;
    // the type behind a tag stands where it would stand without the tag in a frame that begins a tag later
    let mut frame = bytes;
    let mut ether_type = ether_type(frame)?;
    while tags < 2 && VLAN_TAGS.contains(&ether_type) {
        tags += 1;
        frame = frame.get(TAG_LEN..)?;
        ether_type = self::ether_type(frame)?;
    }
    let packet = frame.get(MAC_LEN..)?;
    let network = match ether_type {
        IPV4 => ipv4(packet)?,
        IPV6 => ipv6(packet)?,
        _ => return None,
    };
    let rest = packet.get(network.header_len..)?;
    let segment = rest.get(..network.length).unwrap_or(rest);
    let ports = ports(segment)?;
    let (transport, flags, header_len, length) = match network.protocol {
        TCP => {
            let h = segment.first_chunk::<TCP_LEN>()?;
            let header_len = usize::from(h[12] >> 4) * 4;
            if header_len < TCP_LEN || header_len > segment.len() {
                return None;
            }
            (Transport::Tcp, TcpFlags(h[13]), header_len, network.length - header_len)
        }
        UDP => (Transport::Udp, TcpFlags(0), UDP_LEN, udp(segment, ports, network.length)?),
        _ => return None,
    };
    let transport_at = bytes.len() - rest.len();
    let glance = Glance {
        flags,
        transport,
        v6: network.v6,
        tags,
        transport_at: u16::try_from(transport_at).ok()?,
        header_len: u16::try_from(header_len).ok()?,
        length: u32::try_from(length).ok()?,
    };
    Some((hash(packet, &network, ports, (transport, seed))?, glance))
}

/// Source and destination port, which every transport header begins with.
#[inline]
fn ports(transport: &[u8]) -> Option<(u16, u16)> {
    let h = transport.first_chunk::<4>()?;
    Some((u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]])))
}

#[inline]
fn ether_type(frame: &[u8]) -> Option<u16> {
    let &[.., high, low] = frame.first_chunk::<MAC_LEN>()?;
    Some(u16::from_be_bytes([high, low]))
}

#[inline]
fn ipv4(packet: &[u8]) -> Option<Network> {
    let h = packet.first_chunk::<IPV4_LEN>()?;
    let header_len = usize::from(h[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([h[2], h[3]]));
    let fragment = u16::from_be_bytes([h[6], h[7]]) & FRAGMENT;
    if h[0] >> 4 != 4 || header_len < IPV4_LEN || fragment != 0 {
        return None;
    }
    Some(Network { v6: false, protocol: h[9], header_len, length: total.checked_sub(header_len)? })
}

#[inline]
fn ipv6(packet: &[u8]) -> Option<Network> {
    let h = packet.first_chunk::<IPV6_LEN>()?;
    let length = usize::from(u16::from_be_bytes([h[4], h[5]]));
    (h[0] >> 4 == 6).then_some(Network { v6: true, protocol: h[6], header_len: IPV6_LEN, length })
}

/// Length of a UDP payload; `None` also where it may be a tunnel.
#[inline]
fn udp(datagram: &[u8], ports: (u16, u16), room: usize) -> Option<usize> {
    let (h, payload) = datagram.split_first_chunk::<UDP_LEN>()?;
    let length = usize::from(u16::from_be_bytes([h[4], h[5]]));
    if !(UDP_LEN..=room).contains(&length) {
        return None;
    }
    let length = length - UDP_LEN;
    let payload = payload.get(..length).unwrap_or(payload);
    (!may_be_tunnel(ports, payload)).then_some(length)
}

#[inline]
fn hash(
    packet: &[u8],
    network: &Network,
    ports: (u16, u16),
    (transport, seed): (Transport, Seed),
) -> Option<u64> {
    let (source, destination) = if network.v6 {
        let (s, d) = v6_hosts(packet)?;
        (seed.v6(u128::from_be_bytes(*s), ports.0), seed.v6(u128::from_be_bytes(*d), ports.1))
    } else {
        let (s, d) = v4_hosts(packet)?;
        (seed.v4(u32::from_be_bytes(*s), ports.0), seed.v4(u32::from_be_bytes(*d), ports.1))
    };
    Some(seed.flow(source, destination, transport))
}

#[inline]
fn v4_hosts(packet: &[u8]) -> Option<(&[u8; 4], &[u8; 4])> {
    let (source, rest) = packet.get(12..)?.split_first_chunk::<4>()?;
    Some((source, rest.first_chunk::<4>()?))
}

#[inline]
fn v6_hosts(packet: &[u8]) -> Option<(&[u8; 16], &[u8; 16])> {
    let (source, rest) = packet.get(8..)?.split_first_chunk::<16>()?;
    Some((source, rest.first_chunk::<16>()?))
}

impl Glance {
    /// All that the frame holds, where `bytes` is the frame that was looked at.
    #[inline]
    pub(super) fn found<'a>(&self, bytes: &'a [u8]) -> Option<Found<'a>> {
        if usize::from(self.transport_at) == USUAL_AT && self.transport == Transport::Tcp && !self.v6 {
            return self.found_usual(bytes);
        }
        let tags = usize::from(self.tags) * TAG_LEN;
        let packet = bytes.get(MAC_LEN + tags..)?;
        let hosts = if self.v6 {
            let (s, d) = v6_hosts(packet)?;
            Hosts::V6(Ipv6Addr::from(*s), Ipv6Addr::from(*d))
        } else {
            let (s, d) = v4_hosts(packet)?;
            Hosts::V4(Ipv4Addr::from(*s), Ipv4Addr::from(*d))
        };
        let transport = bytes.get(usize::from(self.transport_at)..)?;
        let header = match self.transport {
            Transport::Udp => Header::Udp,
            Transport::Tcp => {
                let h = transport.first_chunk::<12>()?;
                Header::Tcp {
                    seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
                    ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
                    flags: self.flags,
                }
            }
        };
        let key = FlowKey { hosts, ports: ports(transport)?, transport: self.transport };
        let vlans = if self.tags > 0 { vlans(bytes, self.tags) } else { Vlans::default() };
        self.with_payload(bytes, key, header, vlans)
    }

    /// [`Glance::found`] of what [`usual`] saw.
    #[inline]
    fn found_usual<'a>(&self, bytes: &'a [u8]) -> Option<Found<'a>> {
        let h = bytes.first_chunk::<{ USUAL_AT + TCP_LEN }>()?;
        let key = FlowKey {
            hosts: Hosts::V4(
                Ipv4Addr::new(h[26], h[27], h[28], h[29]),
                Ipv4Addr::new(h[30], h[31], h[32], h[33]),
            ),
            ports: (u16::from_be_bytes([h[34], h[35]]), u16::from_be_bytes([h[36], h[37]])),
            transport: Transport::Tcp,
        };
        let header = Header::Tcp {
            seq: u32::from_be_bytes([h[38], h[39], h[40], h[41]]),
            ack: u32::from_be_bytes([h[42], h[43], h[44], h[45]]),
            flags: self.flags,
        };
        self.with_payload(bytes, key, header, Vlans::default())
    }

    #[inline]
    fn with_payload<'a>(
        &self,
        bytes: &'a [u8],
        key: FlowKey,
        header: Header,
        vlans: Vlans,
    ) -> Option<Found<'a>> {
        let head_len = usize::from(self.transport_at) + usize::from(self.header_len);
        let (head, rest) = bytes.split_at_checked(head_len)?;
        let payload = rest.get(..self.length as usize).unwrap_or(rest);
        let missing = self.length - u32::try_from(payload.len()).ok()?;
        Some(Found { key, header, vlans, tunnel: None, head, payload, missing })
    }
}

/// The identifiers of one or two tags.
fn vlans(bytes: &[u8], tags: u8) -> Vlans {
    let tag = |at: usize| {
        let &[high, low] = bytes.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_be_bytes([high, low]) & 0x0fff)
    };
    Vlans { outer: tag(MAC_LEN), inner: if tags > 1 { tag(MAC_LEN + TAG_LEN) } else { None } }
}
