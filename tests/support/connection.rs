//! What a scenario says of one connection: its ends, its frames, its hello, and how it goes.

use std::net::SocketAddr;

use serde::Deserialize;

use super::dtls::Dtls;
use super::hello::{Hello, Version};
use super::packet::Shape;
use super::pieces::Cutting;
use super::quic::Quic;

/// One connection. All times are relative: `at` to the scenario's start, the rest to each other.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connection {
    /// When the hello's first byte leaves, in seconds after the scenario's start; without one, the first packet.
    pub at: f64,
    /// Who opens the connection.
    pub client: SocketAddr,
    /// To whom.
    pub server: SocketAddr,
    /// The client's initial sequence number; absent: from the addresses and `at`.
    pub isn: Option<u32>,
    /// The server's.
    pub server_isn: Option<u32>,
    /// From the SYN to the client's ACK.
    pub rtt_ms: f64,
    /// How the connection opens.
    pub open: Open,
    /// SYNs sent, the first included, where none is answered.
    pub syns: u32,
    /// The hello; none for a connection that has said it before, or that is not TLS.
    pub hello: Option<Hello>,
    /// What is said in clear ahead of the hello.
    pub ahead: Vec<Word>,
    /// The client does not wait for the answer to its last word: the hello follows it at once, in the same
    /// stretch of bytes, which `send` cuts.
    pub joined: bool,
    /// Clear text in the place of TLS.
    pub plain: Option<String>,
    /// How the hello's bytes are cut into segments.
    pub send: Cutting,
    /// The hello goes over QUIC.
    pub quic: Option<Quic>,
    /// Over UDP instead of TCP, and DTLS instead of TLS.
    pub dtls: Option<Dtls>,
    /// What the server does with the hello.
    pub answer: Answer,
    /// Negotiated version, where it is lower than the offered one.
    pub negotiate: Option<Version>,
    /// ALPN choice of the server (visible up to TLS 1.2).
    pub chosen_alpn: Option<String>,
    /// Alert code of `alert` and `client-alert`.
    pub alert: u8,
    /// From the hello's last segment to the answer.
    pub latency_ms: f64,
    /// Adds up to this much to `latency_ms`, by the hello's label.
    pub spread_ms: f64,
    /// Repetitions of the hello's first segment into silence, after 1, 3, 7 … seconds.
    pub retransmits: u32,
    /// Application data after the handshake: bytes of the client, bytes of the server.
    pub data: Option<[usize; 2]>,
    /// How it closes, after a successful handshake.
    pub close: Close,
    /// SPIFFE URI of the server's certificate.
    pub identity: String,
    /// SPIFFE URI of the client's certificate.
    pub client_identity: Option<String>,
    /// The server's certificate message.
    pub server_chain: Chain,
    /// The client's, where it has an identity.
    pub client_chain: Chain,
    /// Which directions are captured.
    pub direction: Direction,
    /// Index of the capturing interface.
    pub interface: usize,
    /// How its frames look.
    pub frame: Shape,
    /// Suffixes of the captures that hold it; none: all.
    pub seen: Vec<String>,
    /// A capture at the other end of a long line, which holds it too.
    pub far: Option<Far>,
    /// The second leg of a proxy that passes the hello on.
    pub out: Option<Leg>,
    /// The same again.
    pub repeat: Option<Repeat>,
    /// What the program must tell of it: see `fixtures/README.md` and `tests/golden.rs`.
    pub expect: toml::Table,
    /// What the server says takes so many nanoseconds from this leg to the client's own.
    #[serde(skip)]
    pub back: u64,
    /// The same for the last leg.
    #[serde(skip)]
    pub depth: u64,
}

/// A proxy passes everything on within so many nanoseconds.
const PROXY: u64 = 50_000;

impl Default for Connection {
    fn default() -> Self {
        Self {
            at: 0.0,
            client: ([10, 0, 0, 1], 40000).into(),
            server: ([10, 0, 0, 2], 443).into(),
            isn: None,
            server_isn: None,
            rtt_ms: 0.4,
            open: Open::Handshake,
            syns: 1,
            hello: None,
            ahead: Vec::new(),
            joined: false,
            plain: None,
            send: Cutting::default(),
            quic: None,
            dtls: None,
            answer: Answer::Ok,
            negotiate: None,
            chosen_alpn: None,
            alert: 40,
            latency_ms: 2.0,
            spread_ms: 0.0,
            retransmits: 0,
            data: None,
            close: Close::Open,
            identity: "spiffe://test.consul/ns/default/dc/dc2/svc/server".into(),
            client_identity: None,
            server_chain: Chain::Leaf,
            client_chain: Chain::Leaf,
            direction: Direction::Both,
            interface: 0,
            frame: Shape::default(),
            seen: Vec::new(),
            far: None,
            out: None,
            repeat: None,
            expect: toml::Table::new(),
            back: 0,
            depth: 0,
        }
    }
}

/// One thing said in clear ahead of the hello; `\xNN` in it is that byte.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// By the client.
    Client(String),
    /// By the server.
    Server(String),
}

/// How a connection opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Open {
    /// SYN, SYN-ACK, ACK.
    Handshake,
    /// Before the capture began.
    Missing,
    /// RST to the SYN; nothing more.
    Refused,
    /// SYNs into silence; nothing more.
    Unanswered,
}

/// What follows the hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// A full handshake of the negotiated version.
    Ok,
    /// An abbreviated one.
    Resumed,
    /// HelloRetryRequest, the second hello, then a full TLS 1.3 handshake.
    HelloRetry,
    /// A fatal alert by the server, then FIN.
    Alert,
    /// The server's flight, then a fatal alert by the client and FIN.
    ClientAlert,
    /// Both flights, then a fatal alert by the server and FIN: it does not like the client's certificate.
    LateAlert,
    /// RST by the server.
    Reset,
    /// RST by the client.
    ClientReset,
    /// FIN by the server.
    Close,
    /// FIN by the client.
    ClientClose,
    /// An ACK and nothing more; with `retransmits`, not even that.
    Silence,
}

/// A certificate message, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Chain {
    /// One certificate.
    Leaf,
    /// The leaf, and two more behind it; in records of 200 bytes.
    Long,
    /// An empty list.
    Empty,
    /// The leaf ends halfway; the lengths around it know.
    Cut,
    /// The leaf's length reaches beyond the list.
    Lengths,
    /// A leaf of 65,537 bytes.
    Huge,
}

/// How an established connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Close {
    /// Not within the capture.
    Open,
    /// FIN by the client, then by the server.
    Fin,
    /// RST by the client.
    Reset,
}

/// Which directions are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both.
    Both,
    /// What the client sends.
    Client,
    /// What the server sends.
    Server,
}

/// The connection that a proxy opens in turn, to pass the same hello on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leg {
    /// The proxy's own address.
    pub client: SocketAddr,
    /// The next hop.
    pub server: SocketAddr,
    /// From the inbound hello, where it arrives, to the outbound one.
    pub after_ms: f64,
    /// Its TCP round trip; absent: half of `after_ms`.
    #[serde(default)]
    pub rtt_ms: Option<f64>,
    /// As for a connection.
    #[serde(default)]
    pub seen: Vec<String>,
    /// As for a connection.
    #[serde(default)]
    pub far: Option<Far>,
    /// The next proxy's leg.
    #[serde(default)]
    pub out: Option<Box<Leg>>,
}

/// The other end of a line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Far {
    /// Suffix of the capture there.
    pub capture: String,
    /// One way.
    pub wire_ms: f64,
}

impl Leg {
    /// A leg that every capture holds.
    pub fn new(client: SocketAddr, server: SocketAddr, after_ms: f64) -> Self {
        Self { client, server, after_ms, rtt_ms: None, seen: Vec::new(), far: None, out: None }
    }

    fn nth(&mut self, i: u16) {
        self.client.set_port(self.client.port() + i);
        if let Some(out) = &mut self.out {
            out.nth(i);
        }
    }
}

/// Repetition: each time a new port, random and initial sequence number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// How often in all.
    pub count: u16,
    /// From one to the next, in seconds.
    pub every: f64,
    /// Client addresses in turn; the port goes on counting.
    #[serde(default)]
    pub clients: Vec<std::net::IpAddr>,
}

impl Connection {
    /// Every connection that this entry stands for: repetitions, and both legs of each.
    pub fn expand(&self) -> Vec<Self> {
        let count = self.repeat.as_ref().map_or(1, |repeat| repeat.count);
        (0..count).map(|i| self.nth(i)).flat_map(Self::with_legs).collect()
    }

    fn nth(&self, i: u16) -> Self {
        let mut one = self.clone();
        if let Some(hello) = one.hello.as_mut().filter(|hello| hello.label.is_empty()) {
            hello.label = format!("{} {} {}", one.client, one.server, one.at);
        }
        let Some(repeat) = one.repeat.take() else { return one };
        one.at += f64::from(i) * repeat.every;
        one.client.set_port(one.client.port() + i);
        if let Some(ip) = repeat.clients.get(usize::from(i) % repeat.clients.len().max(1)) {
            one.client.set_ip(*ip);
        }
        if let Some(hello) = &mut one.hello {
            hello.label = format!("{}-{i}", hello.label);
        }
        if let Some(out) = &mut one.out {
            out.nth(i);
        }
        one
    }

    fn with_legs(self) -> Vec<Self> {
        let mut legs = vec![self];
        while let Some(last) = legs.last_mut()
            && let Some(leg) = last.out.take()
        {
            last.latency_ms = last.latency();
            last.spread_ms = 0.0;
            let wire = last.far.as_ref().map_or(0.0, |far| far.wire_ms);
            let mut out = last.clone();
            out.client = leg.client;
            out.server = leg.server;
            out.at += (wire + leg.after_ms) / 1e3;
            out.rtt_ms = leg.rtt_ms.unwrap_or(leg.after_ms / 2.0);
            out.latency_ms -= 2.0 * wire + leg.after_ms + 0.05;
            out.back += PROXY + (wire * 1e6) as u64;
            (out.seen, out.far, out.out) = (leg.seen, leg.far, leg.out.map(|next| *next));
            legs.push(out);
        }
        let depth = legs.last().map_or(0, |last| last.back);
        for leg in &mut legs {
            leg.depth = depth;
        }
        legs
    }

    /// The connection as the capture `suffix` has it, whose clock is `clock_ms` ahead; `None` where it is not there.
    pub fn at_capture(&self, suffix: &str, clock_ms: f64) -> Option<Self> {
        let wire = self.wire_at(suffix)?;
        let (latency_ms, at) = (self.latency() - 2.0 * wire, self.at + (wire + clock_ms) / 1e3);
        Some(Self { latency_ms, spread_ms: 0.0, at, ..self.clone() })
    }

    /// Milliseconds from the client's end of the line to the capture `suffix`; `None` where it is not there.
    pub fn wire_at(&self, suffix: &str) -> Option<f64> {
        let here = self.seen.is_empty() || self.seen.iter().any(|seen| seen == suffix);
        match &self.far {
            Some(far) if far.capture == suffix => Some(far.wire_ms),
            _ => here.then_some(0.0),
        }
    }

    /// How long the client takes to answer what the server said, as this leg shows it; nanoseconds.
    pub fn client_turn(&self) -> u64 {
        100_000 + 2 * self.back
    }

    /// How long the server takes to answer what the client said.
    pub fn server_turn(&self) -> u64 {
        (2 * self.depth).max(100_000) - 2 * self.back
    }

    /// What the client says in one stretch with its hello, and how many words of `ahead` are said before that.
    pub fn joined(&self) -> (Vec<u8>, usize) {
        let last = self.ahead.iter().rposition(|word| matches!(word, Word::Client(_)));
        match last.filter(|_| self.joined).map(|at| (&self.ahead[at], at)) {
            Some((Word::Client(text), at)) => (super::hello::unescape(text), at),
            _ => (Vec::new(), self.ahead.len()),
        }
    }

    /// `latency_ms` and this connection's share of `spread_ms`.
    pub fn latency(&self) -> f64 {
        let label = self.hello.as_ref().map_or("", |hello| hello.label.as_str());
        let share = (super::random::number(label) % 1000) as f64 / 1000.0;
        self.latency_ms + self.spread_ms * share
    }
}
