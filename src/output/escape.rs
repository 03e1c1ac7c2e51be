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

/// Words of the program's own with those of strangers among them, such as a file's name: its own may have line ends and
/// characters beyond ASCII, so only what moves a cursor or hides text is escaped.
pub fn words(text: &str) -> Cow<'_, str> {
    if !text.contains(deceives) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if deceives(character) {
            _ = write!(clean, "{}", Printable(character.encode_utf8(&mut [0; 4]).as_bytes()));
        } else {
            clean.push(character);
        }
    }
    Cow::Owned(clean)
}

/// Controls but for a line's end; characters of no width, and those that turn the direction of writing.
fn deceives(character: char) -> bool {
    match character {
        '\n' => false,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        other => other.is_control(),
    }
}

/// Bytes to be displayed, those that are not printable ASCII as `\xNN`.
pub(super) struct Printable<'a>(pub(super) &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in self.0.chunk_by(|a, b| is_printable(*a) && is_printable(*b)) {
            match (run, std::str::from_utf8(run)) {
                ([byte], _) if !is_printable(*byte) => write!(f, "\\x{byte:02x}")?,
                (_, Ok(text)) => f.write_str(text)?,
                (_, Err(_)) => (),
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
    fn words_of_the_program_stay_and_what_moves_a_cursor_does_not() {
        assert_eq!(words("dc1 → dc2 …\n − bücher"), "dc1 → dc2 …\n − bücher");
        assert_eq!(words("\x1b[31mx\r\u{202e}y\u{9b}"), "\\x1b[31mx\\x0d\\xe2\\x80\\xaey\\xc2\\x9b");
    }

    #[test]
    fn bytes_need_not_be_text() {
        assert_eq!(Printable(b"h2\xff\x00").to_string(), "h2\\xff\\x00");
    }
}
