//! The block format pcapng (draft-ietf-opsawg-pcapng): sections, their interfaces, packets.
//!
//! Byte order and interfaces hold for one section; a section may have any number of both. Blocks other
//! than sections, interfaces and packets are passed over.

use crate::model::frame::Timestamp;

use super::interface::Interface;
use super::records::{ByteOrder, Damage, MAX_RECORD, Packet, Records, Step};

#[cfg(test)]
mod tests;

/// The section header's type: the same in both byte orders.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The shortest block: type, length, length again.
const MIN_BLOCK: usize = 12;

/// The most interfaces of a section; real ones have dozens.
const MAX_INTERFACES: usize = 65_536;

/// The byte order that a section header's byte-order magic stands for.
pub(super) fn byte_order(magic: [u8; 4]) -> Option<ByteOrder> {
    match magic {
        [0x1a, 0x2b, 0x3c, 0x4d] => Some(ByteOrder::Big),
        [0x4d, 0x3c, 0x2b, 0x1a] => Some(ByteOrder::Little),
        _ => None,
    }
}

/// What the blocks so far told.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// The latest packet's time: a simple packet has none of its own.
    last: Timestamp,
}

/// What a packet block says ahead of its bytes.
struct PacketHead {
    interface: u32,
    units: u64,
    captured: u32,
    original: u32,
}

fn damage<T>(what: &'static str, value: u32) -> Result<T, Damage> {
    Err(Damage { what, value })
}

impl Pcapng {
    pub(super) fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new(), last: Timestamp(0) }
    }

    /// The packet of a block's body, or `None` where it is another block.
    #[inline]
    fn read<'a>(&mut self, kind: u32, body: &'a [u8]) -> Result<Option<Packet<'a>>, Damage> {
        match kind {
            ENHANCED_PACKET => self.enhanced(body).map(Some),
            INTERFACE => self.interface(body).map(|()| None),
            SIMPLE_PACKET => self.simple(body).map(Some),
            PACKET => self.obsolete(body).map(Some),
            _ => Ok(None),
        }
    }

    /// Starts a section (4.1); its interfaces are counted anew.
    fn section(&mut self, order: ByteOrder, body: &[u8]) -> Result<(), Damage> {
        let Some(&[_, _, _, _, m0, m1, ..]) = body.first_chunk::<16>() else {
            return damage("section header length", short(body));
        };
        let major = order.u16([m0, m1]);
        if major != 1 {
            return damage("pcapng major version", major.into());
        }
        self.order = order;
        self.interfaces.clear();
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), Damage> {
        if self.interfaces.len() >= MAX_INTERFACES {
            return damage("interfaces in this section, over", short(self.interfaces.as_slice()));
        }
        self.interfaces.push(Interface::new(body, self.order)?);
        Ok(())
    }

    /// Enhanced packet block (4.3).
    #[inline]
    fn enhanced<'a>(&mut self, body: &'a [u8]) -> Result<Packet<'a>, Damage> {
        let ([interface, high, low, captured, original, ..], _) = body.as_chunks::<4>() else {
            return damage("packet block of length", short(body));
        };
        let order = self.order;
        let head = PacketHead {
            interface: order.u32(*interface),
            units: u64::from(order.u32(*high)) << 32 | u64::from(order.u32(*low)),
            captured: order.u32(*captured),
            original: order.u32(*original),
        };
        self.packet(&head, body.get(20..).unwrap_or_default())
    }

    /// Obsolete packet block (appendix A): a 16-bit interface and a drop counter ahead.
    fn obsolete<'a>(&mut self, body: &'a [u8]) -> Result<Packet<'a>, Damage> {
        let ([[i0, i1, ..], high, low, captured, original, ..], _) = body.as_chunks::<4>() else {
            return damage("packet block of length", short(body));
        };
        let order = self.order;
        let head = PacketHead {
            interface: order.u16([*i0, *i1]).into(),
            units: u64::from(order.u32(*high)) << 32 | u64::from(order.u32(*low)),
            captured: order.u32(*captured),
            original: order.u32(*original),
        };
        self.packet(&head, body.get(20..).unwrap_or_default())
    }

    /// Simple packet block (4.4): of interface 0, with neither time nor captured length.
    fn simple<'a>(&mut self, body: &'a [u8]) -> Result<Packet<'a>, Damage> {
        let Some((original, rest)) = body.split_first_chunk::<4>() else {
            return damage("packet block of length", short(body));
        };
        let Some(interface) = self.interfaces.first() else {
            return damage("no interface", 0);
        };
        let original = self.order.u32(*original);
        let captured = if interface.snap_len == 0 { original } else { original.min(interface.snap_len) };
        let Some(bytes) = rest.get(..captured as usize) else {
            return damage("captured length", captured);
        };
        Ok(Packet { time: self.last, link: interface.link, wire_len: original, bytes })
    }

    #[inline]
    fn packet<'a>(&mut self, head: &PacketHead, rest: &'a [u8]) -> Result<Packet<'a>, Damage> {
        let Some(interface) = self.interfaces.get(head.interface as usize) else {
            return damage("no interface", head.interface);
        };
        let Some(bytes) = rest.get(..head.captured as usize) else {
            return damage("captured length", head.captured);
        };
        self.last = interface.time(head.units);
        let wire_len = head.original.max(head.captured);
        Ok(Packet { time: self.last, link: interface.link, wire_len, bytes })
    }
}

/// A length for an error text.
fn short<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

impl Records for Pcapng {
    #[inline]
    fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Step<'a> {
        let ([kind, length, third, ..], _) = rest.as_chunks::<4>() else {
            return Step::Need(MIN_BLOCK);
        };
        let section = *kind == SECTION;
        let order = if section { byte_order(*third) } else { Some(self.order) };
        let Some(order) = order else {
            return Step::Damage(Damage { what: "byte-order magic", value: u32::from_be_bytes(*third) });
        };
        let length = order.u32(*length);
        if length < 12 || length % 4 != 0 || length > MAX_RECORD {
            return Step::Damage(Damage { what: "block length", value: length });
        }
        let Some((block, after)) = rest.split_at_checked(length as usize) else {
            return Step::Need(length as usize);
        };
        let (body, trailer) = block.split_last_chunk::<4>().unwrap_or((block, &[0; 4]));
        if order.u32(*trailer) != length {
            return Step::Damage(Damage { what: "trailing block length", value: order.u32(*trailer) });
        }
        let body = body.get(8..).unwrap_or_default();
        let read = if section {
            self.section(order, body).map(|()| None)
        } else {
            self.read(order.u32(*kind), body)
        };
        match read {
            Ok(Some(packet)) => {
                *rest = after;
                Step::Packet(packet)
            }
            Ok(None) => {
                *rest = after;
                Step::Skip
            }
            Err(damage) => Step::Damage(damage),
        }
    }
}
