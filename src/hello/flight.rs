//! What one side says in TLS records until it encrypts.
//!
//! A [`Flight`] is fed the contiguous bytes of one direction, cut anywhere: the server's from the
//! beginning, the client's from behind the record that ended its ClientHello. It keeps a few bytes, and
//! a hello only while that is partial; all other messages are passed over as they come.
//!
//! Rules: a handshake or heartbeat record behind a ChangeCipherSpec is encrypted, with two exceptions of
//! TLS 1.3's compatibility mode (RFC 8446 appendix D.4): a server's ChangeCipherSpec right behind its
//! HelloRetryRequest means nothing, and a client's may be followed by its second hello. An alert record
//! of two bytes is always in clear: no cipher adds nothing to it.

use std::mem;

use crate::hello::client::{CLIENT_HELLO, Fields, MAX_MESSAGE, MIN_BODY};
use crate::hello::names;
use crate::hello::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, HEARTBEAT, Header, MESSAGE_HEADER,
    message_len,
};
use crate::hello::server::{self, Answer, HELLO_RETRY_DRAFT, SERVER_HELLO};
use crate::model::hello::{Alert, ServerHello, Version};

/// One thing said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A whole ServerHello.
    ServerHello(ServerHello),
    /// A HelloRetryRequest.
    HelloRetry,
    /// A whole ClientHello: the answer to a HelloRetryRequest.
    ClientHello(Again),
    /// An alert in clear.
    Alert(Alert),
    /// A ChangeCipherSpec.
    ChangeCipherSpec,
    /// The header of another handshake message; its type (RFC 8446 appendix B.3).
    Handshake(u8),
    /// The header of an encrypted record: application data, or what else is behind a ChangeCipherSpec.
    Encrypted,
    /// Not TLS, or broken. Everything that follows is ignored.
    NotTls,
}

/// Facts of a ClientHello that was not the stream's first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The client random; after a HelloRetryRequest the same as the first time.
    pub random: [u8; 32],
    /// Highest version offered.
    pub offered: Version,
    /// ALPN `ProtocolNameList` body (length byte and name each); `None`: no such extension.
    pub alpn: Option<Box<[u8]>>,
    /// Handshake message length in bytes, with its four-byte header.
    pub bytes: u32,
    /// TLS records that carried it.
    pub records: u16,
    /// `encrypted_client_hello` is there.
    pub ech: bool,
}

/// Reader of one direction. Under 128 bytes, and on the heap only what is there of a partial hello:
/// at most 128 KiB of a ClientHello, 16 KiB of a ServerHello.
#[derive(Debug, Default)]
pub struct Flight {
    phase: Phase,
    /// What the record in progress is read as.
    body: Body,
    /// Its body's length.
    len: u16,
    /// Its body's bytes that have not come yet.
    left: u16,
    /// The record's header; then what must be seen at once of its body.
    small: Gather<6>,
    /// The header of the handshake message in progress, begun or whole.
    head: Gather<MESSAGE_HEADER>,
    /// Bytes of a message to pass over.
    skip: u32,
    /// What is there of a hello's body.
    partial: Vec<u8>,
    /// Records that the message in progress came in.
    records: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing is encrypted yet.
    #[default]
    Clear,
    /// In clear, and a ChangeCipherSpec does not change that: a HelloRetryRequest was said.
    Retry,
    /// Encrypted, as far as the content types go.
    Encrypted,
    /// Nothing is read any more.
    Over,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Body {
    /// Passed over.
    #[default]
    Skip,
    /// Handshake messages in clear.
    Handshake,
    /// An alert's two bytes.
    Alert,
    /// A ChangeCipherSpec's one byte.
    ChangeCipherSpec,
    /// A handshake record behind a ChangeCipherSpec: encrypted, or a second hello.
    Judge,
}

impl Flight {
    /// A flight whose first record is to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes off the front of `bytes` until something is said, or none are left.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Said> {
        while !bytes.is_empty() {
            if self.phase == Phase::Over {
                *bytes = &[];
                return None;
            }
            let said = if self.left == 0 { self.record(bytes) } else { self.body(bytes) };
            if said.is_some() {
                return said;
            }
        }
        None
    }

    /// Gathers a record's header, and decides how its body is read.
    fn record(&mut self, bytes: &mut &[u8]) -> Option<Said> {
        let header: [u8; HEADER] = self.small.fill(bytes)?;
        let Some(Header { kind, len }) = Header::read(header) else { return self.broken() };
        (self.len, self.left, self.body) = (len, len, Body::Skip);
        let encrypted = self.phase == Phase::Encrypted;
        match kind {
            CHANGE_CIPHER_SPEC if len == 1 => self.body = Body::ChangeCipherSpec,
            ALERT if len == 2 => self.body = Body::Alert,
            APPLICATION_DATA => {
                self.forget_message();
                self.phase = Phase::Encrypted;
                return Some(Said::Encrypted);
            }
            HANDSHAKE if !encrypted || self.head.is_begun() => {
                self.body = Body::Handshake;
                self.records = self.records.saturating_add(u16::from(self.head.is_begun()));
            }
            HANDSHAKE if len > 5 => self.body = Body::Judge,
            _ if encrypted => return Some(Said::Encrypted),
            HEARTBEAT => {}
            _ => return self.broken(),
        }
        None
    }

    /// Reads on in the body of the record in progress.
    fn body(&mut self, bytes: &mut &[u8]) -> Option<Said> {
        let here = bytes.len().min(usize::from(self.left));
        let (mut body, after) = bytes.split_at_checked(here)?;
        let said = match self.body {
            Body::Skip => {
                body = &[];
                None
            }
            Body::Handshake => self.handshake(&mut body),
            Body::Alert => self.small.fill(&mut body).and_then(|alert| self.alert(alert)),
            Body::ChangeCipherSpec => self.small.fill(&mut body).and_then(|[one]| self.change(one)),
            Body::Judge => self.small.fill(&mut body).and_then(|start| self.judge(start)),
        };
        let taken = here - body.len();
        self.left = self.left.saturating_sub(u16::try_from(taken).unwrap_or(u16::MAX));
        *bytes = bytes.get(taken..).unwrap_or(after);
        said
    }

    fn alert(&mut self, [level, code]: [u8; 2]) -> Option<Said> {
        match level {
            1 | 2 => Some(Said::Alert(Alert { level, code, name: names::alert(code) })),
            _ => self.broken(),
        }
    }

    fn change(&mut self, one: u8) -> Option<Said> {
        if one != 1 {
            return self.broken();
        }
        self.forget_message();
        if self.phase != Phase::Retry {
            self.phase = Phase::Encrypted;
        }
        Some(Said::ChangeCipherSpec)
    }

    /// Tells a second hello from an encrypted record by its type, two lengths that fit and its version:
    /// chance makes one of 2^28 encrypted records look so.
    fn judge(&mut self, [kind, high, mid, low, major, minor]: [u8; 6]) -> Option<Said> {
        let head = [kind, high, mid, low];
        let len = message_len(head);
        let in_record = u32::from(self.len).saturating_sub(HEAD_LEN);
        let fits = len >= in_record && len >= MIN_BODY && !too_large(kind, len);
        if kind != CLIENT_HELLO || !fits || major != 3 || minor > 4 {
            self.body = Body::Skip;
            return Some(Said::Encrypted);
        }
        self.body = Body::Handshake;
        self.records = 1;
        self.head.feed(MESSAGE_HEADER, &mut &head[..]);
        self.partial.extend_from_slice(&[major, minor]);
        None
    }

    /// Reads handshake messages: one step, at most to the end of `body`.
    fn handshake(&mut self, body: &mut &[u8]) -> Option<Said> {
        if self.skip > 0 {
            let len = usize::try_from(self.skip).map_or(body.len(), |skip| skip.min(body.len()));
            *body = body.get(len..).unwrap_or_default();
            self.skip -= u32::try_from(len).unwrap_or(self.skip);
            return None;
        }
        let Some(head) = self.head.whole() else {
            if !self.head.is_begun() {
                self.records = 1;
            }
            self.head.feed(MESSAGE_HEADER, body);
            return self.head.whole().and_then(|head| self.begin(head));
        };
        let len = usize::try_from(message_len(head)).ok()?;
        let lacks = len.saturating_sub(self.partial.len());
        if self.partial.is_empty() && body.len() >= lacks {
            let (message, rest) = body.split_at_checked(lacks)?;
            *body = rest;
            return self.finish(head, message);
        }
        let (piece, rest) = body.split_at_checked(lacks.min(body.len()))?;
        *body = rest;
        self.partial.extend_from_slice(piece);
        if piece.len() < lacks {
            return None;
        }
        let message = mem::take(&mut self.partial);
        self.finish(head, &message)
    }

    /// The header of a message is whole: to be read, passed over, or refused.
    fn begin(&mut self, head: [u8; MESSAGE_HEADER]) -> Option<Said> {
        let [kind, ..] = head;
        let len = message_len(head);
        match kind {
            CLIENT_HELLO | SERVER_HELLO if len == 0 || too_large(kind, len) => self.broken(),
            CLIENT_HELLO | SERVER_HELLO => None,
            _ => {
                self.head.clear();
                self.skip = len;
                if kind == HELLO_RETRY_DRAFT {
                    self.phase = Phase::Retry;
                    return Some(Said::HelloRetry);
                }
                Some(Said::Handshake(kind))
            }
        }
    }

    /// A hello is whole.
    fn finish(&mut self, head: [u8; MESSAGE_HEADER], message: &[u8]) -> Option<Said> {
        self.head.clear();
        let [kind, ..] = head;
        if kind == SERVER_HELLO {
            return self.answer(server::read(message));
        }
        match Fields::read(message) {
            Some(fields) => {
                self.phase = Phase::Clear;
                Some(Said::ClientHello(Again {
                    random: *fields.random,
                    offered: fields.offered,
                    alpn: fields.alpn.map(Into::into),
                    bytes: HEAD_LEN + message_len(head),
                    records: self.records,
                    ech: fields.ech,
                }))
            }
            None if self.phase == Phase::Encrypted => {
                self.body = Body::Skip;
                Some(Said::Encrypted)
            }
            None => self.broken(),
        }
    }

    fn answer(&mut self, answer: Option<Answer>) -> Option<Said> {
        match answer {
            Some(Answer::Hello(hello)) => {
                self.phase = Phase::Clear;
                Some(Said::ServerHello(hello))
            }
            Some(Answer::Retry) => {
                self.phase = Phase::Retry;
                Some(Said::HelloRetry)
            }
            None => self.broken(),
        }
    }

    fn forget_message(&mut self) {
        self.head.clear();
        self.skip = 0;
        self.partial = Vec::new();
    }

    #[expect(clippy::unnecessary_wraps, reason = "ends the functions that may say nothing")]
    fn broken(&mut self) -> Option<Said> {
        self.forget_message();
        self.phase = Phase::Over;
        Some(Said::NotTls)
    }
}

/// [`MESSAGE_HEADER`] in the type of message lengths.
const HEAD_LEN: u32 = 4;

fn too_large(kind: u8, len: u32) -> bool {
    let max = if kind == SERVER_HELLO { server::MAX_BODY as usize } else { MAX_MESSAGE - MESSAGE_HEADER };
    usize::try_from(len).map_or(true, |len| len > max)
}

/// Up to `N` bytes, gathered over calls.
#[derive(Debug)]
struct Gather<const N: usize> {
    bytes: [u8; N],
    have: u8,
}

impl<const N: usize> Default for Gather<N> {
    fn default() -> Self {
        Self { bytes: [0; N], have: 0 }
    }
}

impl<const N: usize> Gather<N> {
    /// Takes bytes off the front of `from` until there are `want`.
    fn feed(&mut self, want: usize, from: &mut &[u8]) {
        let free = self.bytes.iter_mut().take(want).skip(usize::from(self.have));
        for slot in free {
            let Some((byte, rest)) = from.split_first() else { return };
            *slot = *byte;
            *from = rest;
            self.have += 1;
        }
    }

    /// Feeds until there are `M` bytes, gives them, and starts anew.
    fn fill<const M: usize>(&mut self, from: &mut &[u8]) -> Option<[u8; M]> {
        self.feed(M, from);
        if usize::from(self.have) < M {
            return None;
        }
        self.clear();
        self.bytes.first_chunk().copied()
    }

    /// All `N` bytes, where they are there; they stay.
    fn whole(&self) -> Option<[u8; N]> {
        (usize::from(self.have) == N).then_some(self.bytes)
    }

    fn is_begun(&self) -> bool {
        self.have > 0
    }

    fn clear(&mut self) {
        self.have = 0;
    }
}

#[cfg(test)]
mod tests;
