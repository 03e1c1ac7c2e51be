//! The fixed-offset path: Ethernet with up to two VLAN tags, IPv4 or bare IPv6, TCP or UDP.
//!
//! This is most of all traffic. What it answers is what the layers would (a property test holds it to
//! that); whatever is unusual, truncated, wrong or perhaps a tunnel gets `None` and goes through the layers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::ethernet::VLAN_TAGS;
use super::layer::Found;
use super::link::{IPV4, IPV6};
use super::may_be_tunnel;
use crate::model::frame::Frame;
use crate::model::segment::{FlowKey, Header, Hosts, TcpFlags, Transport, Vlans};

/// Length of a header without options.
const IPV4_LEN: usize = 20;
/// More-fragments bit and fragment offset of IPv4.
const FRAGMENT: u16 = 0x3fff;
/// IP protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Length of a UDP header.
const UDP_LEN: usize = 8;

/// What follows an IP header.
struct Datagram<'a> {
    hosts: Hosts,
    protocol: u8,
    /// Captured bytes behind the IP header, padding included.
    rest: &'a [u8],
    /// Bytes behind the IP header as the IP header counts them. An IPv6 length of 0, which means
    /// something else, has no room for a transport header and thus ends in `None`.
    length: usize,
}

/// What follows a transport header.
struct Body<'a> {
    transport: Transport,
    ports: (u16, u16),
    header: Header,
    payload: &'a [u8],
    /// Bytes ahead of `payload` in the datagram.
    header_len: usize,
    /// Length of the payload on the wire.
    length: usize,
}

/// Decodes an Ethernet frame; `None` is for the layers to look at.
#[inline]
pub(super) fn decode<'a>(frame: &Frame<'a>) -> Option<Found<'a>> {
    let (ether_type, vlans, rest) = link(frame.bytes)?;
    let datagram = match ether_type {
        IPV4 => ipv4(rest)?,
        IPV6 => ipv6(rest)?,
        _ => return None,
    };
    let body = match datagram.protocol {
        TCP => tcp(&datagram)?,
        UDP => udp(&datagram)?,
        _ => return None,
    };
    let head_len = frame.bytes.len().checked_sub(datagram.rest.len())?.checked_add(body.header_len)?;
    Some(Found {
        key: FlowKey { hosts: datagram.hosts, ports: body.ports, transport: body.transport },
        header: body.header,
        vlans,
        tunnel: None,
        head: frame.bytes.get(..head_len)?,
        payload: body.payload,
        missing: u32::try_from(body.length.checked_sub(body.payload.len())?).ok()?,
    })
}

/// `EtherType` behind the MAC header and up to two tags.
#[inline]
fn link(bytes: &[u8]) -> Option<(u16, Vlans, &[u8])> {
    let (&[.., high, low], rest) = bytes.split_first_chunk::<14>()?;
    let ether_type = u16::from_be_bytes([high, low]);
    if !VLAN_TAGS.contains(&ether_type) {
        return Some((ether_type, Vlans::default(), rest));
    }
    let (outer, ether_type, rest) = tag(rest)?;
    if !VLAN_TAGS.contains(&ether_type) {
        return Some((ether_type, Vlans { outer: Some(outer), inner: None }, rest));
    }
    let (inner, ether_type, rest) = tag(rest)?;
    Some((ether_type, Vlans { outer: Some(outer), inner: Some(inner) }, rest))
}

/// VLAN identifier and the `EtherType` behind it.
#[inline]
fn tag(bytes: &[u8]) -> Option<(u16, u16, &[u8])> {
    let (&[a, b, high, low], rest) = bytes.split_first_chunk::<4>()?;
    Some((u16::from_be_bytes([a, b]) & 0x0fff, u16::from_be_bytes([high, low]), rest))
}

#[inline]
fn ipv4(bytes: &[u8]) -> Option<Datagram<'_>> {
    let h = bytes.first_chunk::<IPV4_LEN>()?;
    let header_len = usize::from(h[0] & 0x0f) * 4;
    let total = usize::from(u16::from_be_bytes([h[2], h[3]]));
    let fragment = u16::from_be_bytes([h[6], h[7]]) & FRAGMENT;
    if h[0] >> 4 != 4 || header_len < IPV4_LEN || fragment != 0 {
        return None;
    }
    Some(Datagram {
        hosts: Hosts::V4(
            Ipv4Addr::new(h[12], h[13], h[14], h[15]),
            Ipv4Addr::new(h[16], h[17], h[18], h[19]),
        ),
        protocol: h[9],
        rest: bytes.get(header_len..)?,
        length: total.checked_sub(header_len)?,
    })
}

#[inline]
fn ipv6(bytes: &[u8]) -> Option<Datagram<'_>> {
    let (h, rest) = bytes.split_first_chunk::<8>()?;
    let (source, rest) = rest.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let length = usize::from(u16::from_be_bytes([h[4], h[5]]));
    if h[0] >> 4 != 6 {
        return None;
    }
    let hosts = Hosts::V6(Ipv6Addr::from(*source), Ipv6Addr::from(*destination));
    Some(Datagram { hosts, protocol: h[6], rest, length })
}

impl<'a> Datagram<'a> {
    /// The captured bytes without padding.
    #[inline]
    fn captured(&self) -> &'a [u8] {
        self.rest.get(..self.length).unwrap_or(self.rest)
    }
}

#[inline]
fn tcp<'a>(datagram: &Datagram<'a>) -> Option<Body<'a>> {
    let captured = datagram.captured();
    let h = captured.first_chunk::<20>()?;
    let header_len = usize::from(h[12] >> 4) * 4;
    if header_len < h.len() {
        return None;
    }
    Some(Body {
        transport: Transport::Tcp,
        ports: (u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]])),
        header: Header::Tcp {
            seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
            ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
            flags: TcpFlags(h[13]),
        },
        payload: captured.get(header_len..)?,
        header_len,
        length: datagram.length.checked_sub(header_len)?,
    })
}

#[inline]
fn udp<'a>(datagram: &Datagram<'a>) -> Option<Body<'a>> {
    let captured = datagram.captured();
    let (h, payload) = captured.split_first_chunk::<UDP_LEN>()?;
    let length = usize::from(u16::from_be_bytes([h[4], h[5]]));
    if !(UDP_LEN..=datagram.length).contains(&length) {
        return None;
    }
    let length = length - UDP_LEN;
    let ports = (u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]]));
    let payload = payload.get(..length).unwrap_or(payload);
    if may_be_tunnel(ports, payload) {
        return None;
    }
    Some(Body { transport: Transport::Udp, ports, header: Header::Udp, payload, header_len: UDP_LEN, length })
}
