//! Builds fragments, records and hellos for the tests of this folder.

use crate::hello::testing::{Builder, vec16};

/// A handshake fragment of a message of `len` bytes.
pub(crate) fn fragment(kind: u8, seq: u16, len: usize, offset: usize, body: &[u8]) -> Vec<u8> {
    let three = |number: usize| u32::try_from(number).unwrap().to_be_bytes()[1..].to_vec();
    [&[kind], &three(len)[..], &seq.to_be_bytes(), &three(offset), &three(body.len()), body].concat()
}

/// A record in clear, DTLS 1.2.
pub(crate) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    sealed(kind, 0, body)
}

/// A record of an epoch, DTLS 1.2.
pub(crate) fn sealed(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0], &vec16(body)[..]].concat()
}

/// A whole message in a record of its own.
pub(crate) fn whole(kind: u8, seq: u16, body: &[u8]) -> Vec<u8> {
    record(22, &fragment(kind, seq, body.len(), 0, body))
}

/// A part of a message in a record of its own.
pub(crate) fn part(kind: u8, seq: u16, body: &[u8], from: usize, to: usize) -> Vec<u8> {
    record(22, &fragment(kind, seq, body.len(), from, &body[from..to]))
}

/// A hello's body as DTLS has it, its random made of `seed`.
pub(crate) fn hello(builder: &Builder, seed: u8, cookie: &[u8]) -> Vec<u8> {
    let mut body = builder.body();
    body[2..34].fill(seed);
    let behind = 35 + usize::from(body[34]);
    let mut out = body[..behind].to_vec();
    out.push(u8::try_from(cookie.len()).unwrap());
    out.extend_from_slice(cookie);
    out.extend_from_slice(&body[behind..]);
    out
}

/// A DTLS 1.2 hello with a name.
pub(crate) fn named(seed: u8, cookie: &[u8]) -> Vec<u8> {
    hello(&Builder::new().version(0xfefd).sni("a.example").alpn(&["coap"]), seed, cookie)
}
