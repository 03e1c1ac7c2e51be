//! Tells equal hellos from different ones without their bytes.
//!
//! The digest stands in records, so that it is the same on every machine and in every version: XXH3 with 64 bits
//! and seed 0, over the ClientHello behind its four-byte header. It is no protection: who wants two hellos to
//! look alike can send the same one twice.

use twox_hash::XxHash3_64;

/// Bytes of a handshake message's header: the type, and a length in three bytes.
const MESSAGE_HEADER: usize = 4;

/// The digest of a ClientHello's body.
pub fn digest(body: &[u8]) -> u64 {
    XxHash3_64::oneshot(body)
}

/// The digest of a whole ClientHello message.
pub fn of_message(message: &[u8]) -> u64 {
    digest(message.get(MESSAGE_HEADER..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_published_hash_whatever_the_version() {
        // as the reference implementation gives them
        let long: Vec<u8> = (0..=255).cycle().take(4096).collect();
        for (body, hash) in [
            (&b""[..], 0x2d06_8005_38d3_94c2),
            (b"a", 0xe6c6_32b6_1e96_4e1f),
            (b"abc", 0x78af_5f94_892f_3950),
            (&long, 0xeb4b_7c37_0787_9151),
        ] {
            assert_eq!(digest(body), hash);
        }
        assert_eq!(of_message(b"\x01\x00\x00\x03abc"), digest(b"abc"));
    }
}
