//! How far one capture has been read, and what is told where it cannot be read on.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::error::Error;
use crate::model::frame::{Frame, OriginId};

use super::Visitor;
use super::batch::Batch;
use super::block::Block;
use super::records::{Damage, Format, Packet, Records, Step};

/// Why no further packet of a block was lent.
pub(super) enum Stop {
    /// The next record needs so many bytes.
    Need(usize),
    /// The visitor broke off.
    Broke,
    /// The next record is damaged.
    Damage(Damage),
}

/// The place in one capture. The bytes stand in its [`Block`], apart, so that frames can borrow from there
/// while the cursor moves.
pub(super) struct Cursor {
    format: Format,
    /// Where the next record begins in the block.
    position: usize,
    /// How many bytes of the next record are needed to take it.
    need: usize,
    /// Packets taken so far: the number of the latest.
    number: u64,
    ended: bool,
    origin: OriginId,
    path: PathBuf,
    /// The name of the compression, for errors.
    compression: Option<&'static str>,
}

impl Cursor {
    pub(super) fn new(
        format: Format,
        origin: OriginId,
        path: PathBuf,
        compression: Option<&'static str>,
    ) -> Self {
        Self { format, position: 0, need: 1, number: 0, ended: false, origin, path, compression }
    }

    /// How many packets were taken.
    pub(super) fn taken(&self) -> u64 {
        self.number
    }

    /// No record is taken from now on.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Reads on until the next record may be whole; false at the end of the capture.
    pub(super) fn load(&mut self, block: &mut Block) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        // The need is of one record: kept longer, it would ask for bytes that the end does not hold.
        let need = std::mem::replace(&mut self.need, 1);
        if block.rest(self.position).len() >= need {
            return Ok(true);
        }
        let filled = block.fill(self.position, need);
        self.position = 0;
        self.ended = !matches!(filled, Ok(true));
        match filled {
            Ok(false) if !block.rest(0).is_empty() => Err(self.cut_short(block)),
            Ok(loaded) => Ok(loaded),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    /// Lends every whole packet of the block.
    pub(super) fn lend(&mut self, block: &Block, visit: &mut Visitor<'_>) -> Stop {
        let mut rest = block.rest(self.position);
        let whole = rest.len();
        let mut place = Place { number: self.number, origin: self.origin };
        let stop = match &mut self.format {
            Format::Pcap(pcap) => lend(pcap, &mut rest, &mut place, visit),
            Format::Pcapng(pcapng) => lend(pcapng, &mut rest, &mut place, visit),
        };
        self.position += whole - rest.len();
        self.number = place.number;
        stop
    }

    /// Takes the next record, and goes past it if `wanted` says so of its packet.
    #[inline]
    pub(super) fn take<'a>(&mut self, block: &'a Block, wanted: impl Fn(&Packet<'a>) -> bool) -> Taken<'a> {
        loop {
            let mut rest = block.rest(self.position);
            let before = rest.len();
            match self.format.next(&mut rest) {
                Step::Packet(packet) => {
                    if !wanted(&packet) {
                        return Taken::Left(packet);
                    }
                    self.position += before - rest.len();
                    self.number += 1;
                    return Taken::Frame(frame(packet, self.number, self.origin));
                }
                Step::Skip => self.position += before - rest.len(),
                Step::Need(need) => return Taken::Nothing(Stop::Need(need)),
                Step::Damage(damage) => return Taken::Nothing(Stop::Damage(damage)),
            }
        }
    }

    /// Notes why no further packet came; damage ends the capture.
    pub(super) fn stopped(&mut self, stop: &Stop, block: &Block) -> Result<(), Error> {
        match *stop {
            Stop::Need(need) => self.need = need,
            Stop::Broke => self.ended = true,
            Stop::Damage(damage) => {
                self.ended = true;
                return Err(self.damaged(damage, block));
            }
        }
        Ok(())
    }

    fn cut_short(&self, block: &Block) -> Error {
        self.error(format!("cut short {}", self.whereabouts(block)))
    }

    fn damaged(&self, damage: Damage, block: &Block) -> Error {
        let Damage { what, value } = damage;
        self.error(format!("damaged {}: {what} {value}", self.whereabouts(block)))
    }

    fn unreadable(&self, source: io::Error) -> Error {
        match self.compression {
            Some(name) => self.error(format!("damaged {name} data after packet {}: {source}", self.number)),
            None => Error::Io { action: "cannot read", path: self.path.clone(), source },
        }
    }

    /// The record at the cursor: a block of pcapng need not be a packet.
    fn whereabouts(&self, block: &Block) -> String {
        let byte = block.offset() + self.position as u64;
        let unpacked = if self.compression.is_some() { " of the uncompressed data" } else { "" };
        match self.format {
            Format::Pcap(_) => format!("in packet {}, at byte {byte}{unpacked}", self.number + 1),
            Format::Pcapng(_) => {
                format!("after packet {}, in the block at byte {byte}{unpacked}", self.number)
            }
        }
    }

    fn error(&self, problem: String) -> Error {
        Error::Capture { path: self.path.clone(), problem }
    }
}

/// What [`Cursor::take`] found.
pub(super) enum Taken<'a> {
    /// A packet that was wanted.
    Frame(Frame<'a>),
    /// A packet that was not: it comes again.
    Left(Packet<'a>),
    /// No whole record.
    Nothing(Stop),
}

/// The part of a cursor that a packet changes.
struct Place {
    number: u64,
    origin: OriginId,
}

#[inline]
fn frame(packet: Packet<'_>, number: u64, origin: OriginId) -> Frame<'_> {
    let Packet { time, link, wire_len, bytes } = packet;
    Frame { number, time, link, origin, wire_len, bytes }
}

/// The hot loop, once for each format.
fn lend<'a>(
    records: &mut impl Records,
    rest: &mut &'a [u8],
    place: &mut Place,
    visit: &mut Visitor<'_>,
) -> Stop {
    let mut batch: Batch<'a> = Batch::new();
    let stop = loop {
        match records.next(rest) {
            Step::Packet(packet) => {
                place.number += 1;
                if batch.push(frame(packet, place.number, place.origin), visit).is_break() {
                    return Stop::Broke;
                }
            }
            Step::Skip => {}
            Step::Need(need) => break Stop::Need(need),
            Step::Damage(damage) => break Stop::Damage(damage),
        }
    };
    match batch.flush(visit) {
        ControlFlow::Continue(()) => stop,
        ControlFlow::Break(()) => Stop::Broke,
    }
}
