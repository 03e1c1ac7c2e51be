//! The connections seen last, and how each counts: a further leg of one must not count again.
//!
//! Exact and the same in every run, as long as the legs of a connection are told within [`MAX`] connections.

use std::collections::{HashMap, VecDeque};

use crate::model::frame::{OriginId, Timestamp};
use crate::model::observation::{HelloFacts, Observation};
use crate::model::segment::FlowKey;

/// Connections that are remembered, about 160 bytes each: a gateway passes a hello on within milliseconds.
const MAX: usize = 65_536;

/// What all legs of a connection have in common: the hello's random, its index and its length.
type Identity = ([u8; 32], u8, u32);

/// How a connection counts so far.
#[derive(Debug)]
struct Counted {
    place: (FlowKey, OriginId),
    /// First byte of the hello of the leg that speaks for it.
    time: Timestamp,
    /// The rules that this leg fits.
    fits: u64,
}

/// What a record is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// A connection that was not seen before.
    New,
    /// A further leg, which counts no more.
    Leg,
    /// A further leg, nearer to the client: it counts in place of the one before, which fitted these rules.
    Earlier {
        /// The rules that the other leg fitted.
        instead_of: u64,
    },
}

/// The window.
#[derive(Debug, Default)]
pub(super) struct Window {
    known: HashMap<Identity, Counted>,
    order: VecDeque<Identity>,
}

impl Window {
    /// Looks at a record that fits the rules of `fits`. A hello that comes again on the same flow at the same
    /// place is another connection.
    pub(super) fn look(&mut self, record: &Observation, fits: u64) -> Sight {
        let Some(identity) = record.hello.as_ref().and_then(identity) else { return Sight::New };
        let counted = Counted { place: (record.flow, record.origin), time: record.time, fits };
        match self.known.get_mut(&identity) {
            None => {
                self.remember(identity, counted);
                Sight::New
            }
            Some(known) if known.place == counted.place => {
                *known = counted;
                Sight::New
            }
            Some(known) if counted.time < known.time => {
                let before = std::mem::replace(known, counted);
                Sight::Earlier { instead_of: before.fits }
            }
            Some(_) => Sight::Leg,
        }
    }

    fn remember(&mut self, identity: Identity, counted: Counted) {
        if self.order.len() >= MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(identity);
        self.known.insert(identity, counted);
    }
}

/// A random of one repeated byte comes from a scanner or a test, and tells nothing apart.
fn identity(hello: &HelloFacts) -> Option<Identity> {
    let [first, rest @ ..] = &hello.random;
    rest.iter().any(|byte| byte != first).then_some((hello.random, hello.index, hello.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn leg(port: u16, time: u64) -> Observation {
        let flow = sample::flow("10.0.0.1", (port, 443), "10.0.0.2");
        Observation { flow, time: Timestamp(time), ..sample::ok() }
    }

    #[test]
    fn the_earliest_leg_speaks_and_a_repeated_flow_is_another_connection() {
        let mut window = Window::default();
        assert_eq!(window.look(&leg(1, 20), 1), Sight::New);
        assert_eq!(window.look(&leg(2, 30), 2), Sight::Leg);
        assert_eq!(window.look(&leg(3, 10), 4), Sight::Earlier { instead_of: 1 });
        assert_eq!(window.look(&leg(1, 20), 1), Sight::Leg);
        assert_eq!(window.look(&leg(3, 40), 8), Sight::New);
        let mut elsewhere = leg(3, 40);
        elsewhere.origin = OriginId(1);
        assert_eq!(window.look(&elsewhere, 8), Sight::Leg);
    }

    #[test]
    fn without_a_random_every_record_is_a_connection() {
        let mut window = Window::default();
        let mut scanner = leg(1, 20);
        scanner.hello.as_mut().unwrap().random = [7; 32];
        let nameless = Observation { hello: None, ..leg(1, 20) };
        for record in [&scanner, &scanner, &nameless, &nameless] {
            assert_eq!(window.look(record, 0), Sight::New);
        }
        assert!(window.known.is_empty());
    }

    #[test]
    fn the_window_is_bounded() {
        let mut window = Window::default();
        let mut record = leg(1, 20);
        for number in 0..u32::try_from(MAX).unwrap() + 10 {
            record.hello.as_mut().unwrap().bytes = number;
            assert_eq!(window.look(&record, 0), Sight::New);
        }
        assert_eq!((window.known.len(), window.order.len()), (MAX, MAX));
    }
}
