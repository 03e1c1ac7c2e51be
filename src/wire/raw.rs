//! Captures without a link header: the frame begins with the IP header.

use super::link::{IPV4, IPV6, Stripped};
use crate::model::skip::Skip;

/// `LINKTYPE_RAW`: the version nibble tells IPv4 from IPv6.
pub(super) fn strip_any(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    let first = frame.first().ok_or(Skip::TruncatedHeader)?;
    let ether_type = match first >> 4 {
        4 => IPV4,
        6 => IPV6,
        _ => return Err(Skip::BadHeader),
    };
    Ok(Stripped { ether_type, payload: frame })
}

/// `LINKTYPE_IPV4`.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn strip_ipv4(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    Ok(Stripped { ether_type: IPV4, payload: frame })
}

/// `LINKTYPE_IPV6`.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn strip_ipv6(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    Ok(Stripped { ether_type: IPV6, payload: frame })
}
