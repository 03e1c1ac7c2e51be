//! Loopback captures of the BSDs: four bytes of address family ahead of the packet; and their IPsec device.
//!
//! `LINKTYPE_NULL` and `LINKTYPE_ENC` hold the family in the byte order of the machine that captured,
//! which the file need not share; `LINKTYPE_LOOP` holds it in network byte order
//! (tcpdump.org/linktypes).

use super::layer::{Next, Packet};
use super::link::{IPV4, IPV6};
use crate::model::skip::Skip;

/// `AF_INET`, the same on every system.
const INET: u32 = 2;
/// `AF_INET6` on Linux; NetBSD, OpenBSD and BSD/OS; FreeBSD; macOS.
const INET6: [u32; 4] = [10, 24, 28, 30];
/// What stands behind the family in `LINKTYPE_ENC`: the SPI and flags.
const ENC_REST: usize = 8;

/// `LINKTYPE_NULL`: whichever byte order makes a known family. No family is one in both orders.
pub(super) fn null(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let family = packet.take()?;
    next(u32::from_le_bytes(*family)).or_else(|_| next(u32::from_be_bytes(*family)))
}

/// `LINKTYPE_LOOP`.
pub(super) fn network_order(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    next(packet.take_u32()?)
}

/// `LINKTYPE_ENC`: what OpenBSD's `enc` shows of IPsec, decrypted.
pub(super) fn enc(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let next = null(packet)?;
    packet.skip(ENC_REST)?;
    Ok(next)
}

/// What follows an address family.
pub(super) fn next(family: u32) -> Result<Next, Skip> {
    match family {
        INET => Ok(Next::EtherType(IPV4)),
        f if INET6.contains(&f) => Ok(Next::EtherType(IPV6)),
        _ => Err(Skip::NotIp),
    }
}
