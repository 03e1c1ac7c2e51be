//! The layers from IP to the transport header: IPv4, IPv6 and its extension headers, TCP, UDP.
//!
//! RFC 791, RFC 8200, RFC 4302 (AH), RFC 9293, RFC 768. Checksums are not verified: with offload, a
//! capture on the sending host sees them unfilled. Lengths are believed as far as they can be true.

use etherparse::err::{ip_auth, ipv4, ipv6, tcp};
use etherparse::{
    IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice,
    TcpHeaderSlice, UdpHeaderSlice,
};

use super::layer::{Next, Packet, Part};
use crate::model::segment::{Header, Hosts, TcpFlags};
use crate::model::skip::Skip;

/// IPv6 extension headers of the common shape (RFC 6564): hop-by-hop, routing, destination options,
/// mobility, HIP, shim6.
pub(super) const IPV6_EXTENSIONS: [u8; 6] = [0, 43, 60, 135, 139, 140];

/// Place of the flags in a TCP header.
const TCP_FLAGS_AT: usize = 13;

/// IPv4 with its options. A total length of 0 is a packet that the sender's hardware is yet to cut up
/// (TSO): it reaches to the end of the frame.
pub(super) fn ipv4(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = Ipv4HeaderSlice::from_slice(packet.captured()).map_err(|error| match error {
        ipv4::HeaderSliceError::Len(e) => packet.lack(e.required_len),
        ipv4::HeaderSliceError::Content(_) => Skip::BadHeader,
    })?;
    let header_len = header.slice().len();
    match usize::from(header.total_len()) {
        0 => {}
        total if total < header_len => return Err(Skip::BadHeader),
        total => packet.bound(total),
    }
    packet.advance(header_len);
    packet.set_hosts(Hosts::V4(header.source_addr(), header.destination_addr()));
    if header.is_fragmenting_payload() {
        return Ok(Next::Fragment(Part {
            id: header.identification().into(),
            offset: header.fragments_offset().byte_offset().into(),
            more: header.more_fragments(),
            protocol: header.protocol().0,
        }));
    }
    Ok(Next::Protocol(header.protocol().0))
}

/// IPv6. A payload length of 0 is a jumbogram (RFC 2675), which is as long as its frame, or TSO.
pub(super) fn ipv6(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = Ipv6HeaderSlice::from_slice(packet.captured()).map_err(|error| match error {
        ipv6::HeaderSliceError::Len(e) => packet.lack(e.required_len),
        ipv6::HeaderSliceError::Content(_) => Skip::BadHeader,
    })?;
    packet.advance(header.slice().len());
    if header.payload_length() != 0 {
        packet.bound(header.payload_length().into());
    }
    packet.set_hosts(Hosts::V6(header.source_addr(), header.destination_addr()));
    Ok(Next::Protocol(header.next_header().0))
}

/// One of [`IPV6_EXTENSIONS`].
pub(super) fn ipv6_extension(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    over_ipv6(packet)?;
    let header =
        Ipv6RawExtHeaderSlice::from_slice(packet.captured()).map_err(|e| packet.lack(e.required_len))?;
    packet.advance(header.slice().len());
    Ok(Next::Protocol(header.next_header().0))
}

/// The IPv6 fragment header; only an atomic fragment (RFC 6946) is a whole packet.
pub(super) fn ipv6_fragment(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    over_ipv6(packet)?;
    let header =
        Ipv6FragmentHeaderSlice::from_slice(packet.captured()).map_err(|e| packet.lack(e.required_len))?;
    packet.advance(header.slice().len());
    if header.is_fragmenting_payload() {
        return Ok(Next::Fragment(Part {
            id: header.identification(),
            offset: header.fragment_offset().byte_offset().into(),
            more: header.more_fragments(),
            protocol: header.next_header().0,
        }));
    }
    Ok(Next::Protocol(header.next_header().0))
}

fn over_ipv6(packet: &Packet<'_>) -> Result<(), Skip> {
    match packet.hosts() {
        Some(Hosts::V6(..)) => Ok(()),
        _ => Err(Skip::OtherTransport),
    }
}

/// The authentication header, over IPv4 and IPv6: signed, not encrypted.
pub(super) fn authentication(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = IpAuthHeaderSlice::from_slice(packet.captured()).map_err(|error| match error {
        ip_auth::HeaderSliceError::Len(e) => packet.lack(e.required_len),
        ip_auth::HeaderSliceError::Content(_) => Skip::BadHeader,
    })?;
    packet.advance(header.slice().len());
    Ok(Next::Protocol(header.next_header().0))
}

/// TCP with its options.
pub(super) fn tcp(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = TcpHeaderSlice::from_slice(packet.captured()).map_err(|error| match error {
        tcp::HeaderSliceError::Len(e) => packet.lack(e.required_len),
        tcp::HeaderSliceError::Content(_) => Skip::BadHeader,
    })?;
    packet.advance(header.slice().len());
    let ports = (header.source_port(), header.destination_port());
    let flags = TcpFlags(header.slice().get(TCP_FLAGS_AT).copied().unwrap_or_default());
    let header = Header::Tcp { seq: header.sequence_number(), ack: header.acknowledgment_number(), flags };
    Ok(Next::Payload { ports, header })
}

/// UDP. Its length counts if it can be true; 0 (jumbogram, UDP segmentation) and lengths outside the IP
/// packet leave the word to IP.
pub(super) fn udp(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = UdpHeaderSlice::from_slice(packet.captured()).map_err(|e| packet.lack(e.required_len))?;
    let header_len = header.slice().len();
    let length = usize::from(header.length());
    if (header_len..=packet.length()).contains(&length) {
        packet.bound(length);
    }
    packet.advance(header_len);
    Ok(Next::Datagram { ports: (header.source_port(), header.destination_port()) })
}
