//! Names and name patterns as typed.

use crate::error::Error;
use crate::naming::custom::Pattern;

/// Checks a `--name-pattern` before the first packet.
///
/// # Errors
/// [`Error::Usage`] with the pattern and the reason.
pub(crate) fn checked_pattern(pattern: String) -> Result<String, Error> {
    match Pattern::compile(&pattern) {
        Ok(_) => Ok(pattern),
        Err(reason) => Err(Error::Usage(format!("--name-pattern '{pattern}': {reason}"))),
    }
}

/// Turns each `\xNN` into its byte, so that a name can be copied from a record; all else stays.
pub(crate) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match rest {
            [b'\\', b'x', high, low, tail @ ..] => {
                hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| (high << 4 | low, tail))
            }
            _ => None,
        };
        let (byte, tail) = escaped.unwrap_or((first, tail));
        bytes.push(byte);
        rest = tail;
    }
    bytes
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
