//! TCP in the stateful cut (RFC 9293 §3.1).

use super::ebpf::{Alu, Call, If, Place, Size, Writer};
use super::packet::{
    AT, BACK, BEGINNING, END, ENTRY, Ends, HEADER, LENGTH, OFFSET, R0, R1, R2, R3, R4, STACK, THERE,
    VALUE_AT, delete, enter, look_up, ports, read,
};
use super::translate::PACKET;

/// From this many bytes on the base moves along by half of it: 2³¹ would read as "ahead of the base".
const FAR: u32 = 1 << 30;
/// The longest hello that anybody reads (`hello::client::MAX_BODY`).
const MAX_HELLO: u32 = 128 * 1024;

/// TLS records of one segment that are looked at.
const RECORDS: usize = 6;
/// In the place of the next record: not known. Records are followed only from a SYN-ACK on, since bytes from the
/// midst of a hello can be made to look like any record.
const UNKNOWN: i32 = -1;

// A value of the map of directions.
const BASE: i16 = 0;
const LIMIT: i16 = 4;
const NEXT: i16 = 8;

/// A segment whose header is at `AT`.
pub(super) fn segment(out: &mut Writer, depth: u32, ends: Ends) {
    let (data, no_control) = (out.place(), out.place());
    read(out, 0, (HEADER, 14), ends);
    ports(out, 6);
    out.load(Size::One, R1, STACK, HEADER + 13);
    out.alu(Alu::And, R1, 0x07);
    out.go_if(R1, If::Eq, 0, no_control);
    control(out, depth, ends);
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

/// SYN, FIN and RST: ports may be used again. A SYN-ACK tells where both directions begin.
fn control(out: &mut Writer, depth: u32, ends: Ends) {
    let begins = out.place();
    delete(out, THERE);
    out.load(Size::One, R1, STACK, HEADER + 13);
    out.alu(Alu::And, R1, 0x16);
    out.go_if(R1, If::Eq, 0x10, ends.pass);
    out.go_if(R1, If::Eq, 0, ends.pass);
    out.go_if(R1, If::Eq, 0x12, begins);
    // a SYN without ACK, and a RST, speak for both ways
    delete(out, BACK);
    out.go(ends.pass);

    out.put(begins);
    out.store_imm(Size::Four, STACK, ENTRY + LIMIT, depth.cast_signed());
    out.store_imm(Size::Eight, STACK, ENTRY + NEXT, 0);
    for (number, more, key) in [(4, 1, THERE), (8, 0, BACK)] {
        out.load(Size::Four, R1, STACK, HEADER + number);
        out.swap(R1, Size::Four);
        out.alu(Alu::Add, R1, more);
        out.store(Size::Four, STACK, ENTRY + BASE, R1);
        enter(out, key);
    }
    out.go(ends.pass);
}

/// A segment without payload passes if what it acknowledges does.
fn acknowledgement(out: &mut Writer, ends: Ends) {
    look_up(out, BACK);
    out.go_if(R0, If::Eq, 0, ends.pass);
    out.load(Size::Four, R1, STACK, HEADER + 8);
    out.swap(R1, Size::Four);
    out.load(Size::Four, R2, R0, BASE);
    out.alu_reg(Alu::Sub, R1, R2);
    out.alu_reg(Alu::Mov, R2, R1);
    out.alu(Alu::Rsh, R2, 31);
    out.go_if(R2, If::Ne, 0, ends.pass);
    out.load(Size::Four, R2, R0, LIMIT);
    out.go_if_reg(R1, If::Gt, R2, ends.cut);
    out.go(ends.pass);
}

/// A segment with `END` bytes of payload at `AT`.
fn payload(out: &mut Writer, depth: u32, ends: Ends) {
    let (known, new, deep, shallow, ahead) =
        (out.place(), out.place(), out.place(), out.place(), out.place());
    out.load(Size::Four, R1, STACK, HEADER + 4);
    out.swap(R1, Size::Four);
    out.store(Size::Four, STACK, ENTRY + BASE, R1);
    out.store(Size::Four, STACK, LENGTH, END);
    hello(out, ends);
    look_up(out, THERE);
    out.go_if(R0, If::Ne, 0, known);
    out.put(new);
    begin(out, depth, ends);

    out.put(known);
    out.load(Size::Four, R1, STACK, ENTRY + BASE);
    out.load(Size::Four, R2, R0, BASE);
    out.alu_reg(Alu::Sub, R1, R2);
    out.alu_reg(Alu::Mov, R3, R1);
    out.alu(Alu::Rsh, R3, 31);
    out.go_if(R3, If::Ne, 0, ahead);
    out.load(Size::Four, R3, R0, LIMIT);
    out.go_if_reg(R3, If::Gt, R1, shallow);
    out.go(deep);

    // earlier than the first that was seen: it passes, and if a hello begins here it counts from here
    out.put(ahead);
    out.go_if(END, If::Ne, 0, new);
    out.go(ends.pass);

    out.put(deep);
    out.go_if(END, If::Ne, 0, new);
    out.alu(Alu::Mov, R4, FAR);
    out.go_if_reg(R4, If::Gt, R1, ends.cut);
    out.alu(Alu::Add, R2, FAR / 2);
    out.store(Size::Four, R0, BASE, R2);
    out.go(ends.cut);

    out.put(shallow);
    let enough = out.place();
    out.go_if(END, If::Eq, 0, enough);
    out.alu_reg(Alu::Add, END, R1);
    out.go_if_reg(R3, If::Ge, END, enough);
    out.store(Size::Four, R0, LIMIT, END);
    out.put(enough);
    records(out, ends);
}

/// Enters a direction that begins with this segment.
fn begin(out: &mut Writer, depth: u32, ends: Ends) {
    let (long, ready) = (out.place(), out.place());
    out.store_imm(Size::Four, STACK, ENTRY + LIMIT, depth.cast_signed());
    out.store_imm(Size::Eight, STACK, ENTRY + NEXT, UNKNOWN);
    out.go_if(END, If::Gt, depth.cast_signed(), long);
    out.go(ready);
    out.put(long);
    out.store(Size::Four, STACK, ENTRY + LIMIT, END);
    out.put(ready);
    enter(out, THERE);
    out.go(ends.pass);
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

/// Follows the TLS records of a segment that passes: from the first one that is encrypted (RFC 8446 §5.2: type 23)
/// nobody reads this direction any more. `R0` is the direction's value, `R1` the segment's offset in it.
fn records(out: &mut Writer, ends: Ends) {
    let (encrypted, lost, further) = (out.place(), out.place(), out.place());
    // END: where the next record is, in this segment
    out.load(Size::Four, END, R0, NEXT);
    out.alu(Alu::Mov, R2, UNKNOWN.cast_unsigned());
    out.go_if_reg(END, If::Eq, R2, ends.pass);
    out.alu_reg(Alu::Sub, END, R1);
    out.alu_reg(Alu::Mov, R2, END);
    out.alu(Alu::Rsh, R2, 31);
    out.go_if(R2, If::Ne, 0, ends.pass);
    out.store(Size::Four, STACK, OFFSET, R1);
    out.store(Size::Eight, STACK, VALUE_AT, R0);
    for _ in 0..RECORDS {
        record(out, (encrypted, lost, further), ends);
    }
    out.put(further);
    out.load(Size::Four, R1, STACK, OFFSET);
    out.alu_reg(Alu::Add, R1, END);
    out.load(Size::Eight, R0, STACK, VALUE_AT);
    out.store(Size::Four, R0, NEXT, R1);
    out.go(ends.pass);

    out.put(encrypted);
    out.load(Size::Four, R1, STACK, OFFSET);
    out.alu_reg(Alu::Add, R1, END);
    out.alu(Alu::Add, R1, 1);
    out.load(Size::Eight, R0, STACK, VALUE_AT);
    out.store(Size::Four, R0, LIMIT, R1);
    out.store_imm(Size::Four, R0, NEXT, UNKNOWN);
    out.go(ends.pass);

    out.put(lost);
    out.load(Size::Eight, R0, STACK, VALUE_AT);
    out.store_imm(Size::Four, R0, NEXT, UNKNOWN);
    out.go(ends.pass);
}

/// The header of one record, at `END`; `END` is behind the record then.
fn record(out: &mut Writer, (encrypted, lost, further): (Place, Place, Place), ends: Ends) {
    out.alu_reg(Alu::Mov, R2, END);
    out.alu(Alu::Add, R2, 5);
    out.load(Size::Four, R1, STACK, LENGTH);
    out.go_if_reg(R2, If::Gt, R1, further);
    out.copy(R1, PACKET);
    out.alu_reg(Alu::Mov, R2, AT);
    out.alu_reg(Alu::Add, R2, END);
    out.stack(R3, BEGINNING);
    out.alu(Alu::Mov, R4, 5);
    out.call(Call::LoadBytes);
    out.go_if(R0, If::Ne, 0, ends.pass);
    out.load(Size::One, R1, STACK, BEGINNING + 1);
    out.go_if(R1, If::Ne, 3, lost);
    out.load(Size::One, R1, STACK, BEGINNING);
    out.go_if(R1, If::Eq, 23, encrypted);
    out.go_if(R1, If::Gt, 23, lost);
    out.alu(Alu::Mov, R2, 20);
    out.go_if_reg(R2, If::Gt, R1, lost);
    out.load(Size::Two, R1, STACK, BEGINNING + 3);
    out.swap(R1, Size::Two);
    out.alu(Alu::Add, END, 5);
    out.alu_reg(Alu::Add, END, R1);
}
