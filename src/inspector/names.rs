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
}

impl Names {
    /// Names classified by `namer`.
    pub fn new(namer: Namer) -> Self {
        let absent = Arc::new(namer.classify(Sni::Absent));
        Self { namer, absent }
    }

    /// The name in a hello.
    pub fn get(&self, sni: Sni<'_>) -> Arc<Name> {
        match sni {
            Sni::Absent => Arc::clone(&self.absent),
            _ => Arc::new(self.namer.classify(sni)),
        }
    }
}
