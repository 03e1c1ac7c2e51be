//! Several rings on one interface: a fanout group of the kernel (packet(7), `PACKET_FANOUT`).
//!
//! Which ring takes a packet is decided by a program of our own. Both ways of a connection come to one ring, and so do
//! all connections inside one UDP tunnel between two hosts, whose outer ports differ by direction. The kernel's hash
//! (`PACKET_FANOUT_HASH`) is symmetric since Linux 4.8 only, and splits the two ways of a tunnel. Fragments of IPv4
//! are joined ahead of it (`PACKET_FANOUT_FLAG_DEFRAG`); those of IPv6 come to one ring by their addresses.

use std::io;
use std::os::fd::AsFd;

use nix::sys::socket::sockopt::{GetStruct, SetStruct};
use nix::sys::socket::{getsockopt, setsockopt};

use crate::source::cut::{Classic, Code, Compiled, NET, PROTOCOL, code, op};

/// UDP ports of tunnels that are looked into: VXLAN (two), GENEVE, GTP-U, L2TP, Teredo, CAPWAP, TZSP.
const TUNNELS: [u32; 8] = [4789, 8472, 6081, 2152, 1701, 3544, 5247, 37008];

/// `PACKET_FANOUT_CBPF` with `PACKET_FANOUT_FLAG_DEFRAG`, as upper half of the option's value.
const BY_PROGRAM: u32 = 0x8006 << 16;
/// `PACKET_FANOUT_FLAG_UNIQUEID`: the kernel picks a number that nobody uses (Linux 4.12).
const NEW_NUMBER: u32 = 0x2000 << 16;

#[derive(Clone, Copy)]
struct Fanout;

nix::setsockopt_impl!(Fanout, libc::SOL_PACKET, libc::PACKET_FANOUT, u32, SetStruct<'_, u32>);
nix::getsockopt_impl!(Fanout, libc::SOL_PACKET, libc::PACKET_FANOUT, u32, GetStruct<u32>);

/// Set in [`join`] only, with instructions that outlive the call.
#[derive(Clone, Copy)]
struct FanoutProgram;

nix::setsockopt_impl!(
    FanoutProgram,
    libc::SOL_PACKET,
    libc::PACKET_FANOUT_DATA,
    libc::sock_fprog,
    SetStruct<'_, libc::sock_fprog>
);

/// Joins sockets on one interface in a group of their own: each packet comes to one of them.
///
/// # Errors
/// The kernel's refusal; some of the sockets may be in a group then.
pub(super) fn join<S: AsFd>(sockets: &[S]) -> io::Result<()> {
    let Some((first, others)) = sockets.split_first() else { return Ok(()) };
    setsockopt(first, Fanout, &(BY_PROGRAM | NEW_NUMBER))?;
    let number = getsockopt(first, Fanout)? & 0xffff;
    let program = program().ok_or(io::ErrorKind::InvalidInput)?;
    Compiled::new(&program).with(|fprog| setsockopt(first, FanoutProgram, fprog))?;
    for socket in others {
        setsockopt(socket, Fanout, &(BY_PROGRAM | number))?;
    }
    Ok(())
}

/// The group's program: a number of 16 bits, which the kernel divides by the count of rings. What is not understood
/// is 0.
fn program() -> Option<Vec<Classic>> {
    let mut program = Code::default();
    program.then([op(code::LD_H, PROTOCOL)]);
    program.jump(code::JEQ, 0x0800, "IPv4", "").jump(code::JEQ, 0x86dd, "", "unknown");
    fold(&mut program, 8, 8);
    program.then([op(code::LD_IMM, 40), op(code::TAX, 0), op(code::LD_B, NET + 6)]);
    program.jump(code::JA, 0, "transport", "");
    program.at("IPv4");
    fold(&mut program, 12, 2);
    program.then([op(code::LD_H, NET + 6)]).jump(code::JSET, 0x3fff, "addresses", "");
    // of loads relative to the network header, the kernel has none for this: 4 · (byte & 15)
    program.then([
        op(code::LD_B, NET),
        op(code::AND, 0x0f),
        op(code::LSH, 2),
        op(code::TAX, 0),
        op(code::LD_B, NET + 9),
    ]);
    program.at("transport").jump(code::JEQ, 6, "ports", "").jump(code::JEQ, 17, "", "addresses");
    for from in [0, 2] {
        program.then([op(code::LD_H_IND, NET + from)]);
        for port in TUNNELS {
            program.jump(code::JEQ, port, "addresses", "");
        }
    }
    program.at("ports").then([
        op(code::LD_H_IND, NET),
        op(code::ST, 1),
        op(code::LD_H_IND, NET + 2),
        op(code::LDX_MEM, 1),
        op(code::XOR_X, 0),
        op(code::LDX_MEM, 0),
        op(code::XOR_X, 0),
        op(code::ST, 0),
    ]);
    // the upper half of a product depends on every bit
    program.at("addresses").then([
        op(code::LD_MEM, 0),
        op(code::MUL, 0x9e37_79b1),
        op(code::RSH, 16),
        op(code::RET_A, 0),
    ]);
    program.at("unknown").then([op(code::RET, 0)]);
    program.finish()
}

/// The exclusive or of so many words of the network header, into memory 0.
fn fold(program: &mut Code, from: u32, words: u32) {
    program.then([op(code::LD_W, NET + from)]);
    for word in 1..words {
        program.then([op(code::TAX, 0), op(code::LD_W, NET + from + 4 * word), op(code::XOR_X, 0)]);
    }
    program.then([op(code::ST, 0)]);
}
