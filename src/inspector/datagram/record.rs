//! Makes the record of a connection over UDP out of what was seen of it.

use crate::inspector::datagram::connection::Connection;
use crate::inspector::datagram::exchange::Exchange;
use crate::model::certificate::Shown;
use crate::model::frame::Timestamp;
use crate::model::observation::{Action, Handshake, Marks, Observation, Outcome, Peer};
use crate::model::stats::FlowStats;

/// Why the watch over a handshake ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Both sides encrypt.
    Established,
    /// A fatal alert.
    Alert {
        /// By the client; else by the server.
        by_client: bool,
    },
    /// One side ended it.
    Closed {
        /// It was the client; else the server.
        by_client: bool,
    },
    /// The handshake timeout is over.
    Timeout,
    /// The capture ended, or the table was full.
    CutOff,
    /// Nothing came any more.
    Idle,
}

fn peer(client: bool) -> Peer {
    if client { Peer::Client } else { Peer::Server }
}

/// The record of a connection, if it has one; what has none is counted.
pub(super) fn tell(
    connection: &mut Connection,
    cause: Cause,
    now: Timestamp,
    stats: &mut FlowStats,
) -> Option<Observation> {
    let exchange = &connection.exchange;
    if !exchange.is_whole() && exchange.datagrams == 0 {
        stats.no_hello += 1;
        return None;
    }
    stats.incomplete_hello += u64::from(!exchange.is_whole());
    let [forth, back] = connection.traffic;
    let seen = if exchange.client_is_back { forth } else { back }.packets > 0;
    let judged = judge(exchange, seen, cause, now);
    let over = matches!(cause, Cause::Established | Cause::Alert { .. } | Cause::Closed { .. });
    let handshake = Handshake {
        result: judged.result,
        by: judged.by,
        cause: None,
        latency: judged.at.filter(|_| exchange.is_whole()).map(|at| at.since(exchange.whole.time)),
        tcp_rtt: None,
        total: over.then(|| now.since(connection.first.time)),
        alert: exchange.alert.filter(|_| judged.result == Outcome::Alert),
        hello_retry: exchange.hello_retry,
        retransmits: exchange.retransmits,
        attempts: None,
        established: judged.established,
        resumed: exchange.resumed,
    };
    let mut told = Observation {
        action: Action::Handshake,
        completed: now,
        server: exchange.server.clone(),
        handshake: Some(handshake),
        ..hello(connection)
    };
    told.marks.gap = judged.gap;
    told.shown = std::mem::take(&mut connection.exchange.shown);
    told.bytes = connection.exchange.bytes.take();
    Some(told)
}

struct Judged {
    result: Outcome,
    by: Option<Peer>,
    /// When the result was decided.
    at: Option<Timestamp>,
    established: Option<bool>,
    /// Something of the answer, or of the hello, is missing in the capture.
    gap: bool,
}

/// `seen`: the server's direction is in the capture.
fn judge(exchange: &Exchange, seen: bool, cause: Cause, now: Timestamp) -> Judged {
    let of = |result, by, at, established| Judged { result, by, at, established, gap: false };
    let by = match cause {
        Cause::Alert { by_client } | Cause::Closed { by_client } => Some(peer(by_client)),
        _ => None,
    };
    if !exchange.is_whole() {
        let established = (cause != Cause::CutOff).then_some(false);
        let gap = exchange.first.is_none();
        return Judged { gap, ..of(Outcome::IncompleteHello, by, None, established) };
    }
    if matches!(cause, Cause::Alert { .. }) {
        return of(Outcome::Alert, by, Some(now), Some(false));
    }
    if let Some(at) = exchange.answered {
        let established = match cause {
            Cause::Established => Some(true),
            Cause::Closed { .. } => Some(false),
            _ => None,
        };
        return of(Outcome::Ok, Some(Peer::Server), Some(at), established);
    }
    let (client_went_on, unread) = exchange.went_on;
    match (cause, exchange.refused) {
        (Cause::Closed { .. }, _) => of(Outcome::Closed, by, Some(now), Some(false)),
        // the server said more than was captured, or the client heard more
        _ if unread || client_went_on => Judged { gap: unread, ..of(Outcome::NotSeen, None, None, None) },
        (Cause::Timeout, Some(at)) => of(Outcome::Closed, Some(Peer::Server), Some(at), Some(false)),
        // the silence is real: the client waits in vain, or the server said no more
        (Cause::Timeout, None) if seen || exchange.retransmits > 0 => {
            of(Outcome::Timeout, None, None, Some(false))
        }
        _ => of(Outcome::NotSeen, None, None, None),
    }
}

/// The record of a hello that is whole: the outcome is open.
pub(super) fn hello(connection: &Connection) -> Observation {
    let exchange = &connection.exchange;
    let first = exchange.first.unwrap_or(connection.first);
    let whole = if exchange.is_whole() { exchange.told } else { first };
    Observation {
        action: Action::Hello,
        time: first.time,
        completed: whole.time,
        origin: connection.origin,
        packet: whole.packet,
        protocol: connection.row.name(),
        flow: if exchange.client_is_back { connection.key.reversed() } else { connection.key },
        vlans: connection.vlans,
        tunnel: connection.tunnel,
        ahead: None,
        hello: exchange.facts.clone(),
        name: exchange.name.clone(),
        role: None,
        hop: None,
        server: None,
        shown: Shown::default(),
        handshake: None,
        traffic: None,
        marks: Marks { truncated: exchange.truncated, gap: false, conflict: connection.reader.conflict() },
        bytes: None,
    }
}

/// The end record of a connection that was told.
pub(super) fn end(connection: &Connection, told: &Observation, now: Timestamp) -> Observation {
    let [forth, back] = connection.traffic;
    let traffic = if connection.exchange.client_is_back { (back, forth) } else { (forth, back) };
    Observation { action: Action::End, completed: now, traffic: Some(traffic), bytes: None, ..told.clone() }
}
