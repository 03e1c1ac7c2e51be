//! DTLS inside the datagrams of what carries it: TURN, CAPWAP, RDP.
//!
//! A header is believed only where DTLS follows it; what else is in such datagrams is no concern of this program.

use crate::hello::cursor::Cursor;

/// STUN's fixed bytes (RFC 8489 §5).
const MAGIC_COOKIE: u32 = 0x2112_a442;
/// STUN's DATA attribute (RFC 8656 §18.4).
const DATA: u16 = 0x0013;
/// Attributes ahead of it, at most.
const MAX_ATTRIBUTES: usize = 16;
/// Flags of RDP's header ([MS-RDPEUDP] §2.2.2.1): SYN, ACK, DATA, ACK of ACKs.
const RDP_SYN: u16 = 0x0001;
const RDP_ACK: u16 = 0x0004;
const RDP_DATA: u16 = 0x0008;
const RDP_ACK_OF_ACKS: u16 = 0x0100;
/// Longest ACK vector of RDP.
const RDP_MAX_VECTOR: u16 = 2048;

/// What is inside of a datagram that wraps DTLS; the datagram itself where it does not.
pub(super) fn peel(datagram: &[u8]) -> &[u8] {
    let inside = match datagram {
        [0x40..=0x4f, ..] => channel_data(datagram),
        [0, 0x16 | 0x17, ..] => indication(datagram),
        // RFC 5415 §4.2: version 0, type 1
        [1, 0, 0, 0, inside @ ..] => Some(inside),
        _ => None,
    };
    // RFC 7983, RFC 9443
    let dtls = inside.filter(|inside| matches!(inside, [20..=63, ..]));
    // RDP has no byte that is always the same, and so wants more of what follows
    let certain = |inside: &&[u8]| matches!(inside, [20..=25, 0xfe, 0xfd | 0xff, ..]);
    dtls.or_else(|| rdp(datagram).filter(certain)).unwrap_or(datagram)
}

/// TURN's `ChannelData` (RFC 8656 §12.4); bytes behind it are padding.
fn channel_data(datagram: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(datagram);
    cursor.u16()?;
    let len = usize::from(cursor.u16()?);
    let rest = cursor.rest();
    Some(rest.get(..len).unwrap_or(rest))
}

/// TURN's Send and Data indications (RFC 8656 §11).
fn indication(datagram: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(datagram);
    cursor.u16()?;
    cursor.u16()?;
    if u32::from_be_bytes(*cursor.array()?) != MAGIC_COOKIE {
        return None;
    }
    cursor.array::<12>()?;
    for _ in 0..MAX_ATTRIBUTES {
        let (kind, len) = (cursor.u16()?, cursor.u16()?);
        if kind == DATA {
            let rest = cursor.rest();
            return Some(rest.get(..usize::from(len)).unwrap_or(rest));
        }
        cursor.take(usize::from(len).next_multiple_of(4))?;
    }
    None
}

/// RDP over UDP, version 1 ([MS-RDPEUDP] §3.1.1): header, ACK vector, payload header.
fn rdp(datagram: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(datagram);
    cursor.array::<6>()?;
    let flags = cursor.u16()?;
    if flags & (RDP_SYN | RDP_DATA) != RDP_DATA {
        return None;
    }
    if flags & RDP_ACK != 0 {
        let len = cursor.u16().filter(|len| *len <= RDP_MAX_VECTOR)?;
        // with its length padded to four bytes
        cursor.take((usize::from(len) + 2).next_multiple_of(4) - 2)?;
    }
    if flags & RDP_ACK_OF_ACKS != 0 {
        cursor.array::<4>()?;
    }
    cursor.array::<8>()?;
    Some(cursor.rest())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSIDE: &[u8] = &[22, 0xfe, 0xfd, 7, 7, 7];

    fn stun(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let len = u16::try_from(attributes.len()).unwrap().to_be_bytes();
        [&kind.to_be_bytes(), &len[..], &MAGIC_COOKIE.to_be_bytes(), &[9; 12], attributes].concat()
    }

    #[test]
    fn each_wrapping_is_taken_off() {
        let address = [0, 0x12, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0];
        let data = [&[0, 0x13, 0, 6], INSIDE, &[0, 0]].concat();
        let rdp = |flags: u16, middle: &[u8]| {
            [&[1, 2, 3, 4, 4, 0], &flags.to_be_bytes()[..], middle, &[5; 8], INSIDE].concat()
        };
        for (name, wrapped) in [
            ("channel data", [&[0x40, 1, 0, 6], INSIDE].concat()),
            ("padded", [&[0x4f, 0xff, 0, 6], INSIDE, &[0, 0]].concat()),
            ("send", stun(0x0016, &[&address[..], &data].concat())),
            ("data", stun(0x0017, &[&data[..], &address].concat())),
            ("capwap", [&[1, 0, 0, 0], INSIDE].concat()),
            ("rdp", rdp(0x0008, &[])),
            ("rdp with ACK", rdp(0x000c, &[0, 0, 0, 0])),
            ("rdp with a vector", rdp(0x000c, &[0, 3, 1, 2, 3, 0, 0, 0])),
            ("rdp with ACK of ACKs", rdp(0x010c, &[0, 0, 0, 0, 6, 6, 6, 6])),
        ] {
            assert_eq!(peel(&wrapped), INSIDE, "{name}");
            for end in 0..wrapped.len() {
                let cut = &wrapped[..end];
                let inside = peel(cut);
                assert!(inside == cut || INSIDE.starts_with(inside), "{name} cut after {end}");
            }
        }
    }

    #[test]
    fn anything_else_stays_as_it_is() {
        for plain in [
            INSIDE.to_vec(),
            Vec::new(),
            stun(0x0001, &[&[0, 0x13, 0, 6], INSIDE, &[0, 0]].concat()),
            stun(0x0016, &[0, 0x13, 0, 1, 9]),
            [&[0x40, 1, 0, 6], &b"GET / "[..]].concat(),
            [&[1, 0, 0, 0], &[0x80; 6][..]].concat(),
            [&[1, 2, 3, 4, 4, 0, 0, 9], &[5; 8][..], INSIDE].concat(),
            [&[0x2e, 2, 3, 4, 4, 0, 0, 8], &[0x2e; 40][..]].concat(),
        ] {
            assert_eq!(peel(&plain), plain, "{plain:?}");
        }
    }
}
