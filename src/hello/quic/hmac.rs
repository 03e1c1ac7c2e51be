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

/// A key.
#[derive(Clone, Copy)]
pub(crate) struct Hmac {
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Hmac {
    /// The key in `bytes`; what is beyond 64 of them is cut off.
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

    /// Signs a message; what is beyond 55 bytes of it is cut off.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; DIGEST] {
        let inner = last_block(self.inner, message);
        last_block(self.outer, &inner)
    }
}

/// The hash of a block that is behind `state`, and of a message that ends it.
fn last_block(mut state: [u32; 8], message: &[u8]) -> [u8; DIGEST] {
    let message = message.get(..MAX_MESSAGE).unwrap_or(message);
    let mut block = [0; BLOCK];
    for (to, from) in block.iter_mut().zip(message.iter().chain(&[0x80])) {
        *to = *from;
    }
    let bits = (BLOCK + message.len()) as u64 * 8;
    if let Some(end) = block.last_chunk_mut() {
        *end = bits.to_be_bytes();
    }
    compress256(&mut state, &[block]);
    let mut digest = [0; DIGEST];
    let (words, _) = digest.as_chunks_mut::<4>();
    for (to, from) in words.iter_mut().zip(state) {
        *to = from.to_be_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(Hmac::new(key).sign(message).to_vec(), bytes(signature));
        }
    }
}
