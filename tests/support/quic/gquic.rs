//! Google QUIC with a CHLO in clear: messages, headers, hashes.

use super::super::hello::{Hello, unescape};
use super::Player;
use super::seal::Version;

/// A CHLO with the hello's name, padded to `len` bytes.
pub fn chlo(hello: &Hello, len: usize) -> Vec<u8> {
    let name = hello.sni.as_ref().and_then(|names| names.first()).map(|name| unescape(name));
    let mut values = vec![(*b"PAD\0", Vec::new())];
    values.extend(name.map(|name| (*b"SNI\0", name)));
    values.push((*b"VER\0", b"Q043".to_vec()));
    values.push((*b"NONC", hello.random()));
    let others: usize = values.iter().map(|(_, value)| 8 + value.len()).sum();
    values[0].1 = vec![b'-'; len - 8 - others];
    let mut out = [&b"CHLO"[..], &(values.len() as u16).to_le_bytes(), &[0, 0]].concat();
    let mut end = 0;
    for (tag, value) in &values {
        end += value.len() as u32;
        out.extend([&tag[..], &end.to_le_bytes()].concat());
    }
    out.extend(values.into_iter().flat_map(|(_, value)| value));
    out
}

/// A packet in clear: header, hash, frames.
fn clear(header: &[u8], frames: &[u8], sender: &[u8]) -> Vec<u8> {
    let prime: u128 = (1 << 88) + 0x13b;
    let all = header.iter().chain(frames).chain(sender);
    let basis = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    let hash: u128 = all.fold(basis, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(prime));
    [header, &hash.to_le_bytes()[..12], frames].concat()
}

/// A STREAM frame of the handshake's stream.
fn stream(offset: u16, bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u16).to_be_bytes();
    if offset == 0 {
        return [&[0xa0, 1][..], &length, bytes].concat();
    }
    [&[0xa4, 1][..], &offset.to_be_bytes(), &length, bytes].concat()
}

/// The whole connection.
pub fn play(player: &mut Player<'_>, hello: &Hello) {
    let id = player.bytes("connection id", 8);
    let public = player.quic.version == Version::Q043;
    let version = player.quic.version.number().to_be_bytes();
    let client = |number: u8| {
        if public {
            [&[0x09][..], &id, &version, &[number]].concat()
        } else {
            [&[0xc3][..], &version, &[0x50], &id, &[0, 0, 0, number]].concat()
        }
    };
    let server = |number: u8| {
        if public {
            [&[0x08][..], &id, &[number]].concat()
        } else {
            [&[0xc3][..], &version, &[0x05], &id, &[0, 0, 0, number]].concat()
        }
    };
    let pad = |mut frames: Vec<u8>| {
        frames.resize(1150, 0);
        frames
    };
    let hello = chlo(hello, 1024);
    player.send(true, clear(&client(1), &pad(stream(0, &hello)), b"Client"));
    if player.connection.retransmits > 0 {
        player.wait(1000.0);
        player.send(true, clear(&client(2), &pad(stream(0, &hello)), b"Client"));
        return;
    }
    player.wait(1.0);
    player.send(false, clear(&server(1), &stream(0, b"REJ\0\x01\0\0\0STK\0\0\0\0\0"), b"Server"));
    player.wait(0.5);
    player.send(true, clear(&client(2), &pad(stream(1024, &hello)), b"Client"));
    player.wait(player.connection.latency());
    let nonce = player.bytes("nonce", 400);
    player.send(
        false,
        if public { [&[0x0c][..], &id, &nonce].concat() } else { [&[0x40][..], &nonce].concat() },
    );
    player.wait(0.3);
    let data = player.bytes("data", 90);
    player.send(true, [&[if public { 0x08 } else { 0x40 }][..], &id, &data].concat());
}
