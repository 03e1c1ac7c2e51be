//! The hellos of the last while: which record is of a connection that was seen before, here or on another leg.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState as Secret;

use super::limits::MAX_HELLOS;
use super::service::TargetId;
use crate::model::frame::OriginId;
use crate::model::observation::{HelloFacts, Observation};
use crate::model::segment::FlowKey;

/// The leg on which a hello was seen first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    place: (FlowKey, OriginId),
    /// What it asks for.
    pub(super) target: TargetId,
}

impl Leg {
    /// Whom the client asked.
    pub(super) fn server(&self) -> IpAddr {
        self.place.0.destination_ip()
    }
}

/// What a record is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sight {
    /// A connection that was not seen before.
    New,
    /// The same leg again.
    Same,
    /// Another leg of the same connection.
    Further(Leg),
}

/// The window.
#[derive(Debug, Default)]
pub(super) struct Hops {
    secret: Secret,
    seen: HashMap<u64, Leg, Secret>,
    order: VecDeque<u64>,
}

impl Hops {
    /// Hellos that are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Looks at a record with a hello, and remembers a new one. The second hello of a connection has the random
    /// of the first.
    pub(super) fn look(&mut self, record: &Observation, hello: &HelloFacts, target: TargetId) -> Sight {
        if !is_random(hello) {
            // a scanner's: nothing tells its connections apart, so only outcomes count, one each
            return if record.handshake.is_some() { Sight::New } else { Sight::Same };
        }
        let identity = self.secret.hash_one(hello.random);
        let place = (record.flow, record.origin);
        if let Some(leg) = self.seen.get(&identity) {
            return if leg.place == place { Sight::Same } else { Sight::Further(*leg) };
        }
        if self.order.len() >= MAX_HELLOS
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.order.push_back(identity);
        self.seen.insert(identity, Leg { place, target });
        Sight::New
    }
}

/// A random of one repeated byte comes from a scanner or a test.
fn is_random(hello: &HelloFacts) -> bool {
    let [first, rest @ ..] = &hello.random;
    rest.iter().any(|byte| byte != first)
}
