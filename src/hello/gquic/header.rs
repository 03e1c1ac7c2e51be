//! Headers of Google QUIC's packets up to version 49: the public header, and from version 44 on a long one.

use crate::hello::cursor::Cursor;
use crate::hello::quic::packet;

/// A client's first packet has at least this many bytes; it is padded to more.
const FIRST: usize = 256;
/// Version flag of the public header.
const VERSION: u8 = 0x01;
/// The packet is a public reset.
const RESET: u8 = 0x02;
/// A server's packet has a nonce: it is encrypted.
const NONCE: u8 = 0x04;
/// The packet has a connection id.
const ID: u8 = 0x08;

/// A connection id.
pub(super) type Id = [u8; 8];

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// With hash and frames, in clear or encrypted.
    Plain,
    /// Certainly encrypted.
    Encrypted,
    /// The end of the connection.
    Reset,
    /// The server's list of versions.
    Negotiation,
}

/// A packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// What the packet is.
    pub(super) kind: Kind,
    /// The version's number, where the packet tells it: 43 of `Q043`.
    pub(super) version: Option<u8>,
    /// The connection id, where the packet has one.
    pub(super) id: Option<Id>,
    /// Bytes of the header.
    pub(super) len: usize,
}

/// The number in `Q043`.
fn version([q, zero, tens, ones]: [u8; 4]) -> Option<u8> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    (q == b'Q' && zero == b'0' && digits).then(|| (tens - b'0') * 10 + (ones - b'0'))
}

/// True if a packet may open a connection.
pub(super) fn opens(payload: &[u8]) -> bool {
    // the version stands behind the connection id, or (long header) at the beginning
    let [first, rest @ ..] = payload else { return false };
    let found = match first {
        0x80.. => {
            rest.first_chunk().copied().and_then(version).is_some_and(|version| (44..50).contains(&version))
        }
        _ if first & (VERSION | RESET | ID) == VERSION | ID => {
            rest.get(8..).and_then(|rest| rest.first_chunk().copied()).and_then(version).is_some()
        }
        _ => false,
    };
    found && payload.len() >= FIRST
}

/// A number for the connection that a packet opens.
pub(super) fn tag(payload: &[u8]) -> u32 {
    Header::read(payload, true).and_then(|header| header.id).map_or(0, |id| packet::tag(0, &id))
}

impl Header {
    /// Reads a packet's header; `from_client`: only the client's packets tell a version, only the server's have
    /// a nonce.
    pub(super) fn read(payload: &[u8], from_client: bool) -> Option<Self> {
        let mut cursor = Cursor::new(payload);
        let first = cursor.u8()?;
        let (kind, version, id) = match first {
            0x80.. => long(first, &mut cursor, from_client)?,
            _ if first & 0x40 != 0 && first & 0x0f <= 3 => {
                // a short header of versions 44 to 49: of the client's with an id
                let id = if from_client { Some(*cursor.array()?) } else { None };
                (Kind::Encrypted, None, id)
            }
            _ => public(first, &mut cursor, from_client)?,
        };
        Some(Self { kind, version, id, len: payload.len() - cursor.len() })
    }
}

type Parts = (Kind, Option<u8>, Option<Id>);

fn public(first: u8, cursor: &mut Cursor<'_>, from_client: bool) -> Option<Parts> {
    let id = if first & ID == 0 { None } else { Some(*cursor.array()?) };
    if first & RESET != 0 {
        return Some((Kind::Reset, None, id));
    }
    if first & VERSION != 0 && !from_client {
        return Some((Kind::Negotiation, None, id));
    }
    let version = if first & VERSION == 0 { None } else { Some(version(*cursor.array()?)?) };
    let nonce = !from_client && first & NONCE != 0 && version.is_none();
    let number = [1, 2, 4, 6].get(usize::from(first >> 4 & 3)).copied()?;
    cursor.take(number)?;
    Some((if nonce { Kind::Encrypted } else { Kind::Plain }, version, id))
}

/// The ids' lengths stand in one byte, each less three; only one of the two is there.
fn long(first: u8, cursor: &mut Cursor<'_>, from_client: bool) -> Option<Parts> {
    let bytes = *cursor.array()?;
    if bytes == [0; 4] {
        return Some((Kind::Negotiation, None, None));
    }
    let version = version(bytes)?;
    let lengths = cursor.u8()?;
    let id = if matches!(lengths, 0x50 | 0x05) { Some(*cursor.array()?) } else { return None };
    let number = if version < 46 { 4 } else { usize::from(first & 3) + 1 };
    cursor.take(number)?;
    let clear = from_client || first & 0x30 == 0 || version < 46;
    Some((if clear { Kind::Plain } else { Kind::Encrypted }, Some(version), id))
}
