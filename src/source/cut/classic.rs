//! Classic BPF: the instructions that libpcap compiles, and a writer of programs with named places to jump to.

use std::str::FromStr;

/// One instruction (Linux, `struct sock_filter`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Classic {
    /// Class, size or operation, mode or operand.
    pub(crate) code: u16,
    /// How many instructions to pass over where a condition holds.
    pub(crate) jt: u8,
    /// The same where it does not.
    pub(crate) jf: u8,
    /// Operand.
    pub(crate) k: u32,
}

/// The longest program that the kernel takes (`BPF_MAXINSNS`).
pub(crate) const MAX_INSTRUCTIONS: usize = 4096;

/// The network header, wherever it is (`SKF_NET_OFF`).
pub(crate) const NET: u32 = 0xfff0_0000;
/// Where the kernel's own facts about a packet are "loaded" from (`SKF_AD_OFF`).
pub(crate) const FACTS: u32 = 0xffff_f000;
/// `EtherType` behind the link header and its tags, in host order (`SKF_AD_PROTOCOL`).
pub(crate) const PROTOCOL: u32 = FACTS;
/// To us, to others, sent (`SKF_AD_PKTTYPE`).
pub(crate) const PACKET_TYPE: u32 = FACTS + 4;
/// Interface number (`SKF_AD_IFINDEX`).
pub(crate) const INTERFACE: u32 = FACTS + 8;
/// VLAN tag that the kernel took out of the packet (`SKF_AD_VLAN_TAG`).
pub(crate) const VLAN_TAG: u32 = FACTS + 44;
/// Whether there was one (`SKF_AD_VLAN_TAG_PRESENT`).
pub(crate) const VLAN_PRESENT: u32 = FACTS + 48;
/// Its `EtherType` (`SKF_AD_VLAN_TPID`).
pub(crate) const VLAN_TYPE: u32 = FACTS + 60;

/// Opcodes (`linux/bpf_common.h`): `LD` sets A, `LDX` sets X, `K` is the instruction's operand.
pub(crate) mod code {
    pub(crate) const LD_IMM: u16 = 0x00;
    pub(crate) const LD_W: u16 = 0x20;
    pub(crate) const LD_H: u16 = 0x28;
    pub(crate) const LD_B: u16 = 0x30;
    /// The size of an absolute load is in these bits.
    pub(crate) const SIZE: u16 = 0x18;
    pub(crate) const LD_H_IND: u16 = 0x48;
    pub(crate) const LD_B_IND: u16 = 0x50;
    pub(crate) const LD_MEM: u16 = 0x60;
    pub(crate) const LDX_MEM: u16 = 0x61;
    /// X = 4 · (byte & 15): the length of an IPv4 header.
    pub(crate) const LDX_MSH: u16 = 0xb1;
    pub(crate) const ST: u16 = 0x02;
    pub(crate) const ADD_X: u16 = 0x0c;
    pub(crate) const MUL: u16 = 0x24;
    pub(crate) const AND: u16 = 0x54;
    pub(crate) const LSH: u16 = 0x64;
    pub(crate) const RSH: u16 = 0x74;
    pub(crate) const XOR_X: u16 = 0xac;
    pub(crate) const JA: u16 = 0x05;
    pub(crate) const JEQ: u16 = 0x15;
    pub(crate) const JSET: u16 = 0x45;
    pub(crate) const JEQ_X: u16 = 0x1d;
    pub(crate) const RET: u16 = 0x06;
    pub(crate) const RET_A: u16 = 0x16;
    pub(crate) const TAX: u16 = 0x07;
}

impl FromStr for Classic {
    type Err = ();

    /// Reads `code jt jf k`, as the `pcap` crate prints an instruction: its fields are not public.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.split(' ').map(u32::from_str);
        let mut next = || numbers.next().and_then(Result::ok).ok_or(());
        let code = u16::try_from(next()?).map_err(drop)?;
        let jt = u8::try_from(next()?).map_err(drop)?;
        let jf = u8::try_from(next()?).map_err(drop)?;
        Ok(Self { code, jt, jf, k: next()? })
    }
}

/// An instruction that goes on to the next.
pub(crate) const fn op(code: u16, k: u32) -> Classic {
    Classic { code, jt: 0, jf: 0, k }
}

/// A place in a program; `""` is the next instruction.
type Place = &'static str;

/// A program in the making.
#[derive(Debug, Default)]
pub(crate) struct Code {
    code: Vec<(Classic, Place, Place)>,
    places: Vec<(Place, usize)>,
}

impl Code {
    /// Adds instructions that jump nowhere, or within themselves.
    pub(crate) fn then(&mut self, code: impl IntoIterator<Item = Classic>) -> &mut Self {
        self.code.extend(code.into_iter().map(|one| (one, "", "")));
        self
    }

    /// Adds a jump that depends on A.
    pub(crate) fn jump(&mut self, code: u16, k: u32, yes: Place, no: Place) -> &mut Self {
        self.code.push((op(code, k), yes, no));
        self
    }

    /// Names the place of the next instruction.
    pub(crate) fn at(&mut self, place: Place) -> &mut Self {
        self.places.push((place, self.code.len()));
        self
    }

    /// The program; `None` if it is too long, or a jump leads nowhere or too far.
    pub(crate) fn finish(&self) -> Option<Vec<Classic>> {
        let way = |from: usize, to: Place| -> Option<usize> {
            if to.is_empty() {
                return Some(0);
            }
            let (_, at) = self.places.iter().find(|(place, _)| *place == to)?;
            at.checked_sub(from + 1)
        };
        let resolved = self.code.iter().enumerate().map(|(from, (one, yes, no))| {
            if one.code == code::JA && !yes.is_empty() {
                return Some(Classic { k: u32::try_from(way(from, yes)?).ok()?, ..*one });
            }
            if yes.is_empty() && no.is_empty() {
                return Some(*one);
            }
            let (jt, jf) = (u8::try_from(way(from, yes)?).ok()?, u8::try_from(way(from, no)?).ok()?);
            Some(Classic { jt, jf, ..*one })
        });
        resolved.collect::<Option<Vec<_>>>().filter(|code| code.len() <= MAX_INSTRUCTIONS)
    }
}
