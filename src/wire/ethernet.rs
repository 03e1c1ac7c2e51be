//! Ethernet: the MAC header, VLAN tags, and IP behind an LLC header.
//!
//! IEEE 802.3 §3.2 (MAC header), IEEE 802.1Q §9.5 (tags), IEEE 802 §9.4 with RFC 1042 (SNAP).

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::layer::{Next, Packet};
use super::link::{ETHERNET, IPV4, IPV6};
use crate::model::skip::Skip;

/// Numbers that announce a VLAN tag: 802.1Q, 802.1ad, and two in use before 802.1ad.
pub(super) const VLAN_TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];

/// LLC with SNAP and the organisation code of RFC 1042: an `EtherType` follows.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
/// The same with the organisation code of IEEE 802.1H, which bridges from Ethernet use.
const SNAP_802_1H: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0xf8];
/// Bytes of [`SNAP`] and the `EtherType`.
const SNAP_LEN: usize = 8;
/// LLC with IP's own service access point (RFC 948).
const LLC_IP: [u8; 3] = [0x06, 0x06, 0x03];

/// Bytes of the two MAC addresses.
const ADDRESSES_LEN: usize = 12;

/// `LINKTYPE_ETHERNET`: destination, source, `EtherType` or 802.3 length; no preamble, no checksum.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header =
        Ethernet2HeaderSlice::from_slice(packet.captured()).map_err(|e| packet.lack(e.required_len))?;
    packet.advance(header.slice().len());
    Ok(Next::EtherType(header.ether_type().0))
}

/// Transparent Ethernet bridging: a MAC header follows.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn bridged(_packet: &mut Packet<'_>) -> Result<Next, Skip> {
    Ok(Next::Link(ETHERNET))
}

/// A VLAN tag, as one of [`VLAN_TAGS`] announces it.
pub(super) fn vlan(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let tag =
        SingleVlanHeaderSlice::from_slice(packet.captured()).map_err(|e| packet.lack(e.required_len))?;
    packet.add_vlan(tag.vlan_identifier().value())?;
    packet.advance(tag.slice().len());
    Ok(Next::EtherType(tag.ether_type().0))
}

/// An LLC header, as an 802.3 length field announces it; of those, SNAP and the one for IP lead to IP.
pub(super) fn llc(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let captured = packet.captured();
    if captured.starts_with(&LLC_IP) {
        packet.advance(LLC_IP.len());
        return packet.by_version();
    }
    let Some((&[organisation @ .., high, low], _)) = captured.split_first_chunk::<SNAP_LEN>() else {
        return Err(Skip::NotIp);
    };
    if organisation != SNAP && organisation != SNAP_802_1H {
        return Err(Skip::NotIp);
    }
    packet.advance(SNAP_LEN);
    Ok(Next::EtherType(u16::from_be_bytes([high, low])))
}

/// True if an Ethernet frame that carries IP, tagged or not, may stand `at` bytes into `packet`.
///
/// For layers that do not say where their frame begins: an `EtherType` of IP must have the version of
/// that IP behind it.
pub(super) fn may_stand(packet: &Packet<'_>, at: usize) -> bool {
    let Some(&[high, low, first, _, inner_high, inner_low, inner_first]) =
        packet.captured().get(at + ADDRESSES_LEN..).and_then(<[u8]>::first_chunk)
    else {
        return false;
    };
    let ether_type = u16::from_be_bytes([high, low]);
    if !VLAN_TAGS.contains(&ether_type) {
        return is_ip(ether_type, first);
    }
    let inner = u16::from_be_bytes([inner_high, inner_low]);
    VLAN_TAGS.contains(&inner) || is_ip(inner, inner_first)
}

fn is_ip(ether_type: u16, first: u8) -> bool {
    match ether_type {
        IPV4 => first >> 4 == 4,
        IPV6 => first >> 4 == 6,
        _ => false,
    }
}
