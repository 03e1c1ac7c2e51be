//! A few bytes that must be seen together, gathered over calls.

/// Up to `N` bytes, gathered over calls.
#[derive(Debug)]
pub(crate) struct Gather<const N: usize> {
    bytes: [u8; N],
    have: u8,
}

impl<const N: usize> Default for Gather<N> {
    fn default() -> Self {
        Self { bytes: [0; N], have: 0 }
    }
}

impl<const N: usize> Gather<N> {
    /// Takes bytes off the front of `from` until there are `want`.
    #[inline]
    pub(crate) fn feed(&mut self, want: usize, from: &mut &[u8]) {
        if self.have == 0
            && want == N
            && let Some((all, rest)) = from.split_first_chunk::<N>()
        {
            (self.bytes, self.have, *from) = (*all, u8::try_from(N).unwrap_or(u8::MAX), rest);
            return;
        }
        let free = self.bytes.iter_mut().take(want).skip(usize::from(self.have));
        for slot in free {
            let Some((byte, rest)) = from.split_first() else { return };
            *slot = *byte;
            *from = rest;
            self.have += 1;
        }
    }

    /// Feeds until there are `M` bytes, gives them, and starts anew.
    #[inline]
    pub(crate) fn fill<const M: usize>(&mut self, from: &mut &[u8]) -> Option<[u8; M]> {
        if self.have == 0
            && let Some((all, rest)) = from.split_first_chunk::<M>()
        {
            *from = rest;
            return Some(*all);
        }
        self.feed(M, from);
        if usize::from(self.have) < M {
            return None;
        }
        self.clear();
        self.bytes.first_chunk().copied()
    }

    /// All `N` bytes, where they are there; they stay.
    pub(crate) fn whole(&self) -> Option<[u8; N]> {
        (usize::from(self.have) == N).then_some(self.bytes)
    }

    pub(crate) fn is_begun(&self) -> bool {
        self.have > 0
    }

    pub(crate) fn clear(&mut self) {
        self.have = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_over_calls_and_starts_anew() {
        let mut gather = Gather::<4>::default();
        assert_eq!(gather.fill::<3>(&mut &[1, 2][..]), None);
        assert!(gather.is_begun());
        let mut more: &[u8] = &[3, 4];
        assert_eq!(gather.fill(&mut more), Some([1, 2, 3]));
        assert_eq!(more, [4]);
        assert!(!gather.is_begun());
    }

    #[test]
    fn whole_bytes_stay_until_cleared() {
        let mut gather = Gather::<2>::default();
        let mut bytes: &[u8] = &[1, 2, 3];
        gather.feed(2, &mut bytes);
        gather.feed(2, &mut bytes);
        assert_eq!((gather.whole(), bytes), (Some([1, 2]), &[3][..]));
        gather.clear();
        assert_eq!(gather.whole(), None);
    }
}
