//! How often hellos come, and the chance that a pause means nothing.
//!
//! With λ hellos a second, a pause of t before the first one has the chance e^(−λt) of meaning nothing. Two
//! cautions go with it. Hellos come in bursts: a pause means nothing either if as long ones are usual. And a
//! watch sees many pauses: the chance of the longest so far is that of one pause times their number.

use super::limits::{ACTIVE, FEW, LONGER, LONGEST, QUIET, RATE, SECOND, power, real, seconds};
use crate::model::frame::Timestamp;

/// What is known of a target's hellos.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    /// First hello.
    pub(super) first: Timestamp,
    /// Last hello.
    pub(super) last: Timestamp,
    /// All hellos.
    pub(super) count: u64,
    /// Seconds with a hello.
    slots: u64,
    /// The same of the newest span, and where that begins.
    recent: (u64, Timestamp),
    /// The longest pause between two signs of interest, watched time.
    longest: u64,
    /// Watched time of the last sign of interest.
    sign: u64,
}

impl Activity {
    /// A first hello at `time`; `watched` is the watched time.
    pub(super) fn new(time: Timestamp, watched: u64) -> Self {
        Self { first: time, last: time, count: 1, slots: 1, recent: (1, time), longest: 0, sign: watched }
    }

    /// A further hello.
    pub(super) fn hello(&mut self, time: Timestamp, watched: u64) {
        self.attempt(watched);
        self.count += 1;
        self.first = self.first.min(time);
        if time.seconds() > self.last.seconds() {
            self.slots += 1;
            self.recent.0 += 1;
        }
        self.last = self.last.max(time);
        if self.last.since(self.recent.1) > RATE {
            self.recent = (self.recent.0 / 2, self.last.plus(0));
            self.recent.1 = Timestamp(self.last.0 - RATE / 2);
        }
    }

    /// A client tried, without getting as far as a hello.
    pub(super) fn attempt(&mut self, watched: u64) {
        self.longest = self.longest.max(watched.saturating_sub(self.sign));
        self.sign = self.sign.max(watched);
    }

    /// How long nobody has asked, in watched time.
    pub(super) fn pause(&self, watched: u64) -> u64 {
        watched.saturating_sub(self.sign)
    }

    /// Hellos a second.
    pub(super) fn rate(&self) -> Option<f64> {
        let span = seconds(self.last.since(self.first));
        (self.count > 1 && span > 0.0).then(|| real(self.count - 1) / span)
    }

    /// The chance that a pause of `baseline` ahead of the first hello means nothing, by what came in the `span` since;
    /// `None` where that is too little. A burst counts as one hello.
    ///
    /// Either e^(−λt) is small, for hellos at random; or the pause is much longer than each of those since, as it is
    /// for hellos that come regularly: that the first of k+1 random pauses is r times as long as the longest of the
    /// others has the chance 1/(1+r) · 2/(2+r) ⋯ k/(k+r).
    pub(super) fn first_chance(&self, baseline: u64, (span, watched): (u64, u64)) -> Option<f64> {
        let further = self.slots - 1;
        if further < FEW - 1 || span == 0 {
            return None;
        }
        let longest = self.longest.max(self.pause(watched)).max(1);
        let times = seconds(baseline) / seconds(longest);
        let longer: f64 = (1..=further.min(LONGEST)).map(|n| real(n) / (real(n) + times)).product();
        Some(silence(real(further) / seconds(span), baseline).min(longer))
    }

    /// Seconds with a hello, besides the first one.
    pub(super) fn further(&self) -> u64 {
        self.slots - 1
    }

    /// The chance that a pause of this length means nothing: one where it is too short to say, or no longer than
    /// others were.
    ///
    /// A burst counts as one hello: what is counted is seconds with a hello. With m of them in S seconds, the
    /// chance of a pause of t is (S ÷ (S + t))^(m−1), which is e^(−λt) for an uncertain λ, and for the longest of
    /// n pauses at most n(n+1) times that.
    pub(super) fn pause_chance(&self, pause: u64) -> f64 {
        let (slots, since) = self.recent;
        let span = self.last.since(since);
        if pause < QUIET || pause < LONGER.saturating_mul(self.longest) || slots < ACTIVE || span < 5 * SECOND
        {
            return 1.0;
        }
        (real(self.slots) * real(self.slots + 1) * lull(span, pause, slots - 1)).min(1.0)
    }
}

/// The chance of a pause after `count` hellos in `span`, for a rate that is only known from these.
pub(super) fn lull(span: u64, pause: u64, count: u64) -> f64 {
    let (span, pause) = (seconds(span), seconds(pause));
    if span <= 0.0 { 1.0 } else { (span / (span + pause)).powi(power(count)) }
}

/// The hellos after a first one, for the judgement whether the time before it was silence.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    first: Timestamp,
    last: Timestamp,
    baseline: u64,
    hellos: u64,
    /// Time from whose moments on nothing came for as long as the baseline.
    empty: u64,
}

impl Trial {
    /// A first hello after a `baseline` without any.
    pub(super) fn new(first: Timestamp, baseline: u64) -> Self {
        Self { first, last: first, baseline, hellos: 0, empty: 0 }
    }

    /// A further hello.
    pub(super) fn hello(&mut self, time: Timestamp) {
        self.hellos += 1;
        self.empty += time.since(self.last).saturating_sub(self.baseline);
        self.last = self.last.max(time);
    }

    /// Hellos a second since the first one.
    pub(super) fn rate(&self, now: Timestamp) -> Option<f64> {
        let span = seconds(now.since(self.first));
        (self.hellos >= FEW && span > 0.0).then(|| real(self.hellos) / span)
    }

    /// The chance that the baseline means nothing: e^(−λt), or the share of such empty times since, whichever is
    /// greater; one where too little is known.
    pub(super) fn chance(&self, now: Timestamp) -> f64 {
        let Some(rate) = self.rate(now) else { return 1.0 };
        let empty = self.empty + now.since(self.last).saturating_sub(self.baseline);
        let share = seconds(empty) / seconds(now.since(self.first));
        silence(rate, self.baseline).max(share)
    }
}

/// e^(−λt).
pub(super) fn silence(rate: f64, time: u64) -> f64 {
    (-rate * seconds(time)).exp()
}
