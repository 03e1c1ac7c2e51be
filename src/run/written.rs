//! Files that are written are emptied when they are opened: none may be read by the same run, or be another output's.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use crate::error::Error;
use crate::output::sink::Place;

/// The files of a run's outputs.
#[derive(Debug, Default)]
pub(super) struct Written(Vec<File>);

#[derive(Debug)]
struct File {
    /// The option, as it was typed.
    typed: String,
    path: PathBuf,
}

impl Written {
    /// Takes the file of `-o` with the value `spec`.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub(super) fn output(&mut self, spec: &str, place: Place) -> Result<(), Error> {
        match place {
            Place::Stdout => Ok(()),
            Place::File(path) => self.add(format!("-o {spec}"), path),
        }
    }

    /// Takes a file that `typed` names.
    ///
    /// # Errors
    /// [`Error::Usage`] where another output writes there.
    pub(super) fn add(&mut self, typed: String, path: PathBuf) -> Result<(), Error> {
        if let Some(other) = self.0.iter().find(|other| same(&other.path, &path)) {
            return Err(Error::Usage(format!("{} and {typed} write to the same file", other.typed)));
        }
        self.0.push(File { typed, path });
        Ok(())
    }

    /// Checks that nothing is written to `input`.
    ///
    /// # Errors
    /// [`Error::Usage`] where an output would empty it.
    pub(super) fn spare(&self, input: &Path) -> Result<(), Error> {
        match self.0.iter().find(|file| same(&file.path, input)) {
            None => Ok(()),
            Some(File { typed, .. }) => {
                Err(Error::Usage(format!("{typed}: this file is read, and would be overwritten")))
            }
        }
    }
}

/// Whether two paths are one file; a device or a pipe holds nothing that could be overwritten.
fn same(one: &Path, other: &Path) -> bool {
    let identity = |about: Metadata| (about.dev(), about.ino());
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => one.is_file() && identity(one) == identity(other),
        // not there yet
        (Err(_), Err(_)) => absolute(one).is_ok_and(|one| absolute(other).is_ok_and(|other| one == other)),
        _ => false,
    }
}
