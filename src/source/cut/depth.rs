//! The cut that knows each connection, in eBPF: it takes what lies deeper in a connection than so many bytes.
//!
//! A map that forgets the least used holds, for each direction, the sequence number of the first payload seen and how
//! many bytes from there pass. What has no entry passes and gets one, so a full map costs passing bytes, never a
//! hello. These pass in any case: SYN, FIN and RST (they also delete entries, so that ports can be used again), what
//! lies ahead of the first payload seen, the beginning of a ClientHello at any depth (the count starts anew there, and
//! is as long as the hello says that it is), fragments, and whatever is not understood. A bare acknowledgement passes
//! if what it acknowledges would. Of UDP, only a QUIC connection is ever cut: once so many packets with a short
//! header (RFC 9000 §17.3) have passed after one with a long header.

use super::classic::Classic;
use super::ebpf::{Alu, Call, If, Place, Program, Reg, Size, Writer};
use super::link::{Ethertype, Layout};
use super::translate::{PACKET, TAKEN, translate};

/// Index of the map of directions.
pub(crate) const DIRECTIONS: usize = 0;
/// Index of the map of counts: packets and bytes that were cut, by processor.
pub(crate) const COUNTS: usize = 1;
/// Bytes of a key: both addresses, both ports, the IP protocol.
pub(crate) const KEY: u32 = 40;
/// Bytes of a value: base and limit.
pub(crate) const VALUE: u32 = 8;
/// Bytes of the counts.
pub(crate) const COUNT: u32 = 16;
/// Packets with a short header that pass after each with a long one.
const QUIC_SHORT: u32 = 64;
/// QUIC 1 (RFC 9000), QUIC 2 (RFC 9369), and the drafts' versions without their last byte.
const QUIC_VERSIONS: [(u32, u32); 3] = [(0, 1), (0, 0x6b33_43cf), (8, 0x00ff_0000)];
/// From this many bytes on the base moves along by half of it: 2³¹ would read as "ahead of the base".
const FAR: u32 = 1 << 30;
/// The longest hello that anybody reads (`hello::client::MAX_BODY`).
const MAX_HELLO: u32 = 128 * 1024;

// The stack, from its end: memory of the user's filter to -64, then these.
const THERE: i16 = -104;
const BACK: i16 = -144;
const HEADER: i16 = -208;
/// The payload's first bytes; the lengths in them are where a load of four bytes may be.
const BEGINNING: i16 = -189;
const ENTRY: i16 = -216;
const INDEX: i16 = -220;

const R0: Reg = Reg(0);
const R1: Reg = Reg(1);
const R2: Reg = Reg(2);
const R3: Reg = Reg(3);
const R4: Reg = Reg(4);
const STACK: Reg = Reg(10);
/// Offset of the header at hand in the packet.
const AT: Reg = Reg(7);
/// Offset of the end of the IP packet; then the length of the payload.
const END: Reg = Reg(8);

/// Where a packet's way ends.
#[derive(Clone, Copy)]
struct Ends {
    pass: Place,
    cut: Place,
}

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

/// Copies `len` bytes of the packet from `AT` + `off` to `to`; what is not there passes.
fn read(out: &mut Writer, off: i32, (to, len): (i16, u32), ends: Ends) {
    out.copy(R1, PACKET);
    out.copy(R2, AT);
    out.bump(R2, off);
    out.stack(R3, to);
    out.alu(Alu::Mov, R4, len);
    out.call(Call::LoadBytes);
    out.go_if(R0, If::Ne, 0, ends.pass);
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

/// Puts ports and protocol, which are at `HEADER`, into both keys.
fn ports(out: &mut Writer, protocol: i32) {
    for (from, there, back) in [(0, 32, 34), (2, 34, 32)] {
        out.load(Size::Two, R1, STACK, HEADER + from);
        out.store(Size::Two, STACK, THERE + there, R1);
        out.store(Size::Two, STACK, BACK + back, R1);
    }
    for key in [THERE, BACK] {
        out.store_imm(Size::Four, STACK, key + 36, protocol);
    }
}

/// Looks `key` up: `R0` is its value, or 0.
fn look_up(out: &mut Writer, key: i16) {
    out.map(R1, DIRECTIONS);
    out.stack(R2, key);
    out.call(Call::MapLookup);
}

fn delete(out: &mut Writer, key: i16) {
    out.map(R1, DIRECTIONS);
    out.stack(R2, key);
    out.call(Call::MapDelete);
}

/// Enters what is at [`ENTRY`] for the sender. Should the map refuse, the next segment tries again.
fn enter(out: &mut Writer) {
    out.map(R1, DIRECTIONS);
    out.stack(R2, THERE);
    out.stack(R3, ENTRY);
    out.alu(Alu::Mov, R4, 0);
    out.call(Call::MapUpdate);
}

/// RFC 9293 §3.1.
fn segment(out: &mut Writer, depth: u32, ends: Ends) {
    let (data, no_control, not_both) = (out.place(), out.place(), out.place());
    read(out, 0, (HEADER, 14), ends);
    ports(out, 6);
    out.load(Size::One, R1, STACK, HEADER + 13);
    out.alu(Alu::And, R1, 0x07);
    out.go_if(R1, If::Eq, 0, no_control);
    delete(out, THERE);
    // a SYN without ACK, and a RST, speak for both ways
    out.load(Size::One, R1, STACK, HEADER + 13);
    out.alu(Alu::And, R1, 0x16);
    out.go_if(R1, If::Eq, 0x10, not_both);
    out.go_if(R1, If::Eq, 0x12, not_both);
    out.go_if(R1, If::Eq, 0, not_both);
    delete(out, BACK);
    out.put(not_both);
    out.go(ends.pass);

    out.put(no_control);
    out.load(Size::One, R2, STACK, HEADER + 12);
    out.alu(Alu::And, R2, 0xf0);
    out.alu(Alu::Rsh, R2, 2);
    out.alu_reg(Alu::Add, AT, R2);
    out.go_if_reg(END, If::Gt, AT, data);
    acknowledgement(out, ends);
    out.put(data);
    out.alu_reg(Alu::Sub, END, AT);
    payload(out, depth, ends);
}

/// A segment without payload.
fn acknowledgement(out: &mut Writer, ends: Ends) {
    look_up(out, BACK);
    out.go_if(R0, If::Eq, 0, ends.pass);
    out.load(Size::Four, R1, STACK, HEADER + 8);
    out.swap(R1, Size::Four);
    out.load(Size::Four, R2, R0, 0);
    out.alu_reg(Alu::Sub, R1, R2);
    out.alu_reg(Alu::Mov, R2, R1);
    out.alu(Alu::Rsh, R2, 31);
    out.go_if(R2, If::Ne, 0, ends.pass);
    out.load(Size::Four, R2, R0, 4);
    out.go_if_reg(R1, If::Gt, R2, ends.cut);
    out.go(ends.pass);
}

/// A segment with `END` bytes of payload at `AT`.
fn payload(out: &mut Writer, depth: u32, ends: Ends) {
    let (known, new, deep, inside, near) = (out.place(), out.place(), out.place(), out.place(), out.place());
    // the sequence number lives at ENTRY until it is needed: the payload's first bytes go over the header
    out.load(Size::Four, R1, STACK, HEADER + 4);
    out.swap(R1, Size::Four);
    out.store(Size::Four, STACK, ENTRY, R1);
    hello(out, ends);
    look_up(out, THERE);
    out.go_if(R0, If::Ne, 0, known);

    out.put(new);
    out.store_imm(Size::Four, STACK, ENTRY + 4, depth.cast_signed());
    out.go_if(END, If::Gt, depth.cast_signed(), near);
    out.go(inside);
    out.put(near);
    out.store(Size::Four, STACK, ENTRY + 4, END);
    out.put(inside);
    enter(out);
    out.go(ends.pass);

    out.put(known);
    out.load(Size::Four, R1, STACK, ENTRY);
    out.load(Size::Four, R2, R0, 0);
    out.alu_reg(Alu::Sub, R1, R2);
    out.alu_reg(Alu::Mov, R3, R1);
    out.alu(Alu::Rsh, R3, 31);
    let (ahead, shallow) = (out.place(), out.place());
    out.go_if(R3, If::Ne, 0, ahead);
    out.load(Size::Four, R3, R0, 4);
    out.go_if_reg(R3, If::Gt, R1, shallow);
    out.go(deep);

    // earlier than the first that was seen: it passes, and if a hello begins here it counts from here
    out.put(ahead);
    out.go_if(END, If::Ne, 0, new);
    out.go(ends.pass);

    out.put(shallow);
    out.go_if(END, If::Eq, 0, ends.pass);
    out.alu_reg(Alu::Add, END, R1);
    out.go_if_reg(R3, If::Ge, END, ends.pass);
    out.store(Size::Four, R0, 4, END);
    out.go(ends.pass);

    out.put(deep);
    out.go_if(END, If::Ne, 0, new);
    out.alu(Alu::Mov, R4, FAR);
    out.go_if_reg(R4, If::Gt, R1, ends.cut);
    out.alu(Alu::Add, R2, FAR / 2);
    out.store(Size::Four, R0, 0, R2);
    out.go(ends.cut);
}

/// Leaves in `END` how many bytes a ClientHello that begins here needs, or 0.
///
/// RFC 8446 §5.1 and §4: record type 22, version 3.x, its length; message type 1, its length. Twice the length is
/// room for the headers of as many records as anybody ever made of a hello, and more.
fn hello(out: &mut Writer, ends: Ends) {
    let (none, done, long) = (out.place(), out.place(), out.place());
    out.alu(Alu::Mov, R1, 9);
    out.go_if_reg(R1, If::Gt, END, none);
    read(out, 0, (BEGINNING, 9), ends);
    out.load(Size::One, R1, STACK, BEGINNING);
    out.go_if(R1, If::Ne, 22, none);
    out.load(Size::One, R1, STACK, BEGINNING + 1);
    out.go_if(R1, If::Ne, 3, none);
    out.load(Size::Four, END, STACK, BEGINNING + 5);
    out.swap(END, Size::Four);
    out.alu_reg(Alu::Mov, R1, END);
    out.alu(Alu::Rsh, R1, 24);
    out.go_if(R1, If::Ne, 1, none);
    out.alu(Alu::And, END, 0x00ff_ffff);
    out.go_if(END, If::Gt, MAX_HELLO.cast_signed(), long);
    out.alu(Alu::Lsh, END, 1);
    out.alu(Alu::Add, END, 1024);
    out.go(done);
    out.put(long);
    out.alu(Alu::Mov, END, 2 * MAX_HELLO);
    out.go(done);
    out.put(none);
    out.alu(Alu::Mov, END, 0);
    out.put(done);
}

/// RFC 768, with what RFC 9000 §17 says of the first bytes.
fn datagram(out: &mut Writer, ends: Ends) {
    let (short, reset) = (out.place(), out.place());
    read(out, 0, (HEADER, 13), ends);
    ports(out, 17);
    out.load(Size::One, R1, STACK, HEADER + 8);
    out.alu(Alu::And, R1, 0xc0);
    out.go_if(R1, If::Eq, 0x40, short);
    out.go_if(R1, If::Ne, 0xc0, ends.pass);
    for (shift, version) in QUIC_VERSIONS {
        out.load(Size::One, R1, STACK, HEADER + 9);
        for byte in 1..4 {
            out.alu(Alu::Lsh, R1, 8);
            out.load(Size::One, R2, STACK, HEADER + 9 + byte);
            out.alu_reg(Alu::Or, R1, R2);
        }
        if shift > 0 {
            out.alu(Alu::Rsh, R1, shift);
        }
        out.go_if(R1, If::Eq, version.cast_signed(), reset);
    }
    out.go(ends.pass);

    out.put(reset);
    out.store_imm(Size::Eight, STACK, ENTRY, 0);
    enter(out);
    out.go(ends.pass);

    out.put(short);
    look_up(out, THERE);
    out.go_if(R0, If::Eq, 0, ends.pass);
    out.load(Size::Four, R1, R0, 0);
    out.go_if(R1, If::Ge, QUIC_SHORT.cast_signed(), ends.cut);
    out.alu(Alu::Add, R1, 1);
    out.store(Size::Four, R0, 0, R1);
    out.go(ends.pass);
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
