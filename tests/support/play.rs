//! Plays one connection: from its description to its packets.

use super::connection::{Answer, Close, Connection, Direction, Open, Word};
use super::dtls;
use super::hello::{Hello, unescape};
use super::packet::{ACK, FIN, PSH, Packet, RST, SYN, Tcp};
use super::pieces::{Cutting, Piece};
use super::quic;
use super::random;
use super::server::Choice;
use super::tls::{APPLICATION_DATA, alert, record};

const MICROSECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000_000;
/// From one word of a dialogue to the next: see [`Player::say`].
const WORD: u64 = 160 * MICROSECOND;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

struct Player<'c> {
    connection: &'c Connection,
    /// Now, nanoseconds since 1970.
    time: u64,
    /// Next sequence number of client and server.
    client_seq: u32,
    server_seq: u32,
    id: u16,
    out: Vec<Packet>,
}

/// The packets of one connection, in the order of sending; `start` is nanoseconds since 1970.
pub fn play(connection: &Connection, start: u64) -> Vec<Packet> {
    if let Some(quic) = &connection.quic {
        return captured(connection, quic::play(connection, quic, start + nanos(connection.at * 1e3)));
    }
    if let Some(dtls) = &connection.dtls {
        return captured(connection, dtls::play(connection, dtls, start));
    }
    let seed = format!("{} {} {}", connection.client, connection.server, connection.at);
    let isn = random::number(&seed);
    let mut player = Player {
        connection,
        time: start + nanos(connection.at * 1e3),
        client_seq: connection.isn.unwrap_or(isn as u32),
        server_seq: connection.server_isn.unwrap_or((isn >> 32) as u32),
        id: isn as u16,
        out: Vec::new(),
    };
    player.run();
    captured(connection, player.out)
}

/// What of a connection's packets was captured.
fn captured(connection: &Connection, mut packets: Vec<Packet>) -> Vec<Packet> {
    packets.retain(|packet| match connection.direction {
        Direction::Both => true,
        Direction::Client => packet.from_client,
        Direction::Server => !packet.from_client,
    });
    packets
}

fn nanos(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}

impl Player<'_> {
    fn run(&mut self) {
        let connection = self.connection;
        match connection.open {
            Open::Refused => return self.refused(),
            Open::Unanswered => return self.unanswered(),
            Open::Handshake | Open::Missing => {}
        }
        let (_, before) = connection.joined();
        self.time -= before as u64 * WORD;
        if connection.open == Open::Handshake {
            self.open();
        }
        self.words(&connection.ahead[..before]);
        if let Some(hello) = &connection.hello {
            self.hello(hello);
        } else if let Some(text) = &connection.plain {
            self.exchange(text.as_bytes(), b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            self.close();
        } else {
            self.established();
        }
    }

    fn refused(&mut self) {
        self.send(Side::Client, SYN, &[]);
        self.time += nanos(self.connection.rtt_ms);
        self.server_seq = 0;
        self.send(Side::Server, RST | ACK, &[]);
    }

    fn unanswered(&mut self) {
        let (seq, mut wait) = (self.client_seq, SECOND);
        for _ in 0..self.connection.syns {
            self.client_seq = seq;
            self.send(Side::Client, SYN, &[]);
            self.time += wait;
            wait *= 2;
        }
    }

    /// SYN, SYN-ACK, ACK, the ACK 20 µs ahead of the connection's `at`.
    fn open(&mut self) {
        let (at, rtt) = (self.time, nanos(self.connection.rtt_ms));
        let ack = at - 20 * MICROSECOND;
        self.time = ack - rtt;
        self.send(Side::Client, SYN, &[]);
        self.time = ack - rtt / 10;
        self.send(Side::Server, SYN | ACK, &[]);
        self.time = ack;
        self.send(Side::Client, ACK, &[]);
        self.time = at;
    }

    fn hello(&mut self, hello: &Hello) {
        let connection = self.connection;
        let (mut stream, before) = connection.joined();
        let behind = if stream.is_empty() { before } else { before + 1 };
        stream.extend(hello.stream());
        let pieces = connection.send.pieces(&stream);
        let from = self.client_seq;
        self.send_pieces(&stream, &pieces);
        if connection.retransmits > 0 {
            self.retransmit(from, &stream, pieces[0]);
            return;
        }
        let sent = self.time;
        self.time += 15 * MICROSECOND + 2 * self.wire();
        self.send(Side::Server, ACK, &[]);
        self.words(&connection.ahead[behind..]);
        self.time = sent + nanos(connection.latency());
        self.answer(hello);
    }

    /// What is said in clear.
    fn words(&mut self, words: &[Word]) {
        for word in words {
            match word {
                Word::Client(text) => self.say(Side::Client, &unescape(text)),
                Word::Server(text) => self.say(Side::Server, &unescape(text)),
            }
        }
    }

    /// One way to the other end of the line.
    fn wire(&self) -> u64 {
        self.connection.far.as_ref().map_or(0, |far| nanos(far.wire_ms))
    }

    /// Sends pieces of `stream`, whose first byte has the client's present sequence number.
    fn send_pieces(&mut self, stream: &[u8], pieces: &[Piece]) {
        let base = self.client_seq;
        let gap = self.connection.send.gap_us.max(1) * MICROSECOND;
        for (i, piece) in pieces.iter().enumerate() {
            if i > 0 {
                self.time += gap;
            }
            self.client_seq = base.wrapping_add(piece.from as u32);
            self.send(Side::Client, PSH | ACK, &piece.bytes(stream));
        }
        let end = pieces.iter().map(|piece| piece.to).max().unwrap_or(0);
        self.client_seq = base.wrapping_add(end as u32);
    }

    fn retransmit(&mut self, seq: u32, stream: &[u8], first: Piece) {
        let mut wait = SECOND;
        for _ in 0..self.connection.retransmits {
            self.time += wait;
            wait *= 2;
            self.client_seq = seq.wrapping_add(first.from as u32);
            self.send(Side::Client, PSH | ACK, &first.bytes(stream));
        }
    }

    fn answer(&mut self, hello: &Hello) {
        let connection = self.connection;
        let choice = Choice {
            hello,
            version: connection.negotiate.unwrap_or(hello.version),
            resumed: connection.answer == Answer::Resumed,
            alpn: connection.chosen_alpn.as_deref(),
            identity: &connection.identity,
            client_identity: connection.client_identity.as_deref(),
            server_chain: connection.server_chain,
            client_chain: connection.client_chain,
        };
        let version = choice.version.legacy();
        match connection.answer {
            Answer::Silence => {}
            Answer::Reset => self.send(Side::Server, RST | ACK, &[]),
            Answer::ClientReset => self.send(Side::Client, RST | ACK, &[]),
            Answer::Close => self.fin(Side::Server),
            Answer::ClientClose => self.fin(Side::Client),
            Answer::Alert => {
                self.say(Side::Server, &alert(version, connection.alert));
                self.fin(Side::Server);
            }
            Answer::ClientAlert => {
                self.say(Side::Server, &choice.server_flight());
                self.say(Side::Client, &alert(version, connection.alert));
                self.fin(Side::Client);
            }
            Answer::LateAlert => {
                self.say(Side::Server, &choice.server_flight());
                self.say(Side::Client, &choice.client_flight());
                self.say(Side::Server, &alert(version, connection.alert));
                self.fin(Side::Server);
            }
            Answer::Ok | Answer::Resumed => self.handshake(&choice),
            Answer::HelloRetry => {
                self.say(Side::Server, &choice.retry());
                let second = hello.second_stream();
                self.say(Side::Client, &second);
                self.time += nanos(connection.latency());
                self.handshake(&choice);
            }
        }
    }

    fn handshake(&mut self, choice: &Choice<'_>) {
        self.say(Side::Server, &choice.server_flight());
        self.say(Side::Client, &choice.client_flight());
        self.say(Side::Server, &choice.server_end());
        self.established();
    }

    fn established(&mut self) {
        if let Some([request, response]) = self.connection.data {
            let seed = format!("{}/data", self.connection.client);
            let sealed = |len| record(APPLICATION_DATA, 0x0303, &random::bytes(&seed, len));
            self.exchange(&sealed(request), &sealed(response));
        }
        self.close();
    }

    fn exchange(&mut self, request: &[u8], response: &[u8]) {
        self.say(Side::Client, request);
        self.say(Side::Server, response);
    }

    fn close(&mut self) {
        match self.connection.close {
            Close::Open => {}
            Close::Fin => self.fin(Side::Client),
            Close::Reset => self.send(Side::Client, RST | ACK, &[]),
        }
    }

    fn fin(&mut self, first: Side) {
        let second = if first == Side::Client { Side::Server } else { Side::Client };
        for (side, flags) in [(first, FIN | ACK), (second, FIN | ACK), (first, ACK)] {
            self.send(side, flags, &[]);
            self.time += 80 * MICROSECOND;
        }
    }

    /// Sends bytes in full segments; 60 µs later the other side acknowledges.
    fn say(&mut self, side: Side, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        for piece in Cutting::default().pieces(bytes) {
            self.send(side, PSH | ACK, &piece.bytes(bytes));
            self.time += 2 * MICROSECOND;
        }
        self.time += 58 * MICROSECOND;
        let there_and_back = if side == Side::Client { 2 * self.wire() } else { 0 };
        self.time += there_and_back;
        self.send(if side == Side::Client { Side::Server } else { Side::Client }, ACK, &[]);
        self.time -= there_and_back;
        // What the server says was on the second leg of a proxy before it was on the first, what the client says
        // is there after it.
        self.time += match side {
            Side::Server => self.connection.client_turn(),
            Side::Client => self.connection.server_turn(),
        };
    }

    fn send(&mut self, side: Side, flags: u8, payload: &[u8]) {
        let connection = self.connection;
        let (from, to, seq, other) = match side {
            Side::Client => (connection.client, connection.server, &mut self.client_seq, self.server_seq),
            Side::Server => (connection.server, connection.client, &mut self.server_seq, self.client_seq),
        };
        let ack = if flags & ACK == 0 { 0 } else { other };
        let tcp = Tcp { from, to, seq: *seq, ack, flags, payload: payload.to_vec() };
        let spent = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        *seq = seq.wrapping_add(spent);
        self.id = self.id.wrapping_add(1);
        self.out.push(Packet {
            time: self.time,
            interface: connection.interface,
            from_client: side == Side::Client,
            source: from.ip(),
            destination: to.ip(),
            shape: connection.frame.clone(),
            ip: tcp.ip(&connection.frame, self.id),
        });
    }
}
