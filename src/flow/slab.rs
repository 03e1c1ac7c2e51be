//! A slab of flow states whose entries are threaded by age: the oldest of each class is at hand.
//!
//! Every class is a list in order of entry. All entries of a class expire after the same time, so the
//! head of a list is the next to expire, and nothing needs a timer.
//!
//! Entries stand in chunks that never move: growing copies nothing, and touches no memory but the new.

const NONE: u32 = u32::MAX;

/// Entries of a chunk.
const CHUNK: usize = 1024;

#[derive(Debug)]
struct Entry<T> {
    value: Option<T>,
    class: u8,
    prev: u32,
    next: u32,
}

/// Values by index, in `N` age lists.
#[derive(Debug)]
pub struct Slab<T, const N: usize> {
    chunks: Vec<Vec<Entry<T>>>,
    free: u32,
    heads: [u32; N],
    tails: [u32; N],
    len: usize,
}

impl<T, const N: usize> Default for Slab<T, N> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: NONE, heads: [NONE; N], tails: [NONE; N], len: 0 }
    }
}

impl<T, const N: usize> Slab<T, N> {
    #[inline]
    fn entry(&self, index: u32) -> Option<&Entry<T>> {
        self.chunks.get(index as usize / CHUNK)?.get(index as usize % CHUNK)
    }

    #[inline]
    fn entry_mut(&mut self, index: u32) -> Option<&mut Entry<T>> {
        self.chunks.get_mut(index as usize / CHUNK)?.get_mut(index as usize % CHUNK)
    }

    /// Entries in use.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds `value` as the youngest of `class` (below `N`) and returns its index, below 2³⁰.
    pub fn insert(&mut self, value: T, class: u8) -> u32 {
        let fresh = Entry { value: Some(value), class, prev: NONE, next: NONE };
        let index = self.free;
        if let Some(entry) = self.entry_mut(index) {
            let next = entry.next;
            *entry = fresh;
            self.free = next;
            self.append(index, class);
            self.len += 1;
            return index;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let Some(chunk) = self.chunks.last_mut() else { return NONE };
        let index = u32::try_from(before + chunk.len()).unwrap_or(NONE);
        chunk.push(fresh);
        self.append(index, class);
        self.len += 1;
        index
    }

    /// The value at `index`.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.entry_mut(index)?.value.as_mut()
    }

    /// The value at `index`.
    pub fn get(&self, index: u32) -> Option<&T> {
        self.entry(index)?.value.as_ref()
    }

    /// Takes the value out.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let value = self.entry_mut(index)?.value.take()?;
        self.unlink(index);
        self.free(index);
        Some(value)
    }

    /// Drops the value.
    pub fn release(&mut self, index: u32) {
        let Some(entry) = self.entry_mut(index).filter(|entry| entry.value.is_some()) else { return };
        entry.value = None;
        self.unlink(index);
        self.free(index);
    }

    fn free(&mut self, index: u32) {
        let free = std::mem::replace(&mut self.free, index);
        if let Some(entry) = self.entry_mut(index) {
            entry.next = free;
        }
        self.len -= 1;
    }

    /// Makes the entry the youngest of `class`.
    pub fn renew(&mut self, index: u32, class: u8) {
        if self.get(index).is_some() {
            self.unlink(index);
            self.append(index, class);
        }
    }

    /// Index of the oldest entry of `class`.
    pub fn oldest(&self, class: u8) -> Option<u32> {
        self.heads.get(usize::from(class)).copied().filter(|head| *head != NONE)
    }

    /// Index of the next younger entry of the same class.
    pub fn younger(&self, index: u32) -> Option<u32> {
        Some(self.entry(index)?.next).filter(|next| *next != NONE)
    }

    fn append(&mut self, index: u32, class: u8) {
        let Some(tail) = self.tails.get_mut(usize::from(class)) else { return };
        let before = std::mem::replace(tail, index);
        match self.entry_mut(before) {
            Some(entry) => entry.next = index,
            None => {
                if let Some(head) = self.heads.get_mut(usize::from(class)) {
                    *head = index;
                }
            }
        }
        if let Some(entry) = self.entry_mut(index) {
            (entry.class, entry.prev, entry.next) = (class, before, NONE);
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(entry) = self.entry(index) else { return };
        let (class, prev, next) = (usize::from(entry.class), entry.prev, entry.next);
        match self.entry_mut(prev) {
            Some(before) => before.next = next,
            None => {
                if let Some(head) = self.heads.get_mut(class) {
                    *head = next;
                }
            }
        }
        match self.entry_mut(next) {
            Some(after) => after.prev = prev,
            None => {
                if let Some(tail) = self.tails.get_mut(class) {
                    *tail = prev;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_lists_keep_their_order() {
        let mut slab: Slab<char, 2> = Slab::default();
        let [a, b, c] = ['a', 'b', 'c'].map(|v| slab.insert(v, 0));
        assert_eq!(slab.oldest(0), Some(a));
        slab.renew(a, 0);
        assert_eq!(slab.oldest(0), Some(b));
        slab.renew(b, 1);
        assert_eq!((slab.oldest(0), slab.oldest(1)), (Some(c), Some(b)));
        assert_eq!(slab.remove(c), Some('c'));
        assert_eq!(slab.remove(c), None);
        assert_eq!(slab.oldest(0), Some(a));
        let d = slab.insert('d', 0);
        assert_eq!(d, c, "indexes are used again");
        assert_eq!(slab.len(), 3);
        assert_eq!(slab.remove(a), Some('a'));
        assert_eq!(slab.oldest(0), Some(d));
        slab.remove(d);
        slab.remove(b);
        assert!(slab.is_empty());
        assert_eq!((slab.oldest(0), slab.oldest(1)), (None, None));
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "some thousands")]
    fn entries_of_all_chunks_are_found() {
        let mut slab: Slab<usize, 1> = Slab::default();
        let many = 3 * CHUNK + 5;
        assert!((0..many).all(|value| slab.insert(value, 0) as usize == value));
        assert!((0..many).all(|value| slab.get(value as u32) == Some(&value)));
        assert_eq!((slab.get(many as u32), slab.len()), (None, many));
        slab.release(1500);
        slab.release(1500);
        assert_eq!((slab.get(1500), slab.len()), (None, many - 1));
        assert_eq!(slab.insert(7, 0), 1500, "indexes are used again");
    }
}
