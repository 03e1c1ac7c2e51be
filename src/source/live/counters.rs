//! libpcap's counters made wide: they are 32 bits and begin again at 0 after 4 billion packets.

use pcap::Stat;

use crate::model::stats::{CutStats, SourceStats};

/// Sums of libpcap's counters. Right as long as it is told of them once in 2³² packets.
#[derive(Debug)]
pub(super) struct Counters {
    last: Stat,
    sum: SourceStats,
}

impl Counters {
    /// Counters of a capture that has just been opened.
    pub(super) fn new() -> Self {
        Self { last: Stat { received: 0, dropped: 0, if_dropped: 0 }, sum: SourceStats::default() }
    }

    /// What was counted up to here is not this capture's.
    pub(super) fn begin_at(&mut self, now: Stat) {
        self.last = now;
    }

    /// Adds what was cut.
    pub(super) fn cut(&mut self, news: CutStats) {
        let cut = self.sum.cut.get_or_insert_default();
        cut.packets += news.packets;
        cut.bytes += news.bytes;
    }

    /// Adds what happened since the last call.
    pub(super) fn update(&mut self, now: Stat) -> SourceStats {
        let last = std::mem::replace(&mut self.last, now);
        self.sum.received += grown(last.received, now.received);
        self.sum.dropped_by_kernel += grown(last.dropped, now.dropped);
        self.sum.dropped_by_interface += grown(last.if_dropped, now.if_dropped);
        self.sum
    }

    /// The sums as of the last update.
    pub(super) fn sum(&self) -> SourceStats {
        self.sum
    }
}

/// The growth of a counter that wraps at 2³².
fn grown(last: u32, now: u32) -> u64 {
    u64::from(now.wrapping_sub(last))
}

#[cfg(test)]
mod tests {
    use pcap::Stat;

    use super::Counters;
    use crate::model::stats::SourceStats;

    #[test]
    fn counters_go_on_past_32_bits() {
        let mut counters = Counters::new();
        counters.update(Stat { received: u32::MAX, dropped: 7, if_dropped: 1 });
        let sum = counters.update(Stat { received: 4, dropped: 9, if_dropped: 1 });
        let wanted =
            SourceStats { received: (1 << 32) + 4, dropped_by_kernel: 9, dropped_by_interface: 1, cut: None };
        assert_eq!(sum, wanted);
        assert_eq!(counters.sum(), wanted);
    }
}
