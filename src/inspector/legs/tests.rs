//! Which leg is told, and when.

use super::*;
use crate::sample;

fn origin(node: &str) -> Origin {
    Origin { name: "x".into(), node: node.into(), live: false }
}

/// A flow, and the input that it is seen by.
#[derive(Clone, Copy)]
struct Place(u16, u64);

fn identity(legs: &Legs, digest: u64, origin: u16) -> Identity {
    legs.identity(&HelloFacts { digest, ..sample::hello(1) }, OriginId(origin))
}

/// Notes a hello that is whole within 10 ns.
fn see(legs: &mut Legs, digest: u64, Place(origin, flow): Place, at: u64) {
    legs.see(identity(legs, digest, origin), flow, (Timestamp(at), Timestamp(at + 10)));
}

fn told(legs: &Legs, digest: u64, Place(origin, flow): Place) -> Option<(Leg, Option<u64>)> {
    legs.leg(identity(legs, digest, origin), flow).map(|hop| (hop.leg, hop.gateway))
}

#[test]
fn of_two_that_are_told_late_the_earlier_is_the_leg_in() {
    let mut legs = Legs::new(Vantage { nodes: Vec::new(), shared: true });
    let (inward, outward) = (Place(0, 1), Place(0, 2));
    see(&mut legs, 5, outward, 640);
    assert_eq!(told(&legs, 5, outward), None);
    see(&mut legs, 5, inward, 100);
    assert_eq!(told(&legs, 5, outward), Some((Leg::Out, None)));
    assert_eq!(told(&legs, 5, inward), Some((Leg::In, None)));
    // the same hello hours before is no leg of it
    see(&mut legs, 6, outward, MAX_AGE + 1000);
    see(&mut legs, 6, inward, 100);
    assert_eq!(told(&legs, 6, inward), None);
}

#[test]
fn the_first_flow_is_the_leg_in_and_the_others_go_out() {
    let mut legs = Legs::new(Vantage::default());
    let (inward, outward, further) = (Place(0, 1), Place(0, 2), Place(0, 3));
    see(&mut legs, 5, inward, 100);
    assert_eq!(legs.leg_out(identity(&legs, 5, 0), 1), None, "whether it goes on is not known yet");
    assert_eq!(told(&legs, 5, inward), Some((Leg::Only, None)));
    see(&mut legs, 5, outward, 640);
    assert_eq!(legs.leg_out(identity(&legs, 5, 0), 2), Some(Hop { leg: Leg::Out, gateway: Some(530) }));
    assert_eq!(told(&legs, 5, inward), Some((Leg::In, None)));
    see(&mut legs, 5, further, 700);
    assert_eq!(told(&legs, 5, further), Some((Leg::Out, Some(50))));
    assert_eq!(told(&legs, 5, outward), Some((Leg::Out, None)));
    assert_eq!(told(&legs, 5, inward), Some((Leg::In, None)));
    assert_eq!(told(&legs, 6, inward), None, "another hello");
}

#[test]
fn a_replay_is_no_leg() {
    let mut legs = Legs::new(Vantage::default());
    see(&mut legs, 5, Place(0, 1), 0);
    see(&mut legs, 5, Place(0, 1), 50);
    assert_eq!(told(&legs, 5, Place(0, 1)), Some((Leg::Only, None)), "the same ports again");
    see(&mut legs, 5, Place(0, 2), 60 + MAX_AGE + 1);
    assert_eq!(told(&legs, 5, Place(0, 2)), Some((Leg::Only, None)), "much later");
    see(&mut legs, 5, Place(0, 3), 80 + MAX_AGE);
    see(&mut legs, 5, Place(0, 2), 90 + MAX_AGE);
    assert_eq!(told(&legs, 5, Place(0, 2)), Some((Leg::Only, None)), "the ports of a leg in again");
    let uniform = legs.identity(&HelloFacts { random: [3; 32], ..sample::hello(1) }, OriginId(0));
    legs.see(uniform, 1, (Timestamp(0), Timestamp(0)));
    assert_eq!(legs.leg(uniform, 1), None, "the random of a scanner");
}

#[test]
fn vantage_points_are_apart_and_only_is_not_said_of_a_part() {
    let nodes = [origin("gw1"), origin("gw2"), origin("gw1")];
    let mut legs = Legs::new(Vantage::of(&nodes, false));
    see(&mut legs, 5, Place(0, 1), 0);
    see(&mut legs, 5, Place(1, 2), 10);
    assert_eq!((told(&legs, 5, Place(0, 1)), told(&legs, 5, Place(1, 2))), (None, None));
    see(&mut legs, 5, Place(2, 3), 40);
    assert_eq!(told(&legs, 5, Place(0, 1)), Some((Leg::In, None)));
    assert_eq!(told(&legs, 5, Place(2, 3)), Some((Leg::Out, Some(30))));
    let one = [origin("gw1"), origin("gw1")];
    assert!(Vantage::of(&one, true).shared && !Vantage::of(&one, false).shared);
    assert!(Vantage::of(&one[..1], true).shared, "two rings of one interface");
}

#[test]
fn the_window_is_bounded_and_forgets_the_oldest() {
    let mut legs = Legs::new(Vantage::default());
    for digest in 0..100_000 {
        see(&mut legs, digest, Place(0, digest), digest);
    }
    assert_eq!(legs.sets.len() * WAYS, 32_768);
    let known = |digest| told(&legs, digest, Place(0, digest)).is_some();
    assert!((99_000..100_000).all(known), "the newest are there");
    let old = (0..1000).filter(|digest| known(*digest)).count();
    assert!(old < 600, "{old} of the first thousand are still there");
}

/// Else two runs over one capture would not say the same.
#[test]
fn every_window_forgets_the_same() {
    let mut windows = [Legs::new(Vantage::default()), Legs::new(Vantage::default())];
    let [one, other] = windows.each_mut().map(|legs| {
        for digest in 0..60_000 {
            see(legs, digest, Place(0, digest), digest);
        }
        (0..60_000).map(|digest| told(legs, digest, Place(0, digest)).is_some()).collect::<Vec<_>>()
    });
    assert!(one.contains(&true) && one.contains(&false));
    assert!(one == other);
}
