//! A fast hash under a per-run secret: strangers choose the addresses and randoms that are hashed.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The secret.
#[derive(Clone, Copy)]
pub(super) struct Secret(u64);

impl Secret {
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Secret {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.0)
    }
}

/// Folded 64 × 64 → 128-bit multiplication of the state and each word.
pub(super) struct Fold(u64);

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let tail = rest.iter().fold(0, |tail, byte| (tail << 8) | u64::from(*byte));
            self.write_u64(tail);
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * u128::from(0x9E37_79B9_7F4A_7C15_u64);
        #[expect(clippy::cast_possible_truncation, reason = "both halves are folded together on purpose")]
        let folded = (product as u64) ^ ((product >> 64) as u64);
        self.0 = folded.rotate_left(23);
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn neighbours_and_lengths_differ_in_both_halves() {
        let secret = Secret::new();
        let hashes: Vec<u64> = (0..100_000_u32).map(|number| secret.hash_one(number)).collect();
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len());
        assert!(hashes.iter().map(|hash| hash >> 48).collect::<HashSet<_>>().len() > 40_000);
        assert!(hashes.iter().map(|hash| hash & 0xffff).collect::<HashSet<_>>().len() > 40_000);
        assert_ne!(secret.hash_one([0_u8; 9].as_slice()), secret.hash_one([0_u8; 10].as_slice()));
    }

    #[test]
    fn each_run_has_a_secret_of_its_own() {
        assert_ne!(Secret::new().hash_one(1_u8), Secret::new().hash_one(1_u8));
    }
}
