//! Watches over datagrams: which connection each one belongs to, and what became of it.
//!
//! Only what a row of [`crate::hello::DATAGRAMS`] may begin a connection with, and a reader then takes,
//! opens a flow; every other datagram costs a look at a small table and a few byte compares. Several
//! connections may share their addresses and ports at the same time: see [`chain`]. A connection that was told leaves nothing but its
//! slot in the table, with the tag by which a late repetition of its beginning is known.

mod chain;
mod connection;
mod exchange;
mod record;
#[cfg(test)]
mod tests;

use crate::flow::limits::{IDLE_OPEN, TOTAL_BYTES};
use crate::flow::slab::Slab;
use crate::flow::table::{State, Table};
use crate::hello::datagram::DatagramProtocol;
use crate::hello::protocol::Probe;
use crate::inspector::Inspector;
use crate::inspector::datagram::connection::{Connection, Heard};
use crate::inspector::datagram::record::Cause;
use crate::inspector::seek::Tools;
use crate::inspector::settings::Settings;
use crate::model::frame::Timestamp;
use crate::model::observation::Observation;
use crate::model::segment::Segment;
use crate::model::skip::Skip;
use crate::model::stats::FlowStats;

/// Age list of connections without a whole hello.
const SEEK: u8 = 0;
/// Age list of connections that wait for the server's answer.
const ANSWER: u8 = 1;
/// Age list of connections that are told and wait for their end (`--emit end`).
const LINGER: u8 = 2;

/// What the inspector lends: everything but the datagrams.
struct Desk<'i> {
    settings: &'i Settings,
    tools: &'i mut Tools,
    stats: &'i mut FlowStats,
    out: &'i mut Vec<Observation>,
}

/// All connections over UDP.
pub(super) struct Datagrams {
    rows: &'static [&'static dyn DatagramProtocol],
    table: Table,
    open: Slab<Connection, 3>,
    scratch: Vec<u8>,
    held: usize,
    now: Timestamp,
}

impl Inspector {
    /// Takes a UDP datagram.
    pub(super) fn datagram(&mut self, segment: &Segment<'_>, out: &mut Vec<Observation>) {
        self.now = self.now.max(segment.time);
        let (datagrams, mut desk) = self.desk(out);
        datagrams.push(segment, &mut desk);
    }

    /// Tells what has waited too long.
    pub(super) fn tick_datagrams(&mut self, out: &mut Vec<Observation>) {
        let (datagrams, mut desk) = self.desk(out);
        datagrams.tick(&mut desk);
    }

    /// The end of the capture: tells all that is still open.
    pub(super) fn finish_datagrams(&mut self, out: &mut Vec<Observation>) {
        let (datagrams, mut desk) = self.desk(out);
        datagrams.finish(&mut desk);
    }

    fn desk<'i>(&'i mut self, out: &'i mut Vec<Observation>) -> (&'i mut Datagrams, Desk<'i>) {
        let Self { settings, tools, stats, datagrams, now, .. } = self;
        datagrams.now = *now;
        (datagrams, Desk { settings, tools, stats, out })
    }
}

impl Datagrams {
    /// Connections of the protocols in `rows`.
    pub(super) fn new(rows: &'static [&'static dyn DatagramProtocol]) -> Self {
        Self {
            rows,
            table: Table::default(),
            open: Slab::default(),
            scratch: Vec::new(),
            held: 0,
            now: Timestamp::default(),
        }
    }

    /// Flows in the table.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    fn push(&mut self, segment: &Segment<'_>, desk: &mut Desk<'_>) {
        let found = self.table.find(segment.hash);
        let state = found.map(|found| found.state);
        if let Some(State::Open(newest)) = state
            && self.belongs(newest, segment, desk)
        {
            return;
        }
        let Some(row) = self.row(segment.payload) else {
            if state != Some(State::Done) {
                desk.tools.skips.add(Skip::OtherDatagram);
            }
            return;
        };
        if found.is_none_or(|found| !row.repeats(segment.payload, found.isn)) {
            self.begin(row, segment, desk);
        }
    }

    fn row(&self, payload: &[u8]) -> Option<&'static dyn DatagramProtocol> {
        self.rows.iter().find(|row| row.probe(payload) == Probe::Yes).copied()
    }

    /// A datagram that may begin a connection, and belongs to none that is known.
    fn begin(&mut self, row: &'static dyn DatagramProtocol, segment: &Segment<'_>, desk: &mut Desk<'_>) {
        let mut new = Connection::new(row, segment, self.now, desk.tools.wanted);
        let Some(mut heard) = new.read(segment, true, &mut self.scratch, desk.tools) else {
            desk.tools.skips.add(Skip::Sealed);
            return;
        };
        if self.continues(&mut new) {
            heard.hello = false;
        } else {
            self.make_room(segment.hash, segment.time, desk);
            desk.stats.total += 1;
        }
        let (older, isn) = match self.table.find(segment.hash) {
            Some(found) => (if let State::Open(index) = found.state { Some(index) } else { None }, found.isn),
            None => (None, 0),
        };
        new.older = older;
        let index = self.open.insert(new, SEEK);
        self.table.insert(segment.hash, State::Open(index), isn);
        self.act(index, heard, segment.time, desk);
    }

    /// Makes room for one more connection, in its chain and in all.
    fn make_room(&mut self, hash: u64, at: Timestamp, desk: &mut Desk<'_>) {
        let chain = self.chain(hash);
        if let (Some(oldest), true) = (chain.iter().flatten().next_back(), chain.iter().all(Option::is_some))
        {
            desk.stats.evicted += 1;
            self.conclude(*oldest, Cause::CutOff, at, desk);
        }
        if self.open.len() >= desk.settings.max_flows {
            self.evict(u32::MAX, at, desk);
        }
        if self.table.len() >= desk.settings.max_flows {
            desk.stats.evicted += u64::from(self.table.evict_done());
        }
    }

    /// Gives up the oldest connection but `spared`.
    fn evict(&mut self, spared: u32, at: Timestamp, desk: &mut Desk<'_>) {
        let oldest = [LINGER, SEEK, ANSWER].into_iter().find_map(|class| self.open.oldest(class));
        if let Some(oldest) = oldest.filter(|oldest| *oldest != spared) {
            desk.stats.evicted += 1;
            self.conclude(oldest, Cause::CutOff, at, desk);
        }
    }

    /// Draws the conclusions from what a datagram said.
    fn act(&mut self, index: u32, heard: Heard, at: Timestamp, desk: &mut Desk<'_>) {
        let Some(connection) = self.open.get_mut(index) else { return };
        let held = connection.reader.held();
        self.held = (self.held + held).saturating_sub(std::mem::replace(&mut connection.counted, held));
        if heard.hello {
            connection.since = self.now;
            if !std::mem::replace(&mut connection.named, true) {
                connection.exchange.add_to(desk.stats);
                desk.stats.conflicts += u64::from(connection.reader.conflict());
            }
            if desk.settings.emit_hello {
                desk.out.push(record::hello(connection));
            }
            self.open.renew(index, ANSWER);
        }
        if let Some(cause) = heard.cause {
            self.conclude(index, cause, at, desk);
        } else if self.held > TOTAL_BYTES {
            self.evict(index, at, desk);
        }
    }

    /// Ends the watch over a connection, or (with `--emit end`) over its handshake.
    fn conclude(&mut self, index: u32, cause: Cause, at: Timestamp, desk: &mut Desk<'_>) {
        let Some(connection) = self.open.get_mut(index) else { return };
        let mut told = connection.told.take().map(|told| *told);
        if told.is_none() {
            self.held = self.held.saturating_sub(std::mem::take(&mut connection.counted));
            let record = record::tell(connection, cause, at, desk.stats);
            told = desk.settings.emit_end.then(|| record.clone()).flatten();
            desk.out.extend(record);
        }
        if let Some(told) = told {
            if !matches!(cause, Cause::Closed { .. } | Cause::CutOff | Cause::Idle) {
                connection.told = Some(Box::new(told));
                connection.since = self.now;
                self.open.renew(index, LINGER);
                return;
            }
            desk.out.push(record::end(connection, &told, at));
        }
        self.leave(index);
    }

    fn tick(&mut self, desk: &mut Desk<'_>) {
        let timeout = desk.settings.handshake_timeout;
        let classes = [
            (SEEK, timeout, Cause::Timeout),
            (ANSWER, timeout, Cause::Timeout),
            (LINGER, IDLE_OPEN, Cause::Idle),
        ];
        for (class, age, cause) in classes {
            while let Some(index) = self.open.oldest(class) {
                let Some(since) = self.open.get(index).map(|open| open.since) else { break };
                if self.now.since(since) < age {
                    break;
                }
                self.conclude(index, cause, since.plus(age), desk);
            }
        }
    }

    fn finish(&mut self, desk: &mut Desk<'_>) {
        self.tick(desk);
        for class in [SEEK, ANSWER, LINGER] {
            while let Some(index) = self.open.oldest(class) {
                self.conclude(index, Cause::CutOff, self.now, desk);
            }
        }
    }
}
