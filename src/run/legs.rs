//! The legs of connections that go in at one interface and out at another.
//!
//! Each interface has an inspector of its own, which sees one of the two flows. The collector sees all hellos, and
//! says for a record which leg it is, as far as the other's hello has come by then: `only` is never said.

use std::hash::BuildHasher;

use foldhash::fast::RandomState as Secret;

use crate::inspector::legs::{Legs, Vantage};
use crate::model::observation::{Action, Observation};

/// The hellos of all inputs.
pub struct SharedLegs {
    legs: Legs,
    secret: Secret,
}

impl SharedLegs {
    /// A window that has seen nothing.
    pub fn new(vantage: Vantage) -> Self {
        Self { legs: Legs::new(vantage), secret: Secret::default() }
    }

    /// Notes a hello; fills in a record's leg where its inspector did not know it.
    pub fn tell(&mut self, record: &mut Observation) {
        let Some(hello) = &record.hello else { return };
        let (identity, flow) = (self.legs.identity(hello, record.origin), self.secret.hash_one(record.flow));
        let known = if record.action == Action::Hello {
            self.legs.see(identity, flow, (record.time, record.completed));
            self.legs.leg_out(identity, flow)
        } else {
            self.legs.leg(identity, flow)
        };
        record.hop = record.hop.or(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::frame::OriginId;
    use crate::model::observation::{Hop, Leg};
    use crate::sample;

    fn seen(legs: &mut SharedLegs, action: Action, origin: u16, port: u16, after: u64) -> Option<Hop> {
        let mut record = if action == Action::Hello { sample::hello_record() } else { sample::ok() };
        record.time = sample::T0.plus(after);
        record.completed = record.time.plus(1000);
        (record.origin, record.flow.ports.0, record.hop) = (OriginId(origin), port, None);
        legs.tell(&mut record);
        record.hop
    }

    #[test]
    fn legs_on_two_interfaces_are_told_apart_once_both_hellos_came() {
        let origins = [("ens4", "gw1"), ("ens5", "gw1")];
        let origin = |(name, node): (&str, &str)| crate::model::frame::Origin {
            name: name.into(),
            node: node.into(),
            live: true,
        };
        let mut legs = SharedLegs::new(Vantage::of(&origins.map(origin), true));
        assert_eq!(seen(&mut legs, Action::Hello, 0, 41022, 0), None);
        assert_eq!(seen(&mut legs, Action::Handshake, 0, 41022, 0), None, "it may go on elsewhere");
        let out = Some(Hop { leg: Leg::Out, gateway: Some(499_000) });
        assert_eq!(seen(&mut legs, Action::Hello, 1, 51514, 500_000), out);
        assert_eq!(seen(&mut legs, Action::Handshake, 1, 51514, 500_000), out);
        let hop = seen(&mut legs, Action::Handshake, 0, 41022, 0);
        assert_eq!(hop, Some(Hop { leg: Leg::In, gateway: None }));
    }
}
