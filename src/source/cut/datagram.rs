//! UDP in the stateful cut: only a QUIC connection is ever cut, and only its packets with a short header.

use super::ebpf::{Alu, If, Size, Writer};
use super::packet::{ENTRY, Ends, HEADER, R0, R1, R2, STACK, THERE, enter, look_up, ports, read};

/// Packets with a short header that pass after each with a long one.
const QUIC_SHORT: u32 = 64;
/// QUIC 1 (RFC 9000), QUIC 2 (RFC 9369), and the drafts' versions without their last byte.
const QUIC_VERSIONS: [(u32, u32); 3] = [(0, 1), (0, 0x6b33_43cf), (8, 0x00ff_0000)];
/// RFC 768, with what RFC 9000 §17 says of the first bytes.
pub(super) fn datagram(out: &mut Writer, ends: Ends) {
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
    out.store_imm(Size::Eight, STACK, ENTRY + 8, 0);
    enter(out, THERE);
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
