//! Plays a connection over QUIC, or over Google QUIC: from its description to its datagrams.

pub mod gquic;
pub mod seal;

use serde::Deserialize;

use super::connection::{Answer, Connection};
use super::hello::Hello;
use super::packet::{Packet, Udp};
use super::pieces::{Cutting, Piece};
use super::random;
use super::server::Choice;
use seal::{Header, Keys, Version, crypto, negotiation, short, varint};

/// Bytes of a client's first datagrams.
const DATAGRAM: usize = 1200;
/// CRYPTO bytes that fit into one beside everything else.
const FITS: usize = 1050;

/// What is special about the packets. `send` cuts the hello into CRYPTO frames.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the scenario format")]
pub struct Quic {
    /// The version that is spoken in the end.
    pub version: Version,
    /// A version that the client tries first, and that the server refuses.
    pub first: Option<Version>,
    /// Lengths of the ids that the client writes to first, has, and that the server has.
    pub ids: [usize; 3],
    /// Frames of each datagram; what is left over, one each.
    pub frames: Vec<usize>,
    /// Datagrams, counted from 1, that are sent once more at the end.
    pub again: Vec<usize>,
    /// PING and PADDING between the frames, and an ACK ahead of them.
    pub chaos: bool,
    /// Bytes of a token from an earlier connection.
    pub token: usize,
    /// Bytes of a packet number.
    pub width: usize,
    /// Number of the first packet.
    pub number: u32,
    /// Early data: a datagram of 0-RTT ahead of the Initial, and a packet behind it in the same datagram.
    pub early: bool,
    /// The server sends a Retry, and gives an id of this length.
    pub retry: Option<usize>,
    /// The client ignores the rule, and answers a Retry or a version negotiation with another random.
    pub new_random: bool,
    /// The client gives up after a version negotiation.
    pub gives_up: bool,
    /// The fixed bit is 0.
    pub greased: bool,
    /// A bit of the tag is wrong.
    pub wrong_tag: bool,
    /// How many of the datagrams are captured at all.
    pub stop: Option<usize>,
    /// The server acknowledges the hello with a packet of its own first.
    pub ack_first: bool,
}

impl Default for Quic {
    fn default() -> Self {
        Self {
            version: Version::V1,
            first: None,
            ids: [8, 8, 8],
            frames: Vec::new(),
            again: Vec::new(),
            chaos: false,
            token: 0,
            width: 2,
            number: 0,
            early: false,
            retry: None,
            new_random: false,
            gives_up: false,
            greased: false,
            wrong_tag: false,
            stop: None,
            ack_first: false,
        }
    }
}

impl Quic {
    /// The frames of each datagram that carries `message`.
    pub fn datagrams(&self, send: &Cutting, message: &[u8]) -> Vec<Vec<Piece>> {
        let default = Cutting { each: Some(FITS), ..Cutting::default() };
        let given = send.each.is_some() || !send.split.is_empty() || !send.pieces.is_empty();
        let mut pieces = if given { send } else { &default }.pieces(message).into_iter();
        let mut out: Vec<Vec<Piece>> =
            self.frames.iter().map(|count| pieces.by_ref().take(*count).collect()).collect();
        out.extend(pieces.map(|piece| vec![piece]));
        out
    }
}

/// One connection under way.
pub struct Player<'c> {
    connection: &'c Connection,
    quic: &'c Quic,
    label: &'c str,
    time: u64,
    id: u16,
    number: u32,
    out: Vec<Packet>,
}

/// The ids of a connection, as they are written at a time.
#[derive(Clone)]
struct Ids {
    /// What keys follow from.
    original: Vec<u8>,
    client: Vec<u8>,
    server: Vec<u8>,
}

/// The datagrams of one connection; `time` is nanoseconds since 1970.
pub fn play(connection: &Connection, quic: &Quic, time: u64) -> Vec<Packet> {
    let hello = connection.hello.as_ref().expect("QUIC begins with a hello");
    let mut player =
        Player { connection, quic, label: &hello.label, time, id: 0, number: quic.number, out: Vec::new() };
    match quic.version {
        Version::Q043 | Version::Q046 => gquic::play(&mut player, hello),
        _ => player.run(hello),
    }
    player.out
}

impl Player<'_> {
    fn bytes(&self, what: &str, len: usize) -> Vec<u8> {
        random::bytes(&format!("{}/{what}", self.label), len)
    }

    fn run(&mut self, hello: &Hello) {
        let [original, client, server] = self.quic.ids;
        let mut ids = Ids {
            original: self.bytes("original id", original),
            client: self.bytes("client id", client),
            server: self.bytes("server id", server),
        };
        let mut hello = hello.clone();
        let mut token = self.bytes("token", self.quic.token);
        if let Some(first) = self.quic.first {
            self.flight(first, &hello, &ids, &token);
            self.wait(1.0);
            self.send(false, negotiation(&ids.client, &ids.original, &[Version::V1, self.quic.version]));
            self.again(&mut hello);
        }
        if self.quic.gives_up {
            return;
        }
        let version = self.quic.version;
        if let Some(len) = self.quic.retry {
            self.flight(version, &hello, &ids, &token);
            self.wait(1.0);
            (token, ids.original, ids.server) = self.retry(&ids, len);
            self.again(&mut hello);
        }
        let first = self.flight(version, &hello, &ids, &token);
        if self.quic.wrong_tag || self.quic.stop.is_some() {
            return;
        }
        if self.connection.retransmits > 0 {
            for turn in 0..self.connection.retransmits {
                self.wait(1e3 * f64::from(1_u32 << turn));
                for datagram in &first {
                    self.send(true, datagram.clone());
                }
            }
            return;
        }
        self.wait(self.connection.latency());
        self.answer(&hello, &ids);
    }

    /// The hello again, after a Retry or a version negotiation.
    fn again(&mut self, hello: &mut Hello) {
        if self.quic.new_random {
            hello.label = format!("{}, again", hello.label);
        }
        self.wait(1.0);
    }

    /// The Retry's token, the id that keys follow from now on, and the server's next one.
    fn retry(&mut self, ids: &Ids, len: usize) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (token, next) = (self.bytes("retry token", 60), self.bytes("retry id", len));
        let header = Header { to: &ids.client, from: &next, token: &token, ..self.header(ids, false) };
        let retry = header.retry();
        self.send(false, retry);
        (token, next, self.bytes("server id after the retry", ids.server.len()))
    }

    fn header<'h>(&self, ids: &'h Ids, from_client: bool) -> Header<'h> {
        let (to, from) = if from_client { (&ids.original, &ids.client) } else { (&ids.client, &ids.server) };
        Header {
            version: self.quic.version,
            to,
            from,
            token: &[],
            number: self.number,
            width: self.quic.width,
            greased: self.quic.greased,
        }
    }

    /// Sends the client's first flight.
    fn flight(&mut self, version: Version, hello: &Hello, ids: &Ids, token: &[u8]) -> Vec<Vec<u8>> {
        let message = if version.is_chlo() { gquic::chlo(hello, 900) } else { hello.message(false) };
        let keys = Keys::new(version, &ids.original, true);
        let mut sent = Vec::new();
        if self.quic.early {
            let early = self.header(ids, true).secret(1, "early data", 900);
            self.send(true, early);
            self.time += 3_000;
        }
        for pieces in self.quic.datagrams(&self.connection.send, &message) {
            let header = Header { version, token, ..self.header(ids, true) };
            let behind = if self.quic.early { header.secret(1, "more early data", 40) } else { Vec::new() };
            let mut frames = self.frames(version, &pieces, &message);
            let rest = DATAGRAM - behind.len() - header.initial(&keys, &[0; 4]).len() + 4;
            frames.resize(rest.max(frames.len()), 0);
            let mut datagram = [header.initial(&keys, &frames), behind].concat();
            if self.quic.wrong_tag {
                *datagram.last_mut().unwrap() ^= 1;
            }
            self.number += 1;
            sent.push(datagram);
        }
        let again: Vec<Vec<u8>> = self.quic.again.iter().map(|place| sent[place - 1].clone()).collect();
        let all = sent.iter().chain(&again).take(self.quic.stop.unwrap_or(usize::MAX));
        for (place, datagram) in all.enumerate() {
            self.time += if place > 0 { self.connection.send.gap_us.max(5) * 1_000 } else { 0 };
            self.send(true, datagram.clone());
        }
        sent
    }

    fn frames(&self, version: Version, pieces: &[Piece], message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let (ping, ack): (u8, &[u8]) =
            if version.is_google() { (7, &[0x40, 1, 0, 0, 1, 0]) } else { (1, &[2, 0, 0, 0, 0]) };
        if self.quic.chaos {
            out.extend(ack);
        }
        for (place, piece) in pieces.iter().enumerate() {
            if self.quic.chaos {
                out.extend(if place % 2 == 0 { vec![ping] } else { vec![0; 7 + place] });
            }
            out.extend(crypto(version, piece.from, &piece.bytes(message)));
        }
        out
    }

    fn answer(&mut self, hello: &Hello, ids: &Ids) {
        let version = self.quic.version;
        let choice = Choice {
            hello,
            version: super::hello::Version::Tls13,
            resumed: self.connection.answer == Answer::Resumed,
            alpn: None,
            identity: "",
            client_identity: None,
            server_chain: self.connection.server_chain,
            client_chain: self.connection.client_chain,
        };
        if self.quic.ack_first {
            self.initial(ids, false, &[]);
        }
        match self.connection.answer {
            Answer::Silence => {}
            Answer::Alert => self.close(ids, false, 0x100 + u64::from(self.connection.alert)),
            // CONNECTION_REFUSED
            Answer::Close => self.close(ids, false, 2),
            // NO_ERROR
            Answer::ClientClose => self.close(ids, true, 0),
            Answer::ClientAlert => {
                self.initial(ids, false, &crypto(version, 0, &choice.server_hello_message()));
                self.wait(0.16);
                self.close(ids, true, 0x100 + u64::from(self.connection.alert));
            }
            Answer::HelloRetry => {
                self.initial(ids, false, &crypto(version, 0, &choice.retry_message()));
                self.wait(0.16);
                let at = hello.message(false).len();
                self.initial(ids, true, &crypto(version, at, &hello.message(true)));
                self.wait(self.connection.latency() + 0.16);
                self.established(ids, choice.retry_message().len(), &choice.server_hello_message());
            }
            Answer::Ok | Answer::Resumed if version.is_chlo() => self.chlo_answer(ids, hello),
            Answer::Ok | Answer::Resumed => self.established(ids, 0, &choice.server_hello_message()),
            Answer::Reset | Answer::ClientReset | Answer::LateAlert => {
                panic!("QUIC has none that an onlooker can see")
            }
        }
    }

    /// The ServerHello, and everything behind it that nobody else can read.
    fn established(&mut self, ids: &Ids, offset: usize, server_hello: &[u8]) {
        let keys = Keys::new(self.quic.version, &ids.original, false);
        let header = self.header(ids, false);
        let frames = [self.ack(), crypto(self.quic.version, offset, server_hello)].concat();
        let secret = header.secret(2, "certificates", 1000);
        let datagram = [header.initial(&keys, &frames), secret].concat();
        self.number += 1;
        self.send(false, datagram);
        self.wait(0.2);
        let to = Ids { original: ids.server.clone(), ..ids.clone() };
        let client_keys = Keys::new(self.quic.version, &ids.original, true);
        let header = self.header(&to, true);
        let datagram = [header.initial(&client_keys, &self.ack()), header.secret(2, "finished", 60)].concat();
        self.send(true, datagram);
        self.wait(0.1);
        let request = short(&ids.server, "request", 120);
        self.send(true, request);
        self.wait(1.0);
        let response = short(&ids.client, "response", 1000);
        self.send(false, response);
    }

    /// The server's rejection, the client's second CHLO, and what is encrypted behind it.
    fn chlo_answer(&mut self, ids: &Ids, hello: &Hello) {
        let version = self.quic.version;
        self.initial(ids, false, &crypto(version, 0, b"REJ\0\0\0\0\0"));
        self.wait(0.2);
        self.initial(ids, true, &crypto(version, 900, &gquic::chlo(hello, 900)));
        self.wait(self.connection.latency());
        self.send(false, short(&ids.client, "server's", 300));
        self.wait(0.2);
        self.send(true, short(&ids.server, "client's", 60));
    }

    fn ack(&self) -> Vec<u8> {
        if self.quic.version.is_google() { vec![0x40, 1, 0, 0, 1, 0] } else { vec![2, 0, 0, 0, 0] }
    }

    /// An Initial with an ACK and these frames; the client's goes to the server's own id.
    fn initial(&mut self, ids: &Ids, from_client: bool, frames: &[u8]) {
        let keys = Keys::new(self.quic.version, &ids.original, from_client);
        let ids = Ids { original: ids.server.clone(), ..ids.clone() };
        let mut frames = [self.ack(), frames.to_vec()].concat();
        if from_client {
            frames.resize(frames.len().max(DATAGRAM - 60), 0);
        }
        let datagram = self.header(&ids, from_client).initial(&keys, &frames);
        self.number += 1;
        self.send(from_client, datagram);
    }

    fn close(&mut self, ids: &Ids, from_client: bool, code: u64) {
        let frame = if self.quic.version.is_google() {
            [&[2, 0, 0, 0, code as u8][..], &[0, 4], b"over"].concat()
        } else {
            [&[0x1c], &varint(code)[..], &[6, 4], b"over"].concat()
        };
        self.initial(ids, from_client, &frame);
    }

    fn wait(&mut self, ms: f64) {
        self.time += (ms * 1e6).round() as u64;
    }

    fn send(&mut self, from_client: bool, payload: Vec<u8>) {
        let connection = self.connection;
        let (client, server) = (connection.client, connection.server);
        let (from, to) = if from_client { (client, server) } else { (server, client) };
        self.id = self.id.wrapping_add(1);
        self.out.push(Packet {
            time: self.time,
            interface: connection.interface,
            from_client,
            source: from.ip(),
            destination: to.ip(),
            shape: connection.frame.clone(),
            ip: Udp { from, to, payload }.ip(&connection.frame, self.id),
        });
    }
}
