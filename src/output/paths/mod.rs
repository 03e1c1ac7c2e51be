//! How the ways of connections are written (`correlate`): the table of outputs, and their contract.
//!
//! The names are those of the other outputs: who knows `-o json` there knows it here.

mod json;
mod table;
mod text;
mod words;

#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use crate::error::Error;
use crate::failover::event::Story;
use crate::model::frame::Origin;
use crate::output::context::Context;
use crate::output::sink::Place;
use crate::output::writer::Writer;
use crate::path::clock::Offset;
use crate::path::{ConnectionPath, Node};

/// What a path is seen against.
#[derive(Clone, Copy, Debug)]
pub struct View<'v> {
    /// Names of the vantage points, by number.
    pub names: &'v [String],
    /// How far their clocks are apart, as far as that is known by now.
    pub offsets: &'v [Offset],
    /// At the end: what moved, by the clock of the first vantage point.
    pub stories: &'v [Story],
    /// For these: the vantage points by number, and whether their packets have numbers.
    pub origins: &'v [Origin],
}

impl View<'_> {
    fn name(&self, node: Node) -> &str {
        self.names.get(usize::from(node.0)).map_or("?", String::as_str)
    }
}

/// Receives the ways of connections. The answer says go on, or stop (the reader went away).
pub trait PathSink {
    /// One connection.
    ///
    /// # Errors
    /// The output could not be written; a closed pipe is no error but [`ControlFlow::Break`].
    fn path(&mut self, path: &ConnectionPath, view: &View<'_>) -> Result<ControlFlow<()>, Error>;

    /// Closes and opens the output file again (SIGHUP); nothing for standard output.
    ///
    /// # Errors
    /// The file could not be opened.
    fn reopen(&mut self) -> Result<(), Error>;

    /// The end.
    ///
    /// # Errors
    /// The output could not be written.
    fn finish(&mut self, view: &View<'_>) -> Result<(), Error>;
}

/// Opens an output of paths.
type Open = fn(Writer, &Context) -> Box<dyn PathSink>;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct PathSpec {
    /// Name in `--output`, unique in the table.
    pub name: &'static str,
    /// What it writes, in one short line.
    pub help: &'static str,
    open: Open,
}

impl PathSpec {
    /// The output, onto a writer that is there already.
    pub fn make(&self, writer: Writer, context: &Context) -> Box<dyn PathSink> {
        (self.open)(writer, context)
    }
}

/// All outputs, in the order of the help; the first is the default.
pub static PATH_SINKS: &[PathSpec] = &[
    PathSpec {
        name: "line",
        help: "one line a connection, and the tables",
        open: |writer, context| Box::new(text::TextSink::new(writer, context)),
    },
    PathSpec {
        name: "json",
        help: "one JSON object a connection",
        open: |writer, context| Box::new(json::PathJson::new(writer, context)),
    },
    PathSpec {
        name: "table",
        help: "the tables at the end: vantage points, gateways, clocks",
        open: |writer, context| Box::new(table::TableSink::new(writer, context)),
    },
];

/// Opens the output that `spec` names: `NAME`, or `NAME:WHERE` with a file's path or `-`.
///
/// # Errors
/// As [`find`], and [`Error::Io`] for a file that cannot be created.
pub fn open(spec: &str, context: &Context) -> Result<Box<dyn PathSink>, Error> {
    let (row, place) = find(spec)?;
    let writer = Writer::open(place, context.live)?;
    Ok((row.open)(if context.live { writer.at_once() } else { writer }, context))
}

/// The output that `spec` names, and where it writes.
///
/// # Errors
/// [`Error::Usage`] for an unknown name, and for a colon with nothing behind it.
pub fn find(spec: &str) -> Result<(&'static PathSpec, Place), Error> {
    let (name, place) = crate::output::place(spec)?;
    if let Some(row) = PATH_SINKS.iter().find(|row| row.name == name) {
        return Ok((row, place));
    }
    let names: Vec<&str> = PATH_SINKS.iter().map(|row| row.name).collect();
    let names = names.join(", ");
    Err(Error::Usage(format!("correlate has no output `{name}`: use one of {names}")))
}
