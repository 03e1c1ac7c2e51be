//! Remembers the last hellos, so that a connection that a gateway passes on is counted once.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState as Secret;

use crate::model::frame::Timestamp;
use crate::model::observation::{HelloFacts, Observation, Outcome};

/// Hellos of a generation: the last one to two generations are remembered, in about 1 MB. A gateway passes a
/// hello on within milliseconds, after packet loss within seconds.
const GENERATION: usize = 16_384;

/// Where a connection was seen, and what its first leg was.
#[derive(Clone, Copy)]
struct Seen {
    leg: u32,
    /// Its place in the generation's `counted`; beyond it where nothing is grouped.
    slot: u32,
}

/// What a connection contributes to its group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    /// The group's number.
    pub(super) group: u32,
    /// First byte of the hello of the leg that speaks for the connection.
    pub(super) time: Timestamp,
    /// That leg's outcome.
    pub(super) outcome: Outcome,
    /// That leg's latency, if its outcome is ok.
    pub(super) latency: Option<u64>,
    /// Hash of that leg's client.
    pub(super) client: u64,
    /// Legs so far.
    pub(super) legs: u64,
}

/// The hellos of a while.
#[derive(Default)]
struct Generation {
    seen: HashMap<u64, Seen, Secret>,
    counted: Vec<Counted>,
}

/// What the window says of a record.
pub(super) enum Sight<'w> {
    /// A further leg of a connection, and how that was counted; `None` where nothing is grouped.
    Leg(Option<&'w mut Counted>),
    /// A connection that was not seen before; tell how it was counted with [`Legs::remember`].
    New(Token),
}

/// The identity of a new connection; `None` where its hello has none.
pub(super) struct Token(Option<(u64, u32)>);

/// The window.
pub(super) struct Legs {
    secret: Secret,
    young: Generation,
    old: Generation,
}

impl Legs {
    pub(super) fn new() -> Self {
        Self { secret: Secret::default(), young: Generation::default(), old: Generation::default() }
    }

    /// Legs carry the same hello over different flows, or the same flow past different origins. The same
    /// flow at the same place is another connection that repeats a hello.
    pub(super) fn look(&mut self, observation: &Observation) -> Sight<'_> {
        let Some(hello) = observation.hello.as_ref().filter(|hello| is_random(hello)) else {
            return Sight::New(Token(None));
        };
        let identity = self.secret.hash_one((hello.random, hello.index, hello.bytes));
        let place = self.secret.hash_one((observation.flow, observation.origin));
        #[expect(clippy::cast_possible_truncation, reason = "32 bits tell two legs apart")]
        let leg = place as u32;
        for generation in [&mut self.young, &mut self.old] {
            match generation.seen.get(&identity) {
                Some(seen) if seen.leg != leg => {
                    return Sight::Leg(generation.counted.get_mut(seen.slot as usize));
                }
                Some(_) => break,
                None => {}
            }
        }
        Sight::New(Token(Some((identity, leg))))
    }

    /// Notes a new connection, and how it was counted where connections are grouped.
    pub(super) fn remember(&mut self, token: &Token, counted: Option<Counted>) {
        let Some((identity, leg)) = token.0 else { return };
        if self.young.seen.len() >= GENERATION {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.seen.clear();
            self.young.counted.clear();
        }
        let slot = counted.and_then(|_| u32::try_from(self.young.counted.len()).ok()).unwrap_or(u32::MAX);
        self.young.counted.extend(counted);
        self.young.seen.insert(identity, Seen { leg, slot });
    }
}

/// A random of one repeated byte comes from a scanner or a test, and tells nothing apart.
fn is_random(hello: &HelloFacts) -> bool {
    let [first, rest @ ..] = &hello.random;
    rest.iter().any(|byte| byte != first)
}
