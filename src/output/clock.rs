//! Timestamps as text: the date part is worked out once a second, the fraction each time.

use jiff::tz::TimeZone;

use crate::model::frame::Timestamp;
use crate::output::context::{Context, TimeStyle};
use crate::output::text::Text;

/// Dates of one time zone.
pub(super) struct Calendar {
    zone: TimeZone,
    separator: char,
    second: Option<u64>,
    text: String,
}

impl Calendar {
    /// `separator` stands between date and time of day.
    pub(super) fn new(zone: TimeZone, separator: char) -> Self {
        Self { zone, separator, second: None, text: String::new() }
    }

    /// `YYYY-MM-DD`, the separator and `HH:MM:SS`: 19 bytes.
    pub(super) fn date_time(&mut self, time: Timestamp) -> &str {
        let second = time.seconds();
        if self.second != Some(second) {
            self.second = Some(second);
            self.text = self.text_of(second);
        }
        &self.text
    }

    /// `HH:MM:SS`.
    pub(super) fn time_of_day(&mut self, time: Timestamp) -> &str {
        self.date_time(time).get(11..).unwrap_or_default()
    }

    fn text_of(&self, second: u64) -> String {
        // Seconds of a 64-bit nanosecond count end in 2554, far inside of what jiff holds.
        let instant = i64::try_from(second).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
        let at = self.zone.to_datetime(instant.unwrap_or_default());
        let (date, time) = (at.date(), at.time());
        format!(
            "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            self.separator,
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

/// Appends `.` and the fraction of the second, nine digits or six (cut, not rounded).
pub(super) fn fraction(out: &mut Vec<u8>, time: Timestamp, nano: bool) {
    out.push(b'.');
    if nano {
        Text(out).digits(time.subsec_nanos(), 9);
    } else {
        Text(out).digits(time.subsec_nanos() / 1000, 6);
    }
}

/// The beginnings of lines.
pub(super) struct Clock {
    style: TimeStyle,
    nano: bool,
    calendar: Calendar,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Clock {
    pub(super) fn new(context: &Context) -> Self {
        Self {
            style: context.time_style,
            nano: context.nano,
            calendar: Calendar::new(context.timezone.clone(), ' '),
            first: None,
            last: None,
        }
    }

    /// Appends the time and two spaces; nothing with `-t`.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let first = *self.first.get_or_insert(time);
        let last = self.last.replace(time).unwrap_or(time);
        match self.style {
            TimeStyle::Omit => return,
            TimeStyle::Clock => out.extend_from_slice(self.calendar.time_of_day(time).as_bytes()),
            TimeStyle::Date => out.extend_from_slice(self.calendar.date_time(time).as_bytes()),
            TimeStyle::Epoch => out.extend_from_slice(time.seconds().to_string().as_bytes()),
            TimeStyle::Delta => return self.difference(out, last, time),
            TimeStyle::SinceFirst => return self.difference(out, first, time),
        }
        fraction(out, time, self.nano);
        out.extend_from_slice(b"  ");
    }

    /// `HH:MM:SS` and fraction between two times; records are not always in the order of their times.
    fn difference(&self, out: &mut Vec<u8>, from: Timestamp, to: Timestamp) {
        if to < from {
            out.push(b'-');
        }
        let span = Timestamp(to.0.abs_diff(from.0));
        let seconds = span.seconds();
        let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        out.extend_from_slice(text.as_bytes());
        fraction(out, span, self.nano);
        out.extend_from_slice(b"  ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::T0;

    fn lines(style: TimeStyle, nano: bool, zone: &str, times: &[u64]) -> Vec<String> {
        let timezone = TimeZone::posix(zone).unwrap();
        let mut clock = Clock::new(&Context { time_style: style, nano, timezone, ..Context::default() });
        let mut line = |&time| {
            let mut out = Vec::new();
            clock.write(&mut out, Timestamp(time));
            String::from_utf8(out).unwrap()
        };
        times.iter().map(&mut line).collect()
    }

    #[test]
    fn each_style_is_tcpdumps() {
        let times = [T0.0, T0.0 + 61_000_000_999, T0.0 + 1];
        let of = |style| lines(style, false, "UTC0", &times);
        assert_eq!(of(TimeStyle::Clock), ["10:31:07.402118  ", "10:32:08.402118  ", "10:31:07.402118  "]);
        assert_eq!(of(TimeStyle::Omit), ["", "", ""]);
        assert_eq!(of(TimeStyle::Epoch)[0], "1791541867.402118  ");
        assert_eq!(of(TimeStyle::Delta), ["00:00:00.000000  ", "00:01:01.000000  ", "-00:01:01.000000  "]);
        assert_eq!(of(TimeStyle::Date)[1], "2026-10-09 10:32:08.402118  ");
        assert_eq!(
            of(TimeStyle::SinceFirst),
            ["00:00:00.000000  ", "00:01:01.000000  ", "00:00:00.000000  "]
        );
    }

    #[test]
    fn nanoseconds_are_nine_digits() {
        assert_eq!(lines(TimeStyle::Clock, true, "UTC0", &[T0.0 + 5]), ["10:31:07.402118005  "]);
        assert_eq!(lines(TimeStyle::Delta, true, "UTC0", &[T0.0, T0.0 + 5])[1], "00:00:00.000000005  ");
    }

    #[test]
    fn the_time_zone_is_honoured_with_its_summer_time() {
        assert_eq!(lines(TimeStyle::Clock, false, "IST-5:30", &[T0.0]), ["16:01:07.402118  "]);
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        let before_and_after = [1_792_889_999_000_000_000, 1_792_890_000_000_000_000];
        let dates = lines(TimeStyle::Date, false, berlin, &before_and_after);
        assert_eq!(dates, ["2026-10-25 02:59:59.000000  ", "2026-10-25 02:00:00.000000  "]);
    }

    #[test]
    fn the_ends_of_time_are_dates_too() {
        let dates = lines(TimeStyle::Date, true, "UTC0", &[0, u64::MAX]);
        assert_eq!(dates, ["1970-01-01 00:00:00.000000000  ", "2554-07-21 23:34:33.709551615  "]);
    }
}
