//! The packet filter as typed: words, `-f` or a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::cli::options::InputOptions;
use crate::error::Error;

/// The one filter that was typed; `None` for none.
///
/// # Errors
/// More than one was typed, or the file cannot be read.
pub(crate) fn filter(input: &InputOptions) -> Result<Option<String>, Error> {
    let words = (!input.words.is_empty()).then(|| input.words.join(" "));
    match (words, &input.filter, &input.filter_file) {
        (None, None, Some(path)) => read_filter(path).map(Some),
        (None, Some(text), None) => Ok(Some(text.clone())),
        (words, None, None) => Ok(words),
        _ => Err(Error::Usage("more than one filter: give the words, -f or -F".to_string())),
    }
}

/// Largest filter file in bytes: far above any filter that compiles, so that a device node is no trap.
const FILTER_CAP: u64 = 1 << 20;

/// The whole file is the expression; a comment runs from `#` to the end of its line.
fn read_filter(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Io { action: "cannot read filter file", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILTER_CAP + 1).read_to_end(&mut bytes)).map_err(failed)?;
    let name = path.display();
    if bytes.len() as u64 > FILTER_CAP {
        return Err(Error::Usage(format!("filter file {name}: larger than 1 MiB")));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Error::Usage(format!("filter file {name}: not text")));
    };
    let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(code, _)| code).trim());
    Ok(lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "))
}
