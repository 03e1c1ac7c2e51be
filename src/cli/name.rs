//! Names and name patterns as typed.

use regex::Regex;

use crate::error::Error;

/// Named groups that a `--name-pattern` may have: the texts of a record's `mesh` object.
const GROUPS: [&str; 8] =
    ["service", "subset", "namespace", "partition", "datacenter", "dc", "peer", "trust_domain"];

/// Checks a `--name-pattern`: a regular expression with at least one of the known named groups.
///
/// # Errors
/// [`Error::Usage`] with the pattern and the reason.
pub(crate) fn checked_pattern(pattern: String) -> Result<String, Error> {
    let regex =
        Regex::new(&pattern).map_err(|error| Error::Usage(format!("--name-pattern '{pattern}': {error}")))?;
    let groups: Vec<&str> = regex.capture_names().flatten().collect();
    let reason = match groups.iter().find(|group| !GROUPS.contains(group)) {
        Some(group) => format!("no group `{group}`"),
        None if groups.is_empty() => "no named group (?<NAME>...)".to_string(),
        None => return Ok(pattern),
    };
    let known = GROUPS.join(", ");
    Err(Error::Usage(format!("--name-pattern '{pattern}': {reason}; groups are {known}")))
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
