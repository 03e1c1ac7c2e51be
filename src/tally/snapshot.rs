//! All that an output may read of the run's state.

use std::str::FromStr;

use crate::model::frame::Timestamp;
use crate::model::stats::RunStats;

/// What connections are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Server name, lower-cased.
    Sni,
    /// Service of the name, else the name.
    Service,
    /// Target datacenter.
    Datacenter,
    /// Client address.
    Source,
    /// Server address.
    Destination,
}

impl Dimension {
    /// All dimensions.
    pub const ALL: [Self; 5] = [Self::Sni, Self::Service, Self::Datacenter, Self::Source, Self::Destination];

    /// The name in `--by`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sni => "sni",
            Self::Service => "service",
            Self::Datacenter => "dc",
            Self::Source => "src",
            Self::Destination => "dst",
        }
    }

    /// The heading of its column.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Sni => "SNI",
            Self::Service => "SERVICE",
            Self::Datacenter => "DC",
            Self::Source => "SRC",
            Self::Destination => "DST",
        }
    }
}

impl FromStr for Dimension {
    /// What to tell the user.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("cannot group by `{text}`: use some of {names}")
        })
    }
}

/// One group of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// One value a dimension, in the order asked for; `None` where a connection has none.
    pub key: Vec<Option<Box<str>>>,
    /// Connections, each counted once however many legs of it were seen.
    pub connections: u64,
    /// Legs of these connections: at least one each.
    pub legs: u64,
    /// Connections by outcome, in the order of `Outcome::ALL`.
    pub outcomes: [u64; 8],
    /// Median latency of the handshakes that went well, nanoseconds; within 3 %.
    pub p50: Option<u64>,
    /// 99th percentile of the same.
    pub p99: Option<u64>,
    /// Distinct client addresses (counted exactly up to a bound, then at least that many).
    pub clients: u64,
    /// First hello.
    pub first: Timestamp,
    /// Last hello.
    pub last: Timestamp,
}

/// The state of the run at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Counters.
    pub stats: RunStats,
    /// Connections, each counted once.
    pub connections: u64,
    /// Legs of these connections.
    pub legs: u64,
    /// What the rows are grouped by.
    pub by: Vec<Dimension>,
    /// Groups, largest first; then by key.
    pub rows: Vec<Row>,
    /// Connections that no row holds: the table of groups was full, or [`Snapshot::truncate`] cut it.
    pub other: u64,
    /// Capture time of the newest packet.
    pub now: Timestamp,
}

impl Snapshot {
    /// Keeps the first `top` rows; the connections of the rest are added to `other`.
    pub fn truncate(&mut self, top: usize) {
        self.other += self.rows.iter().skip(top).map(|row| row.connections).sum::<u64>();
        self.rows.truncate(top);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_have_the_names_that_the_user_types() {
        for dimension in Dimension::ALL {
            assert_eq!(dimension.name().parse(), Ok(dimension));
        }
        let error = "SNI".parse::<Dimension>().unwrap_err();
        assert_eq!(error, "cannot group by `SNI`: use some of sni, service, dc, src, dst");
    }

    #[test]
    fn a_truncated_snapshot_still_counts_everything() {
        let rows = (1..=4).rev().map(|connections| Row { connections, ..Row::default() }).collect();
        let mut snapshot = Snapshot { connections: 12, other: 2, rows, ..Snapshot::default() };
        snapshot.truncate(3);
        assert_eq!((snapshot.rows.len(), snapshot.other), (3, 3));
        snapshot.truncate(9);
        assert_eq!((snapshot.rows.len(), snapshot.other), (3, 3));
    }
}
