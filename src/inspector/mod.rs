//! Segments in, observations out; no thread and no clock but the segments' own.
//!
//! One inspector owns its flows; nothing is shared. Most segments belong to flows that need nothing more,
//! and cost one look at the table. A connection goes from [`half::Half`] (no payload yet) to
//! [`connection::Connection`] (payload, outcome open) to a bare slot in the table.

pub mod attempts;
pub mod certificates;
pub mod connection;
pub mod half;
pub mod legs;
pub mod names;
pub mod settings;

mod age;
mod answer;
mod datagram;
mod late;
mod pending;
mod record;
mod seek;
mod side;
#[cfg(test)]
mod tests;
mod verdict;
mod watch;

use std::collections::VecDeque;

use crate::flow::limits::{ENDED, SAME_PACKET};
use crate::flow::slab::Slab;
use crate::flow::table::{Found, State, Table};
use crate::hello::DATAGRAMS;
use crate::inspector::connection::{Connection, SEEK};
use crate::inspector::datagram::Datagrams;
use crate::inspector::half::{Half, HalfStep, SILENT, SYN, Tcp};
use crate::inspector::legs::Legs;
use crate::inspector::names::Names;
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
    open: Slab<Connection, 4>,
    ended: VecDeque<(u64, u32)>,
    datagrams: Datagrams,
    tools: Tools,
    legs: Legs,
    stats: FlowStats,
    held: usize,
    now: Timestamp,
}

impl Inspector {
    /// An inspector that has seen nothing; names are read by `namer`.
    pub fn new(settings: Settings, namer: Namer) -> Self {
        let tools = Tools::new(Names::new(namer).unread(settings.names_unread), &settings);
        let legs = Legs::new(settings.vantage.clone());
        Self {
            settings,
            legs,
            table: Table::default(),
            halves: Slab::default(),
            open: Slab::default(),
            ended: VecDeque::new(),
            datagrams: Datagrams::new(DATAGRAMS),
            tools,
            stats: FlowStats::default(),
            held: 0,
            now: Timestamp::default(),
        }
    }

    /// Counters of the connections.
    pub fn stats(&self) -> FlowStats {
        FlowStats { active: (self.table.len() + self.datagrams.len()) as u64, ..self.stats }
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

    /// What is known of a segment's flow; the answer holds for [`Inspector::push_to`] right after.
    #[inline]
    pub fn find(&self, hash: u64) -> Option<Found> {
        self.table.find(hash)
    }

    /// Takes one segment; what it completes is appended to `out`.
    #[inline]
    pub fn push(&mut self, segment: &Segment<'_>, out: &mut Vec<Observation>) {
        self.push_to(self.find(segment.hash), segment, out);
    }

    /// [`Inspector::push`] of a segment whose flow was just looked up.
    #[inline]
    pub fn push_to(&mut self, flow: Option<Found>, segment: &Segment<'_>, out: &mut Vec<Observation>) {
        let Header::Tcp { seq, ack, flags } = segment.header else {
            self.datagram(segment, out);
            return;
        };
        let tcp = Tcp { seq, ack, flags };
        self.now = self.now.max(segment.time);
        let Some(found) = flow else {
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
        if !found.is_changed_by(tcp.flags) {
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
        // a peer that says anything at all is there, though this SYN was not for it
        let silent = result != Outcome::Timeout || half.packets.1 == 0;
        if half.server_isn.is_none() && result != Outcome::Closed && silent {
            self.stats.unanswered += 1;
            out.push(record::attempt(&half, result, at));
        } else {
            self.stats.no_hello += 1;
        }
    }

    /// The first payload: from here on the bytes count.
    fn promote(&mut self, index: u32, segment: &Segment<'_>, tcp: Tcp, out: &mut Vec<Observation>) {
        let Some(half) = self.halves.remove(index) else { return };
        let mut connection = Connection::from_half(&half, segment.hash, self.now);
        connection.tcp_rtt = connection.tcp_rtt.filter(|_| !self.settings.cut_acknowledgements);
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
}
