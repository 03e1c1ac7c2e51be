//! How far the clocks of vantage points are apart, told from the connections that both saw.
//!
//! A hello that leaves one and comes to the other, and the ServerHello on its way back, are an exchange as in NTP
//! (RFC 5905 §8): its offset is exact where both ways take the same time, and never more wrong than half of the time
//! that both take together. Of the newest exchanges, those with the least time on the way count.

use std::collections::{BTreeMap, VecDeque};

use crate::path::{Node, Sighting};

/// Exchanges of two vantage points that are kept: 16 KiB. Old ones go, since clocks drift.
const SAMPLES: usize = 1024;
/// Pairs of vantage points, at most.
const PAIRS: usize = 256;
/// While there are few exchanges, each one counts at once; later this many do together.
const STEP: u64 = 32;

/// An exchange. Nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// The one clock less the other.
    offset: i64,
    /// There and back, the time at the other end taken off.
    delay: u64,
}

/// What is known of two clocks. Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// Whose clock is taken off.
    pub from: Node,
    /// The other one.
    pub to: Node,
    /// The clock of `to` less that of `from`.
    pub nanos: i64,
    /// How far the exchanges that count differ from it.
    pub error: u64,
    /// How wrong it can be at most: all the delay on one of the two ways.
    pub bound: u64,
    /// Median of the time there and back; no common clock is needed for it.
    pub round_trip: u64,
    /// Exchanges so far.
    pub shared: u64,
}

#[derive(Debug, Default)]
struct Pair {
    samples: VecDeque<Sample>,
    shared: u64,
    told: Option<Offset>,
}

/// All clocks.
#[derive(Debug, Default)]
pub struct Clocks {
    pairs: BTreeMap<(Node, Node), Pair>,
}

impl Clocks {
    /// Takes a leg that two vantage points saw; in whatever order.
    pub(super) fn compare(&mut self, one: &Sighting, other: &Sighting) {
        let Some((up, down)) = by_way(one, other).filter(|_| one.steady && other.steady) else { return };
        let (Some(wait), Some(answer)) = (up.latency, down.latency) else { return };
        let delay = wait.saturating_sub(answer);
        let ahead = difference(down.time.0, up.time.0).saturating_sub(half(delay));
        let key = (up.node.min(down.node), up.node.max(down.node));
        if self.pairs.len() >= PAIRS && !self.pairs.contains_key(&key) {
            return;
        }
        let pair = self.pairs.entry(key).or_default();
        if pair.samples.len() == SAMPLES {
            pair.samples.pop_front();
        }
        let offset = if up.node < down.node { ahead } else { ahead.saturating_neg() };
        pair.samples.push_back(Sample { offset, delay });
        pair.shared += 1;
    }

    /// What is known of each two vantage points that saw a leg in common.
    pub fn offsets(&mut self) -> Vec<Offset> {
        self.pairs.iter_mut().filter_map(|((from, to), pair)| pair.told(*from, *to)).collect()
    }

    /// The clock of `to` less that of `from`, over other vantage points if need be.
    pub fn between(&mut self, from: Node, to: Node) -> Option<i64> {
        if from == to {
            return Some(0);
        }
        let offsets = self.offsets();
        let mut known = vec![(from, 0_i64)];
        let mut next = 0;
        while let Some((node, sum)) = known.get(next).copied() {
            next += 1;
            for it in &offsets {
                let (end, step) = match node {
                    node if node == it.from => (it.to, it.nanos),
                    node if node == it.to => (it.from, it.nanos.saturating_neg()),
                    _ => continue,
                };
                let sum = sum.saturating_add(step);
                if end == to {
                    return Some(sum);
                }
                if !known.iter().any(|(node, _)| *node == end) {
                    known.push((end, sum));
                }
            }
        }
        None
    }
}

impl Pair {
    fn told(&mut self, from: Node, to: Node) -> Option<Offset> {
        let stale = self.told.is_none_or(|told| {
            self.shared > told.shared && (self.shared < 2 * STEP || self.shared - told.shared >= STEP)
        });
        if stale {
            self.told = self.estimate(from, to);
        }
        self.told.map(|told| Offset { shared: self.shared, ..told })
    }

    fn estimate(&self, from: Node, to: Node) -> Option<Offset> {
        let mut by_delay: Vec<Sample> = self.samples.iter().copied().collect();
        by_delay.sort_unstable_by_key(|sample| (sample.delay, sample.offset));
        let least = by_delay.first()?.delay;
        let round_trip = by_delay.get(by_delay.len() / 2)?.delay;
        let best = by_delay.get(..by_delay.len().div_ceil(4))?;
        let mut offsets: Vec<i64> = best.iter().map(|sample| sample.offset).collect();
        offsets.sort_unstable();
        let nanos = *offsets.get(offsets.len() / 2)?;
        let spread = offsets.iter().map(|offset| offset.abs_diff(nanos)).max().unwrap_or_default();
        let bound = least.div_ceil(2);
        let error = if best.len() < 2 { bound } else { spread.min(bound) };
        Some(Offset { from, to, nanos, error, bound, round_trip, shared: self.shared })
    }
}

/// Of two sightings of one leg: the one nearer to the client, which waits longer for the answer, goes first.
pub(super) fn by_way<'s>(one: &'s Sighting, other: &'s Sighting) -> Option<(&'s Sighting, &'s Sighting)> {
    let (a, b) = (one.latency?, other.latency?);
    if one.result != other.result || one.by != other.by {
        return None;
    }
    Some(if a >= b { (one, other) } else { (other, one) })
}

/// `a` less `b`.
pub(super) fn difference(a: u64, b: u64) -> i64 {
    let size = i64::try_from(a.abs_diff(b)).unwrap_or(i64::MAX);
    if a >= b { size } else { -size }
}

fn half(delay: u64) -> i64 {
    i64::try_from(delay / 2).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
