//! The contract of a naming scheme.

use crate::model::name::Target;

/// A grammar of server names.
pub trait Scheme: Send + Sync {
    /// Name in `mesh.scheme`, unique in the table.
    fn name(&self) -> &'static str;

    /// What it is, in one short line, for `--help` and the documentation.
    fn help(&self) -> &'static str;

    /// Reads `name`: lower-cased, without a trailing dot, other bytes than printable ASCII as `\xNN`.
    /// `None`: not a name of this scheme.
    fn parse(&self, name: &str) -> Option<Target>;
}
