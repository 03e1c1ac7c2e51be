//! Follows a connection from its hello to the outcome.

use crate::flow::stream::{Mark, Place};
use crate::hello::client::Again;
use crate::hello::flight::Said;
use crate::inspector::connection::{Connection, Way};
use crate::inspector::half::Tcp;
use crate::model::hello::{Alert, ServerHello, SessionId};
use crate::model::segment::{Segment, TcpFlags};

/// Bytes that may wait behind a gap until the direction is not followed any more.
const MAX_WAITING: usize = 64 * 1024;
/// Handshake type of a certificate message (RFC 8446 §4).
const CERTIFICATE: u8 = 11;
/// Level of an alert that ends the connection (RFC 5246 §7.2).
const FATAL: u8 = 2;

/// What the newest segment showed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// The second hello, after a HelloRetryRequest, is whole.
    pub second_hello: bool,
    /// The first thing that decided the handshake.
    pub end: Option<End>,
}

/// What decides a handshake.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// Both sides encrypt.
    Established,
    /// A fatal alert.
    Alert(Way, Alert),
}

impl News {
    fn ends(&mut self, end: End) {
        self.end.get_or_insert(end);
    }
}

/// Takes a segment's payload once the hello is known.
pub(super) fn follow(connection: &mut Connection, way: Way, segment: &Segment<'_>, tcp: Tcp) -> News {
    let mut news = News::default();
    let client = connection.exchange.as_ref().is_some_and(|exchange| exchange.way == way);
    let answered = connection.exchange.as_ref().is_some_and(|exchange| exchange.server.is_some());
    let side = connection.side(way);
    let mark = Mark { time: segment.time, packet: segment.packet };
    match side.stream.place(tcp.data_seq(), segment.payload) {
        Place::At(offset, bytes) if side.stream.held().is_empty() && offset == side.stream.next() => {
            side.newest = segment.time;
            side.segments = side.segments.saturating_add(1);
            side.stream.advance(offset.wrapping_add(u32::try_from(bytes.len()).unwrap_or(0)));
            listen(connection, way, bytes, mark, &mut news);
        }
        Place::At(offset, bytes) => {
            side.newest = segment.time;
            side.segments = side.segments.saturating_add(1);
            if side.stream.held().held() < MAX_WAITING {
                side.stream.keep(offset, bytes, mark);
            }
            catch_up(connection, way, mark, &mut news);
        }
        Place::Old => {
            if client && !answered {
                side.again(segment);
            }
        }
        Place::Far => {}
    }
    if client && let Some(exchange) = &mut connection.exchange {
        exchange.client_went_on |= segment.time > exchange.whole.time && !news.second_hello;
    }
    news
}

/// Reads what was held of a direction as far as it is in order now.
#[inline]
pub(super) fn catch_up(connection: &mut Connection, way: Way, mark: Mark, news: &mut News) {
    while let Some(bytes) = connection.side(way).stream.take() {
        listen(connection, way, &bytes, mark, news);
    }
}

/// Feeds bytes that are in order to the direction's record reader.
pub(super) fn listen(connection: &mut Connection, way: Way, bytes: &[u8], mark: Mark, news: &mut News) {
    if connection.late.is_some() {
        listen_behind(connection, way, bytes, mark, news);
    } else {
        read(connection, way, bytes, mark, news);
    }
}

/// [`listen`] where a dialogue went ahead, of which the server's bytes may still be a part.
#[cold]
fn listen_behind(connection: &mut Connection, way: Way, bytes: &[u8], mark: Mark, news: &mut News) {
    let tls = connection.late.as_mut().and_then(|late| late.answer(way, bytes));
    read(connection, way, &tls.unwrap_or_default(), mark, news);
}

#[inline]
fn read(connection: &mut Connection, way: Way, mut bytes: &[u8], mark: Mark, news: &mut News) {
    while let Some(exchange) = &mut connection.exchange {
        let flight = if exchange.way == way { &mut exchange.client } else { &mut exchange.answer };
        let Some(said) = flight.next(&mut bytes) else { return };
        let begins_hello = said == Said::ChangeCipherSpec;
        hear(connection, way, said, mark, news);
        if news.end.is_some() {
            return;
        }
        if begins_hello {
            // a second hello may begin behind it, with what is left of this segment
            connection.side(way).segments = u16::from(!bytes.is_empty());
        }
    }
}

fn hear(connection: &mut Connection, way: Way, said: Said, mark: Mark, news: &mut News) {
    let Some(exchange) = &mut connection.exchange else { return };
    let from_server = exchange.way != way;
    match said {
        Said::ServerHello(hello) if from_server && exchange.server.is_none() => {
            exchange.resumed = resumed(&hello, &exchange.session_id);
            exchange.server = Some((hello, mark.time));
        }
        Said::HelloRetry if from_server => {
            exchange.retry = true;
            connection.side(way.other()).segments = 0;
        }
        Said::ClientHello(second)
            if !from_server
                && exchange.retry
                && exchange.facts.index == 0
                && second.random == exchange.facts.random =>
        {
            take_second(exchange, second, mark);
            let segments = connection.side(way).segments.max(1);
            if let Some(exchange) = &mut connection.exchange {
                exchange.facts.segments = segments;
            }
            news.second_hello = true;
        }
        Said::Alert(alert) if alert.level == FATAL => news.ends(End::Alert(way, alert)),
        Said::Handshake(CERTIFICATE) if from_server => {
            exchange.resumed = exchange.resumed.or(Some(false));
        }
        Said::ChangeCipherSpec if from_server => {
            // TLS 1.2 without a certificate: an abbreviated handshake
            let full = exchange.server.as_ref().is_none_or(|(hello, _)| hello.version.is_13());
            exchange.resumed = exchange.resumed.or((!full).then_some(true));
        }
        // before the ServerHello it can only be early data
        Said::Encrypted if exchange.server.is_some() => {
            if from_server { &mut exchange.answer } else { &mut exchange.client }.close();
            connection.side(way).encrypted = true;
            if connection.forth.encrypted && connection.back.encrypted {
                news.ends(End::Established);
            }
        }
        _ => {}
    }
}

/// What the ServerHello alone tells about resumption.
pub(super) fn resumed(hello: &ServerHello, offered: &SessionId) -> Option<bool> {
    if hello.version.is_13() {
        return Some(hello.psk);
    }
    (!offered.is_empty() && hello.session_id == *offered).then_some(true)
}

fn take_second(exchange: &mut crate::inspector::connection::Exchange, second: Again, mark: Mark) {
    let facts = &mut exchange.facts;
    facts.index = 1;
    facts.bytes = second.bytes;
    facts.records = second.records;
    facts.digest = second.digest;
    facts.offered = second.offered;
    facts.alpn = second.alpn;
    facts.ech = second.ech;
    exchange.whole = mark;
}

/// Notes a FIN; true once a side's FIN has all its bytes ahead of it.
pub(super) fn fin(connection: &mut Connection, way: Way, segment: &Segment<'_>, tcp: Tcp) {
    if !tcp.flags.has(TcpFlags::FIN) {
        return;
    }
    let end = tcp.data_seq().wrapping_add(u32::try_from(segment.payload.len()).unwrap_or(0));
    let side = connection.side(way);
    side.fin = side.stream.offset(end.wrapping_add(segment.missing)).or(side.fin);
    connection.closed_by = connection.closed_by.or(Some((way, segment.time)));
}

/// True if `way` has sent its FIN and everything ahead of it was seen.
pub(super) fn is_closed(connection: &mut Connection, way: Way) -> bool {
    let side = connection.side(way);
    side.fin.is_some_and(|fin| side.stream.next() >= fin || side.stream.held().is_empty())
}
