//! IP in IP, and the other frames that IP carries without a header of their own.
//!
//! RFC 2003 (4 in 4), RFC 4213 (6 in 4), RFC 2473 (in 6), RFC 8986 (Ethernet as an IP protocol),
//! RFC 3378 (EtherIP).

use super::layer::{Next, Packet};
use super::link::{ETHERNET, IPV4, IPV6};
use crate::model::segment::{Hosts, TunnelKind};
use crate::model::skip::Skip;

/// Version of EtherIP, and its reserved bits.
const ETHERIP: u16 = 0x3000;

/// IP protocol 4.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn ipv4(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let kind = if over_ipv6(packet) { TunnelKind::FourInSix } else { TunnelKind::FourInFour };
    packet.add_tunnel(kind, None);
    Ok(Next::EtherType(IPV4))
}

/// IP protocol 41.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn ipv6(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let kind = if over_ipv6(packet) { TunnelKind::SixInSix } else { TunnelKind::SixInFour };
    packet.add_tunnel(kind, None);
    Ok(Next::EtherType(IPV6))
}

fn over_ipv6(packet: &Packet<'_>) -> bool {
    matches!(packet.hosts(), Some(Hosts::V6(..)))
}

/// IP protocol 143.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn ethernet(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    packet.add_tunnel(TunnelKind::Ethernet, None);
    Ok(Next::Link(ETHERNET))
}

/// IP protocol 97.
pub(super) fn etherip(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    if packet.take_u16()? != ETHERIP {
        return Err(Skip::BadHeader);
    }
    packet.add_tunnel(TunnelKind::EtherIp, None);
    Ok(Next::Link(ETHERNET))
}
