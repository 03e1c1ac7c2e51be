//! QUIC: the ClientHello in the CRYPTO frames of Initial packets (RFC 9000, RFC 9001, RFC 9369).
//!
//! Initial packets are sealed under keys that anybody can work out, so that what cannot be opened was not
//! sent by a QUIC client: nothing is guessed. A reader keeps the keys while it needs them, once a
//! connection, and the bytes of the hello until it is whole; it opens no packet that can tell nothing new.

mod chlo;
mod crypto;
mod frames;
mod keys;
mod packet;
mod reader;
mod speech;
mod step;
#[cfg(test)]
mod tests;
mod version;

use crate::hello::datagram::{DatagramProtocol, DatagramReader};
use crate::hello::protocol::Probe;
use crate::hello::quic::reader::Reader;
use crate::hello::quic::version::Speech;

/// Bytes that the datagram of a client's first packet has at least (RFC 9000 §14.1).
const FIRST: usize = 1200;

/// QUIC with TLS, versions 1 and 2, their drafts from 22 on, Facebook's and Google's with TLS.
#[derive(Clone, Copy, Debug)]
pub struct Quic;

impl DatagramProtocol for Quic {
    fn name(&self) -> &'static str {
        "quic"
    }

    fn letter(&self) -> char {
        'q'
    }

    fn carrier(&self) -> &'static [u16] {
        &[443]
    }

    fn probe(&self, payload: &[u8]) -> Probe {
        match packet::opening(payload) {
            Some((_, Some(version))) if version.speech == Speech::Tls => Probe::Yes,
            // of a version that is not known, only what has all the looks of it
            Some((_, None)) if payload.len() >= FIRST && packet::is_plausible(payload) => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn tag(&self, payload: &[u8]) -> u32 {
        tag(payload)
    }

    fn reader(&self) -> Box<dyn DatagramReader> {
        Box::new(Reader::new(Speech::Tls))
    }
}

/// A number for the connection whose first packet this may be: of its version and its connection id.
pub(crate) fn tag(payload: &[u8]) -> u32 {
    match packet::take(&mut &*payload) {
        Some(packet::Next::Long(packet)) => packet::tag(packet.version, packet.to),
        _ => 0,
    }
}
