//! A recycled block of bytes, filled with `read()` from the front again and again.
//!
//! Bytes that make no whole record yet are carried over to the front. The block grows only as bytes
//! really arrive, so a length field alone never allocates.

use std::io::{self, ErrorKind, Read};

/// The size of a block in bytes: stays in the second-level cache, which is what makes reading cheap.
pub(super) const BLOCK: usize = 256 * 1024;

/// The block and the stream that fills it.
pub(super) struct Block {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    end: usize,
    size: usize,
    offset: u64,
}

impl Block {
    /// A block that holds `head`, bytes of `reader` read already, which begin at `offset` of the stream.
    pub(super) fn new(reader: Box<dyn Read + Send>, head: Vec<u8>, offset: u64) -> Self {
        Self { reader, end: head.len(), bytes: head, size: BLOCK, offset }
    }

    /// Sets how many bytes are read at a time from now on.
    pub(super) fn set_size(&mut self, size: usize) {
        self.size = size;
    }

    /// The bytes from position `from` on.
    #[inline]
    pub(super) fn rest(&self, from: usize) -> &[u8] {
        self.bytes.get(from..self.end).unwrap_or_default()
    }

    /// Where position 0 of the block stands in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Drops what stands ahead of `keep` and reads on, at least once, until `need` bytes are there from
    /// position 0, where the kept bytes now begin. False where the stream ends before.
    pub(super) fn fill(&mut self, keep: usize, need: usize) -> io::Result<bool> {
        let keep = keep.min(self.end);
        self.bytes.copy_within(keep..self.end, 0);
        self.end -= keep;
        self.offset += keep as u64;
        loop {
            self.make_room(need);
            match self.reader.read(self.bytes.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => return Ok(false),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if self.end >= need {
                return Ok(true);
            }
        }
    }

    fn make_room(&mut self, need: usize) {
        if self.bytes.len() < self.size {
            let head = std::mem::replace(&mut self.bytes, vec![0; self.size]);
            for (place, byte) in self.bytes.iter_mut().zip(head) {
                *place = byte;
            }
        } else if self.end == self.bytes.len() {
            let doubled = self.bytes.len() * 2;
            self.bytes.resize(need.clamp(self.bytes.len() + 1, doubled), 0);
        }
    }
}

#[cfg(test)]
impl Block {
    /// How many bytes are read at a time.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes at a time, and an interruption before each.
    struct Slow {
        left: Vec<u8>,
        step: usize,
        interrupt: bool,
    }

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.interrupt = !self.interrupt;
            if self.interrupt {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = self.step.min(into.len()).min(self.left.len());
            into[..count].copy_from_slice(&self.left[..count]);
            self.left.drain(..count);
            Ok(count)
        }
    }

    fn block(bytes: usize, step: usize) -> Block {
        let left = (0..bytes).map(|i| u8::try_from(i % 251).unwrap()).collect();
        Block::new(Box::new(Slow { left, step, interrupt: false }), Vec::new(), 0)
    }

    #[test]
    fn carries_the_tail_over() {
        let mut block = block(100, 10);
        assert!(block.fill(0, 15).unwrap());
        assert_eq!(block.rest(0).len(), 20);
        assert!(block.fill(13, 16).unwrap());
        assert_eq!(block.offset(), 13);
        assert_eq!(block.rest(0)[..3], [13, 14, 15]);
        assert_eq!(block.rest(0).len(), 17);
    }

    #[test]
    fn returns_what_a_pipe_has() {
        let mut block = block(100, 7);
        assert!(block.fill(0, 1).unwrap());
        assert_eq!(block.rest(0).len(), 7);
    }

    #[test]
    fn ends_short_of_the_need_and_keeps_the_bytes() {
        let mut block = block(9, 4);
        assert!(!block.fill(0, 10).unwrap());
        assert_eq!(block.rest(0).len(), 9);
        assert!(!block.fill(9, 1).unwrap());
        assert_eq!((block.rest(0).len(), block.offset()), (0, 9));
    }

    #[test]
    fn grows_with_the_bytes_and_not_with_the_length() {
        let mut short = block(1000, 1000);
        assert!(!short.fill(0, 200 << 20).unwrap());
        assert_eq!(short.bytes.len(), BLOCK);
        let mut long = block(3 * BLOCK, BLOCK);
        assert!(long.fill(0, 2 * BLOCK + 5).unwrap());
        assert!(long.rest(0).iter().enumerate().all(|(i, b)| usize::from(*b) == i % 251));
        assert!(long.bytes.len() <= 4 * BLOCK);
    }
}
