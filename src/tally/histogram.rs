//! Latencies in a few hundred bytes: buckets of 256 ns at the bottom, then sixteen to each doubling.

/// Bits of a nanosecond count below the resolution: 256 ns.
const UNIT: u32 = 8;

/// Bits that choose among the sixteen buckets of a doubling.
const STEP: u32 = 4;

/// Counts of latencies; a quantile is within 3.2 % of the true one (or 128 ns), and never outside of
/// what was added.
#[derive(Debug, Default)]
pub struct Histogram {
    /// As long as the highest bucket in use: at most 848.
    counts: Vec<u32>,
    total: u64,
    least: u64,
    most: u64,
}

impl Histogram {
    /// Adds a latency in nanoseconds.
    pub fn add(&mut self, nanos: u64) {
        let bucket = bucket(nanos);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.least = if self.total == 0 { nanos } else { self.least.min(nanos) };
        self.most = self.most.max(nanos);
        self.total += 1;
    }

    /// Takes back a latency that was added.
    pub fn take_back(&mut self, nanos: u64) {
        if let Some(count) = self.counts.get_mut(bucket(nanos)).filter(|count| **count > 0) {
            *count -= 1;
            self.total -= 1;
        }
    }

    /// The latency that `percent` of all do not exceed; `None` where there are none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = self.total.saturating_mul(percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return Some(middle(bucket).clamp(self.least, self.most));
            }
        }
        None
    }
}

/// Bucket of a latency: linear up to 2⁴ units, then by the highest bit and the four below it.
fn bucket(nanos: u64) -> usize {
    let units = nanos >> UNIT;
    let doublings = (u64::BITS - units.leading_zeros()).saturating_sub(STEP + 1);
    (doublings as usize) * (1 << STEP) + usize::try_from(units >> doublings).unwrap_or(0)
}

/// The middle of a bucket in nanoseconds.
fn middle(bucket: usize) -> u64 {
    let steps = 1 << STEP;
    let doublings = (bucket / steps).saturating_sub(1);
    let units = (bucket - doublings * steps) as u64;
    let shift = u32::try_from(doublings).unwrap_or(0) + UNIT;
    (units << shift) + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_falls_into_a_bucket_whose_middle_is_near() {
        let mut last = 0;
        let mut nanos = 1_u64;
        while nanos < u64::MAX / 3 {
            let (place, near) = (bucket(nanos), middle(bucket(nanos)));
            assert!(place >= last && place - last <= 17, "{nanos}: {last} to {place}");
            let off = near.abs_diff(nanos);
            assert!(off <= 128 || off <= nanos / 1000 * 32, "{nanos} is taken for {near}");
            last = place;
            nanos += nanos / 7 + 1;
        }
        assert_eq!(bucket(u64::MAX), 847);
    }

    #[test]
    fn percentiles_of_many_are_near_and_of_one_exact() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        histogram.add(4_612_345);
        assert_eq!((histogram.percentile(50), histogram.percentile(99)), (Some(4_612_345), Some(4_612_345)));
        let mut histogram = Histogram::default();
        for millis in 1..=1000 {
            histogram.add(millis * 1_000_000);
        }
        let near = |percent, truth: u64| {
            let found = histogram.percentile(percent).unwrap();
            assert!(found.abs_diff(truth) <= truth / 1000 * 32, "p{percent}: {found}, not {truth}");
        };
        near(50, 500_000_000);
        near(99, 990_000_000);
        assert_eq!(histogram.percentile(0), Some(1_000_000), "never below the least");
    }
}
