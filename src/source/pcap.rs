//! The classic capture format (draft-ietf-opsawg-pcap): a 24-byte header, then records.
//!
//! Microseconds or nanoseconds, either byte order, and the `a1b2cd34` variant with 24-byte record headers.
//! The snapshot length of the header is not believed: many writers state one that their packets exceed.

use crate::model::frame::{LinkType, Timestamp};

use super::records::{ByteOrder, Damage, MAX_RECORD, Packet, Records, Step};

#[cfg(test)]
mod tests;

/// Length of the file header in bytes.
pub(super) const HEADER: usize = 24;

/// The link type's bits; above them stand the length of the frame check sequence and its flags.
const LINK_BITS: u32 = 0x03ff_ffff;

/// Record lengths as (captured, original), or the other way round as early writers had them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    /// Version 2.4 and later.
    Captured,
    /// Version 2.3, which both orders are found in: the smaller is what was captured.
    Either,
    /// Before 2.3: the original length comes first.
    Original,
}

/// A capture whose header was read.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    /// Nanoseconds in a unit of the fractional timestamp.
    unit: u64,
    record_header: usize,
    lengths: Lengths,
    link: LinkType,
}

/// What the magic tells.
struct Magic {
    order: ByteOrder,
    unit: u64,
    record_header: usize,
}

fn magic(bytes: [u8; 4]) -> Option<Magic> {
    let (order, unit, record_header) = match bytes {
        [0xa1, 0xb2, 0xc3, 0xd4] => (ByteOrder::Big, 1000, 16),
        [0xd4, 0xc3, 0xb2, 0xa1] => (ByteOrder::Little, 1000, 16),
        [0xa1, 0xb2, 0x3c, 0x4d] => (ByteOrder::Big, 1, 16),
        [0x4d, 0x3c, 0xb2, 0xa1] => (ByteOrder::Little, 1, 16),
        [0xa1, 0xb2, 0xcd, 0x34] => (ByteOrder::Big, 1000, 24),
        [0x34, 0xcd, 0xb2, 0xa1] => (ByteOrder::Little, 1000, 24),
        _ => return None,
    };
    Some(Magic { order, unit, record_header })
}

/// Whether a file that begins so is a classic capture.
pub(super) fn is_magic(bytes: [u8; 4]) -> bool {
    magic(bytes).is_some()
}

impl Pcap {
    /// Reads the file header.
    ///
    /// # Errors
    /// A version other than 2.x, or no magic of this format.
    pub(super) fn new(header: &[u8; HEADER]) -> Result<Self, Damage> {
        let &[m0, m1, m2, m3, v0, v1, v2, v3, .., l0, l1, l2, l3] = header;
        let first = [m0, m1, m2, m3];
        let Some(Magic { order, unit, record_header }) = magic(first) else {
            return Err(Damage { what: "magic", value: u32::from_be_bytes(first) });
        };
        let (major, minor) = (order.u16([v0, v1]), order.u16([v2, v3]));
        if major != 2 {
            return Err(Damage { what: "pcap major version", value: major.into() });
        }
        let lengths = match minor {
            0..=2 => Lengths::Original,
            3 => Lengths::Either,
            _ => Lengths::Captured,
        };
        let link = LinkType(order.u32([l0, l1, l2, l3]) & LINK_BITS);
        Ok(Self { order, unit, record_header, lengths, link })
    }

    /// Captured and original length; the original one is never the smaller.
    #[inline]
    fn lengths(&self, first: u32, second: u32) -> (u32, u32) {
        let swapped = match self.lengths {
            Lengths::Captured => false,
            Lengths::Either => first > second,
            Lengths::Original => true,
        };
        let (captured, original) = if swapped { (second, first) } else { (first, second) };
        (captured, original.max(captured))
    }
}

impl Records for Pcap {
    #[inline]
    fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Step<'a> {
        // once for each order of bytes, so that it is asked for once a record and not once a number
        match self.order {
            ByteOrder::Little => self.take(rest, u32::from_le_bytes),
            ByteOrder::Big => self.take(rest, u32::from_be_bytes),
        }
    }
}

impl Pcap {
    #[inline]
    fn take<'a>(&self, rest: &mut &'a [u8], number: impl Fn([u8; 4]) -> u32) -> Step<'a> {
        let Some((header, body)) = rest.split_at_checked(self.record_header) else {
            return Step::Need(self.record_header);
        };
        let ([seconds, fraction, first, second, ..], _) = header.as_chunks::<4>() else {
            return Step::Need(self.record_header);
        };
        let (captured, wire_len) = self.lengths(number(*first), number(*second));
        if captured > MAX_RECORD {
            return Step::Damage(Damage { what: "captured length", value: captured });
        }
        let Some((bytes, after)) = body.split_at_checked(captured as usize) else {
            return Step::Need(self.record_header + captured as usize);
        };
        *rest = after;
        let (seconds, fraction) = (number(*seconds), number(*fraction));
        let time = Timestamp::new(seconds.into(), u64::from(fraction) * self.unit);
        Step::Packet(Packet { time, link: self.link, wire_len, bytes })
    }
}
