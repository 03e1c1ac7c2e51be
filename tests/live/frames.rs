//! Connections as Ethernet frames, made by hand: what no program sends on request.
#![allow(dead_code, reason = "every test file mounts this module and uses a part of it")]

use std::net::SocketAddr;

use crate::support::hello::{Hello, Version};
use crate::support::link::Link;
use crate::support::packet::{ACK, FIN, SYN, Shape, Tcp, Udp};
use crate::support::scenario::Scenario;

/// One TCP connection in the making.
pub struct Talk {
    client: (SocketAddr, u32),
    server: (SocketAddr, u32),
    pub frames: Vec<Vec<u8>>,
}

impl Talk {
    /// Both have shaken hands; `numbers` are the initial sequence numbers.
    pub fn open(port: u16, numbers: (u32, u32)) -> Self {
        Self::between(([10, 9, 0, 1], port).into(), ([10, 9, 0, 2], 443).into(), numbers)
    }

    /// The same between any two.
    pub fn between(client: SocketAddr, server: SocketAddr, numbers: (u32, u32)) -> Self {
        let mut talk = Self { client: (client, numbers.0), server: (server, numbers.1), frames: Vec::new() };
        talk.push(true, SYN, &[], false);
        talk.client.1 = talk.client.1.wrapping_add(1);
        talk.push(false, SYN | ACK, &[], true);
        talk.server.1 = talk.server.1.wrapping_add(1);
        talk.push(true, ACK, &[], true);
        talk
    }

    fn push(&mut self, from_client: bool, flags: u8, payload: &[u8], acknowledges: bool) {
        let (from, to) = if from_client { (self.client, self.server) } else { (self.server, self.client) };
        let ack = if acknowledges { to.1 } else { 0 };
        let tcp = Tcp { from: from.0, to: to.0, seq: from.1, ack, flags, payload: payload.to_vec() };
        self.frames.push(ethernet(&tcp.ip(&Shape::default(), 1)));
    }

    /// One side says so much, in segments of so many bytes.
    pub fn say(&mut self, from_client: bool, bytes: &[u8], segment: usize) {
        for piece in bytes.chunks(segment) {
            self.push(from_client, ACK, piece, true);
            let number = if from_client { &mut self.client.1 } else { &mut self.server.1 };
            *number = number.wrapping_add(u32::try_from(piece.len()).unwrap());
        }
    }

    /// One side says nothing but that it has heard all.
    pub fn hear(&mut self, from_client: bool) {
        self.push(from_client, ACK, &[], true);
    }

    /// Both close.
    pub fn close(mut self) -> Vec<Vec<u8>> {
        for from_client in [false, true] {
            self.push(from_client, FIN | ACK, &[], true);
            let number = if from_client { &mut self.client.1 } else { &mut self.server.1 };
            *number = number.wrapping_add(1);
        }
        self.frames
    }
}

/// An IPv4 or IPv6 packet in an Ethernet frame to everybody.
pub fn ethernet(ip: &[u8]) -> Vec<u8> {
    let kind = if ip[0] >> 4 == 4 { [0x08, 0x00] } else { [0x86, 0xdd] };
    [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], &kind, ip].concat()
}

/// A datagram from `from` to `to`.
pub fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    ethernet(&Udp { from, to, payload: payload.to_vec() }.ip(&Shape::default(), 1))
}

/// A frame with a VLAN tag (IEEE 802.1Q) ahead of what it carries.
pub fn tagged(frame: &[u8], kind: u16, id: u16) -> Vec<u8> {
    let (addresses, rest) = frame.split_at(12);
    [addresses, &kind.to_be_bytes(), &id.to_be_bytes(), rest].concat()
}

/// The bytes of a ClientHello in its record.
pub fn hello(name: &str) -> Vec<u8> {
    Hello::named(name, Version::Tls13, name).stream()
}

/// A record of `kind` with so many bytes.
pub fn record(kind: u8, len: usize) -> Vec<u8> {
    [&[kind, 3, 3][..], &u16::try_from(len).unwrap().to_be_bytes(), &vec![0x5a; len]].concat()
}

/// A server's answer in the version 1.3: its ServerHello, and what is encrypted.
pub fn answer() -> Vec<u8> {
    let body = [&[3, 3][..], &[7; 32], &[0, 0x13, 1, 0, 0, 6, 0, 0x2b, 0, 2, 3, 4]].concat();
    let message = [&[2, 0][..], &u16::try_from(body.len()).unwrap().to_be_bytes(), &body].concat();
    let hello = [&[22, 3, 3][..], &u16::try_from(message.len()).unwrap().to_be_bytes(), &message].concat();
    [hello, record(20, 1), record(23, 900)].concat()
}

/// The frames of one connection of a scenario (fixtures/README.md).
pub fn scenario(name: &str, port: u16, more: &str) -> Vec<Vec<u8>> {
    played(&format!(
        "[[connection]]\nclient = '10.9.0.1:{port}'\nserver = '10.9.0.2:443'\n\
         hello = {{ sni = ['{name}'] }}\n{more}\n"
    ))
}

/// The frames of a scenario's connections, in their order.
pub fn played(connections: &str) -> Vec<Vec<u8>> {
    let text = format!("start = 2026-01-01T00:00:00Z\n{connections}");
    let packets = Scenario::parse(&text).packets();
    packets.iter().map(|packet| Link::Ethernet.frame(packet, false).unwrap()).collect()
}
