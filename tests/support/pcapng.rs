//! Writes pcapng files (draft-ietf-opsawg-pcapng): sections, interfaces, all packet blocks, either byte order.

use super::packet::Packet;
use super::scenario::{Blocks, Capture, Interface};

/// A whole file: the packets are dealt to the sections in equal parts, in order.
pub fn file(capture: &Capture, packets: &[Packet]) -> Vec<u8> {
    let count = capture.sections.max(1);
    let part = packets.len().div_ceil(count).max(1);
    let mut out = Vec::new();
    for section in 0..count {
        let writer = Writer { capture, big: capture.big(section), interfaces: capture.interfaces() };
        let from = (section * part).min(packets.len());
        out.extend(writer.section(&packets[from..(from + part).min(packets.len())]));
    }
    out
}

struct Writer<'c> {
    capture: &'c Capture,
    big: bool,
    interfaces: Vec<Interface>,
}

impl Writer<'_> {
    fn section(&self, packets: &[Packet]) -> Vec<u8> {
        let head = [self.u32(0x1a2b_3c4d).to_vec(), self.u16(1), self.u16(0), vec![0xff; 8]].concat();
        let mut out = self.block(0x0a0d_0d0a, &head);
        for interface in &self.interfaces {
            out.extend(self.interface(interface));
        }
        for packet in packets {
            if self.capture.unknown_blocks {
                out.extend(self.block(0x0000_0abc, b"nobody knows"));
            }
            out.extend(self.packet(packet));
        }
        if self.capture.unknown_blocks {
            out.extend(self.block(5, &[0; 12]));
        }
        out
    }

    fn interface(&self, interface: &Interface) -> Vec<u8> {
        let mut body =
            [self.u16(interface.link as u16), self.u16(0), self.u32(interface.snap).into()].concat();
        if let Some(name) = &interface.name {
            body.extend(self.option(2, name.as_bytes()));
        }
        if let Some(resolution) = interface.tsresol {
            body.extend(self.option(9, &[resolution]));
        }
        if let Some(offset) = interface.tsoffset {
            let bytes = if self.big { offset.to_be_bytes() } else { offset.to_le_bytes() };
            body.extend(self.option(14, &bytes));
        }
        body.extend([0; 4]);
        self.block(1, &body)
    }

    fn packet(&self, packet: &Packet) -> Vec<u8> {
        let index = packet.interface.min(self.interfaces.len() - 1);
        let interface = &self.interfaces[index];
        let Some(frame) = interface.link.frame(packet, self.big) else { return Vec::new() };
        let kept = frame.len().min(interface.snap as usize);
        let ticks = interface.ticks(packet.time);
        let stamp = [self.u32((ticks >> 32) as u32), self.u32(ticks as u32)].concat();
        let lengths = [self.u32(kept as u32), self.u32(frame.len() as u32)].concat();
        let (kind, head) = match self.capture.blocks {
            Blocks::Enhanced => (6, [self.u32(index as u32).to_vec(), stamp, lengths].concat()),
            Blocks::Obsolete => (2, [self.u16(index as u16), self.u16(0xffff), stamp, lengths].concat()),
            Blocks::Simple => (3, self.u32(frame.len() as u32).to_vec()),
        };
        self.block(kind, &[&head, &frame[..kept]].concat())
    }

    fn block(&self, kind: u32, body: &[u8]) -> Vec<u8> {
        let body = padded(body);
        let length = self.u32(body.len() as u32 + 12);
        [&self.u32(kind)[..], &length, &body, &length].concat()
    }

    fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
        [self.u16(code), self.u16(value.len() as u16), padded(value)].concat()
    }

    fn u32(&self, number: u32) -> [u8; 4] {
        if self.big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u16(&self, number: u16) -> Vec<u8> {
        if self.big { number.to_be_bytes().to_vec() } else { number.to_le_bytes().to_vec() }
    }
}

/// `bytes` with zeros up to a multiple of four.
fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.resize(bytes.len().next_multiple_of(4), 0);
    out
}
