//! One direction of a connection over TCP: its bytes, and what they look like.

use crate::flow::limits::SAME_PACKET;
use crate::flow::stream::Stream;
use crate::inspector::connection::Exchange;
use crate::model::frame::Timestamp;
use crate::model::observation::{HelloBytes, Traffic};
use crate::model::segment::Segment;

/// What the first bytes of a direction look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Looks {
    /// Not seen, or too few to tell.
    #[default]
    Unknown,
    /// The beginning of a ClientHello.
    Hello,
    /// TLS, but not a ClientHello: the server's side, or the middle of a stream.
    Tls,
    /// Something else.
    Other,
}

/// One direction.
#[derive(Debug, Default)]
pub struct Side {
    /// Its bytes.
    pub stream: Stream,
    /// What it looks like.
    pub looks: Looks,
    /// Prefix length below which reading is pointless, of the stream that begins at `need_at`.
    pub need: usize,
    /// Offset that `need` belongs to.
    pub need_at: u32,
    /// Segments with payload that was not there before.
    pub segments: u16,
    /// Segments that were sent again.
    pub retransmits: u32,
    /// Capture time of the newest segment with new payload.
    pub newest: Timestamp,
    /// Packets and bytes.
    pub traffic: Traffic,
    /// Offset of the FIN, once it was seen.
    pub fin: Option<u32>,
    /// Records are encrypted from here on.
    pub encrypted: bool,
    /// Offset at which the snapshot length first cut bytes off: what is beyond is not known, whoever sends it
    /// again, so that no other bytes can take its place.
    pub limit: Option<u32>,
    /// Headers of the segment that the hello begins in, where they are wanted.
    pub head: Option<Box<[u8]>>,
}

impl Side {
    /// What of a segment lies ahead of the first bytes that the snapshot length cut off; `None` if nothing does.
    pub fn within_limit<'b>(&mut self, offset: u32, bytes: &'b [u8], missing: u32) -> Option<&'b [u8]> {
        let limit = self.limit.unwrap_or(u32::MAX);
        let room = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
        let bytes = bytes.get(..bytes.len().min(room))?;
        if missing > 0 {
            let end = offset.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            self.limit = Some(limit.min(end));
        }
        (!bytes.is_empty()).then_some(bytes)
    }

    /// Makes `offset` the direction's first byte.
    pub fn restart(&mut self, offset: u32) {
        self.stream.restart(offset);
        self.limit = self.limit.and_then(|limit| limit.checked_sub(offset));
        self.fin = self.fin.and_then(|fin| fin.checked_sub(offset));
    }

    /// Takes note of a segment that brings nothing new.
    pub fn again(&mut self, segment: &Segment<'_>) {
        if segment.time.since(self.newest) >= SAME_PACKET {
            self.retransmits = self.retransmits.saturating_add(1);
        }
    }

    /// Gives a hello's bytes to its exchange, where they are wanted.
    pub fn hand_over(&mut self, exchange: &mut Exchange, records: Option<&[u8]>, wanted: bool) {
        if wanted {
            let head = self.head.take().unwrap_or_default();
            let records = records.unwrap_or_default().into();
            exchange.bytes = Some(Box::new(HelloBytes { head, records }));
        }
    }
}
