//! Ethernet: the MAC header, VLAN tags, and IP behind an LLC/SNAP header.
//!
//! IEEE 802.3 §3.2 (MAC header), IEEE 802.1Q §9.5 (tags), IEEE 802 §9.4 with RFC 1042 (SNAP).

use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

use super::layer::{Next, Packet};
use super::link::Stripped;
use crate::model::skip::Skip;

/// Numbers that announce a VLAN tag: 802.1Q, 802.1ad, and two in use before 802.1ad.
pub(super) const VLAN_TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];

/// LLC with SNAP and the organisation code of RFC 1042: an `EtherType` follows.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
/// Bytes of [`SNAP`] and the `EtherType`.
const SNAP_LEN: usize = 8;

/// `LINKTYPE_ETHERNET`: destination, source, `EtherType` or 802.3 length; no preamble, no checksum.
pub(super) fn strip(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    let header = Ethernet2HeaderSlice::from_slice(frame).map_err(|_| Skip::TruncatedHeader)?;
    let payload = frame.get(header.slice().len()..).unwrap_or_default();
    Ok(Stripped { ether_type: header.ether_type().0, payload })
}

/// A VLAN tag, as one of [`VLAN_TAGS`] announces it.
pub(super) fn vlan(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let tag =
        SingleVlanHeaderSlice::from_slice(packet.captured()).map_err(|e| packet.lack(e.required_len))?;
    packet.add_vlan(tag.vlan_identifier().value())?;
    packet.advance(tag.slice().len());
    Ok(Next::EtherType(tag.ether_type().0))
}

/// An LLC header, as an 802.3 length field announces it; of those, only SNAP can lead to IP here.
pub(super) fn llc(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let Some((&[organisation @ .., high, low], _)) = packet.captured().split_first_chunk::<SNAP_LEN>() else {
        return Err(Skip::NotIp);
    };
    if organisation != SNAP {
        return Err(Skip::NotIp);
    }
    packet.advance(SNAP_LEN);
    Ok(Next::EtherType(u16::from_be_bytes([high, low])))
}
