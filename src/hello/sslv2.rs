//! A ClientHello in the format of SSL 2.0 (RFC 5246 appendix E.2), which old clients send to offer TLS too.
//!
//! It has no extensions, so that it never carries a name. A two-byte record header stands ahead of it; its
//! challenge is the client random, with zeros ahead where it is shorter.

use crate::hello::client::CLIENT_HELLO;
use crate::hello::cursor::Cursor;
use crate::hello::protocol::{Probe, Protocol, Reader};
use crate::model::hello::{Hello, Reading, Sni, Version};
use crate::model::segment::Transport;
use crate::model::skip::Skip;

/// Bytes of the record header, whose highest bit says that there is no padding.
const HEADER: usize = 2;
/// Bytes of the hello ahead of its three lists.
const FIXED: usize = 9;
/// Bytes of one cipher in the list.
const CIPHER: usize = 3;
/// Bytes of a session id, where there is one.
const SESSION_ID: usize = 16;
/// Shortest and longest challenge.
const CHALLENGE: std::ops::RangeInclusive<usize> = 16..=32;

/// SSL 2.0's format on TCP.
#[derive(Clone, Copy, Debug)]
pub struct SslV2;

impl Protocol for SslV2 {
    fn name(&self) -> &'static str {
        "sslv2"
    }

    fn carrier(&self) -> (Transport, &'static [u16]) {
        (Transport::Tcp, &[443])
    }

    fn probe(&self, prefix: &[u8]) -> Probe {
        look(prefix)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(SslV2Reader::default())
    }
}

/// Looks at the first nine bytes: the record's length, type, version, and two of the three lengths.
fn look(prefix: &[u8]) -> Probe {
    let fits = match *prefix {
        [high, ..] if high & 0x80 == 0 => false,
        [] | [_] | [_, _] => true,
        [_, _, kind] => kind == CLIENT_HELLO,
        [_, _, kind, major] => kind == CLIENT_HELLO && matches!(major, 0 | 3),
        [_, _, kind, major, minor, ref lengths @ ..] => {
            let version = kind == CLIENT_HELLO && matches!((major, minor), (0, 2) | (3, 0..=4));
            version && lengths.first_chunk::<4>().is_none_or(|lengths| lengths_fit(prefix, *lengths))
        }
    };
    match (fits, prefix.len() < FIXED) {
        (false, _) => Probe::No,
        (true, true) => Probe::NotYet,
        (true, false) => Probe::Yes,
    }
}

/// The list of ciphers, in bytes, and the session id's, against the record's length.
fn lengths_fit(prefix: &[u8], [high, low, session_high, session_low]: [u8; 4]) -> bool {
    let ciphers = usize::from(u16::from_be_bytes([high, low]));
    let session = usize::from(u16::from_be_bytes([session_high, session_low]));
    let Some(total) = total(prefix) else { return false };
    let challenge = total.checked_sub(HEADER + FIXED + ciphers + session);
    let lists = ciphers > 0 && ciphers % CIPHER == 0 && matches!(session, 0 | SESSION_ID);
    lists && challenge.is_some_and(|challenge| CHALLENGE.contains(&challenge))
}

/// Bytes of the record with its header.
fn total(prefix: &[u8]) -> Option<usize> {
    let [high, low] = *prefix.first_chunk::<HEADER>()?;
    Some(HEADER + usize::from(u16::from_be_bytes([high & 0x7f, low])))
}

/// Reads hellos; keeps the space of one client random.
#[derive(Debug, Default)]
struct SslV2Reader {
    random: [u8; 32],
}

impl Reader for SslV2Reader {
    fn read<'a>(&'a mut self, prefix: &'a [u8]) -> Reading<'a> {
        match look(prefix) {
            Probe::No => return Reading::Skip(Skip::NotTls),
            Probe::NotYet => return Reading::Need(FIXED),
            Probe::Yes => {}
        }
        let wire_len = total(prefix).unwrap_or(usize::MAX);
        let Some(message) = prefix.get(HEADER..wire_len) else { return Reading::Need(wire_len) };
        match self.fields(message) {
            Some((version, session_id)) => Reading::Hello(Hello {
                message,
                wire_len,
                records: 1,
                random: &self.random,
                legacy_version: version,
                offered: version,
                session_id,
                sni: Sni::Absent,
                alpn: None,
                ech: false,
            }),
            None => Reading::Skip(Skip::BadHello),
        }
    }
}

impl SslV2Reader {
    /// Version and session id; the challenge becomes the random.
    fn fields<'a>(&mut self, message: &'a [u8]) -> Option<(Version, &'a [u8])> {
        let mut rest = Cursor::new(message);
        rest.u8()?;
        let version = Version(rest.u16()?);
        let [ciphers, session, challenge] = [rest.u16()?, rest.u16()?, rest.u16()?].map(usize::from);
        rest.take(ciphers)?;
        let session_id = rest.take(session)?;
        let challenge = rest.take(challenge).filter(|_| rest.is_empty())?;
        self.random = [0; 32];
        let free = self.random.len().checked_sub(challenge.len())?;
        self.random.get_mut(free..)?.copy_from_slice(challenge);
        Some((version, session_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(version: [u8; 2], challenge: usize) -> Vec<u8> {
        let ciphers = [0, 0, 0x39, 0, 0, 0x35, 7, 0, 0xc0];
        let body = [
            &[1, version[0], version[1], 0, 9, 0, 0, 0, u8::try_from(challenge).unwrap()][..],
            &ciphers,
            &vec![0xab; challenge],
        ]
        .concat();
        [&[0x80, u8::try_from(body.len()).unwrap()][..], &body].concat()
    }

    #[test]
    fn reads_version_and_random() {
        for (version, number) in [([0, 2], 0x0002), ([3, 0], 0x0300), ([3, 1], 0x0301), ([3, 3], 0x0303)] {
            let bytes = hello(version, 16);
            let mut reader = SslV2.reader();
            let Reading::Hello(hello) = reader.read(&bytes) else { panic!("{version:?}") };
            assert_eq!((hello.offered, hello.wire_len), (Version(number), bytes.len()));
            assert_eq!(*hello.random, [[0; 16], [0xab; 16]].concat()[..]);
            assert_eq!((hello.message, hello.sni), (&bytes[2..], Sni::Absent));
        }
    }

    #[test]
    fn says_what_it_lacks_at_every_length() {
        let bytes = hello([3, 1], 32);
        for len in 0..bytes.len() {
            let mut reader = SslV2.reader();
            let Reading::Need(need) = reader.read(&bytes[..len]) else { panic!("{len}") };
            assert!(need > len && need <= bytes.len());
            assert_eq!(look(&bytes[..len]), if len < FIXED { Probe::NotYet } else { Probe::Yes });
        }
    }

    #[test]
    fn nothing_else_looks_like_it() {
        let right = hello([3, 1], 16);
        for (at, byte) in [(0, 0), (0, 0x81), (1, 9), (2, 4), (3, 2), (4, 9), (6, 8), (8, 1), (6, 0)] {
            let mut wrong = right.clone();
            wrong[at] = byte;
            assert_eq!(look(&wrong), Probe::No, "byte {at}");
        }
        for other in [&b"\x80\x00\x00\x00\x00"[..], b"\xff\xfb\x01\xff", b"\x80\x2e\x01\x01", b"GET /"] {
            assert_eq!(look(other), Probe::No, "{other:?}");
        }
        let mut other_challenge = right;
        other_challenge[10] = 15;
        let mut reader = SslV2.reader();
        assert!(matches!(reader.read(&other_challenge), Reading::Skip(Skip::BadHello)));
    }
}
