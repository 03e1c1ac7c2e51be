//! A slab of flow states whose entries are threaded by age: the oldest of each class is at hand.
//!
//! Every class is a list in order of entry. All entries of a class expire after the same time, so the
//! head of a list is the next to expire, and nothing needs a timer.

const NONE: u32 = u32::MAX;

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
    entries: Vec<Entry<T>>,
    free: u32,
    heads: [u32; N],
    tails: [u32; N],
    len: usize,
}

impl<T, const N: usize> Default for Slab<T, N> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: NONE, heads: [NONE; N], tails: [NONE; N], len: 0 }
    }
}

impl<T, const N: usize> Slab<T, N> {
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
        if let Some(entry) = self.entries.get_mut(index as usize) {
            self.free = entry.next;
            *entry = fresh;
            self.append(index, class);
            self.len += 1;
            return index;
        }
        let index = u32::try_from(self.entries.len()).unwrap_or(NONE);
        self.entries.push(fresh);
        self.append(index, class);
        self.len += 1;
        index
    }

    /// The value at `index`.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.entries.get_mut(index as usize)?.value.as_mut()
    }

    /// The value at `index`.
    pub fn get(&self, index: u32) -> Option<&T> {
        self.entries.get(index as usize)?.value.as_ref()
    }

    /// Takes the value out.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let value = self.entries.get_mut(index as usize)?.value.take()?;
        self.unlink(index);
        self.free(index);
        Some(value)
    }

    /// Drops the value.
    pub fn release(&mut self, index: u32) {
        let Some(entry) = self.entries.get_mut(index as usize).filter(|entry| entry.value.is_some()) else {
            return;
        };
        entry.value = None;
        self.unlink(index);
        self.free(index);
    }

    fn free(&mut self, index: u32) {
        if let Some(entry) = self.entries.get_mut(index as usize) {
            entry.next = self.free;
        }
        self.free = index;
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

    fn append(&mut self, index: u32, class: u8) {
        let Some(tail) = self.tails.get_mut(usize::from(class)) else { return };
        let before = std::mem::replace(tail, index);
        match self.entries.get_mut(before as usize) {
            Some(entry) => entry.next = index,
            None => {
                if let Some(head) = self.heads.get_mut(usize::from(class)) {
                    *head = index;
                }
            }
        }
        if let Some(entry) = self.entries.get_mut(index as usize) {
            (entry.class, entry.prev, entry.next) = (class, before, NONE);
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(entry) = self.entries.get(index as usize) else { return };
        let (class, prev, next) = (usize::from(entry.class), entry.prev, entry.next);
        match self.entries.get_mut(prev as usize) {
            Some(before) => before.next = next,
            None => {
                if let Some(head) = self.heads.get_mut(class) {
                    *head = next;
                }
            }
        }
        match self.entries.get_mut(next as usize) {
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
}
