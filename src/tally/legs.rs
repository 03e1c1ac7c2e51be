//! Remembers the last hellos, so that a connection that a gateway passes on is counted once.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState as Secret;

use crate::model::observation::{HelloFacts, Observation};

/// Hellos of a generation: the last one to two generations are remembered, in about 1 MB. A gateway passes a
/// hello on within milliseconds, after packet loss within seconds.
const GENERATION: usize = 16_384;

/// Where a connection was counted, and what its first leg was.
#[derive(Clone, Copy)]
struct Seen {
    group: u32,
    leg: u32,
}

/// What the window says of a record.
pub(super) enum Sight {
    /// A further leg of a connection that was counted in this group.
    Leg(u32),
    /// A connection that was not seen before; tell the group with [`Legs::remember`].
    New(Token),
}

/// The identity of a new connection; `None` where its hello has none.
pub(super) struct Token(Option<(u64, u32)>);

/// The window.
pub(super) struct Legs {
    secret: Secret,
    young: HashMap<u64, Seen, Secret>,
    old: HashMap<u64, Seen, Secret>,
}

impl Legs {
    pub(super) fn new() -> Self {
        Self { secret: Secret::default(), young: HashMap::default(), old: HashMap::default() }
    }

    /// Legs carry the same hello over different flows, or the same flow past different origins. The same
    /// flow at the same place is another connection that repeats a hello.
    pub(super) fn look(&self, observation: &Observation) -> Sight {
        let Some(hello) = observation.hello.as_ref().filter(|hello| is_random(hello)) else {
            return Sight::New(Token(None));
        };
        let identity = self.secret.hash_one((hello.random, hello.index, hello.bytes));
        let place = self.secret.hash_one((observation.flow, observation.origin));
        #[expect(clippy::cast_possible_truncation, reason = "32 bits tell two legs apart")]
        let leg = place as u32;
        match self.young.get(&identity).or_else(|| self.old.get(&identity)) {
            Some(seen) if seen.leg != leg => Sight::Leg(seen.group),
            _ => Sight::New(Token(Some((identity, leg)))),
        }
    }

    /// Notes where a new connection was counted.
    pub(super) fn remember(&mut self, token: &Token, group: u32) {
        let Some((identity, leg)) = token.0 else { return };
        if self.young.len() >= GENERATION {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(identity, Seen { group, leg });
    }
}

/// A random of one repeated byte comes from a scanner or a test, and tells nothing apart.
fn is_random(hello: &HelloFacts) -> bool {
    let [first, rest @ ..] = &hello.random;
    rest.iter().any(|byte| byte != first)
}
