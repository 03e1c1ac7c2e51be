//! Looks for the ClientHello in both directions of a connection.
//!
//! The client is who sends the hello, whatever the ports say. With a SYN the hello must begin at the
//! stream's first byte. Without one it may begin wherever a run of captured bytes begins: what was
//! overtaken by a later segment has its place ahead of it.

use crate::flow::limits::{CERTAIN_BYTES, EARLY_SERVER_BYTES, UNANCHORED_BYTES};
use crate::flow::stream::{Mark, Place};
use crate::hello::fingerprint::fingerprints;
use crate::hello::flight::Wanted;
use crate::hello::protocol::Reader;
use crate::hello::{Found, PROTOCOLS, probe};
use crate::inspector::certificates::Certificates;
use crate::inspector::connection::{Connection, Exchange, Way};
use crate::inspector::half::Tcp;
use crate::inspector::late;
use crate::inspector::names::Names;
use crate::inspector::settings::Settings;
use crate::inspector::side::{Looks, Side};
use crate::model::hello::Reading;
use crate::model::segment::{Segment, Transport};
use crate::model::skip::{Skip, SkipCounts};

/// What all connections share while they look for hellos.
pub(super) struct Tools {
    readers: Vec<Box<dyn Reader>>,
    /// Names seen so far.
    pub names: Names,
    /// Streams that were no TLS, or no hello.
    pub skips: SkipCounts,
    /// Keep the hello's bytes.
    pub keep_bytes: bool,
    /// Work out JA3 and JA4.
    pub fingerprints: bool,
    /// What is wanted of the server's answer.
    pub wanted: Wanted,
    /// Certificates seen so far.
    pub certificates: Certificates,
}

impl Tools {
    /// Tools with one reader for each protocol.
    pub(super) fn new(names: Names, settings: &Settings) -> Self {
        let readers = PROTOCOLS.iter().map(|row| row.reader()).collect();
        let (keep_bytes, fingerprints) = (settings.keep_bytes, settings.fingerprints);
        let wanted = Wanted { certificate: settings.certificates, fingerprint: fingerprints };
        let (skips, certificates) = (SkipCounts::default(), Certificates::default());
        Self { readers, names, skips, keep_bytes, fingerprints, wanted, certificates }
    }
}

/// What a segment led to.
#[derive(Debug)]
pub(super) enum Sought {
    /// Nothing yet.
    More,
    /// The hello is whole; the bytes behind it that came with the same segment, if it was read in place.
    Hello {
        /// Length of the hello in the segment; `None` where it was read out of held bytes.
        in_place: Option<usize>,
    },
    /// The run of held bytes at this offset is to be read; the newest ones contradict others.
    Run(u32, bool),
    /// No hello here, but what may lead to one, from this offset on.
    Dialogue(u32),
    /// No hello will come.
    Nothing,
}

/// A prefix, judged.
enum Judged {
    Hello(Box<Exchange>, usize),
    Wait(usize),
    Tls,
    Other(Skip),
}

/// Takes a segment with payload of a connection without a hello.
pub(super) fn seek(
    connection: &mut Connection,
    way: Way,
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let side = connection.side(way);
    if side.looks == Looks::Other {
        return Sought::More;
    }
    let mark = Mark { time: segment.time, packet: segment.packet };
    let (offset, bytes) = match side.stream.place(tcp.data_seq(), segment.payload) {
        Place::At(offset, bytes) => (offset, bytes),
        Place::Old => {
            side.again(segment);
            return Sought::More;
        }
        Place::Far => return Sought::More,
    };
    let Some(bytes) = side.within_limit(offset, bytes, segment.missing) else { return Sought::More };
    let anchored = side.stream.is_anchored();
    if side.stream.held().is_empty() && (!anchored || offset == 0) {
        if tools.keep_bytes {
            side.head = Some(segment.head.into());
        }
        side.segments = 1;
        side.newest = segment.time;
        match judge(bytes, tools) {
            Judged::Hello(mut exchange, len) => {
                finish_exchange(&mut exchange, side, way, (mark, mark), segment);
                side.hand_over(&mut exchange, bytes.get(..len), tools.keep_bytes);
                side.stream.advance(offset.wrapping_add(u32::try_from(len).unwrap_or(0)));
                side.stream.forget();
                connection.exchange = Some(exchange);
                let ahead = segment.payload.len() - bytes.len();
                return Sought::Hello { in_place: Some(ahead + len) };
            }
            judged => {
                side.stream.keep(offset, bytes, mark);
                return note(side, offset, bytes.len(), &judged, tools);
            }
        }
    }
    hold(connection, way, (offset, bytes), (mark, segment), tools)
}

/// Keeps a segment beside what is held, and says which run of it is to be read.
pub(super) fn hold(
    connection: &mut Connection,
    way: Way,
    (offset, bytes): (u32, &[u8]),
    (mark, segment): (Mark, &Segment<'_>),
    tools: &mut Tools,
) -> Sought {
    let side = connection.side(way);
    let done = side.stream.keep(offset, bytes, mark);
    if done.full || overfull(side) {
        return give_up(side, tools);
    }
    if done.fresh > 0 {
        side.segments = side.segments.saturating_add(1);
        side.newest = segment.time;
    } else if !done.conflict {
        side.again(segment);
    }
    let anchored = side.stream.is_anchored();
    let run = if anchored { side.stream.held().starting_at(0) } else { run_around(side, offset) };
    match run {
        None => Sought::More,
        Some(run) if side.need_at == run.offset && run.bytes.len() < side.need && !done.conflict => {
            Sought::More
        }
        Some(run) => Sought::Run(run.offset, done.conflict),
    }
}

/// Reads the run of held bytes at `start`; `conflict` says that the newest ones contradict others.
pub(super) fn read_run(
    connection: &mut Connection,
    way: Way,
    (start, conflict): (u32, bool),
    segment: &Segment<'_>,
    tools: &mut Tools,
) -> Sought {
    let side = connection.side(way);
    let mark = Mark { time: segment.time, packet: segment.packet };
    let Some(run) = side.stream.held().starting_at(start) else { return Sought::More };
    let (first, len) = (run.mark, run.bytes.len());
    let mut judged = judge(&run.bytes, tools);
    if conflict
        && !matches!(judged, Judged::Hello(..))
        && let Some(rival) = side.stream.held().rival(start)
    {
        let other = judge(&rival, tools);
        if matches!(other, Judged::Hello(..)) {
            judged = other;
        }
    }
    let Judged::Hello(mut exchange, wire_len) = judged else {
        return note(side, start, len, &judged, tools);
    };
    if tools.keep_bytes && side.head.is_none() {
        side.head = Some(segment.head.into());
    }
    finish_exchange(&mut exchange, side, way, (first, mark), segment);
    let records =
        side.stream.held().starting_at(start).and_then(|run| run.bytes.get(..wire_len)).map(Vec::from);
    side.hand_over(&mut exchange, records.as_deref(), tools.keep_bytes);
    side.stream.advance(start.wrapping_add(u32::try_from(wire_len).unwrap_or(0)));
    connection.marks.conflict |= conflict || connection.side(way).stream.held().has_rivals();
    connection.exchange = Some(exchange);
    Sought::Hello { in_place: None }
}

/// The run of held bytes that `offset` is part of.
fn run_around(side: &Side, offset: u32) -> Option<&crate::assemble::Piece<Mark>> {
    let pieces = side.stream.held().pieces();
    let after = pieces.partition_point(|piece| piece.offset <= offset);
    pieces.get(after.checked_sub(1)?)
}

/// True once a direction holds more than a hello can explain.
fn overfull(side: &Side) -> bool {
    let held = side.stream.held().held();
    match side.looks {
        Looks::Hello => false,
        _ if side.stream.is_anchored() => side.looks == Looks::Tls && held > EARLY_SERVER_BYTES,
        _ => held > UNANCHORED_BYTES,
    }
}

fn give_up(side: &mut Side, tools: &mut Tools) -> Sought {
    if side.looks == Looks::Hello {
        tools.skips.add(Skip::HelloTooLarge);
    }
    if side.looks == Looks::Tls && side.stream.is_anchored() {
        // the server's side of a connection whose hello is late or lost: enough is held
        return Sought::More;
    }
    side.looks = Looks::Other;
    Sought::Nothing
}

/// Draws the conclusion from a prefix that is no whole hello.
fn note(side: &mut Side, start: u32, len: usize, judged: &Judged, tools: &mut Tools) -> Sought {
    let anchored = side.stream.is_anchored();
    match judged {
        Judged::Hello(..) => return Sought::More,
        Judged::Wait(need) => {
            (side.need, side.need_at) = (*need, start);
            side.looks = Looks::Hello;
        }
        Judged::Tls => side.looks = Looks::Tls,
        Judged::Other(skip) => {
            if late::may_begin(side, start) {
                return Sought::Dialogue(start);
            }
            if !anchored || len < CERTAIN_BYTES {
                return Sought::More;
            }
            side.looks = Looks::Other;
            side.stream.forget();
            tools.skips.add(*skip);
            return Sought::Nothing;
        }
    }
    Sought::More
}

/// Reads a prefix.
fn judge(prefix: &[u8], tools: &mut Tools) -> Judged {
    let row = match probe(Transport::Tcp, prefix) {
        Found::Row(row) => row,
        Found::NotYet => return Judged::Wait(prefix.len() + 1),
        Found::Nothing => {
            // another TLS record type, or another handshake message
            let tls = matches!(prefix, [20..=23, 3, ..] | [20..=23]);
            return if tls { Judged::Tls } else { Judged::Other(Skip::NotTls) };
        }
    };
    let Some(reader) = tools.readers.get_mut(row) else { return Judged::Other(Skip::NotTls) };
    match reader.read(prefix) {
        Reading::Need(need) => Judged::Wait(need),
        Reading::Skip(skip) => Judged::Other(skip),
        Reading::Hello(hello) => {
            let name = tools.names.get(hello.sni);
            let mut exchange = Box::new(Exchange::new(&hello, name));
            exchange.client.want(Wanted { certificate: true, fingerprint: false });
            exchange.answer.want(tools.wanted);
            exchange.row = u8::try_from(row).unwrap_or(u8::MAX);
            // one in another format has none
            if tools.fingerprints && row == 0 {
                let found = fingerprints(&hello, 't');
                exchange.facts.fingerprints = Some(Box::new(found));
            }
            Judged::Hello(exchange, hello.wire_len)
        }
    }
}

fn finish_exchange(
    exchange: &mut Exchange,
    side: &Side,
    way: Way,
    marks: (Mark, Mark),
    segment: &Segment<'_>,
) {
    exchange.way = way;
    exchange.facts.segments = side.segments.max(1);
    (exchange.first, exchange.whole) = marks;
    exchange.vlans = segment.vlans;
    exchange.tunnel = segment.tunnel;
}
