//! Appends pieces of a JSON text to a byte buffer: literals whole, numbers and addresses without a formatter.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

/// Room for a record of usual size: with it, no append has to grow the buffer.
const ROOM: usize = 4096;

/// A JSON text under way.
pub(super) struct Text<'b>(pub(super) &'b mut Vec<u8>);

impl<'b> Text<'b> {
    /// Text that is appended to `out`.
    pub(super) fn new(out: &'b mut Vec<u8>) -> Self {
        out.reserve(ROOM);
        Self(out)
    }

    /// A literal of this program.
    #[expect(clippy::inline_always, reason = "a literal of known length is a few moves, not a call to copy")]
    #[inline(always)]
    pub(super) fn lit(&mut self, literal: &'static str) {
        self.0.extend_from_slice(literal.as_bytes());
    }

    /// Bytes that are JSON already.
    pub(super) fn raw(&mut self, json: &[u8]) {
        self.0.extend_from_slice(json);
    }

    /// A word of this program's tables, in quotes: it has nothing to escape.
    pub(super) fn word(&mut self, word: &'static str) {
        self.0.push(b'"');
        self.0.extend_from_slice(word.as_bytes());
        self.0.push(b'"');
    }

    /// A whole number.
    pub(super) fn number(&mut self, number: impl Into<u64>) {
        self.0.extend_from_slice(itoa::Buffer::new().format(number.into()).as_bytes());
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, value: bool) {
        self.lit(if value { "true" } else { "false" });
    }

    /// Printable ASCII in quotes: all that has to be escaped are the quote and the backslash.
    pub(super) fn escaped(&mut self, text: &str) {
        let special = text.bytes().fold(false, |found, byte| found | matches!(byte, b'"' | b'\\' | ..b' '));
        if special {
            return self.string(text);
        }
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    /// Any text, escaped.
    pub(super) fn string(&mut self, text: &str) {
        serialize(self.0, text);
    }

    /// What `Display` makes of it, escaped.
    pub(super) fn display(&mut self, value: &dyn std::fmt::Display) {
        serialize(self.0, &format_args!("{value}"));
    }

    /// The last `width` (at most 9) digits of `number`, zeros in front.
    pub(super) fn digits(&mut self, number: u32, width: usize) {
        let mut digits = [b'0'; 9];
        let mut rest = number;
        for place in digits.iter_mut().rev() {
            *place = b'0' + (rest % 10).to_le_bytes()[0];
            rest /= 10;
        }
        self.0.extend_from_slice(digits.get(9 - width.min(9)..).unwrap_or(&digits));
    }

    /// Nanoseconds as a number of milliseconds, exact, without trailing zeros.
    pub(super) fn millis(&mut self, nanos: u64) {
        self.number(nanos / 1_000_000);
        let rest = u32::try_from(nanos % 1_000_000).unwrap_or(0);
        if rest != 0 {
            self.0.push(b'.');
            self.digits(rest, 6);
            while self.0.last() == Some(&b'0') {
                self.0.pop();
            }
        }
    }

    /// An address in quotes.
    pub(super) fn address(&mut self, ip: IpAddr) {
        let IpAddr::V4(v4) = ip else {
            serialize(self.0, &ip);
            return;
        };
        let (text, len) = quoted(v4);
        self.0.extend_from_slice(text.get(..len).unwrap_or_default());
    }

    /// An address without quotes.
    pub(super) fn bare_address(&mut self, ip: IpAddr) {
        match ip {
            IpAddr::V4(v4) => {
                let (text, len) = quoted(v4);
                self.0.extend_from_slice(text.get(1..len - 1).unwrap_or_default());
            }
            // Writing to memory cannot fail.
            IpAddr::V6(v6) => drop(write!(self.0, "{v6}")),
        }
    }

    /// Bytes as a string of hexadecimal digits.
    pub(super) fn hexadecimal(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        self.0.push(b'"');
        for byte in bytes {
            self.0.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        self.0.push(b'"');
    }
}

/// An address in quotes, and the length of all.
fn quoted(v4: Ipv4Addr) -> ([u8; 17], usize) {
    let mut text = *b"\"255.255.255.255\"";
    let mut len = 1;
    let mut put = |byte: u8| {
        if let Some(place) = text.get_mut(len) {
            *place = byte;
        }
        len += 1;
    };
    for (place, octet) in v4.octets().into_iter().enumerate() {
        if place > 0 {
            put(b'.');
        }
        if octet > 99 {
            put(b'0' + octet / 100);
        }
        if octet > 9 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
    }
    put(b'"');
    (text, len)
}

/// Appends any value that serde knows.
pub(super) fn serialize<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let before = out.len();
    // Neither a buffer in memory nor these values can fail; a document stays whole even so.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fill: impl FnOnce(&mut Text<'_>)) -> String {
        let mut out = Vec::new();
        fill(&mut Text::new(&mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn milliseconds_are_exact() {
        let number = |nanos| text(|t| t.millis(nanos));
        assert_eq!(number(612_000), "0.612");
        assert_eq!(number(10_000_000_000), "10000");
        assert_eq!(number(1), "0.000001");
        assert_eq!(number(4_600_100), "4.6001");
        assert_eq!(number(0), "0");
        assert_eq!(number(u64::MAX), "18446744073709.551615");
    }

    #[test]
    fn addresses_are_as_the_standard_library_prints_them() {
        for ip in ["0.0.0.0", "255.255.255.255", "10.9.100.99", "1.10.200.7", "::1", "2001:db8::5"] {
            let parsed: IpAddr = ip.parse().unwrap();
            assert_eq!(text(|t| t.address(parsed)), format!("\"{ip}\""));
            assert_eq!(text(|t| t.bare_address(parsed)), ip);
        }
    }

    #[test]
    fn digits_keep_their_width() {
        assert_eq!(text(|t| t.digits(1_234_567_891, 9)), "234567891");
        assert_eq!(text(|t| t.digits(7, 6)), "000007");
        assert_eq!(text(|t| t.hexadecimal(&[0, 0xaf])), "\"00af\"");
    }
}
