//! What is kept of a connection that begins with a dialogue.

use std::borrow::Cow;

use crate::flow::stream::{Mark, distance};
use crate::hello::preface::Dialogue;
use crate::hello::preface::row::Step;
use crate::inspector::connection::Way;
use crate::inspector::half::Tcp;
use crate::model::observation::Ahead;
use crate::model::segment::{Segment, TcpFlags};

/// Segments of a client that are remembered while bytes ahead of them are missing.
const MAX_SEEN: usize = 64;
/// Bytes that one unit of a server's dialogue behind the hello may have.
const MAX_REPLY: usize = 4096;

/// A segment whose bytes are held.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Sequence number of its first byte.
    pub from: u32,
    /// Of the byte behind it.
    pub to: u32,
    /// Which packet it was.
    pub mark: Mark,
    /// What it acknowledges.
    pub ack: Option<u32>,
}

/// What goes ahead of TLS on a connection.
#[derive(Debug)]
pub struct Late {
    /// The dialogue.
    pub dialogue: Dialogue,
    /// Whose bytes ask for TLS.
    pub client: Way,
    /// The hello's first byte was found.
    pub begun: bool,
    /// The client's segments of which bytes are held.
    seen: Vec<Seen>,
    /// Segments that overtook the first one, before this was known to be a dialogue.
    pub earlier: u16,
    /// What is there of a unit of the server's dialogue behind the hello; `None` once its TLS began.
    replies: Option<Vec<u8>>,
}

impl Late {
    /// Nothing was said so far.
    pub fn new(client: Way) -> Self {
        let (dialogue, seen) = (Dialogue::default(), Vec::new());
        Self { dialogue, client, begun: false, seen, earlier: 0, replies: Some(Vec::new()) }
    }

    /// True until the hello's first byte was found.
    pub fn is_talking(&self) -> bool {
        !self.begun
    }

    /// What a record says of it; nothing where no name fits.
    #[cold]
    pub fn ahead(&self) -> Option<Box<Ahead>> {
        let prefaces: Box<[&str]> = self.dialogue.names().into();
        let named = self.dialogue.named().clone();
        let ahead = Ahead { prefaces, source: named.source, destination: named.destination };
        (!ahead.prefaces.is_empty()).then(|| Box::new(ahead))
    }

    /// What of bytes in order is TLS; `None` where it is all dialogue.
    pub fn answer<'b>(&mut self, way: Way, bytes: &'b [u8]) -> Option<Cow<'b, [u8]>> {
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

    /// The hello begins at this sequence number: the segment that brought it, and how many brought bytes of it.
    pub fn begin(&mut self, hello: u32) -> (Option<Seen>, u16) {
        let seen = std::mem::take(&mut self.seen);
        let first = seen.iter().find(|seen| distance(hello, seen.from) <= 0 && distance(hello, seen.to) > 0);
        let count = seen.iter().filter(|seen| distance(hello, seen.to) > 0).count();
        self.begun = true;
        (first.copied(), u16::try_from(count).unwrap_or(u16::MAX).saturating_add(self.earlier))
    }

    /// Forgets segments that lie ahead of the sequence number `from`.
    pub fn forget(&mut self, from: u32) {
        self.seen.retain(|seen| distance(from, seen.to) > 0);
    }

    /// Remembers a segment of the client.
    pub fn remember(&mut self, segment: &Segment<'_>, tcp: Tcp) {
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

/// What a segment acknowledges.
pub(super) fn acknowledged(tcp: Tcp) -> Option<u32> {
    tcp.flags.has(TcpFlags::ACK).then_some(tcp.ack)
}
