//! One direction of a TCP connection: sequence numbers to offsets, and the bytes in order.
//!
//! Offset 0 is the byte after the SYN. Without a SYN the first byte seen gets the offset [`UNKNOWN`], which
//! leaves room for what was overtaken, and the stream's beginning has to be found by its content.

use crate::assemble::{Assembler, Inserted};
use crate::flow::limits::WINDOW;
use crate::model::frame::Timestamp;

/// Offset of the first byte seen of a stream whose beginning is not known.
pub const UNKNOWN: u32 = WINDOW;

/// Which packet brought a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Its capture time.
    pub time: Timestamp,
    /// Its frame number.
    pub packet: u64,
}

/// The distance from sequence number `base` to `seq`, modulo 2³² (RFC 9293 §3.4): −2³¹ to 2³¹−1.
pub fn distance(base: u32, seq: u32) -> i32 {
    seq.wrapping_sub(base).cast_signed()
}

/// Where a segment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Begins at this offset; bytes ahead of the expected one are cut off.
    At(u32, &'a [u8]),
    /// All of it was there before.
    Old,
    /// Beyond the window: another connection's, or nonsense.
    Far,
}

/// Bytes of one direction.
#[derive(Debug, Default)]
pub struct Stream {
    base: Option<u32>,
    anchored: bool,
    next: u32,
    /// Segments that are not yet consumed; most streams never have any.
    held: Option<Box<Assembler<Mark>>>,
}

static NOTHING: Assembler<Mark> = Assembler::new();

impl Stream {
    /// The stream begins at sequence number `seq`, so says a SYN or an acknowledgement.
    pub fn anchor(&mut self, seq: u32) {
        (self.base, self.anchored, self.next) = (Some(seq), true, 0);
    }

    /// True if the sequence number of the stream's beginning is known.
    pub fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// True once a sequence number of the stream is known.
    pub fn is_begun(&self) -> bool {
        self.base.is_some()
    }

    /// Sequence number of the byte at `offset`; without meaning unless [`Stream::is_begun`].
    pub fn seq(&self, offset: u32) -> u32 {
        self.base.unwrap_or(0).wrapping_add(offset)
    }

    /// Offset of the next byte that [`Stream::advance`] has not consumed.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Consumes everything up to `offset`.
    pub fn advance(&mut self, offset: u32) {
        self.next = offset;
    }

    /// From now on the bytes from sequence number `seq` on are wanted; what was held stays where it is.
    pub fn resume_at(&mut self, seq: u32) {
        let base = *self.base.get_or_insert(seq);
        self.next = u32::try_from(distance(base, seq)).unwrap_or(0);
        self.anchored = true;
    }

    /// The byte at `offset` is the stream's first from now on; what was held behind it stays held.
    pub fn restart(&mut self, offset: u32) {
        let base = self.base.map_or(0, |base| base.wrapping_add(offset));
        self.anchor(base);
        if let Some(held) = &mut self.held {
            held.rebase(offset);
            if held.is_empty() {
                self.held = None;
            }
        }
    }

    /// Gives the held bytes that begin at `offset` another mark.
    pub fn mark(&mut self, offset: u32, mark: Mark) {
        if let Some(held) = &mut self.held {
            held.mark(offset, mark);
        }
    }

    /// Offset of a sequence number; `None` where it lies before the stream.
    pub fn offset(&mut self, seq: u32) -> Option<u32> {
        let base = *self.base.get_or_insert(seq.wrapping_sub(UNKNOWN));
        u32::try_from(distance(base, seq)).ok()
    }

    /// True if a sequence number may belong to this stream: within 32 MiB of what was seen of it.
    pub fn is_near(&self, seq: u32) -> bool {
        const NEAR: u32 = 1 << 25;
        self.base.is_none_or(|base| distance(base.wrapping_add(self.next), seq).unsigned_abs() < NEAR)
    }

    /// Places a segment with respect to the next byte wanted.
    pub fn place<'a>(&mut self, seq: u32, payload: &'a [u8]) -> Place<'a> {
        let base = *self.base.get_or_insert(seq.wrapping_sub(UNKNOWN));
        let ahead = i64::from(distance(base, seq)) - i64::from(self.next);
        if ahead < 0 {
            let old = usize::try_from(-ahead).unwrap_or(usize::MAX);
            return match payload.get(old..) {
                Some(rest) if !rest.is_empty() => Place::At(self.next, rest),
                _ => Place::Old,
            };
        }
        match u32::try_from(ahead) {
            Ok(ahead) if ahead <= 2 * WINDOW => Place::At(self.next + ahead, payload),
            _ => Place::Far,
        }
    }

    /// Segments that are not yet consumed.
    pub fn held(&self) -> &Assembler<Mark> {
        self.held.as_deref().unwrap_or(&NOTHING)
    }

    /// Forgets the segments that are not yet consumed.
    pub fn forget(&mut self) {
        self.held = None;
    }

    /// Keeps bytes at `offset` for later.
    pub fn keep(&mut self, offset: u32, bytes: &[u8], mark: Mark) -> Inserted {
        self.held.get_or_insert_default().insert(offset, bytes, mark)
    }

    /// The next bytes in order out of what is held, consumed.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let held = self.held.as_mut()?;
        let bytes = held.take(self.next);
        if held.is_empty() && !held.has_rivals() {
            self.held = None;
        }
        let bytes = bytes?;
        self.next = self.next.wrapping_add(u32::try_from(bytes.len()).unwrap_or(0));
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        let mut stream = Stream::default();
        stream.anchor(u32::MAX - 1);
        assert_eq!(stream.place(u32::MAX - 1, b"abcd"), Place::At(0, b"abcd"));
        stream.advance(4);
        assert_eq!(stream.place(2, b"ef"), Place::At(4, b"ef"));
        assert_eq!(stream.place(u32::MAX, b"bc"), Place::Old);
        assert_eq!(stream.place(0, b"cdef"), Place::At(4, b"ef"));
        assert_eq!(stream.place(1 << 30, b"x"), Place::Far);
    }

    #[test]
    fn without_syn_earlier_bytes_have_room() {
        let mut stream = Stream::default();
        assert_eq!(stream.offset(5000), Some(UNKNOWN));
        assert_eq!(stream.offset(4000), Some(UNKNOWN - 1000));
        assert!(!stream.is_anchored());
    }

    #[test]
    fn held_bytes_come_out_in_order() {
        let mut stream = Stream::default();
        stream.anchor(100);
        stream.keep(2, b"cd", Mark::default());
        assert_eq!(stream.take(), None);
        stream.keep(0, b"ab", Mark::default());
        assert_eq!(stream.take().as_deref(), Some(&b"abcd"[..]));
        assert_eq!(stream.next(), 4);
    }

    #[test]
    fn a_stream_can_begin_anew() {
        let mut stream = Stream::default();
        stream.anchor(u32::MAX - 1);
        stream.keep(2, b"cdef", Mark::default());
        stream.restart(4);
        assert_eq!(stream.place(2, b"ef"), Place::At(0, b"ef"));
        assert_eq!(stream.place(0, b"cdefg"), Place::At(0, b"efg"));
        assert_eq!(stream.take().as_deref(), Some(&b"ef"[..]));
        stream.restart(9);
        assert!(stream.is_anchored() && stream.held().is_empty());
        assert_eq!((stream.next(), stream.offset(11)), (0, Some(0)));
    }

    #[test]
    fn an_acknowledgement_can_set_the_beginning() {
        let mut stream = Stream::default();
        stream.resume_at(700);
        assert_eq!(stream.place(700, b"x"), Place::At(0, b"x"));
        let mut late = Stream::default();
        late.offset(1000);
        late.resume_at(990);
        assert_eq!(late.place(990, b"x"), Place::At(UNKNOWN - 10, b"x"));
    }
}
