//! BSD loopback captures: four bytes of address family ahead of the packet.
//!
//! `LINKTYPE_NULL` holds the family in the byte order of the machine that captured, which the file need
//! not share; `LINKTYPE_LOOP` holds it in network byte order (tcpdump.org/linktypes).

use super::link::{IPV4, IPV6, Stripped};
use crate::model::skip::Skip;

/// `AF_INET`, the same on every system.
const INET: u32 = 2;
/// `AF_INET6` on Linux; NetBSD, OpenBSD and BSD/OS; FreeBSD; macOS.
const INET6: [u32; 4] = [10, 24, 28, 30];

/// `LINKTYPE_NULL`: whichever byte order makes a known family. No family is one in both orders.
pub(super) fn strip_null(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    let (family, payload) = frame.split_first_chunk().ok_or(Skip::TruncatedHeader)?;
    let ether_type = ether_type(u32::from_le_bytes(*family))
        .or_else(|| ether_type(u32::from_be_bytes(*family)))
        .ok_or(Skip::NotIp)?;
    Ok(Stripped { ether_type, payload })
}

/// `LINKTYPE_LOOP`.
pub(super) fn strip_loop(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    let (family, payload) = frame.split_first_chunk().ok_or(Skip::TruncatedHeader)?;
    let ether_type = ether_type(u32::from_be_bytes(*family)).ok_or(Skip::NotIp)?;
    Ok(Stripped { ether_type, payload })
}

fn ether_type(family: u32) -> Option<u16> {
    match family {
        INET => Some(IPV4),
        f if INET6.contains(&f) => Some(IPV6),
        _ => None,
    }
}
