//! Server names, decoded once: a mesh uses few of them again and again.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::model::hello::Sni;
use crate::model::name::Name;
use crate::naming::Namer;

/// Names that are remembered; past it the memory starts anew.
const MAX_NAMES: usize = 65_536;

/// Classified names by their bytes on the wire.
pub struct Names {
    namer: Namer,
    known: HashMap<Box<[u8]>, Arc<Name>, RandomState>,
    absent: Arc<Name>,
}

impl Names {
    /// Names classified by `namer`.
    pub fn new(namer: Namer) -> Self {
        let absent = Arc::new(namer.classify(Sni::Absent));
        Self { namer, known: HashMap::default(), absent }
    }

    /// The name in a hello.
    pub fn get(&mut self, sni: Sni<'_>) -> Arc<Name> {
        let bytes = match sni {
            Sni::Name { bytes, .. } => bytes,
            Sni::Absent => return Arc::clone(&self.absent),
            Sni::Empty | Sni::Malformed => return Arc::new(self.namer.classify(sni)),
        };
        if let Some(name) = self.known.get(bytes) {
            return Arc::clone(name);
        }
        if self.known.len() >= MAX_NAMES {
            self.known.clear();
        }
        let name = Arc::new(self.namer.classify(sni));
        self.known.insert(bytes.into(), Arc::clone(&name));
        name
    }
}
