//! Where records go: a handful at once when somebody watches, in blocks otherwise.
//!
//! A closed pipe is no error: the writer answers [`ControlFlow::Break`] from then on.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::path::PathBuf;

use crate::error::Error;
use crate::output::sink::Place;

/// Bytes that are gathered before a block is written to a file.
const BLOCK: usize = 256 * 1024;
/// The same for standard output: a pipe holds no more.
const PIPE_BLOCK: usize = 64 * 1024;

/// A buffered output that knows its name.
pub struct Writer {
    name: String,
    path: Option<PathBuf>,
    sink: Box<dyn Write>,
    buffer: Vec<u8>,
    immediate: bool,
    closed: bool,
    block: usize,
}

impl Writer {
    /// Opens `place`. `live`: whoever gives records flushes after each handful; else a terminal gets each at once.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be created, [`Error::Output`] where standard output is gone.
    pub fn open(place: Place, live: bool) -> Result<Self, Error> {
        match place {
            Place::Stdout => {
                let stdout = io::stdout();
                let immediate = !live && stdout.is_terminal();
                // A handle of its own: the standard one would look for line ends in every block.
                let handle = stdout.as_fd().try_clone_to_owned();
                let file =
                    handle.map_err(|source| Error::Output { name: "standard output".into(), source })?;
                Ok(Self::new("standard output", Box::new(File::from(file)), immediate))
            }
            Place::File(path) => {
                let file = File::create(&path).map_err(|source| cannot_open(&path, source))?;
                let mut writer = Self::new(&path.display().to_string(), Box::new(file), false);
                writer.path = Some(path);
                writer.block = BLOCK;
                Ok(writer)
            }
        }
    }

    /// A writer into `sink`, called `name` in errors; `immediate`: each record is written at once.
    pub fn new(name: &str, sink: Box<dyn Write>, immediate: bool) -> Self {
        let buffer = Vec::with_capacity(if immediate { 8192 } else { PIPE_BLOCK + PIPE_BLOCK / 4 });
        Self { name: name.to_owned(), path: None, sink, buffer, immediate, closed: false, block: PIPE_BLOCK }
    }

    /// Every record is one `write(2)` from now on.
    #[must_use]
    pub fn at_once(mut self) -> Self {
        self.immediate = true;
        self
    }

    /// True for a file, which can be opened again.
    pub fn is_file(&self) -> bool {
        self.path.is_some()
    }

    /// Appends what `fill` appends to its argument: one whole record.
    ///
    /// # Errors
    /// [`Error::Output`] for a failed write.
    pub fn record(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Result<ControlFlow<()>, Error> {
        if self.closed {
            return Ok(ControlFlow::Break(()));
        }
        fill(&mut self.buffer);
        if self.immediate || self.buffer.len() >= self.block {
            return self.flush();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// [`Error::Output`] for a failed write.
    pub fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        if self.closed {
            return Ok(ControlFlow::Break(()));
        }
        if self.buffer.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        let written = self.sink.write_all(&self.buffer).and_then(|()| self.sink.flush());
        self.buffer.clear();
        match written {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(ControlFlow::Break(()))
            }
            Err(source) => Err(Error::Output { name: self.name.clone(), source }),
        }
    }

    /// Opens a file's path again and appends to what is there: a log rotation may have moved the file.
    ///
    /// # Errors
    /// As [`Writer::flush`], and [`Error::Io`] where the file cannot be opened; the old one is kept then.
    pub fn reopen(&mut self) -> Result<(), Error> {
        self.reopen_new().map(drop)
    }

    /// [`Writer::reopen`] for outputs that begin with a header; true where a file begins anew.
    ///
    /// # Errors
    /// As [`Writer::reopen`].
    pub fn reopen_new(&mut self) -> Result<bool, Error> {
        let Some(path) = &self.path else { return Ok(false) };
        let opened = File::options().append(true).create(true).open(path);
        let file = opened.map_err(|source| cannot_open(path, source))?;
        let _: ControlFlow<()> = self.flush()?;
        let is_empty = file.metadata().is_ok_and(|file| file.len() == 0);
        self.sink = Box::new(file);
        Ok(is_empty)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After an error elsewhere the records so far are still worth having; this one has no way to tell.
        let _ = self.flush();
    }
}

fn cannot_open(path: &std::path::Path, source: io::Error) -> Error {
    Error::Io { action: "cannot open", path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Shared;
    use std::fs;

    fn put(text: &str) -> impl FnOnce(&mut Vec<u8>) + '_ {
        move |out| out.extend_from_slice(text.as_bytes())
    }

    /// Counts `write` calls.
    struct Calls(Shared);
    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write_all(format!("[{}]", bytes.len()).as_bytes())?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn at_once_each_record_is_one_write_and_else_a_block_is() {
        let shared = Shared::default();
        let mut live = Writer::new("x", Box::new(Calls(shared.clone())), true);
        assert!(live.record(put("one\n")).unwrap().is_continue());
        assert!(live.record(put("three\n")).unwrap().is_continue());
        assert_eq!(shared.text(), "[4][6]");

        let shared = Shared::default();
        let mut offline = Writer::new("x", Box::new(Calls(shared.clone())), false);
        let record = "r".repeat(1000);
        for _ in 0..66 {
            assert!(offline.record(put(&record)).unwrap().is_continue());
        }
        assert_eq!(shared.text(), "[66000]");
        assert!(offline.record(put("end")).unwrap().is_continue());
        drop(offline);
        assert_eq!(shared.text(), "[66000][3]");
    }

    #[test]
    fn a_closed_pipe_breaks_without_an_error() {
        let (reader, pipe) = io::pipe().unwrap();
        let mut writer = Writer::new("pipe", Box::new(pipe), true);
        assert!(writer.record(put("seen\n")).unwrap().is_continue());
        drop(reader);
        assert!(writer.record(put("unseen\n")).unwrap().is_break());
        assert!(writer.record(put("unseen\n")).unwrap().is_break());
        assert!(writer.flush().unwrap().is_break());
    }

    #[test]
    fn a_full_disk_is_an_error_with_the_files_name() {
        let Ok(full) = File::options().write(true).open("/dev/full") else { return };
        let mut writer = Writer::new("out.jsonl", Box::new(full), true);
        let error = writer.record(put("x")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write out.jsonl: "), "{error}");
    }

    #[test]
    fn a_file_is_emptied_first_and_appended_to_after_a_rotation() {
        let folder = std::env::temp_dir().join(format!("sni-watch-writer-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (path, moved) = (folder.join("out"), folder.join("out.1"));
        fs::write(&path, "old").unwrap();
        let mut writer = Writer::open(Place::File(path.clone()), true).unwrap().at_once();
        assert!(writer.record(put("a")).unwrap().is_continue());
        fs::rename(&path, &moved).unwrap();
        assert!(writer.record(put("b")).unwrap().is_continue());
        fs::write(&path, "kept ").unwrap();
        writer.reopen().unwrap();
        assert!(writer.record(put("c")).unwrap().is_continue());
        assert_eq!(fs::read_to_string(&moved).unwrap(), "ab");
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept c");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn live_a_file_takes_a_handful_with_one_write() {
        let path = std::env::temp_dir().join(format!("sni-watch-handful-{}", std::process::id()));
        let mut writer = Writer::open(Place::File(path.clone()), true).unwrap();
        for record in ["one\n", "two\n"] {
            assert!(writer.record(put(record)).unwrap().is_continue());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        assert!(writer.flush().unwrap().is_continue());
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let error = Writer::open(Place::File("/nonexistent/x".into()), true).err().unwrap();
        assert!(error.to_string().starts_with("cannot open /nonexistent/x: "), "{error}");
    }
}
