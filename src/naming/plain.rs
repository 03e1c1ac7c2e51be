//! Every name that no mesh claims: the last row of the table, which always answers.

use crate::naming::scheme::{Reading, Scheme};

/// The scheme.
pub struct Plain;

impl Scheme for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn help(&self) -> &'static str {
        "any other name"
    }

    /// Braces stand in no host name: a name with one is a Kuma name that is cut or damaged.
    fn read<'n>(&self, name: &'n str) -> Option<Reading<'n>> {
        let braces = name.contains(['{', '}']);
        let reading = Reading::new(if braces { "malformed" } else { "other" });
        let meaning = if braces { "not a valid server name" } else { "a name that no known mesh has" };
        Some(reading.mark(name, meaning).flag_if(braces, "kuma_tags"))
    }
}
