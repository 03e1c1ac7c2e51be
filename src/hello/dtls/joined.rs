//! Joins the fragments of the messages of one side: any order, any overlap, over records and datagrams.
//!
//! A message is known by its number and its length. Several may be under way at a time, as a client that is
//! asked for a cookie sends its second hello while the first is still being repeated.

use crate::assemble::Assembler;
use crate::hello::dtls::fragment::{self, Fragment};
use crate::hello::dtls::record::HEADER as RECORD_HEADER;
use crate::hello::record::MESSAGE_HEADER;

/// Messages that are kept at a time, at most; the oldest goes first.
const MAX_MESSAGES: usize = 4;
/// Bytes of a fragment's header.
const FRAGMENT_HEADER: usize = 12;

/// What a fragment brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// New bytes; the message lacks others.
    Part {
        /// The message's first byte is among them.
        first: bool,
    },
    /// The message with this index is whole now.
    Whole(usize),
    /// Nothing that was not there before.
    Again,
}

/// The messages of one kind and one side.
#[derive(Debug, Default)]
pub(super) struct Joined {
    messages: Vec<Message>,
}

/// One message.
#[derive(Debug)]
pub(super) struct Message {
    seq: u16,
    len: u32,
    pieces: Assembler<()>,
    /// The message with a header of four bytes; empty until it is whole.
    bytes: Vec<u8>,
    /// Offset at which the snapshot length first cut bytes off: what is beyond is not known, whoever sends it
    /// again, so that no other bytes can take its place.
    limit: u32,
    /// Fragments with bytes that were not there before.
    fragments: u16,
    /// Bytes of these on the wire, record headers included.
    wire_len: usize,
}

impl Joined {
    /// Adds a fragment to its message.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>) -> Added {
        let index = self.place(fragment);
        let Some(message) = self.messages.get_mut(index) else { return Added::Again };
        match message.add(fragment) {
            Added::Whole(_) => Added::Whole(index),
            other => other,
        }
    }

    /// The index of a fragment's message, which is begun if it is new.
    fn place(&mut self, fragment: &Fragment<'_>) -> usize {
        if let Some(index) = self.messages.iter().position(|message| message.is_of(fragment)) {
            return index;
        }
        if self.messages.len() >= MAX_MESSAGES {
            self.messages.remove(0);
        }
        self.messages.push(Message::new(fragment));
        self.messages.len() - 1
    }

    /// The message with this index.
    pub(super) fn get(&self, index: usize) -> Option<&Message> {
        self.messages.get(index)
    }

    /// Forgets the message with this index.
    pub(super) fn forget(&mut self, index: usize) {
        if index < self.messages.len() {
            self.messages.remove(index);
        }
    }

    /// Lets `reads` judge the message with this index: false where neither the bytes that came first nor those
    /// that contradict them can be read. A contradiction is reported as the second value.
    pub(super) fn settle(&mut self, index: usize, reads: impl Fn(&[u8]) -> bool) -> (bool, bool) {
        let Some(message) = self.messages.get_mut(index) else { return (false, false) };
        let conflict = message.pieces.has_rivals();
        let mut fine = reads(message.body());
        if !fine && let Some(rival) = message.pieces.rival(0).filter(|rival| reads(rival)) {
            message.bytes.truncate(MESSAGE_HEADER);
            message.bytes.extend_from_slice(&rival);
            fine = true;
        }
        message.pieces = Assembler::new();
        (fine, conflict)
    }

    /// The message that a fragment is of, if it is not its first.
    pub(super) fn of(&self, fragment: &Fragment<'_>) -> Option<&Message> {
        self.messages.iter().find(|message| message.is_of(fragment))
    }

    /// True if there is a message with this number, of whatever length.
    pub(super) fn has(&self, seq: u16) -> bool {
        self.messages.iter().any(|message| message.seq == seq)
    }

    /// The randoms that are known of these hellos.
    pub(super) fn randoms(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.messages.iter().filter_map(Message::random)
    }

    /// The newest message.
    pub(super) fn newest(&self) -> Option<&Message> {
        self.messages.last()
    }

    /// Number of the newest whole message.
    pub(super) fn newest_whole(&self) -> Option<u16> {
        self.messages.iter().rev().find(|message| message.is_whole()).map(|message| message.seq)
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.messages.iter().map(|message| message.pieces.held() + message.bytes.len()).sum()
    }
}

impl Message {
    fn new(fragment: &Fragment<'_>) -> Self {
        Self {
            seq: fragment.seq,
            len: fragment.len,
            pieces: Assembler::new(),
            bytes: Vec::new(),
            limit: u32::MAX,
            fragments: 0,
            wire_len: 0,
        }
    }

    fn is_of(&self, fragment: &Fragment<'_>) -> bool {
        (self.seq, self.len) == (fragment.seq, fragment.len)
    }

    fn is_whole(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The whole message, with a header of four bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole message without its header.
    pub(super) fn body(&self) -> &[u8] {
        self.bytes.get(MESSAGE_HEADER..).unwrap_or_default()
    }

    /// Its number and the length of its body.
    pub(super) fn id(&self) -> (u16, u32) {
        (self.seq, self.len)
    }

    /// Fragments it came in, and their bytes on the wire.
    pub(super) fn carried(&self) -> (u16, usize) {
        (self.fragments, self.wire_len)
    }

    /// The random, where this is a hello and so much of it is there.
    pub(super) fn random(&self) -> Option<&[u8; 32]> {
        let begun = if self.is_whole() { self.body() } else { &self.pieces.starting_at(0)?.bytes };
        fragment::random(begun)
    }

    /// True unless the message is whole and the fragment, which is of it by its number, says other things.
    pub(super) fn agrees(&self, fragment: &Fragment<'_>) -> bool {
        let from = usize::try_from(fragment.offset).unwrap_or(usize::MAX);
        let mine = self.body().get(from..).and_then(|rest| rest.get(..fragment.body.len()));
        !self.is_whole() || mine == Some(fragment.body)
    }

    fn add(&mut self, fragment: &Fragment<'_>) -> Added {
        if self.is_whole() {
            return Added::Again;
        }
        let begins = self.fragments == 0 && self.limit == u32::MAX;
        let room = usize::try_from(self.limit.saturating_sub(fragment.offset)).unwrap_or(usize::MAX);
        let bytes = fragment.body.get(..room).unwrap_or(fragment.body);
        let end = fragment.offset.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        if !fragment.whole {
            self.limit = self.limit.min(end);
        }
        let ahead = self.pieces.starting_at(0).is_some();
        let whole_at_once = begins && fragment.offset == 0 && self.len == end && fragment.whole;
        let fresh =
            if whole_at_once { bytes.len() } else { self.pieces.insert(fragment.offset, bytes, ()).fresh };
        if fresh == 0 {
            return if begins { Added::Part { first: fragment.offset == 0 } } else { Added::Again };
        }
        self.fragments = self.fragments.saturating_add(1);
        self.wire_len += RECORD_HEADER + FRAGMENT_HEADER + fragment.body.len();
        let whole = if whole_at_once { Some(bytes) } else { self.joined() };
        let Some(body) = whole else {
            return Added::Part { first: !ahead && fragment.offset == 0 };
        };
        let [_, length @ ..] = self.len.to_be_bytes();
        self.bytes = [&[fragment.kind], &length[..], body].concat();
        Added::Whole(0)
    }

    /// The body, once there is no gap in it.
    fn joined(&self) -> Option<&[u8]> {
        let piece = self.pieces.starting_at(0)?;
        (u32::try_from(piece.bytes.len()) == Ok(self.len)).then_some(&piece.bytes[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::MAX_BYTES;

    fn at(seq: u16, offset: u32, body: &[u8]) -> Fragment<'_> {
        Fragment { kind: 1, len: 8, seq, offset, body, whole: true }
    }

    #[test]
    fn a_message_in_one_piece_is_whole_at_once() {
        let mut joined = Joined::default();
        assert_eq!(joined.add(&at(3, 0, b"abcdefgh")), Added::Whole(0));
        let message = joined.get(0).unwrap();
        assert_eq!(message.bytes(), b"\x01\0\0\x08abcdefgh");
        assert_eq!((message.carried(), message.id()), ((1, 33), (3, 8)));
        assert_eq!(joined.add(&at(3, 0, b"abcdefgh")), Added::Again);
        assert_eq!(joined.newest_whole(), Some(3));
    }

    #[test]
    fn pieces_may_overlap_and_come_in_any_order() {
        let mut joined = Joined::default();
        assert_eq!(joined.add(&at(0, 6, b"gh")), Added::Part { first: false });
        assert_eq!(joined.add(&at(0, 6, b"gh")), Added::Again);
        assert_eq!(joined.add(&at(0, 0, b"abc")), Added::Part { first: true });
        assert_eq!(joined.add(&at(0, 0, b"abcd")), Added::Part { first: false });
        assert_eq!(joined.add(&at(0, 1, b"bcdefg")), Added::Whole(0));
        assert_eq!(
            (joined.get(0).unwrap().body(), joined.get(0).unwrap().carried().0),
            (&b"abcdefgh"[..], 4)
        );
        assert!(joined.settle(0, |_| true) == (true, false));
    }

    #[test]
    fn messages_are_told_apart_by_number_and_length_and_the_oldest_goes() {
        let mut joined = Joined::default();
        for seq in 0..4 {
            joined.add(&at(seq, 0, b"abcd"));
        }
        assert_eq!(joined.held(), 16);
        let longer = Fragment { len: 9, ..at(3, 4, b"xxxxx") };
        assert!(joined.of(&longer).is_none() && joined.has(3));
        joined.add(&longer);
        assert!(!joined.has(0) && joined.has(1));
        assert_eq!(joined.newest().unwrap().id(), (3, 9));
        assert_eq!(joined.add(&at(3, 4, b"efgh")), Added::Whole(2));
        assert_eq!(joined.get(2).unwrap().body(), b"abcdefgh");
    }

    #[test]
    fn of_two_readings_the_one_that_can_be_read_is_taken() {
        for (first, second, right) in [(b"abXX", b"abcd", b"abcdefgh"), (b"abcd", b"abXX", b"abcdefgh")] {
            let mut joined = Joined::default();
            joined.add(&at(0, 0, first));
            joined.add(&at(0, 0, second));
            assert_eq!(joined.add(&at(0, 4, b"efgh")), Added::Whole(0));
            assert_eq!(joined.settle(0, |body| body == right), (true, true));
            assert_eq!(joined.get(0).unwrap().body(), right);
        }
    }

    #[test]
    fn what_was_cut_is_not_filled() {
        let mut joined = Joined::default();
        let cut = Fragment { whole: false, ..at(0, 0, b"abc") };
        assert_eq!(joined.add(&cut), Added::Part { first: true });
        assert_eq!(joined.add(&at(0, 0, b"abcXYZgh")), Added::Again);
        assert_eq!(joined.add(&at(0, 4, b"efgh")), Added::Again);
        let empty = Fragment { whole: false, ..at(1, 0, b"") };
        assert_eq!(joined.add(&empty), Added::Part { first: true });
    }

    #[test]
    fn whole_messages_know_their_bytes_again() {
        let mut joined = Joined::default();
        joined.add(&at(0, 0, b"abcdefgh"));
        let whole = joined.of(&at(0, 0, b"")).unwrap();
        assert!(whole.agrees(&at(0, 2, b"cd")) && !whole.agrees(&at(0, 2, b"dc")));
    }

    #[test]
    fn caps_hold() {
        let mut joined = Joined::default();
        let body = vec![7; MAX_BYTES];
        for offset in 0..9 {
            joined.add(&Fragment { kind: 1, len: 0x00ff_ffff, seq: 0, offset, body: &body, whole: true });
        }
        assert!(joined.held() <= MAX_BYTES);
    }
}
