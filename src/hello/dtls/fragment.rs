//! Fragments of handshake messages (RFC 6347 §4.2.2), and the search for those of a ClientHello.

use crate::hello::client::{CLIENT_HELLO, MAX_BODY, MIN_BODY};
use crate::hello::cursor::Cursor;
use crate::hello::dtls::record::{Kind, Record};
use crate::hello::record::HANDSHAKE;

/// Records of a datagram that are looked at, at most, to find a hello in it.
const MAX_RECORDS: usize = 32;
/// Fragments of a record that are looked at, at most, to find a hello in it.
const MAX_FRAGMENTS: usize = 32;
/// Bytes of a hello ahead of its random.
const VERSION: usize = 2;
/// Bytes of a random.
const RANDOM: usize = 32;

/// A part of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment<'d> {
    /// Type of the message.
    pub(super) kind: u8,
    /// Length of the whole message's body.
    pub(super) len: u32,
    /// Number of the message.
    pub(super) seq: u16,
    /// Where in the body it begins.
    pub(super) offset: u32,
    /// Its captured bytes.
    pub(super) body: &'d [u8],
    /// All of its bytes were captured.
    pub(super) whole: bool,
}

impl<'d> Fragment<'d> {
    /// Takes the fragment off the front of `body`, which is all of a record's body if `whole` is true; `None`
    /// where its lengths contradict each other.
    pub(super) fn take(body: &mut &'d [u8], whole: bool) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let kind = cursor.u8()?;
        let len = three(&mut cursor)?;
        let seq = cursor.u16()?;
        let offset = three(&mut cursor)?;
        let size = three(&mut cursor)?;
        if offset.checked_add(size)? > len {
            return None;
        }
        let rest = cursor.rest();
        let (bytes, after) = match rest.split_at_checked(usize::try_from(size).ok()?) {
            Some(halves) => halves,
            None if whole => return None,
            None => (rest, &[][..]),
        };
        *body = after;
        let whole = u32::try_from(bytes.len()) == Ok(size);
        Some(Self { kind, len, seq, offset, body: bytes, whole })
    }

    /// The random, where all of it is in this fragment of a hello.
    pub(super) fn random(&self) -> Option<&'d [u8; RANDOM]> {
        random(self.body).filter(|_| self.offset == 0)
    }

    /// True if it may be of a ClientHello.
    pub(super) fn is_of_a_hello(&self) -> bool {
        self.kind == CLIENT_HELLO && (MIN_BODY + 1..=MAX_BODY).contains(&self.len)
    }
}

/// The random in a hello's body.
pub(super) fn random(hello: &[u8]) -> Option<&[u8; RANDOM]> {
    hello.get(VERSION..)?.first_chunk()
}

fn three(cursor: &mut Cursor<'_>) -> Option<u32> {
    cursor.array().map(|[high, mid, low]| u32::from_be_bytes([0, *high, *mid, *low]))
}

/// The first fragment of a ClientHello in a datagram, with bytes in it unless the snapshot length cut them off.
pub(super) fn of_a_hello(mut datagram: &[u8], missing: u32) -> Option<Fragment<'_>> {
    for _ in 0..MAX_RECORDS {
        let (record, rest) = Record::read(datagram, missing)?;
        datagram = rest;
        if record.kind != Kind::Clear(HANDSHAKE) {
            continue;
        }
        let mut body = record.body;
        let fragments = std::iter::from_fn(|| Fragment::take(&mut body, record.whole)).take(MAX_FRAGMENTS);
        let found = fragments
            .into_iter()
            .find(|fragment| fragment.is_of_a_hello() && (!fragment.body.is_empty() || !fragment.whole));
        if found.is_some() {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::dtls::testing::{fragment, record};

    #[test]
    fn fragments_are_taken_one_after_another() {
        let bytes = [fragment(1, 7, 300, 100, b"abc"), fragment(14, 8, 0, 0, b"")].concat();
        let mut body = &bytes[..];
        let first = Fragment::take(&mut body, true).unwrap();
        let expected = Fragment { kind: 1, len: 300, seq: 7, offset: 100, body: b"abc", whole: true };
        assert_eq!(first, expected);
        let second = Fragment::take(&mut body, true).unwrap();
        assert_eq!((second.kind, second.len, second.body.len()), (14, 0, 0));
        assert_eq!(Fragment::take(&mut body, true), None);
    }

    #[test]
    fn lengths_must_fit() {
        for bad in [
            fragment(1, 0, 300, 298, b"abc"),
            fragment(1, 0, 0x00ff_ffff, 0x00ff_ffff, b"a"),
            fragment(1, 0, 300, 0, b"abc")[..14].to_vec(),
            fragment(1, 0, 300, 0, b"abc")[..11].to_vec(),
        ] {
            assert_eq!(Fragment::take(&mut &bad[..], true), None, "{bad:?}");
        }
        let cut = &fragment(1, 0, 300, 0, b"abc")[..14];
        let taken = Fragment::take(&mut &cut[..], false).unwrap();
        assert_eq!((taken.body, taken.whole), (&b"ab"[..], false));
    }

    #[test]
    fn a_hello_is_found_behind_other_records_and_messages() {
        let hello = fragment(1, 0, 100, 0, &[9; 40]);
        let random = Some(&[9; 32]);
        let found = |datagram: &[u8]| of_a_hello(datagram, 0).map(|fragment| fragment.random().copied());
        assert_eq!(found(&record(22, &hello)), Some(random.copied()));
        let behind =
            [record(21, &[1, 0]), record(22, &[fragment(11, 3, 2, 0, b"xx"), hello.clone()].concat())];
        assert_eq!(found(&behind.concat()), Some(random.copied()));
        assert_eq!(found(&record(22, &fragment(1, 0, 100, 40, &[9; 60]))), Some(None), "no random in it");
        for none in [
            record(22, &fragment(2, 0, 100, 0, &[9; 40])),
            record(22, &fragment(1, 0, 38, 0, &[9; 38])),
            record(22, &fragment(1, 0, 0x0002_0000, 0, &[9; 40])),
            record(22, &fragment(1, 0, 100, 0, &[])),
            record(20, &hello),
            hello,
        ] {
            assert_eq!(found(&none), None, "{none:?}");
        }
    }
}
