//! What all parts of the stateful cut share: registers, stack, reading of the packet, the map of directions.

use super::depth::DIRECTIONS;
use super::ebpf::{Alu, Call, If, Place, Reg, Size, Writer};
use super::translate::PACKET;

// The stack, from its end: memory of the user's filter to -64, then these.
pub(super) const THERE: i16 = -104;
pub(super) const BACK: i16 = -144;
pub(super) const HEADER: i16 = -208;
/// The payload's first bytes; the lengths in them are where a load of four bytes may be.
pub(super) const BEGINNING: i16 = -189;
/// A value of the map of directions, about to be entered.
pub(super) const ENTRY: i16 = -224;
/// Bytes of payload; offset of the segment in its direction; where the direction's value is.
pub(super) const LENGTH: i16 = -228;
pub(super) const OFFSET: i16 = -232;
pub(super) const VALUE_AT: i16 = -240;
pub(super) const INDEX: i16 = -244;

pub(super) const R0: Reg = Reg(0);
pub(super) const R1: Reg = Reg(1);
pub(super) const R2: Reg = Reg(2);
pub(super) const R3: Reg = Reg(3);
pub(super) const R4: Reg = Reg(4);
pub(super) const STACK: Reg = Reg(10);
/// Offset of the header at hand in the packet.
pub(super) const AT: Reg = Reg(7);
/// Offset of the end of the IP packet; then the length of the payload.
pub(super) const END: Reg = Reg(8);

/// Where a packet's way ends.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub(super) pass: Place,
    pub(super) cut: Place,
}

/// Copies `len` bytes of the packet from `AT` + `off` to `to`; what is not there passes.
pub(super) fn read(out: &mut Writer, off: i32, (to, len): (i16, u32), ends: Ends) {
    out.copy(R1, PACKET);
    out.copy(R2, AT);
    out.bump(R2, off);
    out.stack(R3, to);
    out.alu(Alu::Mov, R4, len);
    out.call(Call::LoadBytes);
    out.go_if(R0, If::Ne, 0, ends.pass);
}

/// Puts ports and protocol, which are at `HEADER`, into both keys.
pub(super) fn ports(out: &mut Writer, protocol: i32) {
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
pub(super) fn look_up(out: &mut Writer, key: i16) {
    out.map(R1, DIRECTIONS);
    out.stack(R2, key);
    out.call(Call::MapLookup);
}

pub(super) fn delete(out: &mut Writer, key: i16) {
    out.map(R1, DIRECTIONS);
    out.stack(R2, key);
    out.call(Call::MapDelete);
}

/// Enters what is at [`ENTRY`] for `key`. Should the map refuse, the next segment tries again.
pub(super) fn enter(out: &mut Writer, key: i16) {
    out.map(R1, DIRECTIONS);
    out.stack(R2, key);
    out.stack(R3, ENTRY);
    out.alu(Alu::Mov, R4, 0);
    out.call(Call::MapUpdate);
}
