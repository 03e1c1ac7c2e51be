//! A captured frame as a source lends it: the bytes, and what the capture says about them.

/// Nanoseconds since the Unix epoch, UTC. Covers 1970 to 2554; a capture's earlier or later time saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time `seconds` and `nanos` (below 10⁹, more carries over) after the epoch, saturating.
    pub fn new(seconds: u64, nanos: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// Nanoseconds within the second, 0 to 999,999,999.
    pub fn subsec_nanos(self) -> u32 {
        u32::try_from(self.0 % 1_000_000_000).unwrap_or(0)
    }

    /// Nanoseconds from `earlier` to `self`; 0 where the capture's clock went backwards.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `self` plus `nanos`, saturating.
    #[must_use]
    pub fn plus(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

/// Link type by its number in capture files (`LINKTYPE_…`, tcpdump.org/linktypes.html). Live sources
/// translate libpcap's `DLT_…` where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u32);

/// Which input a frame came from: an index into the run's list of [`Origin`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(pub u16);

/// An input: a capture file or an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File path as typed (`-` is standard input), or interface name.
    pub name: String,
    /// The vantage point's name: from `NODE=FILE`, `--node`, or this host's name.
    pub node: String,
    /// True for an interface, false for a file.
    pub live: bool,
}

/// One frame, lent in place; the bytes end with the visit.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Number within its own file or interface, from 1: Wireshark's `frame.number`.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// How `bytes` begin.
    pub link: LinkType,
    /// Where it came from.
    pub origin: OriginId,
    /// Length on the wire in bytes; more than `bytes.len()` where a snapshot length cut it.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: &'a [u8],
}
