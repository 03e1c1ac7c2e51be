//! How a handshake went, by what ended the watch over it.

use crate::inspector::connection::{Connection, Exchange, Way};
use crate::model::hello::Alert;
use crate::model::observation::{Outcome, Peer};

/// Why the watch over a handshake ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Both sides encrypt.
    Established,
    /// No hello will come: it is not TLS, or it began before the capture.
    NoHello,
    /// A fatal alert.
    Alert(Way, Alert),
    /// RST.
    Reset(Way),
    /// FIN of both sides, or of the server.
    Closed,
    /// The handshake timeout is over.
    Timeout,
    /// The capture ended, a new connection took the ports, or the table was full.
    CutOff,
}

/// Which end a direction comes from.
pub(super) fn peer(client: Way, way: Way) -> Peer {
    if client == way { Peer::Client } else { Peer::Server }
}

/// The verdict.
pub(super) struct Judged {
    pub result: Outcome,
    pub by: Option<Peer>,
    pub alert: Option<Alert>,
    pub established: Option<bool>,
}

/// Judges a handshake whose hello is whole.
pub(super) fn judge(connection: &mut Connection, exchange: &Exchange, cause: Cause) -> Judged {
    let client = exchange.way;
    let closed_by = connection.closed_by.map(|(way, _)| peer(client, way));
    let of = |result, by, established| Judged { result, by, alert: None, established };
    if let Cause::Alert(way, alert) = cause {
        let by = Some(peer(client, way));
        return Judged { result: Outcome::Alert, by, alert: Some(alert), established: Some(false) };
    }
    if exchange.server.is_some() {
        let established = match cause {
            Cause::Established => Some(true),
            Cause::Reset(_) | Cause::Closed => Some(false),
            _ => None,
        };
        return of(Outcome::Ok, Some(Peer::Server), established);
    }
    let server = connection.side(client.other());
    let end = server.fin.filter(|_| server.stream.is_anchored());
    let unread = !server.stream.held().is_empty() || end.is_some_and(|end| end > server.stream.next());
    connection.marks.gap |= unread;
    if unread {
        // the server said something, but its beginning is missing in the capture
        return of(Outcome::NotSeen, None, None);
    }
    let unseen = connection.side(client.other()).traffic.packets == 0 && !connection.answered;
    match cause {
        // what the client does at the end tells nothing where nobody saw what the server did before
        Cause::Reset(way) if unseen && way == client => of(Outcome::NotSeen, None, None),
        Cause::Closed | Cause::Timeout if unseen && closed_by == Some(Peer::Client) => {
            of(Outcome::NotSeen, None, None)
        }
        Cause::Reset(way) => of(Outcome::Reset, Some(peer(client, way)), Some(false)),
        Cause::Closed => of(Outcome::Closed, closed_by, Some(false)),
        Cause::Timeout if closed_by == Some(Peer::Client) => of(Outcome::Closed, closed_by, Some(false)),
        Cause::Timeout if silent(connection, exchange) => of(Outcome::Timeout, None, Some(false)),
        _ => of(Outcome::NotSeen, None, None),
    }
}

/// True if the server's silence is real: its direction is in the capture, or the client waits in vain.
fn silent(connection: &mut Connection, exchange: &Exchange) -> bool {
    let seen = connection.side(exchange.way.other()).traffic.packets > 0 || connection.answered;
    let repeats = connection.side(exchange.way).retransmits > 0;
    (seen || (repeats && connection.isn.is_none())) && (repeats || !exchange.client_went_on)
}
