//! The network service header of service chains.
//!
//! RFC 8300 §2; its context headers are passed.

use super::layer::{Next, Packet};
use super::link::{ETHERNET, IPV4, IPV6};
use super::mpls::MPLS;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// Its `EtherType`.
pub(super) const NSH: u16 = 0x894f;

/// Version, and the length in words of four bytes, in the first two bytes.
const VERSION: u16 = 0xc000;
const LENGTH: u16 = 0x003f;
/// Bytes of base and service path header.
const MIN_LEN: usize = 8;

/// The header; its identifier is the service path's.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let first = packet.take_u16()?;
    let &[_metadata, protocol] = packet.take()?;
    let path = packet.take_u32()? >> 8;
    let length = usize::from(first & LENGTH) * 4;
    if first & VERSION != 0 {
        return Err(Skip::BadHeader);
    }
    packet.skip(length.checked_sub(MIN_LEN).ok_or(Skip::BadHeader)?)?;
    packet.add_tunnel(TunnelKind::Nsh, Some(path));
    match protocol {
        1 => Ok(Next::EtherType(IPV4)),
        2 => Ok(Next::EtherType(IPV6)),
        3 => Ok(Next::Link(ETHERNET)),
        4 => Ok(Next::EtherType(NSH)),
        5 => Ok(Next::EtherType(MPLS)),
        _ => Err(Skip::NotIp),
    }
}
