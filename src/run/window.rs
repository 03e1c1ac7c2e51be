//! `--since`, `--until` and `--duration`: which part of the capture counts.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::model::frame::Timestamp;
use crate::run::plan::{Limits, When};

/// The part of the capture that counts.
#[derive(Clone, Debug)]
pub struct Window {
    since: Option<When>,
    until: Option<When>,
    duration: Option<u64>,
    begin: Timestamp,
    end: Timestamp,
    begun: bool,
}

impl Window {
    /// The window of `limits`; times of day are resolved at the first packet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            since: limits.since,
            until: limits.until,
            duration: limits.duration.map(|span| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
            begin: Timestamp(0),
            end: Timestamp(u64::MAX),
            begun: false,
        }
    }

    /// Tells the window the capture's time; the first call counts.
    pub fn first(&mut self, now: Timestamp) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        if let Some(since) = self.since {
            self.begin = resolve(since, now);
        }
        if let Some(until) = self.until {
            self.end = resolve(until, now);
        }
        if let Some(duration) = self.duration {
            self.end = self.end.min(now.plus(duration));
        }
    }

    /// True if a record of this time counts.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.begin <= time && time <= self.end
    }

    /// True if `--duration` is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.duration.is_some() && now > self.end
    }
}

/// A time of day belongs to the local day of the capture's first packet.
fn resolve(when: When, first: Timestamp) -> Timestamp {
    match when {
        When::At(time) => time,
        When::TimeOfDay(nanos) => {
            let day = || {
                let first = jiff::Timestamp::from_nanosecond(i128::from(first.0)).ok()?;
                let midnight =
                    first.to_zoned(TimeZone::system()).with().time(Time::midnight()).build().ok()?;
                u64::try_from(midnight.timestamp().as_nanosecond()).ok()
            };
            Timestamp(day().unwrap_or(0).saturating_add(nanos))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::new(seconds, 0)
    }

    #[test]
    fn holds_what_lies_between() {
        let limits =
            Limits { since: Some(When::At(at(10))), until: Some(When::At(at(20))), ..Limits::default() };
        let mut window = Window::new(&limits);
        window.first(at(5));
        assert!(
            !window.holds(at(9)) && window.holds(at(10)) && window.holds(at(20)) && !window.holds(at(21))
        );
        assert!(!window.is_over(at(100)), "--until selects, it does not end the run");
    }

    #[test]
    fn a_duration_counts_from_the_first_packet() {
        let limits = Limits { duration: Some(Duration::from_secs(3)), ..Limits::default() };
        let mut window = Window::new(&limits);
        window.first(at(100));
        window.first(at(200));
        assert!(window.holds(at(103)) && !window.holds(at(104)));
        assert!(!window.is_over(at(103)) && window.is_over(at(104)));
    }

    #[test]
    fn a_time_of_day_is_of_the_first_packets_day() {
        let hour = 3_600_000_000_000;
        let limits = Limits { since: Some(When::TimeOfDay(hour)), ..Limits::default() };
        let mut window = Window::new(&limits);
        let first = at(1_795_344_788);
        window.first(first);
        let midnight = window.begin.0 - hour;
        assert!(midnight <= first.0 && first.0 - midnight < 26 * hour);
        let zoned =
            jiff::Timestamp::from_nanosecond(i128::from(midnight)).unwrap().to_zoned(TimeZone::system());
        assert_eq!((zoned.hour(), zoned.minute()), (0, 0));
    }
}
