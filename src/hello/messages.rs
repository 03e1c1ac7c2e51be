//! Handshake messages in clear, cut anywhere: hellos are read whole, of certificates the leaf where it is
//! wanted; all others are passed over.

use std::mem;

use crate::hello::certificate::{self, CERTIFICATE, Found, Leaf};
use crate::hello::client::{self, Again, CLIENT_HELLO, Fields};
use crate::hello::fingerprint;
use crate::hello::gather::Gather;
use crate::hello::record::{MESSAGE_HEADER, message_len};
use crate::hello::server::{self, Answer, SERVER_HELLO};

/// What came out of the bytes.
#[derive(Debug)]
pub(crate) enum Message {
    /// A whole ClientHello.
    Client(Again),
    /// A whole ServerHello or HelloRetryRequest.
    Server(Answer),
    /// The header of another message; its type.
    Other(u8),
    /// A hello that is too large or malformed.
    Broken,
}

/// What is wanted besides the hellos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The leaf of the side's certificates.
    pub certificate: bool,
    /// JA3S of a ServerHello.
    pub fingerprint: bool,
}

/// One side's messages, one after another.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    wanted: Wanted,
    /// What the first certificate message showed, where it is wanted.
    leaf: Option<Leaf>,
    /// The header of the message in progress, begun or whole; empty while bytes are passed over.
    head: Gather<MESSAGE_HEADER>,
    /// Bytes to pass over.
    skip: u32,
    /// What is there of the body of a hello, or of a certificate message up to the leaf's end.
    partial: Vec<u8>,
    /// Records that the message in progress came in.
    records: u16,
}

impl Messages {
    /// Wants this too of the messages to come.
    pub(crate) fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    /// What the first certificate message showed.
    pub(crate) fn take_leaf(&mut self) -> Option<Leaf> {
        self.leaf.take()
    }

    /// Bytes on the heap.
    pub(crate) fn held(&self) -> usize {
        self.partial.len() + self.leaf.as_ref().map_or(0, Leaf::held)
    }

    /// Takes bytes off the front of `body`: one step, at most to its end.
    pub(crate) fn feed(&mut self, body: &mut &[u8]) -> Option<Message> {
        if self.skip > 0 {
            self.pass(body);
            None
        } else if let Some(head) = self.head.whole() {
            self.collect(head, body)
        } else {
            if !self.head.is_begun() {
                self.records = 1;
            }
            self.head.feed(MESSAGE_HEADER, body);
            self.head.whole().and_then(|head| self.begin(head))
        }
    }

    /// True while a message's header, or a hello, is partial.
    pub(crate) fn is_begun(&self) -> bool {
        self.head.is_begun()
    }

    /// Another record begins.
    pub(crate) fn count_record(&mut self) {
        self.records = self.records.saturating_add(1);
    }

    /// Drops the message in progress.
    pub(crate) fn forget(&mut self) {
        *self = Self { wanted: self.wanted, leaf: self.leaf.take(), ..Self::default() };
    }

    fn pass(&mut self, body: &mut &[u8]) {
        let len = usize::try_from(self.skip).map_or(body.len(), |skip| skip.min(body.len()));
        *body = body.get(len..).unwrap_or_default();
        self.skip -= u32::try_from(len).unwrap_or(self.skip);
    }

    /// A header is whole: its message is to be read, passed over, or refused.
    fn begin(&mut self, head: [u8; MESSAGE_HEADER]) -> Option<Message> {
        let [kind, ..] = head;
        let len = message_len(head);
        let max = match kind {
            CLIENT_HELLO => client::MAX_BODY,
            SERVER_HELLO => server::MAX_BODY,
            // begun as any other message; its body comes next
            CERTIFICATE if self.wanted.certificate && self.leaf.is_none() => {
                return Some(Message::Other(kind));
            }
            _ => {
                self.head.clear();
                self.skip = len;
                return Some(Message::Other(kind));
            }
        };
        if len == 0 || len > max { Some(self.broken()) } else { None }
    }

    /// Adds to a hello; copies nothing where all of it is in `body`.
    fn collect(&mut self, head: [u8; MESSAGE_HEADER], body: &mut &[u8]) -> Option<Message> {
        let len = usize::try_from(message_len(head)).ok()?;
        let [kind, ..] = head;
        if kind == CERTIFICATE {
            self.certificate(len, body);
            return None;
        }
        let lacks = len.saturating_sub(self.partial.len());
        let (piece, rest) = body.split_at_checked(lacks.min(body.len()))?;
        *body = rest;
        if piece.len() == lacks && self.partial.is_empty() {
            return Some(self.finish(head, piece));
        }
        self.partial.extend_from_slice(piece);
        if piece.len() < lacks {
            return None;
        }
        let message = mem::take(&mut self.partial);
        Some(self.finish(head, &message))
    }

    /// Adds to a certificate message until its leaf is there; copies nothing else where that is in `body`.
    fn certificate(&mut self, len: usize, body: &mut &[u8]) {
        let leaf = loop {
            let here = if self.partial.is_empty() { *body } else { &self.partial };
            match certificate::find(here, len) {
                Found::Need(need) => {
                    let lacks = need.saturating_sub(self.partial.len());
                    let Some((piece, rest)) = body.split_at_checked(lacks.min(body.len())) else { return };
                    self.partial.extend_from_slice(piece);
                    *body = rest;
                    if piece.len() < lacks {
                        return;
                    }
                }
                Found::Der(der) => break Leaf::Der(der.into()),
                Found::Empty => break Leaf::Empty,
                Found::Broken => break Leaf::Broken,
            }
        };
        self.leaf = Some(leaf);
        self.head.clear();
        let read = mem::take(&mut self.partial).len();
        self.skip = u32::try_from(len.saturating_sub(read)).unwrap_or(u32::MAX);
    }

    fn finish(&mut self, head: [u8; MESSAGE_HEADER], body: &[u8]) -> Message {
        self.head.clear();
        let [kind, ..] = head;
        let mut message = if kind == SERVER_HELLO {
            server::read(body).map(Message::Server)
        } else {
            Fields::read(body).map(|fields| Message::Client(fields.again(body, self.records)))
        };
        if self.wanted.fingerprint
            && let Some(Message::Server(Answer::Hello(hello))) = &mut message
        {
            hello.ja3s = fingerprint::ja3s(body).map(Into::into);
        }
        message.unwrap_or_else(|| self.broken())
    }

    fn broken(&mut self) -> Message {
        self.forget();
        Message::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::testing::{Builder, message, server_hello};

    fn feed_all(messages: &mut Messages, mut bytes: &[u8]) -> Vec<Message> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            all.extend(messages.feed(&mut bytes));
        }
        all
    }

    #[test]
    fn only_a_partial_hello_is_on_the_heap() {
        let mut messages = Messages::default();
        let certificate = message(11, &[9; 9000]);
        let hello = message(2, &server_hello(&[1; 32], 5, &[]));
        assert!(matches!(feed_all(&mut messages, &certificate[..5000])[..], [Message::Other(11)]));
        assert!(feed_all(&mut messages, &certificate[5000..]).is_empty());
        assert_eq!(messages.partial.capacity(), 0);
        assert!(feed_all(&mut messages, &hello[..31]).is_empty());
        assert_eq!(messages.partial.len(), 27);
        assert!(matches!(feed_all(&mut messages, &hello[31..])[..], [Message::Server(_)]));
        assert_eq!(messages.partial.capacity(), 0);
        assert!(matches!(feed_all(&mut messages, &hello)[..], [Message::Server(_)]));
        assert_eq!(messages.partial.capacity(), 0);
    }

    /// A certificate message with these certificates.
    fn certificates(list: &[&[u8]]) -> Vec<u8> {
        let vec24 = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_be_bytes()[1..], body].concat();
        message(11, &vec24(&list.iter().flat_map(|der| vec24(der)).collect::<Vec<_>>()))
    }

    fn wanting(certificate: bool, fingerprint: bool) -> Messages {
        let mut messages = Messages::default();
        messages.want(Wanted { certificate, fingerprint });
        messages
    }

    #[test]
    fn a_leaf_is_kept_and_its_chain_passed_over_however_it_is_cut() {
        let bytes = [certificates(&[&[7; 900], &[8; 5000]]), message(14, &[])].concat();
        for at in 0..bytes.len() {
            let mut messages = wanting(true, false);
            let (front, back) = bytes.split_at(at);
            let mut all = feed_all(&mut messages, front);
            assert!(messages.held() <= 6 + 900);
            all.extend(feed_all(&mut messages, back));
            assert!(matches!(&all[..], [Message::Other(11), Message::Other(14)]), "cut at {at}: {all:?}");
            assert_eq!((messages.held(), messages.partial.capacity()), (900, 0));
            messages.forget();
            assert_eq!(messages.take_leaf(), Some(Leaf::Der([7; 900].into())));
            assert_eq!(messages.held(), 0);
        }
    }

    #[test]
    fn the_first_certificate_message_counts() {
        let mut messages = wanting(true, false);
        feed_all(&mut messages, &[certificates(&[&[7]]), certificates(&[&[8]])].concat());
        assert_eq!(messages.take_leaf(), Some(Leaf::Der([7].into())));
    }

    #[test]
    fn empty_broken_and_oversized_certificates_do_not_disturb_what_follows() {
        let [empty, broken] = [certificates(&[]), message(11, &[0, 0, 9, 0, 0, 9, 1])];
        let huge = certificates(&[&vec![1; certificate::MAX_LEAF + 1]]);
        for (bytes, leaf) in [
            (empty, Leaf::Empty),
            (broken, Leaf::Broken),
            (message(11, &[]), Leaf::Broken),
            (message(11, &[1]), Leaf::Broken),
            (huge, Leaf::Broken),
        ] {
            let mut messages = wanting(true, false);
            for pieces in [vec![&bytes[..]], bytes.chunks(1).collect()] {
                let mut all: Vec<Message> = Vec::new();
                for piece in pieces {
                    all.extend(feed_all(&mut messages, piece));
                    assert!(messages.held() <= 6);
                }
                all.extend(feed_all(&mut messages, &message(14, &[])));
                assert!(matches!(&all[..], [Message::Other(11), Message::Other(14)]), "{all:?}");
                assert_eq!(messages.take_leaf().as_ref(), Some(&leaf));
            }
        }
    }

    #[test]
    fn fingerprints_and_certificates_come_where_they_are_wanted() {
        let hello = message(2, &server_hello(&[1; 32], 5, &[]));
        let ja3s = |messages: &mut Messages| match &feed_all(messages, &hello)[..] {
            [Message::Server(Answer::Hello(hello))] => hello.ja3s.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(ja3s(&mut wanting(true, false)), None);
        let mut messages = wanting(false, true);
        messages.forget();
        assert!(ja3s(&mut messages).is_some());
        assert_eq!(feed_all(&mut messages, &certificates(&[&[7]])).len(), 1);
    }

    #[test]
    fn a_stated_length_reserves_nothing() {
        let mut messages = Messages::default();
        assert!(feed_all(&mut messages, &[1, 1, 0xff, 0, 3, 3]).is_empty());
        assert!(messages.partial.capacity() < 64);
    }

    #[test]
    fn records_are_counted_per_message() {
        let mut messages = Messages::default();
        let hello = Builder::new().message();
        for expected in [2, 2] {
            feed_all(&mut messages, &hello[..2]);
            messages.count_record();
            let all = feed_all(&mut messages, &hello[2..]);
            assert!(matches!(&all[..], [Message::Client(again)] if again.records == expected));
        }
    }

    #[test]
    fn broken_hellos_leave_nothing_behind() {
        for bad in [message(2, &[]), message(2, &[3, 3, 0]), vec![2, 0, 0x40, 1], vec![1, 2, 0, 0]] {
            let mut messages = Messages::default();
            assert!(matches!(feed_all(&mut messages, &bad)[..], [Message::Broken]), "{bad:?}");
            assert!(!messages.is_begun());
        }
    }
}
