//! L2TP: PPP in UDP (version 2), Ethernet in IP or UDP (version 3).
//!
//! RFC 2661 §3.1, RFC 3931 §4.1. Version 3 does not say how long its cookie is, nor whether a sublayer
//! header follows, nor what it carries: an Ethernet frame is looked for behind each possible length.

use super::ethernet;
use super::layer::{Next, Packet};
use super::link::{ETHERNET, PPP};
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// IANA's port.
pub(super) const PORTS: [u16; 1] = [1701];

/// Flags and version.
const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
const RESERVED: u16 = 0x34f0;
const VERSION: u16 = 0x000f;
/// Bytes of flags and length.
const START_LEN: usize = 4;
/// Cookies have none, four or eight bytes, a sublayer header four.
const BEHIND_SESSION: [usize; 4] = [0, 4, 8, 12];

/// A data message over UDP; `id` is the session's.
pub(super) fn over_udp(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let flags = packet.take_u16()?;
    if flags & CONTROL != 0 {
        return Err(Skip::NotIp);
    }
    match flags & VERSION {
        2 if flags & RESERVED == 0 => version_2(packet, flags),
        3 if flags & !VERSION == 0 => {
            packet.take_u16()?;
            over_ip(packet)
        }
        _ => Err(Skip::BadHeader),
    }
}

fn version_2(packet: &mut Packet<'_>, flags: u16) -> Result<Next, Skip> {
    if flags & LENGTH != 0 {
        let length = usize::from(packet.take_u16()?);
        packet.shorten(length.checked_sub(START_LEN).ok_or(Skip::BadHeader)?)?;
    }
    let _tunnel = packet.take_u16()?;
    let session = packet.take_u16()?;
    if flags & SEQUENCE != 0 {
        packet.take_u32()?;
    }
    if flags & OFFSET != 0 {
        let padding = packet.take_u16()?;
        packet.skip(padding.into())?;
    }
    packet.add_tunnel(TunnelKind::L2tp, Some(session.into()));
    Ok(Next::Link(PPP))
}

/// IP protocol 115; session 0 is control.
pub(super) fn over_ip(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let session = packet.take_u32()?;
    let start = BEHIND_SESSION.into_iter().find(|at| ethernet::may_stand(packet, *at));
    let start = start.filter(|_| session != 0).ok_or(Skip::NotIp)?;
    packet.skip(start)?;
    packet.add_tunnel(TunnelKind::L2tp, Some(session));
    Ok(Next::Link(ETHERNET))
}
