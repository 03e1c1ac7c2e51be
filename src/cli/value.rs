//! The values that options take: words out of a fixed list, durations, sizes and times.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use crate::model::frame::Timestamp;
use crate::model::observation::Outcome;
use crate::run::plan::When;
use crate::source::live::options::Direction;
use crate::tally::snapshot::Dimension;

/// A value of `-Q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// Received.
    In,
    /// Sent.
    Out,
    /// Both.
    #[value(name = "inout")]
    InOut,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::In => Self::In,
            Way::Out => Self::Out,
            Way::InOut => Self::InOut,
        }
    }
}

/// A value of `--emit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A ClientHello is whole.
    Hello,
    /// The outcome of a handshake.
    Handshake,
    /// A connection closed.
    End,
    /// A service moved, or fell silent.
    Failover,
    /// Counters.
    Stats,
    /// All of them.
    All,
}

/// A value of `--by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// Server name.
    Sni,
    /// Service, else the server name.
    Service,
    /// Target datacenter.
    Dc,
    /// Client address.
    Src,
    /// Server address.
    Dst,
}

impl From<Group> for Dimension {
    fn from(group: Group) -> Self {
        match group {
            Group::Sni => Self::Sni,
            Group::Service => Self::Service,
            Group::Dc => Self::Datacenter,
            Group::Src => Self::Source,
            Group::Dst => Self::Destination,
        }
    }
}

/// A value of `-T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Rows {
    /// Rows of fields.
    Fields,
}

/// A value of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// As the environment and the terminal say.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// Parser of `--result`: the names of [`Outcome::ALL`].
pub(crate) fn outcome() -> impl TypedValueParser<Value = Outcome> {
    PossibleValuesParser::new(Outcome::ALL.map(Outcome::name)).try_map(|name| {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name).ok_or("no such result")
    })
}

/// Longest time that an option takes: ten years, far from any overflow of a clock.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// Reads a duration above zero: `10s`, `500ms`, `1h30m`, or seconds without a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let bad = || "not a time such as 10s, 500ms, 2m, 1h or a number of seconds".to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let time = if plain {
        let seconds = text.parse().map_err(|_| bad())?;
        Duration::try_from_secs_f64(seconds).map_err(|_| "longer than ten years".to_string())?
    } else {
        let signed: jiff::SignedDuration = text.parse().map_err(|_| bad())?;
        Duration::try_from(signed).map_err(|_| "not above zero".to_string())?
    };
    match time {
        Duration::ZERO => Err("not above zero".to_string()),
        time if time > LONGEST => Err("longer than ten years".to_string()),
        time => Ok(time),
    }
}

/// Reads a size in KiB, as tcpdump's `-B` takes it, or with the unit `k`, `M` or `G` (powers of 1,024).
pub(crate) fn kibibytes(text: &str) -> Result<u32, String> {
    let units = [(['k', 'K'], 1), (['m', 'M'], 1 << 10), (['g', 'G'], 1 << 20)];
    let (digits, unit) = units
        .iter()
        .find_map(|(letters, unit)| text.strip_suffix(letters.as_slice()).map(|digits| (digits, *unit)))
        .unwrap_or((text, 1));
    let bad = "not a size in KiB such as 4096, 512k or 4M";
    let number: u32 = Some(digits).filter(|d| !d.starts_with('+')).and_then(|d| d.parse().ok()).ok_or(bad)?;
    // libpcap takes the size in bytes as a C int.
    let size = number.checked_mul(unit).filter(|size| *size < 1 << 21).ok_or("2 GiB or more")?;
    if size == 0 { Err("not above zero".to_string()) } else { Ok(size) }
}

/// Reads a number of threads or rings: a group of rings has 256 members at most (packet(7), `PACKET_FANOUT`).
pub(crate) fn jobs(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number <= 256).ok_or_else(|| "not of 0 to 256".to_owned())
}

/// A value of `--capture-depth`: bytes, or `None` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth(pub Option<u32>);

/// Reads a depth: `all`, or bytes, also with the unit `k` or `M` (powers of 1,024), of 4 KiB to 1 GiB.
pub(crate) fn depth(text: &str) -> Result<Depth, String> {
    if text == "all" {
        return Ok(Depth(None));
    }
    let units = [(['k', 'K'], 1 << 10), (['m', 'M'], 1 << 20)];
    let (digits, unit) = units
        .iter()
        .find_map(|(letters, unit)| text.strip_suffix(letters.as_slice()).map(|digits| (digits, *unit)))
        .unwrap_or((text, 1));
    let bad = "not a depth such as 16k, 65536, 1M or all";
    let number: u32 = Some(digits).filter(|d| !d.starts_with('+')).and_then(|d| d.parse().ok()).ok_or(bad)?;
    let in_range = |bytes: &u32| (4 << 10..=512 << 20).contains(bytes);
    number
        .checked_mul(unit)
        .filter(in_range)
        .map(|bytes| Depth(Some(bytes)))
        .ok_or("not of 4k to 512M".into())
}

/// Reads a point in time; local time is this host's.
pub(crate) fn when(text: &str) -> Result<When, String> {
    when_in(text, &TimeZone::system())
}

/// [`when`], with `zone` for times that state none.
fn when_in(text: &str, zone: &TimeZone) -> Result<When, String> {
    if let Some(time) = epoch(text) {
        return Ok(When::At(time));
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return instant(time);
    }
    if let Some(nanos) = time_of_day(text) {
        return Ok(When::TimeOfDay(nanos));
    }
    let bad = "not a time such as 2026-05-04T10:31:07Z, '2026-05-04 10:31:07', 1777890667.5 or 10:31";
    let local: DateTime = text.parse().map_err(|_| bad.to_string())?;
    let zoned = local.to_zoned(zone.clone()).map_err(|error| error.to_string())?;
    instant(zoned.timestamp())
}

fn instant(time: jiff::Timestamp) -> Result<When, String> {
    let nanos = u64::try_from(time.as_nanosecond()).map_err(|_| "outside 1970 to 2554".to_string())?;
    Ok(When::At(Timestamp(nanos)))
}

/// Seconds since 1970 with up to nine fraction digits; further digits are cut.
fn epoch(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(fraction) {
        return None;
    }
    let nanos = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(Timestamp::new(seconds.parse().ok()?, nanos))
}

/// `HH:MM[:SS[.FRAC]]` in nanoseconds after midnight.
fn time_of_day(text: &str) -> Option<u64> {
    if !text.contains(':') || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b':' | b'.')) {
        return None;
    }
    let since_midnight = text.parse::<Time>().ok()?.duration_since(Time::midnight());
    u64::try_from(since_midnight.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_bytes_or_all() {
        for (text, bytes) in [
            ("all", None),
            ("16k", Some(16_384)),
            ("4096", Some(4096)),
            ("1M", Some(1 << 20)),
            ("512M", Some(1 << 29)),
        ] {
            assert_eq!(depth(text), Ok(Depth(bytes)), "{text}");
        }
        for text in
            ["", "k", "none", "-1", "+16k", "4095", "3k", "513M", "8g", "99999999999999999999", "1.5M"]
        {
            assert!(depth(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_a_unit_or_are_seconds() {
        for (text, millis) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000),
            ("90", 90_000),
            ("0.25", 250),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn durations_that_mean_nothing_are_refused() {
        for text in ["", "x", "10 parsecs", ".", "1.2.3", "1e3", "NaN", "inf"] {
            assert!(duration(text).is_err_and(|e| e.starts_with("not a time")), "{text}");
        }
        for text in ["0", "0s", "-5s"] {
            assert_eq!(duration(text), Err("not above zero".to_string()), "{text}");
        }
        for text in ["999999999999", "99999999h", "99999999999999999999999999999"] {
            assert_eq!(duration(text), Err("longer than ten years".to_string()), "{text}");
        }
    }

    #[test]
    fn sizes_are_kib_or_have_a_unit() {
        for (text, kib) in [("4096", 4096), ("512k", 512), ("512K", 512), ("4M", 4096), ("1g", 1 << 20)] {
            assert_eq!(kibibytes(text), Ok(kib), "{text}");
        }
        for text in ["", "k", "0", "0M", "-1", "+1", "1.5M", "4MB", "2G", "2097152", "4294967296"] {
            assert!(kibibytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_outcome_is_a_result() {
        for outcome in Outcome::ALL {
            let command = clap::Command::new("t").arg(clap::Arg::new("r").value_parser(super::outcome()));
            let matches = command.try_get_matches_from(["t", outcome.name()]).unwrap();
            assert_eq!(matches.get_one::<Outcome>("r"), Some(&outcome));
        }
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn times_are_read_in_every_form() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let at = |seconds: u64, nanos: u64| When::At(Timestamp(seconds * SECOND + nanos));
        for (text, expected) in [
            ("2026-05-04T10:31:07Z", at(1_777_890_667, 0)),
            ("2026-05-04T10:31:07.5+01:00", at(1_777_887_067, 500_000_000)),
            ("2026-05-04 12:31:07", at(1_777_890_667, 0)),
            ("2026-05-04T12:31:07.25", at(1_777_890_667, 250_000_000)),
            ("1777890667", at(1_777_890_667, 0)),
            ("1777890667.000000001", at(1_777_890_667, 1)),
            ("1777890667.5", at(1_777_890_667, 500_000_000)),
            ("10:31", When::TimeOfDay(37_860 * SECOND)),
            ("10:31:07.000002", When::TimeOfDay(37_867 * SECOND + 2_000)),
            ("00:00", When::TimeOfDay(0)),
        ] {
            assert_eq!(when_in(text, &zone), Ok(expected), "{text}");
        }
    }

    #[test]
    fn times_that_mean_nothing_are_refused() {
        for text in
            ["", "now", "25:00", "10:61", "10:31+02:00", "2026-13-01 00:00:00", "12.", ".5", "-5", ":"]
        {
            assert!(when_in(text, &TimeZone::UTC).is_err(), "{text}");
        }
        assert!(when_in("1969-12-31T23:59:59Z", &TimeZone::UTC).is_err());
    }
}
