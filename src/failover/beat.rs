//! Hellos that come like a clock's: active health checks of the other datacenter, while all is healthy.
//!
//! Envoy checks every few seconds, to within milliseconds; requests do not. A target that only checks ask for is not
//! in use, and the first request beside them is what a first hello is elsewhere.

use crate::model::frame::Timestamp;

/// Equal pauses in a row that make a clock.
const STEADY: u32 = 4;
/// The shortest period that is a check's, nanoseconds.
const SHORTEST: u64 = 500_000_000;
/// From this period on a clock is taken for checks where nothing was told of it, nanoseconds. What comes faster may be
/// a program that sends one request after the other: it is in use.
pub(super) const SLOW: u64 = 1_500_000_000;
/// A beat may be early or late by this part of the period.
const TOLERANCE: u64 = 20;
/// Beats that may be missing before the clock is taken to have stopped.
const MISSING: u64 = 4;

/// What a hello is to the clock of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// There is no clock, or not yet.
    None,
    /// It is the beat that makes the clock one: so many hellos were its beats, one in `period` nanoseconds.
    Begun {
        /// The beats so far.
        count: u64,
        /// Of the clock.
        period: u64,
    },
    /// A beat.
    On,
    /// Beside the beat; the clock's period in nanoseconds.
    Off(u64),
    /// A beat that shows the one before, which was beside the beat, to have been one too: the clock was set anew, or
    /// what came between had drawn it aside.
    Again,
}

/// The clock of one client at one datacenter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beat {
    /// The last beat, or the last hello as long as there is no clock.
    last: Timestamp,
    /// The last hello beside the beat, unless a beat came since.
    aside: Timestamp,
    period: u64,
    pauses: u32,
}

impl Beat {
    /// A hello at `time`.
    pub(super) fn hello(&mut self, time: Timestamp) -> Rhythm {
        let pause = time.since(self.last);
        if self.pauses >= STEADY && pause <= MISSING * self.period {
            return self.steady(time, pause);
        }
        let equal = self.pauses > 0 && pause.abs_diff(self.period) <= self.period / TOLERANCE;
        let known = self.last != Timestamp::default() && self.pauses < STEADY;
        self.last = time;
        if equal && self.pauses < STEADY {
            self.pauses += 1;
            if self.pauses < STEADY {
                return Rhythm::None;
            }
            return Rhythm::Begun { count: u64::from(STEADY) + 1, period: self.period };
        }
        (self.period, self.pauses) = if known && pause >= SHORTEST { (pause, 1) } else { (0, 0) };
        Rhythm::None
    }

    fn steady(&mut self, time: Timestamp, pause: u64) -> Rhythm {
        let beats = (pause + self.period / 2) / self.period.max(1);
        if beats == 0 || pause.abs_diff(beats * self.period) > self.period / TOLERANCE {
            if time.since(self.aside).abs_diff(self.period) > self.period / TOLERANCE {
                self.aside = time;
                return Rhythm::Off(self.period);
            }
            (self.last, self.aside) = (time, Timestamp::default());
            return Rhythm::Again;
        }
        self.aside = Timestamp::default();
        if beats == 1 {
            // clocks drift
            self.period = (7 * self.period + pause) / 8;
        }
        self.last = time;
        Rhythm::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::T0;

    const MS: u64 = 1_000_000;

    fn played(millis: &[u64]) -> Vec<Rhythm> {
        let mut beat = Beat::default();
        millis.iter().map(|at| beat.hello(T0.plus(at * MS))).collect()
    }

    #[test]
    fn five_equal_steps_are_a_clock_and_what_comes_between_is_not_of_it() {
        use Rhythm::{Begun, None, Off, On};
        let told = played(&[0, 2020, 4040, 6065, 8080, 10_101, 10_400, 12_120, 16_160, 16_170]);
        assert_eq!(told[..6], [None, None, None, None, Begun { count: 5, period: 2020 * MS }, On]);
        assert!(matches!(told[6], Off(_)), "{told:?}");
        assert_eq!(told[7..9], [On, On], "one is missing");
        assert!(matches!(told[9], Off(_)), "{told:?}");
    }

    #[test]
    fn what_comes_at_random_or_fast_is_no_clock() {
        let random = [0, 1500, 4000, 4900, 8000, 9000, 13_000, 13_900, 14_200, 19_000];
        let fast: Vec<u64> = (0..40).map(|n| n * 250).collect();
        let uneven: Vec<u64> = (0..40).map(|n| n * 2000 + n % 3 * 150).collect();
        for millis in [&random[..], &fast, &uneven] {
            assert!(played(millis).iter().all(|rhythm| *rhythm == Rhythm::None), "{millis:?}");
        }
    }

    #[test]
    fn a_clock_that_stopped_begins_anew() {
        let mut millis: Vec<u64> = (0..6).map(|n| n * 2000).collect();
        millis.extend((0..5).map(|n| 60_000 + n * 2000));
        let told = played(&millis);
        assert_eq!(told[6..10], [Rhythm::None; 4]);
        assert_eq!(told[10..], [Rhythm::Begun { count: 5, period: 2000 * MS }]);
    }
}
