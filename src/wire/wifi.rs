//! 802.11 data frames, and the headers that drivers put ahead of them.
//!
//! IEEE 802.11 §9.2 and §9.3.2; radiotap.org; `LINKTYPE_IEEE802_11_PRISM` and `…_AVS` of
//! tcpdump.org/linktypes. Protected frames are encrypted and lead nowhere. Of an aggregate (A-MSDU) the
//! first part is read.

use super::layer::{Next, Packet};
use super::link::{LLC, WIFI};
use crate::model::skip::Skip;

/// Version and type bits of frame control's first byte, and their value in a data frame.
const TYPE: u8 = 0x0f;
const DATA: u8 = 0x08;
/// Subtype bits of a data frame: no payload, quality of service.
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;
/// Bits of frame control's second byte.
const BOTH_WAYS: u8 = 0x03;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// Frame control, duration, three addresses, sequence control.
const HEADER_LEN: usize = 24;
const ADDRESS_LEN: usize = 6;
const HT_CONTROL_LEN: usize = 4;
/// Bit of the first quality-of-service byte: an aggregate, whose parts have two addresses and a length.
const AGGREGATE: u8 = 0x80;
const PART_HEADER_LEN: usize = 14;

/// Radiotap: present bits, and bits of the flags field.
const TIME: u32 = 1;
const FLAGS: u32 = 2;
const MORE_BITS: u32 = 1 << 31;
const FLAG_PADDED: u8 = 0x20;
/// Present words that are passed.
const MAX_WORDS: usize = 32;
/// Bytes of the fixed part: version, padding, length, first present word.
const RADIOTAP_LEN: usize = 8;
/// Length and alignment of the time stamp.
const TIME_LEN: usize = 8;

/// What AVS headers begin with but for the last digit, and where their length stands.
const AVS_COOKIE: [u8; 3] = [0x80, 0x21, 0x10];

/// `LINKTYPE_IEEE802_11`.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    data(packet, false, false)
}

/// The same in CAPWAP, whose access points may swap the bytes of frame control: the version is 0 in only
/// one order, as a data frame of a network has a direction.
pub(super) fn maybe_swapped(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let swapped = packet.captured().first().is_some_and(|first| first & TYPE != DATA);
    data(packet, swapped, false)
}

fn data(packet: &mut Packet<'_>, swapped: bool, padded: bool) -> Result<Next, Skip> {
    let &[first, second, ..] = packet.take::<HEADER_LEN>()?;
    let (kind, flags) = if swapped { (second, first) } else { (first, second) };
    if kind & TYPE != DATA || kind & NO_DATA != 0 || flags & PROTECTED != 0 {
        return Err(Skip::NotIp);
    }
    let mut header_len = HEADER_LEN;
    if flags & BOTH_WAYS == BOTH_WAYS {
        packet.skip(ADDRESS_LEN)?;
        header_len += ADDRESS_LEN;
    }
    let mut aggregate = false;
    if kind & QOS != 0 {
        let &[control, _] = packet.take()?;
        aggregate = control & AGGREGATE != 0;
        header_len += 2;
        if flags & ORDER != 0 {
            packet.skip(HT_CONTROL_LEN)?;
            header_len += HT_CONTROL_LEN;
        }
    }
    if padded {
        packet.skip(header_len.next_multiple_of(4) - header_len)?;
    }
    if aggregate {
        packet.skip(PART_HEADER_LEN)?;
    }
    Ok(Next::EtherType(LLC))
}

/// `LINKTYPE_IEEE802_11_RADIOTAP`: of its fields only the flags matter, as they tell of padding.
pub(super) fn radiotap(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = packet.captured();
    let &[version, _, low, high, ..] =
        header.first_chunk::<RADIOTAP_LEN>().ok_or_else(|| packet.lack(RADIOTAP_LEN))?;
    let length = usize::from(u16::from_le_bytes([low, high]));
    if version != 0 || length < RADIOTAP_LEN {
        return Err(Skip::BadHeader);
    }
    let padded = radiotap_flags(header.get(..length).unwrap_or(header)) & FLAG_PADDED != 0;
    packet.skip(length)?;
    data(packet, false, padded)
}

/// The flags field, or 0.
fn radiotap_flags(header: &[u8]) -> u8 {
    let mut at = 4;
    let word = |at: usize| header.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word));
    let present = word(at).unwrap_or(0);
    for _ in 0..MAX_WORDS {
        let more = word(at).is_some_and(|word| word & MORE_BITS != 0);
        at += 4;
        if !more {
            break;
        }
    }
    if present & FLAGS == 0 {
        return 0;
    }
    if present & TIME != 0 {
        at = at.next_multiple_of(TIME_LEN) + TIME_LEN;
    }
    header.get(at).copied().unwrap_or(0)
}

/// `LINKTYPE_IEEE802_11_PRISM` and `LINKTYPE_IEEE802_11_AVS`: drivers of the one may give the other.
pub(super) fn prism_or_avs(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let header = packet.captured().first_chunk::<8>().ok_or_else(|| packet.lack(8))?;
    let &[a, b, c, _, length @ ..] = header;
    let length = if [a, b, c] == AVS_COOKIE {
        u32::from_be_bytes(length)
    } else {
        // In the byte order of the machine; the smaller reading is the right one.
        u32::from_le_bytes(length).min(u32::from_be_bytes(length))
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length < header.len() {
        return Err(Skip::BadHeader);
    }
    packet.skip(length)?;
    Ok(Next::Link(WIFI))
}
