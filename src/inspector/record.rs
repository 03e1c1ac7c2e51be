//! Makes the record of a connection out of what was seen of it.

use crate::hello::PROTOCOLS;
use crate::inspector::connection::{Connection, Exchange, Way};
use crate::inspector::half::Half;
use crate::inspector::side::{Looks, Side};
use crate::inspector::verdict::{Cause, judge, peer};
use crate::model::certificate::Shown;
use crate::model::frame::Timestamp;
use crate::model::observation::{Action, Ahead, Handshake, Marks, Observation, Outcome, Peer, Traffic};
use crate::model::segment::FlowKey;

/// `network.protocol` of what goes over TCP and has no hello, or one of the first row.
const PROTOCOL: &str = "tls";

/// `network.protocol` of a hello of this row.
fn protocol(row: u8) -> &'static str {
    match row {
        0 => PROTOCOL,
        _ => PROTOCOLS.get(usize::from(row)).map_or(PROTOCOL, |row| row.name()),
    }
}

fn oriented(key: FlowKey, client: Way) -> FlowKey {
    match client {
        Way::Forth => key,
        Way::Back => key.reversed(),
    }
}

/// The record of a connection whose hello is whole.
pub(super) fn handshake(
    connection: &mut Connection,
    exchange: Box<Exchange>,
    cause: Cause,
    now: Timestamp,
) -> Observation {
    let client = exchange.way;
    let (ahead, protocol) = (ahead(connection), protocol(exchange.row));
    let judged = judge(connection, &exchange, cause);
    let failed = matches!(cause, Cause::Reset(_) | Cause::Closed | Cause::Alert(..));
    let decided = match (&exchange.server, judged.result) {
        (Some((_, at)), Outcome::Ok) => Some(*at),
        (_, Outcome::Closed) => connection.closed_by.map(|(_, at)| at),
        _ if failed && judged.by.is_some() => Some(now),
        _ => None,
    };
    let over = failed || cause == Cause::Established;
    let handshake = Handshake {
        result: judged.result,
        by: judged.by,
        cause: None,
        latency: decided.map(|at| at.since(exchange.whole.time)),
        tcp_rtt: connection.tcp_rtt,
        total: over.then(|| now.since(connection.first.time)),
        alert: judged.alert,
        hello_retry: exchange.retry,
        retransmits: connection.side(client).retransmits,
        attempts: None,
        established: judged.established,
        resumed: exchange.resumed,
    };
    Observation {
        action: Action::Handshake,
        time: exchange.first.time,
        completed: now,
        origin: connection.origin,
        packet: exchange.whole.packet,
        flow: oriented(connection.key, client),
        protocol,
        vlans: exchange.vlans,
        tunnel: exchange.tunnel,
        ahead,
        hello: Some(exchange.facts),
        name: Some(exchange.name),
        role: None,
        hop: exchange.hop,
        server: exchange.server.map(|(hello, _)| hello),
        shown: exchange.shown,
        handshake: Some(handshake),
        traffic: None,
        marks: connection.marks,
        bytes: exchange.bytes,
    }
}

/// The record of a hello that is whole: the outcome is open.
pub(super) fn hello(connection: &Connection, exchange: &Exchange) -> Observation {
    let name = std::sync::Arc::clone(&exchange.name);
    Observation { hello: Some(exchange.facts.clone()), name: Some(name), ..bare(connection, exchange) }
}

/// Where and when, without what was said.
fn bare(connection: &Connection, exchange: &Exchange) -> Observation {
    Observation {
        action: Action::Hello,
        time: exchange.first.time,
        completed: exchange.whole.time,
        origin: connection.origin,
        packet: exchange.whole.packet,
        protocol: protocol(exchange.row),
        flow: oriented(connection.key, exchange.way),
        vlans: exchange.vlans,
        tunnel: exchange.tunnel,
        ahead: ahead(connection),
        hello: None,
        name: None,
        role: None,
        hop: None,
        server: None,
        shown: Shown::default(),
        handshake: None,
        traffic: None,
        marks: connection.marks,
        bytes: None,
    }
}

fn ahead(connection: &Connection) -> Option<Box<Ahead>> {
    connection.late.as_ref().and_then(|late| late.ahead())
}

/// The direction in which a hello was begun, if one was.
pub(super) fn begun(connection: &mut Connection) -> Option<Way> {
    let begun = |side: &Side| side.looks == Looks::Hello && side.need > 6;
    if begun(&connection.forth) {
        return Some(Way::Forth);
    }
    begun(&connection.back).then_some(Way::Back)
}

/// The record of a hello that was begun and will never be whole.
pub(super) fn incomplete(
    connection: &mut Connection,
    client: Way,
    cause: Cause,
    now: Timestamp,
) -> Observation {
    let by = match cause {
        Cause::Reset(way) => Some(peer(client, way)),
        Cause::Closed => connection.closed_by.map(|(way, _)| peer(client, way)),
        _ => None,
    };
    let side = connection.side(client);
    let start = side.need_at;
    let first = side.stream.held().starting_at(start).map(|run| run.mark);
    let beyond = side.stream.held().pieces().iter().any(|piece| piece.offset > start);
    let (segments, retransmits) = (side.segments, side.retransmits);
    connection.marks.gap |= beyond;
    let first = first.unwrap_or(connection.first);
    Observation {
        action: Action::Handshake,
        time: first.time,
        completed: now,
        origin: connection.origin,
        packet: first.packet,
        protocol: PROTOCOL,
        flow: oriented(connection.key, client),
        vlans: connection.vlans,
        tunnel: connection.tunnel,
        ahead: ahead(connection),
        hello: None,
        name: None,
        role: None,
        hop: None,
        server: None,
        shown: Shown::default(),
        handshake: Some(Handshake {
            result: Outcome::IncompleteHello,
            by,
            cause: None,
            latency: None,
            tcp_rtt: connection.tcp_rtt,
            total: matches!(cause, Cause::Reset(_) | Cause::Closed).then(|| now.since(connection.first.time)),
            alert: None,
            hello_retry: false,
            retransmits,
            attempts: None,
            established: Some(false).filter(|_| segments > 0 && cause != Cause::CutOff),
            resumed: None,
        }),
        traffic: None,
        marks: connection.marks,
        bytes: None,
    }
}

/// The end record of a connection that was told.
pub(super) fn end(connection: &Connection, told: &Observation, now: Timestamp) -> Observation {
    let client_is_forth = told.flow == connection.key;
    let (forth, back): (Traffic, Traffic) = (connection.forth.traffic, connection.back.traffic);
    let traffic = if client_is_forth { (forth, back) } else { (back, forth) };
    Observation { action: Action::End, completed: now, traffic: Some(traffic), bytes: None, ..told.clone() }
}

/// The record of an attempt: refused, or never answered.
pub(super) fn attempt(half: &Half, result: Outcome, completed: Timestamp) -> Observation {
    let refused = result == Outcome::Refused;
    Observation {
        action: Action::Handshake,
        time: half.first.time,
        completed,
        origin: half.origin,
        packet: half.first.packet,
        protocol: PROTOCOL,
        flow: half.key,
        vlans: half.vlans,
        tunnel: half.tunnel,
        ahead: None,
        hello: None,
        name: None,
        role: None,
        hop: None,
        server: None,
        shown: Shown::default(),
        handshake: Some(Handshake {
            result,
            by: refused.then_some(Peer::Server),
            cause: None,
            latency: refused.then(|| completed.since(half.first.time)),
            tcp_rtt: None,
            total: None,
            alert: None,
            hello_retry: false,
            retransmits: half.retransmits.into(),
            attempts: Some(1),
            established: None,
            resumed: None,
        }),
        traffic: None,
        marks: Marks::default(),
        bytes: None,
    }
}
