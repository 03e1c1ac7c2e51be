//! Where the next file comes from, and when the one that is read has been replaced.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;
use crate::source::follow::tail::LOOK;
use crate::source::input::{Input, Kind, Signs};

/// How often a directory is listed while nothing is written.
const LISTING: Duration = Duration::from_millis(80);

/// What tells a file from every other, whatever its name: device, number, and when it was made, for numbers are
/// used again.
type Identity = (u64, u64, Option<SystemTime>);

fn identity(file: &Metadata) -> Identity {
    (file.dev(), file.ino(), file.created().ok())
}

/// A file that was opened.
type Next = Result<(PathBuf, File), Error>;

/// A file's name, or a directory.
#[derive(Clone)]
pub(super) struct Place {
    path: PathBuf,
    directory: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The file that is read, or was read last.
    current: Option<Identity>,
    /// When it was written last, as far as is known.
    modified: Option<SystemTime>,
    /// Files that were read, and how long they were then.
    seen: HashMap<Identity, u64>,
    listed: Option<Instant>,
    /// The last listing's answer.
    successor: Option<PathBuf>,
}

impl Place {
    pub(super) fn new(path: PathBuf) -> Result<Self, Error> {
        let directory = path.is_dir();
        let it = Self { path, directory, state: Arc::default() };
        if directory {
            let failed = |source| Error::Io { action: "cannot read", path: it.path.clone(), source };
            drop(fs::read_dir(&it.path).map_err(failed)?);
        }
        Ok(it)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done where a holder could have panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next file; `None` once `stop` is set.
    pub(super) fn next(&self, stop: &AtomicBool) -> Option<Next> {
        while !stop.load(Ordering::Relaxed) {
            if let Some(path) = self.successor() {
                let failed = |source| Error::Io { action: "cannot open", path: path.clone(), source };
                let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
                let mut state = self.state();
                state.successor = None;
                match opened {
                    Ok((metadata, file)) => {
                        let it = identity(&metadata);
                        state.seen.insert(it, 0);
                        (state.current, state.modified) = (Some(it), metadata.modified().ok());
                        return Some(Ok((path, file)));
                    }
                    // It went away in between.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => {
                        drop(state);
                        // Once, until something changes.
                        if let Ok(metadata) = fs::metadata(&path) {
                            self.state().seen.insert(identity(&metadata), metadata.len());
                        }
                        return Some(Err(failed(error)));
                    }
                }
            }
            thread::sleep(LOOK);
        }
        None
    }

    /// True if another file has taken the place of `file`, of which `position` bytes were read.
    pub(super) fn is_over(&self, file: &File, position: u64) -> bool {
        let Ok(metadata) = file.metadata() else { return true };
        {
            let mut state = self.state();
            state.seen.insert(identity(&metadata), position);
            state.modified = metadata.modified().ok();
        }
        metadata.len() < position || self.successor().is_some()
    }

    /// The file to be read next, if it is there and has begun.
    fn successor(&self) -> Option<PathBuf> {
        let mut state = self.state();
        if !self.directory {
            let metadata = fs::metadata(&self.path).ok()?;
            return state.is_new(&metadata).then(|| self.path.clone());
        }
        if state.successor.is_none() && state.listed.is_none_or(|listed| listed.elapsed() >= LISTING) {
            state.successor = state.list(&self.path);
            state.listed = Some(Instant::now());
        }
        state.successor.clone()
    }
}

impl State {
    /// True for a file with bytes that was not read, or that was emptied and begun anew since.
    fn is_new(&self, file: &Metadata) -> bool {
        file.len() > 0 && self.seen.get(&identity(file)).is_none_or(|read| file.len() < *read)
    }

    /// The oldest capture of a directory that is new and not older than the one that is read.
    fn list(&mut self, directory: &Path) -> Option<PathBuf> {
        let mut there = HashMap::new();
        let mut next: Option<(SystemTime, PathBuf)> = None;
        for entry in fs::read_dir(directory).ok()?.flatten() {
            let path = entry.path();
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let it = identity(&metadata);
            if let Some(read) = self.seen.get(&it) {
                there.insert(it, *read);
            }
            let Ok(modified) = metadata.modified() else { continue };
            let younger = self.modified.is_none_or(|current| modified >= current);
            let candidate = (modified, path);
            let sooner = next.as_ref().is_none_or(|next| candidate < *next);
            if metadata.is_file() && younger && sooner && self.is_new(&metadata) && is_capture(&candidate.1) {
                next = Some(candidate);
            }
        }
        // What is gone is forgotten, so that memory does not grow with the files that come and go.
        if let Some((it, read)) = self.current.and_then(|it| Some((it, *self.seen.get(&it)?))) {
            there.insert(it, read);
        }
        self.seen = there;
        next.map(|(_, path)| path)
    }
}

/// True for a file that begins like a capture and is not packed: packed files are those that were read before.
fn is_capture(path: &Path) -> bool {
    Input::open(path, &Signs::default())
        .is_ok_and(|input| input.compression.is_none() && input.kind() != Kind::Other)
}
