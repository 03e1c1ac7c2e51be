//! Reads this program's own JSON records back: from a file, or from a pipe while they are written.
//!
//! The records may be of several vantage points, in any order, and may lack what a low verbosity leaves out. What is
//! no record, or of another schema version, ends the input with a clear error; a broken line is passed over, counted,
//! and told at the end.

mod callers;
mod raw;
mod record;

use std::io::{ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;
use crate::ingest::callers::Callers;
use crate::ingest::record::{Line, Tools, Unusable};
use crate::model::frame::Timestamp;
use crate::model::hello::Sni;
use crate::model::name::Name;
use crate::model::observation::Observation;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;
/// The longest line. A record is about 1 KiB; certificates and all, a few.
const MAX_LINE: usize = 1 << 20;

/// What a line says.
#[derive(Debug)]
pub enum Item {
    /// A connection or attempt, and the host that saw it. The random is the hop's eight bytes and zeros where the
    /// record has no more; the server's choice is left out, and of the client's certificate all but whom it names.
    Record(String, Box<Observation>),
    /// Another record of that host: its clock has come so far.
    Time(String, Timestamp),
}

/// Decodes what a hello's `server_name` extension held.
pub type Classify = Box<dyn FnMut(Sni<'_>) -> Arc<Name> + Send>;

/// Hosts of one file whose order is kept.
const MAX_HOSTS: usize = 64;

/// Lines that could not be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Bad {
    /// How many.
    count: u64,
    /// The first one's number, and what is wrong with it.
    first: Option<(u64, String)>,
}

/// Reads records.
pub struct Records {
    input: Box<dyn Read + Send>,
    path: PathBuf,
    tools: Tools,
    /// Where bytes are read into; [`CHUNK`] long.
    chunk: Vec<u8>,
    /// The beginning of a line whose end was not read yet.
    begun: Vec<u8>,
    /// Lines taken.
    lines: u64,
    /// Of each host, its newest record's time: hosts may follow one another in a file.
    newest: Vec<(String, Timestamp)>,
    broken: Bad,
    without_digest: Bad,
    over: bool,
}

impl Records {
    /// Records out of `input`, called `path` in errors.
    pub fn new(input: Box<dyn Read + Send>, path: PathBuf, classify: Classify) -> Self {
        Self {
            input,
            path,
            tools: Tools { classify, callers: Callers::default() },
            chunk: vec![0; CHUNK],
            begun: Vec::new(),
            lines: 0,
            newest: Vec::new(),
            broken: Bad::default(),
            without_digest: Bad::default(),
            over: false,
        }
    }

    /// Reads on, as far as bytes are there, and appends what the whole lines say; false at the end.
    ///
    /// # Errors
    /// The input could not be read, or is not what it should be. Then, and at the end, lines that could not be used
    /// are told, each kind once: call again until it answers false.
    pub fn read(&mut self, out: &mut Vec<Item>) -> Result<bool, Error> {
        if self.over {
            return self.last_words();
        }
        let read = match self.input.read(&mut self.chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(true),
            Err(source) => {
                self.over = true;
                return Err(Error::Io { action: "cannot read", path: self.path.clone(), source });
            }
        };
        self.over = read == 0;
        let taken = self.take(read, out).inspect_err(|_| self.over = true);
        taken.map(|()| true)
    }

    /// Takes the lines that are whole with `read` more bytes; at the end, the rest too.
    fn take(&mut self, read: usize, out: &mut Vec<Item>) -> Result<(), Error> {
        let chunk = std::mem::take(&mut self.chunk);
        let mut rest = chunk.get(..read).unwrap_or_default();
        while let Some((line, after)) = cut(rest) {
            rest = after;
            if self.begun.is_empty() {
                self.line(line, out)?;
                continue;
            }
            let mut whole = std::mem::take(&mut self.begun);
            whole.extend_from_slice(line);
            self.line(&whole, out)?;
            whole.clear();
            self.begun = whole;
        }
        self.begun.extend_from_slice(rest);
        self.chunk = chunk;
        if self.begun.len() > MAX_LINE {
            return Err(self.error(format!("line {} is longer than 1 MiB: no record", self.lines + 1)));
        }
        if self.over { self.last_line(out) } else { Ok(()) }
    }

    /// A last line without its end is whole, or cut.
    fn last_line(&mut self, out: &mut Vec<Item>) -> Result<(), Error> {
        let line = std::mem::take(&mut self.begun);
        if line.is_empty() {
            return Ok(());
        }
        let broken = self.broken.clone();
        self.line(&line, out)?;
        if self.broken.count == broken.count {
            return Ok(());
        }
        self.broken = broken;
        Err(self.error(format!("cut short in line {}", self.lines)))
    }

    /// A record was written when all before it of its host had been.
    fn complete(&mut self, host: &str, record: &mut Observation) {
        if let Some((_, newest)) = self.newest.iter_mut().find(|(known, _)| known == host) {
            *newest = record.time.max(*newest);
            record.completed = record.completed.max(*newest);
        } else if self.newest.len() < MAX_HOSTS {
            self.newest.push((host.to_owned(), record.time));
        }
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<Item>) -> Result<(), Error> {
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        match record::read(line, &mut self.tools) {
            Ok(Line::Record(host, mut record)) => {
                self.complete(&host, &mut record);
                out.push(Item::Record(host, record));
            }
            Ok(Line::Other(host, time)) => out.push(Item::Time(host, time)),
            Err(Unusable::Broken(why)) => self.broken.add(self.lines, why),
            Err(Unusable::WithoutDigest) => self.without_digest.add(self.lines, String::new()),
            Err(Unusable::Version(Some(version))) => {
                let text = format!("schema_version {version} in line {}: this program reads 1", self.lines);
                return Err(self.error(text));
            }
            Err(Unusable::Version(None)) => {
                let text = format!("no records of sni-watch: line {} has no schema_version", self.lines);
                return Err(self.error(text));
            }
        }
        Ok(())
    }

    fn last_words(&mut self) -> Result<bool, Error> {
        let broken = std::mem::take(&mut self.broken);
        if let Some((line, why)) = broken.first {
            let text = format!("{} no record, the first of them line {line}: {why}", are(broken.count));
            return Err(self.error(text));
        }
        let old = std::mem::take(&mut self.without_digest);
        if let Some((line, _)) = old.first {
            let first =
                format!("{} without handshake.hello_digest, the first of them line {line}", are(old.count));
            return Err(self.error(format!("{first}: written by an older version, and nothing to join by")));
        }
        Ok(false)
    }

    fn error(&self, problem: String) -> Error {
        Error::Capture { path: self.path.clone(), problem }
    }
}

/// The first line without its end, and what is behind it; `None` where there is no end.
fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

/// `1 line is`, `2 lines are`.
fn are(count: u64) -> String {
    if count == 1 { "1 line is".to_owned() } else { format!("{count} lines are") }
}

impl Bad {
    fn add(&mut self, line: u64, why: String) {
        self.count += 1;
        self.first.get_or_insert((line, why));
    }
}

#[cfg(test)]
mod tests;
