//! A connection in 32 bits, by which a late repetition of its hello is known.
//!
//! 24 bits stand for the client random, which is new with each connection; 8 bits for number and length of the
//! hello, which is all that a fragment without the random shows. Neither part is ever 0.

/// The tag of a hello: its random, where it is known, and the number and length of its message.
pub(super) fn of(random: Option<&[u8; 32]>, id: (u16, u32)) -> u32 {
    let high = random.map_or(0, |random| (folded(random) >> 8) | 1);
    (high << 8) | low(id)
}

/// True if a fragment of a hello repeats the one that `tag` stands for: by its random, or else by its message.
pub(super) fn repeats(tag: u32, random: Option<&[u8; 32]>, id: (u16, u32)) -> bool {
    match random {
        Some(_) => tag >> 8 == of(random, id) >> 8,
        None => tag & 0xff == low(id),
    }
}

fn low((seq, len): (u16, u32)) -> u32 {
    (spread(u32::from(seq) << 24 ^ len) >> 24) | 1
}

fn folded(random: &[u8; 32]) -> u32 {
    let (words, _) = random.as_chunks::<4>();
    words.iter().fold(0, |sum, word| spread(sum ^ u32::from_be_bytes(*word)))
}

/// Every bit reaches the upper ones (Knuth's multiplicative hash).
fn spread(number: u32) -> u32 {
    (number ^ (number >> 15)).wrapping_mul(0x9e37_79b1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_random_tells_connections_apart_whatever_its_message() {
        let (a, b) = ([7; 32], [8; 32]);
        let tag = of(Some(&a), (0, 300));
        assert!(repeats(tag, Some(&a), (0, 300)) && repeats(tag, Some(&a), (1, 332)));
        assert!(!repeats(tag, Some(&b), (0, 300)));
        assert!(repeats(tag, None, (0, 300)) && !repeats(tag, None, (1, 332)));
        assert!(!repeats(0, None, (0, 300)) && !repeats(0, Some(&a), (0, 300)), "0 stands for none");
    }

    #[test]
    fn tags_are_spread() {
        let mut randoms = HashSet::new();
        for first in 0..=255 {
            for place in [0, 3, 4, 17, 31] {
                let mut random = [0; 32];
                random[place] = first;
                randoms.insert(of(Some(&random), (0, 300)) >> 8);
            }
        }
        assert!(randoms.len() > 255 * 5 - 3, "{}", randoms.len());
        let ids: HashSet<u32> = (100..400).map(|len| of(None, (0, len))).collect();
        assert!(ids.len() > 80, "{}", ids.len());
    }
}
