//! DTLS 0.9 to 1.3: hellos in datagrams, in fragments, behind cookies.
//!
//! RFC 4347, RFC 6347, RFC 9147, and what OpenSSL spoke before the standard. [`record`] reads headers,
//! [`fragment`] the parts of handshake messages, [`joined`] joins them, [`reader`] follows a connection;
//! [`wrapped`] finds DTLS inside of what carries it.

mod fragment;
mod joined;
mod reader;
mod record;
mod tag;
#[cfg(test)]
pub(super) mod testing;
mod wrapped;

use crate::hello::datagram::{DatagramProtocol, DatagramReader};
use crate::hello::dtls::reader::DtlsReader;
use crate::hello::protocol::Probe;

/// How many bytes may be missing behind a datagram whose true length is not known.
const ANY: u32 = u32::MAX;

/// DTLS over UDP, on any port, also between STUN and RTP (RFC 7983).
#[derive(Clone, Copy, Debug)]
pub struct Dtls;

impl DatagramProtocol for Dtls {
    fn name(&self) -> &'static str {
        "dtls"
    }

    fn letter(&self) -> char {
        'd'
    }

    fn carrier(&self) -> &'static [u16] {
        &[443]
    }

    fn probe(&self, payload: &[u8]) -> Probe {
        if fragment::of_a_hello(wrapped::peel(payload), ANY).is_some() { Probe::Yes } else { Probe::No }
    }

    fn tag(&self, payload: &[u8]) -> u32 {
        let hello = fragment::of_a_hello(wrapped::peel(payload), ANY);
        hello.map_or(0, |hello| tag::of(hello.random(), (hello.seq, hello.len)))
    }

    fn repeats(&self, payload: &[u8], tag: u32) -> bool {
        let hello = fragment::of_a_hello(wrapped::peel(payload), ANY);
        hello.is_some_and(|hello| tag::repeats(tag, hello.random(), (hello.seq, hello.len)))
    }

    fn reader(&self) -> Box<dyn DatagramReader> {
        Box::new(DtlsReader::default())
    }
}
