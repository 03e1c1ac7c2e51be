//! Remembers the last hellos of each vantage point, so that a record can say which leg of its connection it is.
//!
//! A gateway that passes a connection on sends the same hello once more, on a flow of its own. The flow whose
//! hello came first is the leg in; the others are legs out. Each hello is noted the moment that it is whole, and
//! a record asks when it is complete: nothing waits. What was forgotten by then is not told.

use std::num::NonZeroU64;

use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::observation::{HelloFacts, Hop, Leg};
use crate::model::seed::Seed;

/// Sets of remembered hellos, two cache lines each: 1 MiB.
const SETS: usize = 8192;
/// Hellos of a set; a fifth one takes the place of the oldest.
const WAYS: usize = 4;
/// A hello that comes again on another flow after this time is another connection's, which replays it;
/// nanoseconds. Gateways give up a connection that is not made after 5 to 15 s.
const MAX_AGE: u64 = 30_000_000_000;

/// The vantage points of a run, as far as one inspector sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vantage {
    /// Number of the vantage point of each origin; 0 for those that are not listed.
    nodes: Vec<u16>,
    /// Others see packets of the same vantage point, or this one sees several.
    shared: bool,
}

impl Vantage {
    /// The vantage points of these inputs; `apart`: several inspectors see a part each.
    pub fn of(origins: &[Origin], apart: bool) -> Self {
        let first = |node: &str| origins.iter().position(|origin| origin.node == node).unwrap_or_default();
        let number = |origin: &Origin| u16::try_from(first(&origin.node)).unwrap_or(u16::MAX);
        let nodes: Vec<u16> = origins.iter().map(number).collect();
        let several = nodes.iter().any(|node| *node != 0);
        Self { shared: several || apart, nodes }
    }

    fn node(&self, origin: OriginId) -> u16 {
        self.nodes.get(usize::from(origin.0)).copied().unwrap_or_default()
    }
}

/// Which connection a hello is of, at one vantage point: the same on all its legs. `None`: its random tells nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity(Option<NonZeroU64>);

/// A remembered hello; none where the identity is 0. All zeros at first, so that the window costs nothing until it
/// is used.
#[derive(Clone, Copy)]
struct Seen([u64; 4]);

impl Seen {
    /// A hello that was whole at `whole` on the leg in.
    fn new(identity: u64, flow: u32, whole: Timestamp) -> Self {
        Self([identity, u64::from(flow) << 32 | u64::from(flow), whole.0, 0])
    }

    fn identity(self) -> u64 {
        let [identity, ..] = self.0;
        identity
    }

    /// The leg in, and the newest leg, which is the leg in where there is no other.
    fn flows(self) -> (u32, u32) {
        let [_, flows, ..] = self.0;
        (short(flows >> 32), short(flows))
    }

    /// When the hello was whole on the newest leg.
    fn whole(self) -> Timestamp {
        let [_, _, whole, _] = self.0;
        Timestamp(whole)
    }

    /// Time between the two newest legs.
    fn gateway(self) -> Option<u64> {
        let [.., gateway] = self.0;
        gateway.checked_sub(1)
    }

    /// The leg out of what came in on `flow`; how long before, is not known.
    fn after(self, flow: u32) -> Self {
        let [identity, ..] = self.0;
        let (out, _) = self.flows();
        Self([identity, u64::from(flow) << 32 | u64::from(out), self.whole().0, 0])
    }

    /// A further leg, `gateway` after the one before.
    fn further(self, flow: u32, whole: Timestamp, gateway: u64) -> Self {
        let [identity, flows, ..] = self.0;
        let flows = flows >> 32 << 32 | u64::from(flow);
        Self([identity, flows, whole.0, gateway.saturating_add(1)])
    }
}

/// The window of hellos.
pub struct Legs {
    vantage: Vantage,
    sets: Vec<[[u64; 4]; WAYS]>,
}

impl Legs {
    /// A window that has seen nothing.
    pub fn new(vantage: Vantage) -> Self {
        Self { vantage, sets: Vec::new() }
    }

    /// The identity of a connection by its first hello: the beginning of its random, and its digest.
    pub fn identity(&self, hello: &HelloFacts, origin: OriginId) -> Identity {
        let [first, rest @ ..] = &hello.random;
        // a random of one repeated byte comes from a scanner or a test, and tells nothing apart
        if rest.iter().all(|byte| byte == first) {
            return Identity(None);
        }
        let start = hello.random.first_chunk::<8>().map_or(0, |start| u64::from_le_bytes(*start));
        let node = u64::from(self.vantage.node(origin));
        let hash = Seed::OPEN.pair(Seed::OPEN.pair(start, hello.digest), node);
        Identity(NonZeroU64::new(hash.max(1)))
    }

    /// Notes a whole hello on `flow`: `begun` is the time of its first byte, `whole` that of its last.
    pub fn see(&mut self, identity: Identity, flow: u64, (begun, whole): (Timestamp, Timestamp)) {
        let Some(identity) = identity.0.map(NonZeroU64::get) else { return };
        if self.sets.is_empty() {
            self.sets = vec![[[0; 4]; WAYS]; SETS];
        }
        let flow = short(flow);
        let new = Seen::new(identity, flow, whole);
        let Some(set) = self.sets.get_mut(set_of(identity)) else { return };
        let Some(slot) = set.iter_mut().find(|slot| Seen(**slot).identity() == identity) else {
            set.rotate_right(1);
            let [newest, ..] = set;
            *newest = new.0;
            return;
        };
        let seen = Seen(*slot);
        let (first, last) = seen.flows();
        // the same flow again, or at quite another time: a replay
        let apart = begun.since(seen.whole()).max(seen.whole().since(whole));
        let replay = [first, last].contains(&flow) || apart > MAX_AGE;
        *slot = if replay {
            new.0
        } else if first == last && whole < seen.whole() {
            // told late by another ring: it was here before the only leg that is known
            seen.after(flow).0
        } else {
            seen.further(flow, whole, begun.since(seen.whole())).0
        };
    }

    /// Which leg a flow is, by what was seen so far; `None` where that is not known.
    pub fn leg(&self, identity: Identity, flow: u64) -> Option<Hop> {
        let identity = identity.0?.get();
        let mut set = self.sets.get(set_of(identity))?.iter().map(|slot| Seen(*slot));
        let seen = set.find(|seen| seen.identity() == identity)?;
        let (flow, (first, last)) = (short(flow), seen.flows());
        let (leg, gateway) = match (flow == first, flow == last) {
            (true, false) => (Leg::In, None),
            (true, true) if self.vantage.shared => return None,
            (true, true) => (Leg::Only, None),
            (false, newest) => (Leg::Out, seen.gateway().filter(|_| newest)),
        };
        Some(Hop { leg, gateway })
    }

    /// The same for a hello that has just come: which leg out it is; a leg in shows later.
    pub fn leg_out(&self, identity: Identity, flow: u64) -> Option<Hop> {
        self.leg(identity, flow).filter(|hop| hop.leg == Leg::Out)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "32 bits tell two legs apart")]
fn short(flow: u64) -> u32 {
    flow as u32
}

fn set_of(identity: u64) -> usize {
    usize::try_from(identity >> 32).unwrap_or(0) % SETS
}

#[cfg(test)]
mod tests;
