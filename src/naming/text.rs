//! A server name's bytes as text, and what is odd about them before anyone asks what the name means.
//!
//! A name comes from a stranger: the text holds printable ASCII only. Other bytes, and the backslash itself,
//! become `\xNN`, so that different names stay different.

use std::net::{Ipv6Addr, SocketAddr};

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

/// What is odd about a name's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    found: [Option<&'static str>; 7],
}

impl Faults {
    /// The flags of the faults, in a fixed order.
    pub(super) fn flags(self) -> impl Iterator<Item = &'static str> {
        self.found.into_iter().flatten()
    }

    /// True where the name is none: no scheme may read it.
    pub(super) fn fatal(self) -> bool {
        self.flags().any(|flag| matches!(flag, "empty_label" | "too_long" | "ip"))
    }
}

/// Looks at a name as sent, at least one byte.
pub(super) fn faults(bytes: &[u8]) -> Faults {
    let body = undotted(bytes);
    let mut longest = 0;
    let mut empty = false;
    let (mut labels, mut numeric) = (0, 0);
    for label in body.split(|byte| *byte == b'.') {
        labels += 1;
        longest = longest.max(label.len());
        empty |= label.is_empty();
        numeric += usize::from(label.len() <= 3 && label.iter().all(u8::is_ascii_digit));
    }
    let address = (labels == 4 && numeric == 4) || is_address(body);
    let tests = [
        (body.iter().any(u8::is_ascii_uppercase), "case"),
        (bytes.ends_with(b"."), "trailing_dot"),
        (empty, "empty_label"),
        (bytes.len() > MAX_BYTES, "too_long"),
        (!body.iter().all(u8::is_ascii_graphic), "bad_chars"),
        (address && !empty, "ip"),
        (longest > MAX_LABEL, "long_label"),
    ];
    Faults { found: tests.map(|(odd, flag)| odd.then_some(flag)) }
}

/// An IPv6 address, with or without brackets and zone, or any address with a port. (RFC 6066 §3 allows none.)
fn is_address(body: &[u8]) -> bool {
    if body.len() > MAX_LABEL || !body.contains(&b':') {
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
        faults(bytes).flags().collect()
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
        let fatal = |name: &[u8]| faults(name).fatal();
        assert!(fatal(b"a..b") && fatal(b"192.0.2.7") && fatal(&[b'a'; 256]));
        assert!(!fatal(b"A b.") && !fatal(&[b'a'; 64]));
    }
}
