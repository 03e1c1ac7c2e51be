//! A file whose end is waited beyond, until another one takes its place.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crate::source::follow::place::Place;
use crate::source::input::Signs;

/// How often a file that has come to its end is looked at: a record must leave within 100 ms.
pub(super) const LOOK: Duration = Duration::from_millis(20);

/// The file that is read.
pub(super) struct Tail {
    file: File,
    place: Place,
    signs: Signs,
    position: u64,
}

impl Tail {
    /// Reads `file`, which stands at `place`.
    pub(super) fn new(file: File, place: Place, signs: Signs) -> Self {
        Self { file, place, signs, position: 0 }
    }
}

impl Read for Tail {
    /// Reads what is there, and waits for it; the end comes once the file is another's predecessor, an error
    /// ([`ErrorKind::TimedOut`]) once the run ends.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut over = false;
        loop {
            let count = self.file.read(into)?;
            if count > 0 || over || into.is_empty() {
                self.position += count as u64;
                self.signs.read.fetch_add(count as u64, Ordering::Relaxed);
                return Ok(count);
            }
            if self.signs.stop.load(Ordering::Relaxed) {
                return Err(ErrorKind::TimedOut.into());
            }
            // Once more after that: its writer may have finished it only now.
            over = self.place.is_over(&self.file, self.position);
            if !over {
                thread::sleep(LOOK);
            }
        }
    }
}
