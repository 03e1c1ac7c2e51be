//! A classic program as eBPF: the user's filter, which the stateful cut has to be joined with.
//!
//! A socket has one filter. So what libpcap compiled is carried over instruction by instruction, with the meaning
//! that the kernel gives it: a load from outside the packet, and a division by zero, take nothing.

use super::classic::{
    Classic, FACTS, INTERFACE, PACKET_TYPE, PROTOCOL, VLAN_PRESENT, VLAN_TAG, VLAN_TYPE, code,
};
use super::ebpf::{Alu, If, Place, Reg, Size, Writer};

/// A; loads from a packet leave their result here.
const A: Reg = Reg(0);
const X: Reg = Reg(7);
/// A register that lives across a load.
const KEPT: Reg = Reg(8);
const SCRATCH: Reg = Reg(2);
/// The packet; loads of bytes want it in this register.
pub(crate) const PACKET: Reg = Reg(6);
/// The bytes to keep of a packet that is taken.
pub(crate) const TAKEN: Reg = Reg(9);
const STACK: Reg = Reg(10);
/// Scratch memory of classic BPF: 16 words.
const MEMORY: u32 = 16;

/// `struct __sk_buff`.
const LENGTH: i16 = 0;
/// Of classic facts: the same in `struct __sk_buff`, and whether it is in network order.
const KNOWN: [(u32, i16, bool); 6] = [
    (PACKET_TYPE, 4, false),
    (PROTOCOL, 16, true),
    (VLAN_PRESENT, 20, false),
    (VLAN_TAG, 24, false),
    (VLAN_TYPE, 28, true),
    (INTERFACE, 40, false),
];

/// Writes `program`: it goes on at `taken` with the bytes to keep in [`TAKEN`], or at `nothing`.
///
/// `None` for a program that holds something libpcap never writes.
pub(crate) fn translate(program: &[Classic], out: &mut Writer, taken: Place, nothing: Place) -> Option<()> {
    let places: Vec<_> = program.iter().map(|_| out.place()).collect();
    out.alu(Alu::Mov, A, 0);
    out.alu(Alu::Mov, X, 0);
    for (at, one) in program.iter().enumerate() {
        out.put(*places.get(at)?);
        let target = |distance: usize| places.get(at + 1 + distance).copied();
        match one.code & 0x07 {
            0x00 => load(*one, out)?,
            0x01 => load_x(*one, out)?,
            0x02 | 0x03 => out.store(Size::Four, STACK, slot(one.k)?, if one.code == 2 { A } else { X }),
            0x04 => arithmetic(*one, out, nothing)?,
            0x05 if one.code == code::JA => out.go(target(usize::try_from(one.k).ok()?)?),
            0x05 => branch(*one, out, (target(one.jt.into())?, target(one.jf.into())?))?,
            0x06 => give_back(*one, out, (taken, nothing))?,
            _ if one.code == code::TAX => out.alu_reg(Alu::Mov, X, A),
            _ if one.code == 0x87 => out.alu_reg(Alu::Mov, A, X),
            _ => return None,
        }
    }
    Some(())
}

fn slot(k: u32) -> Option<i16> {
    let k = i16::try_from(k).ok().filter(|_| k < MEMORY)?;
    Some(-64 + 4 * k)
}

fn load(one: Classic, out: &mut Writer) -> Option<()> {
    match (one.code, one.k) {
        (code::LD_IMM, k) => out.alu(Alu::Mov, A, k),
        (code::LD_MEM, k) => out.load(Size::Four, A, STACK, slot(k)?),
        (0x80, _) => out.load(Size::Four, A, PACKET, LENGTH),
        (code::LD_W | code::LD_H | code::LD_B, k) if k >= FACTS => {
            let (_, off, is_network) = KNOWN.into_iter().find(|(fact, ..)| *fact == k)?;
            out.load(Size::Four, A, PACKET, off);
            if is_network {
                out.swap(A, Size::Two);
            }
        }
        // A further place that libpcap does not ask for
        (code::LD_W | code::LD_H | code::LD_B | 0x40 | 0x48 | 0x50, k) if k > 0x7fff_ffff => return None,
        (code::LD_W | code::LD_H | code::LD_B, k) => {
            out.raw(u8::try_from(one.code).ok()?, Reg(0), Reg(0), 0, k.cast_signed());
        }
        (0x40 | 0x48 | 0x50, k) => out.raw(u8::try_from(one.code).ok()?, Reg(0), X, 0, k.cast_signed()),
        _ => return None,
    }
    Some(())
}

fn load_x(one: Classic, out: &mut Writer) -> Option<()> {
    match one.code {
        0x01 => out.alu(Alu::Mov, X, one.k),
        code::LDX_MEM => out.load(Size::Four, X, STACK, slot(one.k)?),
        0x81 => out.load(Size::Four, X, PACKET, LENGTH),
        code::LDX_MSH if one.k <= 0x7fff_ffff => {
            out.alu_reg(Alu::Mov, KEPT, A);
            out.raw(0x30, Reg(0), Reg(0), 0, one.k.cast_signed());
            out.alu(Alu::And, A, 0x0f);
            out.alu(Alu::Lsh, A, 2);
            out.alu_reg(Alu::Mov, X, A);
            out.alu_reg(Alu::Mov, A, KEPT);
        }
        _ => return None,
    }
    Some(())
}

fn arithmetic(one: Classic, out: &mut Writer, nothing: Place) -> Option<()> {
    const OPERATIONS: [Alu; 11] = [
        Alu::Add,
        Alu::Sub,
        Alu::Mul,
        Alu::Div,
        Alu::Or,
        Alu::And,
        Alu::Lsh,
        Alu::Rsh,
        Alu::Neg,
        Alu::Mod,
        Alu::Xor,
    ];
    let op = OPERATIONS.into_iter().find(|op| u16::from(*op as u8) == one.code & 0xf0)?;
    let divides = matches!(op, Alu::Div | Alu::Mod);
    if op == Alu::Neg {
        out.alu(op, A, 0);
    } else if one.code & 0x08 != 0 {
        if divides {
            out.go_if(X, If::Eq, 0, nothing);
        }
        out.alu_reg(op, A, X);
    } else if divides && one.k == 0 || matches!(op, Alu::Lsh | Alu::Rsh) && one.k > 31 {
        return None;
    } else {
        out.alu(op, A, one.k);
    }
    Some(())
}

fn branch(one: Classic, out: &mut Writer, (yes, no): (Place, Place)) -> Option<()> {
    let compares = match one.code & 0xf0 {
        0x10 => If::Eq,
        0x20 => If::Gt,
        0x30 => If::Ge,
        0x40 => If::Set,
        _ => return None,
    };
    if one.code & 0x08 != 0 {
        out.go_if_reg(A, compares, X, yes);
    } else if let Ok(k) = i32::try_from(one.k) {
        out.go_if(A, compares, k, yes);
    } else {
        // it would be widened with its sign
        out.alu(Alu::Mov, SCRATCH, one.k);
        out.go_if_reg(A, compares, SCRATCH, yes);
    }
    out.go(no);
    Some(())
}

fn give_back(one: Classic, out: &mut Writer, (taken, nothing): (Place, Place)) -> Option<()> {
    match (one.code, one.k) {
        (code::RET, 0) => out.go(nothing),
        (code::RET, k) => {
            out.alu(Alu::Mov, TAKEN, k);
            out.go(taken);
        }
        (code::RET_A, _) => {
            out.go_if(A, If::Eq, 0, nothing);
            out.alu_reg(Alu::Mov, TAKEN, A);
            out.go(taken);
        }
        _ => return None,
    }
    Some(())
}
