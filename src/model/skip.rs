//! Why bytes led to no observation. A skip is counted, never an error.

/// Reason for passing something over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Skip {
    /// Link type that no row of the links table knows.
    UnknownLink,
    /// Link payload that is not IP (ARP, LLDP, STP and so on).
    NotIp,
    /// A header ends before its own minimum or before the length that it states.
    TruncatedHeader,
    /// A header contradicts itself: version, length or data offset.
    BadHeader,
    /// An IP fragment whose datagram never was whole: fragments missing, overlapping, or given up.
    Fragment,
    /// IP, but neither TCP nor UDP.
    OtherTransport,
    /// TCP payload that no protocol of the table recognises.
    NotTls,
    /// TLS, but not a well-formed `ClientHello`.
    BadHello,
    /// A hello larger than the cap.
    HelloTooLarge,
    /// A UDP datagram that no protocol of the table recognises.
    OtherDatagram,
    /// A datagram that looks like the beginning of a connection and is not: its keys do not open it.
    Sealed,
    /// A certificate in clear that is malformed or too large.
    BadCertificate,
}

impl Skip {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 12] = [
        Self::UnknownLink,
        Self::NotIp,
        Self::TruncatedHeader,
        Self::BadHeader,
        Self::Fragment,
        Self::OtherTransport,
        Self::NotTls,
        Self::BadHello,
        Self::HelloTooLarge,
        Self::OtherDatagram,
        Self::Sealed,
        Self::BadCertificate,
    ];

    /// The reason in a few words, as the summary prints it.
    pub fn label(self) -> &'static str {
        match self {
            Self::UnknownLink => "unknown link type",
            Self::NotIp => "not IP",
            Self::TruncatedHeader => "header cut short",
            Self::BadHeader => "contradictory header",
            Self::Fragment => "IP fragment",
            Self::OtherTransport => "neither TCP nor UDP",
            Self::NotTls => "not TLS",
            Self::BadHello => "malformed ClientHello",
            Self::HelloTooLarge => "ClientHello over the size cap",
            Self::OtherDatagram => "UDP of other protocols",
            Self::Sealed => "under unknown keys",
            Self::BadCertificate => "certificate that cannot be read",
        }
    }
}

/// One counter for each [`Skip`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkipCounts([u64; Skip::ALL.len()]);

impl SkipCounts {
    /// Counts one.
    pub fn add(&mut self, skip: Skip) {
        self.add_many(skip, 1);
    }

    /// Counts `times`.
    pub fn add_many(&mut self, skip: Skip, times: u64) {
        if let Some(slot) = self.0.get_mut(skip as usize) {
            *slot += times;
        }
    }

    /// How often `skip` was counted.
    pub fn get(&self, skip: Skip) -> u64 {
        self.0.get(skip as usize).copied().unwrap_or(0)
    }

    /// Adds another set of counters to this one.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
