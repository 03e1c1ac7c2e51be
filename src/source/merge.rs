//! Several captures as one source, in the order of their timestamps.
//!
//! At equal times the capture that was named first comes first. The packets of one capture keep their
//! order, even where its clock goes backwards. A damaged capture gives its whole packets and one error
//! ([`Source::drive`]); the others go on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use crate::error::Error;
use crate::model::frame::{Frame, Timestamp};
use crate::model::stats::SourceStats;

use super::batch::Batch;
use super::block::{BLOCK, Block};
use super::cursor::{Cursor, Taken};
use super::file::File;
use super::{Progress, Source, Visitor};

#[cfg(test)]
mod tests;

/// How much memory the blocks of all captures take together, in bytes, as long as each has [`MIN_SIZE`].
const TOTAL_SIZE: usize = 16 << 20;

/// The smallest block in bytes.
const MIN_SIZE: usize = 16 << 10;

/// The next packet's time and its capture: the least goes first.
type Head = Reverse<(Timestamp, usize)>;

/// Captures merged by time.
pub struct Merge {
    /// Apart from the cursors: a batch borrows from all of them while the cursors move.
    blocks: Vec<Block>,
    cursors: Vec<Cursor>,
    /// The captures whose next packet is known.
    heads: BinaryHeap<Head>,
    /// The captures that must be read on before any packet is lent.
    waiting: Vec<usize>,
}

/// Why gathering stopped.
enum Gathered {
    /// A capture must be read on.
    Waiting,
    Broke,
}

impl Merge {
    /// Merges `files`, in the order in which they win at equal times.
    pub fn new(files: Vec<File>) -> Self {
        let waiting = (0..files.len()).rev().collect();
        let (mut blocks, cursors): (Vec<_>, Vec<_>) = files.into_iter().map(File::into_parts).unzip();
        let size = (TOTAL_SIZE / blocks.len().max(1)).clamp(MIN_SIZE, BLOCK);
        for block in &mut blocks {
            block.set_size(size);
        }
        Self { blocks, cursors, heads: BinaryHeap::new(), waiting }
    }

    /// Reads on in all captures that wait, up to the next packet of each.
    fn load(&mut self) -> Result<(), Error> {
        while let Some(&index) = self.waiting.last() {
            let (Some(cursor), Some(block)) = (self.cursors.get_mut(index), self.blocks.get_mut(index))
            else {
                break;
            };
            match next_time(cursor, block) {
                Ok(None) => {}
                Ok(Some(time)) => self.heads.push(Reverse((time, index))),
                Err(error) => {
                    self.waiting.pop();
                    return Err(error);
                }
            }
            self.waiting.pop();
        }
        Ok(())
    }

    /// Lends packets until one capture must be read on.
    fn gather(&mut self, visit: &mut Visitor<'_>) -> Gathered {
        let Self { blocks, cursors, heads, waiting } = self;
        let mut batch = Batch::new();
        while let Some(Reverse((_, index))) = heads.pop() {
            let (Some(cursor), Some(block)) = (cursors.get_mut(index), blocks.get(index)) else {
                break;
            };
            match run(cursor, block, (index, heads.peek()), |frame| batch.push(frame, visit)) {
                ControlFlow::Break(()) => return Gathered::Broke,
                ControlFlow::Continue(Some(time)) => heads.push(Reverse((time, index))),
                ControlFlow::Continue(None) => {
                    waiting.push(index);
                    break;
                }
            }
        }
        match batch.flush(visit) {
            ControlFlow::Continue(()) => Gathered::Waiting,
            ControlFlow::Break(()) => Gathered::Broke,
        }
    }
}

/// The time of a capture's next packet, which is left where it is; `None` at its end.
fn next_time(cursor: &mut Cursor, block: &mut Block) -> Result<Option<Timestamp>, Error> {
    while cursor.load(block)? {
        match cursor.take(block, |_| false) {
            Taken::Left(packet) => return Ok(Some(packet.time)),
            Taken::Frame(frame) => return Ok(Some(frame.time)),
            Taken::Nothing(stop) => cursor.stopped(&stop, block)?,
        }
    }
    Ok(None)
}

/// Gives the packets of one capture as long as none of the others (`least` is their first) is earlier.
/// Returns the time of the packet that has to wait, or `None` where the block has no further one.
fn run<'a>(
    cursor: &mut Cursor,
    block: &'a Block,
    (index, least): (usize, Option<&Head>),
    mut give: impl FnMut(Frame<'a>) -> ControlFlow<()>,
) -> ControlFlow<(), Option<Timestamp>> {
    loop {
        let first = |time| least.is_none_or(|Reverse(other)| (time, index) < *other);
        match cursor.take(block, |packet| first(packet.time)) {
            Taken::Frame(frame) => give(frame)?,
            Taken::Left(packet) => return ControlFlow::Continue(Some(packet.time)),
            // What is wrong here is told when the capture is read on.
            Taken::Nothing(_) => return ControlFlow::Continue(None),
        }
    }
}

impl Source for Merge {
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        self.load()?;
        if self.heads.is_empty() {
            return Ok(Progress::End);
        }
        match self.gather(visit) {
            Gathered::Waiting => Ok(Progress::More),
            Gathered::Broke => {
                self.cursors.iter_mut().for_each(Cursor::end);
                self.heads.clear();
                self.waiting.clear();
                Ok(Progress::End)
            }
        }
    }

    fn stats(&mut self) -> SourceStats {
        let received = self.cursors.iter().map(Cursor::taken).sum();
        SourceStats { received, ..SourceStats::default() }
    }
}
