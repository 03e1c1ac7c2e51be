//! The way of frames whose packets may be wanted (`-w`): each by itself, and to the keeper once it is inspected.

use std::ops::ControlFlow;

use crate::model::frame::{Frame, Timestamp};
use crate::model::segment::{Header, Segment, TcpFlags};
use crate::model::skip::Skip;
use crate::run::keep::{Belongs, Keep};
use crate::run::worker::{Worker, take};

impl Worker {
    /// Keeps packets from now on.
    #[must_use]
    pub fn keeping(mut self, keep: Option<Keep>) -> Self {
        self.keep = keep.map(Box::new);
        self
    }

    /// [`Worker::frames`] where packets are kept: apart, so that it costs nothing where none are.
    #[cold]
    #[inline(never)]
    pub(super) fn frames_to_keep(&mut self, frames: &[Frame<'_>]) -> ControlFlow<()> {
        for frame in frames {
            self.stats.packets += 1;
            self.stats.bytes += frame.bytes.len() as u64;
            self.tick_at(frame.time);
            let before = self.out.records.len();
            // The way of all frames, not the one of the usual: as fast as need be, and no second copy of that one.
            match self.decoder.decode_layers(frame) {
                Ok(segment) => {
                    take(&mut self.inspector, &mut self.stats, &segment, &mut self.out.records);
                    let belongs = belongs(&segment);
                    let told = self.out.records.get(before..).unwrap_or_default();
                    if let Some(keep) = &mut self.keep {
                        keep.packet(frame, belongs, told, (&self.inspector, &self.decoder));
                    }
                }
                Err(Skip::Fragment) => self.join_to_keep(frame),
                Err(skip) => self.stats.skips.add(skip),
            }
        }
        self.release();
        if let Some(left) = &mut self.packets_left {
            *left -= frames.len() as u64;
            if *left == 0 {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    fn join_to_keep(&mut self, frame: &Frame<'_>) {
        let before = self.out.records.len();
        let joined = match self.fragments.join(&self.decoder, frame) {
            Ok(segment) => {
                take(&mut self.inspector, &mut self.stats, &segment, &mut self.out.records);
                Some(belongs(&segment))
            }
            // Counted by the fragments themselves, once it is known what becomes of them.
            Err(Skip::Fragment) => None,
            Err(skip) => {
                self.stats.skips.add(skip);
                None
            }
        };
        let Some(keep) = &mut self.keep else { return };
        let datagrams = self.fragments.last();
        keep.fragment(frame, datagrams);
        if let Some(belongs) = joined {
            let told = self.out.records.get(before..).unwrap_or_default();
            keep.joined(datagrams, belongs, told, (&self.inspector, &self.decoder));
        }
    }

    /// Tells the keeper the time, and what was told because of it.
    #[cold]
    pub(super) fn tick_keeper(&mut self, now: Timestamp, before: usize) {
        if let Some(keep) = &mut self.keep {
            keep.tick(now);
            keep.told(self.out.records.get(before..).unwrap_or_default(), &self.decoder, 0);
        }
        self.release();
    }

    /// Takes what the keeper has decided.
    pub(super) fn release(&mut self) {
        if let Some(keep) = &mut self.keep {
            keep.release(&self.inspector, &mut self.out.kept);
        }
    }

    /// The end: takes all that the keeper still holds and wants.
    pub(super) fn release_all(&mut self, before: usize) {
        if let Some(keep) = &mut self.keep {
            keep.told(self.out.records.get(before..).unwrap_or_default(), &self.decoder, 0);
            keep.flush(&mut self.out.kept);
        }
    }
}

fn belongs(segment: &Segment<'_>) -> Belongs {
    let opens = matches!(segment.header, Header::Tcp { flags, .. } if flags.has(TcpFlags::SYN) && !flags.has(TcpFlags::ACK));
    Belongs { hash: segment.hash, opens }
}
