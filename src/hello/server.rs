//! Fields of a ServerHello (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3), of TLS 1.3's drafts too.

use crate::hello::cursor::Cursor;
use crate::hello::extensions::{
    ALPN, Extensions, KEY_SHARE, KEY_SHARE_DRAFT, PRE_SHARED_KEY, SUPPORTED_VERSIONS, protocol_names,
};
use crate::hello::names;
use crate::model::hello::{ServerHello, SessionId, Version};

/// Handshake type of a ServerHello, and of a HelloRetryRequest since draft 22.
pub(crate) const SERVER_HELLO: u8 = 2;

/// Handshake type of a HelloRetryRequest before draft 22.
pub(crate) const HELLO_RETRY_DRAFT: u8 = 6;

/// Largest body that is read, in bytes.
pub(crate) const MAX_BODY: u32 = 16 * 1024;

/// The random that makes a HelloRetryRequest of a ServerHello: SHA-256 of "HelloRetryRequest"
/// (RFC 8446 §4.1.3).
pub(crate) const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What a message of type [`SERVER_HELLO`] is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Hello(ServerHello),
    Retry,
}

/// Reads the body of a message, its four-byte header taken off; `None` where the fixed part is broken.
pub(crate) fn read(body: &[u8]) -> Option<Answer> {
    read_if(body, |legacy| legacy.0 >> 8 == 3 || is_early_draft(legacy))
}

/// Reads the body of a DTLS message.
pub(crate) fn read_dtls(body: &[u8]) -> Option<Answer> {
    read_if(body, Version::is_dtls)
}

fn read_if(body: &[u8], known: impl Fn(Version) -> bool) -> Option<Answer> {
    let mut cursor = Cursor::new(body);
    let legacy = Version(cursor.u16()?);
    let random = cursor.array::<32>()?;
    let draft = is_early_draft(legacy);
    if !known(legacy) {
        return None;
    }
    let session_id = if draft { &[][..] } else { cursor.vec8().filter(|id| id.len() <= 32)? };
    let cipher = cursor.u16()?;
    if !draft {
        cursor.u8()?; // compression method
    }
    if *random == RETRY_RANDOM {
        return Some(Answer::Retry);
    }
    let mut hello = ServerHello {
        version: legacy,
        cipher,
        cipher_name: names::cipher(cipher),
        session_id: SessionId::new(session_id),
        ..ServerHello::default()
    };
    let mut rest = cursor;
    let block = cursor.vec16().or_else(|| rest.rest().get(2..)).unwrap_or_default();
    extend(&mut hello, block);
    Some(Answer::Hello(hello))
}

/// Drafts before 22 had the chosen version in the legacy field, no session id and no compression method.
pub(crate) fn is_early_draft(version: Version) -> bool {
    matches!(version.0, 0x7f00..=0x7f15)
}

/// Takes over what the extensions say; of several with one number the first.
fn extend(hello: &mut ServerHello, block: &[u8]) {
    let mut found = [None; 5];
    let [versions, share, share_draft, psk, alpn] = &mut found;
    for extension in Extensions::new(block) {
        let slot: &mut Option<Option<&[u8]>> = match extension.kind {
            SUPPORTED_VERSIONS => versions,
            KEY_SHARE => share,
            KEY_SHARE_DRAFT => share_draft,
            PRE_SHARED_KEY => psk,
            ALPN => alpn,
            _ => continue,
        };
        slot.get_or_insert(extension.body);
    }
    let [versions, share, share_draft, psk, alpn] = found.map(Option::flatten);
    if let Some(&[high, low]) = versions {
        hello.version = Version(u16::from_be_bytes([high, low]));
    }
    if hello.version.is_13() {
        hello.curve = share.or(share_draft).and_then(|body| names::group(Cursor::new(body).u16()?));
        hello.psk = psk.is_some();
    }
    hello.alpn = alpn.and_then(chosen_protocol).map(Into::into);
}

/// The name in a server's ALPN extension, which holds exactly one (RFC 7301 §3.1).
fn chosen_protocol(body: &[u8]) -> Option<&[u8]> {
    let mut names = Cursor::new(protocol_names(body)?);
    names.vec8().filter(|_| names.is_empty())
}

#[cfg(test)]
mod tests;
