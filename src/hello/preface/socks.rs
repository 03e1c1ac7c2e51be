//! SOCKS 4, 4a and 5: a request to a proxy, ahead of all that goes through it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::hello::cursor::Cursor;
use crate::hello::preface::row::{Memory, Preface, Step, name};

/// Longest user or host name in version 4, in bytes.
const MAX_TEXT: usize = 255;
/// Most methods that a client of version 5 is believed to offer.
const MAX_METHODS: u8 = 16;
/// The command that opens a connection, in both versions.
const CONNECT: u8 = 1;

/// Version 4, and 4a with a host's name.
pub(super) struct Socks4;

impl Preface for Socks4 {
    fn name(&self) -> &'static str {
        "socks4"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        let begins = matches!(bytes, [4] | [4, CONNECT, ..]);
        if memory.phase > 0 || !begins {
            return Step::No;
        }
        let mut rest = Cursor::new(bytes);
        let (Some(_), Some(port), Some(ip)) = (rest.array::<2>(), rest.u16(), rest.array::<4>()) else {
            return Step::More;
        };
        if port == 0 {
            return Step::No;
        }
        let mut len = 8;
        let tail = bytes.get(len..).unwrap_or_default();
        let (_, user) = match text(tail) {
            Ok(found) => found,
            Err(step) => return step,
        };
        len += user;
        let by_name = matches!(*ip, [0, 0, 0, last] if last > 0);
        if !by_name {
            memory.named.destination = Some(Ipv4Addr::from(*ip).to_string().into());
            memory.phase = 1;
            return Step::Ask(len);
        }
        match text(bytes.get(len..).unwrap_or_default()) {
            Ok((host, host_len)) => {
                memory.named.destination = name(host);
                memory.phase = 1;
                Step::Ask(len + host_len)
            }
            Err(step) => step,
        }
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        match bytes {
            [0, 0x5a..=0x5d, ..] if bytes.len() >= 8 => Step::Take(8),
            [] | [0] | [0, 0x5a..=0x5d, ..] => Step::More,
            _ => Step::No,
        }
    }

    fn carries(&self) -> bool {
        true
    }
}

/// A text of printable bytes that ends with NUL, and its length with that.
fn text(bytes: &[u8]) -> Result<(&[u8], usize), Step> {
    let len = bytes.iter().take(MAX_TEXT + 1).take_while(|byte| **byte >= b' ').count();
    match bytes.get(len) {
        Some(0) => Ok((bytes.get(..len).unwrap_or_default(), len + 1)),
        None if len <= MAX_TEXT => Err(Step::More),
        _ => Err(Step::No),
    }
}

/// Version 5 (RFC 1928), with or without a password (RFC 1929).
pub(super) struct Socks5;

/// Phases: the methods were offered; a password was given; the request was made.
const OFFERED: u8 = 1;
const AUTHENTICATED: u8 = 2;
const REQUESTED: u8 = 3;

impl Preface for Socks5 {
    fn name(&self) -> &'static str {
        "socks5"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        match (memory.phase, bytes) {
            (REQUESTED, _) => Step::No,
            (0, [5]) => Step::More,
            (0, [5, 1..=MAX_METHODS, ..]) => {
                memory.phase = OFFERED;
                let methods = bytes.get(1).copied().unwrap_or_default();
                take(bytes, 2 + usize::from(methods))
            }
            (OFFERED, [1, ..]) => {
                memory.phase = AUTHENTICATED;
                password(bytes).map_or(Step::More, Step::Take)
            }
            (OFFERED | AUTHENTICATED, [5, ..]) => request(memory, bytes),
            _ => Step::No,
        }
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        match bytes {
            // the answer to the request
            [5, 0..=8, 0, 1, ..] => take(bytes, 10),
            [5, 0..=8, 0, 4, ..] => take(bytes, 22),
            [5, 0..=8, 0, 3, len, ..] => take(bytes, 7 + usize::from(*len)),
            // the method that was chosen, the password's acceptance
            [5 | 1, _, 5 | 1, ..] => Step::Take(2),
            _ if bytes.len() < 5 && matches!(bytes.first(), Some(1 | 5) | None) => Step::More,
            _ => Step::No,
        }
    }

    fn carries(&self) -> bool {
        true
    }
}

fn take(bytes: &[u8], len: usize) -> Step {
    if bytes.len() < len { Step::More } else { Step::Take(len) }
}

/// Length of a user name and password; `None` where it is not whole.
fn password(bytes: &[u8]) -> Option<usize> {
    let mut rest = Cursor::new(bytes);
    rest.u8()?;
    let user = rest.vec8()?;
    let word = rest.vec8()?;
    Some(3 + user.len() + word.len())
}

/// A request: `CONNECT` to an address or a name.
fn request(memory: &mut Memory, bytes: &[u8]) -> Step {
    let head = [5, CONNECT, 0];
    if bytes.iter().zip(head).any(|(byte, want)| *byte != want) {
        return Step::No;
    }
    let Some(kind) = bytes.get(3) else { return Step::More };
    if !matches!(kind, 1 | 3 | 4) {
        return Step::No;
    }
    match destination(*kind, bytes.get(4..).unwrap_or_default()) {
        None => Step::More,
        Some((_, 0, _)) => Step::No,
        Some((destination, _, len)) => {
            memory.named.destination = destination;
            memory.phase = REQUESTED;
            Step::Ask(4 + len)
        }
    }
}

/// An address of this kind, the port behind it, and the bytes of both; `None` where some are missing.
fn destination(kind: u8, bytes: &[u8]) -> Option<(Option<Box<str>>, u16, usize)> {
    let mut rest = Cursor::new(bytes);
    let (destination, len) = match kind {
        1 => (Some(Ipv4Addr::from(*rest.array::<4>()?).to_string().into()), 4),
        4 => (Some(Ipv6Addr::from(*rest.array::<16>()?).to_string().into()), 16),
        _ => {
            let host = rest.vec8()?;
            (name(host), 1 + host.len())
        }
    };
    Some((destination, rest.u16()?, len + 2))
}
