//! Outputs: the sinks table, and opening what the user named.
//!
//! To add one: a file here, and a row in [`SINKS`].

mod addresses;
mod certificate;
mod clock;
mod column;
mod community;
pub mod context;
mod counts;
mod csv;
pub mod escape;
pub mod expect;
mod extras;
mod failover;
pub mod fields;
mod hex;
pub mod json;
pub mod line;
pub mod mesh;
mod moment;
mod network;
mod none;
mod origin;
pub mod packets;
mod pairs;
pub mod paths;
mod reason;
mod record;
mod residents;
mod rows;
mod said;
mod schema;
mod shape;
pub mod sink;
pub mod story;
pub mod table;
mod text;
pub mod timeline;
pub mod tsv;
mod words;
pub mod writer;

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::output::context::Context;
use crate::output::sink::{Place, Sink, SinkSpec};

/// All outputs, in the order of the help; the first is the default.
pub static SINKS: &[SinkSpec] =
    &[line::SPEC, json::SPEC, tsv::SPEC, csv::SPEC, table::SPEC, timeline::SPEC, none::SPEC];

/// Opens the output that `spec` names: `NAME`, or `NAME:WHERE` with a file's path or `-`.
///
/// # Errors
/// As [`find`], and [`Error::Io`] for a file that cannot be created.
pub fn open(spec: &str, context: &Context) -> Result<Box<dyn Sink>, Error> {
    let (row, place) = find(spec)?;
    (row.open)(context, place)
}

/// The output that `spec` names, and where it writes.
///
/// # Errors
/// [`Error::Usage`] for an unknown name, and for a colon with nothing behind it.
pub fn find(spec: &str) -> Result<(&'static SinkSpec, Place), Error> {
    let (name, place) = place(spec)?;
    match SINKS.iter().find(|row| row.name == name) {
        Some(row) => Ok((row, place)),
        None => Err(Error::Usage(format!("unknown output `{name}`: use one of {}", names()))),
    }
}

/// The name in `NAME` or `NAME:WHERE`, and the place.
fn place(spec: &str) -> Result<(&str, Place), Error> {
    match spec.split_once(':') {
        None | Some((_, "-")) => Ok((spec.split(':').next().unwrap_or(spec), Place::Stdout)),
        Some((_, "")) => Err(Error::Usage(format!("output `{spec}` names no file after the colon"))),
        Some((name, path)) => Ok((name, Place::File(path.into()))),
    }
}

/// The names of all outputs, separated by commas.
pub fn names() -> String {
    SINKS.iter().map(|row| row.name).collect::<Vec<_>>().join(", ")
}
