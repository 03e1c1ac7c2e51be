//! Reads one DTLS connection: the hellos of its client, and what its server says in clear.
//!
//! The client is who sent the datagram that opened the connection. A hello belongs to it by its random; a part
//! without one by number, length and bytes. Whatever else is DTLS belongs to it unless only the other side can
//! say it, so that of two connections with the same ports and opposite directions each gets its own.

use crate::hello::certificate::{CERTIFICATE, Leaf};
use crate::hello::client::{CLIENT_HELLO, Fields};
use crate::hello::datagram::{Datagram, DatagramReader, Retry, Said};
use crate::hello::dtls::fragment::{self, Fragment};
use crate::hello::dtls::joined::{Added, Joined};
use crate::hello::dtls::record::{HEADER, Kind, Record};
use crate::hello::dtls::{tag, wrapped};
use crate::hello::fingerprint;
use crate::hello::messages::Wanted;
use crate::hello::names;
use crate::hello::record::{ALERT, HANDSHAKE};
use crate::hello::server::{self, Answer, SERVER_HELLO};
use crate::model::hello::{Alert, Version};
use crate::model::skip::Skip;

/// Handshake type of a `HelloVerifyRequest` (RFC 6347 §4.3.2).
const HELLO_VERIFY: u8 = 3;
/// Handshake types that only a server sends in clear: both hellos, key exchange, certificate request, done,
/// certificate status.
const SERVER_ONLY: [u8; 6] = [SERVER_HELLO, HELLO_VERIFY, 12, 13, 14, 22];
/// Handshake types that only a client sends in clear: hello, certificate verify, key exchange.
const CLIENT_ONLY: [u8; 3] = [CLIENT_HELLO, 15, 16];
/// Longest certificate message that is joined, in bytes.
const MAX_CHAIN: u32 = 128 * 1024;
/// Description of an alert that ends a connection in good order (RFC 5246 §7.2.1).
const CLOSE_NOTIFY: u8 = 0;

/// The state of one connection. What it holds is bounded by [`Joined`].
#[derive(Debug, Default)]
pub(super) struct DtlsReader {
    /// Where in a datagram it is; `None` between two.
    here: Option<Here>,
    hellos: Joined,
    answers: Joined,
    wanted: Wanted,
    client: Chain,
    server: Chain,
    /// The server asked for another hello, which is not whole yet.
    retry: bool,
    /// The version that the server chose.
    chosen: Option<Version>,
    /// Two fragments of a hello disagree.
    conflict: bool,
}

/// The certificates of one side.
#[derive(Debug, Default)]
struct Chain {
    joined: Joined,
    /// They were told.
    told: bool,
}

/// A place in a datagram.
#[derive(Clone, Copy, Debug, Default)]
struct Here {
    /// Bytes of a handshake record's body that are ahead.
    left: usize,
    /// All of that body was captured.
    whole: bool,
}

/// What a piece of a datagram led to.
enum Step {
    /// Nothing to say.
    Nothing,
    /// A hello is whole; its index.
    Hello(usize),
    Say(Said<'static>),
}

impl DatagramReader for DtlsReader {
    fn next<'a, 'd: 'a>(
        &'a mut self,
        datagram: &mut Datagram<'d>,
        _scratch: &'a mut Vec<u8>,
    ) -> Option<Said<'a>> {
        if self.here.is_none() {
            let inner = wrapped::peel(datagram.bytes);
            if !self.owns(inner, datagram) {
                return Some(Said::NotMine);
            }
            (datagram.bytes, self.here) = (inner, Some(Here::default()));
        }
        while let Some(step) = self.step(datagram) {
            match step {
                Step::Nothing => {}
                Step::Say(said) => return Some(said),
                Step::Hello(index) => return self.client_hello(index),
            }
        }
        self.here = None;
        None
    }

    fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    fn held(&self) -> usize {
        let chains = self.client.joined.held() + self.server.joined.held();
        self.hellos.held() + self.answers.held() + chains
    }

    fn tag(&self) -> u32 {
        self.hellos.newest().map_or(0, |hello| tag::of(hello.random(), hello.id()))
    }

    fn conflict(&self) -> bool {
        self.conflict
    }
}

impl DtlsReader {
    /// True if a datagram is of this connection.
    fn owns(&self, bytes: &[u8], datagram: &Datagram<'_>) -> bool {
        if let Some(hello) = fragment::of_a_hello(bytes, datagram.missing) {
            return datagram.forth && self.owns_hello(&hello);
        }
        let Some((record, _)) = Record::read(bytes, datagram.missing) else { return false };
        match record.kind {
            Kind::Unified { .. } => self.chosen.is_none_or(Version::is_13),
            Kind::Clear(HANDSHAKE) => {
                let others = if datagram.forth { &SERVER_ONLY[..] } else { &CLIENT_ONLY };
                record.body.first().is_none_or(|kind| !others.contains(kind))
            }
            Kind::Clear(_) | Kind::Sealed => true,
        }
    }

    /// True if a fragment of a hello is of this connection.
    fn owns_hello(&self, fragment: &Fragment<'_>) -> bool {
        let mut mine = self.hellos.randoms().peekable();
        if let (Some(random), true) = (fragment.random(), mine.peek().is_some()) {
            // some clients answer a request for a cookie with another random
            return mine.any(|known| known == random) || (fragment.seq > 0 && self.retry);
        }
        match self.hellos.of(fragment) {
            Some(message) => message.agrees(fragment),
            None => !self.hellos.has(fragment.seq),
        }
    }

    /// Reads on by one record, or by one handshake message of it; `None` at the end.
    fn step(&mut self, datagram: &mut Datagram<'_>) -> Option<Step> {
        let here = self.here.unwrap_or_default();
        if here.left > 0 {
            return Some(self.message(here, datagram));
        }
        let (record, rest) = Record::read(datagram.bytes, datagram.missing)?;
        if record.kind == Kind::Clear(HANDSHAKE) {
            datagram.bytes = datagram.bytes.get(HEADER..).unwrap_or_default();
            self.here = Some(Here { left: record.body.len(), whole: record.whole });
            return Some(Step::Nothing);
        }
        datagram.bytes = rest;
        Some(match record.kind {
            Kind::Clear(ALERT) => match record.body {
                [_, CLOSE_NOTIFY] => Step::Say(Said::Closed),
                [level @ 1..=2, code] => {
                    let (level, code) = (*level, *code);
                    Step::Say(Said::Alert(Alert { level, code, name: names::alert(code) }))
                }
                _ => Step::Nothing,
            },
            Kind::Sealed | Kind::Unified { early: false } => Step::Say(Said::Encrypted),
            Kind::Clear(_) | Kind::Unified { early: true } => Step::Nothing,
        })
    }

    /// Takes a handshake message, or a fragment of one, off the front of a datagram.
    fn message(&mut self, here: Here, datagram: &mut Datagram<'_>) -> Step {
        let (mut body, rest) = datagram.bytes.split_at_checked(here.left).unwrap_or_default();
        let Some(fragment) = Fragment::take(&mut body, here.whole) else {
            (datagram.bytes, self.here) = (rest, Some(Here::default()));
            return Step::Nothing;
        };
        if datagram.forth && !self.retry && self.is_another_hello(&fragment) {
            // nobody captured the server's wish, but the client heard it
            return self.ask_again();
        }
        datagram.bytes = datagram.bytes.get(here.left - body.len()..).unwrap_or_default();
        self.here = Some(Here { left: body.len(), ..here });
        match (datagram.forth, fragment.kind) {
            (true, CLIENT_HELLO) => self.hello(&fragment),
            (false, SERVER_HELLO) => self.answer(&fragment),
            (false, HELLO_VERIFY) => self.ask_again(),
            (true, kind) if SERVER_ONLY.contains(&kind) => Step::Nothing,
            (false, kind) if CLIENT_ONLY.contains(&kind) => Step::Nothing,
            (_, CERTIFICATE) if self.wanted.certificate => self.certificate(&fragment, datagram.forth),
            (_, kind) => Step::Say(Said::Handshake(kind)),
        }
    }

    /// True for a fragment of a hello that comes after a whole one.
    fn is_another_hello(&self, fragment: &Fragment<'_>) -> bool {
        fragment.is_of_a_hello()
            && self.owns_hello(fragment)
            && self.hellos.newest_whole().is_some_and(|seq| fragment.seq > seq)
    }

    fn ask_again(&mut self) -> Step {
        if std::mem::replace(&mut self.retry, true) {
            return Step::Nothing;
        }
        Step::Say(Said::Retry(Retry::Hello))
    }

    fn hello(&mut self, fragment: &Fragment<'_>) -> Step {
        let empty = fragment.body.is_empty() && fragment.whole;
        if empty || !fragment.is_of_a_hello() || !self.owns_hello(fragment) {
            return Step::Nothing;
        }
        let index = match self.hellos.add(fragment) {
            Added::Again => return Step::Say(Said::Again),
            Added::Part { first } => return Step::Say(Said::Part { first }),
            Added::Whole(index) => index,
        };
        let (fine, conflict) = self.hellos.settle(index, |body| Fields::read_dtls(body).is_some());
        if !fine {
            self.hellos.forget(index);
            return Step::Say(Said::Passed(Skip::BadHello));
        }
        self.conflict |= conflict;
        self.retry = false;
        Step::Hello(index)
    }

    fn client_hello(&self, index: usize) -> Option<Said<'_>> {
        let message = self.hellos.get(index)?;
        let (fragments, wire_len) = message.carried();
        let fields = Fields::read_dtls(message.body())?;
        Some(Said::ClientHello(fields.hello(message.bytes(), wire_len, fragments)))
    }

    /// A fragment of a certificate message. Since DTLS 1.3 they are encrypted: one in clear is none.
    fn certificate(&mut self, fragment: &Fragment<'_>, forth: bool) -> Step {
        let chain = if forth { &mut self.client } else { &mut self.server };
        let pointless = chain.told || fragment.len > MAX_CHAIN || self.chosen.is_some_and(Version::is_13);
        if !pointless && let Added::Whole(index) = chain.joined.add(fragment) {
            chain.joined.settle(index, |body| matches!(Leaf::read(body), Leaf::Der(_) | Leaf::Empty));
            let leaf = chain.joined.get(index).map_or(Leaf::Broken, |message| Leaf::read(message.body()));
            *chain = Chain { joined: Joined::default(), told: true };
            return Step::Say(Said::Certificate(leaf));
        }
        Step::Say(Said::Handshake(CERTIFICATE))
    }

    /// A fragment of a ServerHello. One that never is whole still shows that the server answered.
    fn answer(&mut self, fragment: &Fragment<'_>) -> Step {
        if self.chosen.is_some() {
            return Step::Nothing;
        }
        if fragment.len > server::MAX_BODY {
            return Step::Say(Said::Handshake(SERVER_HELLO));
        }
        let index = match self.answers.add(fragment) {
            Added::Again => return Step::Nothing,
            Added::Part { .. } => return Step::Say(Said::Handshake(SERVER_HELLO)),
            Added::Whole(index) => index,
        };
        self.answers.settle(index, |body| server::read_dtls(body).is_some());
        match self.answers.get(index).and_then(|message| server::read_dtls(message.body())) {
            Some(Answer::Hello(mut hello)) => {
                let body = self.answers.get(index).filter(|_| self.wanted.fingerprint);
                hello.ja3s = body.and_then(|message| fingerprint::ja3s(message.body())).map(Into::into);
                self.chosen = Some(hello.version);
                Step::Say(Said::ServerHello(hello))
            }
            Some(Answer::Retry) => self.ask_again(),
            None => {
                self.answers.forget(index);
                Step::Say(Said::Handshake(SERVER_HELLO))
            }
        }
    }
}

#[cfg(test)]
mod tests;
