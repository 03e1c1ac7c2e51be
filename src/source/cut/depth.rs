//! The cut that knows each connection, in eBPF: it takes what lies deeper in a connection than so many bytes.
//!
//! A map that forgets the least used holds, for each direction, where it begins and how many bytes from there pass.
//! The SYN-ACK tells where, or else the first payload seen. What has no entry passes and gets one, so a full map costs
//! passing bytes, never a hello. These pass in any case: SYN, FIN and RST (they also delete entries, so that ports can
//! be used again), what lies ahead of the beginning, the first segment of a ClientHello at any depth (the count starts
//! anew there, and is as long as the hello says that it is), fragments, and whatever is not understood. A bare
//! acknowledgement passes if what it acknowledges would. From the first TLS record on that is encrypted, a direction
//! passes no more; records are followed from the SYN-ACK on, by their lengths and in order only. Of UDP, only a QUIC
//! connection is ever cut: once so many packets with a short header (RFC 9000 §17.3) have passed after one with a
//! long header.

use super::classic::Classic;
use super::datagram::datagram;
use super::ebpf::{Alu, Call, If, Place, Program, Size, Writer};
use super::link::{Ethertype, Layout};
use super::packet::{AT, BACK, END, Ends, HEADER, INDEX, R0, R1, R2, STACK, THERE, read};
use super::segment::segment;
use super::translate::{PACKET, TAKEN, translate};

/// Index of the map of directions.
pub(crate) const DIRECTIONS: usize = 0;
/// Index of the map of counts: packets and bytes that were cut, by processor.
pub(crate) const COUNTS: usize = 1;
/// Bytes of a key: both addresses, both ports, the IP protocol.
pub(crate) const KEY: u32 = 40;
/// Bytes of a value: base, limit, place of the next TLS record, and nothing.
pub(crate) const VALUE: u32 = 16;
/// Bytes of the counts.
pub(crate) const COUNT: u32 = 16;

/// The user's program, adapted to `layout`, with the cut behind it; `None` where it cannot be carried over.
pub(crate) fn program(user: &[Classic], layout: Layout, depth: u32) -> Option<Program> {
    let mut out = Writer::default();
    let (taken, nothing) = (out.place(), out.place());
    let ends = Ends { pass: out.place(), cut: out.place() };
    out.copy(PACKET, R1);
    translate(user, &mut out, taken, nothing)?;
    out.put(taken);
    let (tcp, udp) = (out.place(), out.place());
    network(&mut out, layout, (tcp, udp), ends);
    out.put(tcp);
    segment(&mut out, depth, ends);
    out.put(udp);
    datagram(&mut out, ends);
    out.put(ends.pass);
    out.alu_reg(Alu::Mov, R0, TAKEN);
    out.exit();
    out.put(ends.cut);
    count(&mut out, nothing);
    out.put(nothing);
    out.alu(Alu::Mov, R0, 0);
    out.exit();
    out.finish()
}

/// Finds the transport header: its offset in `AT`, the packet's end in `END`, the addresses in both keys.
fn network(out: &mut Writer, layout: Layout, (tcp, udp): (Place, Place), ends: Ends) {
    let (four, six) = (out.place(), out.place());
    out.alu(Alu::Mov, AT, 0);
    match layout.ethertype {
        Ethertype::Ethernet => {
            out.alu(Alu::Mov, AT, 12);
            // up to two tags (IEEE 802.1Q §9) that are still in the packet
            for tag in 0..3 {
                let further = out.place();
                read(out, 0, (HEADER, 2), ends);
                out.load(Size::Two, R1, STACK, HEADER);
                out.swap(R1, Size::Two);
                out.alu(Alu::Add, AT, 2);
                out.go_if(R1, If::Eq, 0x0800, four);
                out.go_if(R1, If::Eq, 0x86dd, six);
                if tag < 2 {
                    out.go_if(R1, If::Eq, 0x8100, further);
                    out.go_if(R1, If::Ne, 0x88a8, ends.pass);
                    out.put(further);
                    out.alu(Alu::Add, AT, 2);
                }
            }
            out.go(ends.pass);
        }
        Ethertype::Kernel => {
            out.load(Size::Four, R1, PACKET, 16);
            out.swap(R1, Size::Two);
            out.go_if(R1, If::Eq, 0x0800, four);
            out.go_if(R1, If::Eq, 0x86dd, six);
            out.go(ends.pass);
        }
        Ethertype::Version => {
            read(out, 0, (HEADER, 1), ends);
            out.load(Size::One, R1, STACK, HEADER);
            out.alu(Alu::Rsh, R1, 4);
            out.go_if(R1, If::Eq, 4, four);
            out.go_if(R1, If::Eq, 6, six);
            out.go(ends.pass);
        }
    }
    let transport = out.place();
    out.put(four);
    ipv4(out, transport, ends);
    out.put(six);
    ipv6(out, ends);
    out.put(transport);
    out.go_if(R1, If::Eq, 17, udp);
    out.go_if(R1, If::Ne, 6, ends.pass);
    out.go(tcp);
}

/// RFC 791 §3.1. Goes to `transport` with the protocol in `R1`.
fn ipv4(out: &mut Writer, transport: Place, ends: Ends) {
    let with_length = out.place();
    read(out, 0, (HEADER, 20), ends);
    out.load(Size::Two, R1, STACK, HEADER + 6);
    out.swap(R1, Size::Two);
    out.go_if(R1, If::Set, 0x3fff, ends.pass);
    for at in (0..KEY_WORDS).map(|word| 8 * word) {
        out.store_imm(Size::Eight, STACK, THERE + at, 0);
        out.store_imm(Size::Eight, STACK, BACK + at, 0);
    }
    for (from, there, back) in [(12, 0, 16), (16, 16, 0)] {
        out.load(Size::Four, R1, STACK, HEADER + from);
        out.store(Size::Four, STACK, THERE + there, R1);
        out.store(Size::Four, STACK, BACK + back, R1);
    }
    out.load(Size::Two, END, STACK, HEADER + 2);
    out.swap(END, Size::Two);
    out.alu_reg(Alu::Add, END, AT);
    // 0: the kernel has joined more than 64 KiB of segments
    out.go_if_reg(END, If::Ne, AT, with_length);
    out.load(Size::Four, END, PACKET, 0);
    out.put(with_length);
    out.load(Size::One, R2, STACK, HEADER);
    out.alu(Alu::And, R2, 0x0f);
    out.alu(Alu::Lsh, R2, 2);
    out.alu_reg(Alu::Add, AT, R2);
    out.load(Size::One, R1, STACK, HEADER + 9);
    out.go(transport);
}

/// Words of eight bytes in a key.
const KEY_WORDS: i16 = 5;

/// RFC 8200 §3. Leaves the next header in `R1`.
fn ipv6(out: &mut Writer, ends: Ends) {
    let with_length = out.place();
    read(out, 0, (HEADER, 40), ends);
    for (from, there, back) in [(8, 0, 16), (16, 8, 24), (24, 16, 0), (32, 24, 8)] {
        out.load(Size::Eight, R1, STACK, HEADER + from);
        out.store(Size::Eight, STACK, THERE + there, R1);
        out.store(Size::Eight, STACK, BACK + back, R1);
    }
    out.load(Size::Two, END, STACK, HEADER + 4);
    out.swap(END, Size::Two);
    out.alu(Alu::Add, AT, 40);
    out.alu_reg(Alu::Add, END, AT);
    out.go_if_reg(END, If::Ne, AT, with_length);
    out.load(Size::Four, END, PACKET, 0);
    out.put(with_length);
    out.load(Size::One, R1, STACK, HEADER + 6);
}

/// Counts the packet as cut.
fn count(out: &mut Writer, nothing: Place) {
    out.store_imm(Size::Four, STACK, INDEX, 0);
    out.map(R1, COUNTS);
    out.stack(R2, INDEX);
    out.call(Call::MapLookup);
    out.go_if(R0, If::Eq, 0, nothing);
    out.load(Size::Eight, R1, R0, 0);
    out.bump(R1, 1);
    out.store(Size::Eight, R0, 0, R1);
    out.load(Size::Eight, R1, R0, 8);
    out.load(Size::Four, R2, PACKET, 0);
    out.add_wide(R1, R2);
    out.store(Size::Eight, R0, 8, R1);
}
