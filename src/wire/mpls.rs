//! MPLS: the label stack, and what stands under it.
//!
//! RFC 3032 (labels), RFC 4385 (pseudowire control word), RFC 4448 (Ethernet pseudowire), RFC 4928 (why
//! the first nibble tells). No header says what a label's payload is: 4 and 6 are IP, 0 is a control word
//! ahead of an Ethernet frame, 1 is an associated channel; all else is an Ethernet frame without one.
//! Addresses begin with these nibbles too, so that an Ethernet frame is also seen by what it carries.

use super::ethernet;
use super::layer::{Next, Packet};
use super::link::{ETHERNET, IPV4, IPV6};
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// `EtherType`s: unicast, and upstream-assigned labels.
pub(super) const MPLS: u16 = 0x8847;
pub(super) const MPLS_UPSTREAM: u16 = 0x8848;

/// Labels of one stack that are passed.
const MAX_LABELS: usize = 16;
/// Bottom-of-stack bit.
const BOTTOM: u32 = 0x100;
/// Bytes of a control word.
const CONTROL_WORD: usize = 4;
/// Bytes of an IPv6 header.
const IPV6_LEN: usize = 40;

/// A label stack.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    for _ in 0..MAX_LABELS {
        let entry = packet.take_u32()?;
        if entry & BOTTOM != 0 {
            packet.add_tunnel(TunnelKind::Mpls, Some(entry >> 12));
            return under(packet);
        }
    }
    Err(Skip::BadHeader)
}

fn under(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let captured = packet.captured();
    let first = captured.first().ok_or_else(|| packet.lack(1))?;
    // A tag makes a frame look like one that begins four bytes later: the bare reading goes first.
    let bare = ethernet::may_stand(packet, 0);
    match first >> 4 {
        4 if !bare || fits(packet, 2, 0) => Ok(Next::EtherType(IPV4)),
        6 if !bare || fits(packet, 4, IPV6_LEN) => Ok(Next::EtherType(IPV6)),
        0 if !bare => {
            packet.skip(CONTROL_WORD)?;
            Ok(Next::Link(ETHERNET))
        }
        1 if !bare => Err(Skip::NotIp),
        _ => Ok(Next::Link(ETHERNET)),
    }
}

/// True if the IP length field `at` its place, which counts from `header` on, can be true.
fn fits(packet: &Packet<'_>, at: usize, header: usize) -> bool {
    let length = packet.captured().get(at..).and_then(<[u8]>::first_chunk::<2>);
    length.is_some_and(|length| {
        let length = header + usize::from(u16::from_be_bytes(*length));
        (20..=packet.length()).contains(&length)
    })
}
