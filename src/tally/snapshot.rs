//! All that an output may read of the run's state.

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

/// One group of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// One value a dimension, in the order asked for; `None` where a connection has none.
    pub key: Vec<Option<Box<str>>>,
    /// Connections, each counted once however many legs of it were seen.
    pub connections: u64,
    /// Records, legs counted apart.
    pub legs: u64,
    /// Connections by outcome, in the order of `Outcome::ALL`.
    pub outcomes: [u64; 8],
    /// Median of the handshake latency, nanoseconds.
    pub p50: Option<u64>,
    /// 99th percentile of the handshake latency, nanoseconds.
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
    /// Connections that no row holds because the table of groups was full.
    pub other: u64,
    /// Capture time of the newest packet.
    pub now: Timestamp,
}
