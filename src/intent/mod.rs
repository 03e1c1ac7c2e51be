//! What the mesh means to do, read from its own configuration, and held against the names on the wire.
//!
//! Three kinds of file say it: a service-resolver as `consul config read` prints it, or as an operator writes it in
//! HCL; the answer of Consul's `/v1/discovery-chain/SERVICE`; Envoy's `/config_dump`. Each leads to [`Intent`]s:
//! names by service, each with the part that it plays. [`watch::Watch`] counts what was seen of them.

mod chain;
mod dump;
mod fields;
mod file;
mod outline;
pub mod report;
mod resolve;
mod resolver;
pub mod target;
pub mod watch;

use std::path::PathBuf;

use crate::error::Error;
use crate::intent::file::Read;
use crate::intent::resolve::Resolvers;
use crate::intent::target::Intent;

/// The most services of a run that files may speak of.
const MAX_INTENTS: usize = 4096;

/// Reads the files of `--expect`. `local` is this place's datacenter, which a service-resolver does not say: without
/// it, the datacenter of its first choice stays open.
///
/// # Errors
/// [`Error::Io`] for a file that cannot be read, [`Error::Usage`] for one that is none of the three kinds; both name
/// it, the latter with what was found.
pub fn load(paths: &[PathBuf], local: Option<&str>) -> Result<Vec<Intent>, Error> {
    let mut resolvers = Resolvers::new(local);
    let mut intents = Vec::new();
    for path in paths {
        match file::read(path)? {
            Read::Resolvers(entries) => resolvers.add(path, entries)?,
            Read::Intents(read) => intents.extend(read),
        }
    }
    // an entry may redirect to a service whose own entry stands in another file
    intents.splice(0..0, resolvers.intents()?);
    if intents.len() > MAX_INTENTS {
        return Err(Error::Usage(format!("--expect: more than {MAX_INTENTS} services")));
    }
    Ok(intents)
}

#[cfg(test)]
mod tests;
