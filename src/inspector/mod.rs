//! Segments in, observations out; no thread and no clock but the segments' own.
//!
//! One inspector owns its flows; nothing is shared. Most segments belong to flows that need nothing more,
//! and cost one look at the table. A connection goes from [`half::Half`] (no payload yet) to
//! [`connection::Connection`] (payload, outcome open) to a bare slot in the table.

pub mod attempts;
pub mod connection;
pub mod half;
pub mod names;
pub mod settings;

mod answer;
mod record;
mod seek;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::VecDeque;

use crate::flow::limits::{ENDED, IDLE_OPEN, SAME_PACKET};
use crate::flow::slab::Slab;
use crate::flow::table::{Found, State, Table};
use crate::inspector::connection::{ANSWER, Connection, LINGER, SEEK};
use crate::inspector::half::{Half, HalfStep, SILENT, SYN, Tcp};
use crate::inspector::names::Names;
use crate::inspector::record::Cause;
use crate::inspector::seek::Tools;
use crate::inspector::settings::Settings;
use crate::model::frame::Timestamp;
use crate::model::observation::{Observation, Outcome};
use crate::model::segment::{Header, Segment, TcpFlags};
use crate::model::skip::SkipCounts;
use crate::model::stats::FlowStats;
use crate::naming::Namer;

/// Watches connections.
pub struct Inspector {
    settings: Settings,
    table: Table,
    halves: Slab<Half, 2>,
    open: Slab<Connection, 3>,
    ended: VecDeque<(u64, u32)>,
    tools: Tools,
    stats: FlowStats,
    held: usize,
    now: Timestamp,
}

impl Inspector {
    /// An inspector that has seen nothing; names are read by `namer`.
    pub fn new(settings: Settings, namer: Namer) -> Self {
        let tools = Tools::new(Names::new(namer), settings.keep_bytes);
        Self {
            settings,
            table: Table::default(),
            halves: Slab::default(),
            open: Slab::default(),
            ended: VecDeque::new(),
            tools,
            stats: FlowStats::default(),
            held: 0,
            now: Timestamp::default(),
        }
    }

    /// Counters of the connections.
    pub fn stats(&self) -> FlowStats {
        FlowStats { active: self.table.len() as u64, ..self.stats }
    }

    /// Streams that held no hello, by reason.
    pub fn skips(&self) -> SkipCounts {
        self.tools.skips
    }

    /// Reads the table's slot of a flow ahead of its segment: see [`Table::touch`].
    #[inline]
    pub fn touch(&self, hash: u64) -> u64 {
        self.table.touch(hash)
    }

    /// Reads the state of a flow ahead of its segment, once its slot was touched; for the same reason.
    #[inline]
    pub fn touch_state(&self, hash: u64) -> u64 {
        match self.table.find(hash).map(|found| found.state) {
            Some(State::Half(index)) => self.halves.get(index).map_or(0, |half| half.hash ^ half.since.0),
            Some(State::Open(index)) => self.open.get(index).map_or(0, |open| {
                open.hash
                    ^ open.since.0
                    ^ open.forth.newest.0
                    ^ open.back.newest.0
                    ^ u64::from(open.key.ports.0)
            }),
            _ => 0,
        }
    }

    /// Takes one segment; what it completes is appended to `out`.
    #[inline]
    pub fn push(&mut self, segment: &Segment<'_>, out: &mut Vec<Observation>) {
        let Header::Tcp { seq, ack, flags } = segment.header else { return };
        let tcp = Tcp { seq, ack, flags };
        self.now = self.now.max(segment.time);
        let Some(found) = self.table.find(segment.hash) else {
            self.begin(segment, tcp, out);
            return;
        };
        match found.state {
            State::Done | State::Ended => self.done(found, segment, tcp, out),
            State::Half(index) => self.half(index, segment, tcp, out),
            State::Open(index) => self.connection(index, segment, tcp, out),
        }
    }

    /// A segment of a flow that needs nothing more, unless its ports are used anew.
    #[inline]
    fn done(&mut self, found: Found, segment: &Segment<'_>, tcp: Tcp, out: &mut Vec<Observation>) {
        if tcp.flags.0 & (TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST) == 0 {
            return;
        }
        if tcp.opens() {
            if tcp.seq != found.isn || found.isn == 0 {
                self.begin(segment, tcp, out);
            }
        } else if !tcp.flags.has(TcpFlags::SYN) && found.state == State::Done {
            self.table.set(found, State::Ended, found.isn);
            self.remember(segment.hash, found.isn);
        }
    }

    /// The first segment of a flow.
    fn begin(&mut self, segment: &Segment<'_>, tcp: Tcp, out: &mut Vec<Observation>) {
        let payload = !segment.payload.is_empty();
        let half = if tcp.opens() {
            Half::from_syn(segment, tcp, self.now)
        } else if tcp.accepts() {
            Half::from_syn_ack(segment, tcp, self.now)
        } else {
            if payload && !tcp.flags.has(TcpFlags::RST) {
                self.make_room(out);
                self.stats.total += 1;
                let index = self.open.insert(Connection::from_middle(segment, self.now), SEEK);
                self.table.insert(segment.hash, State::Open(index), 0);
                self.connection(index, segment, tcp, out);
            }
            return;
        };
        self.make_room(out);
        self.stats.total += 1;
        let (isn, class) = (half.isn, if half.server_isn.is_some() { SILENT } else { SYN });
        let index = self.halves.insert(half, class);
        self.table.insert(segment.hash, State::Half(index), isn);
        if payload {
            // TCP Fast Open (RFC 7413)
            self.promote(index, segment, tcp, out);
        }
    }

    fn half(&mut self, index: u32, segment: &Segment<'_>, tcp: Tcp, out: &mut Vec<Observation>) {
        let Some(half) = self.halves.get_mut(index) else { return };
        match half.push(segment, tcp, SAME_PACKET) {
            HalfStep::Stay => {}
            HalfStep::Answered => {
                half.since = self.now;
                self.halves.renew(index, SILENT);
            }
            HalfStep::Data => self.promote(index, segment, tcp, out),
            HalfStep::Replaced => {
                self.drop_half(index, Outcome::Timeout, segment.time, out);
                self.begin(segment, tcp, out);
            }
            HalfStep::Refused => {
                out.push(record::attempt(half, Outcome::Refused, segment.time));
                self.stats.unanswered += 1;
            }
            HalfStep::Closed => {
                self.drop_half(index, Outcome::Closed, segment.time, out);
                self.finish_flow(segment.hash);
            }
        }
    }

    /// Forgets a half connection; an unanswered one counts as an attempt.
    fn drop_half(&mut self, index: u32, result: Outcome, at: Timestamp, out: &mut Vec<Observation>) {
        let Some(half) = self.halves.remove(index) else { return };
        if half.refused && half.server_isn.is_none() {
            return;
        }
        if half.server_isn.is_none() && result != Outcome::Closed {
            self.stats.unanswered += 1;
            out.push(record::attempt(&half, result, at));
        } else {
            self.stats.no_hello += 1;
        }
    }

    /// The first payload: from here on the bytes count.
    fn promote(&mut self, index: u32, segment: &Segment<'_>, tcp: Tcp, out: &mut Vec<Observation>) {
        let Some(half) = self.halves.remove(index) else { return };
        let connection = Connection::from_half(&half, segment.hash, self.now);
        let index = self.open.insert(connection, SEEK);
        self.table.insert(segment.hash, State::Open(index), half.isn);
        self.connection(index, segment, tcp, out);
    }

    /// Marks a flow as ended; its slot stays for a while, so that a late repetition begins no new flow.
    fn finish_flow(&mut self, hash: u64) {
        if let Some(found) = self.table.find(hash) {
            self.table.set(found, State::Ended, found.isn);
            self.remember(hash, found.isn);
        }
    }

    fn remember(&mut self, hash: u64, isn: u32) {
        self.ended.push_back((hash, isn));
        if self.ended.len() > ENDED
            && let Some((hash, isn)) = self.ended.pop_front()
            && let Some(found) = self.table.find(hash)
            && found.state == State::Ended
            && found.isn == isn
        {
            self.table.remove(hash);
        }
    }

    /// Makes room for one more flow.
    fn make_room(&mut self, out: &mut Vec<Observation>) {
        if self.table.len() < self.settings.max_flows {
            return;
        }
        self.stats.evicted += 1;
        let flood = self.halves.len() * 2 > self.settings.max_flows;
        if !flood && self.evict_done() {
            return;
        }
        let open = [LINGER, ANSWER, SEEK].into_iter().find_map(|class| self.open.oldest(class));
        if let Some(index) = self.halves.oldest(SYN).or_else(|| self.halves.oldest(SILENT)) {
            self.expire_half(index, out);
        } else if let Some((index, hash)) = open.and_then(|index| Some((index, self.open.get(index)?.hash))) {
            self.conclude(index, Cause::CutOff, self.now, out);
            self.table.remove(hash);
        }
    }

    /// Forgets one flow that needs nothing more, if there is one and it is not too long to look for.
    fn evict_done(&mut self) -> bool {
        const TRIES: usize = 64;
        let watched = self.halves.len() + self.open.len();
        watched < self.table.len() && (0..TRIES).any(|_| self.table.evict_done())
    }

    fn expire_half(&mut self, index: u32, out: &mut Vec<Observation>) {
        let Some(half) = self.halves.get(index) else { return };
        let (hash, due) = (half.hash, half.since.plus(self.settings.handshake_timeout));
        self.drop_half(index, Outcome::Timeout, due.min(self.now), out);
        self.table.remove(hash);
    }

    /// The capture's time is `now`: tells what has waited too long. Called at least ten times a second of
    /// capture time, and live also when nothing arrives.
    pub fn tick(&mut self, now: Timestamp, out: &mut Vec<Observation>) {
        self.now = self.now.max(now);
        let timeout = self.settings.handshake_timeout;
        for (class, age) in [(SYN, timeout), (SILENT, IDLE_OPEN)] {
            while let Some(index) = self.halves.oldest(class) {
                if self.halves.get(index).is_none_or(|half| self.now.since(half.since) < age) {
                    break;
                }
                self.expire_half(index, out);
            }
        }
        for class in [SEEK, ANSWER] {
            while let Some(index) = self.open.oldest(class) {
                if self.open.get(index).is_none_or(|open| self.now.since(open.since) < timeout) {
                    break;
                }
                let at = self.open.get(index).map_or(self.now, |open| open.since.plus(timeout));
                self.conclude(index, Cause::Timeout, at, out);
            }
        }
    }

    /// The end of the capture: tells all that is still open, in the order of age.
    pub fn finish(&mut self, out: &mut Vec<Observation>) {
        let now = self.now;
        self.tick(now, out);
        for class in 0..3 {
            while let Some(index) = self.open.oldest(class) {
                self.conclude(index, Cause::CutOff, now, out);
            }
        }
        while let Some(index) = self.halves.oldest(SILENT) {
            self.expire_half(index, out);
        }
        while let Some(index) = self.halves.oldest(SYN) {
            // the answer may come after the end: only a SYN that was sent again has waited in vain
            let waited = self.halves.get(index).is_some_and(|half| half.retransmits > 0 || half.refused);
            if waited {
                self.expire_half(index, out);
            } else {
                self.halves.remove(index);
                self.stats.unanswered += 1;
            }
        }
    }
}
