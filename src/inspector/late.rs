//! Follows a dialogue that goes ahead of TLS, and hands the connection back where the hello begins.
//!
//! Only connections whose first bytes a row of [`crate::hello::preface::PREFACES`] accepts come here. The
//! client's bytes are read unit by unit and forgotten; where they ask for TLS and a hello follows, its first
//! byte becomes the stream's first, so that all else is as in plain TLS. The server's TLS begins at what the
//! client acknowledged with its hello: it had read the answer to its request by then. A client that did not
//! wait for that has the rest of the dialogue passed over in [`Late::answer`].

use std::borrow::Cow;

use crate::flow::limits::{CERTAIN_BYTES, EARLY_SERVER_BYTES};
use crate::flow::stream::{Mark, Place, distance};
use crate::hello::preface::row::Step;
use crate::hello::preface::{Dialogue, Heard, Opening, is_brief, opening};
use crate::inspector::connection::{Connection, Looks, Side, Way};
use crate::inspector::half::Tcp;
use crate::inspector::seek::{self, Sought, Tools};
use crate::model::observation::Ahead;
use crate::model::segment::{Segment, TcpFlags};
use crate::model::skip::Skip;

/// Bytes of a run without a known beginning up to which it may still turn out to be a dialogue.
const MAX_OPENING: usize = 2048;
/// Segments of a client that are remembered while bytes ahead of them are missing.
const MAX_SEEN: usize = 64;
/// Bytes that one unit of a server's dialogue behind the hello may have.
const MAX_REPLY: usize = 4096;

/// A segment whose bytes are held.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Sequence numbers of its first byte and of the one behind it.
    from: u32,
    to: u32,
    mark: Mark,
    /// What it acknowledges.
    ack: Option<u32>,
}

/// What goes ahead of TLS on a connection.
#[derive(Debug)]
pub struct Late {
    dialogue: Dialogue,
    client: Way,
    /// The hello's first byte was found.
    begun: bool,
    seen: Vec<Seen>,
    /// Segments that overtook the first one, before this was known to be a dialogue.
    earlier: u16,
    /// What is there of a unit of the server's dialogue behind the hello; `None` once its TLS began.
    replies: Option<Vec<u8>>,
}

impl Late {
    fn new(client: Way) -> Self {
        let (dialogue, seen) = (Dialogue::default(), Vec::new());
        Self { dialogue, client, begun: false, seen, earlier: 0, replies: Some(Vec::new()) }
    }

    /// True until the hello's first byte was found.
    pub(super) fn is_talking(&self) -> bool {
        !self.begun
    }

    /// What a record says of it.
    pub(super) fn ahead(&self) -> Ahead {
        let named = self.dialogue.named();
        Ahead {
            prefaces: self.dialogue.names().into(),
            source: named.source.clone(),
            destination: named.destination.clone(),
        }
    }

    /// What of bytes in order is TLS; `None` where it is all dialogue.
    pub(super) fn answer<'b>(&mut self, way: Way, bytes: &'b [u8]) -> Option<Cow<'b, [u8]>> {
        let Some(held) = self.replies.as_mut().filter(|_| way != self.client) else {
            return Some(Cow::Borrowed(bytes));
        };
        if held.is_empty() && is_tls(bytes) {
            self.replies = None;
            return Some(Cow::Borrowed(bytes));
        }
        held.extend_from_slice(bytes);
        while !held.is_empty() {
            match self.dialogue.reply(held) {
                _ if is_tls(held) => break,
                Step::Take(len) if (1..=held.len()).contains(&len) => drop(held.drain(..len)),
                Step::More if held.len() < MAX_REPLY => return None,
                _ => break,
            }
        }
        if held.is_empty() {
            return None;
        }
        self.replies.take().map(Cow::Owned)
    }

    /// Forgets segments that lie ahead of the sequence number `from`.
    fn forget(&mut self, from: u32) {
        self.seen.retain(|seen| distance(from, seen.to) > 0);
    }

    fn remember(&mut self, segment: &Segment<'_>, tcp: Tcp) {
        let from = tcp.data_seq();
        let to = from.wrapping_add(u32::try_from(segment.payload.len()).unwrap_or(0));
        let mark = Mark { time: segment.time, packet: segment.packet };
        if self.seen.len() < MAX_SEEN {
            self.seen.push(Seen { from, to, mark, ack: acknowledged(tcp) });
        }
    }
}

/// The beginning of a record.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23] | [20..=23, 3, ..])
}

fn acknowledged(tcp: Tcp) -> Option<u32> {
    tcp.flags.has(TcpFlags::ACK).then_some(tcp.ack)
}

/// True if a direction's run of held bytes at `start`, which begins with no TLS, may open a dialogue.
pub(super) fn may_begin(side: &Side, start: u32) -> bool {
    let anchored = side.stream.is_anchored();
    let run = side.stream.held().starting_at(start).map_or(&[][..], |run| &run.bytes);
    if run.len() < CERTAIN_BYTES {
        return is_brief(run);
    }
    if !anchored && run.len() > MAX_OPENING {
        return false;
    }
    match opening(run) {
        Opening::Client | Opening::Either => true,
        // what a server says within a dialogue proves nothing
        Opening::Server => anchored,
        Opening::Nothing => false,
    }
}

/// Begins with a dialogue that [`may_begin`] saw in the direction `way`.
pub(super) fn begin(
    connection: &mut Connection,
    (way, start): (Way, u32),
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let syn = connection.isn.is_some();
    let side = connection.side(way);
    restart(side, start);
    let first = side.stream.held().starting_at(0).map_or(&[][..], |run| &run.bytes);
    let client = match opening(first) {
        Opening::Server => way.other(),
        // who sent the SYN
        Opening::Either if syn => Way::Forth,
        _ => way,
    };
    let mut late = Late::new(client);
    if client == way {
        late.remember(segment, tcp);
        if side.stream.seq(0) == tcp.data_seq() {
            late.earlier = side.segments.saturating_sub(1);
        }
    } else {
        late.dialogue.greet(first);
    }
    read_held(connection, Box::new(late), segment, tcp, tools)
}

/// Takes a segment with payload of a connection that has begun with a dialogue, and has no hello.
pub(super) fn seek(
    connection: &mut Connection,
    way: Way,
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let Some(late) = connection.late.take() else { return Sought::More };
    if late.client != way {
        return hold_server(connection, late, segment, tcp, tools);
    }
    if late.begun {
        connection.late = Some(late);
        return seek::seek(connection, way, segment, tcp, tools);
    }
    talk(connection, late, segment, tcp, tools)
}

/// Reads what the client says ahead of its hello.
fn talk(
    connection: &mut Connection,
    mut late: Box<Late>,
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let way = late.client;
    let side = connection.side(way);
    let placed = match side.stream.place(tcp.data_seq(), segment.payload) {
        Place::At(offset, bytes) => seek::within_limit(side, offset, bytes, segment.missing).map(|bytes| (offset, bytes)),
        Place::Old | Place::Far => None,
    };
    let Some((offset, bytes)) = placed else {
        connection.late = Some(late);
        return Sought::More;
    };
    let mark = Mark { time: segment.time, packet: segment.packet };
    if offset > 0 || !side.stream.held().is_empty() {
        let done = side.stream.keep(offset, bytes, mark);
        if done.full {
            return give_up(connection, way, tools);
        }
        if done.fresh > 0 {
            late.remember(segment, tcp);
        }
        return read_held(connection, late, segment, tcp, tools);
    }
    match late.dialogue.client(bytes) {
        Heard::More(len) => {
            restart(side, len_of(len));
            let rest = bytes.get(len..).unwrap_or_default();
            if !rest.is_empty() {
                side.stream.keep(0, rest, mark);
                late.remember(segment, tcp);
            }
            acknowledge(connection.side(way.other()), acknowledged(tcp));
            connection.late = Some(late);
            Sought::More
        }
        Heard::Tls(len) => {
            found(connection, late, len_of(len), segment, tcp);
            seek::seek(connection, way, segment, tcp, tools)
        }
        Heard::Nothing => give_up(connection, way, tools),
    }
}

/// Reads on in what is held of the client's side.
fn read_held(
    connection: &mut Connection,
    mut late: Box<Late>,
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let way = late.client;
    let side = connection.side(way);
    let heard = match side.stream.held().starting_at(0) {
        Some(run) => late.dialogue.client(&run.bytes),
        None => Heard::More(0),
    };
    match heard {
        Heard::More(len) => {
            restart(side, len_of(len));
            late.forget(side.stream.seq(0));
            connection.late = Some(late);
            Sought::More
        }
        Heard::Tls(len) => {
            found(connection, late, len_of(len), segment, tcp);
            seek::read_run(connection, way, (0, false), segment, tools)
        }
        Heard::Nothing => give_up(connection, way, tools),
    }
}

/// The hello begins at `offset` of the client's stream.
fn found(connection: &mut Connection, mut late: Box<Late>, offset: u32, segment: &Segment<'_>, tcp: Tcp) {
    let side = connection.side(late.client);
    let hello = side.stream.seq(offset);
    restart(side, offset);
    let first = late.seen.iter().find(|seen| distance(hello, seen.from) <= 0 && distance(hello, seen.to) > 0);
    if let Some(first) = first {
        side.stream.mark(0, first.mark);
    }
    let ack = first.map_or_else(|| acknowledged(tcp), |first| first.ack);
    let segments = late.seen.iter().filter(|seen| distance(hello, seen.to) > 0).count();
    side.segments = u16::try_from(segments).unwrap_or(u16::MAX).saturating_add(late.earlier);
    side.newest = segment.time;
    (side.looks, side.retransmits, side.need, side.need_at, side.head) = (Looks::Unknown, 0, 0, 0, None);
    acknowledge(connection.side(late.client.other()), ack);
    (late.begun, late.seen) = (true, Vec::new());
    connection.late = Some(late);
}

/// Keeps what the server says until it is known where its TLS begins.
fn hold_server(
    connection: &mut Connection,
    mut late: Box<Late>,
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let (client, talking) = (late.client, late.is_talking());
    let side = connection.side(client.other());
    let mut full = false;
    if let Place::At(offset, bytes) = side.stream.place(tcp.data_seq(), segment.payload)
        && let Some(bytes) = seek::within_limit(side, offset, bytes, segment.missing)
    {
        late.dialogue.greet(bytes);
        full = side.stream.held().held() + bytes.len() > EARLY_SERVER_BYTES;
        if !full {
            let mark = Mark { time: segment.time, packet: segment.packet };
            full = side.stream.keep(offset, bytes, mark).full;
        }
    }
    if full && talking {
        return give_up(connection, client, tools);
    }
    connection.late = Some(late);
    Sought::More
}

/// Forgets what the client has read of the server's dialogue: TLS cannot be among it.
fn acknowledge(server: &mut Side, ack: Option<u32>) {
    let Some(ack) = ack.filter(|ack| server.stream.is_near(*ack)) else { return };
    if !server.stream.is_begun() {
        server.stream.anchor(ack);
    } else if let Some(offset) = server.stream.offset(ack) {
        restart(server, offset);
    }
}

/// Makes `offset` the first byte of a direction.
fn restart(side: &mut Side, offset: u32) {
    side.stream.restart(offset);
    side.limit = side.limit.and_then(|limit| limit.checked_sub(offset));
    side.fin = side.fin.and_then(|fin| fin.checked_sub(offset));
}

fn give_up(connection: &mut Connection, client: Way, tools: &mut Tools) -> Sought {
    connection.late = None;
    for way in [Way::Forth, Way::Back] {
        connection.side(way).stream.forget();
    }
    connection.side(client).looks = Looks::Other;
    tools.skips.add(Skip::NotTls);
    Sought::Nothing
}

fn len_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
