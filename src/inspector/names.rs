//! Server names, decoded once: a mesh uses few of them again and again.
//!
//! Every hello asks here, in no order, so that memory is what it waits for: the table holds nothing but
//! pointers, and a name's bytes stand beside its reference count.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::model::hello::Sni;
use crate::model::name::{Key, Name};
use crate::naming::Namer;

/// Names that are remembered; past it the memory starts anew.
const MAX_NAMES: usize = 65_536;

/// Classified names by their bytes on the wire.
pub struct Names {
    namer: Namer,
    known: HashTable<Arc<Name>>,
    hasher: RandomState,
    absent: Arc<Name>,
}

impl Names {
    /// Names classified by `namer`.
    pub fn new(namer: Namer) -> Self {
        let absent = Arc::new(namer.classify(Sni::Absent));
        Self { namer, known: HashTable::new(), hasher: RandomState::default(), absent }
    }

    /// The name in a hello.
    pub fn get(&mut self, sni: Sni<'_>) -> Arc<Name> {
        let bytes = match sni {
            Sni::Name { bytes, .. } => bytes,
            Sni::Absent => return Arc::clone(&self.absent),
            Sni::Empty | Sni::Malformed => return Arc::new(self.namer.classify(sni)),
        };
        let hash = self.hasher.hash_one(bytes);
        let same = |name: &Arc<Name>| name.key.as_ref().is_some_and(|key| key.as_bytes() == bytes);
        if let Some(name) = self.known.find(hash, same) {
            return Arc::clone(name);
        }
        let mut name = self.namer.classify(sni);
        name.key = Key::new(bytes);
        let name = Arc::new(name);
        if name.key.is_some() {
            self.remember(hash, &name);
        }
        name
    }

    fn remember(&mut self, hash: u64, name: &Arc<Name>) {
        if self.known.len() >= MAX_NAMES {
            self.known.clear();
        }
        let hasher = &self.hasher;
        let again = |name: &Arc<Name>| hasher.hash_one(name.key.as_ref().map_or(&[][..], Key::as_bytes));
        self.known.insert_unique(hash, Arc::clone(name), again);
    }
}
