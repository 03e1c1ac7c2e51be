//! The table of flows: 16 bytes for each, found by a 64-bit hash.
//!
//! Most packets belong to flows that need no more watching, and for these the slot is all there is. The
//! hash stands for the flow: it is made under a per-run secret ([`crate::model::seed::Seed`]), so that
//! nobody can aim at a collision, and a chance one among a million flows has a probability of about 3·10⁻⁸.
//! Flows that are still being decided have an entry in a slab with their whole key.

use crate::model::segment::TcpFlags;

/// What is known of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing more to be learnt from it.
    Done,
    /// As [`State::Done`], and its end was seen.
    Ended,
    /// A connection without payload so far: index into its slab.
    Half(u32),
    /// A connection with payload whose outcome is open: index into its slab.
    Open(u32),
}

/// One flow.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// 0 is no flow.
    hash: u64,
    /// Initial sequence number of the side that sent the SYN; 0 where none was seen.
    isn: u32,
    /// [`State`], packed: two bits of kind, thirty of index.
    state: u32,
}

const INDEX: u32 = (1 << 30) - 1;
const HALF: u32 = 1 << 30;
const OPEN: u32 = 2 << 30;
const ENDED: u32 = 1;

fn pack(state: State) -> u32 {
    match state {
        State::Done => 0,
        State::Ended => ENDED,
        State::Half(index) => HALF | (index & INDEX),
        State::Open(index) => OPEN | (index & INDEX),
    }
}

fn unpack(state: u32) -> State {
    match (state >> 30, state & INDEX) {
        (0, ENDED) => State::Ended,
        (0, _) => State::Done,
        (1, index) => State::Half(index),
        (_, index) => State::Open(index),
    }
}

/// Open addressing with linear probing and backward-shift deletion: no tombstones.
#[derive(Debug)]
pub struct Table {
    slots: Vec<Slot>,
    mask: usize,
    len: usize,
    hand: usize,
}

/// A flow's place in the table, valid until the next insertion or removal.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    at: usize,
    /// Its state.
    pub state: State,
    /// Its initial sequence number, 0 where unknown.
    pub isn: u32,
}

impl Found {
    /// False where a segment with these flags tells nothing new: its flow needs nothing more, and the segment
    /// neither begins nor ends one.
    #[inline]
    pub fn is_changed_by(self, flags: TcpFlags) -> bool {
        flags.0 & (TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) != 0
            || !matches!(self.state, State::Done | State::Ended)
    }
}

const FIRST_SIZE: usize = 1 << 12;

impl Default for Table {
    fn default() -> Self {
        Self { slots: vec![Slot::default(); FIRST_SIZE], mask: FIRST_SIZE - 1, len: 0, hand: 0 }
    }
}

/// Zero marks an empty slot.
fn nonzero(hash: u64) -> u64 {
    hash | u64::from(hash == 0)
}

impl Table {
    /// Flows in the table.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        usize::try_from(hash >> 20).unwrap_or(0) & self.mask
    }

    /// Reads the slot where `hash` would stand, so that it is in the cache when it is looked up: a batch
    /// of such reads overlaps where lookups one after another would wait.
    #[inline]
    pub fn touch(&self, hash: u64) -> u64 {
        self.slots.get(self.home(hash)).map_or(0, |slot| slot.hash)
    }

    /// Looks a flow up.
    #[inline]
    pub fn find(&self, hash: u64) -> Option<Found> {
        let hash = nonzero(hash);
        let mut at = self.home(hash);
        loop {
            let slot = self.slots.get(at)?;
            if slot.hash == hash {
                return Some(Found { at, state: unpack(slot.state), isn: slot.isn });
            }
            if slot.hash == 0 {
                return None;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Changes the state of a flow that [`Table::find`] just found.
    #[inline]
    pub fn set(&mut self, found: Found, state: State, isn: u32) {
        if let Some(slot) = self.slots.get_mut(found.at) {
            (slot.state, slot.isn) = (pack(state), isn);
        }
    }

    /// Adds a flow, or changes the one that has this hash.
    pub fn insert(&mut self, hash: u64, state: State, isn: u32) {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        if let Some(found) = self.find(hash) {
            self.set(found, state, isn);
            return;
        }
        self.place(Slot { hash: nonzero(hash), isn, state: pack(state) });
        self.len += 1;
    }

    fn place(&mut self, new: Slot) {
        let mut at = self.home(new.hash);
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.hash == 0 {
                *slot = new;
                return;
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Removes a flow.
    pub fn remove(&mut self, hash: u64) {
        if let Some(found) = self.find(hash) {
            self.remove_at(found.at);
        }
    }

    fn remove_at(&mut self, mut gap: usize) {
        self.len -= 1;
        let mut at = gap;
        loop {
            at = (at + 1) & self.mask;
            let Some(slot) = self.slots.get(at).copied() else { break };
            if slot.hash == 0 {
                break;
            }
            let home = self.home(slot.hash);
            if (at.wrapping_sub(home) & self.mask) >= (at.wrapping_sub(gap) & self.mask) {
                if let Some(empty) = self.slots.get_mut(gap) {
                    *empty = slot;
                }
                gap = at;
            }
        }
        if let Some(empty) = self.slots.get_mut(gap) {
            *empty = Slot::default();
        }
    }

    /// Removes one flow that needs no more watching, going round the table; false if there is none within
    /// the next thousand slots.
    pub fn evict_done(&mut self) -> bool {
        for _ in 0..1024 {
            self.hand = (self.hand + 1) & self.mask;
            let done = self.slots.get(self.hand).is_some_and(|slot| slot.hash != 0 && slot.state <= ENDED);
            if done {
                self.remove_at(self.hand);
                return true;
            }
        }
        false
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        self.mask = size - 1;
        for slot in old {
            if slot.hash != 0 {
                self.place(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn behaves_like_a_map() {
        let mut table = Table::default();
        let mut model: HashMap<u64, (State, u32)> = HashMap::new();
        let mut random = 7_u64;
        for step in 0..200_000_u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // few homes and few hashes: long probe runs and many hits
            let hash = ((random >> 33) % 3000) << 20;
            if random.is_multiple_of(3) {
                table.remove(hash);
                model.remove(&nonzero(hash));
            } else {
                let state = [State::Done, State::Ended, State::Half(step), State::Open(step)]
                    [(random >> 60) as usize % 4];
                table.insert(hash, state, step);
                model.insert(nonzero(hash), (state, step));
            }
            assert_eq!(table.len(), model.len());
        }
        for (hash, (state, isn)) in model {
            let found = table.find(hash).expect("in the table");
            assert_eq!((found.state, found.isn), (state, isn));
        }
    }

    #[test]
    fn only_flows_that_need_nothing_are_evicted() {
        let mut table = Table::default();
        table.insert(1 << 20, State::Open(0), 0);
        table.insert(2 << 20, State::Done, 0);
        while table.evict_done() {}
        for _ in 0..8 {
            table.evict_done();
        }
        assert_eq!(table.len(), 1);
        assert!(table.find(1 << 20).is_some());
    }
}
