//! Captures that grow: a file, or the newest of a directory, read on as it is written.
//!
//! As `tail -F` does, a name is followed: where the file under it was moved or removed and another one has begun,
//! the old one is read to its end and then the new one. In a directory the next file is the oldest of those that
//! are younger than the one that is read. Only one file is open at a time.

mod place;
mod tail;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use crate::error::Error;
use crate::model::frame::OriginId;
use crate::model::stats::SourceStats;

use self::place::Place;
use self::tail::Tail;
use super::file::{self, File};
use super::input::Signs;
use super::{Opened, Progress, Source, Visitor};

/// Files of one input that are told apart; past it, numbers begin again.
const FILES: usize = 256;

/// One followed input.
pub struct Follow {
    place: Place,
    signs: Signs,
    current: Option<File>,
    /// Numbers of its files: every `step`th from the first.
    first: usize,
    step: usize,
    begun: usize,
    opened: Vec<Opened>,
    packets: u64,
    /// Packets of the files before the current one.
    earlier: u64,
}

impl Follow {
    /// Follows `path`, a file that need not be there yet, or a directory. It is input `input` of `inputs`: its files
    /// bear the numbers `input`, `input + inputs` and so on.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn new(path: PathBuf, (input, inputs): (usize, usize), signs: Signs) -> Result<Self, Error> {
        let place = Place::new(path)?;
        let (current, opened) = (None, Vec::new());
        Ok(Self {
            place,
            signs,
            current,
            first: input,
            step: inputs,
            begun: 0,
            opened,
            packets: 0,
            earlier: 0,
        })
    }

    /// Waits for the next file and its first bytes; `None` where the run has ended.
    fn open(&mut self) -> Result<Option<File>, Error> {
        let Some(next) = self.place.next(&self.signs.stop) else { return Ok(None) };
        let (path, file) = next?;
        let id = self.first + self.step * (self.begun % FILES);
        self.begun += 1;
        let origin = OriginId(u16::try_from(id).unwrap_or(u16::MAX));
        let tail = Tail::new(file, self.place.clone(), self.signs.clone());
        let opened = file::from_reader(Box::new(tail), path.clone(), origin);
        self.opened.push(Opened { origin, path });
        match opened {
            // It ended in the middle of its first bytes: nothing was lost that could have been read.
            Err(_) if self.signs.stop.load(Ordering::Relaxed) => Ok(None),
            opened => opened.map(Some),
        }
    }
}

impl Source for Follow {
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        let Some(file) = &mut self.current else {
            // Told before its packets, for which it may have to be waited.
            self.current = self.open()?;
            return Ok(if self.current.is_some() { Progress::More } else { Progress::End });
        };
        let mut broke = false;
        let progress = file.drive(&mut |frames| {
            let flow = visit(frames);
            broke = flow.is_break();
            flow
        });
        self.packets = self.earlier + file.stats().received;
        match progress {
            Ok(Progress::End) if broke => Ok(Progress::End),
            Ok(Progress::End) => {
                self.current = None;
                self.earlier = self.packets;
                Ok(Progress::More)
            }
            progress => progress,
        }
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats { received: self.packets, ..SourceStats::default() }
    }

    fn opened(&mut self) -> Vec<Opened> {
        std::mem::take(&mut self.opened)
    }
}
