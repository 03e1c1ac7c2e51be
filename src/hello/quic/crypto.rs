//! The handshake's bytes, out of CRYPTO frames that come in any order.

use crate::assemble::Assembler;
use crate::hello::quic::frames::Frame;

/// Offset beyond which nothing is kept: a hello of 128 KiB and as much again for its retry.
const FARTHEST: u64 = 256 * 1024;

/// One side's bytes.
#[derive(Debug, Default)]
pub(crate) struct Crypto {
    held: Assembler<()>,
    /// Offset up to which everything was consumed.
    start: u32,
    /// Frames that brought something of what is not consumed.
    pub(crate) frames: u16,
}

impl Crypto {
    /// The new bytes of a frame and their offset; `None` where there are none.
    fn fresh<'f>(&self, frame: &Frame<'f>) -> Option<(u32, &'f [u8])> {
        let Frame::Crypto { offset, bytes } = *frame else { return None };
        if offset > FARTHEST {
            return None;
        }
        let offset = u32::try_from(offset).ok()?;
        let old = usize::try_from(self.start.saturating_sub(offset)).ok()?;
        let bytes = bytes.get(old..).filter(|bytes| !bytes.is_empty())?;
        Some((offset.max(self.start), bytes))
    }

    /// The frame's bytes, if they are just the next ones and nothing is held: no need to copy them.
    pub(crate) fn in_order<'f>(&self, frame: &Frame<'f>) -> Option<&'f [u8]> {
        let (offset, bytes) = self.fresh(frame)?;
        (offset == self.start && self.held.is_empty()).then_some(bytes)
    }

    /// Keeps a frame's bytes; true if some of them were not there before.
    pub(crate) fn keep(&mut self, frame: &Frame<'_>) -> bool {
        let Some((offset, bytes)) = self.fresh(frame) else { return false };
        let fresh = self.held.insert(offset, bytes, ()).fresh > 0;
        self.frames = self.frames.saturating_add(fresh.into());
        fresh
    }

    /// The bytes from the first that is not consumed up to the next gap.
    pub(crate) fn ready(&self) -> &[u8] {
        self.held.starting_at(self.start).map_or(&[], |piece| &piece.bytes)
    }

    /// Consumes `len` bytes.
    pub(crate) fn consume(&mut self, len: usize) {
        let run = self.held.take(self.start).unwrap_or_default();
        self.start = self.start.saturating_add(u32::try_from(len).unwrap_or(u32::MAX));
        self.frames = 0;
        if let Some(rest) = run.get(len..).filter(|rest| !rest.is_empty()) {
            self.held.insert(self.start, rest, ());
            self.frames = 1;
        }
    }

    /// Consumes `len` of bytes that are in order and not kept; keeps the others.
    pub(crate) fn pass(&mut self, bytes: &[u8], len: usize) {
        self.consume(len);
        let rest = bytes.get(len..).unwrap_or_default();
        self.keep(&Frame::Crypto { offset: self.start.into(), bytes: rest });
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.held.held()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(offset: u64, bytes: &[u8]) -> Frame<'_> {
        Frame::Crypto { offset, bytes }
    }

    #[test]
    fn frames_in_any_order_become_ready() {
        let mut crypto = Crypto::default();
        assert_eq!(crypto.in_order(&frame(0, b"ab")), Some(&b"ab"[..]));
        assert!(crypto.keep(&frame(4, b"ef")));
        assert!(crypto.keep(&frame(1, b"bcd")));
        assert!(!crypto.keep(&frame(2, b"cde")), "nothing new");
        assert_eq!((crypto.ready(), crypto.frames), (&b""[..], 2));
        assert_eq!(crypto.in_order(&frame(0, b"a")), None, "something is held");
        assert!(crypto.keep(&frame(0, b"abcdefg")));
        assert_eq!((crypto.ready(), crypto.held()), (&b"abcdefg"[..], 7));
    }

    #[test]
    fn what_was_consumed_does_not_come_back() {
        let mut crypto = Crypto::default();
        crypto.keep(&frame(0, b"abcd"));
        crypto.consume(3);
        assert_eq!((crypto.ready(), crypto.frames), (&b"d"[..], 1));
        assert!(!crypto.keep(&frame(0, b"abc")));
        assert!(crypto.keep(&frame(2, b"cde")));
        assert_eq!(crypto.ready(), b"de");
        crypto.consume(2);
        assert_eq!(crypto.in_order(&frame(3, b"def")), Some(&b"f"[..]));
        crypto.pass(b"f", 1);
        assert_eq!(crypto.in_order(&frame(6, b"g")), Some(&b"g"[..]));
        assert_eq!(crypto.held(), 0);
        crypto.pass(b"ghi", 1);
        assert_eq!(crypto.ready(), b"hi");
    }

    #[test]
    fn what_is_too_far_is_not_kept() {
        let mut crypto = Crypto::default();
        assert!(!crypto.keep(&frame(FARTHEST + 1, b"x")));
        assert!(!crypto.keep(&frame(u64::MAX >> 2, b"x")));
        assert!(!crypto.keep(&frame(0, b"")));
        assert!(!crypto.keep(&Frame::Close(0)));
        assert_eq!(crypto.held(), 0);
    }
}
