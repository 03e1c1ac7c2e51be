//! QUIC: the ClientHello in the CRYPTO frames of Initial packets (RFC 9000, RFC 9001, RFC 9369).
//!
//! Initial packets are sealed under keys that anybody can work out, so that what cannot be opened was not
//! sent by a QUIC client: nothing is guessed. A reader keeps the keys while it needs them, once a
//! connection, and the bytes of the hello until it is whole; it opens no packet that can tell nothing new.

pub(crate) mod chlo;
mod crypto;
mod frames;
mod hmac;
mod keys;
pub(crate) mod packet;
pub(crate) mod reader;
pub(crate) mod speech;
mod step;
#[cfg(test)]
mod tests;
pub(crate) mod version;

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
        let Some((_, version)) = packet::opening(payload) else { return Probe::No };
        let opens = match version {
            Some(version) => version.speech == Speech::Tls,
            // of a version that is not known, only what has all the looks of it
            None => payload.len() >= FIRST && packet::is_plausible(payload),
        };
        if opens { Probe::Yes } else { Probe::No }
    }

    fn tag(&self, payload: &[u8]) -> u32 {
        tag(payload)
    }

    fn reader(&self) -> Box<dyn DatagramReader> {
        Box::new(Reader::new(Speech::Tls))
    }
}

/// True for a packet of a known version that may open a connection whose handshake is written so.
pub(crate) fn speaks(payload: &[u8], speech: Speech) -> bool {
    packet::opening(payload)
        .is_some_and(|(_, version)| version.is_some_and(|version| version.speech == speech))
}

/// A number for the connection whose first packet this may be: of its version and its connection id.
pub(crate) fn tag(payload: &[u8]) -> u32 {
    match packet::take(&mut &*payload) {
        Some(packet::Next::Long(packet)) => packet::tag(packet.version, packet.to),
        _ => 0,
    }
}
