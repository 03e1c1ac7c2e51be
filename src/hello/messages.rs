//! Handshake messages in clear, cut anywhere: hellos are read whole, all others passed over.

use std::mem;

use crate::hello::client::{self, Again, CLIENT_HELLO, Fields};
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

/// One side's messages, one after another.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// The header of the message in progress, begun or whole; empty while bytes are passed over.
    head: Gather<MESSAGE_HEADER>,
    /// Bytes to pass over.
    skip: u32,
    /// What is there of a hello's body.
    partial: Vec<u8>,
    /// Records that the message in progress came in.
    records: u16,
}

impl Messages {
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
        *self = Self::default();
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

    fn finish(&mut self, head: [u8; MESSAGE_HEADER], body: &[u8]) -> Message {
        self.head.clear();
        let [kind, ..] = head;
        let message = if kind == SERVER_HELLO {
            server::read(body).map(Message::Server)
        } else {
            Fields::read(body).map(|fields| Message::Client(fields.again(message_len(head), self.records)))
        };
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
