//! Captures without a link header: the frame begins with the IP header.

use super::layer::{Next, Packet};
use super::link::{IPV4, IPV6};
use crate::model::skip::Skip;

/// `LINKTYPE_RAW`: the version nibble tells IPv4 from IPv6.
pub(super) fn any(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    packet.by_version()
}

/// `LINKTYPE_IPV4`.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn ipv4(_packet: &mut Packet<'_>) -> Result<Next, Skip> {
    Ok(Next::EtherType(IPV4))
}

/// `LINKTYPE_IPV6`.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn ipv6(_packet: &mut Packet<'_>) -> Result<Next, Skip> {
    Ok(Next::EtherType(IPV6))
}
