//! GENEVE with its options.
//!
//! RFC 8926.

use super::layer::{Next, Packet};
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// IANA's port.
pub(super) const PORTS: [u16; 1] = [6081];

/// Version, and the length of the options in words of four bytes, in the first byte.
const VERSION: u8 = 0xc0;
const OPTIONS: u8 = 0x3f;
/// Reserved bits of the second byte.
const RESERVED: u8 = 0x3f;

/// A GENEVE header.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[first, flags, high, low, a, b, c, _] = packet.take()?;
    let protocol = u16::from_be_bytes([high, low]);
    if first & VERSION != 0 || flags & RESERVED != 0 || !super::leads_to_ip(protocol) {
        return Err(Skip::BadHeader);
    }
    packet.skip(usize::from(first & OPTIONS) * 4)?;
    packet.add_tunnel(TunnelKind::Geneve, Some(u32::from_be_bytes([0, a, b, c])));
    Ok(Next::EtherType(protocol))
}
