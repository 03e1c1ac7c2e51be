//! Bytes that look random and are the same on every run: a label is all their seed.

/// `len` bytes that depend on `label` only (FNV-1a seeds `SplitMix64`).
pub fn bytes(label: &str, len: usize) -> Vec<u8> {
    let mut state = number(label);
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        out.extend(finish(state).to_be_bytes());
    }
    out.truncate(len);
    out
}

/// A number that depends on `label` only.
pub fn number(label: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    finish(label.bytes().fold(0xcbf2_9ce4_8422_2325, fold))
}

fn finish(state: u64) -> u64 {
    let a = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let b = (a ^ (a >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    b ^ (b >> 31)
}
