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
        if is_clean(text) { self.clean(text) } else { self.string(text) }
    }

    /// A text in quotes of which [`is_clean`] is known.
    #[inline]
    pub(super) fn clean(&mut self, text: &str) {
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
        self.raw(nine(number, &mut itoa::Buffer::new()).get(9 - width.min(9)..).unwrap_or_default());
    }

    /// Nanoseconds as a number of milliseconds, exact, without trailing zeros.
    pub(super) fn millis(&mut self, nanos: u64) {
        self.number(nanos / 1_000_000);
        let rest = u32::try_from(nanos % 1_000_000).unwrap_or(0);
        if rest == 0 {
            return;
        }
        let mut buffer = itoa::Buffer::new();
        let digits = nine(rest, &mut buffer).get(3..).unwrap_or_default();
        let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
        self.0.push(b'.');
        self.raw(digits.get(..end).unwrap_or_default());
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
        self.0.push(b'"');
        for byte in bytes {
            self.0.extend_from_slice(&hex(*byte));
        }
        self.0.push(b'"');
    }

    /// Eight bytes, most significant first, as a string of hexadecimal digits.
    pub(super) fn identity(&mut self, bytes: [u8; 8]) {
        let mut text = *b"\"................\"";
        if let Some(([_, digits @ ..], _)) = text.split_first_chunk_mut::<17>() {
            for (two, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
                *two = hex(byte);
            }
        }
        self.0.extend_from_slice(&text);
    }
}

/// True for printable ASCII without a quote or a backslash: JSON needs no escape in it.
pub(super) fn is_clean(text: &str) -> bool {
    !text.bytes().fold(false, |found, byte| found | matches!(byte, b'"' | b'\\' | ..b' '))
}

/// The last nine digits of a number, zeros in front.
fn nine(number: u32, buffer: &mut itoa::Buffer) -> &[u8] {
    let text = buffer.format(number % 1_000_000_000 + 1_000_000_000).as_bytes();
    text.get(1..).unwrap_or_default()
}

/// Two hexadecimal digits.
#[inline]
fn hex(byte: u8) -> [u8; 2] {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler, which refuses what is out of bounds"
    )]
    const PAIRS: [[u8; 2]; 256] = {
        let digits = b"0123456789abcdef";
        let mut pairs = [[0; 2]; 256];
        let mut byte = 0;
        while byte < 256 {
            pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
            byte += 1;
        }
        pairs
    };
    PAIRS.get(usize::from(byte)).copied().unwrap_or_default()
}

/// An octet in decimal with a dot behind it, and the length of both.
#[inline]
fn octet(octet: u8) -> ([u8; 4], usize) {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated by the compiler, which refuses what is out of bounds"
    )]
    const OCTETS: [([u8; 4], usize); 256] = {
        let mut octets = [([b'.'; 4], 0); 256];
        let mut octet = 0;
        while octet < 256 {
            let mut len = 0;
            let mut unit = if octet > 99 {
                100
            } else if octet > 9 {
                10
            } else {
                1
            };
            while unit > 0 {
                octets[octet].0[len] = b"0123456789"[octet / unit % 10];
                unit /= 10;
                len += 1;
            }
            octets[octet].1 = len + 1;
            octet += 1;
        }
        octets
    };
    OCTETS.get(usize::from(octet)).copied().unwrap_or_default()
}

/// An address in quotes, and the length of all.
fn quoted(v4: Ipv4Addr) -> ([u8; 20], usize) {
    let mut text = [b'"'; 20];
    let mut len = 1;
    for part in v4.octets() {
        let (digits, width) = octet(part);
        if let Some(place) = text.get_mut(len..len + 4) {
            place.copy_from_slice(&digits);
        }
        len += width;
    }
    // over the last dot
    if let Some(place) = text.get_mut(len - 1) {
        *place = b'"';
    }
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
        assert_eq!(text(|t| t.digits(0, 9)), "000000000");
        assert_eq!(text(|t| t.digits(999_999_999, 3)), "999");
        assert_eq!(text(|t| t.hexadecimal(&[0, 0xaf])), "\"00af\"");
        assert_eq!(
            text(|t| t.identity([0, 1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xff])),
            "\"0001234567 89abff\"".replace(' ', "")
        );
    }
}
