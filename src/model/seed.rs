//! Keyed hashes of flows and of client randoms: fast, and nobody outside can choose two that collide.

use super::segment::Transport;

/// Secret of the flow hash, made once a run.
#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64, pub u64);

impl Seed {
    /// No secret: for windows that forget, so that of one capture every run forgets the same. Only what somebody
    /// may repeat anyway is hashed under it, such as a hello's random: two that collide gain him no more.
    pub const OPEN: Self = Self(0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344);

    /// One end of an IPv4 flow.
    #[inline]
    pub fn v4(self, ip: u32, port: u16) -> u64 {
        (u64::from(ip) << 16) | u64::from(port)
    }

    /// One end of an IPv6 flow.
    #[inline]
    pub fn v6(self, ip: u128, port: u16) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of a 128-bit address")]
        let (high, low) = ((ip >> 64) as u64, ip as u64);
        mix(high ^ u64::from(port), self.0 ^ mix(low, self.1))
    }

    /// A hash of two numbers in this order.
    #[inline]
    pub fn pair(self, one: u64, other: u64) -> u64 {
        mix(one ^ self.1, other ^ self.0)
    }

    /// A hash of 32 bytes and a number.
    #[inline]
    pub fn random(self, random: &[u8; 32], number: u64) -> u64 {
        let (words, _) = random.as_chunks::<8>();
        words.iter().fold(number ^ self.1, |hash, word| mix(hash ^ u64::from_le_bytes(*word), self.0))
    }

    /// The hash of a flow between two ends, in whatever order.
    #[inline]
    pub fn flow(self, one: u64, other: u64, transport: Transport) -> u64 {
        let (low, high) = if one < other { (one, other) } else { (other, one) };
        let proto = match transport {
            Transport::Tcp => 6 << 56,
            Transport::Udp => 17 << 56,
        };
        mix(mix(low ^ self.0, high ^ self.1 ^ proto), self.0)
    }
}

/// Folded 64 × 64 → 128-bit multiplication: every input bit reaches every output bit.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9E37_79B9_7F4A_7C15) * u128::from(b ^ 0xBF58_476D_1CE4_E5B9);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are folded together on purpose")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded
}
