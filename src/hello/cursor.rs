//! A cursor over bytes that gives or refuses; it never reads past the end.

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// True when nothing is left.
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that are left.
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// Gives all that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Passes over zeros, sixteen at a time where it can.
    pub(crate) fn skip_zeros(&mut self) {
        let (chunks, _) = self.0.as_chunks::<16>();
        let whole = chunks.iter().take_while(|chunk| **chunk == [0; 16]).count();
        let rest = self.0.get(whole * 16..).unwrap_or_default();
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        self.0 = rest.get(zeros..).unwrap_or_default();
    }

    /// `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(head)
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| *byte)
    }

    /// Two bytes, big-endian.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    /// A vector behind a one-byte length (RFC 8446 §3.4).
    pub(crate) fn vec8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// A vector behind a two-byte length.
    pub(crate) fn vec16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }
}

/// The body of a two-byte-length vector that fills `bytes` exactly.
pub(crate) fn only_vec16(bytes: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(bytes);
    cursor.vec16().filter(|_| cursor.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_in_order_and_refuses_past_the_end() {
        let mut cursor = Cursor::new(&[1, 0, 2, 9, 9, 1, 7, 5]);
        assert_eq!(cursor.u8(), Some(1));
        assert_eq!(cursor.vec16(), Some(&[9, 9][..]));
        assert_eq!(cursor.vec8(), Some(&[7][..]));
        assert_eq!(cursor.u16(), None);
        assert_eq!(cursor.rest(), [5]);
        assert!(cursor.is_empty());
        assert_eq!(cursor.u8(), None);
    }

    #[test]
    fn zeros_are_passed_over_to_the_first_other_byte() {
        for (before, after) in [(0, 0), (1, 1), (15, 3), (16, 16), (17, 40), (100, 0)] {
            let bytes = [vec![0; before], vec![1], vec![0; after]].concat();
            let mut cursor = Cursor::new(&bytes);
            cursor.skip_zeros();
            assert_eq!(cursor.u8(), Some(1));
            cursor.skip_zeros();
            assert!(cursor.is_empty());
        }
    }

    #[test]
    fn only_vector_refuses_too_little_and_too_much() {
        assert_eq!(only_vec16(&[0, 1, 8]), Some(&[8][..]));
        assert_eq!(only_vec16(&[0, 1]), None);
        assert_eq!(only_vec16(&[0, 1, 8, 8]), None);
        assert_eq!(only_vec16(&[0]), None);
    }
}
