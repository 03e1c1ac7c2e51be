//! What leaves the inspector by age, by the table's bound, or because the capture ends.

use crate::flow::limits::IDLE_OPEN;
use crate::inspector::Inspector;
use crate::inspector::connection::{ANSWER, DIALOGUE, LINGER, SEEK};
use crate::inspector::half::{Half, SILENT, SYN};
use crate::inspector::verdict::Cause;
use crate::model::frame::Timestamp;
use crate::model::observation::{Observation, Outcome};

/// Unanswered SYNs that are given up together.
const BATCH: usize = 64;
/// The part of the table that a flood empties at a time.
const FLOOD_SHARE: usize = 1024;

impl Inspector {
    /// Makes room for one more flow.
    pub(super) fn make_room(&mut self, out: &mut Vec<Observation>) {
        if self.table.len() < self.settings.max_flows {
            return;
        }
        self.stats.evicted += 1;
        let flood = self.halves.len() * 2 > self.settings.max_flows;
        if !flood && self.evict_done() {
            return;
        }
        let open = [LINGER, ANSWER, DIALOGUE, SEEK].into_iter().find_map(|class| self.open.oldest(class));
        if flood {
            let many = (self.settings.max_flows / FLOOD_SHARE).clamp(1, BATCH);
            self.stats.evicted += self.expire_oldest(many, |_| true, out).saturating_sub(1);
        } else if let Some(index) = self.halves.oldest(SYN).or_else(|| self.halves.oldest(SILENT)) {
            self.expire_half(index, out);
        } else if let Some((index, hash)) = open.and_then(|index| Some((index, self.open.get(index)?.hash))) {
            self.conclude(index, Cause::CutOff, self.now, out);
            self.table.remove(hash);
        }
    }

    /// Forgets one flow that needs nothing more, if there is one and it is not too long to look for.
    fn evict_done(&mut self) -> bool {
        const TRIES: usize = 64;
        let watched = self.halves.len() + self.open.len();
        watched < self.table.len() && (0..TRIES).any(|_| self.table.evict_done())
    }

    /// Gives up the oldest unanswered SYNs that are `due`, at most `many`, a [`BATCH`] at a time: their places in
    /// the table are in no cache, and a batch of reads overlaps where removals one by one would wait. Returns
    /// how many.
    fn expire_oldest(&mut self, many: usize, due: impl Fn(&Half) -> bool, out: &mut Vec<Observation>) -> u64 {
        let (mut batch, mut gone) = ([0; BATCH], 0);
        while gone < many {
            let (mut len, mut touched) = (0, 0);
            let mut next = self.halves.oldest(SYN);
            for place in batch.iter_mut().take(many - gone) {
                let Some((index, half)) = next.and_then(|index| Some((index, self.halves.get(index)?)))
                else {
                    break;
                };
                if !due(half) {
                    break;
                }
                touched ^= self.table.touch(half.hash);
                *place = index;
                len += 1;
                next = self.halves.younger(index);
            }
            std::hint::black_box(touched);
            for index in batch.iter().take(len) {
                self.expire_half(*index, out);
            }
            gone += len;
            if len < BATCH {
                break;
            }
        }
        gone as u64
    }

    pub(super) fn expire_half(&mut self, index: u32, out: &mut Vec<Observation>) {
        let Some(half) = self.halves.get(index) else { return };
        let (hash, due) = (half.hash, half.since.plus(self.settings.handshake_timeout));
        self.drop_half(index, Outcome::Timeout, due.min(self.now), out);
        self.table.remove(hash);
    }

    /// The capture's time is `now`: tells what has waited too long. Called at least ten times a second of
    /// capture time, and live also when nothing arrives.
    pub fn tick(&mut self, now: Timestamp, out: &mut Vec<Observation>) {
        self.now = self.now.max(now);
        let timeout = self.settings.handshake_timeout;
        let now = self.now;
        self.expire_oldest(usize::MAX, |half| now.since(half.since) >= timeout, out);
        while let Some(index) = self.halves.oldest(SILENT) {
            if self.halves.get(index).is_none_or(|half| self.now.since(half.since) < IDLE_OPEN) {
                break;
            }
            self.expire_half(index, out);
        }
        for (class, age) in [(SEEK, timeout), (ANSWER, timeout), (DIALOGUE, IDLE_OPEN)] {
            while let Some(index) = self.open.oldest(class) {
                if self.open.get(index).is_none_or(|open| self.now.since(open.since) < age) {
                    break;
                }
                let at = self.open.get(index).map_or(self.now, |open| open.since.plus(age));
                self.conclude(index, Cause::Timeout, at, out);
            }
        }
        self.tick_datagrams(out);
    }

    /// The end of the capture: tells all that is still open, in the order of age.
    pub fn finish(&mut self, out: &mut Vec<Observation>) {
        let now = self.now;
        self.tick(now, out);
        for class in 0..4 {
            while let Some(index) = self.open.oldest(class) {
                self.conclude(index, Cause::CutOff, now, out);
            }
        }
        while let Some(index) = self.halves.oldest(SILENT) {
            self.expire_half(index, out);
        }
        while let Some(index) = self.halves.oldest(SYN) {
            // the answer may come after the end: only a SYN that was sent again has waited in vain
            let waited = self.halves.get(index).is_some_and(|half| half.retransmits > 0 || half.refused);
            if waited {
                self.expire_half(index, out);
            } else {
                self.halves.remove(index);
                self.stats.unanswered += 1;
            }
        }
        self.finish_datagrams(out);
    }
}
