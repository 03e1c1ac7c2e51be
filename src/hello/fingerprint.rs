//! Fingerprints of a ClientHello, JA3 and JA4, and of a ServerHello, JA3S.
//!
//! JA3 (Salesforce) is the MD5 of version, ciphers, extensions, groups and point formats in the order of the
//! hello. JA4 (`FoxIO`, BSD 3-Clause) sorts ciphers and extensions, so that a shuffled hello keeps its
//! fingerprint. Both leave GREASE values (RFC 8701) out.

use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::hello::cursor::Cursor;
use crate::hello::extensions::{ALPN, Extensions, SERVER_NAME};
use crate::hello::record::MESSAGE_HEADER;
use crate::hello::server::is_early_draft;
use crate::model::hello::{Fingerprints, Hello, Sni, Version};

/// `supported_groups`, RFC 8422 §5.1.1.
const GROUPS: u16 = 10;
/// `ec_point_formats`, RFC 8422 §5.1.2.
const POINT_FORMATS: u16 = 11;
/// `signature_algorithms`, RFC 8446 §4.2.3.
const SIGNATURE_ALGORITHMS: u16 = 13;

/// The hello's lists, GREASE left out.
#[derive(Default)]
struct Lists {
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    groups: Vec<u16>,
    formats: Vec<u8>,
    signatures: Vec<u16>,
}

/// Both fingerprints of a hello; `letter` is JA4's word for what carried it: `t` TCP, `q` QUIC, `d` DTLS.
pub fn fingerprints(hello: &Hello<'_>, letter: char) -> Fingerprints {
    let lists = Lists::read(hello).unwrap_or_default();
    Fingerprints { ja3: ja3(hello, &lists), ja4: ja4(hello, &lists, letter) }
}

impl Lists {
    fn read(hello: &Hello<'_>) -> Option<Self> {
        let mut cursor = Cursor::new(hello.message.get(MESSAGE_HEADER..)?);
        cursor.array::<34>()?;
        cursor.vec8()?;
        if hello.legacy_version.is_dtls() {
            cursor.vec8()?; // cookie
        }
        let ciphers = numbers(cursor.vec16()?);
        cursor.vec8()?;
        let mut lists = Self { ciphers, ..Self::default() };
        if cursor.u16().is_none() {
            return Some(lists);
        }
        for extension in Extensions::new(cursor.rest()) {
            if is_grease(extension.kind) {
                continue;
            }
            lists.extensions.push(extension.kind);
            let mut body = Cursor::new(extension.body.unwrap_or_default());
            match extension.kind {
                GROUPS => lists.groups = body.vec16().map(numbers).unwrap_or_default(),
                POINT_FORMATS => lists.formats = body.vec8().map(Vec::from).unwrap_or_default(),
                SIGNATURE_ALGORITHMS => lists.signatures = body.vec16().map(numbers).unwrap_or_default(),
                _ => {}
            }
        }
        Some(lists)
    }
}

fn numbers(list: &[u8]) -> Vec<u16> {
    let (pairs, _) = list.as_chunks::<2>();
    pairs.iter().map(|pair| u16::from_be_bytes(*pair)).filter(|number| !is_grease(*number)).collect()
}

/// JA3S (Salesforce) of a ServerHello's body: the MD5 of version, cipher and extensions in their order, GREASE
/// included. `None` where the fixed part is broken.
pub(crate) fn ja3s(body: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(body);
    let version = cursor.u16()?;
    cursor.array::<32>()?;
    if !is_early_draft(Version(version)) {
        cursor.vec8()?;
    }
    let cipher = cursor.u16()?;
    if !is_early_draft(Version(version)) {
        cursor.u8()?;
    }
    let mut text = format!("{version},{cipher},");
    if cursor.u16().is_some() {
        let extensions: Vec<u16> = Extensions::new(cursor.rest()).map(|it| it.kind).collect();
        join(&mut text, &extensions, '-', |text, number| _ = write!(text, "{number}"));
    }
    Some(hex(&Md5::digest(text)))
}

/// `0x?a?a` with equal bytes (RFC 8701 §2).
fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

fn ja3(hello: &Hello<'_>, lists: &Lists) -> String {
    let mut text = hello.legacy_version.0.to_string();
    for list in [&lists.ciphers, &lists.extensions, &lists.groups] {
        text.push(',');
        join(&mut text, list, '-', |text, number| _ = write!(text, "{number}"));
    }
    text.push(',');
    join(&mut text, &lists.formats, '-', |text, number| _ = write!(text, "{number}"));
    hex(&Md5::digest(text))
}

fn ja4(hello: &Hello<'_>, lists: &Lists, letter: char) -> String {
    let mut text = String::with_capacity(36);
    text.push(letter);
    text.push_str(version(hello.offered));
    text.push(if matches!(hello.sni, Sni::Absent) { 'i' } else { 'd' });
    _ = write!(text, "{:02}{:02}", lists.ciphers.len().min(99), lists.extensions.len().min(99));
    alpn(&mut text, hello.alpn);
    let mut ciphers = lists.ciphers.clone();
    ciphers.sort_unstable();
    let mut extensions = lists.extensions.clone();
    extensions.retain(|kind| *kind != SERVER_NAME && *kind != ALPN);
    extensions.sort_unstable();
    text.push('_');
    text.push_str(&short_hash(&hex_list(&ciphers)));
    text.push('_');
    let mut rest = hex_list(&extensions);
    if !lists.signatures.is_empty() {
        rest.push('_');
        rest.push_str(&hex_list(&lists.signatures));
    }
    text.push_str(&if extensions.is_empty() { short_hash("") } else { short_hash(&rest) });
    text
}

fn version(offered: Version) -> &'static str {
    match offered.0 {
        0x0300 => "s3",
        0x0301 => "10",
        0x0302 => "11",
        0x0303 => "12",
        0x0304 => "13",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of the first protocol; of its hexadecimal form where either is not alphanumeric.
fn alpn(text: &mut String, list: Option<&[u8]>) {
    let first = list.and_then(|list| Cursor::new(list).vec8()).unwrap_or_default();
    match (first.first(), first.last()) {
        (Some(head), Some(tail)) if head.is_ascii_alphanumeric() && tail.is_ascii_alphanumeric() => {
            text.push(char::from(*head));
            text.push(char::from(*tail));
        }
        (Some(head), Some(tail)) => _ = write!(text, "{:x}{:x}", head >> 4, tail & 15),
        _ => text.push_str("00"),
    }
}

fn hex_list(list: &[u16]) -> String {
    let mut text = String::with_capacity(list.len() * 5);
    join(&mut text, list, ',', |text, number| _ = write!(text, "{number:04x}"));
    text
}

/// Twelve hexadecimal digits of the SHA-256; zeros for an empty list.
fn short_hash(text: &str) -> String {
    if text.is_empty() {
        return "0".repeat(12);
    }
    let mut digits = hex(&Sha256::digest(text));
    digits.truncate(12);
    digits
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        _ = write!(text, "{byte:02x}");
    }
    text
}

fn join<T>(text: &mut String, list: &[T], separator: char, put: impl Fn(&mut String, &T)) {
    for (place, item) in list.iter().enumerate() {
        if place > 0 {
            text.push(separator);
        }
        put(text, item);
    }
}

#[cfg(test)]
mod tests;
