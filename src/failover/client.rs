//! One client of one service: which datacenter it asks for, and whether it has left the one before.
//!
//! A client that is split over datacenters, or that retries elsewhere, comes back to the old one. It has left
//! when it has not asked there for 5 s, and either has asked so often elsewhere in a row, or not there for so
//! long, that a mere split or a mere pause has less than one chance in ten, all such moments of the watch and
//! all clients taken together. All clients of a service together are looked at in the same way, as one: where
//! each is slow, the whole tells earlier.

use std::net::IpAddr;

use super::beat::{Beat, Rhythm};
use super::failures::Destination;
use super::limits::{CONFIDENCE, FEW, LEFT, LONGEST, real, seconds};
use super::rate::lull;
use crate::model::frame::{OriginId, Timestamp};

/// The first hello of a run to another datacenter.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub(super) time: Timestamp,
    pub(super) client: IpAddr,
    pub(super) server: Destination,
    pub(super) origin: OriginId,
    pub(super) packet: u64,
}

/// A run of hellos to another datacenter than the client's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Away {
    /// Where to.
    pub(super) place: u8,
    /// Its first hello.
    pub(super) first: First,
    /// The last hello of anybody to the client's own datacenter that did not fail.
    pub(super) last_old: Option<Timestamp>,
    run: u64,
    /// Connections to the old datacenter had failed before it.
    failed: bool,
}

/// How a client uses one datacenter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) place: u8,
    /// Last hello or attempt.
    pub(super) last: Timestamp,
    /// The last one that was no beat of a clock.
    request: Timestamp,
    /// Hellos and attempts since the service's last event.
    pub(super) recent: u64,
    /// The clock by which its hellos come, if any.
    beat: Beat,
}

/// One client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// The datacenter that it asks for, until it has left it.
    pub(super) home: u8,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    /// Hellos elsewhere that were followed by one at home.
    others: u64,
    pub(super) away: Option<Away>,
    pub(super) uses: Vec<Use>,
}

impl Client {
    /// A client whose first hello is to `place`.
    pub(super) fn new(place: u8, time: Timestamp) -> Self {
        Self { home: place, count: 0, first: time, last: time, others: 0, away: None, uses: Vec::new() }
    }

    /// A hello to `place`, and the last one to the client's own datacenter that did not fail; `failed`:
    /// connections of this client to its own datacenter failed shortly before.
    pub(super) fn hello(
        &mut self,
        place: u8,
        (hello, last_old): (First, Option<Timestamp>),
        failed: impl FnOnce() -> bool,
    ) {
        self.note_use(place, hello.time);
        if place == self.home {
            self.others += self.away.take().map_or(0, |away| away.run);
            self.count += 1;
            self.last = self.last.max(hello.time);
            return;
        }
        match &mut self.away {
            Some(away) if away.place == place => away.run += 1,
            other => {
                let before = other.take().map_or(0, |away| away.run);
                self.others += before;
                *other = Some(Away { place, first: hello, last_old, run: 1, failed: failed() });
            }
        }
    }

    /// The client used `place`, with a hello or an attempt.
    pub(super) fn note_use(&mut self, place: u8, time: Timestamp) {
        match self.uses.iter_mut().find(|one| one.place == place) {
            Some(one) => {
                one.last = one.last.max(time);
                one.recent += 1;
            }
            None => {
                self.uses.push(Use { place, last: time, request: time, recent: 1, beat: Beat::default() });
            }
        }
    }

    /// What a hello to `place` is to the clock of its hellos there.
    pub(super) fn rhythm(&mut self, place: u8, time: Timestamp) -> Rhythm {
        let Some(used) = self.uses.iter_mut().find(|one| one.place == place) else { return Rhythm::None };
        let rhythm = used.beat.hello(time);
        if matches!(rhythm, Rhythm::None | Rhythm::Off(_)) {
            used.request = used.request.max(time);
        }
        rhythm
    }

    /// When it last used `place`.
    pub(super) fn last_use(&self, place: u8) -> Option<Timestamp> {
        self.uses.iter().find(|one| one.place == place).map(|one| one.last)
    }

    /// When it last used `place` with what was no health check.
    pub(super) fn last_request(&self, place: u8) -> Option<Timestamp> {
        self.uses.iter().find(|one| one.place == place).map(|one| one.request)
    }

    /// The chance that a client with an open run elsewhere has not left its datacenter.
    /// `among` is the number of clients that are looked at.
    pub(super) fn stay_chance(&self, now: Timestamp, among: usize) -> f64 {
        let Some(away) = &self.away else { return 1.0 };
        let absent = now.since(self.last);
        if absent < LEFT || self.count == 0 {
            return 1.0;
        }
        let one = self.run_chance(away.run).min(self.pause_chance(absent, away.failed));
        (one * real(among as u64)).min(1.0)
    }

    /// The chance of a run of this length among so many hellos, if they are merely split: by the rule of
    /// succession, for a share that is only known from the hellos before.
    fn run_chance(&self, run: u64) -> f64 {
        let before = self.count + self.others;
        let next = |elsewhere: u64| real(self.others + elsewhere + 1) / real(before + elsewhere + 2);
        let all = before + run;
        (0..run.min(LONGEST)).map(next).product::<f64>() * real(all) * real(all + 1)
    }

    /// The chance of a mere pause. After failures the rate is taken as known: they say why it ends.
    fn pause_chance(&self, absent: u64, failed: bool) -> f64 {
        let span = self.last.since(self.first);
        let pauses = real(self.count) * real(self.count + 1);
        if failed && self.count + 1 >= FEW && span > 0 {
            let rate = real(self.count - 1) / seconds(span);
            return pauses * (-rate * seconds(absent)).exp();
        }
        if self.count < FEW { 1.0 } else { pauses * lull(span, absent, self.count - 1) }
    }

    /// True if it has left; `among` as in [`Client::stay_chance`].
    pub(super) fn has_left(&self, now: Timestamp, among: usize) -> bool {
        self.stay_chance(now, among) <= 1.0 - CONFIDENCE
    }

    /// From now on the client's datacenter is the one of its run; returns the old one and the run.
    pub(super) fn settle(&mut self) -> Option<(u8, Away)> {
        let away = self.away.take()?;
        let old = std::mem::replace(&mut self.home, away.place);
        (self.count, self.others) = (away.run, 0);
        self.first = away.first.time;
        self.last = self.last_use(away.place).unwrap_or(away.first.time);
        Some((old, away))
    }
}
