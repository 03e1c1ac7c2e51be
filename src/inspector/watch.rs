//! The way of one connection through the inspector: segments in, and what they decide.

use crate::flow::limits::TOTAL_BYTES;
use crate::flow::stream::Mark;
use crate::flow::table::State;
use crate::inspector::Inspector;
use crate::inspector::answer::{self, End, News};
use crate::inspector::connection::{ANSWER, Connection, DIALOGUE, LINGER, SEEK, Way};
use crate::inspector::half::Tcp;
use crate::inspector::record;
use crate::inspector::seek::{self, Sought};
use crate::inspector::verdict::Cause;
use crate::model::frame::Timestamp;
use crate::model::observation::Observation;
use crate::model::segment::{Segment, TcpFlags};

impl Inspector {
    /// Takes a segment of a connection whose outcome is open.
    pub(super) fn connection(
        &mut self,
        index: u32,
        segment: &Segment<'_>,
        tcp: Tcp,
        out: &mut Vec<Observation>,
    ) {
        let Some(open) = self.open.get_mut(index) else { return };
        let Some(way) = Way::of(&open.key, &segment.key) else { return };
        if tcp.opens() && segment.payload.is_empty() {
            if is_another(open, way, tcp) {
                self.conclude(index, Cause::CutOff, segment.time, out);
                self.begin(segment, tcp, out);
            }
            return;
        }
        count(open, way, segment);
        if tcp.accepts() && !open.side(way).stream.is_anchored() {
            open.side(way).stream.resume_at(tcp.seq.wrapping_add(1));
        }
        let ends = tcp.flags.0 & (TcpFlags::RST | TcpFlags::FIN) != 0;
        let bytes = !segment.payload.is_empty() || (segment.missing > 0 && open.exchange.is_none());
        if bytes && open.told.is_none() {
            let news = self.payload(index, way, segment, tcp, out);
            self.account(index);
            self.take_news(index, news, segment.time, out);
            self.keep_within_bounds(index, segment.time, out);
        } else if !ends && open.closed_by.is_none() {
            return;
        }
        self.closing(index, way, (segment, tcp), out);
    }

    /// Looks for the hello, or follows what is said after it.
    fn payload(
        &mut self,
        index: u32,
        way: Way,
        segment: &Segment<'_>,
        tcp: Tcp,
        out: &mut Vec<Observation>,
    ) -> News {
        let Some(open) = self.open.get_mut(index) else { return News::default() };
        if open.exchange.is_some() {
            return answer::follow(open, way, segment, tcp);
        }
        open.marks.truncated |= segment.missing > 0;
        let mut sought = match open.late {
            None => seek::seek(open, way, segment, tcp, &mut self.tools),
            Some(_) => self.late(index, way, (segment, tcp)),
        };
        if !matches!(sought, Sought::More | Sought::Hello { .. }) {
            sought = self.settle(index, way, sought, (segment, tcp), out);
        }
        let Sought::Hello { in_place } = sought else { return News::default() };
        let rest = in_place.and_then(|len| segment.payload.get(len..)).unwrap_or_default();
        self.found(index, way, (segment, tcp), rest, out)
    }

    /// The hello is whole: tells so where asked to, and reads on behind it.
    fn found(
        &mut self,
        index: u32,
        way: Way,
        (segment, tcp): (&Segment<'_>, Tcp),
        rest: &[u8],
        out: &mut Vec<Observation>,
    ) -> News {
        let mut news = News::default();
        let Some(open) = self.open.get_mut(index) else { return news };
        open.since = self.now;
        open.marks.truncated = false;
        if let Some(exchange) = &open.exchange {
            match exchange.name.text() {
                Some(_) => self.stats.with_sni += 1,
                None => self.stats.without_sni += 1,
            }
            self.stats.ech += u64::from(exchange.facts.ech);
            self.stats.conflicts += u64::from(open.marks.conflict);
            let identity = self.legs.identity(&exchange.facts, open.origin);
            self.legs.see(identity, open.hash, (exchange.first.time, exchange.whole.time));
            if self.settings.emit_hello {
                let hop = self.legs.leg_out(identity, open.hash);
                out.push(Observation { hop, ..record::hello(open, exchange) });
            }
            if let Some(exchange) = &mut open.exchange {
                exchange.identity = identity;
            }
        }
        let mark = Mark { time: segment.time, packet: segment.packet };
        if !rest.is_empty() {
            let stream = &mut open.side(way).stream;
            stream.advance(stream.next().wrapping_add(u32::try_from(rest.len()).unwrap_or(0)));
            answer::listen(open, way, rest, mark, &mut news);
        }
        answer::catch_up(open, way, mark, &mut news);
        let server = &mut open.side(way.other()).stream;
        if !server.is_anchored() && tcp.flags.has(TcpFlags::ACK) {
            server.resume_at(tcp.ack);
            if let Some(first) = server.held().pieces().first() {
                let first = first.offset.min(server.next());
                server.advance(first);
            }
        }
        answer::catch_up(open, way.other(), mark, &mut news);
        self.open.renew(index, ANSWER);
        news
    }

    #[inline]
    fn take_news(&mut self, index: u32, news: News, at: Timestamp, out: &mut Vec<Observation>) {
        if news.second_hello {
            self.second_hello(index, out);
        }
        match news.end {
            None => {}
            Some(End::Established) => self.conclude(index, Cause::Established, at, out),
            Some(End::Alert(way, alert)) => self.conclude(index, Cause::Alert(way, alert), at, out),
        }
    }

    /// The answer to it is waited for anew.
    fn second_hello(&mut self, index: u32, out: &mut Vec<Observation>) {
        let Some(open) = self.open.get_mut(index) else { return };
        open.since = self.now;
        if self.settings.emit_hello
            && let Some(exchange) = &open.exchange
        {
            let hop = self.legs.leg_out(exchange.identity, open.hash);
            out.push(Observation { hop, ..record::hello(open, exchange) });
        }
        self.open.renew(index, ANSWER);
    }

    /// RST and FIN.
    fn closing(
        &mut self,
        index: u32,
        way: Way,
        (segment, tcp): (&Segment<'_>, Tcp),
        out: &mut Vec<Observation>,
    ) {
        let Some(open) = self.open.get_mut(index) else { return };
        if tcp.flags.has(TcpFlags::RST) {
            if !open.side(way).stream.is_near(tcp.seq) {
                // not this connection's
                return;
            }
            self.conclude(index, Cause::Reset(way), segment.time, out);
            return;
        }
        answer::fin(open, way, segment, tcp);
        if open.closed_by.is_none() {
            return;
        }
        let (forth, back) = (answer::is_closed(open, Way::Forth), answer::is_closed(open, Way::Back));
        let over = match &open.exchange {
            Some(exchange) if exchange.server.is_some() => forth || back,
            Some(exchange) => match exchange.way {
                Way::Forth => back,
                Way::Back => forth,
            },
            None => forth && back,
        };
        if over {
            self.conclude(index, Cause::Closed, segment.time, out);
        }
    }

    /// Brings the account of held bytes up to date with one connection.
    fn account(&mut self, index: u32) {
        let Some(open) = self.open.get_mut(index) else { return };
        let held = open.held();
        self.held = (self.held + held).saturating_sub(open.counted as usize);
        open.counted = u32::try_from(held).unwrap_or(u32::MAX);
    }

    fn keep_within_bounds(&mut self, index: u32, at: Timestamp, out: &mut Vec<Observation>) {
        if self.held <= TOTAL_BYTES {
            return;
        }
        let oldest = [SEEK, DIALOGUE, ANSWER].into_iter().find_map(|class| self.open.oldest(class));
        if let Some(oldest) = oldest.filter(|old| *old != index) {
            self.stats.evicted += 1;
            self.conclude(oldest, Cause::CutOff, at, out);
        }
    }

    /// Ends the watch over a connection, or (with `--emit end`) over its handshake.
    pub(super) fn conclude(&mut self, index: u32, cause: Cause, at: Timestamp, out: &mut Vec<Observation>) {
        if !self.settings.emit_end {
            self.conclude_for_good(index, cause, at, out);
            return;
        }
        let Some(open) = self.open.get_mut(index) else { return };
        let over = matches!(cause, Cause::Reset(_) | Cause::Closed | Cause::CutOff);
        let told = if let Some(told) = open.told.take() {
            Some(*told)
        } else {
            self.held = self.held.saturating_sub(std::mem::take(&mut open.counted) as usize);
            let told = self.tell(index, cause, at);
            out.extend(told.clone());
            told
        };
        let Some(open) = self.open.get_mut(index) else { return };
        if let Some(told) = told {
            if !over {
                open.forth.stream.forget();
                open.back.stream.forget();
                open.told = Some(Box::new(told));
                self.open.renew(index, LINGER);
                return;
            }
            let mut end = record::end(open, &told, at);
            end.traffic = end.traffic.filter(|_| !self.settings.cut);
            out.push(end);
        }
        self.leave(index, cause);
    }

    /// [`Inspector::conclude`] where a connection's end is not waited for.
    fn conclude_for_good(&mut self, index: u32, cause: Cause, at: Timestamp, out: &mut Vec<Observation>) {
        let Some(open) = self.open.get_mut(index) else { return };
        self.held = self.held.saturating_sub(open.counted as usize);
        if let Some(mut exchange) = open.exchange.take() {
            self.tools.certificates.read(&mut exchange, &mut self.tools.skips);
            exchange.hop = self.legs.leg(exchange.identity, open.hash);
            out.push(record::handshake(open, exchange, cause, at));
        } else if let Some(told) = self.tell(index, cause, at) {
            out.push(told);
        }
        self.leave(index, cause);
    }

    /// Forgets a connection; its slot in the table stays.
    fn leave(&mut self, index: u32, cause: Cause) {
        let Some(hash) = self.open.get(index).map(|open| open.hash) else { return };
        self.open.release(index);
        if matches!(cause, Cause::Reset(_) | Cause::Closed) {
            self.finish_flow(hash);
        } else if let Some(found) = self.table.find(hash) {
            self.table.set(found, State::Done, found.isn);
        }
    }

    /// The record of a connection, if it has one.
    fn tell(&mut self, index: u32, cause: Cause, at: Timestamp) -> Option<Observation> {
        let open = self.open.get_mut(index)?;
        if let Some(mut exchange) = open.exchange.take() {
            self.tools.certificates.read(&mut exchange, &mut self.tools.skips);
            exchange.hop = self.legs.leg(exchange.identity, open.hash);
            return Some(record::handshake(open, exchange, cause, at));
        }
        if let Some(client) = record::begun(open) {
            self.stats.incomplete_hello += 1;
            return Some(record::incomplete(open, client, cause, at));
        }
        if open.isn.is_some() {
            self.stats.no_hello += 1;
        } else {
            self.stats.open_before += 1;
        }
        None
    }
}

/// True if a SYN belongs to a new connection with the same addresses and ports.
fn is_another(open: &mut Connection, way: Way, tcp: Tcp) -> bool {
    match open.isn {
        Some(isn) => way == Way::Back || isn != tcp.seq,
        // without a SYN so far: the SYN itself may come late
        None => open.side(way).stream.offset(tcp.seq.wrapping_add(1)) != Some(crate::flow::stream::UNKNOWN),
    }
}

fn count(open: &mut Connection, way: Way, segment: &Segment<'_>) {
    let traffic = &mut open.side(way).traffic;
    traffic.packets += 1;
    traffic.bytes += segment.payload.len() as u64 + u64::from(segment.missing);
}
