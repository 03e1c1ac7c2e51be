//! What the two sides of a connection over UDP said, as far as a record tells it.

use std::sync::Arc;

use crate::flow::limits::SAME_PACKET;
use crate::flow::stream::Mark;
use crate::hello::datagram::{Retry, Said};
use crate::hello::fingerprint::fingerprints;
use crate::inspector::answer::resumed;
use crate::inspector::datagram::connection::Heard;
use crate::inspector::datagram::record::Cause;
use crate::inspector::seek::Tools;
use crate::model::certificate::Shown;
use crate::model::frame::Timestamp;
use crate::model::hello::{Alert, Hello, ServerHello, SessionId, Sni};
use crate::model::name::Name;
use crate::model::observation::{HelloBytes, HelloFacts};
use crate::model::segment::Segment;
use crate::model::stats::FlowStats;

/// Handshake types that a full handshake has and an abbreviated one has not: a certificate (RFC 8446 §4), and,
/// also where there is none, the end of the server's flight (RFC 5246 §7.4.5).
const FULL: [u8; 2] = [11, 14];
/// Level of an alert that ends the connection (RFC 5246 §7.2).
const FATAL: u8 = 2;

/// A hello and what followed.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// The client is who sent the datagram that opened the connection, or its peer.
    pub(super) client_is_back: bool,
    /// The hello, where it is TLS: the first, for which a server may ask once more without another meaning
    /// ([`Retry::Address`], [`Retry::Version`]), or the second after a HelloRetryRequest.
    pub(super) facts: Option<HelloFacts>,
    /// Its name; `None` until a hello is whole.
    pub(super) name: Option<Arc<Name>>,
    /// Packet that completed it.
    pub(super) told: Mark,
    session_id: SessionId,
    /// Its bytes where they are wanted.
    pub(super) bytes: Option<Box<HelloBytes>>,
    head: Option<Box<[u8]>>,
    /// Packet with the first hello's first byte.
    pub(super) first: Option<Mark>,
    /// Packet that completed the newest hello.
    pub(super) whole: Mark,
    /// Newest packet with a part of a hello.
    newest: Mark,
    /// Datagrams that carried parts of the newest hello.
    pub(super) datagrams: u16,
    /// Datagrams that repeated it.
    pub(super) retransmits: u32,
    /// A repetition that is counted.
    repeated: u64,
    /// The server asked for another hello, and it is not whole yet.
    retry: Option<Retry>,
    /// The server sent a HelloRetryRequest.
    pub(super) hello_retry: bool,
    /// When the server said that it does not speak the version of the newest hello.
    pub(super) refused: Option<Timestamp>,
    /// The ServerHello.
    pub(super) server: Option<ServerHello>,
    /// When the server agreed.
    pub(super) answered: Option<Timestamp>,
    /// The certificates that both sides showed.
    pub(super) shown: Shown,
    /// The session is a resumed one, as far as it is known.
    pub(super) resumed: Option<bool>,
    /// The alert that ended it.
    pub(super) alert: Option<Alert>,
    /// Client and server said what only follows on a server's answer.
    pub(super) went_on: (bool, bool),
    /// Client and server encrypt.
    pub(super) encrypted: (bool, bool),
    /// The snapshot length cut a datagram before the hello was whole.
    pub(super) truncated: bool,
}

/// Who speaks, and where.
pub(super) struct Say<'s> {
    /// The datagram.
    pub(super) segment: &'s Segment<'s>,
    /// True if it goes the way of the one that opened the connection.
    pub(super) forth: bool,
    /// JA4's letter for the protocol.
    pub(super) letter: char,
}

impl Say<'_> {
    fn mark(&self) -> Mark {
        Mark { time: self.segment.time, packet: self.segment.packet }
    }
}

impl Exchange {
    /// True once a hello is whole.
    pub(super) fn is_whole(&self) -> bool {
        self.name.is_some()
    }

    /// True once both sides encrypt, and the server's answer was seen.
    pub(super) fn is_established(&self) -> bool {
        self.answered.is_some() && self.encrypted == (true, true)
    }

    /// True if both are whole, and have the same client random.
    pub(super) fn is_same_hello(&self, other: &Self) -> bool {
        let random = |exchange: &Self| exchange.facts.as_ref().map(|facts| facts.random);
        random(self).is_some() && random(self) == random(other)
    }

    /// Goes on with what was said before the server asked for the same hello again.
    pub(super) fn take_over(&mut self, before: &mut Self) {
        (self.first, self.told) = (before.first, before.told);
        self.facts = before.facts.take();
        self.bytes = before.bytes.take();
        self.retransmits += before.retransmits;
    }

    /// Counts the hello.
    pub(super) fn add_to(&self, stats: &mut FlowStats) {
        match self.name.as_ref().and_then(|name| name.text()) {
            Some(_) => stats.with_sni += 1,
            None => stats.without_sni += 1,
        }
        stats.ech += u64::from(self.facts.as_ref().is_some_and(|facts| facts.ech));
    }

    /// Takes note of one thing said.
    pub(super) fn hear(&mut self, said: Said<'_>, say: &Say<'_>, tools: &mut Tools, heard: &mut Heard) {
        let from_client = say.forth != self.client_is_back;
        let mut over = |cause| heard.cause = heard.cause.or(Some(cause));
        match said {
            Said::Part { first } => self.part(first, say, tools),
            Said::ClientHello(hello) => {
                self.client_is_back = !say.forth;
                self.part(self.first.is_none(), say, tools);
                heard.hello |= self.client_hello(&hello, say, tools);
            }
            Said::Foreign { sni, message } => {
                self.part(self.first.is_none(), say, tools);
                heard.hello |= self.foreign(sni, message, say, tools);
            }
            Said::Passed(skip) => tools.skips.add(skip),
            Said::Again => self.again(say.mark(), from_client),
            Said::Retry(retry) => {
                self.retry = Some(retry);
                self.hello_retry |= retry == Retry::Hello;
                self.refused = (retry == Retry::Version).then_some(say.segment.time);
            }
            Said::ServerHello(hello) => {
                if self.server.is_none() {
                    self.resumed = resumed(&hello, &self.session_id);
                    self.server = Some(hello);
                }
                self.answered.get_or_insert(say.segment.time);
            }
            Said::Agreed => _ = self.answered.get_or_insert(say.segment.time),
            Said::Alert(alert) if alert.level == FATAL => {
                self.alert = Some(alert);
                over(Cause::Alert { by_client: from_client });
            }
            Said::Closed => over(Cause::Closed { by_client: from_client }),
            Said::Certificate(leaf) => {
                let certificate = Some(tools.certificates.get(leaf, &mut tools.skips));
                if from_client {
                    (self.shown.client, self.went_on.0) = (certificate, true);
                } else {
                    (self.shown.server, self.went_on.1) = (certificate, true);
                    self.resumed = self.resumed.or(Some(false));
                }
            }
            Said::Handshake(_) if from_client => self.went_on.0 = true,
            Said::Handshake(kind) => {
                self.went_on.1 = true;
                self.resumed = self.resumed.or(FULL.contains(&kind).then_some(false));
            }
            Said::NotMine | Said::Alert(_) => {}
            Said::Encrypted if from_client => (self.encrypted.0, self.went_on.0) = (true, true),
            Said::Encrypted => self.server_encrypts(),
            Said::Established => self.encrypted = (true, true),
        }
    }

    fn server_encrypts(&mut self) {
        (self.encrypted.1, self.went_on.1) = (true, true);
        // TLS 1.2 without a certificate: an abbreviated handshake
        let short = self.server.as_ref().is_some_and(|server| !server.version.is_13());
        self.resumed = self.resumed.or(short.then_some(true));
    }

    /// A datagram with a part of a hello.
    fn part(&mut self, first: bool, say: &Say<'_>, tools: &Tools) {
        let mark = say.mark();
        if self.name.is_some() && self.retry.take().is_some() {
            self.datagrams = 0;
        }
        if first {
            self.first.get_or_insert(mark);
        }
        if tools.keep_bytes && (first || self.head.is_none()) {
            self.head = Some(say.segment.head.into());
        }
        if self.datagrams == 0 || self.newest != mark {
            self.datagrams = self.datagrams.saturating_add(1);
        }
        self.newest = mark;
    }

    /// A whole ClientHello; true where it is to be told.
    fn client_hello(&mut self, hello: &Hello<'_>, say: &Say<'_>, tools: &mut Tools) -> bool {
        let name = tools.names.get(hello.sni);
        let index = u8::from(self.hello_retry);
        let before = self.facts.as_ref().filter(|_| self.name.as_ref() == Some(&name));
        let again = before.is_some_and(|before| before.index == index);
        if !again {
            let mut facts = HelloFacts::of(hello);
            facts.index = index;
            // a part of another hello may have come between
            facts.segments = self.datagrams.min(hello.records.max(1));
            facts.fingerprints = match before {
                // the first one's, as of a hello over TCP
                Some(before) => before.fingerprints.clone(),
                None if tools.fingerprints => Some(Box::new(fingerprints(hello, say.letter))),
                None => None,
            };
            self.facts = Some(facts);
            self.session_id = SessionId::new(hello.session_id);
            self.take(name, hello.message, say, tools);
        }
        self.is_whole_at(say.mark());
        !again
    }

    /// A whole hello that is not TLS; true where it is to be told.
    fn foreign(&mut self, sni: Sni<'_>, message: &[u8], say: &Say<'_>, tools: &mut Tools) -> bool {
        let name = tools.names.get(sni);
        let again = self.name.as_ref() == Some(&name);
        if !again {
            self.take(name, message, say, tools);
        }
        self.is_whole_at(say.mark());
        !again
    }

    /// Takes a hello for the one to tell.
    fn take(&mut self, name: Arc<Name>, message: &[u8], say: &Say<'_>, tools: &Tools) {
        self.name = Some(name);
        self.told = say.mark();
        if tools.keep_bytes {
            let head = self.head.take().unwrap_or_default();
            self.bytes = Some(Box::new(HelloBytes { head, records: message.into() }));
        }
    }

    fn is_whole_at(&mut self, mark: Mark) {
        self.whole = mark;
        self.truncated = false;
        self.refused = None;
        self.retry = None;
    }

    /// A datagram that repeats the hello; one that was captured twice is none.
    fn again(&mut self, mark: Mark, from_client: bool) {
        let late = mark.time.since(self.newest.time) >= SAME_PACKET;
        if from_client && self.answered.is_none() && late && self.repeated != mark.packet {
            self.retransmits = self.retransmits.saturating_add(1);
            self.repeated = mark.packet;
        }
    }
}
