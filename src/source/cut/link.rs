//! Where the filter of a socket finds the IP header, by link type.

use crate::model::frame::LinkType;

use super::classic::{Classic, FACTS, INTERFACE, PACKET_TYPE, PROTOCOL, code};

/// What tells IPv4 from IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ethertype {
    /// The Ethernet header, with or without tags.
    Ethernet,
    /// The kernel: the socket delivers no link header, and libpcap writes one of its own.
    Kernel,
    /// The first four bits.
    Version,
}

/// A link type as a socket filter sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What tells the network protocol.
    pub(crate) ethertype: Ethertype,
    /// Length of the header that libpcap writes ahead of what the filter sees.
    written: u32,
}

/// Link types whose packets the cut understands.
const LAYOUTS: [(LinkType, Layout); 4] = [
    (LinkType(1), Layout { ethertype: Ethertype::Ethernet, written: 0 }),
    (LinkType(101), Layout { ethertype: Ethertype::Version, written: 0 }),
    (LinkType(113), Layout { ethertype: Ethertype::Kernel, written: 16 }),
    (LinkType(276), Layout { ethertype: Ethertype::Kernel, written: 20 }),
];

impl Layout {
    /// `None` for a link type that the cut leaves alone.
    pub(crate) fn of(link: LinkType) -> Option<Self> {
        LAYOUTS.iter().find(|(known, _)| *known == link).map(|(_, layout)| *layout)
    }

    /// Where the IP header of an untagged packet begins.
    pub(crate) fn network(self) -> u32 {
        if self.ethertype == Ethertype::Ethernet { 14 } else { 0 }
    }

    /// A program for the packets that libpcap delivers, as one for those that the filter sees; `None` where it asks
    /// for something that only the written header has.
    pub(crate) fn adapted(self, program: &[Classic]) -> Option<Vec<Classic>> {
        if self.written == 0 {
            return Some(program.to_vec());
        }
        program.iter().map(|one| self.adapt(*one)).collect()
    }

    fn adapt(self, one: Classic) -> Option<Classic> {
        let absolute = matches!(one.code & !code::SIZE, 0x20) || one.code == code::LDX_MSH;
        let indirect = matches!(one.code & !code::SIZE, 0x40);
        if !(absolute || indirect) || one.k >= FACTS {
            return Some(one);
        }
        if let Some(k) = one.k.checked_sub(self.written) {
            return Some(Classic { k, ..one });
        }
        // sll(4): packet type 0, protocol 14; sll2: protocol 0, interface 4, packet type 10
        let k = match (self.written, one.k) {
            (16, 14) | (20, 0) => PROTOCOL,
            (16, 0) | (20, 10) => PACKET_TYPE,
            (20, 4) => INTERFACE,
            _ => return None,
        };
        absolute.then_some(Classic { k, ..one })
    }
}
