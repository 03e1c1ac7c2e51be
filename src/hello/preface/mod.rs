//! What may stand ahead of TLS in a connection: a dialogue that asks for it, or a word to a proxy.
//!
//! [`PREFACES`] is the table. A [`Dialogue`] is fed the client's bytes from the beginning of the connection
//! and says where the hello may begin: right behind a unit that asks for TLS, nowhere else. Bytes that look
//! like a hello in a mail, a page or a file are never taken for one. A proxy's row may be followed by another
//! row, as many as [`MAX_ROWS`] in all.

mod databases;
mod http;
mod lines;
mod proxy;
pub mod row;
mod short;
mod socks;
#[cfg(test)]
mod tests;
mod xmpp;

use crate::hello::preface::row::{Memory, Named, Preface, Step};
use crate::hello::{Found, probe};
use crate::model::segment::Transport;

/// All prefaces; at most 32.
pub static PREFACES: &[&dyn Preface] = &[
    &proxy::ProxyV1,
    &proxy::ProxyV2,
    &http::Connect,
    &socks::Socks5,
    &socks::Socks4,
    &short::CONSUL,
    &short::NOMAD,
    &lines::SMTP,
    &lines::LMTP,
    &lines::IMAP,
    &lines::POP3,
    &lines::FTP,
    &lines::NNTP,
    &lines::SIEVE,
    &lines::IRC,
    &xmpp::Xmpp,
    &databases::PostgreSql,
    &databases::MySql,
    &databases::Ldap,
    &short::Rdp,
    &http::Upgrade,
    &http::Gnutella,
    &short::Telnet,
    &short::Amqp,
    &short::Nats,
];

/// Name where several rows have the same words, and the server's are not there to tell them apart.
pub const UNTOLD: &str = "starttls";
/// Rows of one connection.
pub const MAX_ROWS: usize = 4;
/// Longest unit, in bytes.
const MAX_UNIT: usize = 16 * 1024;
/// Most that a client says before its hello, in bytes.
const MAX_CLIENT: usize = 64 * 1024;

/// Whose bytes a direction's first bytes may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The client's.
    Client,
    /// Those of a server that speaks first.
    Server,
    /// Either's: both have the same words.
    Either,
    /// No row knows them.
    Nothing,
}

/// Looks at a direction's first bytes.
pub fn opening(bytes: &[u8]) -> Opening {
    let steps = PREFACES.iter().map(|row| row.step(&mut Memory::default(), bytes));
    let step = steps.max_by_key(|step| rank(*step)).unwrap_or(Step::No);
    match (step, greeting(bytes)) {
        (Step::No, 0) => Opening::Nothing,
        (_, 0) => Opening::Client,
        (Step::No | Step::More, _) => Opening::Server,
        (Step::Take(_) | Step::Ask(_), _) => Opening::Either,
    }
}

/// True where the bytes say enough, whatever is ahead of them: a whole unit of text, or all that leads to a
/// hello. A few bytes of a hello's own lists look like others (SOCKS and `status_request` begin alike).
pub fn is_sure(bytes: &[u8]) -> bool {
    let text = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let words = |step| match step {
        Step::Take(len) | Step::Ask(len) => bytes.get(..len).is_some_and(|unit| unit.iter().all(text)),
        Step::More | Step::No => false,
    };
    if PREFACES.iter().any(|row| words(row.step(&mut Memory::default(), bytes))) {
        return true;
    }
    let Heard::Tls(len) = Dialogue::default().client(bytes) else { return false };
    let rest = bytes.get(len..).unwrap_or_default();
    matches!(probe(Transport::Tcp, rest), Found::Row(_))
}

/// True for a client's first bytes that are few and say enough.
pub fn is_brief(bytes: &[u8]) -> bool {
    PREFACES.iter().any(|row| row.is_brief(bytes))
}

/// The rows whose server may begin like this.
fn greeting(bytes: &[u8]) -> u32 {
    set(|row| row.greets(bytes))
}

/// The rows that `choose` says yes to, one bit each.
fn set(choose: impl Fn(&dyn Preface) -> bool) -> u32 {
    PREFACES.iter().enumerate().filter(|(_, row)| choose(**row)).fold(0, |set, (at, _)| set | bit(at))
}

fn bit(row: usize) -> u32 {
    u32::try_from(row).ok().and_then(|row| 1_u32.checked_shl(row)).unwrap_or(0)
}

/// What the client's bytes led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// So many bytes are done with; the dialogue goes on.
    More(usize),
    /// So many bytes are done with; the hello begins behind them, as far as there are bytes of it.
    Tls(usize),
    /// No TLS will come.
    Nothing,
}

/// What goes ahead of TLS in one connection.
#[derive(Clone, Debug, Default)]
pub struct Dialogue {
    /// Rows that the client's bytes fit, of the present part.
    alive: u32,
    /// Rows that the server's first bytes fit.
    greeted: u32,
    /// The last unit asked for TLS.
    asked: bool,
    /// Bytes done with.
    spent: usize,
    memory: Memory,
    /// Names of the parts that led on to the present one, or to TLS.
    names: Vec<&'static str>,
}

impl Dialogue {
    /// Takes note of the server's first bytes; they tell apart what has the same words.
    pub fn greet(&mut self, bytes: &[u8]) {
        if self.greeted == 0 {
            self.greeted = greeting(bytes);
        }
    }

    /// Reads on in the client's bytes. `bytes` begin with the first one that is not done with.
    pub fn client(&mut self, bytes: &[u8]) -> Heard {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return Heard::More(at);
            }
            if self.asked || self.spent == 0 {
                match probe(Transport::Tcp, rest) {
                    Found::Row(_) => {
                        self.finish_part();
                        return Heard::Tls(at);
                    }
                    Found::NotYet => return Heard::More(at),
                    Found::Nothing => {}
                }
            }
            match self.unit(rest) {
                Step::Take(len) | Step::Ask(len) if len > 0 && self.spent + len <= MAX_CLIENT => {
                    at += len;
                    self.spent += len;
                }
                Step::More if rest.len() < MAX_UNIT => return Heard::More(at),
                Step::No if self.asked && self.lead_on() => {}
                _ => return Heard::Nothing,
            }
        }
    }

    /// Reads one unit, by all rows that fit so far; one that asks for TLS is preferred.
    fn unit(&mut self, bytes: &[u8]) -> Step {
        let alive = if self.alive == 0 { u32::MAX } else { self.alive };
        let mut best = (Step::No, Memory::default());
        let mut fit = 0;
        for (at, row) in PREFACES.iter().enumerate().filter(|(at, _)| alive & bit(*at) != 0) {
            let mut memory = self.memory.clone();
            let step = row.step(&mut memory, bytes);
            match rank(step).cmp(&rank(best.0)) {
                std::cmp::Ordering::Greater => {
                    best = (step, memory);
                    fit = bit(at);
                }
                std::cmp::Ordering::Equal => fit |= bit(at),
                std::cmp::Ordering::Less => {}
            }
        }
        if let Step::Take(_) | Step::Ask(_) = best.0 {
            (self.alive, self.memory) = (fit, best.1);
            self.asked = matches!(best.0, Step::Ask(_));
        }
        best.0
    }

    /// Goes on to another row behind a proxy's; false where that cannot be.
    fn lead_on(&mut self) -> bool {
        let carries = set(|row| row.carries()) & self.alive != 0;
        if !carries || self.names.len() + 1 >= MAX_ROWS {
            return false;
        }
        self.finish_part();
        (self.alive, self.asked, self.memory.phase) = (0, false, 0);
        true
    }

    fn finish_part(&mut self) {
        let mine = if self.alive == 0 { self.greeted } else { self.alive };
        let both = mine & self.greeted;
        let left = if both == 0 { mine } else { both };
        let mut rows = PREFACES.iter().enumerate().filter(|(at, _)| left & bit(*at) != 0);
        match (rows.next(), rows.next()) {
            (Some((_, row)), None) => self.names.push(row.name()),
            (Some(_), Some(_)) if self.asked => self.names.push(UNTOLD),
            _ => {}
        }
    }

    /// Reads the unit of the server's dialogue that `bytes` begin with, where the hello did not wait for it.
    pub fn reply(&self, bytes: &[u8]) -> Step {
        let rows = PREFACES.iter().filter(|row| self.names.contains(&row.name()));
        rows.map(|row| row.reply(bytes)).max_by_key(|step| rank(*step)).unwrap_or(Step::No)
    }

    /// What went ahead, in this order.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Ends that were named on the way.
    pub fn named(&self) -> &Named {
        &self.memory.named
    }
}

fn rank(step: Step) -> u8 {
    match step {
        Step::No => 0,
        Step::More => 1,
        Step::Take(_) => 2,
        Step::Ask(_) => 3,
    }
}

/// Reads `client` as a client's bytes, whole or one by one, and what is left of them as the server's: the entry
/// for tests with random bytes.
///
/// # Panics
/// Where a count does not fit, or the hello is not where it is said to be.
pub fn fuzz_dialogue(client: &[u8], one_by_one: bool) {
    let mut dialogue = Dialogue::default();
    let (mut done, mut end) = (0, if one_by_one { 1 } else { client.len() });
    while end <= client.len() {
        let held = client.get(done..end).unwrap_or_default();
        match dialogue.client(held) {
            Heard::More(len) => {
                assert!(len <= held.len(), "more than there is");
                done += len;
            }
            Heard::Tls(len) => {
                let found = held.get(len..).map(|rest| probe(Transport::Tcp, rest));
                assert!(matches!(found, Some(Found::Row(_))), "no hello begins there");
                break;
            }
            Heard::Nothing => break,
        }
        end += 1;
    }
    let rest = client.get(done..).unwrap_or_default();
    dialogue.greet(rest);
    if let Step::Take(len) = dialogue.reply(rest) {
        assert!((1..=rest.len()).contains(&len), "a reply longer than it is");
    }
}
