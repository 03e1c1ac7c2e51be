//! The leaf in a certificate message of TLS 1.2 and before (RFC 5246 §7.4.2).
//!
//! `certificate_list` holds each certificate behind a three-byte length, the sender's own first. Only that
//! one is kept: the rest of the chain is passed over.

use crate::hello::cursor::Cursor;

/// Handshake type of a certificate message.
pub(crate) const CERTIFICATE: u8 = 11;

/// Largest leaf that is kept, in bytes of its DER form.
pub(crate) const MAX_LEAF: usize = 64 * 1024;

/// Bytes ahead of the leaf: the length of the list, and its own.
const AHEAD: usize = 3 + 3;

/// What a side showed of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// The first certificate of the list, in DER.
    Der(Box<[u8]>),
    /// An empty list: a client that was asked and has none.
    Empty,
    /// Lengths that contradict each other, or a leaf of more than 64 KiB.
    Broken,
}

impl Leaf {
    /// The leaf in the body of a whole certificate message.
    pub(crate) fn read(body: &[u8]) -> Self {
        match find(body, body.len()) {
            Found::Der(der) => Self::Der(der.into()),
            Found::Empty => Self::Empty,
            Found::Need(_) | Found::Broken => Self::Broken,
        }
    }

    /// Bytes on the heap.
    pub(crate) fn held(&self) -> usize {
        if let Self::Der(der) = self { der.len() } else { 0 }
    }
}

/// Where the leaf stands in the body of a message of `len` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// So many bytes must be there to tell, or to read it.
    Need(usize),
    /// Its bytes.
    Der(&'a [u8]),
    /// See [`Leaf::Empty`].
    Empty,
    /// See [`Leaf::Broken`].
    Broken,
}

/// Looks at what is there of the body.
pub(crate) fn find(body: &[u8], len: usize) -> Found<'_> {
    let mut cursor = Cursor::new(body);
    if len < 3 {
        return Found::Broken;
    }
    let Some(list) = length(&mut cursor) else { return Found::Need(3) };
    if list + 3 != len {
        return Found::Broken;
    }
    if list == 0 {
        return Found::Empty;
    }
    if list < 3 {
        return Found::Broken;
    }
    let Some(leaf) = length(&mut cursor) else { return Found::Need(AHEAD) };
    if leaf == 0 || leaf > MAX_LEAF || leaf + 3 > list {
        return Found::Broken;
    }
    cursor.take(leaf).map_or(Found::Need(AHEAD + leaf), Found::Der)
}

/// A three-byte length.
fn length(cursor: &mut Cursor<'_>) -> Option<usize> {
    let [high, mid, low] = *cursor.array::<3>()?;
    usize::try_from(u32::from_be_bytes([0, high, mid, low])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_found_once_it_is_there() {
        let body = [0, 0, 9, 0, 0, 2, 7, 8, 0, 0, 1, 9];
        for (have, found) in [
            (0, Found::Need(3)),
            (2, Found::Need(3)),
            (3, Found::Need(6)),
            (5, Found::Need(6)),
            (6, Found::Need(8)),
            (7, Found::Need(8)),
            (8, Found::Der(&[7, 8])),
            (12, Found::Der(&[7, 8])),
        ] {
            assert_eq!(find(&body[..have], body.len()), found, "{have}");
        }
    }

    #[test]
    fn empty_lists_and_contradictions() {
        for (body, len, found) in [
            (&[0, 0, 0][..], 3, Found::Empty),
            (&[][..], 0, Found::Broken),
            (&[0, 0][..], 2, Found::Broken),
            (&[0, 0, 1][..], 3, Found::Broken),
            (&[0, 0, 2, 0, 0][..], 5, Found::Broken),
            (&[0, 0, 3, 0, 0, 0][..], 6, Found::Broken),
            (&[0, 0, 4, 0, 0, 2, 1][..], 7, Found::Broken),
            (&[0, 0, 5, 0, 0, 2, 1][..], 7, Found::Broken),
            (&[1, 0, 4, 1, 0, 1][..], 0x1_0007, Found::Broken),
            (&[1, 0, 3, 1, 0, 0][..], 0x1_0006, Found::Need(6 + MAX_LEAF)),
        ] {
            assert_eq!(find(body, len), found, "{body:?}");
        }
    }
}
