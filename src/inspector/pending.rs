//! Whether a flow's record may still come: for whoever holds its packets until then.

use crate::flow::table::State;
use crate::inspector::Inspector;

impl Inspector {
    /// True while a connection of this flow waits for its record.
    pub fn is_pending(&self, hash: u64) -> bool {
        let waits = match self.table.find(hash).map(|found| found.state) {
            Some(State::Half(_)) => true,
            Some(State::Open(index)) => self.open.get(index).is_some_and(|open| open.told.is_none()),
            Some(State::Done | State::Ended) | None => false,
        };
        waits || self.datagrams.is_pending(hash)
    }

    /// True while anything is known of the flow.
    pub fn knows(&self, hash: u64) -> bool {
        self.table.find(hash).is_some() || self.datagrams.knows(hash)
    }
}
