//! Plays a connection over DTLS (RFC 6347, RFC 9147): what TLS would say, in fragments, records and datagrams.

use serde::Deserialize;

use super::connection::{Answer, Connection, Open};
use super::hello::{Hello, Version};
use super::packet::{Packet, Udp};
use super::pieces::Piece;
use super::random;
use super::server::Choice;
use super::tls::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, handshake, prefixed};

const MICROSECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000_000;
/// Bytes of a datagram that neither side passes.
const DATAGRAM: usize = 1200;
/// Bytes of a server's fragment at most.
const FRAGMENT: usize = 700;

/// How a connection speaks DTLS. The version is the hello's; `send` cuts the hello's body into fragments.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dtls {
    /// Version 0.9, whatever the hello says.
    pub old: bool,
    /// Fragments of the hello in one datagram; 0 is 1.
    pub together: usize,
    /// Number of the first record, and distance from each to the next; 0 is 1.
    pub jump: u64,
    /// Both sides use connection ids once they encrypt (RFC 9146, RFC 9147 §9).
    pub ids: bool,
    /// What carries the datagrams.
    pub inside: Inside,
}

/// What carries DTLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inside {
    /// UDP alone.
    #[default]
    Nothing,
    /// A TURN channel (RFC 8656 §12).
    Channel,
    /// TURN indications (RFC 8656 §11).
    Indication,
    /// CAPWAP's control channel (RFC 5415 §4.2).
    Capwap,
    /// RDP over UDP.
    Rdp,
    /// UDP alone, with STUN requests ahead of the hello and RTP after the handshake (RFC 7983).
    Media,
}

impl Dtls {
    /// DTLS's number of a version.
    fn number(&self, version: Version) -> u16 {
        match version {
            _ if self.old => 0x0100,
            Version::Tls10 | Version::Tls11 => 0xfeff,
            Version::Tls12 => 0xfefd,
            Version::Tls13 => 0xfefc,
        }
    }

    /// The hello's body; the second answers a `HelloVerifyRequest`, or a HelloRetryRequest.
    pub fn body(&self, hello: &Hello, second: bool) -> Vec<u8> {
        let is_13 = hello.version == Version::Tls13;
        let mut body = versions(&hello.message(second && is_13)[4..]);
        let legacy = self.number(hello.version.min(Version::Tls12));
        body[..2].copy_from_slice(&legacy.to_be_bytes());
        let cookie = if second && !is_13 { cookie(hello) } else { Vec::new() };
        let at = 35 + usize::from(body[34]);
        body.splice(at..at, prefixed(1, &cookie));
        body
    }

    /// The hello's message as it is counted: with a header of four bytes.
    pub fn message(&self, hello: &Hello, second: bool) -> Vec<u8> {
        handshake(1, &self.body(hello, second))
    }
}

fn cookie(hello: &Hello) -> Vec<u8> {
    random::bytes(&format!("{}/cookie", hello.label), 20)
}

/// Replaces TLS's numbers in `supported_versions` of a hello, of client or server.
fn versions(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for (tls, dtls) in [
        (&[0, 43, 0, 5, 4, 3, 4, 3, 3][..], &[0, 43, 0, 5, 4, 0xfe, 0xfc, 0xfe, 0xfd][..]),
        (&[0, 43, 0, 2, 3, 4], &[0, 43, 0, 2, 0xfe, 0xfc]),
    ] {
        if let Some(at) = out.windows(tls.len()).position(|window| window == tls) {
            out.splice(at..at + tls.len(), dtls.iter().copied());
        }
    }
    out
}

/// One side's records.
#[derive(Default)]
struct Side {
    /// Records so far.
    records: u64,
    /// Number of the next handshake message.
    message: u16,
    /// Encrypts.
    sealed: bool,
}

struct Player<'c> {
    connection: &'c Connection,
    dtls: &'c Dtls,
    version: Version,
    time: u64,
    sides: [Side; 2],
    id: u16,
    out: Vec<Packet>,
}

const CLIENT: usize = 0;
const SERVER: usize = 1;

/// The packets of one connection, in the order of sending; `start` is nanoseconds since 1970.
pub fn play(connection: &Connection, dtls: &Dtls, start: u64) -> Vec<Packet> {
    let hello = connection.hello.as_ref().expect("DTLS begins with a hello");
    let mut player = Player {
        connection,
        dtls,
        version: connection.negotiate.unwrap_or(hello.version),
        time: start + (connection.at * 1e9).round() as u64,
        sides: Default::default(),
        id: random::number(&format!("{} {}", connection.client, connection.at)) as u16,
        out: Vec::new(),
    };
    player.run(hello);
    player.out
}

impl Player<'_> {
    fn run(&mut self, hello: &Hello) {
        let connection = self.connection;
        assert_eq!(connection.open, Open::Handshake, "datagrams need no opening");
        if self.dtls.inside == Inside::Media {
            self.media(&stun(hello, 0x0001));
        }
        let first = self.hello(hello, false);
        let mut wait = SECOND;
        for _ in 0..connection.retransmits {
            self.time += wait;
            wait *= 2;
            for datagram in &first {
                self.send(CLIENT, datagram);
            }
        }
        if connection.answer == Answer::HelloRetry {
            self.wait(connection.latency());
            self.ask_again(hello);
            self.wait(0.06);
            self.hello(hello, true);
            self.wait(0.16);
        }
        self.wait(connection.latency());
        self.answer(hello);
    }

    fn wait(&mut self, ms: f64) {
        self.time += (ms * 1e6).round() as u64;
    }

    /// Sends the hello; what was sent.
    fn hello(&mut self, hello: &Hello, second: bool) -> Vec<Vec<u8>> {
        let body = self.dtls.body(hello, second);
        let pieces = self.connection.send.pieces(&body);
        let seq = self.message(CLIENT);
        let fragment = |piece: &Piece| fragment(1, seq, body.len(), piece.from, &piece.bytes(&body));
        let together = self.dtls.together.max(1);
        let mut datagrams = Vec::new();
        for (place, group) in pieces.chunks(together).enumerate() {
            if place > 0 {
                self.time += self.connection.send.gap_us.max(1) * MICROSECOND;
            }
            let records: Vec<u8> =
                group.iter().flat_map(|piece| self.record(CLIENT, HANDSHAKE, &fragment(piece))).collect();
            self.send(CLIENT, &records);
            datagrams.push(records);
        }
        datagrams
    }

    /// A `HelloVerifyRequest`, or a HelloRetryRequest.
    fn ask_again(&mut self, hello: &Hello) {
        if self.version == Version::Tls13 {
            let retry = self.choice(hello).retry();
            return self.say(SERVER, &retry);
        }
        let legacy = if self.dtls.old { 0x0100_u16 } else { 0xfeff };
        let message = handshake(3, &[&legacy.to_be_bytes(), &prefixed(1, &cookie(hello))[..]].concat());
        let records = self.messages(SERVER, &message);
        self.send(SERVER, &records.concat());
    }

    fn choice<'h>(&'h self, hello: &'h Hello) -> Choice<'h> {
        let connection = self.connection;
        Choice {
            hello,
            version: self.version,
            resumed: connection.answer == Answer::Resumed,
            alpn: connection.chosen_alpn.as_deref(),
            identity: &connection.identity,
            client_identity: connection.client_identity.as_deref(),
            server_chain: connection.server_chain,
            client_chain: connection.client_chain,
        }
    }

    fn answer(&mut self, hello: &Hello) {
        let connection = self.connection;
        let choice = self.choice(hello);
        let (server, client, end) = (choice.server_flight(), choice.client_flight(), choice.server_end());
        let alert = [ALERT, 3, 3, 0, 2, 2, connection.alert];
        match connection.answer {
            Answer::Silence => {}
            Answer::Alert => self.say(SERVER, &alert),
            Answer::Close => self.say(SERVER, &[ALERT, 3, 3, 0, 2, 1, 0]),
            Answer::ClientAlert => {
                self.say(SERVER, &server);
                self.say(CLIENT, &alert);
            }
            Answer::Ok | Answer::Resumed | Answer::HelloRetry => {
                self.say(SERVER, &server);
                self.say(CLIENT, &client);
                self.say(SERVER, &end);
                self.data(hello);
            }
            _ => panic!("{:?} needs TCP", connection.answer),
        }
    }

    fn data(&mut self, hello: &Hello) {
        if self.dtls.inside == Inside::Media {
            for seq in 0..3 {
                self.media(&[&[0x80, 96, 0, seq][..], &random::bytes(&hello.label, 160)].concat());
            }
        }
        for (side, len) in self.connection.data.into_iter().flatten().enumerate() {
            let body = random::bytes(&format!("{}/data", hello.label), len);
            let sealed = self.sealed(side, APPLICATION_DATA, &body);
            self.send(side, &sealed);
            self.time += 160 * MICROSECOND;
        }
    }

    /// What TLS says in records, said in DTLS: as many records in a datagram as go into it.
    fn say(&mut self, side: usize, mut tls: &[u8]) {
        let mut records = Vec::new();
        while let [kind, _, _, high, low, rest @ ..] = tls {
            let (body, after) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            tls = after;
            match *kind {
                CHANGE_CIPHER_SPEC if self.version == Version::Tls13 => {}
                CHANGE_CIPHER_SPEC => {
                    let one: &[u8] = if self.dtls.old { &[1, 0, 2] } else { &[1] };
                    records.push(self.record(side, CHANGE_CIPHER_SPEC, one));
                    self.sides[side].sealed = true;
                }
                HANDSHAKE if !self.sides[side].sealed => records.extend(self.messages(side, body)),
                ALERT => records.push(self.record(side, ALERT, body)),
                kind => records.push(self.sealed(side, kind, body)),
            }
        }
        let mut datagram = Vec::new();
        for record in records {
            if datagram.len() + record.len() > DATAGRAM {
                self.send(side, &std::mem::take(&mut datagram));
                self.time += 2 * MICROSECOND;
            }
            datagram.extend(record);
        }
        if !datagram.is_empty() {
            self.send(side, &datagram);
            self.time += 160 * MICROSECOND;
        }
    }

    /// Handshake messages of TLS in records of DTLS, long ones in fragments.
    fn messages(&mut self, side: usize, mut messages: &[u8]) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        while let [kind, a, b, c, rest @ ..] = messages {
            let (body, after) = rest.split_at(u32::from_be_bytes([0, *a, *b, *c]) as usize);
            messages = after;
            let mut body = body.to_vec();
            if *kind == 2 {
                body = versions(&body);
                let legacy = self.dtls.number(self.version.min(Version::Tls12));
                body[..2].copy_from_slice(&legacy.to_be_bytes());
            }
            let seq = self.message(side);
            let mut from = 0;
            while from == 0 || from < body.len() {
                let to = (from + FRAGMENT).min(body.len());
                let part = fragment(*kind, seq, body.len(), from, &body[from..to]);
                records.push(self.record(side, HANDSHAKE, &part));
                from = to.max(1);
            }
        }
        records
    }

    /// A record in clear.
    fn record(&mut self, side: usize, kind: u8, body: &[u8]) -> Vec<u8> {
        let first = side == CLIENT && kind == HANDSHAKE && self.sides[SERVER].records == 0;
        let version = match self.version {
            _ if self.dtls.old => 0x0100_u16,
            Version::Tls12 if first => 0xfeff,
            version => self.dtls.number(version.min(Version::Tls12)),
        };
        let number = self.number(side).to_be_bytes();
        [&[kind][..], &version.to_be_bytes(), &[0, 0], &number[2..], &prefixed(2, body)].concat()
    }

    /// An encrypted record.
    fn sealed(&mut self, side: usize, kind: u8, body: &[u8]) -> Vec<u8> {
        let ids = self.dtls.ids && kind == APPLICATION_DATA;
        let number = self.number(side).to_be_bytes();
        if self.version == Version::Tls13 {
            // unified header: number of two bytes, length; epoch 2 for the handshake, 3 for data
            let data = self.connection.data.is_some_and(|lens| lens.contains(&body.len()));
            let epoch = if data { 3 } else { 2 };
            let (flag, id): (u8, &[u8]) = if ids { (0x10, b"dtls") } else { (0, b"") };
            return [&[0x2c | flag | epoch], id, &number[6..], &prefixed(2, body)].concat();
        }
        let version = self.dtls.number(self.version).to_be_bytes();
        let (kind, id): (u8, &[u8]) = if ids { (25, b"dtls") } else { (kind, b"") };
        [&[kind], &version[..], &[0, 1], &number[2..], id, &prefixed(2, body)].concat()
    }

    /// Number of the next handshake message.
    fn message(&mut self, side: usize) -> u16 {
        self.sides[side].message += 1;
        self.sides[side].message - 1
    }

    fn number(&mut self, side: usize) -> u64 {
        let jump = self.dtls.jump.max(1);
        let records = &mut self.sides[side].records;
        *records += 1;
        if self.dtls.jump == 0 { *records - 1 } else { *records * jump }
    }

    fn send(&mut self, side: usize, datagram: &[u8]) {
        let payload = self.wrapped(side, datagram);
        self.raw(side, payload);
    }

    /// What is not DTLS, from client to server and back.
    fn media(&mut self, datagram: &[u8]) {
        for side in [CLIENT, SERVER] {
            self.raw(side, datagram.to_vec());
            self.time += 40 * MICROSECOND;
        }
        self.time -= 80 * MICROSECOND;
    }

    fn wrapped(&self, side: usize, datagram: &[u8]) -> Vec<u8> {
        match self.dtls.inside {
            Inside::Nothing | Inside::Media => datagram.to_vec(),
            Inside::Channel => [&[0x40, 0][..], &prefixed(2, datagram)].concat(),
            Inside::Indication => {
                let address = [0, 0x12, 0, 8, 0, 1, 0x12, 0x34, 10, 1, 2, 3];
                let mut data = [&[0, 0x13][..], &prefixed(2, datagram)].concat();
                data.resize(data.len().next_multiple_of(4), 0);
                let kind = [0x16, 0x17][side];
                let head = [0, kind, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
                let mut out = [&head[..], &address, &data].concat();
                let len = ((out.len() - 20) as u16).to_be_bytes();
                out[2..4].copy_from_slice(&len);
                out
            }
            Inside::Capwap => [&[1, 0, 0, 0][..], datagram].concat(),
            Inside::Rdp => {
                let head = [0, 0, 0, 1, 4, 0, 0, 0x0c, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2];
                [&head[..], datagram].concat()
            }
        }
    }

    fn raw(&mut self, side: usize, payload: Vec<u8>) {
        let connection = self.connection;
        let ends = [connection.client, connection.server];
        let (from, to) = (ends[side], ends[1 - side]);
        self.id = self.id.wrapping_add(1);
        self.out.push(Packet {
            time: self.time,
            interface: connection.interface,
            from_client: side == CLIENT,
            source: from.ip(),
            destination: to.ip(),
            shape: connection.frame.clone(),
            ip: Udp { from, to, payload }.ip(&connection.frame, self.id),
        });
    }
}

/// A STUN message without attributes.
fn stun(hello: &Hello, kind: u16) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &[0, 0, 0x21, 0x12, 0xa4, 0x42], &random::bytes(&hello.label, 12)].concat()
}

/// A fragment of a handshake message of `len` bytes.
fn fragment(kind: u8, seq: u16, len: usize, from: usize, body: &[u8]) -> Vec<u8> {
    let three = |number: usize| [(number >> 16) as u8, (number >> 8) as u8, number as u8];
    [&[kind][..], &three(len), &seq.to_be_bytes(), &three(from), &three(body.len()), body].concat()
}
