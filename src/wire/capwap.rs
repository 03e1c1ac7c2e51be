//! CAPWAP's data channel: frames between access points and their controller.
//!
//! RFC 5415 §4.3 (header), RFC 5416 §2 (802.11). A DTLS channel is encrypted; of a fragmented frame the
//! first fragment is read.

use super::layer::{Next, Packet};
use super::link::ETHERNET;
use super::wifi;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// Port of the data channel.
pub(super) const PORTS: [u16; 1] = [5247];

/// Of the header's first four bytes: preamble, length in words of four bytes, binding, and flags.
const PREAMBLE: u32 = 0xff00_0000;
const LENGTH_AT: u32 = 19;
const LENGTH: u32 = 0x1f;
const BINDING_AT: u32 = 9;
const BINDING: u32 = 0x1f;
const NATIVE: u32 = 0x100;
const KEEP_ALIVE: u32 = 0x08;
const RESERVED: u32 = 0x07;
/// Binding of 802.11.
const WIFI_BINDING: u32 = 1;
/// Offset bits behind the fragment's identifier.
const OFFSET: u16 = 0xfff8;
/// Bytes of a header without its optional parts.
const MIN_LEN: usize = 8;

/// A data packet.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let first = packet.take_u32()?;
    let _fragment = packet.take_u16()?;
    let offset = packet.take_u16()? & OFFSET;
    if first & (PREAMBLE | KEEP_ALIVE | RESERVED) != 0 || offset != 0 {
        return Err(Skip::BadHeader);
    }
    let words = (first >> LENGTH_AT) & LENGTH;
    let length = usize::try_from(words * 4).unwrap_or(usize::MAX);
    packet.skip(length.checked_sub(MIN_LEN).ok_or(Skip::BadHeader)?)?;
    packet.add_tunnel(TunnelKind::Capwap, None);
    if first & NATIVE == 0 {
        return Ok(Next::Link(ETHERNET));
    }
    if (first >> BINDING_AT) & BINDING != WIFI_BINDING {
        return Err(Skip::BadHeader);
    }
    wifi::maybe_swapped(packet)
}
