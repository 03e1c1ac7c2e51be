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
