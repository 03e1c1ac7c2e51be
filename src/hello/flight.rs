//! What one side says in TLS records until it encrypts.
//!
//! A [`Flight`] is fed the contiguous bytes of one direction, cut anywhere: the server's from the
//! beginning, the client's from behind the record that ended its ClientHello. It keeps a few bytes, and
//! a hello or a certificate only while that is partial; all other messages are passed over as they come.
//!
//! Rules: records behind a `ChangeCipherSpec` are encrypted, with two exceptions of TLS 1.3's
//! compatibility mode (RFC 8446 appendix D.4): a server's `ChangeCipherSpec` right behind its
//! HelloRetryRequest means nothing, and a client's may be followed by its second hello. An alert record
//! of two bytes is always in clear: every cipher adds something.

use crate::hello::certificate::Leaf;
use crate::hello::client::{Again, CLIENT_HELLO, MAX_BODY, MIN_BODY};
use crate::hello::gather::Gather;
pub use crate::hello::messages::Wanted;
use crate::hello::messages::{Message, Messages};
use crate::hello::names;
use crate::hello::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, HEARTBEAT, Header, message_len,
};
use crate::hello::server::{Answer, HELLO_RETRY_DRAFT};
use crate::model::hello::{Alert, ServerHello};

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
    /// A `ChangeCipherSpec`.
    ChangeCipherSpec,
    /// The header of another handshake message; its type (RFC 8446 appendix B.3).
    Handshake(u8),
    /// The header of an encrypted record: application data, or what else is behind a `ChangeCipherSpec`.
    Encrypted,
    /// Not TLS, or broken. Everything that follows is ignored.
    NotTls,
}

/// Reader of one direction. Under 128 bytes, and on the heap only what is there of a partial message:
/// at most 128 KiB of a ClientHello, 16 KiB of a ServerHello, 64 KiB of a certificate.
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
    messages: Messages,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nothing is encrypted yet.
    #[default]
    Clear,
    /// In clear, and a `ChangeCipherSpec` does not change that: a HelloRetryRequest was said.
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
    /// A `ChangeCipherSpec`'s one byte.
    ChangeCipherSpec,
    /// A handshake record behind a `ChangeCipherSpec`: encrypted, or a second hello.
    Judge,
}

impl Flight {
    /// A flight whose first record is to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing that follows is to be read: the side encrypts, and what it says is known to nobody else.
    pub fn close(&mut self) {
        self.messages.forget();
        self.phase = Phase::Over;
    }

    /// Wants this too of what is to come.
    pub fn want(&mut self, wanted: Wanted) {
        self.messages.want(wanted);
    }

    /// What the side's first certificate message in clear showed, where it was wanted.
    pub fn take_leaf(&mut self) -> Option<Leaf> {
        self.messages.take_leaf()
    }

    /// Bytes on the heap.
    pub fn held(&self) -> usize {
        self.messages.held()
    }

    /// Takes bytes off the front of `bytes` until something is said, or none are left.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Said> {
        if self.phase == Phase::Over {
            *bytes = &[];
        }
        while !bytes.is_empty() {
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
                self.messages.forget();
                self.phase = Phase::Encrypted;
                return Some(Said::Encrypted);
            }
            HANDSHAKE if !encrypted || self.messages.is_begun() => {
                self.body = Body::Handshake;
                self.messages.count_record();
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
        self.messages.forget();
        if self.phase != Phase::Retry {
            self.phase = Phase::Encrypted;
        }
        Some(Said::ChangeCipherSpec)
    }

    /// Tells a second hello from an encrypted record by its type, two lengths that fit and its version:
    /// chance makes one of 2^28 encrypted records look so.
    fn judge(&mut self, start: [u8; 6]) -> Option<Said> {
        let [kind, high, mid, low, major, minor] = start;
        let len = message_len([kind, high, mid, low]);
        let fits = len + 4 >= u32::from(self.len) && (MIN_BODY..=MAX_BODY).contains(&len);
        if kind != CLIENT_HELLO || !fits || major != 3 || minor > 4 {
            self.body = Body::Skip;
            return Some(Said::Encrypted);
        }
        self.body = Body::Handshake;
        self.messages.feed(&mut &start[..]);
        self.messages.feed(&mut &[major, minor][..]);
        None
    }

    /// Reads handshake messages: one step, at most to the end of `body`.
    fn handshake(&mut self, body: &mut &[u8]) -> Option<Said> {
        match self.messages.feed(body)? {
            Message::Server(Answer::Hello(hello)) => {
                self.phase = Phase::Clear;
                Some(Said::ServerHello(hello))
            }
            Message::Server(Answer::Retry) | Message::Other(HELLO_RETRY_DRAFT) => {
                self.phase = Phase::Retry;
                Some(Said::HelloRetry)
            }
            Message::Client(again) => {
                self.phase = Phase::Clear;
                Some(Said::ClientHello(again))
            }
            Message::Other(kind) => Some(Said::Handshake(kind)),
            Message::Broken if self.phase == Phase::Encrypted => {
                self.body = Body::Skip;
                Some(Said::Encrypted)
            }
            Message::Broken => self.broken(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "ends the functions that may say nothing")]
    fn broken(&mut self) -> Option<Said> {
        self.close();
        Some(Said::NotTls)
    }
}

#[cfg(test)]
mod tests;
