//! Databases whose clients ask for TLS with a short binary message: `PostgreSQL`, `MySQL`, LDAP.

use crate::hello::cursor::Cursor;
use crate::hello::preface::row::{Memory, Preface, Step, starts};

/// `SSLRequest` of the frontend protocol.
pub(super) struct PostgreSql;

/// Length 8, code 80877103.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
/// Length 8, code 80877104: `GSSENCRequest`, which a client may try first.
const GSS_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x30];

impl Preface for PostgreSql {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn step(&self, _: &mut Memory, bytes: &[u8]) -> Step {
        match (starts(bytes, SSL_REQUEST), starts(bytes, GSS_REQUEST)) {
            (Some(true), _) => Step::Ask(SSL_REQUEST.len()),
            (_, Some(true)) => Step::Take(GSS_REQUEST.len()),
            (None, None) => Step::No,
            _ => Step::More,
        }
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        match bytes {
            [] => Step::More,
            [b'S' | b'N' | b'G', ..] => Step::Take(1),
            _ => Step::No,
        }
    }
}

/// `SSLRequest` of the client/server protocol 4.1, `MariaDB`'s too: a login message that ends ahead of its user.
pub(super) struct MySql;

/// Length of the message with its header.
const MYSQL_REQUEST: usize = 36;
/// Bit of the capabilities' second byte: `CLIENT_SSL`.
const CLIENT_SSL: u8 = 0x08;

impl Preface for MySql {
    fn name(&self) -> &'static str {
        "mysql"
    }

    fn step(&self, _: &mut Memory, bytes: &[u8]) -> Step {
        let header = [32, 0, 0, 1];
        if starts(bytes, &header).is_none() || bytes.get(5).is_some_and(|flags| flags & CLIENT_SSL == 0) {
            return Step::No;
        }
        // filler, of which MariaDB uses the last four bytes
        if bytes.iter().skip(13).take(19).any(|byte| *byte != 0) {
            return Step::No;
        }
        if bytes.len() < MYSQL_REQUEST { Step::More } else { Step::Ask(MYSQL_REQUEST) }
    }

    fn greets(&self, bytes: &[u8]) -> bool {
        matches!(bytes, [_, _, 0, 0, 10, b'0'..=b'9', ..])
    }
}

/// The extended operation `StartTLS` (RFC 4511 §4.14).
pub(super) struct Ldap;

const SEQUENCE: u8 = 0x30;
/// Shortest and longest message that is passed over, in bytes without its tag and length.
const MIN_MESSAGE: usize = 5;
const MAX_MESSAGE: usize = 16 * 1024;
/// Messages after which a client will not ask for TLS any more.
const MAX_MESSAGES: u8 = 8;
/// Tags of the operations that may stand ahead: bind, search, extended, abandon.
const OPERATIONS: &[u8] = &[0x60, 0x63, EXTENDED, 0x50];
const EXTENDED: u8 = 0x77;
/// The request's name.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

impl Preface for Ldap {
    fn name(&self) -> &'static str {
        "ldap"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        if bytes.first().is_some_and(|tag| *tag != SEQUENCE) || memory.phase >= MAX_MESSAGES {
            return Step::No;
        }
        let (head, len) = match extent(bytes) {
            Ok(extent) => extent,
            Err(step) => return step,
        };
        let whole = bytes.len() >= head + len;
        let message = bytes.get(head..bytes.len().min(head + len)).unwrap_or_default();
        match operation(message) {
            Some(operation) if !OPERATIONS.contains(&operation) => Step::No,
            None if whole => Step::No,
            _ if !whole => Step::More,
            operation => {
                memory.phase += 1;
                let asks = operation == Some(EXTENDED) && names_start_tls(message);
                if asks { Step::Ask(head + len) } else { Step::Take(head + len) }
            }
        }
    }
}

/// Bytes of a BER value's tag and length, and of what follows them.
fn extent(bytes: &[u8]) -> Result<(usize, usize), Step> {
    let Some(first) = bytes.get(1) else { return Err(Step::More) };
    let (head, len) = match first {
        0..=0x7f => (2, usize::from(*first)),
        0x81..=0x84 => {
            let head = 2 + usize::from(first & 0x7f);
            let Some(number) = bytes.get(2..head) else { return Err(Step::More) };
            (head, number.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)))
        }
        _ => return Err(Step::No),
    };
    if (MIN_MESSAGE..=MAX_MESSAGE).contains(&len) { Ok((head, len)) } else { Err(Step::No) }
}

/// The tag of a message's operation; `None` where it is not there, 0 where the message is none.
fn operation(message: &[u8]) -> Option<u8> {
    let mut rest = Cursor::new(message);
    let tag = rest.u8()?;
    let len = rest.u8()?;
    if tag != 2 || !(1..=4).contains(&len) {
        return Some(0);
    }
    rest.take(usize::from(len))?;
    rest.u8()
}

fn names_start_tls(message: &[u8]) -> bool {
    let named = |part: &[u8]| part.strip_prefix(&[0x80, 22]) == Some(START_TLS);
    message.windows(2 + START_TLS.len()).any(named)
}
