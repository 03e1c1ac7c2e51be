//! One inspecting worker: frames in, records and ticks out, all in place.

use std::ops::ControlFlow;

use crate::inspector::Inspector;
use crate::model::frame::{Frame, Timestamp};
use crate::model::observation::Observation;
use crate::model::segment::{Header, Segment};
use crate::model::skip::Skip;
use crate::model::stats::RunStats;
use crate::source::BATCH;
use crate::wire::Decoder;
use crate::wire::fragment::Fragments;

/// Capture time between two ticks, nanoseconds.
const TICK: u64 = 100_000_000;

/// What a worker has to say, in order.
#[derive(Debug, Default)]
pub struct Yield {
    /// Records.
    pub records: Vec<Observation>,
    /// Ticks.
    pub ticks: Vec<Tick>,
}

impl Yield {
    /// True if there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.ticks.is_empty()
    }
}

/// The capture's time went on.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// How many of the records came before it.
    pub after: usize,
    /// The capture's time.
    pub now: Timestamp,
    /// The worker's counters at that time.
    pub stats: RunStats,
}

/// Decoder and inspector of one thread.
pub struct Worker {
    decoder: Decoder,
    fragments: Fragments,
    inspector: Inspector,
    stats: RunStats,
    next_tick: Timestamp,
    packets_left: Option<u64>,
    /// What was found since it was last taken.
    pub out: Yield,
}

impl Worker {
    /// A worker that stops after `packets` packets.
    pub fn new(decoder: Decoder, inspector: Inspector, packets: Option<u64>) -> Self {
        Self {
            decoder,
            fragments: Fragments::default(),
            inspector,
            stats: RunStats::default(),
            next_tick: Timestamp::default(),
            packets_left: packets,
            out: Yield::default(),
        }
    }

    /// Counters so far; the source's own are not among them.
    pub fn stats(&self) -> RunStats {
        let mut stats = self.stats;
        stats.flows = self.inspector.stats();
        stats.skips.merge(&self.inspector.skips());
        stats.skips.add_many(Skip::Fragment, self.fragments.lost());
        stats
    }

    /// Takes a batch of frames; breaks off when enough packets were taken.
    ///
    /// All frames are decoded first and their table slots read at once: the cache misses of a batch overlap.
    pub fn frames(&mut self, frames: &[Frame<'_>]) -> ControlFlow<()> {
        let taken = self
            .packets_left
            .map_or(frames.len(), |left| usize::try_from(left).unwrap_or(usize::MAX).min(frames.len()));
        let mut segments: [Option<Segment<'_>>; BATCH] = [None; BATCH];
        let mut fragments = [false; BATCH];
        let mut touched = 0;
        for ((frame, slot), fragment) in frames.iter().take(taken).zip(&mut segments).zip(&mut fragments) {
            self.stats.packets += 1;
            self.stats.bytes += frame.bytes.len() as u64;
            match self.decoder.decode(frame) {
                Ok(segment) => {
                    touched ^= self.inspector.touch(segment.hash);
                    *slot = Some(segment);
                }
                Err(Skip::Fragment) => *fragment = true,
                Err(skip) => self.stats.skips.add(skip),
            }
        }
        for segment in segments.iter().flatten() {
            touched ^= self.inspector.touch_state(segment.hash);
        }
        std::hint::black_box(touched);
        for ((frame, segment), fragment) in frames.iter().take(taken).zip(&segments).zip(fragments) {
            self.tick_at(frame.time);
            if let Some(segment) = segment {
                count(&mut self.stats, segment);
                self.inspector.push(segment, &mut self.out.records);
            } else if fragment {
                self.join(frame);
            }
        }
        if let Some(left) = &mut self.packets_left {
            *left -= taken as u64;
            if *left == 0 {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Takes a fragment, and the datagram that it completes.
    fn join(&mut self, frame: &Frame<'_>) {
        match self.fragments.join(&self.decoder, frame) {
            Ok(segment) => {
                count(&mut self.stats, &segment);
                self.inspector.push(&segment, &mut self.out.records);
            }
            // Counted by the fragments themselves, once it is known what becomes of them.
            Err(Skip::Fragment) => {}
            Err(skip) => self.stats.skips.add(skip),
        }
    }

    /// The capture's time has come to `now`, with or without a packet.
    pub fn tick_at(&mut self, now: Timestamp) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now.plus(TICK);
        let before = self.out.records.len();
        self.inspector.tick(now, &mut self.out.records);
        self.out.ticks.push(Tick { after: before, now, stats: self.stats() });
    }

    /// The end of the input.
    pub fn finish(&mut self) {
        self.inspector.finish(&mut self.out.records);
    }
}

fn count(stats: &mut RunStats, segment: &Segment<'_>) {
    match segment.header {
        Header::Tcp { .. } => stats.tcp += 1,
        Header::Udp => stats.udp += 1,
    }
}

#[cfg(test)]
mod tests;
