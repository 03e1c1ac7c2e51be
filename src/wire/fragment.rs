//! Joins IP fragments, in whatever order they come, and decodes the datagram that they make.
//!
//! RFC 791 §3.2, RFC 8200 §4.5, RFC 5722. A datagram is known by input, VLAN tags, tunnel, addresses,
//! identification and, in IPv4, protocol. Fragments that were captured twice are no matter. Those that
//! overlap otherwise make the whole datagram void, and so do later ones of its kind until it is too old;
//! only in IPv4, where routers may fragment again on the way, an overlap of equal bytes is taken.
//!
//! All that is held is bounded: by [`MAX_DATAGRAMS`], [`MAX_HELD`], [`MAX_PIECES`] and the protocol's own
//! maximum; by capture time, [`AGE_V4`] and [`AGE_V6`]. What must go goes oldest first.

mod datagram;

use std::collections::{BTreeMap, HashMap};

use self::datagram::{Datagram, Fit};
use super::layer::{Next, Packet, Part, Path};
use super::link::{IPV4, IPV6};
use super::{Decoder, End, travel};
use crate::model::frame::{Frame, OriginId, Timestamp};
use crate::model::segment::{Hosts, Segment, Tunnel, Vlans};
use crate::model::skip::Skip;

/// Datagrams that are held at a time.
pub const MAX_DATAGRAMS: usize = 4096;
/// Bytes that are held at a time, bookkeeping included.
pub const MAX_HELD: usize = 16 << 20;
/// Fragments of one datagram: what the smallest MTU of IPv4, 68 bytes, makes of the largest datagram.
pub const MAX_PIECES: usize = 1366;
/// Age at which an IPv4 datagram is given up, nanoseconds.
pub const AGE_V4: u64 = 30_000_000_000;
/// The same for IPv6 (RFC 8200 §4.5).
pub const AGE_V6: u64 = 60_000_000_000;

/// Fragmented datagrams within each other: a tunnel's own, and those that it carries.
const MAX_NESTED: usize = 4;
/// Length of an IP header without options, and the largest total or payload length.
const IPV4_LEN: usize = 20;
const MAX_LEN: usize = 0xffff;

/// The fragments of one datagram have this in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    origin: OriginId,
    vlans: Vlans,
    tunnel: Option<Tunnel>,
    hosts: Hosts,
    id: u32,
    /// Not in IPv6, where only the first fragment's word counts.
    protocol: Option<u8>,
}

/// A fragment: what its headers say, and its share of the payload.
struct Piece<'a> {
    key: Key,
    part: Part,
    path: Path,
    bytes: &'a [u8],
    /// Bytes of its share that the capture lacks.
    cut: bool,
}

impl<'a> Piece<'a> {
    fn new(origin: OriginId, packet: &Packet<'a>, part: Part) -> Option<Self> {
        let (path, hosts) = (packet.path(), packet.hosts()?);
        let protocol = matches!(hosts, Hosts::V4(..)).then_some(part.protocol);
        let bytes = packet.captured();
        Some(Self {
            key: Key { origin, vlans: path.vlans, tunnel: path.tunnel, hosts, id: part.id, protocol },
            part,
            path,
            bytes,
            cut: bytes.len() < packet.length(),
        })
    }

    /// False for what no sender makes: nothing, an end within eight bytes, more than a datagram holds.
    fn is_sound(&self) -> bool {
        let most = if self.key.protocol.is_some() { MAX_LEN - IPV4_LEN } else { MAX_LEN };
        let whole_units = !self.part.more || self.bytes.len().is_multiple_of(8);
        !self.cut && !self.bytes.is_empty() && whole_units && self.part.offset + self.bytes.len() <= most
    }
}

/// Joins the fragments of one run; made for one thread.
#[derive(Debug, Default)]
pub struct Fragments {
    store: Store,
    /// The datagram that was joined last, with an IP header of its own.
    joined: Vec<u8>,
    next: Vec<u8>,
}

impl Fragments {
    /// Fragments seen so far that are in no whole datagram: those still waiting, and those given up.
    pub fn lost(&self) -> u64 {
        self.store.seen - self.store.used
    }

    /// Serial numbers of the datagrams that the last fragment was taken for: its own, and those that it lies in or
    /// completes, outermost first.
    pub fn last(&self) -> &[u64] {
        &self.store.last
    }

    /// Takes `frame`, of which [`Decoder::decode`] said [`Skip::Fragment`].
    ///
    /// Where it completes a datagram, that is decoded as a frame of `frame`'s number and time. Its segment
    /// has the tags and the tunnel of the fragment, and lies in a copy that is kept until the next call.
    ///
    /// # Errors
    /// [`Skip::Fragment`] where it completes none; for the whole datagram, what [`Decoder::decode`] gives.
    pub fn join<'a>(&'a mut self, decoder: &Decoder, frame: &Frame<'a>) -> Result<Segment<'a>, Skip> {
        self.store.last.clear();
        let mut packet = Packet::new(frame.bytes, frame.wire_len);
        let part = match travel(&mut packet, Next::Link(frame.link))? {
            End::Payload(found) => return Ok(decoder.found(frame, &found)),
            End::Fragment(part) => part,
        };
        let mut path = self.store.take(frame, &packet, part, &mut self.joined)?;
        for _ in 0..MAX_NESTED {
            let (mut packet, next) = start(&self.joined, path);
            match travel(&mut packet, next)? {
                End::Payload(_) => break,
                End::Fragment(part) => path = self.store.take(frame, &packet, part, &mut self.next)?,
            }
            std::mem::swap(&mut self.joined, &mut self.next);
        }
        // Once more, as what is returned may not be borrowed by a loop that writes.
        let (mut packet, next) = start(&self.joined, path);
        match travel(&mut packet, next)? {
            End::Payload(found) => Ok(decoder.found(frame, &found)),
            End::Fragment(_) => Err(Skip::BadHeader),
        }
    }
}

fn start(joined: &[u8], path: Path) -> (Packet<'_>, Next) {
    let version = joined.first().map_or(0, |first| first >> 4);
    (Packet::joined(joined, path), Next::EtherType(if version == 4 { IPV4 } else { IPV6 }))
}

/// The datagrams that wait for fragments.
#[derive(Debug, Default)]
struct Store {
    datagrams: HashMap<Key, Datagram>,
    /// Keys of `datagrams` by their serial numbers: oldest first.
    order: BTreeMap<u64, Key>,
    serial: u64,
    last: Vec<u64>,
    held: usize,
    seen: u64,
    used: u64,
}

impl Store {
    /// Takes a fragment; writes the datagram that it completes, and returns the path that it came by.
    fn take(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        part: Part,
        out: &mut Vec<u8>,
    ) -> Result<Path, Skip> {
        self.seen += 1;
        let piece = Piece::new(frame.origin, packet, part).filter(Piece::is_sound).ok_or(Skip::Fragment)?;
        self.expire(frame.time);
        if self.is_old(&piece.key, frame.time) {
            self.remove(&piece.key);
        }
        let datagram = self.datagram(&piece.key, frame.time);
        let before = datagram.cost();
        let fit = datagram.add(&piece.part, piece.bytes, piece.key.protocol.is_some());
        let after = datagram.cost();
        let serial = datagram.serial;
        self.last.push(serial);
        self.held = (self.held + after).saturating_sub(before);
        if fit == Fit::Whole {
            let whole = self.remove(&piece.key).ok_or(Skip::Fragment)?;
            self.used += whole.arrived();
            whole.write(&piece.key.hosts, out);
            return Ok(piece.path);
        }
        self.make_room();
        Err(Skip::Fragment)
    }

    /// The datagram of `key`: a new one where there is none.
    fn datagram(&mut self, key: &Key, now: Timestamp) -> &mut Datagram {
        self.datagrams.entry(*key).or_insert_with(|| {
            self.serial += 1;
            self.order.insert(self.serial, *key);
            let new = Datagram::new(self.serial, now);
            self.held += new.cost();
            new
        })
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let gone = self.datagrams.remove(key)?;
        self.order.remove(&gone.serial);
        self.held = self.held.saturating_sub(gone.cost());
        Some(gone)
    }

    /// Gives up what is too old, from the oldest on.
    ///
    /// An IPv4 datagram may stay behind a younger one of IPv6: it goes when its own kind would join it.
    fn expire(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.order.first_key_value() {
            let key = *key;
            if !self.is_old(&key, now) {
                return;
            }
            self.remove(&key);
        }
    }

    fn is_old(&self, key: &Key, now: Timestamp) -> bool {
        let age = if key.protocol.is_some() { AGE_V4 } else { AGE_V6 };
        self.datagrams.get(key).is_none_or(|datagram| now.since(datagram.first) > age)
    }

    fn make_room(&mut self) {
        while self.datagrams.len() > MAX_DATAGRAMS || self.held > MAX_HELD {
            let Some((_, key)) = self.order.first_key_value() else { return };
            let key = *key;
            self.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests;
