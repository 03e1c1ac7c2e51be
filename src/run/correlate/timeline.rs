//! What moved, as the vantage points together saw it.
//!
//! Each vantage point is watched by itself, by its own clock, as if it had been alone: clocks may be hours apart, and
//! how far is known at the end only. Then their stories are put on one clock, and what several tell is told once.

use std::sync::Arc;
use std::time::Duration;

use crate::failover::event::{Event, News, Story};
use crate::failover::merge::{merge, without_lulls};
use crate::failover::{Detector, Settings};
use crate::model::frame::{OriginId, Timestamp};
use crate::model::observation::Observation;
use crate::path::Node;
use crate::path::clock::Clocks;
use crate::run::correlate::nodes::MAX_NODES;

/// How long a record is held back, nanoseconds: a gateway's leg out is answered before its leg in, and whose hello
/// was first is what counts.
pub(super) const HOLD: u64 = 100_000_000;
/// Records that are held back at each vantage point, at most.
const MAX_HELD: usize = 8192;

/// One vantage point.
struct Watcher {
    name: Arc<str>,
    detector: Detector,
    /// In the order of their outcomes; boxed, so that they are sorted without being moved.
    #[expect(clippy::vec_box, reason = "a record is some hundred bytes, and came in a box")]
    held: Vec<Box<Observation>>,
    now: Timestamp,
    /// When it is time to look at these.
    due: Timestamp,
}

/// The watch over services at all vantage points.
pub(super) struct Timeline {
    handshake_timeout: u64,
    watchers: Vec<Watcher>,
    /// What is found is told at the end, and not when it is found.
    unread: Vec<News>,
}

impl Timeline {
    pub(super) fn new(handshake_timeout: Duration) -> Self {
        let handshake_timeout = u64::try_from(handshake_timeout.as_nanos()).unwrap_or(u64::MAX);
        Self { handshake_timeout, watchers: Vec::new(), unread: Vec::new() }
    }

    /// A record of a vantage point.
    pub(super) fn observe(&mut self, name: &Arc<str>, record: Box<Observation>) {
        let now = record.completed;
        let Some(place) = self.place(name) else { return };
        let Some(watcher) = self.watchers.get_mut(place) else { return };
        watcher.held.push(record);
        watcher.look(now, &mut self.unread);
    }

    /// The clock of a vantage point has come to `now`.
    pub(super) fn tick(&mut self, name: &Arc<str>, now: Timestamp) {
        let Some(place) = self.place(name) else { return };
        if let Some(watcher) = self.watchers.get_mut(place) {
            watcher.look(now, &mut self.unread);
        }
    }

    fn place(&mut self, name: &Arc<str>) -> Option<usize> {
        let same = |it: &Watcher| Arc::ptr_eq(&it.name, name) || it.name == *name;
        if let Some(place) = self.watchers.iter().position(same) {
            return Some(place);
        }
        if self.watchers.len() >= MAX_NODES {
            return None;
        }
        let settings = Settings { local: None, handshake_timeout: self.handshake_timeout };
        let (name, detector) = (Arc::clone(name), Detector::new(settings));
        let (now, due) = Default::default();
        self.watchers.push(Watcher { name, detector, held: Vec::new(), now, due });
        Some(self.watchers.len() - 1)
    }

    /// The end: all stories by the clock of the first vantage point that is in `names`, each once. Where clocks were
    /// never compared, their times are taken as they are.
    pub(super) fn stories(&mut self, names: &[String], clocks: &mut Clocks) -> Vec<Story> {
        let mut all = Vec::new();
        self.watchers.iter_mut().for_each(|watcher| watcher.finish(&mut self.unread));
        let place = |watcher: &Watcher| {
            let place = names.iter().position(|known| **known == *watcher.name);
            place.and_then(|place| u16::try_from(place).ok())
        };
        let known: Vec<(u16, &Detector)> =
            self.watchers.iter().filter_map(|it| Some((place(it)?, &it.detector))).collect();
        for (place, detector) in &known {
            let place = *place;
            let mut ahead = |other: u16| clocks.between(Node(place), Node(other)).unwrap_or(0);
            let stories = without_lulls(detector.stories(), |silence| {
                let others = known.iter().filter(|(other, _)| *other != place);
                others.into_iter().any(|(other, detector)| went_on(detector, silence, ahead(*other)))
            });
            let behind = ahead(0);
            for mut story in stories {
                story.event.origin = OriginId(place);
                for (origin, _) in &mut story.event.evidence.packets {
                    *origin = OriginId(place);
                }
                all.push(story.by_clock(behind));
            }
        }
        merge(all)
    }
}

/// True if the target of a silence was in use where `detector` watches, by a clock that is `ahead`.
fn went_on(detector: &Detector, silence: &Event, ahead: i64) -> bool {
    let by_clock = |time: Timestamp| Timestamp(time.0.saturating_add_signed(ahead));
    let used = detector.in_use(&silence.name);
    used.is_some_and(|(first, last)| first < by_clock(silence.time) && last >= by_clock(silence.noticed))
}

impl Watcher {
    /// The clock has come to `now`.
    fn look(&mut self, now: Timestamp, unread: &mut Vec<News>) {
        self.now = self.now.max(now);
        if self.due == Timestamp::default() {
            // the watch begins
            self.detector.tick(now, unread);
            self.due = now.plus(HOLD);
        }
        if now < self.due && self.held.len() < MAX_HELD {
            return;
        }
        self.due = now.plus(HOLD);
        let ripe = Timestamp(now.0.saturating_sub(HOLD));
        self.release(Some(ripe), unread);
        self.detector.tick(if self.held.is_empty() { now } else { ripe }, unread);
        unread.clear();
    }

    /// Gives what was complete at `ripe`, and what began before the last of that, by the time of the hello; with
    /// too much at hand, everything.
    fn release(&mut self, ripe: Option<Timestamp>, unread: &mut Vec<News>) {
        self.held.sort_by_key(|record| record.time);
        let old = |record: &Observation| ripe.is_none_or(|ripe| record.completed <= ripe);
        let full = self.held.len() >= MAX_HELD;
        let last = if full {
            Some(self.held.len())
        } else {
            self.held.iter().rposition(|record| old(record)).map(|at| at + 1)
        };
        for record in self.held.drain(..last.unwrap_or(0)) {
            self.detector.observe(&record, unread);
        }
    }

    fn finish(&mut self, unread: &mut Vec<News>) {
        self.release(None, unread);
        self.detector.tick(self.now, unread);
        self.detector.finish(unread);
        unread.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::segment::FlowKey;
    use crate::sample::{self, T0, flow, mesh_name};

    const MS: u64 = 1_000_000;

    /// A connection for currency in dc2, `at` milliseconds after the begin; its answer comes `latency` later.
    fn call((at, latency): (u64, u64), number: u64, flow: FlowKey) -> Box<Observation> {
        let mut record = Observation { name: Some(mesh_name("currency", "dc2")), flow, ..sample::ok() };
        record.time = T0.plus(at * MS);
        record.completed = record.time.plus(latency * MS);
        record.hello.as_mut().unwrap().random[..8].copy_from_slice(&number.to_be_bytes());
        Box::new(record)
    }

    #[test]
    fn whose_hello_was_first_is_the_client_though_its_answer_comes_last() {
        let inward = || flow("10.42.0.17", (4000, 443), "10.128.0.10");
        let outward = || flow("10.128.0.10", (5000, 443), "10.132.0.20");
        let name: Arc<str> = Arc::from("dc1");
        let mut timeline = Timeline::new(Duration::from_secs(10));
        timeline.tick(&name, T0);
        for number in 0..40 {
            let at = 12_000 + 300 * number;
            timeline.observe(&name, call((at + 1, 3), number, outward()));
            timeline.observe(&name, call((at, 5), number, inward()));
        }
        let stories = timeline.stories(&["dc1".to_owned()], &mut Clocks::default());
        assert_eq!(stories.len(), 1, "{stories:#?}");
        let event = &stories[0].event;
        assert_eq!((event.client, event.moved), ("10.42.0.17".parse().unwrap(), 1));
        assert_eq!((event.time, event.baseline), (T0.plus(12_000 * MS), 12_000 * MS));
    }

    #[test]
    fn what_is_held_back_is_bounded() {
        let name: Arc<str> = Arc::from("dc1");
        let mut timeline = Timeline::new(Duration::from_secs(10));
        let mut held = 0;
        for number in 0..3 * MAX_HELD as u64 {
            let flow = flow("10.42.0.17", (4000, 443), "10.128.0.10");
            timeline.observe(&name, call((1, 1), number, flow));
            held = held.max(timeline.watchers[0].held.len());
        }
        assert!(held <= MAX_HELD, "{held}");
    }
}
