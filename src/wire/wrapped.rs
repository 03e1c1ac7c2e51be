//! Link types that carry another link type, or IP, inside a header of the capturing system.
//!
//! PPI (the CACE specification 1.0.10), PKTAP (Apple's `pktap.h`), NFLOG (Linux `nfnetlink_log.h`),
//! PFLOG (OpenBSD's `if_pflog.h`), all as tcpdump.org/linktypes describes them.

use super::layer::{Next, Packet};
use super::loopback;
use crate::model::frame::LinkType;
use crate::model::skip::Skip;

/// Bytes of a PPI header without its fields: version, flags, length, link type.
const PPI_LEN: usize = 8;
/// Bytes of a PKTAP header up to the link type: length, record type, link type.
const PKTAP_START: usize = 12;
/// Record type of a packet.
const PKTAP_PACKET: u32 = 1;
/// Attributes of one NFLOG packet that are passed.
const MAX_ATTRIBUTES: usize = 64;
/// Attribute that holds the packet, and the bytes of an attribute's header.
const PAYLOAD: u16 = 9;
const ATTRIBUTE_LEN: usize = 4;
/// Attribute types end far below this.
const MAX_TYPE: u16 = 0x100;
/// Bytes of the shortest PFLOG header.
const PFLOG_MIN: usize = 48;

/// `LINKTYPE_PPI`.
pub(super) fn ppi(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = packet.captured().first_chunk::<PPI_LEN>().ok_or_else(|| packet.lack(PPI_LEN))?;
    let &[_, _, low, high, link @ ..] = header;
    let length = usize::from(u16::from_le_bytes([low, high]));
    if length < PPI_LEN {
        return Err(Skip::BadHeader);
    }
    packet.skip(length)?;
    Ok(Next::Link(LinkType(u32::from_le_bytes(link))))
}

/// `LINKTYPE_PKTAP`; Apple's machines are little-endian.
pub(super) fn pktap(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = packet.captured().first_chunk::<PKTAP_START>().ok_or_else(|| packet.lack(PKTAP_START))?;
    let (words, _) = header.as_chunks::<4>();
    let &[length, record, link] = words else { return Err(Skip::BadHeader) };
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length < PKTAP_START {
        return Err(Skip::BadHeader);
    }
    if u32::from_le_bytes(record) != PKTAP_PACKET {
        return Err(Skip::NotIp);
    }
    packet.skip(length)?;
    Ok(Next::Link(LinkType(u32::from_le_bytes(link))))
}

/// `LINKTYPE_NFLOG`: a family, and attributes in the byte order of the machine, one of which is the packet.
pub(super) fn nflog(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[family, version, _, _] = packet.take()?;
    if version != 0 {
        return Err(Skip::BadHeader);
    }
    for _ in 0..MAX_ATTRIBUTES {
        let header = packet.captured().first_chunk::<ATTRIBUTE_LEN>();
        let (length, kind) = attribute(*header.ok_or_else(|| packet.lack(ATTRIBUTE_LEN))?);
        if length < ATTRIBUTE_LEN {
            return Err(Skip::BadHeader);
        }
        if kind == PAYLOAD {
            packet.skip(ATTRIBUTE_LEN)?;
            packet.bound(length - ATTRIBUTE_LEN);
            // A bridge or ARP table gives frames of its own family.
            return loopback::next(family.into());
        }
        packet.skip(length.next_multiple_of(4))?;
    }
    Err(Skip::BadHeader)
}

/// Length and type of an attribute: only in the right byte order is the type a small number.
fn attribute([a, b, c, d]: [u8; ATTRIBUTE_LEN]) -> (usize, u16) {
    let little = u16::from_le_bytes([c, d]);
    if little < MAX_TYPE {
        (u16::from_le_bytes([a, b]).into(), little)
    } else {
        (u16::from_be_bytes([a, b]).into(), u16::from_be_bytes([c, d]))
    }
}

/// `LINKTYPE_PFLOG`: its first byte is its length without padding, its second the address family.
pub(super) fn pflog(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[length, family] = packet.captured().first_chunk::<2>().ok_or_else(|| packet.lack(2))?;
    let length = usize::from(length).next_multiple_of(4);
    if length < PFLOG_MIN {
        return Err(Skip::BadHeader);
    }
    packet.skip(length)?;
    loopback::next(family.into())
}
