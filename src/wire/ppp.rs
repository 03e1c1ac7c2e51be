//! PPP, over serial lines, Ethernet and whatever carries it.
//!
//! RFC 1661 (protocol field and its compression), RFC 1662 (HDLC-like framing), RFC 2516 (PPPoE).

use super::hdlc;
use super::layer::{Next, Packet};
use super::link::{IPV4, IPV6, PPP};
use super::mpls::MPLS;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// Address and control of HDLC-like framing, where they were not negotiated away.
const FRAMING: [u8; 2] = [0xff, 0x03];

/// PPP protocol numbers: IPv4, IPv6, MPLS unicast and multicast.
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MPLS: [u16; 2] = [0x0281, 0x0283];

/// Version and type of PPPoE, and the code of a session's data.
const PPPOE_VERSION: u8 = 0x11;
const PPPOE_SESSION: u8 = 0;

/// `LINKTYPE_PPP` and `LINKTYPE_PPP_HDLC`: with or without framing; Cisco HDLC is found there too.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    match packet.captured() {
        [0xff, 0x03, ..] => packet.skip(FRAMING.len())?,
        [address, 0, ..] if hdlc::ADDRESSES.contains(address) => return hdlc::cisco(packet),
        _ => {}
    }
    let &[high] = packet.take()?;
    // The first byte of a protocol is even, the last odd: one alone is a compressed field.
    let protocol = if high & 1 == 1 {
        u16::from(high)
    } else {
        let &[low] = packet.take()?;
        u16::from_be_bytes([high, low])
    };
    match protocol {
        PPP_IPV4 => Ok(Next::EtherType(IPV4)),
        PPP_IPV6 => Ok(Next::EtherType(IPV6)),
        p if PPP_MPLS.contains(&p) => Ok(Next::EtherType(MPLS)),
        _ => Err(Skip::NotIp),
    }
}

/// `LINKTYPE_PPP_PPPD`: the direction stands in the place of the address byte.
pub(super) fn pppd(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    packet.skip(1)?;
    if let [0x03, ..] = packet.captured() {
        packet.skip(1)?;
    }
    Ok(Next::Link(PPP))
}

/// `LINKTYPE_PPP_WITH_DIR`: the direction stands ahead.
pub(super) fn with_direction(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    packet.skip(1)?;
    Ok(Next::Link(PPP))
}

/// A PPPoE session, behind its `EtherType` or as a link type.
pub(super) fn over_ethernet(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[version, code] = packet.take()?;
    if version != PPPOE_VERSION {
        return Err(Skip::BadHeader);
    }
    if code != PPPOE_SESSION {
        return Err(Skip::NotIp);
    }
    let session = packet.take_u16()?;
    let length = usize::from(packet.take_u16()?);
    // 0 comes from senders that leave the cutting to hardware.
    if length != 0 {
        packet.bound(length);
    }
    packet.add_tunnel(TunnelKind::Pppoe, Some(session.into()));
    Ok(Next::Link(PPP))
}
