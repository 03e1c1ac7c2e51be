//! Frames of Initial packets: `CRYPTO` and `CONNECTION_CLOSE` are of interest, the others are passed over.

use crate::hello::cursor::Cursor;
use crate::hello::quic::packet::varint;
use crate::hello::quic::version::Dialect;

/// A frame of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'p> {
    /// Bytes of the handshake.
    Crypto {
        /// Where they belong.
        offset: u64,
        /// The bytes.
        bytes: &'p [u8],
    },
    /// The connection ends, with this error code.
    Close(u64),
}

/// The frames of a packet, one after another; ends at the first that an Initial packet cannot hold.
pub(crate) struct Frames<'p> {
    cursor: Cursor<'p>,
    len: usize,
    dialect: Dialect,
}

impl<'p> Frames<'p> {
    /// Walks the frames of an opened packet.
    pub(crate) fn new(payload: &'p [u8], dialect: Dialect) -> Self {
        Self { cursor: Cursor::new(payload), len: payload.len(), dialect }
    }

    /// Where in the packet's frames the last one ended.
    pub(crate) fn position(&self) -> usize {
        self.len - self.cursor.len()
    }
}

impl<'p> Iterator for Frames<'p> {
    type Item = Frame<'p>;

    fn next(&mut self) -> Option<Frame<'p>> {
        loop {
            self.cursor.skip_zeros();
            let found = match self.dialect {
                Dialect::Ietf => ietf(&mut self.cursor),
                Dialect::Google => google(&mut self.cursor),
            };
            match found {
                Found::Frame(frame) => {
                    if matches!(frame, Frame::Close(_)) {
                        // its last words, and whatever is behind them
                        self.cursor.rest();
                    }
                    return Some(frame);
                }
                Found::Other => {}
                Found::End => {
                    self.cursor.rest();
                    return None;
                }
            }
        }
    }
}

enum Found<'p> {
    Frame(Frame<'p>),
    /// One that is passed over.
    Other,
    /// None, or one that an Initial packet cannot hold.
    End,
}

impl<'p> Found<'p> {
    fn one(frame: Option<Frame<'p>>) -> Self {
        frame.map_or(Self::End, Self::Frame)
    }

    fn other(whole: Option<()>) -> Self {
        whole.map_or(Self::End, |()| Self::Other)
    }
}

/// A frame of RFC 9000 §19.
fn ietf<'p>(cursor: &mut Cursor<'p>) -> Found<'p> {
    match cursor.u8() {
        Some(0x01) => Found::Other,
        Some(kind @ (0x02 | 0x03)) => Found::other(ack(kind == 0x03, cursor)),
        Some(0x06) => Found::one(crypto(cursor)),
        Some(0x1c) => Found::one(varint(cursor).map(Frame::Close)),
        _ => Found::End,
    }
}

/// An ACK: the largest number, a delay, ranges, and perhaps three counts of ECN.
fn ack(ecn: bool, cursor: &mut Cursor<'_>) -> Option<()> {
    let (_, _) = (varint(cursor)?, varint(cursor)?);
    let ranges = varint(cursor)?;
    varint(cursor)?;
    for _ in 0..ranges {
        let (_, _) = (varint(cursor)?, varint(cursor)?);
    }
    if ecn {
        let (_, _, _) = (varint(cursor)?, varint(cursor)?, varint(cursor)?);
    }
    Some(())
}

/// A frame of Google QUIC (versions 50 and 51).
fn google<'p>(cursor: &mut Cursor<'p>) -> Found<'p> {
    match cursor.u8() {
        Some(0x02) => Found::one(cursor.array().map(|code| Frame::Close(u32::from_be_bytes(*code).into()))),
        Some(0x07) => Found::Other,
        Some(0x08) => Found::one(crypto(cursor)),
        Some(kind) if kind & 0xc0 == 0x40 => Found::other(google_ack(kind, cursor)),
        _ => Found::End,
    }
}

/// An ACK of Google QUIC: the largest number, a delay, the blocks, and times of arrival.
fn google_ack(kind: u8, cursor: &mut Cursor<'_>) -> Option<()> {
    let len = |bits: u8| [1, 2, 4, 6].get(usize::from(bits & 3)).copied();
    cursor.take(len(kind >> 2)?)?;
    cursor.u16()?;
    let blocks = if kind & 0x20 == 0 { 0 } else { cursor.u8()? };
    cursor.take(len(kind)?)?;
    for _ in 0..blocks {
        cursor.take(1 + len(kind)?)?;
    }
    let times = cursor.u8()?;
    if times > 0 {
        cursor.take(5 + 3 * (usize::from(times) - 1))?;
    }
    Some(())
}

fn crypto<'p>(cursor: &mut Cursor<'p>) -> Option<Frame<'p>> {
    let offset = varint(cursor)?;
    let len = varint(cursor)?;
    Some(Frame::Crypto { offset, bytes: cursor.take(usize::try_from(len).ok()?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ietf(payload: &[u8]) -> Vec<Frame<'_>> {
        Frames::new(payload, Dialect::Ietf).collect()
    }

    #[test]
    fn crypto_between_everything_else() {
        let payload = [
            &[0, 0, 1, 0][..],
            &[2, 5, 0x40, 9, 2, 0, 1, 1, 3, 4],    // ACK with two ranges
            &[6, 0x44, 0xb0, 3, b'a', b'b', b'c'], // CRYPTO at 1200
            &[3, 5, 9, 0, 0, 1, 2, 3],             // ACK with ECN counts
            &[1, 6, 0, 0],                         // an empty CRYPTO
            &[0x1c, 0x41, 0x28, 6, 0],             // handshake_failure
            &[0, 0, 0],
        ]
        .concat();
        assert_eq!(
            ietf(&payload),
            [
                Frame::Crypto { offset: 1200, bytes: b"abc" },
                Frame::Crypto { offset: 0, bytes: b"" },
                Frame::Close(0x128),
            ]
        );
    }

    #[test]
    fn what_no_initial_holds_ends_the_walk() {
        assert_eq!(ietf(&[8, 1, 6, 0, 1, 9]), []);
        assert_eq!(ietf(&[6, 0, 2, 9]), [], "longer than the packet");
        assert_eq!(ietf(&[2, 0, 0, 0xff, 255, 255, 255, 255, 255, 255, 255, 0, 6, 0, 1, 9]), []);
        assert_eq!(ietf(&[6, 0, 0xff, 255, 255, 255, 255, 255, 255, 255]), []);
        assert_eq!(ietf(&[]), []);
    }

    #[test]
    fn frames_of_google() {
        let payload = [
            &[0x40, 1, 0, 0, 1, 0][..], // ACK of one packet
            &[0x65, 0, 9, 0, 0, 1, 0, 3, 7, 0, 1, 2, 1, 0, 0, 0, 1, 1, 0, 2], // blocks and times
            &[7, 0, 8, 0, 2, b'h', b'i'],
            &[2, 0, 0, 0, 25, 0, 0],
        ]
        .concat();
        let found: Vec<_> = Frames::new(&payload, Dialect::Google).collect();
        assert_eq!(found, [Frame::Crypto { offset: 0, bytes: b"hi" }, Frame::Close(25)]);
    }
}
