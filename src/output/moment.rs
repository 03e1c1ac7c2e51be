//! The members that every record begins with: its time, worked out once a second but for the fraction.

use jiff::tz::TimeZone;

use crate::model::frame::Timestamp;
use crate::output::clock::Calendar;
use crate::output::text::Text;

/// Beginnings of records.
pub(super) struct Moments {
    calendar: Calendar,
    second: Option<u64>,
    /// Up to the dot of `@timestamp`.
    head: Vec<u8>,
    /// From its nine digits to the dot of `ts`.
    middle: Vec<u8>,
}

impl Moments {
    /// Beginnings in UTC.
    pub(super) fn new() -> Self {
        let calendar = Calendar::new(TimeZone::UTC, 'T');
        Self { calendar, second: None, head: Vec::new(), middle: Vec::new() }
    }

    /// Begins a record; the version rises only when a field is renamed, retyped, removed or changes its meaning.
    pub(super) fn put(&mut self, t: &mut Text<'_>, time: Timestamp) {
        if self.second != Some(time.seconds()) {
            self.turn(time);
        }
        let mut digits = itoa::Buffer::new();
        let nanos = digits.format(time.subsec_nanos() + 1_000_000_000).as_bytes();
        t.raw(&self.head);
        t.raw(nanos.get(1..).unwrap_or_default());
        t.raw(&self.middle);
        t.raw(nanos.get(1..7).unwrap_or_default());
        t.lit(",\"schema_version\":1");
    }

    #[cold]
    fn turn(&mut self, time: Timestamp) {
        self.second = Some(time.seconds());
        self.head.clear();
        self.middle.clear();
        let mut t = Text(&mut self.head);
        t.lit("{\"@timestamp\":\"");
        t.raw(self.calendar.date_time(time).as_bytes());
        t.lit(".");
        let mut t = Text(&mut self.middle);
        t.lit("Z\",\"ts\":");
        t.number(time.seconds());
        t.lit(".");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_and_each_fraction_is_right() {
        let mut moments = Moments::new();
        let mut put = |nanos| {
            let mut out = Vec::new();
            moments.put(&mut Text(&mut out), Timestamp(nanos));
            String::from_utf8(out).unwrap()
        };
        let second = 1_772_620_245_000_000_000;
        let of =
            |date: &str, ts: &str| format!("{{\"@timestamp\":\"{date}Z\",\"ts\":{ts},\"schema_version\":1");
        assert_eq!(put(second + 7), of("2026-03-04T10:30:45.000000007", "1772620245.000000"));
        assert_eq!(put(second + 999_999_999), of("2026-03-04T10:30:45.999999999", "1772620245.999999"));
        assert_eq!(put(second + 1_000_000_000), of("2026-03-04T10:30:46.000000000", "1772620246.000000"));
        assert_eq!(put(second), of("2026-03-04T10:30:45.000000000", "1772620245.000000"));
        assert_eq!(put(0), of("1970-01-01T00:00:00.000000000", "0.000000"));
    }
}
