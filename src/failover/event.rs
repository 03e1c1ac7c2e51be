//! What the detector tells: one event a service and target.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::certificate::Identity;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::mesh::Role;
use crate::model::name::Name;

/// Which rule found an event: `failover.rule`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A target was asked for that had not been asked for before.
    FirstSight,
    /// A client asks for another datacenter than it did before.
    LabelChange,
    /// A target is not asked for any more.
    Silence,
}

impl Rule {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstSight => "first_sight",
            Self::LabelChange => "label_change",
            Self::Silence => "silence",
        }
    }
}

/// What an event is called for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Heading {
    /// To another datacenter.
    Failover,
    /// Requests from another datacenter for this one.
    Ingress,
    /// Back to where it was before.
    Failback,
    /// No requests any more.
    Silence,
}

impl Heading {
    /// In capitals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failover => "FAILOVER",
            Self::Ingress => "INGRESS",
            Self::Failback => "FAILBACK",
            Self::Silence => "SILENCE",
        }
    }
}

/// What failed in the 30 s before an event, for silence also in the 10 s after; connections, each counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// RST to the SYN.
    pub refused: u64,
    /// RST after the hello.
    pub reset: u64,
    /// Fatal alerts.
    pub alert: u64,
    /// Connections without an answer, to the SYN or to the hello.
    pub timeout: u64,
    /// SYNs of these, repeated ones included.
    pub syns: u64,
    /// Hellos among these that were not answered.
    pub hellos_unanswered: u64,
    /// What the alerts said, and how many of each, most first.
    pub alerts: Vec<(&'static str, u64)>,
    /// Who sent the RSTs, and how many, most first.
    pub resets_by: Vec<(IpAddr, u64)>,
    /// Packets that were refused, reset, alerted to or not answered: where they were seen, and their numbers.
    pub packets: Vec<(OriginId, u64)>,
    /// Time of the first and of the last of them.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl Evidence {
    /// True if nothing failed.
    pub fn is_empty(&self) -> bool {
        self.span.is_none()
    }
}

/// A client that still asks for the old target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Its address.
    pub client: IpAddr,
    /// Whom its certificates name.
    pub caller: Option<Arc<Identity>>,
    /// What it asks for.
    pub place: Box<str>,
    /// How often it did since the move.
    pub attempts: u64,
    /// When it last did.
    pub last: Timestamp,
}

/// A failover, a failback, or a silence.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The rule that found it.
    pub rule: Rule,
    /// What it is called.
    pub heading: Heading,
    /// When it happened: the first hello to the new target; for silence, the last hello to the old one.
    pub time: Timestamp,
    /// Capture time at which it was found.
    pub noticed: Timestamp,
    /// A name of the target that is new, or silent.
    pub name: Arc<Name>,
    /// A name of the target before.
    pub old_name: Option<Arc<Name>>,
    /// Datacenter before; `None` where nothing of the service was seen before.
    pub from: Option<Box<str>>,
    /// Datacenter after; `None` for silence.
    pub to: Option<Box<str>>,
    /// First hello to the new target; for silence, to the silent one.
    pub first_seen: Timestamp,
    /// Last hello to the old target that did not fail; `None` where there was none.
    pub last_seen_old: Option<Timestamp>,
    /// Nanoseconds between the two; for silence, how long it had lasted when it was noticed.
    pub gap: Option<u64>,
    /// How long the watch had run without the new target; for silence, how long the target had been active.
    pub baseline: u64,
    /// Chance that it means something, 0 to 1.
    pub confidence: f64,
    /// Hellos a second: of the new target since; for silence, before.
    pub rate: Option<f64>,
    /// Health checks had asked for the target before, one in so many nanoseconds.
    pub beside: Option<u64>,
    /// Clients that have asked for the new target.
    pub moved: u64,
    /// Whom the certificates of these name, as far as they were seen.
    pub moved_callers: Vec<Arc<Identity>>,
    /// Clients that still ask for the old one, first by address.
    pub stale: Vec<Stale>,
    /// What failed before.
    pub evidence: Evidence,
    /// Client of the first hello to the new target, or of the last to the silent one.
    pub client: IpAddr,
    /// Whom its certificates name.
    pub caller: Option<Arc<Identity>>,
    /// Whom it asked.
    pub server: IpAddr,
    /// The server is a mesh gateway.
    pub gateway: bool,
    /// Which way the requests go past this place; `None` where its datacenter is not known.
    pub role: Option<Role>,
    /// Where the hello at `time` was seen.
    pub origin: OriginId,
    /// Its packet number.
    pub packet: u64,
}

/// What the detector says, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An event was found: now is the time for a banner.
    Noticed(Box<Event>),
    /// The same event with all that belongs to it: now is the time for a record.
    Settled(Box<Event>),
    /// It was none: what has come since says that such a pause is usual. There is no record.
    Withdrawn(Box<Event>),
}

/// An event as it looks at the end of the watch.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// The event; who moved and who did not is as of the end.
    pub event: Event,
    /// Last hello to the new target (or to the silent one).
    pub last: Timestamp,
    /// Other vantage points that saw the same.
    pub also: Vec<Also>,
}

/// How another vantage point saw an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Also {
    /// Which one.
    pub origin: OriginId,
    /// When it saw the first hello to the new target; for silence, the last one.
    pub time: Timestamp,
    /// Its packet number there.
    pub packet: u64,
}
