//! Packets in the order of their capture, held until it is known what becomes of their connections.
//!
//! The front leaves once it is decided, so that packets leave in order. What is undecided for too long, or where
//! too much is held, is let go; it counts as lost if its connection turns out to be wanted.

use std::collections::{HashMap, VecDeque};

use crate::model::frame::{Frame, OriginId, Timestamp};
use crate::output::packets::Packet;

/// Bytes of packets that are held at a time, bookkeeping included.
pub(super) const MAX_HELD: usize = 64 << 20;
/// What a packet costs beside its bytes.
const OVERHEAD: usize = 128;

/// What becomes of a connection's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Undecided,
    Wanted,
    Unwanted,
}

/// A connection with packets in the ring, or still watched.
#[derive(Debug)]
struct Flow {
    hash: u64,
    state: State,
    /// Packets in the ring.
    held: u32,
    /// The latest of them.
    last: Option<u64>,
    /// Packets that were let go.
    gone: u64,
    /// Somebody outside still names it.
    watched: bool,
}

/// A connection's number in the ring, valid until [`Ring::leave`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowId(u32);

/// Whom a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Flow(FlowId),
    /// A datagram that is not whole yet, by its serial number.
    Fragment(u64),
}

#[derive(Debug)]
struct Held {
    packet: Packet,
    /// When it was taken: the latest time then, for a capture's clock may go backwards.
    taken: Timestamp,
    number: u64,
    owner: Owner,
    /// The packet of the same connection before it.
    before: Option<u64>,
}

/// The ring.
#[derive(Debug, Default)]
pub(super) struct Ring {
    held: VecDeque<Held>,
    /// Serial number of the front.
    first: u64,
    bytes: usize,
    flows: Vec<Flow>,
    free: Vec<u32>,
    fragments: HashMap<u64, Vec<u64>>,
    /// The latest time of the capture.
    pub(super) now: Timestamp,
    /// Packets of wanted connections that were let go.
    pub(super) lost: u64,
}

impl Ring {
    /// A connection that is undecided; `earlier` is the one before it between the same ports, whose latest packets may
    /// be of this one: connections of QUIC and DTLS overlap there.
    pub(super) fn enter(&mut self, hash: u64, earlier: Option<FlowId>) -> FlowId {
        let last = earlier.and_then(|id| self.flows.get(id.0 as usize)?.last);
        let flow = Flow { hash, state: State::Undecided, held: 0, last, gone: 0, watched: true };
        if let Some(free) = self.free.pop() {
            if let Some(place) = self.flows.get_mut(free as usize) {
                *place = flow;
            }
            return FlowId(free);
        }
        self.flows.push(flow);
        FlowId(u32::try_from(self.flows.len() - 1).unwrap_or(u32::MAX))
    }

    /// Nobody outside names the connection any more.
    pub(super) fn leave(&mut self, id: FlowId) {
        let Some(flow) = self.flows.get_mut(id.0 as usize) else { return };
        flow.watched = false;
        self.forget_if_done(id);
    }

    fn forget_if_done(&mut self, id: FlowId) {
        if self.flows.get(id.0 as usize).is_some_and(|flow| !flow.watched && flow.held == 0) {
            self.free.push(id.0);
        }
    }

    /// What is decided of a connection.
    pub(super) fn state(&self, id: FlowId) -> State {
        self.flows.get(id.0 as usize).map_or(State::Unwanted, |flow| flow.state)
    }

    /// True if packets of it are held.
    pub(super) fn holds(&self, id: FlowId) -> bool {
        self.flows.get(id.0 as usize).is_some_and(|flow| flow.held > 0)
    }

    /// Decides on a connection.
    pub(super) fn decide(&mut self, id: FlowId, state: State) {
        let Some(flow) = self.flows.get_mut(id.0 as usize) else { return };
        flow.state = state;
        if state == State::Wanted {
            self.lost += std::mem::take(&mut flow.gone);
        }
    }

    /// Takes a packet of a connection.
    pub(super) fn push(&mut self, frame: &Frame<'_>, id: FlowId) {
        let serial = self.append(frame, Owner::Flow(id));
        self.link(serial, id);
    }

    /// Takes a fragment; `datagrams` are those that it was taken for, outermost first: of these, what is held
    /// belongs together from now on.
    pub(super) fn push_fragment(&mut self, frame: &Frame<'_>, datagrams: &[u64]) {
        let Some(innermost) = datagrams.last() else { return };
        let mut parts = Vec::new();
        for datagram in datagrams {
            parts.extend(self.fragments.remove(datagram).unwrap_or_default());
        }
        parts.push(self.append(frame, Owner::Fragment(*innermost)));
        for part in &parts {
            if let Some(held) = self.at(*part) {
                held.owner = Owner::Fragment(*innermost);
            }
        }
        self.fragments.insert(*innermost, parts);
    }

    /// A datagram is whole: its fragments are a connection's packets. `None`: of none that is watched.
    pub(super) fn joined(&mut self, datagram: u64, id: Option<FlowId>) {
        for part in self.fragments.remove(&datagram).unwrap_or_default() {
            if let Some(id) = id
                && let Some(held) = self.at(part)
            {
                held.owner = Owner::Flow(id);
                self.link(part, id);
            }
        }
    }

    fn append(&mut self, frame: &Frame<'_>, owner: Owner) -> u64 {
        let Frame { number, time, link, origin, wire_len, bytes } = *frame;
        let packet = Packet { time, origin, link, wire_len, bytes: bytes.into(), comment: None };
        self.bytes += bytes.len() + OVERHEAD;
        self.now = self.now.max(time);
        self.held.push_back(Held { packet, taken: self.now, number, owner, before: None });
        self.first + self.held.len() as u64 - 1
    }

    /// Makes a packet the latest of its connection.
    fn link(&mut self, serial: u64, id: FlowId) {
        let Some(flow) = self.flows.get_mut(id.0 as usize) else { return };
        flow.held += 1;
        let before = flow.last.replace(serial);
        if let Some(held) = self.at(serial) {
            held.before = before;
        }
    }

    fn at(&mut self, serial: u64) -> Option<&mut Held> {
        let place = serial.checked_sub(self.first)?;
        self.held.get_mut(usize::try_from(place).ok()?)
    }

    /// Says `text` with the packet of that number; false if it is none of the connection's, or not here.
    pub(super) fn comment(&mut self, id: FlowId, (origin, number): (OriginId, u64), text: &str) -> bool {
        let mut next = self.flows.get(id.0 as usize).and_then(|flow| flow.last);
        while let Some(held) = next.and_then(|serial| self.at(serial)) {
            if (held.packet.origin, held.number) == (origin, number) {
                held.packet.comment = Some(text.into());
                return true;
            }
            next = held.before;
        }
        false
    }

    /// Gives the packets at the front that are wanted, up to the first that is undecided. `is_pending` says of a
    /// connection and its hash whether it may still be decided; what was taken before `oldest` is not waited for.
    pub(super) fn release(
        &mut self,
        oldest: Timestamp,
        is_pending: impl Fn(FlowId, u64) -> bool,
        out: &mut Vec<Packet>,
    ) {
        while let Some(front) = self.held.front() {
            let waited_enough = front.taken < oldest || self.bytes > MAX_HELD;
            let (id, mut state) = match front.owner {
                Owner::Flow(id) => (Some(id), self.state(id)),
                Owner::Fragment(_) => (None, State::Undecided),
            };
            if state == State::Undecided && !waited_enough {
                let Some(id) = id else { return };
                if self.flows.get(id.0 as usize).is_some_and(|flow| is_pending(id, flow.hash)) {
                    return;
                }
                state = State::Unwanted;
                self.decide(id, state);
            }
            self.pop(state, out);
        }
    }

    /// Gives what is wanted of all that is held; the rest is not waited for.
    pub(super) fn flush(&mut self, out: &mut Vec<Packet>) {
        while let Some(front) = self.held.front() {
            let state = match front.owner {
                Owner::Flow(id) => self.state(id),
                Owner::Fragment(_) => State::Unwanted,
            };
            self.pop(state, out);
        }
    }

    fn pop(&mut self, state: State, out: &mut Vec<Packet>) {
        let Some(Held { packet, owner, .. }) = self.held.pop_front() else { return };
        let gone = self.first;
        self.first += 1;
        self.bytes -= packet.bytes.len() + OVERHEAD;
        match owner {
            Owner::Fragment(datagram) => drop(self.fragments.remove(&datagram)),
            Owner::Flow(id) => {
                if let Some(flow) = self.flows.get_mut(id.0 as usize) {
                    flow.held -= 1;
                    flow.gone += u64::from(state == State::Undecided);
                    flow.last = flow.last.filter(|last| *last != gone);
                }
                self.forget_if_done(id);
            }
        }
        if state == State::Wanted {
            out.push(packet);
        }
    }

    /// Before this time nothing more will be given; `None` where nothing is held.
    pub(super) fn front(&self) -> Option<Timestamp> {
        self.held.front().map(|front| front.packet.time)
    }
}

#[cfg(test)]
mod tests;
