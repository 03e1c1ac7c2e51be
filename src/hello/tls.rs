//! TLS over TCP: the ClientHello at the beginning of a byte stream.
//!
//! A hello in one record is decoded where it stands. One that is spread over records, cut anywhere even
//! within its own header, is joined in the reader's scratch space, at most 128 KiB and the
//! rest of its last record. Nothing is joined before all of it is there.

use crate::hello::client::{CLIENT_HELLO, Fields, MAX_MESSAGE};
use crate::hello::protocol::{Probe, Protocol, Reader};
use crate::hello::record::{self, HANDSHAKE, HEADER, Header, MESSAGE_HEADER};
use crate::model::hello::{Hello, Reading};
use crate::model::segment::Transport;
use crate::model::skip::Skip;

/// Bytes after which [`Tls::probe`] is sure.
const PROBE_LEN: usize = HEADER + 1;

/// TLS records on TCP, RFC 8446 and its forerunners down to SSL 3.0.
#[derive(Clone, Copy, Debug)]
pub struct Tls;

impl Protocol for Tls {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn carrier(&self) -> (Transport, &'static [u16]) {
        (Transport::Tcp, &[443])
    }

    fn probe(&self, prefix: &[u8]) -> Probe {
        look(prefix)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(TlsReader::default())
    }
}

/// A handshake record of version 3.0 to 3.4 and plausible length that begins with a ClientHello's type.
fn look(prefix: &[u8]) -> Probe {
    let fits = |at: usize, byte: u8| match at {
        0 => byte == HANDSHAKE,
        1 => byte == 3,
        2 => byte <= 4,
        5 => byte == CLIENT_HELLO,
        _ => true,
    };
    let header = prefix.first_chunk::<HEADER>();
    let length_fits = header.is_none_or(|header| Header::read(*header).is_some_and(|h| h.len > 0));
    if !length_fits || !prefix.iter().take(PROBE_LEN).enumerate().all(|(at, byte)| fits(at, *byte)) {
        Probe::No
    } else if prefix.len() < PROBE_LEN {
        Probe::NotYet
    } else {
        Probe::Yes
    }
}

/// Reads hellos; keeps the space in which it joins records.
#[derive(Debug, Default)]
struct TlsReader {
    joined: Vec<u8>,
}

impl Reader for TlsReader {
    fn read<'a>(&'a mut self, prefix: &'a [u8]) -> Reading<'a> {
        if let Some(hello) = in_one_record(prefix) {
            return Reading::Hello(hello);
        }
        match look(prefix) {
            Probe::No => return Reading::Skip(Skip::NotTls),
            Probe::NotYet => return Reading::Need(PROBE_LEN),
            Probe::Yes => {}
        }
        let extent = match measure(prefix) {
            Ok(extent) => extent,
            Err(Undone::Need(total)) => return Reading::Need(total),
            Err(Undone::Skip(skip)) => return Reading::Skip(skip),
        };
        let wire = prefix.get(..extent.wire_len).unwrap_or_default();
        let message = if extent.records == 1 { wire.get(HEADER..) } else { Some(self.join(wire)) };
        let message = message.and_then(|bytes| bytes.get(..extent.message));
        let fields = message.and_then(|bytes| Fields::read(bytes.get(MESSAGE_HEADER..)?));
        match (message, fields) {
            (Some(message), Some(fields)) => {
                let records = u16::try_from(extent.records).unwrap_or(u16::MAX);
                Reading::Hello(fields.hello(message, extent.wire_len, records))
            }
            _ => Reading::Skip(Skip::BadHello),
        }
    }
}

/// A hello that is whole in one record, which is what most are.
fn in_one_record(prefix: &[u8]) -> Option<Hello<'_>> {
    let (header, rest) = prefix.split_first_chunk::<HEADER>()?;
    let &[kind, 3, ..=4, ..] = header else { return None };
    let body = rest.get(..usize::from(Header::read(*header)?.len))?;
    let head = body.first_chunk::<MESSAGE_HEADER>()?;
    if kind != HANDSHAKE || head.first() != Some(&CLIENT_HELLO) {
        return None;
    }
    let message = body.get(..MESSAGE_HEADER + usize::try_from(record::message_len(*head)).ok()?)?;
    let fields = Fields::read(message.get(MESSAGE_HEADER..)?)?;
    Some(fields.hello(message, HEADER + body.len(), 1))
}

impl TlsReader {
    /// Puts the bodies of whole records one behind another.
    fn join(&mut self, mut wire: &[u8]) -> &[u8] {
        self.joined.clear();
        while let Some((body, rest)) = record::split(wire) {
            self.joined.extend_from_slice(body);
            wire = rest;
        }
        &self.joined
    }
}

/// Where a whole hello ends.
struct Extent {
    /// Bytes of the message with its header.
    message: usize,
    /// Bytes of the stream up to the end of the record that holds the message's last byte.
    wire_len: usize,
    /// Records up to there.
    records: usize,
}

/// Why there is no hello.
enum Undone {
    Need(usize),
    Skip(Skip),
}

/// Walks the records until they hold the message; copies nothing but its header.
///
/// What it says to be needed is the least that can make a hello: what the message lacks, and a header
/// for one more record. So a hello in tiny records is walked some dozens of times, not once a record.
fn measure(prefix: &[u8]) -> Result<Extent, Undone> {
    let bad = Err(Undone::Skip(Skip::BadHello));
    let (mut at, mut got, mut records) = (0, 0, 0);
    let mut head = MessageHead::default();
    loop {
        let rest = prefix.get(at..).unwrap_or_default();
        let Some((header, body)) = rest.split_first_chunk::<HEADER>() else {
            if rest.first().is_some_and(|kind| *kind != HANDSHAKE) {
                return bad;
            }
            return Err(Undone::Need(at + HEADER + head.message_len() - got));
        };
        let Some(header) = Header::read(*header).filter(|h| h.kind == HANDSHAKE && h.len > 0) else {
            return bad;
        };
        let len = usize::from(header.len);
        head.feed(body.get(..len).unwrap_or(body));
        let message = head.message_len();
        if message > MAX_MESSAGE {
            return Err(Undone::Skip(Skip::HelloTooLarge));
        }
        let lacks = message - got;
        let end = at + HEADER + len;
        if body.len() < len {
            let after = if lacks > len { HEADER + lacks - len } else { 0 };
            return Err(Undone::Need(end + after));
        }
        (at, got, records) = (end, got + len, records + 1);
        if lacks <= len {
            return Ok(Extent { message, wire_len: at, records });
        }
    }
}

/// A handshake message's header, gathered over records.
#[derive(Default)]
struct MessageHead {
    bytes: [u8; MESSAGE_HEADER],
    have: usize,
}

impl MessageHead {
    /// Takes what it lacks from the beginning of `body`.
    fn feed(&mut self, body: &[u8]) {
        let free = self.bytes.iter_mut().skip(self.have);
        self.have += free.zip(body).map(|(slot, byte)| *slot = *byte).count();
    }

    fn whole(&self) -> bool {
        self.have == MESSAGE_HEADER
    }

    /// Bytes of the message as far as known: at least those of its header.
    fn message_len(&self) -> usize {
        let body = if self.whole() { record::message_len(self.bytes) } else { 0 };
        usize::try_from(body).map_or(usize::MAX, |body| MESSAGE_HEADER.saturating_add(body))
    }
}

#[cfg(test)]
mod tests;
