//! What opens like HTTP: `CONNECT` to a proxy, `OPTIONS` that asks for an upgrade to TLS, Gnutella's handshake.

use crate::hello::preface::row::{Memory, Preface, Step, line, name, starts};

/// Longest line of a head, in bytes with its end: tickets in `Proxy-Authorization` are long.
const MAX_LINE: usize = 16 * 1024;

/// `CONNECT` (RFC 9110 §9.3.6). A client that was refused may ask again on the same connection.
pub(super) struct Connect;

/// Phases of [`Connect`]: the request line, the fields.
const FIELDS: u8 = 1;

impl Preface for Connect {
    fn name(&self) -> &'static str {
        "http_connect"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        if memory.phase != FIELDS {
            return request(memory, bytes);
        }
        let (text, len) = match line(bytes, MAX_LINE) {
            Ok(found) => found,
            Err(step) => return step,
        };
        if text.is_empty() {
            memory.phase = 0;
            return Step::Ask(len);
        }
        let Some((field, value)) = field(text) else { return Step::No };
        if field.eq_ignore_ascii_case(b"x-forwarded-for") {
            let first = value.split(|byte| *byte == b',').next().unwrap_or_default();
            keep(&mut memory.named.source, first);
        } else if field.eq_ignore_ascii_case(b"forwarded") {
            keep(&mut memory.named.source, forwarded_for(value).unwrap_or_default());
        }
        Step::Take(len)
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        line(bytes, MAX_LINE).map_or_else(|step| step, |(_, len)| Step::Take(len))
    }

    fn carries(&self) -> bool {
        true
    }
}

/// `CONNECT host:port HTTP/1.1`.
fn request(memory: &mut Memory, bytes: &[u8]) -> Step {
    if starts(bytes, b"CONNECT ").is_none() {
        return Step::No;
    }
    let (text, len) = match line(bytes, MAX_LINE) {
        Ok(found) => found,
        Err(step) => return step,
    };
    let mut words = text.split(|byte| *byte == b' ').skip(1);
    let (Some(authority), Some(version), None) = (words.next(), words.next(), words.next()) else {
        return Step::No;
    };
    if !version.starts_with(b"HTTP/1.") {
        return Step::No;
    }
    memory.phase = FIELDS;
    memory.named.destination = name(host(authority));
    Step::Take(len)
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host(authority: &[u8]) -> &[u8] {
    let end = authority.iter().rposition(|byte| *byte == b':').unwrap_or(authority.len());
    let host = authority.get(..end).unwrap_or_default();
    host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
}

fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = text.iter().position(|byte| *byte == b':')?;
    let (field, value) = text.split_at_checked(colon)?;
    Some((field, value.get(1..).unwrap_or_default().trim_ascii()))
}

/// Keeps the first name that fits.
fn keep(slot: &mut Option<Box<str>>, bytes: &[u8]) {
    if slot.is_none() {
        *slot = name(bytes.trim_ascii());
    }
}

/// The first `for` of a `Forwarded` field (RFC 7239 §4), without quotes, brackets and port.
fn forwarded_for(value: &[u8]) -> Option<&[u8]> {
    let first = value.split(|byte| *byte == b',').next()?;
    let mut pairs = first.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let pair = pairs.find(|pair| pair.get(..4).is_some_and(|key| key.eq_ignore_ascii_case(b"for=")))?;
    let node = pair.get(4..)?;
    let node = node.strip_prefix(b"\"").and_then(|node| node.strip_suffix(b"\"")).unwrap_or(node);
    if node.starts_with(b"[") {
        return node.get(1..node.iter().position(|byte| *byte == b']')?);
    }
    node.split(|byte| *byte == b':').next()
}

/// `OPTIONS` with `Upgrade: TLS/1.x` (RFC 2817 §3.2), as printers know it.
pub(super) struct Upgrade;

/// Phases of [`Upgrade`] beyond [`FIELDS`]: the upgrade was asked for.
const ASKED: u8 = 2;

impl Preface for Upgrade {
    fn name(&self) -> &'static str {
        "http_upgrade"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        if memory.phase == 0 && starts(bytes, b"OPTIONS ").is_none() {
            return Step::No;
        }
        let (text, len) = match line(bytes, MAX_LINE) {
            Ok(found) => found,
            Err(step) => return step,
        };
        match memory.phase {
            0 if text.ends_with(b" HTTP/1.1") => memory.phase = FIELDS,
            0 => return Step::No,
            asked if text.is_empty() => {
                memory.phase = 0;
                // without the field nothing but more of HTTP will come
                return if asked == ASKED { Step::Ask(len) } else { Step::No };
            }
            _ if upgrades_to_tls(text) => memory.phase = ASKED,
            _ if field(text).is_none() => return Step::No,
            _ => {}
        }
        Step::Take(len)
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        Connect.reply(bytes)
    }
}

fn upgrades_to_tls(text: &[u8]) -> bool {
    let Some((field, value)) = field(text) else { return false };
    let tls =
        |token: &[u8]| token.trim_ascii().get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"TLS/"));
    field.eq_ignore_ascii_case(b"upgrade") && value.split(|byte| *byte == b',').any(tls)
}

/// Gnutella 0.6: the client's second head accepts the upgrade that both offered in their first.
pub(super) struct Gnutella;

/// Phases of [`Gnutella`]: first fields, second status line, second fields without and with the upgrade.
const FIRST: u8 = 1;
const STATUS: u8 = 2;
const SECOND: u8 = 3;
const ACCEPTED: u8 = 4;

impl Preface for Gnutella {
    fn name(&self) -> &'static str {
        "gnutella"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        let start: &[u8] = match memory.phase {
            0 => b"GNUTELLA CONNECT/0.",
            STATUS => b"GNUTELLA/0.6 200",
            _ => b"",
        };
        if starts(bytes, start).is_none() {
            return Step::No;
        }
        let (text, len) = match line(bytes, MAX_LINE) {
            Ok(found) => found,
            Err(step) => return step,
        };
        memory.phase = match memory.phase {
            0 => FIRST,
            STATUS => SECOND,
            FIRST if text.is_empty() => STATUS,
            ACCEPTED if text.is_empty() => {
                memory.phase = 0;
                return Step::Ask(len);
            }
            SECOND if text.is_empty() => return Step::No,
            SECOND if accepts_upgrade(text) => ACCEPTED,
            same => same,
        };
        Step::Take(len)
    }
}

fn accepts_upgrade(text: &[u8]) -> bool {
    let Some((field, value)) = field(text) else { return false };
    let upgrade = |token: &[u8]| token.trim_ascii().eq_ignore_ascii_case(b"upgrade");
    field.eq_ignore_ascii_case(b"connection") && value.split(|byte| *byte == b',').any(upgrade)
}
