//! What a run shall do: all that the command line decided, checked before the first packet.

use std::path::PathBuf;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::intent::target::Intent;
use crate::model::frame::Timestamp;
use crate::naming::custom::Pattern;
use crate::output::context::{HexMode, TimeStyle};
use crate::run::rules::Rules;
use crate::run::select::Select;
use crate::source::live::options::LiveOptions;
use crate::tally::snapshot::Dimension;

/// A whole run.
#[derive(Debug)]
pub struct Plan {
    /// Where packets come from.
    pub input: Input,
    /// BPF expression as typed (`-f`, `-F` or the words); `None`: live the protocols' default ports,
    /// offline everything. Empty: everything, live too.
    pub filter: Option<String>,
    /// `-Z`: user to become once the inputs are open.
    pub user: Option<String>,
    /// How connections are watched.
    pub watch: Watch,
    /// Which records count.
    pub select: Select,
    /// `--require`, `--forbid`: what must be true at the end.
    pub rules: Rules,
    /// `--expect`: what the mesh means to use.
    pub expect: Vec<Intent>,
    /// `--catalog`: who lives where.
    pub catalog: Option<Catalog>,
    /// When to stop.
    pub limits: Limits,
    /// Outputs, each `NAME` or `NAME:WHERE`, none twice; empty only with `count_only` or `packets`.
    pub outputs: Vec<String>,
    /// `-w`: file for the packets of the connections that count; `-` is standard output.
    pub packets: Option<PathBuf>,
    /// How outputs look.
    pub view: View,
    /// Grouping of the summary table (`--by`).
    pub by: Vec<Dimension>,
    /// Rows of the summary table at most (`--top`).
    pub top: Option<usize>,
    /// Time between two looks at the counters (`--interval`).
    pub interval: Duration,
    /// `--stats`, where no output writes the counters: a line on standard error at each interval.
    pub tell_counts: bool,
    /// Print only the number of matching records (`--count`).
    pub count_only: bool,
    /// Threads for files (`--jobs`), at least 1: with more, the collector has one of its own.
    pub jobs: usize,
    /// Name of the vantage point (`--node`), else this host's.
    pub node: String,
}

/// Where packets come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// Interfaces, all at once.
    Live {
        /// Interface names in the order typed, none twice; `any` only alone.
        interfaces: Vec<String>,
        /// How to capture; the filter is the plan's.
        capture: LiveOptions,
    },
    /// Files as typed: `FILE`, `NODE=FILE`, a directory, or `-`.
    Files(Vec<String>),
    /// Files and directories that are read on as they grow, as typed.
    Follow(Vec<String>),
}

/// How connections are watched.
#[derive(Debug, Clone)]
pub struct Watch {
    /// `--handshake-timeout`: how long an answer may take.
    pub handshake_timeout: Duration,
    /// `--max-flows`: connections watched at once, at most.
    pub max_flows: usize,
    /// `--emit`: which records are written.
    pub emit: Emit,
    /// `--name-pattern`.
    pub name_pattern: Option<Pattern>,
    /// `--local-dc`: the datacenter of this place, lower-cased.
    pub local_datacenter: Option<String>,
}

/// Which records are written.
#[expect(clippy::struct_excessive_bools, reason = "each kind of record by itself")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Emit {
    /// `tls_client_hello` records.
    pub hello: bool,
    /// `tls_handshake` records.
    pub handshake: bool,
    /// `tls_flow_end` records.
    pub end: bool,
    /// `failover` records; outputs for people tell failovers in any case.
    pub failover: bool,
    /// `capture_stats` records every `--interval`; live, one is written at the end in any case.
    pub stats: bool,
}

/// When to stop.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// `-c`: after this many records.
    pub records: Option<u64>,
    /// `--packets`: after this many packets.
    pub packets: Option<u64>,
    /// `--duration`.
    pub duration: Option<Duration>,
    /// `--since`: only records from here on.
    pub since: Option<When>,
    /// `--until`: only records up to here.
    pub until: Option<When>,
}

/// A point in time as `--since` and `--until` take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// An instant.
    At(Timestamp),
    /// A time of day, nanoseconds after midnight in local time, on the day of the first packet.
    TimeOfDay(u64),
}

/// How outputs look.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Number of `-v`.
    pub verbosity: u8,
    /// `-q`.
    pub quiet: bool,
    /// `-t` to `-ttttt`.
    pub time_style: TimeStyle,
    /// `--nano`: nine fraction digits.
    pub nano: bool,
    /// Colour on the terminal: decided from `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `TERM`.
    pub color: bool,
    /// `-A`, `-x`, `-X`, `-xx`, `-XX`.
    pub hex: HexMode,
    /// `-e`: fields of the rows, each known; empty: the default ones.
    pub fields: Vec<String>,
}

impl View {
    /// How much is to be found out about a connection: as `verbosity` says, or all that `-e` can name.
    pub fn detail(&self) -> u8 {
        if self.fields.is_empty() { self.verbosity } else { self.verbosity.max(3) }
    }
}
