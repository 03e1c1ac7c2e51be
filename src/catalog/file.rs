//! Answers of the catalog that were saved, one or several behind each other.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Deserializer, Value};

use crate::catalog::answer;
use crate::error::Error;
use crate::model::directory::Directory;

/// Largest file in bytes: a catalog of some hundred thousand instances.
const MAX_BYTES: u64 = 256 << 20;

/// Reads a file.
///
/// # Errors
/// As [`crate::catalog::Catalog::open`].
pub fn read(path: &Path) -> Result<Directory, Error> {
    let failed =
        |source: io::Error| Error::Io { action: "cannot read --catalog", path: path.to_owned(), source };
    let refused = |problem: &str| Error::Usage(format!("--catalog {}: {problem}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused(&format!("larger than {} MiB", MAX_BYTES >> 20)));
    }
    understand(&bytes).map_err(|problem| refused(&problem))
}

/// Reads the content of a file.
pub(super) fn understand(bytes: &[u8]) -> Result<Directory, String> {
    let mut directory = Directory::default();
    let mut answers = 0;
    for value in Deserializer::from_slice(bytes).into_iter::<Value>() {
        let value = value.map_err(|error| format!("no JSON: {error}"))?;
        answer::add(value, &mut directory)?;
        answers += 1;
    }
    if answers == 0 {
        return Err("empty; an answer of /v1/catalog/nodes or /v1/catalog/service/NAME is due".to_owned());
    }
    Ok(directory)
}
