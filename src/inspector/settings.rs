//! What an inspector is told once, before the first segment.

use crate::inspector::legs::Vantage;

/// How connections are watched. Times are nanoseconds.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent questions, each of one flag of the command line"
)]
pub struct Settings {
    /// How long an answer may take.
    pub handshake_timeout: u64,
    /// Flows in the table at once, at most.
    pub max_flows: usize,
    /// Also say when a hello is whole.
    pub emit_hello: bool,
    /// Also say when a connection ends.
    pub emit_end: bool,
    /// Keep the hello's bytes for `-A`, `-x` and `-X`.
    pub keep_bytes: bool,
    /// Work out JA3 and JA4 of each hello, JA3S of each answer.
    pub fingerprints: bool,
    /// Read the server's certificate too; the client's is always read.
    pub certificates: bool,
    /// The kernel cuts off a part of each connection: its packets and bytes cannot be told.
    pub cut: bool,
    /// It cuts off bare acknowledgements: nor can the TCP round trip.
    pub cut_acknowledgements: bool,
    /// Leave what names mean to whoever takes the records: see [`crate::naming::Namer::complete`].
    pub names_unread: bool,
    /// Which inputs are of one vantage point.
    pub vantage: Vantage,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            handshake_timeout: 10_000_000_000,
            max_flows: crate::flow::limits::MAX_FLOWS,
            emit_hello: false,
            emit_end: false,
            keep_bytes: false,
            fingerprints: false,
            certificates: false,
            cut: false,
            cut_acknowledgements: false,
            names_unread: false,
            vantage: Vantage::default(),
        }
    }
}
