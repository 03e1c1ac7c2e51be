//! GTP-U: the user's packets of mobile networks.
//!
//! 3GPP TS 29.281 §5.1 (header) and §5.2 (extension headers). The header does not say what it carries:
//! IP by its version, or PPP by its framing.

use super::layer::{Next, Packet};
use super::link::PPP;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// Port of GTP-U.
pub(super) const PORTS: [u16; 1] = [2152];

/// Version 1 of GTP (not GTP'), in the first byte, and the bits that say so.
const VERSION: u8 = 0x30;
const VERSION_MASK: u8 = 0xf0;
/// Extension header; any of it, sequence number and N-PDU number makes room for all three.
const EXTENSION: u8 = 0x04;
const OPTIONAL: u8 = 0x07;
/// Message type of a user's packet.
const G_PDU: u8 = 0xff;
/// Extension headers that are passed.
const MAX_EXTENSIONS: usize = 16;

/// A G-PDU.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[flags, message] = packet.take()?;
    if flags & VERSION_MASK != VERSION || message != G_PDU {
        return Err(Skip::BadHeader);
    }
    let length = packet.take_u16()?;
    let id = packet.take_u32()?;
    packet.shorten(length.into())?;
    if flags & OPTIONAL != 0 {
        let &[_, _, _, next] = packet.take()?;
        if flags & EXTENSION != 0 {
            extensions(packet, next)?;
        }
    }
    packet.add_tunnel(TunnelKind::Gtp, Some(id));
    match packet.captured() {
        [0xff, 0x03, ..] => Ok(Next::Link(PPP)),
        _ => packet.by_version(),
    }
}

/// Extension headers: length in words of four bytes, content, type of the next one.
fn extensions(packet: &mut Packet<'_>, mut next: u8) -> Result<(), Skip> {
    for _ in 0..MAX_EXTENSIONS {
        if next == 0 {
            return Ok(());
        }
        let &[words] = packet.take()?;
        let content = (usize::from(words) * 4).checked_sub(2).ok_or(Skip::BadHeader)?;
        packet.skip(content)?;
        [next] = *packet.take()?;
    }
    Err(Skip::BadHeader)
}
