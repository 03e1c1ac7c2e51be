//! How long the hello took from step to step, the offsets of the clocks taken off.

use crate::model::frame::Timestamp;
use crate::model::observation::Leg;
use crate::path::clock::{Clocks, difference};
use crate::path::{End, Node, Step};

/// One gateway sent it on and another one saw it come: a leg whose addresses were translated tells of clocks too.
pub(super) fn compare(steps: &[Step], clocks: &mut Clocks) {
    for (one, next) in steps.iter().zip(steps.iter().skip(1)) {
        let (from, to) = (&one.sighting, &next.sighting);
        let leads = one.leg == Leg::Out && next.leg != Leg::Out;
        if leads && from.flow != to.flow && from.node != to.node {
            clocks.compare(from, to);
        }
    }
}

/// Works out what each step took.
pub(super) fn measure(steps: &mut [Step], clocks: &mut Clocks) {
    let mut last: Option<(Node, Timestamp)> = None;
    for step in steps {
        let here = (step.sighting.node, step.sighting.time);
        step.since = last.and_then(|last| apart(last, here, clocks));
        last = Some(here);
    }
}

/// The time of a whole way; of one that died, or of a single leg, what the client waited.
pub(super) fn of(steps: &[Step], end: End, clocks: &mut Clocks) -> Option<u64> {
    let (first, last) = (&steps.first()?.sighting, &steps.last()?.sighting);
    match end {
        End::Died { .. } => first.latency,
        End::Answered { .. } if steps.len() == 1 => first.latency,
        End::Unseen => None,
        End::Answered { .. } => apart((first.node, first.time), (last.node, last.time), clocks),
    }
}

/// Nanoseconds from one time to another, 0 where the offset's error makes them cross; `None`: no common clock.
fn apart(from: (Node, Timestamp), to: (Node, Timestamp), clocks: &mut Clocks) -> Option<u64> {
    let offset = clocks.between(from.0, to.0)?;
    let nanos = difference(to.1.0, from.1.0).saturating_sub(offset);
    Some(u64::try_from(nanos).unwrap_or_default())
}
