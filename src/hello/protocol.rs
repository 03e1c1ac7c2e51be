//! The contract of a protocol that carries a ClientHello.

use crate::model::hello::Reading;
use crate::model::segment::Transport;

/// First impression of a stream's or datagram's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It is this protocol.
    Yes,
    /// Too few bytes to tell.
    NotYet,
    /// It is something else.
    No,
}

/// One row of the protocols table.
pub trait Protocol: Send + Sync {
    /// Name in `network.protocol`.
    fn name(&self) -> &'static str;

    /// Transport, and the ports of the default live filter.
    fn carrier(&self) -> (Transport, &'static [u16]);

    /// Looks at the first bytes; decides after at most nine.
    fn probe(&self, prefix: &[u8]) -> Probe;

    /// A reader, to be used for many streams one after another.
    fn reader(&self) -> Box<dyn Reader>;
}

/// Reads hellos out of stream prefixes; keeps nothing but scratch space between two calls.
pub trait Reader: Send {
    /// Reads the hello at the beginning of `prefix`, which starts at the stream's first byte.
    fn read<'a>(&'a mut self, prefix: &'a [u8]) -> Reading<'a>;
}
