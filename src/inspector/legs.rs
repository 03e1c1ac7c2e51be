//! Remembers the last hellos of each vantage point, so that a record can say which leg of its connection it is.
//!
//! A gateway that passes a connection on sends the same hello once more, on a flow of its own. The flow whose
//! hello came first is the leg in; the others are legs out. Each hello is noted the moment that it is whole, and
//! a record asks when it is complete: nothing waits. What was forgotten by then is not told.

use std::hash::BuildHasher;

use foldhash::fast::RandomState as Secret;

use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::observation::{Hop, Leg};

/// Sets of remembered hellos, 160 bytes each: 1.25 MiB.
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
    /// The vantage points of these inputs; `apart`: each input has an inspector of its own.
    pub fn of(origins: &[Origin], apart: bool) -> Self {
        let first = |node: &str| origins.iter().position(|origin| origin.node == node).unwrap_or_default();
        let number = |origin: &Origin| u16::try_from(first(&origin.node)).unwrap_or(u16::MAX);
        let nodes: Vec<u16> = origins.iter().map(number).collect();
        let several = nodes.iter().any(|node| *node != 0);
        Self { shared: several || (apart && origins.len() > 1), nodes }
    }

    fn node(&self, origin: OriginId) -> u16 {
        self.nodes.get(usize::from(origin.0)).copied().unwrap_or_default()
    }
}

/// What tells one hello from all others: the beginning of its random, and its digest.
#[derive(Clone, Copy, Debug)]
pub struct HelloId<'h> {
    /// The client random.
    pub random: &'h [u8; 32],
    /// Digest of the message.
    pub digest: u64,
}

impl HelloId<'_> {
    /// A random of one repeated byte comes from a scanner or a test, and tells nothing apart.
    fn is_random(&self) -> bool {
        let [first, rest @ ..] = self.random;
        rest.iter().any(|byte| byte != first)
    }
}

/// Where a hello was seen.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The input.
    pub origin: OriginId,
    /// Hash of the flow, the same for each of its hellos.
    pub flow: u64,
}

/// A remembered hello; none where the identity is 0.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    identity: u64,
    /// The leg in.
    first: u32,
    /// The newest leg; the leg in where there is no other.
    last: u32,
    /// When the hello was whole on the newest leg.
    whole: Timestamp,
    /// Time between the two newest legs; [`UNKNOWN`] where there is none.
    gateway: u64,
}

const UNKNOWN: u64 = u64::MAX;

/// The window of hellos.
pub struct Legs {
    vantage: Vantage,
    secret: Secret,
    sets: Vec<[Seen; WAYS]>,
}

impl Legs {
    /// A window that has seen nothing.
    pub fn new(vantage: Vantage) -> Self {
        Self { vantage, secret: Secret::default(), sets: Vec::new() }
    }

    /// Notes a whole hello: `begun` is the time of its first byte, `whole` that of its last.
    pub fn see(&mut self, id: &HelloId<'_>, place: Place, (begun, whole): (Timestamp, Timestamp)) {
        if !id.is_random() {
            return;
        }
        if self.sets.is_empty() {
            self.sets = vec![[Seen::default(); WAYS]; SETS];
        }
        let identity = self.identity(id, place.origin);
        let flow = short(place.flow);
        let new = Seen { identity, first: flow, last: flow, whole, gateway: UNKNOWN };
        let Some(set) = self.sets.get_mut(set_of(identity)) else { return };
        match set.iter_mut().find(|seen| seen.identity == identity) {
            // the same flow again, or much later: a replay
            Some(seen) if [seen.first, seen.last].contains(&flow) || begun.since(seen.whole) > MAX_AGE => {
                *seen = new;
            }
            Some(seen) => {
                *seen = Seen { first: seen.first, gateway: begun.since(seen.whole), ..new };
            }
            None => {
                set.rotate_right(1);
                let [newest, ..] = set;
                *newest = new;
            }
        }
    }

    /// Which leg a flow is, by what was seen so far; `None` where that is not known.
    pub fn leg(&self, id: &HelloId<'_>, place: Place) -> Option<Hop> {
        let identity = self.identity(id, place.origin);
        let seen = self.sets.get(set_of(identity))?.iter().find(|seen| seen.identity == identity)?;
        let flow = short(place.flow);
        let (leg, gateway) = match (flow == seen.first, flow == seen.last) {
            (true, false) => (Leg::In, None),
            (true, true) if self.vantage.shared => return None,
            (true, true) => (Leg::Only, None),
            (false, last) => (Leg::Out, Some(seen.gateway).filter(|span| last && *span != UNKNOWN)),
        };
        Some(Hop { leg, gateway })
    }

    /// The same for a hello that has just come: which leg out it is; a leg in shows later.
    pub fn leg_out(&self, id: &HelloId<'_>, place: Place) -> Option<Hop> {
        self.leg(id, place).filter(|hop| hop.leg == Leg::Out)
    }

    fn identity(&self, id: &HelloId<'_>, origin: OriginId) -> u64 {
        let start = id.random.first_chunk::<8>().map_or(0, |start| u64::from_le_bytes(*start));
        self.secret.hash_one((start, id.digest, self.vantage.node(origin))).max(1)
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
