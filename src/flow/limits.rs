//! Caps and ages of what is kept of flows. Each buffer has a cap, a count and an age.

/// Flows that are watched at once unless `--max-flows` says otherwise.
pub const MAX_FLOWS: usize = 1_000_000;
/// Ended flows that are remembered, so that late repetitions of their segments begin no new flow.
pub const ENDED: usize = 8192;
/// Nanoseconds that an answered TCP connection may stay without payload before it is forgotten.
pub const IDLE_OPEN: u64 = 60_000_000_000;
/// Bytes that a direction without SYN may show without a hello before it counts as open from before.
pub const UNANCHORED_BYTES: usize = 32 * 1024;
/// Bytes of the server's side that are held while the client's hello is not there yet.
pub const EARLY_SERVER_BYTES: usize = 16 * 1024;
/// Bytes of a stream's beginning that must disagree with every protocol before it is given up: two bytes
/// of Ethernet padding can be taken for the first bytes of a stream.
pub const CERTAIN_BYTES: usize = 8;
/// How far ahead of the expected byte a segment may lie and still be kept.
pub const WINDOW: u32 = 1 << 20;
/// A repeated segment counts as a retransmission from this age on; before, it is the same packet captured
/// twice (`any`, a bridge). Nanoseconds.
pub const SAME_PACKET: u64 = 2_000_000;
/// Bytes that all connections together may hold in buffers.
pub const TOTAL_BYTES: usize = 256 << 20;
