//! Name patterns as typed.

use crate::error::Error;
use crate::naming::custom::Pattern;

/// Compiles a `--name-pattern`.
///
/// # Errors
/// [`Error::Usage`] with the pattern and the reason.
pub(crate) fn name_pattern(typed: &str) -> Result<Pattern, Error> {
    Pattern::compile(typed).map_err(|why| Error::Usage(format!("--name-pattern '{typed}': {why}")))
}

/// A datacenter's name as records have it.
pub(crate) fn datacenter(typed: &str) -> Result<String, Error> {
    let is_label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if typed.is_empty() || !typed.bytes().all(is_label) {
        return Err(Error::Usage(format!("--local-dc '{typed}': not a datacenter's name such as dc1")));
    }
    Ok(typed.to_ascii_lowercase())
}
