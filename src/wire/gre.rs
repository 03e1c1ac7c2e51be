//! GRE, over IP and over UDP, and PPTP's variant of it.
//!
//! RFC 2784 and RFC 2890 (version 0: checksum, key, sequence number), RFC 1701 (routing, which nothing
//! sends any more: such packets are given up), RFC 8086 (over UDP), RFC 2637 (version 1). What GRE
//! carries has an `EtherType`; ERSPAN's first type is told from its second by the missing sequence number.

use super::erspan;
use super::layer::{Next, Packet};
use super::link::{ETHERNET, PPP};
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// IANA's port of GRE in UDP.
pub(super) const PORTS: [u16; 1] = [4754];

/// Flags and version.
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;
/// All bits that version 0 uses.
const KNOWN: u16 = CHECKSUM | KEY | SEQUENCE;

/// WCCP, PPP.
const WCCP: u16 = 0x883e;
const ETHER_PPP: u16 = 0x880b;

/// IP protocol 47.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let flags = packet.take_u16()?;
    let protocol = packet.take_u16()?;
    match flags & VERSION {
        0 if flags & ROUTING == 0 => version_0(packet, flags, protocol),
        1 if protocol == ETHER_PPP && flags & KEY != 0 => pptp(packet, flags),
        _ => Err(Skip::BadHeader),
    }
}

/// UDP port 4754.
pub(super) fn over_udp(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let flags = packet.take_u16()?;
    let protocol = packet.take_u16()?;
    if flags & !KNOWN != 0 || !super::leads_to_ip(protocol) {
        return Err(Skip::BadHeader);
    }
    version_0(packet, flags, protocol)
}

fn version_0(packet: &mut Packet<'_>, flags: u16, protocol: u16) -> Result<Next, Skip> {
    if flags & CHECKSUM != 0 {
        packet.take_u32()?;
    }
    let key = if flags & KEY != 0 { Some(packet.take_u32()?) } else { None };
    if flags & SEQUENCE != 0 {
        packet.take_u32()?;
    }
    packet.add_tunnel(TunnelKind::Gre, key);
    match protocol {
        p if p == erspan::ETHER_TYPES[0] && flags & SEQUENCE == 0 => Ok(Next::Link(ETHERNET)),
        WCCP => wccp(packet),
        _ => Ok(Next::EtherType(protocol)),
    }
}

/// WCCP version 1 redirects bare IPv4 packets, version 2 puts four bytes ahead of them.
fn wccp(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    packet.by_version().or_else(|_| {
        packet.take_u32()?;
        packet.by_version()
    })
}

/// A packet of a PPTP call; one without a sequence number acknowledges, and carries nothing.
fn pptp(packet: &mut Packet<'_>, flags: u16) -> Result<Next, Skip> {
    let length = packet.take_u16()?;
    let call = packet.take_u16()?;
    if flags & SEQUENCE == 0 {
        return Err(Skip::NotIp);
    }
    packet.take_u32()?;
    if flags & ACKNOWLEDGMENT != 0 {
        packet.take_u32()?;
    }
    packet.shorten(length.into())?;
    packet.add_tunnel(TunnelKind::Pptp, Some(call.into()));
    Ok(Next::Link(PPP))
}
