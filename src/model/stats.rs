//! Counters of a run: what was captured, what was lost and where, what became of it.

use super::skip::SkipCounts;

/// What a source knows about its own capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Packets that passed the filter and reached the ring (live); equal to `packets` for a file.
    pub received: u64,
    /// Packets that the kernel dropped because the ring was full.
    pub dropped_by_kernel: u64,
    /// Packets that the interface or its driver dropped.
    pub dropped_by_interface: u64,
    /// Packets that passed the filter and were cut off in the kernel, where it counts them.
    pub cut: Option<CutStats>,
}

/// What the kernel cut off because nobody reads it: no loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutStats {
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What became of the connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowStats {
    /// Flows in the table now.
    pub active: u64,
    /// Flows ever seen.
    pub total: u64,
    /// Hellos with a server name.
    pub with_sni: u64,
    /// Hellos without one.
    pub without_sni: u64,
    /// Hellos with `encrypted_client_hello`.
    pub ech: u64,
    /// Hellos that were begun and never whole.
    pub incomplete_hello: u64,
    /// Flows dropped from the table because it was full.
    pub evicted: u64,
    /// Connections that were open before the watch began.
    pub open_before: u64,
    /// Connections that ended without a hello and without TLS.
    pub no_hello: u64,
    /// Hellos over whose bytes two segments disagreed.
    pub conflicts: u64,
    /// Connection attempts that were refused, or never answered.
    pub unanswered: u64,
}

/// All counters of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Packets read.
    pub packets: u64,
    /// Captured bytes of these packets.
    pub bytes: u64,
    /// TCP segments among them.
    pub tcp: u64,
    /// UDP datagrams among them.
    pub udp: u64,
    /// Records that this program itself had to drop.
    pub dropped_by_app: u64,
    /// The source's own counters.
    pub source: SourceStats,
    /// Connections.
    pub flows: FlowStats,
    /// What was passed over, by reason.
    pub skips: SkipCounts,
}

impl RunStats {
    /// Adds the counters of another part of the same run.
    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.tcp += other.tcp;
        self.udp += other.udp;
        self.dropped_by_app += other.dropped_by_app;
        self.source.received += other.source.received;
        self.source.dropped_by_kernel += other.source.dropped_by_kernel;
        self.source.dropped_by_interface += other.source.dropped_by_interface;
        if let Some(more) = other.source.cut {
            let cut = self.source.cut.get_or_insert_default();
            cut.packets += more.packets;
            cut.bytes += more.bytes;
        }
        self.skips.merge(&other.skips);
        let (mine, theirs) = (&mut self.flows, &other.flows);
        mine.active += theirs.active;
        mine.total += theirs.total;
        mine.with_sni += theirs.with_sni;
        mine.without_sni += theirs.without_sni;
        mine.ech += theirs.ech;
        mine.incomplete_hello += theirs.incomplete_hello;
        mine.evicted += theirs.evicted;
        mine.open_before += theirs.open_before;
        mine.no_hello += theirs.no_hello;
        mine.conflicts += theirs.conflicts;
        mine.unanswered += theirs.unanswered;
    }
}

#[cfg(test)]
mod tests {
    use super::{CutStats, RunStats};

    #[test]
    fn what_was_cut_is_added_where_it_is_counted() {
        let with = |cut| {
            let mut stats = RunStats::default();
            stats.source.cut = cut;
            stats
        };
        let some = |packets, bytes| Some(CutStats { packets, bytes });
        for (one, other, sum) in [
            (None, None, None),
            (some(1, 2), None, some(1, 2)),
            (None, some(1, 2), some(1, 2)),
            (some(1, 2), some(3, 4), some(4, 6)),
        ] {
            let mut stats = with(one);
            stats.add(&with(other));
            assert_eq!(stats.source.cut, sum);
        }
    }
}
