//! HMAC-SHA-256 (RFC 2104) of messages that fit into one block, as HKDF's are here.
//!
//! A key's two halves are kept as states of the hash, so that a signature is two blocks and a new key two
//! more: `sha2`'s compression function, and nothing between the blocks.

use sha2::block_api::compress256;

/// Bytes of a signature.
pub(crate) const DIGEST: usize = 32;
/// Bytes of a block.
const BLOCK: usize = 64;
/// Longest message: a block without its last bytes, a one and the length.
const MAX_MESSAGE: usize = BLOCK - 9;

/// The hash's state at its beginning (FIPS 180-4 §5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// What stands behind a digest in its block: the one, and the bits with those of the key's block.
const DIGEST_BLOCK: [u32; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0x8000_0000, 0, 0, 0, 0, 0, 0, (64 + 32) * 8];

/// A message as the block that is hashed: padded (FIPS 180-4 §5.1.1), with the key's block counted.
pub(crate) struct Message([u8; BLOCK]);

impl Message {
    /// A message of at most 55 bytes; what is beyond them is cut off.
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "the places are below the block's length, the bits below 2^16"
    )]
    pub(crate) const fn new(message: &[u8]) -> Self {
        let len = if message.len() < MAX_MESSAGE { message.len() } else { MAX_MESSAGE };
        let mut block = [0; BLOCK];
        let mut place = 0;
        while place < len {
            block[place] = message[place];
            place += 1;
        }
        block[len] = 0x80;
        let bits = (BLOCK + len) * 8;
        block[BLOCK - 2] = (bits >> 8) as u8;
        block[BLOCK - 1] = bits as u8;
        Self(block)
    }
}

/// A key.
#[derive(Clone, Copy)]
pub(crate) struct Hmac {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Hmac {
    /// The key in `bytes`; what is beyond 64 of them is cut off.
    #[inline]
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let half = |pad: u8| {
            let mut block = [pad; BLOCK];
            for (to, from) in block.iter_mut().zip(bytes) {
                *to ^= from;
            }
            let mut state = START;
            compress256(&mut state, &[block]);
            state
        };
        Self { inner: half(0x36), outer: half(0x5c) }
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &Message) -> [u8; DIGEST] {
        let (mut inner, mut outer) = (self.inner, self.outer);
        compress256(&mut inner, &[message.0]);
        let mut words = DIGEST_BLOCK;
        for (to, from) in words.iter_mut().zip(inner) {
            *to = from;
        }
        compress256(&mut outer, &[bytes(words)]);
        bytes(outer)
    }
}

/// Words as they are hashed: the most significant byte first.
#[inline]
fn bytes<const WORDS: usize, const BYTES: usize>(words: [u32; WORDS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (to, from) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *to = from.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Hmac, Message};

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
    }

    #[test]
    fn vectors_of_rfc_4231() {
        for (key, message, signature) in [
            (
                &[0x0b; 20][..],
                &b"Hi There"[..],
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ] {
            assert_eq!(Hmac::new(key).sign(&Message::new(message)).to_vec(), bytes(signature));
        }
    }
}
