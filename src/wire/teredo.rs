//! Teredo: IPv6 in UDP, through NATs.
//!
//! RFC 4380 §5.1.1. To and from servers and relays it has a port, and may have two headers of its own;
//! between clients it is an IPv6 packet on any port, told by its addresses.

use super::layer::{Next, Packet};
use super::link::IPV6;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// IANA's port.
pub(super) const PORTS: [u16; 1] = [3544];

/// Indicators of the authentication and the origin header.
const AUTHENTICATION: [u8; 2] = [0, 1];
const ORIGIN: [u8; 2] = [0, 0];
/// Nonce and confirmation byte; obfuscated port and address.
const NONCE_LEN: usize = 9;
const ORIGIN_LEN: usize = 6;
/// First bytes of a Teredo address (`2001::/32`).
const PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];
/// Bytes of an IPv6 header.
const IPV6_LEN: usize = 40;

/// A packet on Teredo's port.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    if packet.captured().starts_with(&AUTHENTICATION) {
        let &[_, _, client, value] = packet.take()?;
        packet.skip(usize::from(client) + usize::from(value) + NONCE_LEN)?;
    }
    if packet.captured().starts_with(&ORIGIN) {
        packet.skip(ORIGIN.len() + ORIGIN_LEN)?;
    }
    ipv6(packet)
}

/// A packet on any port.
pub(super) fn between_clients(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    if !has_prefix(packet.captured()) {
        return Err(Skip::BadHeader);
    }
    ipv6(packet)
}

/// True if `payload` has the version of IPv6, and an address of Teredo.
#[inline]
pub(super) fn has_prefix(payload: &[u8]) -> bool {
    let at = |at: usize| payload.get(at..).is_some_and(|address| address.starts_with(&PREFIX));
    matches!(payload, [0x60..=0x6f, ..]) && (at(8) || at(24))
}

/// An IPv6 header must be there, and the packet must have the length that it says.
fn ipv6(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = packet.captured().first_chunk::<IPV6_LEN>().ok_or_else(|| packet.lack(IPV6_LEN))?;
    let &[version, _, _, _, high, low, ..] = header;
    let length = IPV6_LEN + usize::from(u16::from_be_bytes([high, low]));
    if version >> 4 != 6 || length > packet.length() {
        return Err(Skip::BadHeader);
    }
    packet.add_tunnel(TunnelKind::Teredo, None);
    Ok(Next::EtherType(IPV6))
}
