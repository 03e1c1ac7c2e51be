//! A connection over UDP whose outcome is open: its reader, and what both sides said so far.

use crate::flow::stream::Mark;
use crate::hello::datagram::{Datagram, DatagramProtocol, DatagramReader, Said};
use crate::hello::flight::Wanted;
use crate::inspector::datagram::exchange::{Exchange, Say};
use crate::inspector::datagram::record::Cause;
use crate::inspector::seek::Tools;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::observation::{Observation, Traffic};
use crate::model::segment::{FlowKey, Segment, Tunnel, Vlans};

/// A connection.
pub(super) struct Connection {
    /// The way of the first datagram.
    pub(super) key: FlowKey,
    /// Hash of `key`.
    pub(super) hash: u64,
    /// The next older connection with the same addresses and ports.
    pub(super) older: Option<u32>,
    /// Its protocol.
    pub(super) row: &'static dyn DatagramProtocol,
    /// Reads it.
    pub(super) reader: Box<dyn DatagramReader>,
    /// Held bytes that stand in the account of all.
    pub(super) counted: usize,
    /// First packet.
    pub(super) first: Mark,
    /// When it entered its age list, by the inspector's clock.
    pub(super) since: Timestamp,
    /// Where it was seen.
    pub(super) origin: OriginId,
    /// VLAN tags of the newest datagram that brought something of a hello.
    pub(super) vlans: Vlans,
    /// Tunnel that it came through.
    pub(super) tunnel: Option<Tunnel>,
    /// What was said.
    pub(super) exchange: Exchange,
    /// Its hello stands in the counters.
    pub(super) named: bool,
    /// Packets and bytes, the way of `key` first.
    pub(super) traffic: [Traffic; 2],
    /// The record, once it was told, where an end record is to follow.
    pub(super) told: Option<Box<Observation>>,
}

/// What a datagram led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// A hello is whole that was not told before.
    pub(super) hello: bool,
    /// The outcome is known.
    pub(super) cause: Option<Cause>,
}

impl Connection {
    /// A connection that `segment` may open.
    pub(super) fn new(
        row: &'static dyn DatagramProtocol,
        segment: &Segment<'_>,
        since: Timestamp,
        wanted: Wanted,
    ) -> Self {
        let mut reader = row.reader();
        reader.want(wanted);
        Self {
            key: segment.key,
            hash: segment.hash,
            older: None,
            row,
            reader,
            counted: 0,
            first: Mark { time: segment.time, packet: segment.packet },
            since,
            origin: segment.origin,
            vlans: segment.vlans,
            tunnel: segment.tunnel,
            exchange: Exchange::default(),
            named: false,
            traffic: [Traffic::default(); 2],
            told: None,
        }
    }

    /// Reads a datagram; `None` where it belongs to another connection. `alone`: there is no other one between
    /// these addresses and ports.
    pub(super) fn read(
        &mut self,
        segment: &Segment<'_>,
        alone: bool,
        scratch: &mut Vec<u8>,
        tools: &mut Tools,
    ) -> Option<Heard> {
        let forth = segment.key == self.key;
        let mut datagram = Datagram { bytes: segment.payload, missing: segment.missing, forth, alone };
        let mut heard = Heard::default();
        let mut of_hello = false;
        while let Some(said) = self.reader.next(&mut datagram, scratch) {
            of_hello |= matches!(said, Said::Part { .. } | Said::ClientHello(_) | Said::Foreign { .. });
            let say = Say { segment, forth, letter: self.row.letter() };
            match said {
                Said::NotMine => return None,
                said => self.exchange.hear(said, &say, tools, &mut heard),
            }
        }
        if of_hello {
            (self.vlans, self.tunnel) = (segment.vlans, segment.tunnel);
        }
        self.exchange.truncated |= segment.missing > 0 && !self.exchange.is_whole();
        heard.cause = heard.cause.or_else(|| self.exchange.is_established().then_some(Cause::Established));
        self.count(segment);
        Some(heard)
    }

    /// Goes on with a connection that turned out to be this one.
    pub(super) fn take_over(&mut self, before: &mut Self) {
        (self.first, self.named) = (before.first, before.named);
        for (mine, theirs) in self.traffic.iter_mut().zip(before.traffic) {
            mine.packets += theirs.packets;
            mine.bytes += theirs.bytes;
        }
        self.exchange.take_over(&mut before.exchange);
    }

    /// Counts a datagram.
    pub(super) fn count(&mut self, segment: &Segment<'_>) {
        let [forth, back] = &mut self.traffic;
        let traffic = if segment.key == self.key { forth } else { back };
        traffic.packets += 1;
        traffic.bytes += segment.payload.len() as u64 + u64::from(segment.missing);
    }
}
