//! A connection whose CHLO is in clear (up to version 49).
//!
//! Clear packets begin with a hash of themselves, which tells them from encrypted ones.

use crate::hello::cursor::Cursor;
use crate::hello::datagram::{Datagram, Retry, Said};
use crate::hello::gquic::header::{Header, Id, Kind};
use crate::hello::quic::chlo;
use crate::hello::quic::packet;
use crate::model::hello::Sni;

/// Bytes of the hash.
const HASH: usize = 12;
/// The first version whose numbers are big-endian.
const BIG_ENDIAN: u8 = 39;
/// The last version with flags of its own ahead of the frames.
const PRIVATE_FLAGS: u8 = 33;

/// Reads a connection.
#[derive(Debug, Default)]
pub(super) struct Clear {
    id: Option<Id>,
    version: u8,
    /// Where in its stream the newest CHLO was.
    newest: Option<u64>,
    /// The server did more than to reject.
    agreed: bool,
    /// The datagram at hand was read.
    read: bool,
    /// And its sender encrypts.
    encrypts: bool,
}

impl Clear {
    pub(super) fn tag(&self) -> u32 {
        self.id.map_or(0, |id| packet::tag(0, &id))
    }

    /// What a datagram says: one thing, and perhaps that its sender encrypts.
    pub(super) fn next<'d>(&mut self, datagram: &mut Datagram<'d>) -> Option<Said<'d>> {
        if std::mem::replace(&mut self.read, true) {
            self.read = false;
            return std::mem::take(&mut self.encrypts).then_some(Said::Encrypted);
        }
        let bytes = std::mem::take(&mut datagram.bytes);
        let header = Header::read(bytes, datagram.forth);
        let header = header.filter(|header| self.id.is_none() || header.id.is_none() || header.id == self.id);
        let said = match header {
            Some(header) if datagram.forth => self.client(&header, bytes, datagram.missing > 0),
            Some(header) if self.id.is_some() => self.server(&header, bytes),
            _ => Some(Said::NotMine),
        };
        if said.is_none() || matches!(said, Some(Said::NotMine)) {
            self.read = false;
        }
        said
    }

    /// A hash that is wrong is no CHLO's; of a packet that is `cut` nobody knows it.
    fn client<'d>(&mut self, header: &Header, bytes: &'d [u8], cut: bool) -> Option<Said<'d>> {
        let version = header.version.unwrap_or(self.version);
        let body = bytes.get(header.len + HASH..).unwrap_or_default();
        let hello = (header.kind == Kind::Plain).then(|| find(body, version)).flatten();
        let hello = hello.filter(|_| cut || is_clear(header, bytes));
        let Some((offset, sni, message)) = hello else {
            if self.id.is_none() {
                return Some(Said::NotMine);
            }
            let encrypts = self.agreed && (header.kind == Kind::Encrypted || !is_clear(header, bytes));
            return encrypts.then_some(Said::Encrypted);
        };
        (self.id, self.version) = (header.id, version);
        if self.newest.replace(offset) == Some(offset) {
            return Some(Said::Again);
        }
        Some(Said::Foreign { sni, message })
    }

    fn server<'d>(&mut self, header: &Header, bytes: &'d [u8]) -> Option<Said<'d>> {
        match header.kind {
            Kind::Reset => return Some(Said::Closed),
            Kind::Negotiation => return Some(Said::Retry(Retry::Version)),
            Kind::Plain if is_clear(header, bytes) => {
                let body = bytes.get(header.len + HASH..).unwrap_or_default();
                let rejects = body.windows(4).any(|four| chlo::answer(four) == Some(chlo::Answer::Rejection));
                return rejects.then_some(Said::Retry(Retry::Address));
            }
            Kind::Plain | Kind::Encrypted => {}
        }
        if std::mem::replace(&mut self.agreed, true) {
            return Some(Said::Encrypted);
        }
        self.encrypts = true;
        Some(Said::Agreed)
    }
}

/// The CHLO in a clear packet's frames, with its place in the stream and its name.
fn find(body: &[u8], version: u8) -> Option<(u64, Sni<'_>, &[u8])> {
    const PING: u8 = 7;
    const STREAM: u8 = 0x80;
    let mut cursor = Cursor::new(body);
    if version <= PRIVATE_FLAGS {
        let group = cursor.u8()? & 2 != 0;
        cursor.take(group.into())?;
    }
    let first = loop {
        cursor.skip_zeros();
        match cursor.u8()? {
            PING => {}
            first if first & STREAM != 0 => break first,
            _ => return None,
        }
    };
    let number = |bytes: &[u8]| {
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if version < BIG_ENDIAN { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    };
    let stream = number(cursor.take(usize::from(first & 3) + 1)?);
    let offset_len = match usize::from(first >> 2 & 7) {
        0 => 0,
        more => more + 1,
    };
    let offset = number(cursor.take(offset_len)?);
    let data = if first & 0x20 == 0 {
        cursor.rest()
    } else {
        let len = number(cursor.take(2)?);
        cursor.take(usize::try_from(len).ok()?)?
    };
    let message = chlo::measure(data).and_then(|len| data.get(..len)).filter(|_| stream == 1)?;
    Some((offset, chlo::named(message)?, message))
}

/// True if a packet's hash is that of its header and frames: it is not encrypted.
fn is_clear(header: &Header, bytes: &[u8]) -> bool {
    let Some((head, rest)) = bytes.split_at_checked(header.len) else { return false };
    let Some((hash, body)) = rest.split_first_chunk::<HASH>() else { return false };
    let plain = fnv(fnv(FNV_BASIS, head), body);
    // from version 37 on with the sender's name behind
    [&b""[..], b"Client", b"Server"].iter().any(|name| fnv(plain, name).to_le_bytes().starts_with(hash))
}

const FNV_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;

/// FNV-1a with 128 bits.
fn fnv(hash: u128, bytes: &[u8]) -> u128 {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(hash, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}
