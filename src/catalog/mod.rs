//! Consul's catalog: which service and which node an address belongs to.
//!
//! Asked of the HTTP API ([`api::Api`]) or read from answers that were saved ([`file::read`]). Nothing here starts a
//! thread or waits longer than it says.

mod answer;
pub mod api;
pub mod file;

use std::path::Path;
use std::sync::Arc;

use crate::catalog::api::{Access, Api};
use crate::error::Error;
use crate::model::directory::Directory;

/// Where the catalog comes from.
#[derive(Debug)]
pub enum Catalog {
    /// Answers that were saved.
    Saved(Arc<Directory>),
    /// The API, not asked yet.
    Api(Box<Api>),
}

impl Catalog {
    /// The catalog that `--catalog` names: a URL of the API, such as `http://127.0.0.1:8500`, or a file.
    ///
    /// # Errors
    /// [`Error::Usage`] for a URL that cannot be one, and for a file that is no answer of the catalog; [`Error::Io`]
    /// for a file, or the authorities' certificates, that cannot be read.
    pub fn open(typed: &str, access: &Access) -> Result<Self, Error> {
        if typed.contains("://") {
            return Ok(Self::Api(Box::new(Api::new(typed, access)?)));
        }
        Ok(Self::Saved(Arc::new(file::read(Path::new(typed))?)))
    }
}

#[cfg(test)]
mod tests;
