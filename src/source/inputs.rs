//! From what was typed behind `-r` to the list of captures.
//!
//! A typed input is a file, a directory (the captures in it), `-` (standard input), or one of these behind
//! `NODE=`, which names the vantage point.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::Error;

use super::input::{Input, Kind, Signs};

#[cfg(test)]
mod tests;

/// A capture to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureFile {
    /// The vantage point's name, where one was typed.
    pub node: Option<String>,
    /// The file; `-` is standard input.
    pub path: PathBuf,
}

/// The captures that the typed inputs mean, in that order; a directory's are sorted by name.
///
/// # Errors
/// A directory that cannot be read or holds no capture; standard input named twice. Whether a file exists
/// is seen when it is opened.
pub fn resolve(typed: &[PathBuf]) -> Result<Vec<CaptureFile>, Error> {
    let mut files = Vec::new();
    for typed in typed {
        let (node, path) = split(typed);
        if path.is_dir() {
            let captures = captures_in(&path)?;
            files.extend(captures.into_iter().map(|path| CaptureFile { node: node.clone(), path }));
        } else {
            files.push(CaptureFile { node, path });
        }
    }
    if files.iter().filter(|file| file.path.as_os_str() == "-").count() > 1 {
        return Err(Error::Usage("standard input (-) can be read once only".to_owned()));
    }
    make_room(files.len());
    Ok(files)
}

/// Descriptors that a run needs beside its captures.
const BESIDE: u64 = 64;

/// All captures are open at once, for they are merged: many need more descriptors than shells allow (`ulimit -Sn`), but
/// seldom more than the system does (`ulimit -Hn`). What cannot be opened is told then.
fn make_room(files: usize) {
    let needed = (files as u64).saturating_add(BESIDE);
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < needed
    {
        _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Descriptors that captures cannot take: drop it to open what must be open beside them.
pub fn reserve() -> Vec<fs::File> {
    (0..RESERVE).map_while(|_| fs::File::open("/dev/null").ok()).collect()
}

/// Outputs, their flush, and what the system's own libraries open.
const RESERVE: usize = 8;

/// A typed input as it stands, a directory included.
pub fn typed(typed: &Path) -> CaptureFile {
    let (node, path) = split(typed);
    CaptureFile { node, path }
}

/// Takes `NODE=` off, unless a file has this whole name or the part ahead of `=` is a path.
fn split(typed: &Path) -> (Option<String>, PathBuf) {
    let whole = (None, typed.to_path_buf());
    let Some((node, file)) = typed.to_str().and_then(|text| text.split_once('=')) else {
        return whole;
    };
    if node.is_empty() || node.contains('/') || file.is_empty() || typed.exists() {
        return whole;
    }
    (Some(node.to_owned()), PathBuf::from(file))
}

/// The captures in a directory, sorted by name; other files in it are passed over.
fn captures_in(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Io { action: "cannot read", path: directory.to_path_buf(), source };
    let mut captures = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // A named pipe would hang, a directory is not searched.
        if path.is_file() && is_capture(&path) {
            captures.push(path);
        }
    }
    if captures.is_empty() {
        let problem = "no capture file in this directory".to_owned();
        return Err(Error::Capture { path: directory.to_path_buf(), problem });
    }
    captures.sort();
    Ok(captures)
}

/// Whether a file begins like a capture. One that cannot be opened stays in: that is told when it is read.
fn is_capture(path: &Path) -> bool {
    match Input::open(path, &Signs::default()) {
        Ok(input) => input.kind() != Kind::Other,
        Err(Error::Io { .. }) => true,
        Err(_) => false,
    }
}
