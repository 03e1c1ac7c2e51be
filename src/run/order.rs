//! Puts the records of several rings or interfaces in order of time.
//!
//! The kernel hands over each ring's packets on its own, up to 20 ms late. So a record waits [`PATIENCE`] for earlier
//! ones of other rings: longer than a hand-over takes, and short enough that it still leaves within 100 ms. Only the
//! order of arrival and the records' own times decide, so that a clock which is not this host's does no harm.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::frame::Timestamp;
use crate::model::observation::Observation;

/// How long a record waits for earlier ones.
const PATIENCE: Duration = Duration::from_millis(40);
/// Records that wait at most; beyond that the earliest go.
const WAITING: usize = 65_536;

/// A record, by when it was complete; of equals the one that came first is first.
struct Waiting(Timestamp, u64, Observation);

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

/// The records that wait.
#[derive(Default)]
pub(super) struct Order {
    waiting: BinaryHeap<Reverse<Waiting>>,
    number: u64,
    /// When records came, and the latest time among them.
    arrivals: VecDeque<(Instant, Timestamp)>,
    /// Up to this time nothing is waited for any more.
    settled: Timestamp,
}

impl Order {
    /// Takes the records that came at `now`; gives back those that have waited long enough, in order.
    pub(super) fn pass(&mut self, records: &mut Vec<Observation>, now: Instant) {
        if let Some(latest) = records.iter().map(|record| record.completed).max() {
            self.arrivals.push_back((now, latest));
        }
        for record in records.drain(..) {
            self.waiting.push(Reverse(Waiting(record.completed, self.number, record)));
            self.number += 1;
        }
        while let Some((at, latest)) = self.arrivals.front().copied()
            && now.duration_since(at) >= PATIENCE
        {
            self.arrivals.pop_front();
            self.settled = self.settled.max(latest);
        }
        while let Some(Reverse(first)) = self.waiting.peek()
            && (first.0 <= self.settled || self.waiting.len() > WAITING)
            && let Some(Reverse(first)) = self.waiting.pop()
        {
            records.push(first.2);
        }
    }

    /// All that is left, in order.
    pub(super) fn finish(mut self) -> Vec<Observation> {
        std::iter::from_fn(|| self.waiting.pop()).map(|Reverse(first)| first.2).collect()
    }

    /// How long nothing is due from `now` on, at most `most`.
    pub(super) fn pause(&self, now: Instant, most: Duration) -> Duration {
        let due = self.arrivals.front().map(|(at, _)| (*at + PATIENCE).saturating_duration_since(now));
        due.map_or(most, |due| due.min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn at(time: u64) -> Observation {
        Observation { completed: Timestamp(time), ..sample::ok() }
    }

    fn passed(order: &mut Order, times: &[u64], now: Instant) -> Vec<u64> {
        let mut records = times.iter().copied().map(at).collect();
        order.pass(&mut records, now);
        records.iter().map(|record| record.completed.0).collect()
    }

    #[test]
    fn records_of_two_rings_leave_in_order_after_a_while() {
        let (mut order, start) = (Order::default(), Instant::now());
        let after = |millis| start + Duration::from_millis(millis);
        let most = Duration::from_millis(100);
        assert_eq!(order.pause(start, most), most);
        assert!(passed(&mut order, &[500, 700], start).is_empty());
        assert!(passed(&mut order, &[100, 600, 900], after(20)).is_empty());
        assert_eq!(order.pause(after(20), most), Duration::from_millis(20));
        assert!(passed(&mut order, &[], after(39)).is_empty());
        assert_eq!(passed(&mut order, &[], after(40)), [100, 500, 600, 700]);
        assert_eq!(passed(&mut order, &[650], after(59)), [650], "too late to wait");
        assert_eq!(passed(&mut order, &[], after(60)), [900]);
        assert_eq!(order.pause(after(60), most), Duration::from_millis(39));
    }

    #[test]
    fn the_end_and_a_flood_wait_for_nobody() {
        let (mut order, now) = (Order::default(), Instant::now());
        let flood: Vec<_> = (1..WAITING as u64 + 4).rev().collect();
        assert_eq!(passed(&mut order, &flood, now), [1, 2, 3]);
        let rest: Vec<_> = order.finish().iter().map(|record| record.completed.0).collect();
        assert_eq!(rest.len(), WAITING);
        assert!(rest.is_sorted() && rest.first() == Some(&4));
    }
}
