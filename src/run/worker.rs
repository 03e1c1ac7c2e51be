//! One inspecting worker: frames in, records and ticks out, all in place.

use std::ops::ControlFlow;

use crate::inspector::Inspector;
use crate::model::frame::{Frame, Timestamp};
use crate::model::observation::Observation;
use crate::model::segment::{Segment, Transport};
use crate::model::skip::Skip;
use crate::model::stats::RunStats;
use crate::run::keep::{Keep, Kept};
use crate::source::{BATCH, Opened};
use crate::wire::fast::Glance;
use crate::wire::fragment::Fragments;
use crate::wire::{self, Decoder};

mod keeping;

/// Capture time between two ticks, nanoseconds.
const TICK: u64 = 100_000_000;

/// What a worker has to say, in order.
#[derive(Debug, Default)]
pub struct Yield {
    /// Records.
    pub records: Vec<Observation>,
    /// Ticks.
    pub ticks: Vec<Tick>,
    /// Packets (`-w`).
    pub kept: Kept,
    /// Files that the source has begun by itself.
    pub opened: Vec<Opened>,
}

impl Yield {
    /// True if there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.ticks.is_empty()
            && self.kept.packets.is_empty()
            && self.opened.is_empty()
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
    /// `None` without `-w`.
    keep: Option<Box<Keep>>,
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
            keep: None,
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
    #[inline]
    pub fn frames(&mut self, frames: &[Frame<'_>]) -> ControlFlow<()> {
        let left = self.packets_left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let frames = frames.get(..left).unwrap_or(frames);
        if self.keep.is_some() { self.frames_to_keep(frames) } else { self.inspect(frames) }
    }

    /// All frames are looked at first and their table slots read at once: the cache misses of a batch overlap.
    /// Most packets need no more than that.
    #[inline(never)]
    fn inspect(&mut self, frames: &[Frame<'_>]) -> ControlFlow<()> {
        let mut looks = [Look { hash: 0, kind: Kind::Nothing }; BATCH];
        let mut others: Vec<Segment<'_>> = Vec::new();
        let mut touched = 0;
        for (frame, look) in frames.iter().zip(&mut looks) {
            self.stats.bytes += frame.bytes.len() as u64;
            *look = match self.decoder.glance(frame) {
                Some((hash, glance)) => Look { hash, kind: Kind::Glance(glance) },
                None => self.look(frame, &mut others),
            };
        }
        // a loop of its own: so short that the processor has all the reads under way at once
        for look in looks.iter().take(frames.len()) {
            touched ^= self.inspector.touch(look.hash);
        }
        self.stats.packets += frames.len() as u64;
        std::hint::black_box(touched);
        let mut others = others.iter();
        for (frame, look) in frames.iter().zip(&looks) {
            if frame.time >= self.next_tick {
                self.tick_at(frame.time);
            }
            match &look.kind {
                Kind::Nothing => {}
                Kind::Glance(glance) => {
                    count(&mut self.stats, glance.transport);
                    let flow = self.inspector.find(look.hash);
                    if flow.is_none_or(|found| found.is_changed_by(glance.flags))
                        && let Some(segment) = wire::segment(frame, look.hash, glance)
                    {
                        self.inspector.push_to(flow, &segment, &mut self.out.records);
                    }
                }
                Kind::Segment => {
                    if let Some(segment) = others.next() {
                        count(&mut self.stats, segment.key.transport);
                        self.inspector.push(segment, &mut self.out.records);
                    }
                }
                Kind::Fragment => self.join(frame),
            }
        }
        if let Some(left) = &mut self.packets_left {
            *left -= frames.len() as u64;
            if *left == 0 {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// Looks at a frame of an unusual kind.
    #[inline(never)]
    fn look<'a>(&mut self, frame: &Frame<'a>, others: &mut Vec<Segment<'a>>) -> Look {
        match self.decoder.decode_layers(frame) {
            Ok(segment) => {
                let hash = segment.hash;
                others.push(segment);
                Look { hash, kind: Kind::Segment }
            }
            Err(Skip::Fragment) => Look { hash: 0, kind: Kind::Fragment },
            Err(skip) => {
                self.stats.skips.add(skip);
                Look { hash: 0, kind: Kind::Nothing }
            }
        }
    }

    /// Takes a fragment, and the datagram that it completes.
    fn join(&mut self, frame: &Frame<'_>) {
        match self.fragments.join(&self.decoder, frame) {
            Ok(segment) => take(&mut self.inspector, &mut self.stats, &segment, &mut self.out.records),
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
        if self.keep.is_some() {
            self.tick_keeper(now, before);
        }
    }

    /// The end of the input.
    pub fn finish(&mut self) {
        let before = self.out.records.len();
        self.inspector.finish(&mut self.out.records);
        self.release_all(before);
    }
}

/// What a first look at a frame shows.
#[derive(Clone, Copy)]
struct Look {
    /// Of its flow; 0 where there is none.
    hash: u64,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// No segment, and that is counted.
    Nothing,
    /// A frame of the usual kind.
    Glance(Glance),
    /// Any other frame: its segment stands apart.
    Segment,
    /// A part of an IP datagram.
    Fragment,
}

/// Takes a segment that came by a rare way. Not inlined there, so that the usual way is.
#[inline(never)]
fn take(
    inspector: &mut Inspector,
    stats: &mut RunStats,
    segment: &Segment<'_>,
    records: &mut Vec<Observation>,
) {
    count(stats, segment.key.transport);
    inspector.push(segment, records);
}

#[inline]
fn count(stats: &mut RunStats, transport: Transport) {
    match transport {
        Transport::Tcp => stats.tcp += 1,
        Transport::Udp => stats.udp += 1,
    }
}

#[cfg(test)]
mod tests;
