//! The contract of an output.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::Error;
use crate::failover::event::{News, Story};
use crate::intent::report::Expectation;
use crate::model::directory::Directory;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::observation::Observation;
use crate::output::context::Context;
use crate::tally::snapshot::Snapshot;

/// Where an output writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard output.
    Stdout,
    /// A file, created or emptied.
    File(PathBuf),
}

/// Opens an output.
pub type Open = fn(&Context, Place) -> Result<Box<dyn Sink>, Error>;

/// One row of the sinks table.
#[derive(Clone, Copy, Debug)]
pub struct SinkSpec {
    /// Name in `--output`, unique in the table.
    pub name: &'static str,
    /// What it writes, in one short line, for `--help` and the documentation.
    pub help: &'static str,
    /// Opens it.
    pub open: Open,
}

/// Receives what the run observes. The answer says go on, or stop (the reader went away).
pub trait Sink {
    /// One record.
    ///
    /// # Errors
    /// The output could not be written; a closed pipe is no error but [`ControlFlow::Break`].
    fn event(&mut self, observation: &Observation) -> Result<ControlFlow<()>, Error>;

    /// True if the output tells failovers: without any such output, nobody looks for them.
    fn tells_failovers(&self) -> bool {
        false
    }

    /// A service moved, or fell silent.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn failover(&mut self, _news: &News) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// All failovers of the run as they look at its end, ahead of [`Sink::finish`]; true if they are written then.
    fn stories(&mut self, _stories: &[Story]) -> bool {
        false
    }

    /// What was seen of the names of `--expect`, ahead of [`Sink::finish`]; true if a person reads it there.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn expectations(&mut self, _expectations: &[Expectation], _now: Timestamp) -> Result<bool, Error> {
        Ok(false)
    }

    /// Called every `--interval` of capture time, and live also when idle.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn tick(&mut self, _snapshot: &Snapshot) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// The capture's time went on, with or without a record: about ten times a second.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn time(&mut self, _now: Timestamp) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// Another file or interface bears this number from now on.
    fn origin(&mut self, _id: OriginId, _origin: &Origin) {}

    /// Who lives where, from now on.
    fn directory(&mut self, _directory: &Arc<Directory>) {}

    /// True if the output reads the rows of the snapshot: without any such output, nothing is grouped.
    fn reads_rows(&self) -> bool {
        false
    }

    /// Writes out what is buffered: after each record when live, and when a batch ended.
    ///
    /// # Errors
    /// As [`Sink::event`].
    fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }

    /// Closes and opens the output file again (SIGHUP); nothing for standard output.
    ///
    /// # Errors
    /// The file could not be opened.
    fn reopen(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// The end of the run.
    ///
    /// # Errors
    /// The output could not be written.
    fn finish(&mut self, _snapshot: &Snapshot) -> Result<(), Error> {
        Ok(())
    }
}
