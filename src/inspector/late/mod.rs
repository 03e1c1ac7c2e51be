//! Follows a dialogue that goes ahead of TLS, and hands the connection back where the hello begins.
//!
//! Only connections whose first bytes a row of [`crate::hello::preface::PREFACES`] accepts come here. The
//! client's bytes are read unit by unit and forgotten; where they ask for TLS and a hello follows, its first
//! byte becomes the stream's first, so that all else is as in plain TLS. The server's TLS begins at what the
//! client acknowledged with its hello: it had read the answer to its request by then. A client that did not
//! wait for that has the rest of the dialogue passed over in [`state::Late::answer`].

mod drive;
pub(super) mod state;

use crate::flow::limits::{CERTAIN_BYTES, EARLY_SERVER_BYTES};
use crate::flow::stream::{Mark, Place};
use crate::hello::preface::{Heard, Opening, is_brief, is_sure, opening};
use crate::inspector::connection::{Connection, Way};
use crate::inspector::half::Tcp;
use crate::inspector::late::state::{Late, acknowledged};
use crate::inspector::seek::{self, Sought, Tools};
use crate::inspector::side::{Looks, Side};
use crate::model::segment::Segment;
use crate::model::skip::Skip;

/// Bytes of a run without a known beginning up to which it may still turn out to be a dialogue.
const MAX_OPENING: usize = 2048;

/// True if a direction's run of held bytes at `start`, which begins with no TLS, may open a dialogue.
pub(super) fn may_begin(side: &Side, start: u32) -> bool {
    let anchored = side.stream.is_anchored();
    let run = side.stream.held().starting_at(start).map_or(&[][..], |run| &run.bytes);
    if run.len() < CERTAIN_BYTES {
        // so few bytes of a stream's middle say nothing
        return anchored && is_brief(run);
    }
    // without a beginning, it may as well be the middle of a hello that is still to be joined
    if !anchored && (run.len() > MAX_OPENING || !is_sure(run)) {
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
fn begin(
    connection: &mut Connection,
    (way, start): (Way, u32),
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let syn = connection.isn.is_some();
    let side = connection.side(way);
    side.restart(start);
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
fn follow(
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
        return read_hello(connection, way, segment, tcp, tools);
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
        Place::At(offset, bytes) => {
            side.within_limit(offset, bytes, segment.missing).map(|bytes| (offset, bytes))
        }
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
            side.restart(len_of(len));
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
            read_hello(connection, way, segment, tcp, tools)
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
            side.restart(len_of(len));
            late.forget(side.stream.seq(0));
            connection.late = Some(late);
            Sought::More
        }
        Heard::Tls(len) => {
            found(connection, late, len_of(len), segment, tcp);
            Sought::Run(0, false)
        }
        Heard::Nothing => give_up(connection, way, tools),
    }
}

/// The hello begins at `offset` of the client's stream.
fn found(connection: &mut Connection, mut late: Box<Late>, offset: u32, segment: &Segment<'_>, tcp: Tcp) {
    let side = connection.side(late.client);
    let (first, segments) = late.begin(side.stream.seq(offset));
    side.restart(offset);
    if let Some(first) = first {
        side.stream.mark(0, first.mark);
    }
    (side.segments, side.newest, side.retransmits) = (segments, segment.time, 0);
    (side.looks, side.need, side.need_at, side.head) = (Looks::Unknown, 0, 0, None);
    let ack = first.map_or_else(|| acknowledged(tcp), |first| first.ack);
    acknowledge(connection.side(late.client.other()), ack);
    connection.late = Some(late);
}

/// Reads on in a hello: what the segment brings is held, and the run of it read.
fn read_hello(
    connection: &mut Connection,
    way: Way,
    segment: &Segment<'_>,
    tcp: Tcp,
    tools: &mut Tools,
) -> Sought {
    let side = connection.side(way);
    let (offset, bytes) = match side.stream.place(tcp.data_seq(), segment.payload) {
        Place::At(offset, bytes) => (offset, bytes),
        Place::Old => {
            side.again(segment);
            return Sought::More;
        }
        Place::Far => return Sought::More,
    };
    let Some(bytes) = side.within_limit(offset, bytes, segment.missing) else { return Sought::More };
    if tools.keep_bytes && offset == 0 {
        side.head = Some(segment.head.into());
    }
    let mark = Mark { time: segment.time, packet: segment.packet };
    seek::hold(connection, way, (offset, bytes), (mark, segment), tools)
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
        && let Some(bytes) = side.within_limit(offset, bytes, segment.missing)
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
        server.restart(offset);
    }
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
