//! VXLAN and its generic protocol extension.
//!
//! RFC 7348; draft-ietf-nvo3-vxlan-gpe-13; draft-smith-vxlan-group-policy-05, whose policy is passed.
//! OTV frames on Linux' old port have the same shape.

use super::layer::{Next, Packet};
use super::link::{ETHERNET, IPV4, IPV6};
use super::mpls::MPLS;
use super::nsh::NSH;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// IANA's port, Linux' default, and that of the extension.
pub(super) const PORTS: [u16; 3] = [4789, 8472, 4790];

/// The identifier is valid.
const VALID: u8 = 0x08;
/// Group policy; the next protocol is told; operations and maintenance.
const POLICY: u8 = 0x80;
const NEXT: u8 = 0x04;
const MAINTENANCE: u8 = 0x01;
/// Bits that mean nothing anywhere, or a version other than 0.
const UNKNOWN: u8 = 0x70;

/// A VXLAN header.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[flags, _, _, protocol, a, b, c, _] = packet.take()?;
    if flags & VALID == 0 || flags & (UNKNOWN | MAINTENANCE) != 0 {
        return Err(Skip::BadHeader);
    }
    let id = u32::from_be_bytes([0, a, b, c]);
    if flags & NEXT == 0 || flags & POLICY != 0 {
        packet.add_tunnel(TunnelKind::Vxlan, Some(id));
        return Ok(Next::Link(ETHERNET));
    }
    packet.add_tunnel(TunnelKind::VxlanGpe, Some(id));
    match protocol {
        1 => Ok(Next::EtherType(IPV4)),
        2 => Ok(Next::EtherType(IPV6)),
        3 => Ok(Next::Link(ETHERNET)),
        4 => Ok(Next::EtherType(NSH)),
        5 => Ok(Next::EtherType(MPLS)),
        _ => Err(Skip::BadHeader),
    }
}
