//! A transport segment: the addresses, the transport header's facts, and the payload in place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::frame::{OriginId, Timestamp};
use super::seed::Seed;

/// Source and destination address, compact per family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hosts {
    /// IPv4 source and destination.
    V4(Ipv4Addr, Ipv4Addr),
    /// IPv6 source and destination.
    V6(Ipv6Addr, Ipv6Addr),
}

impl Hosts {
    /// The same hosts seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::V4(a, b) => Self::V4(b, a),
            Self::V6(a, b) => Self::V6(b, a),
        }
    }
}

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP, RFC 9293.
    Tcp,
    /// UDP, RFC 768.
    Udp,
}

/// Addresses, ports and transport of one direction: source → destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// Source and destination address.
    pub hosts: Hosts,
    /// Source and destination port.
    pub ports: (u16, u16),
    /// Transport protocol.
    pub transport: Transport,
}

impl FlowKey {
    /// Source address.
    pub fn source_ip(&self) -> IpAddr {
        match self.hosts {
            Hosts::V4(a, _) => IpAddr::V4(a),
            Hosts::V6(a, _) => IpAddr::V6(a),
        }
    }

    /// Destination address.
    pub fn destination_ip(&self) -> IpAddr {
        match self.hosts {
            Hosts::V4(_, b) => IpAddr::V4(b),
            Hosts::V6(_, b) => IpAddr::V6(b),
        }
    }

    /// The same flow seen from the other end.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { hosts: self.hosts.reversed(), ports: (self.ports.1, self.ports.0), transport: self.transport }
    }

    /// A 64-bit hash under a per-run secret, equal for both directions of a flow.
    ///
    /// The secret keeps strangers from choosing colliding flows; see [`Seed`].
    #[inline]
    pub fn hash(&self, seed: Seed) -> u64 {
        let (source, destination) = self.ends(seed);
        seed.flow(source, destination, self.transport)
    }

    /// The same for one direction: the opposite one has another hash.
    #[inline]
    pub fn hash_directed(&self, seed: Seed) -> u64 {
        let (source, destination) = self.ends(seed);
        seed.pair(source, destination)
    }

    #[inline]
    fn ends(&self, seed: Seed) -> (u64, u64) {
        match self.hosts {
            Hosts::V4(s, d) => (seed.v4(s.to_bits(), self.ports.0), seed.v4(d.to_bits(), self.ports.1)),
            Hosts::V6(s, d) => (seed.v6(s.to_bits(), self.ports.0), seed.v6(d.to_bits(), self.ports.1)),
        }
    }
}

/// TCP flag bits as in the header's fourteenth byte (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN: the sender has no more data.
    pub const FIN: u8 = 0x01;
    /// SYN: sequence numbers begin here.
    pub const SYN: u8 = 0x02;
    /// RST: the connection ends at once.
    pub const RST: u8 = 0x04;
    /// ACK: the acknowledgement number is valid.
    pub const ACK: u8 = 0x10;

    /// True if every bit of `bits` is set.
    pub fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }
}

/// What the transport header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// TCP header.
    Tcp {
        /// Sequence number of the first payload byte, or of the SYN.
        seq: u32,
        /// Acknowledgement number; meaningful with the ACK flag.
        ack: u32,
        /// Flag bits.
        flags: TcpFlags,
    },
    /// UDP has nothing more than ports and a length.
    Udp,
}

/// VLAN identifiers (802.1Q VID, 0 to 4095), outer first; `None` where there is no such tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vlans {
    /// The outer tag, or the only one.
    pub outer: Option<u16>,
    /// The inner tag of QinQ.
    pub inner: Option<u16>,
}

/// What kind of tunnel; where it has an identifier, which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelKind {
    /// IPv4 in IPv4, RFC 2003.
    FourInFour,
    /// IPv4 in IPv6, RFC 2473.
    FourInSix,
    /// IPv6 in IPv4, RFC 4213.
    SixInFour,
    /// IPv6 in IPv6, RFC 2473.
    SixInSix,
    /// CAPWAP data channel, RFC 5415.
    Capwap,
    /// ERSPAN; the identifier is the session's.
    Erspan,
    /// Ethernet as an IP protocol, RFC 8986.
    Ethernet,
    /// EtherIP, RFC 3378.
    EtherIp,
    /// GENEVE, RFC 8926; its VNI.
    Geneve,
    /// GRE, RFC 2890; its key.
    Gre,
    /// GTP-U, 3GPP TS 29.281; its TEID.
    Gtp,
    /// L2TP, RFC 2661 and RFC 3931; the session's identifier.
    L2tp,
    /// MPLS, RFC 3032; the bottom label.
    Mpls,
    /// NSH, RFC 8300; the service path's identifier.
    Nsh,
    /// PPPoE, RFC 2516; the session's identifier.
    Pppoe,
    /// PPTP, RFC 2637; the call's identifier.
    Pptp,
    /// Teredo, RFC 4380.
    Teredo,
    /// TZSP.
    Tzsp,
    /// VXLAN, RFC 7348; its VNI.
    Vxlan,
    /// VXLAN with a next protocol; its VNI.
    VxlanGpe,
}

impl TunnelKind {
    /// The name in records: `network.tunnel.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::FourInFour => "4in4",
            Self::FourInSix => "4in6",
            Self::SixInFour => "6in4",
            Self::SixInSix => "6in6",
            Self::Capwap => "capwap",
            Self::Erspan => "erspan",
            Self::Ethernet => "ethernet",
            Self::EtherIp => "etherip",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Gtp => "gtp",
            Self::L2tp => "l2tp",
            Self::Mpls => "mpls",
            Self::Nsh => "nsh",
            Self::Pppoe => "pppoe",
            Self::Pptp => "pptp",
            Self::Teredo => "teredo",
            Self::Tzsp => "tzsp",
            Self::Vxlan => "vxlan",
            Self::VxlanGpe => "vxlan_gpe",
        }
    }
}

/// A tunnel, or another layer with an identifier of its own, that a segment came through.
///
/// Of several within each other it is the innermost that has an identifier, or the innermost where none
/// has one: the closest that tells one overlay network from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// What it is.
    pub kind: TunnelKind,
    /// Kept apart from `id`, so that an optional tunnel takes eight bytes of a segment.
    has_id: bool,
    id: u32,
}

impl Tunnel {
    /// A tunnel, and its identifier where its kind has one.
    pub fn new(kind: TunnelKind, id: Option<u32>) -> Self {
        Self { kind, has_id: id.is_some(), id: id.unwrap_or_default() }
    }

    /// Its identifier: `network.tunnel.id`.
    pub fn id(&self) -> Option<u32> {
        self.has_id.then_some(self.id)
    }
}

/// One TCP segment or UDP datagram, its payload lent in place.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Frame number within its origin, from 1; of joined fragments, the completing one's.
    pub packet: u64,
    /// Capture time of the frame.
    pub time: Timestamp,
    /// Where the frame came from.
    pub origin: OriginId,
    /// Source → destination of this very segment.
    pub key: FlowKey,
    /// [`FlowKey::hash`] of `key`: computed once, in the decoder.
    pub hash: u64,
    /// Transport header.
    pub header: Header,
    /// VLAN tags on the way.
    pub vlans: Vlans,
    /// Tunnel on the way.
    pub tunnel: Option<Tunnel>,
    /// Everything of the frame ahead of the payload: link, network and transport headers. Of a datagram
    /// joined from fragments, an IP header written for the whole, and the transport header.
    pub head: &'a [u8],
    /// Payload bytes that were captured; Ethernet padding is not among them.
    pub payload: &'a [u8],
    /// Payload bytes that were on the wire but cut off by the snapshot length.
    pub missing: u32,
}

#[cfg(test)]
mod tests {
    use super::{Tunnel, TunnelKind};

    #[test]
    fn a_tunnel_costs_a_segment_eight_bytes() {
        assert_eq!(size_of::<Option<Tunnel>>(), 8);
        assert_eq!(Tunnel::new(TunnelKind::Gre, None).id(), None);
        assert_eq!(Tunnel::new(TunnelKind::Gre, Some(0)).id(), Some(0));
    }
}
