//! What tells a connection from all others, and those that were told lately.

use crate::model::observation::HelloFacts;
use crate::model::seed::Seed;

/// Connections that are remembered, so that a late leg is known as one.
const TOLD: usize = 1 << 16;

/// What tells one hello from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The beginning of its random.
    pub(super) id: [u8; 8],
    digest: u64,
    index: u8,
}

impl Key {
    /// The key of a connection by one of its hellos.
    pub(super) fn of(hello: &HelloFacts) -> Self {
        let id = hello.random.first_chunk::<8>().copied().unwrap_or_default();
        Self { id, digest: hello.digest, index: hello.index }
    }

    fn hash(&self) -> u64 {
        let number = self.digest ^ u64::from(self.index);
        Seed::OPEN.pair(u64::from_le_bytes(self.id), number)
    }
}

/// Connections that were told; another one may take the place of each.
pub(super) struct Told(Vec<u64>);

impl Default for Told {
    fn default() -> Self {
        Self(vec![0; TOLD])
    }
}

impl Told {
    /// Notes a connection.
    pub(super) fn note(&mut self, key: &Key) {
        let hash = key.hash();
        if let Some(told) = self.0.get_mut(place(hash)) {
            *told = hash;
        }
    }

    /// True if it is remembered.
    pub(super) fn has(&self, key: &Key) -> bool {
        let hash = key.hash();
        self.0.get(place(hash)) == Some(&hash)
    }
}

fn place(hash: u64) -> usize {
    usize::try_from(hash).unwrap_or_default() % TOLD
}
