//! Server names as hellos bring them.

use std::sync::Arc;

use crate::model::hello::Sni;
use crate::model::name::Name;
use crate::naming::Namer;

/// Reads names; a name's meaning is worked out for each hello anew, which costs less than finding it again in a
/// memory that no cache holds.
pub struct Names {
    namer: Namer,
    absent: Arc<Name>,
    unread: bool,
}

impl Names {
    /// Names classified by `namer`.
    pub fn new(namer: Namer) -> Self {
        let absent = Arc::new(namer.classify(Sni::Absent));
        Self { namer, absent, unread: false }
    }

    /// Leaves the reading to whoever takes the records ([`Namer::complete`]), who may have a thread of its own.
    #[must_use]
    pub fn unread(self, unread: bool) -> Self {
        Self { unread, ..self }
    }

    /// The name in a hello.
    pub fn get(&self, sni: Sni<'_>) -> Arc<Name> {
        match sni {
            Sni::Absent => Arc::clone(&self.absent),
            Sni::Name { bytes: bytes @ [_, ..], more }
                if self.unread
                    && let Ok(text) = std::str::from_utf8(bytes) =>
            {
                Arc::new(Name::unread(text.into(), more))
            }
            _ => Arc::new(self.namer.classify(sni)),
        }
    }
}
