//! When the oldest connections are given: once every input's clock has gone on by the window.
//!
//! The window has parts. What begins in one part is due when four more are over; a part is over when each
//! input's own clock has gone on by its length, however far the clocks are apart.

use std::collections::VecDeque;

use crate::model::frame::Timestamp;

/// Parts of a window.
const PARTS: u64 = 4;

/// An input, which may tell of several vantage points, and a vantage point may have several: an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed(pub usize);

/// An input's progress.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Its time when the part began; `None` before its first record.
    base: Option<Timestamp>,
    newest: Timestamp,
    /// Nobody waits for it.
    rests: bool,
}

/// The parts, and what began in each.
#[derive(Debug)]
pub(super) struct Window<T> {
    /// Nanoseconds.
    part: u64,
    feeds: Vec<Progress>,
    /// The oldest first; the last is the present one.
    parts: VecDeque<Vec<T>>,
    present: u64,
}

impl<T> Window<T> {
    /// A window of so many nanoseconds.
    pub(super) fn new(length: u64) -> Self {
        let parts = VecDeque::from([Vec::new()]);
        Self { part: (length / PARTS).max(1), feeds: Vec::new(), parts, present: 0 }
    }

    /// Another input.
    pub(super) fn add_feed(&mut self) -> Feed {
        self.feeds.push(Progress::default());
        Feed(self.feeds.len() - 1)
    }

    /// Nobody waits for `feed` until it says something.
    pub(super) fn rest(&mut self, feed: Feed) {
        if let Some(progress) = self.feeds.get_mut(feed.0) {
            progress.rests = true;
        }
    }

    /// Notes what begins now; returns the number of the present part.
    pub(super) fn begin(&mut self, what: T) -> u64 {
        if let Some(part) = self.parts.back_mut() {
            part.push(what);
        }
        self.present
    }

    /// The clock of `feed` has come to `now`: gives the number of the part that is due by that, and what began in it.
    pub(super) fn advance(&mut self, feed: Feed, now: Timestamp) -> Option<(u64, Vec<T>)> {
        let progress = self.feeds.get_mut(feed.0)?;
        progress.newest = progress.newest.max(now);
        if progress.rests {
            (progress.rests, progress.base) = (false, None);
        }
        progress.base.get_or_insert(progress.newest);
        let part = self.part;
        let over = |it: &Progress| it.rests || it.base.is_some_and(|base| it.newest.since(base) >= part);
        if !self.feeds.iter().all(over) {
            return None;
        }
        for it in &mut self.feeds {
            it.base = it.base.map(|_| it.newest);
        }
        self.present += 1;
        self.parts.push_back(Vec::new());
        if self.parts.len() as u64 > PARTS + 1 { self.oldest() } else { None }
    }

    /// The oldest part, ahead of its time; of the present one its older half.
    pub(super) fn oldest(&mut self) -> Option<(u64, Vec<T>)> {
        let number = (self.present + 1).saturating_sub(self.parts.len() as u64);
        if self.parts.len() > 1 {
            return Some((number, self.parts.pop_front()?));
        }
        let present = self.parts.front_mut()?;
        let newer = present.split_off(present.len().div_ceil(2));
        Some((number, std::mem::replace(present, newer)))
    }

    /// Everything.
    pub(super) fn all(&mut self) -> Vec<T> {
        self.parts.iter_mut().flat_map(std::mem::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(window: &mut Window<u8>, feed: usize, now: u64) -> Option<Vec<u8>> {
        window.advance(Feed(feed), Timestamp(now)).map(|(_, what)| what)
    }

    #[test]
    fn what_began_is_due_once_all_clocks_have_gone_on_by_the_window() {
        let mut window = Window::new(40);
        assert_eq!((window.add_feed(), window.add_feed()), (Feed(0), Feed(1)));
        assert_eq!((due(&mut window, 0, 100), due(&mut window, 1, 7000)), (None, None));
        window.begin(1);
        for n in 1..5 {
            assert_eq!((due(&mut window, 0, 100 + 10 * n), due(&mut window, 1, 7000 + 10 * n)), (None, None));
        }
        assert_eq!(due(&mut window, 0, 1000), None, "the other clock stands still");
        assert_eq!(due(&mut window, 1, 7050), Some(vec![1]));
    }

    #[test]
    fn one_that_rests_holds_nobody_up_and_begins_anew() {
        let mut window = Window::new(4);
        assert_eq!((window.add_feed(), window.add_feed()), (Feed(0), Feed(1)));
        window.rest(Feed(1));
        window.begin(1);
        assert_eq!((0..5).map(|now| due(&mut window, 0, now)).collect::<Vec<_>>(), vec![None; 5]);
        assert_eq!(due(&mut window, 0, 5), Some(vec![1]));
        window.begin(2);
        assert_eq!(due(&mut window, 1, 9), None);
        assert!((6..50).all(|now| due(&mut window, 0, now).is_none()), "it is waited for again");
    }

    #[test]
    fn the_oldest_can_go_early() {
        let mut window = Window::new(4);
        window.add_feed();
        let numbers: Vec<u64> = (1..4).map(|what| window.begin(what)).collect();
        assert_eq!(numbers, [0, 0, 0]);
        assert_eq!(window.oldest(), Some((0, vec![1, 2])));
        assert_eq!((due(&mut window, 0, 0), due(&mut window, 0, 1)), (None, None));
        assert_eq!(window.begin(4), 1);
        assert_eq!(window.oldest(), Some((0, vec![3])));
        assert_eq!(window.all(), [4]);
    }
}
