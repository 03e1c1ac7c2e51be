//! Google QUIC with its own handshake: the server name in a CHLO, versions Q024 to Q050.
//!
//! It is not TLS, and has no ClientHello: nothing but the name is told of it, and how it went as far as an
//! onlooker can see. Up to version 49 the CHLO is in clear, in version 50 it is in an Initial packet that is
//! sealed like those of QUIC.

mod clear;
mod header;
#[cfg(test)]
mod tests;

use crate::hello::datagram::{Datagram, DatagramProtocol, DatagramReader, Said};
use crate::hello::gquic::clear::Clear;
use crate::hello::protocol::Probe;
use crate::hello::quic;
use crate::hello::quic::version::Speech;

/// Google QUIC.
#[derive(Clone, Copy, Debug)]
pub struct Gquic;

impl DatagramProtocol for Gquic {
    fn name(&self) -> &'static str {
        "gquic"
    }

    fn letter(&self) -> char {
        'q'
    }

    fn carrier(&self) -> &'static [u16] {
        &[443]
    }

    fn probe(&self, payload: &[u8]) -> Probe {
        let sealed = quic::speaks(payload, Speech::Chlo);
        if sealed || header::opens(payload) { Probe::Yes } else { Probe::No }
    }

    fn tag(&self, payload: &[u8]) -> u32 {
        if header::opens(payload) { header::tag(payload) } else { quic::tag(payload) }
    }

    fn reader(&self) -> Box<dyn DatagramReader> {
        Box::new(Reader::Unknown)
    }
}

/// Reads a connection of either kind.
enum Reader {
    /// No datagram was taken yet.
    Unknown,
    /// In clear.
    Clear(Clear),
    /// In Initial packets.
    Sealed(Box<quic::reader::Reader>),
}

impl DatagramReader for Reader {
    fn next<'a, 'd: 'a>(
        &'a mut self,
        datagram: &mut Datagram<'d>,
        scratch: &'a mut Vec<u8>,
    ) -> Option<Said<'a>> {
        if matches!(self, Self::Unknown) {
            *self = if header::opens(datagram.bytes) {
                Self::Clear(Clear::default())
            } else {
                Self::Sealed(Box::new(quic::reader::Reader::new(Speech::Chlo)))
            };
        }
        match self {
            Self::Clear(reader) => reader.next(datagram),
            Self::Sealed(reader) => reader.next(datagram, scratch),
            Self::Unknown => None,
        }
    }

    fn held(&self) -> usize {
        match self {
            Self::Sealed(reader) => reader.held(),
            Self::Clear(_) | Self::Unknown => 0,
        }
    }

    fn tag(&self) -> u32 {
        match self {
            Self::Clear(reader) => reader.tag(),
            Self::Sealed(reader) => reader.tag(),
            Self::Unknown => 0,
        }
    }
}
