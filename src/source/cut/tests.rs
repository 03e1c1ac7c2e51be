//! Programs that need no kernel to be checked; `tests/live_rings.rs` runs them all in one.

use super::classic::{Classic, Code, MAX_INSTRUCTIONS, PROTOCOL, code, op};
use super::link::Layout;
use super::{bare, depth};
use crate::model::frame::LinkType;

const ETHERNET: LinkType = LinkType(1);
const SLL: LinkType = LinkType(113);
const SLL2: LinkType = LinkType(276);

/// Runs a classic program on a packet, as bpf(4) says; only what the programs here use.
fn run(program: &[Classic], packet: &[u8]) -> u32 {
    let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; 16], 0_usize);
    let load = |from: u32, len: usize| {
        let from = from as usize;
        packet.get(from..from + len).map(|all| all.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    loop {
        let one = program[at];
        at += 1;
        let loaded = match one.code {
            code::LD_W => load(one.k, 4),
            code::LD_H => load(one.k, 2),
            code::LD_H_IND => load(x + one.k, 2),
            code::LD_B_IND => load(x + one.k, 1),
            code::LD_B | code::LDX_MSH => load(one.k, 1),
            _ => Some(0),
        };
        let Some(loaded) = loaded else { return 0 };
        let condition = match one.code {
            code::JEQ => a == one.k,
            code::JSET => a & one.k != 0,
            code::JEQ_X => a == x,
            _ => false,
        };
        match one.code {
            code::LD_W | code::LD_H | code::LD_B | code::LD_H_IND | code::LD_B_IND => a = loaded,
            code::LDX_MSH => x = 4 * (loaded & 15),
            code::LD_IMM => a = one.k,
            code::LD_MEM => a = memory[one.k as usize],
            code::ST => memory[one.k as usize] = a,
            code::ADD_X => a = a.wrapping_add(x),
            code::AND => a &= one.k,
            code::RSH => a >>= one.k,
            code::TAX => x = a,
            code::JA => at += one.k as usize,
            code::JEQ | code::JSET | code::JEQ_X => {
                at += usize::from(if condition { one.jt } else { one.jf });
            }
            code::RET => return one.k,
            other => panic!("{other:#x}"),
        }
    }
}

/// An Ethernet frame with an IPv4 TCP segment.
fn frame(flags: u8, ip_options: u8, tcp_options: u8, payload: usize) -> Vec<u8> {
    let ip = 20 + usize::from(ip_options);
    let tcp = 20 + usize::from(tcp_options);
    let total = u16::try_from(ip + tcp + payload).unwrap().to_be_bytes();
    let mut bytes = vec![0; 12];
    bytes.extend([8, 0, 0x40 + (20 + ip_options) / 4, 0, total[0], total[1], 0, 1, 0x40, 0, 64, 6]);
    bytes.resize(14 + ip, 1);
    bytes.extend([1, 187, 200, 1, 0, 0, 0, 1, 0, 0, 0, 1, (20 + tcp_options) / 4 * 16, flags]);
    bytes.resize(14 + ip + tcp, 1);
    bytes.resize((14 + ip + tcp + payload).max(60), 0x17);
    bytes
}

/// Takes every packet of more than 30 bytes behind the addresses.
fn user() -> Vec<Classic> {
    vec![
        op(code::LD_H, 12),
        Classic { jt: 0, jf: 1, ..op(code::JEQ, 0x0800) },
        op(code::RET, 500),
        op(code::RET, 0),
    ]
}

#[test]
fn the_stateless_cut_takes_bare_acknowledgements_and_nothing_else() {
    let program = bare::with_cut(&user(), Layout::of(ETHERNET).unwrap()).unwrap();
    for (flags, ip, tcp) in [(0x10, 0, 0), (0x10, 0, 12), (0x10, 8, 0), (0x18, 40, 40), (0x50, 0, 8)] {
        assert_eq!(run(&program, &frame(flags, ip, tcp, 0)), 0, "{flags:#x} {ip} {tcp}");
        for payload in [1, 5, 6, 1400] {
            assert_eq!(
                run(&program, &frame(flags, ip, tcp, payload)),
                500,
                "{flags:#x} {ip} {tcp} {payload}"
            );
        }
    }
    for flags in [0x02, 0x12, 0x11, 0x04, 0x14] {
        assert_eq!(run(&program, &frame(flags, 0, 0, 0)), 500, "{flags:#x}");
    }
    let with = |place: usize, value: u8| {
        let mut bytes = frame(0x10, 0, 0, 0);
        bytes[place] = value;
        run(&program, &bytes)
    };
    assert_eq!(with(23, 17), 500, "not TCP");
    assert_eq!(with(20, 0x20), 500, "a fragment");
    assert_eq!(with(12, 9), 0, "the user's filter comes first");
    let mut joined = frame(0x10, 0, 0, 0);
    joined[16..18].copy_from_slice(&[0, 0]);
    assert_eq!(run(&program, &joined), 500, "length 0: the kernel has joined segments");
}

#[test]
fn what_does_not_go_together_is_not_joined() {
    let layout = Layout::of(ETHERNET).unwrap();
    assert!(bare::with_cut(&[], layout).is_none());
    assert!(bare::with_cut(&[op(code::RET, 0)], layout).is_none());
    assert!(bare::with_cut(&[op(code::RET_A, 0)], layout).is_none());
    let long = vec![op(code::TAX, 0); MAX_INSTRUCTIONS];
    assert!(bare::with_cut(&[long, vec![op(code::RET, 1)]].concat(), layout).is_none());
    assert!(depth::program(&[op(0x40, 0xffff_f000), op(code::RET, 1)], layout, 4096).is_none());
    assert!(depth::program(&[op(code::LD_B, 0xffff_f014), op(code::RET, 1)], layout, 4096).is_none());
    assert!(
        depth::program(&[Classic { jt: 9, ..op(code::JEQ, 1) }, op(code::RET, 1)], layout, 4096).is_none()
    );
}

#[test]
fn the_header_that_libpcap_writes_is_no_part_of_what_the_filter_sees() {
    let adapt = |link, one| Layout::of(link).unwrap().adapted(&[one]);
    for (link, from, to) in
        [(SLL, 14, PROTOCOL), (SLL, 16, 0), (SLL2, 0, PROTOCOL), (SLL2, 20, 0), (SLL2, 29, 9)]
    {
        assert_eq!(adapt(link, op(code::LD_H, from)), Some(vec![op(code::LD_H, to)]), "{from}");
    }
    assert_eq!(adapt(SLL2, op(code::LDX_MSH, 20)), Some(vec![op(code::LDX_MSH, 0)]));
    assert_eq!(adapt(ETHERNET, op(code::LD_H, 6)), Some(vec![op(code::LD_H, 6)]));
    assert_eq!(adapt(SLL, op(code::LD_B, 6)), None, "the sender's address");
    assert_eq!(adapt(SLL2, op(code::LD_B_IND, 6)), None);
    assert_eq!(Layout::of(LinkType(127)), None, "802.11 is left alone");
}

#[test]
fn instructions_are_read_as_the_pcap_crate_prints_them() {
    let capture = pcap::Capture::dead(pcap::Linktype::ETHERNET).unwrap();
    let program = capture.compile("tcp port 443", true).unwrap();
    let read: Vec<Classic> =
        program.get_instructions().iter().map(|one| one.to_string().parse().unwrap()).collect();
    assert_eq!(read.first(), Some(&op(code::LD_H, 12)));
    assert!(read.iter().any(|one| one.code == code::JEQ && one.k == 443));
    assert!("1 2".parse::<Classic>().is_err() && "1 2 3 x".parse::<Classic>().is_err());
}

#[test]
fn a_jump_to_nowhere_or_too_far_is_no_program() {
    let mut nowhere = Code::default();
    nowhere.jump(code::JEQ, 1, "there", "").then([op(code::RET, 0)]);
    assert_eq!(nowhere.finish(), None);
    let mut far = Code::default();
    far.jump(code::JEQ, 1, "there", "")
        .then(vec![op(code::TAX, 0); 256])
        .at("there")
        .then([op(code::RET, 0)]);
    assert_eq!(far.finish(), None);
}
