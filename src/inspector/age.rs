//! What leaves the inspector by age, by the table's bound, or because the capture ends.

use crate::flow::limits::IDLE_OPEN;
use crate::inspector::Inspector;
use crate::inspector::connection::{ANSWER, LINGER, SEEK};
use crate::inspector::half::{SILENT, SYN};
use crate::inspector::record::Cause;
use crate::model::frame::Timestamp;
use crate::model::observation::{Observation, Outcome};

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
        let open = [LINGER, ANSWER, SEEK].into_iter().find_map(|class| self.open.oldest(class));
        if let Some(index) = self.halves.oldest(SYN).or_else(|| self.halves.oldest(SILENT)) {
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
        for (class, age) in [(SYN, timeout), (SILENT, IDLE_OPEN)] {
            while let Some(index) = self.halves.oldest(class) {
                if self.halves.get(index).is_none_or(|half| self.now.since(half.since) < age) {
                    break;
                }
                self.expire_half(index, out);
            }
        }
        for class in [SEEK, ANSWER] {
            while let Some(index) = self.open.oldest(class) {
                if self.open.get(index).is_none_or(|open| self.now.since(open.since) < timeout) {
                    break;
                }
                let at = self.open.get(index).map_or(self.now, |open| open.since.plus(timeout));
                self.conclude(index, Cause::Timeout, at, out);
            }
        }
        self.tick_datagrams(out);
    }

    /// The end of the capture: tells all that is still open, in the order of age.
    pub fn finish(&mut self, out: &mut Vec<Observation>) {
        let now = self.now;
        self.tick(now, out);
        for class in 0..3 {
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
