//! The two sides of the handshake in CRYPTO frames: the client's hello, the server's answer.

use std::collections::VecDeque;

use crate::hello::client::{CLIENT_HELLO, Fields, MAX_MESSAGE};
use crate::hello::datagram::{Retry, Said};
use crate::hello::messages::{Message, Messages, Wanted};
use crate::hello::names;
use crate::hello::quic::chlo;
use crate::hello::quic::crypto::Crypto;
use crate::hello::quic::frames::{Frame, Frames};
use crate::hello::quic::step::{Place, Step};
use crate::hello::quic::version::{Dialect, Speech};
use crate::hello::record::{MESSAGE_HEADER, message_len};
use crate::hello::server::Answer;
use crate::model::hello::Alert;
use crate::model::skip::Skip;

/// First of the error codes that hold a TLS alert in their last byte (RFC 9001 §4.8).
const CRYPTO_ERROR: u64 = 0x100;

/// What the end of a connection says of TLS.
fn close(code: u64, dialect: Dialect) -> Step {
    match u8::try_from(code.wrapping_sub(CRYPTO_ERROR)) {
        Ok(code) if dialect == Dialect::Ietf => {
            Step::Alert(Alert { level: 2, code, name: names::alert(code) })
        }
        _ => Step::Closed,
    }
}

/// Length of the client's message that `bytes` begin with.
enum Measure {
    /// All of it is there.
    Whole(usize),
    More,
    Bad(Skip),
}

fn measure(bytes: &[u8], speech: Speech) -> Measure {
    if speech == Speech::Chlo {
        return match chlo::measure(bytes) {
            Some(len) if len <= bytes.len() => Measure::Whole(len),
            Some(len) if len > MAX_MESSAGE => Measure::Bad(Skip::HelloTooLarge),
            Some(_) => Measure::More,
            None => Measure::Bad(Skip::BadHello),
        };
    }
    if bytes.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Measure::Bad(Skip::BadHello);
    }
    let Some(header) = bytes.first_chunk::<MESSAGE_HEADER>() else { return Measure::More };
    let len = usize::try_from(message_len(*header)).unwrap_or(usize::MAX).saturating_add(MESSAGE_HEADER);
    match len {
        _ if len > MAX_MESSAGE => Measure::Bad(Skip::HelloTooLarge),
        _ if len <= bytes.len() => Measure::Whole(len),
        _ => Measure::More,
    }
}

/// The client's side.
#[derive(Debug, Default)]
pub(crate) struct Client {
    crypto: Crypto,
    /// A hello was read, or cannot be, and no other one is asked for.
    done: bool,
    /// Bytes of a hello that was said out of the stream, and can go.
    spent: usize,
}

impl Client {
    /// True once nothing more is expected.
    pub(crate) fn is_whole(&self) -> bool {
        self.done
    }

    /// The server asked for another hello: a step where the capture shows it first.
    pub(crate) fn expect_another(&mut self, speech: Speech) -> Option<Step> {
        let step = (!self.crypto.ready().is_empty()).then(|| self.stream(speech)).flatten();
        self.done = step.is_some();
        step
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.crypto.held()
    }

    /// Forgets what was said.
    pub(crate) fn settle(&mut self) {
        let spent = std::mem::take(&mut self.spent);
        if spent > 0 {
            self.crypto.consume(spent);
        }
    }

    /// Reads an opened packet.
    pub(crate) fn read(
        &mut self,
        payload: &[u8],
        dialect: Dialect,
        speech: Speech,
        queue: &mut VecDeque<Step>,
    ) -> Step {
        let (mut fresh, mut crypto, mut found) = (false, false, None);
        let mut frames = Frames::new(payload, dialect);
        while let Some(frame) = frames.next() {
            match frame {
                Frame::Close(code) => queue.push_back(close(code, dialect)),
                Frame::Crypto { bytes, .. } => {
                    crypto |= !bytes.is_empty();
                    if found.is_none() && !self.done {
                        found = self.at_once(&frame, frames.position(), speech);
                    }
                    fresh |= found.is_none() && self.crypto.keep(&frame);
                }
            }
        }
        if let Some(step) = found.or_else(|| if fresh && !self.done { self.stream(speech) } else { None }) {
            self.done = true;
            return step;
        }
        match (fresh, crypto) {
            (true, _) if !self.done => Step::Part(!self.crypto.ready().is_empty()),
            (false, true) => Step::Again,
            _ => Step::Nothing,
        }
    }

    /// A hello that is whole in one frame, which ends at `end`: it is read where it stands.
    fn at_once(&mut self, frame: &Frame<'_>, end: usize, speech: Speech) -> Option<Step> {
        let bytes = self.crypto.in_order(frame)?;
        match measure(bytes, speech) {
            Measure::Whole(len) => {
                let at = end.checked_sub(bytes.len())?;
                self.crypto.pass(bytes, len);
                Some(Step::Hello(Place::Packet(at..at + len), 1))
            }
            Measure::More => None,
            Measure::Bad(skip) => Some(Step::Passed(skip)),
        }
    }

    /// A hello that is whole by now in the stream.
    fn stream(&mut self, speech: Speech) -> Option<Step> {
        match measure(self.crypto.ready(), speech) {
            Measure::Whole(len) => Some(Step::Hello(Place::Stream(len), self.crypto.frames)),
            Measure::More => None,
            Measure::Bad(skip) => Some(Step::Passed(skip)),
        }
    }

    /// Puts a step into words.
    pub(crate) fn say<'a>(&'a mut self, step: Step, packet: &'a [u8]) -> Option<Said<'a>> {
        Some(match step {
            Step::NotMine => Said::NotMine,
            Step::Nothing => return None,
            Step::Part(first) => Said::Part { first },
            Step::Hello(place, frames) => {
                let message = match place {
                    Place::Packet(range) => packet.get(range),
                    Place::Stream(len) => {
                        self.spent = len;
                        self.crypto.ready().get(..len)
                    }
                };
                hello(message.unwrap_or_default(), frames)
            }
            Step::Again => Said::Again,
            Step::Passed(skip) => Said::Passed(skip),
            Step::Retry(retry) => Said::Retry(retry),
            Step::ServerHello(hello) => Said::ServerHello(hello),
            Step::Agreed => Said::Agreed,
            Step::Handshake(kind) => Said::Handshake(kind),
            Step::Alert(alert) => Said::Alert(alert),
            Step::Closed => Said::Closed,
            Step::Encrypted => Said::Encrypted,
            Step::Established => Said::Established,
        })
    }
}

/// A whole message of the client's.
fn hello(message: &[u8], frames: u16) -> Said<'_> {
    if let Some(sni) = chlo::named(message) {
        return Said::Foreign { sni, message };
    }
    let fields = message.get(MESSAGE_HEADER..).and_then(Fields::read);
    fields.map_or(Said::Passed(Skip::BadHello), |fields| {
        Said::ClientHello(fields.hello(message, message.len(), frames))
    })
}

/// The server's side.
#[derive(Debug, Default)]
pub(crate) struct Server {
    crypto: Crypto,
    messages: Messages,
    answered: bool,
    wants_hello: bool,
}

impl Server {
    /// A server of whose answer this is wanted.
    pub(crate) fn new(wanted: Wanted) -> Self {
        let mut server = Self::default();
        server.messages.want(wanted);
        server
    }

    /// True once the answer is known.
    pub(crate) fn is_answered(&self) -> bool {
        self.answered
    }

    /// The server encrypts: where its hello is not to be seen, that says that it agreed.
    pub(crate) fn encrypts(&mut self, speech: Speech, queue: &mut VecDeque<Step>) -> Step {
        if speech == Speech::Tls || std::mem::replace(&mut self.answered, true) {
            return Step::Encrypted;
        }
        queue.push_back(Step::Encrypted);
        Step::Agreed
    }

    /// True, once, if another hello was asked for.
    pub(crate) fn wants_hello(&mut self) -> bool {
        std::mem::take(&mut self.wants_hello)
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.crypto.held()
    }

    /// Reads an opened packet: the first thing said; the others are queued.
    pub(crate) fn read(
        &mut self,
        payload: &[u8],
        dialect: Dialect,
        speech: Speech,
        queue: &mut VecDeque<Step>,
    ) -> Step {
        let mut end = None;
        let queued = queue.len();
        for frame in Frames::new(payload, dialect) {
            match frame {
                Frame::Close(code) => end = Some(close(code, dialect)),
                Frame::Crypto { .. } => {
                    if let Some(bytes) = self.crypto.in_order(&frame) {
                        self.crypto.consume(bytes.len());
                        self.hear(bytes, speech, queue);
                    } else if self.crypto.keep(&frame) && !self.crypto.ready().is_empty() {
                        let bytes = self.crypto.ready().to_vec();
                        self.crypto.consume(bytes.len());
                        self.hear(&bytes, speech, queue);
                    }
                }
            }
        }
        queue.extend(end);
        if queue.len() > queued { queue.pop_front().unwrap_or(Step::Nothing) } else { Step::Nothing }
    }

    /// Reads bytes that are in order.
    fn hear(&mut self, mut bytes: &[u8], speech: Speech, queue: &mut VecDeque<Step>) {
        if speech == Speech::Chlo {
            let answer = chlo::answer(bytes);
            self.wants_hello |= answer == Some(chlo::Answer::Rejection);
            self.answered |= answer == Some(chlo::Answer::Hello);
            queue.extend(answer.map(|answer| match answer {
                chlo::Answer::Rejection => Step::Retry(Retry::Address),
                chlo::Answer::Hello => Step::Agreed,
            }));
            return;
        }
        while !bytes.is_empty() {
            let Some(message) = self.messages.feed(&mut bytes) else { continue };
            let step = match message {
                Message::Server(Answer::Hello(hello)) => {
                    self.answered = true;
                    Step::ServerHello(hello)
                }
                Message::Server(Answer::Retry) => {
                    self.wants_hello = true;
                    Step::Retry(Retry::Hello)
                }
                Message::Other(kind) => Step::Handshake(kind),
                Message::Client(_) | Message::Broken => return,
            };
            queue.push_back(step);
        }
    }
}
