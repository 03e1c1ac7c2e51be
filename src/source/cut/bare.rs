//! The cut that keeps no state, in classic BPF.
//!
//! Without state nobody can tell a hello's later segments from bulk: their bytes are anything. What can be told is a
//! segment without any byte. So this cut takes bare acknowledgements and nothing else: no hello can be lost by it,
//! however its segments are made and in whatever order they come.

use super::classic::{Classic, Code, PROTOCOL, code, op};
use super::link::{Ethertype, Layout};

/// The user's program with the cut behind it; `None` where they do not go together.
///
/// Each `return` of the user's program that takes a packet becomes a jump to the cut, in place, so that no other jump
/// changes.
pub(crate) fn with_cut(program: &[Classic], layout: Layout) -> Option<Vec<Classic>> {
    let taken = program.iter().filter(|one| one.code == code::RET).map(|one| one.k).max()?;
    if taken == 0 || program.iter().any(|one| one.code == code::RET_A) {
        return None;
    }
    let mut joined = Code::default();
    for one in program {
        if one.code == code::RET && one.k > 0 {
            joined.jump(code::JA, 0, "cut", "");
        } else {
            joined.then([*one]);
        }
    }
    joined.at("cut");
    bare_acknowledgements(&mut joined, layout);
    joined.at("take").then([op(code::RET, taken)]);
    joined.at("drop").then([op(code::RET, 0)]);
    joined.finish()
}

/// Goes to `drop` with a TCP segment that has nothing in it and neither SYN, FIN nor RST; to `take` with all else.
fn bare_acknowledgements(program: &mut Code, layout: Layout) {
    let (first, mask, four, six) = match layout.ethertype {
        Ethertype::Ethernet => (op(code::LD_H, 12), 0xffff, 0x0800, 0x86dd),
        Ethertype::Kernel => (op(code::LD_H, PROTOCOL), 0xffff, 0x0800, 0x86dd),
        Ethertype::Version => (op(code::LD_B, 0), 0xf0, 0x40, 0x60),
    };
    program.then([first, op(code::AND, mask)]);
    program.jump(code::JEQ, four, "IPv4", "").jump(code::JEQ, six, "", "take");
    let at = layout.network();
    // X: bytes ahead of the TCP header, behind `at`
    program.then([op(code::LD_IMM, 40), op(code::TAX, 0), op(code::LD_B, at + 6)]);
    program.jump(code::JEQ, 6, "", "take");
    program.then([op(code::LD_H, at + 4)]).jump(code::JEQ, 0, "take", "");
    program.then([op(code::ADD_X, 0), op(code::ST, 0)]).jump(code::JA, 0, "TCP", "");
    program.at("IPv4").then([op(code::LD_B, at + 9)]).jump(code::JEQ, 6, "", "take");
    // a fragment (RFC 791 §3.1)
    program.then([op(code::LD_H, at + 6)]).jump(code::JSET, 0x3fff, "take", "");
    // the length is 0 where the kernel has joined many segments
    program.then([op(code::LDX_MSH, at), op(code::LD_H, at + 2)]).jump(code::JEQ, 0, "take", "");
    program.then([op(code::ST, 0)]);
    program.at("TCP").then([op(code::LD_B_IND, at + 13)]).jump(code::JSET, 0x07, "take", "");
    program.then([
        op(code::LD_B_IND, at + 12),
        op(code::AND, 0xf0),
        op(code::RSH, 2),
        op(code::ADD_X, 0),
        op(code::TAX, 0),
        op(code::LD_MEM, 0),
    ]);
    program.jump(code::JEQ_X, 0, "drop", "take");
}
