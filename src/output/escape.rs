//! A stranger's text on a person's screen: every byte that is not printable ASCII becomes `\xNN`.
//!
//! Control characters would move the cursor, bidirectional and zero-width ones would hide a name, and
//! look-alikes of other scripts would fake one. A backslash stays: names arrive with such escapes already.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// `text` without anything but printable ASCII; borrowed where it is so already.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.bytes().all(is_printable) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(Printable(text.as_bytes()).to_string())
    }
}

/// Bytes to be displayed, those that are not printable ASCII as `\xNN`.
pub(super) struct Printable<'a>(pub(super) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            if is_printable(byte) {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Space to tilde.
pub(super) fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_text_is_borrowed() {
        assert!(matches!(
            escape("currency.default.dc2\\x1b ~"),
            Cow::Borrowed("currency.default.dc2\\x1b ~")
        ));
    }

    #[test]
    fn what_moves_a_cursor_or_deceives_an_eye_is_escaped() {
        assert_eq!(escape("\x1b[2J"), "\\x1b[2J");
        assert_eq!(escape("a\r\nb\tc\0\x7f"), "a\\x0d\\x0ab\\x09c\\x00\\x7f");
        assert_eq!(escape("\u{202e}moc"), "\\xe2\\x80\\xaemoc");
        assert_eq!(escape("a\u{200b}b"), "a\\xe2\\x80\\x8bb");
        assert_eq!(escape("\u{9b}2J"), "\\xc2\\x9b2J");
        assert_eq!(escape("bücher"), "b\\xc3\\xbccher");
    }

    #[test]
    fn bytes_need_not_be_text() {
        assert_eq!(Printable(b"h2\xff\x00").to_string(), "h2\\xff\\x00");
    }
}
