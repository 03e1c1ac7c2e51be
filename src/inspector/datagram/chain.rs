//! Connections that share their addresses and ports at the same time.
//!
//! They form a chain, newest first, that begins in the flow's slot of the table. Each datagram goes to the
//! one whose reader takes it. Who leaves the chain leaves its tag in the slot.

use crate::flow::table::State;
use crate::inspector::datagram::connection::Connection;
use crate::inspector::datagram::{Datagrams, Desk, LINGER};
use crate::model::segment::Segment;

/// Connections with the same addresses and ports at the same time.
pub(super) const TOGETHER: usize = 8;

impl Datagrams {
    /// Gives the datagram to the one of a chain's connections that it belongs to, if there is one.
    pub(super) fn belongs(&mut self, newest: u32, segment: &Segment<'_>, desk: &mut Desk<'_>) -> bool {
        let alone = self.open.get(newest).is_some_and(|connection| connection.older.is_none());
        let mut told = None;
        let mut next = Some(newest);
        while let Some(index) = next {
            let Some(connection) = self.open.get_mut(index) else { break };
            next = connection.older;
            if connection.told.is_some() {
                told = told.or(Some(index));
                continue;
            }
            if let Some(heard) = connection.read(segment, alone, &mut self.scratch, desk.tools) {
                self.act(index, heard, segment.time, desk);
                return true;
            }
        }
        told.is_some_and(|index| self.linger(index, segment))
    }

    /// What follows on a connection that was told is counted, unless it may begin another one.
    fn linger(&mut self, index: u32, segment: &Segment<'_>) -> bool {
        let row = self.row(segment.payload);
        let Some(connection) = self.open.get_mut(index) else { return false };
        if row.is_some_and(|row| !row.repeats(segment.payload, connection.reader.tag())) {
            return false;
        }
        connection.count(segment);
        connection.since = self.now;
        self.open.renew(index, LINGER);
        true
    }

    /// True if `new` is an open connection once more: the same hello under other ids, as after a Retry that was
    /// not captured. It takes the other one's place.
    pub(super) fn continues(&mut self, new: &mut Connection) -> bool {
        let same = |index: &u32| {
            let open = self.open.get(*index).filter(|open| open.told.is_none() && open.key == new.key);
            open.is_some_and(|open| open.exchange.is_same_hello(&new.exchange))
        };
        let Some(index) = self.chain(new.hash).into_iter().flatten().find(same) else { return false };
        let Some(open) = self.open.get_mut(index) else { return false };
        self.held = self.held.saturating_sub(open.counted);
        new.take_over(open);
        self.leave(index);
        true
    }

    /// The connections of a flow, newest first.
    pub(super) fn chain(&self, hash: u64) -> [Option<u32>; TOGETHER] {
        let mut chain = [None; TOGETHER];
        let mut next = match self.table.find(hash).map(|found| found.state) {
            Some(State::Open(index)) => Some(index),
            _ => None,
        };
        for place in &mut chain {
            *place = next;
            next = next.and_then(|index| self.open.get(index)?.older);
        }
        chain
    }

    /// True while a connection of the flow waits for its record.
    pub(in crate::inspector) fn is_pending(&self, hash: u64) -> bool {
        let waits = |index: &u32| self.open.get(*index).is_some_and(|open| open.told.is_none());
        self.chain(hash).iter().flatten().any(waits)
    }

    /// True while the flow is in the table.
    pub(in crate::inspector) fn knows(&self, hash: u64) -> bool {
        self.table.find(hash).is_some()
    }

    /// Takes a connection out of its chain; its tag stays.
    pub(super) fn leave(&mut self, index: u32) {
        let Some(gone) = self.open.remove(index) else { return };
        let Some(found) = self.table.find(gone.hash) else { return };
        let tag = gone.reader.tag();
        let State::Open(newest) = found.state else { return };
        if newest == index {
            self.table.set(found, gone.older.map_or(State::Done, State::Open), tag);
            return;
        }
        self.table.set(found, found.state, tag);
        let mut next = Some(newest);
        while let Some(connection) = next.and_then(|index| self.open.get_mut(index)) {
            next = connection.older;
            if next == Some(index) {
                connection.older = gone.older;
                return;
            }
        }
    }
}
