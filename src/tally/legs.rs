//! Remembers the last hellos, so that a connection that a gateway passes on is counted once.

use crate::model::frame::Timestamp;
use crate::model::observation::{HelloFacts, Observation, Outcome};
use crate::model::seed::Seed;

/// Sets of remembered hellos, 64 bytes each: 512 KiB.
const SETS: usize = 8192;
/// Hellos of a set; a fifth one takes the place of the oldest. A gateway passes a hello on within
/// milliseconds, after packet loss within seconds.
const WAYS: usize = 4;

/// A hello and its first leg; no hello where the identity is 0.
#[derive(Clone, Copy, Default)]
struct Seen {
    identity: u64,
    leg: u32,
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
    sets: Vec<[Seen; WAYS]>,
    /// How each remembered connection was counted, where connections are grouped; same places as `sets`.
    counted: Vec<[Option<Counted>; WAYS]>,
}

impl Legs {
    pub(super) fn new() -> Self {
        Self { sets: vec![[Seen::default(); WAYS]; SETS], counted: Vec::new() }
    }

    /// Legs carry the same hello over different flows, or the same flow past different origins. The same
    /// flow at the same place is another connection that repeats a hello.
    pub(super) fn look(&mut self, observation: &Observation) -> Sight<'_> {
        let Some(hello) = observation.hello.as_ref().filter(|hello| is_random(hello)) else {
            return Sight::New(Token(None));
        };
        let identity =
            Seed::OPEN.random(&hello.random, u64::from(hello.index) << 32 | u64::from(hello.bytes));
        let place = observation.flow.hash_directed(Seed::OPEN) ^ u64::from(observation.origin.0);
        #[expect(clippy::cast_possible_truncation, reason = "32 bits tell two legs apart")]
        let leg = place as u32;
        let at = set_of(identity);
        let known = self.sets.get(at).and_then(|set| set.iter().position(|seen| seen.identity == identity));
        let seen = known.and_then(|way| self.sets.get(at)?.get(way));
        if let (Some(way), true) = (known, seen.is_some_and(|seen| seen.leg != leg)) {
            let counted = self.counted.get_mut(at).and_then(|set| set.get_mut(way)?.as_mut());
            return Sight::Leg(counted);
        }
        Sight::New(Token(Some((identity, leg))))
    }

    /// Notes a new connection, and how it was counted where connections are grouped.
    pub(super) fn remember(&mut self, token: &Token, counted: Option<Counted>) {
        let Some((identity, leg)) = token.0 else { return };
        let at = set_of(identity);
        if let Some(set) = self.sets.get_mut(at) {
            set.rotate_right(1);
            let [newest, ..] = set;
            *newest = Seen { identity, leg };
        }
        if counted.is_some() && self.counted.is_empty() {
            self.counted = vec![[None; WAYS]; SETS];
        }
        if let Some(set) = self.counted.get_mut(at) {
            set.rotate_right(1);
            let [newest, ..] = set;
            *newest = counted;
        }
    }
}

fn set_of(identity: u64) -> usize {
    usize::try_from(identity >> 32).unwrap_or(0) % SETS
}

/// A random of one repeated byte comes from a scanner or a test, and tells nothing apart.
fn is_random(hello: &HelloFacts) -> bool {
    let [first, ..] = hello.random;
    hello.random != [first; 32]
}
