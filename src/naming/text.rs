//! A server name's bytes as text, and what is odd about them before anyone asks what the name means.
//!
//! A name comes from a stranger: the text holds printable ASCII only. Other bytes, and the backslash itself,
//! become `\xNN`, so that different names stay different.

use std::net::{Ipv6Addr, SocketAddr};

use crate::model::name::{Flag, Flags};

/// Longest `host_name` in bytes that TLS libraries accept (`BoringSSL`, which Envoy is built on).
pub const MAX_BYTES: usize = 255;
/// Longest DNS label in bytes (RFC 1035 §2.3.4).
pub const MAX_LABEL: usize = 63;

/// The name as sent, made printable.
pub fn escape(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.iter().all(|byte| is_plain(*byte)) => text.to_owned(),
        _ => bytes.iter().fold(String::with_capacity(bytes.len()), |mut out, byte| {
            push(&mut out, *byte);
            out
        }),
    }
}

/// The name for comparing and grouping: lower-cased, without one trailing dot, made printable.
pub fn normal(bytes: &[u8]) -> String {
    let mut text = escape(undotted(bytes));
    text.make_ascii_lowercase();
    text
}

/// The bytes that [`escape`] made `text` of: `\xNN` is one byte, all else stands for itself.
///
/// For names that a user copies from the output; a backslash that begins no such group is kept.
pub fn unescape(text: &(impl AsRef<[u8]> + ?Sized)) -> Vec<u8> {
    let mut rest = text.as_ref();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((&byte, tail)) = rest.split_first() {
        if let (b'\\', [b'x', high, low, after @ ..]) = (byte, tail)
            && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
        {
            out.push(high << 4 | low);
            rest = after;
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    out
}

/// What is odd about a name's bytes, at least one; and whether they are its text as they stand: printable, in
/// lower case, without a trailing dot.
pub(super) fn faults(bytes: &[u8]) -> (Flags, bool) {
    let body = undotted(bytes);
    let look = Look::at(body);
    let empty = look.double_dot || body.first() == Some(&b'.') || body.last() == Some(&b'.');
    let address = is_dotted_quad(body) || (look.colon && is_address(body));
    let mut flags = Flags::default();
    flags.set_if(look.upper, Flag::Case);
    flags.set_if(bytes.last() == Some(&b'.'), Flag::TrailingDot);
    flags.set_if(empty, Flag::EmptyLabel);
    flags.set_if(bytes.len() > MAX_BYTES, Flag::TooLong);
    flags.set_if(look.odd, Flag::BadChars);
    flags.set_if(!empty && address, Flag::Ip);
    flags.set_if(has_long_label(body), Flag::LongLabel);
    (flags, !(look.upper || look.escaped) && body.len() == bytes.len())
}

/// Questions about all bytes of a name. Every hello asks them: in this form the compiler answers them sixteen
/// bytes at a time.
#[expect(clippy::struct_excessive_bools, reason = "answers to independent questions")]
struct Look {
    upper: bool,
    /// Not printable, or a blank.
    odd: bool,
    /// Not its own text: see [`escape`].
    escaped: bool,
    colon: bool,
    double_dot: bool,
}

impl Look {
    fn at(body: &[u8]) -> Self {
        let (mut upper, mut odd, mut backslash, mut colon) = (0, 0, 0, 0);
        for byte in body {
            upper |= u8::from(byte.is_ascii_uppercase());
            odd |= u8::from(!byte.is_ascii_graphic());
            backslash |= u8::from(*byte == b'\\');
            colon |= u8::from(*byte == b':');
        }
        let escaped = backslash > 0 || (odd > 0 && !body.iter().copied().all(is_plain));
        let pairs = body.iter().zip(body.get(1..).unwrap_or_default());
        let double = pairs.fold(0, |found, (a, b)| found | u8::from(*a == b'.' && *b == b'.'));
        Self { upper: upper > 0, odd: odd > 0, escaped, colon: colon > 0, double_dot: double > 0 }
    }
}

/// True if a label has more than [`MAX_LABEL`] bytes: goes from dot to dot in steps as long as can be.
fn has_long_label(mut body: &[u8]) -> bool {
    while let Some(window) = body.get(..=MAX_LABEL) {
        let Some(dot) = window.iter().rposition(|byte| *byte == b'.') else { return true };
        body = body.get(dot + 1..).unwrap_or_default();
    }
    false
}

/// True where a name with these faults is none: no scheme may read it.
pub(super) fn is_fatal(flags: Flags) -> bool {
    [Flag::EmptyLabel, Flag::TooLong, Flag::Ip].into_iter().any(|flag| flags.has(flag))
}

/// Four labels of one to three digits.
fn is_dotted_quad(body: &[u8]) -> bool {
    const LONGEST: usize = "255.255.255.255".len();
    if body.len() > LONGEST || !body.last().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let mut labels = body.split(|byte| *byte == b'.');
    let numeric = |label: &[u8]| label.len() <= 3 && label.iter().all(u8::is_ascii_digit);
    (0..4).all(|_| labels.next().is_some_and(numeric)) && labels.next().is_none()
}

/// An IPv6 address, with or without brackets and zone, or any address with a port. (RFC 6066 §3 allows none.)
fn is_address(body: &[u8]) -> bool {
    if body.len() > MAX_LABEL {
        return false;
    }
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.split_once('%').map_or(bare, |(address, _)| address);
    address.parse::<Ipv6Addr>().is_ok() || text.parse::<SocketAddr>().is_ok()
}

/// Without one trailing dot, where anything else is there.
fn undotted(bytes: &[u8]) -> &[u8] {
    match bytes {
        [body @ .., b'.'] if !body.is_empty() => body,
        _ => bytes,
    }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'\\'
}

fn push(out: &mut String, byte: u8) {
    if is_plain(byte) {
        out.push(char::from(byte));
    } else {
        out.push_str("\\x");
        out.push(hex(byte >> 4));
        out.push(hex(byte & 15));
    }
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(bytes: &[u8]) -> Vec<&'static str> {
        let (flags, clean) = faults(bytes);
        assert_eq!(clean, normal(bytes).as_bytes() == bytes);
        flags.iter().map(Flag::name).collect()
    }

    #[test]
    fn bytes_outside_printable_ascii_become_hex() {
        assert_eq!(escape(b"A b\\\x1b[\x7f\xC3."), "A b\\x5c\\x1b[\\x7f\\xc3.");
        assert_eq!(normal(b"A b\\\x1b[\x7f\xC3."), "a b\\x5c\\x1b[\\x7f\\xc3");
    }

    #[test]
    fn unescape_undoes_escape() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescape(&escape(&all)), all);
        assert_eq!(unescape("a\\x1Bb"), b"a\x1bb");
        assert_eq!(unescape("\\x1 \\y \\"), b"\\x1 \\y \\");
        assert_eq!(unescape(b"\\x00\xff"), b"\0\xff");
    }

    #[test]
    fn one_trailing_dot_goes_and_a_lone_dot_stays() {
        assert_eq!([normal(b"a."), normal(b"a.."), normal(b".")], ["a", "a.", "."]);
        assert_eq!(flags(b"a."), ["trailing_dot"]);
        assert_eq!(flags(b"."), ["trailing_dot", "empty_label"]);
        assert_eq!(flags(b"a.."), ["trailing_dot", "empty_label"]);
    }

    #[test]
    fn empty_labels_are_found_anywhere() {
        for name in [&b".a"[..], b"a..b", b"1..2.3"] {
            assert_eq!(flags(name), ["empty_label"]);
        }
        assert!(flags(b"a.b").is_empty());
    }

    #[test]
    fn lengths_are_judged_at_their_limits() {
        let label = [b'a'; 63];
        assert!(flags(&label).is_empty());
        assert_eq!(flags(&[b'a'; 64]), ["long_label"]);
        let mut name = [label; 4].join(&b'.');
        assert_eq!((name.len(), flags(&name)), (255, vec![]));
        name.insert(3, b'.');
        assert_eq!((name.len(), flags(&name)), (256, vec!["too_long"]));
    }

    #[test]
    fn addresses_are_told_from_names() {
        let addresses = ["192.0.2.7", "010.1.1.1", "2001:db8::7", "[2001:db8::7]", "fe80::1%eth0"];
        for address in addresses.into_iter().chain(["[2001:db8::7]:443", "192.0.2.7:443", "::"]) {
            assert_eq!(flags(address.as_bytes()), ["ip"], "{address}");
        }
        for name in ["shop.example:443", "1.2.3", "1.2.3.4.5", "1.2.3.d", "1.2.3.4444", "a:b"] {
            assert!(flags(name.as_bytes()).is_empty(), "{name}");
        }
    }

    #[test]
    fn case_and_odd_characters_are_flagged() {
        assert_eq!(flags(b"Shop.example"), ["case"]);
        assert_eq!(flags(b"sh op.example"), ["bad_chars"]);
        assert_eq!(flags(b"caf\xc3\xa9.Example."), ["case", "trailing_dot", "bad_chars"]);
        assert!(flags(b"a/b_c|d{e=f}~g").is_empty());
    }

    #[test]
    fn only_what_is_no_name_is_fatal() {
        let fatal = |name: &[u8]| is_fatal(faults(name).0);
        assert!(fatal(b"a..b") && fatal(b"192.0.2.7") && fatal(&[b'a'; 256]));
        assert!(!fatal(b"A b.") && !fatal(&[b'a'; 64]));
    }
}
