//! Offsets of clocks from exchanges whose truth is known.

use super::*;
use crate::model::frame::Timestamp;
use crate::model::observation::{Outcome, Peer};
use crate::sample;

const MS: u64 = 1_000_000;

/// An answered leg.
fn sighting(node: u16, port: u16, time: u64, latency: u64) -> Sighting {
    Sighting {
        node: Node(node),
        flow: sample::flow("10.128.0.10", (port, 443), "10.132.0.20"),
        time: Timestamp(time),
        latency: Some(latency),
        gateway: None,
        result: Outcome::Ok,
        by: Some(Peer::Server),
        steady: true,
    }
}

/// A leg between two vantage points whose clocks are `ahead` apart; one way takes `there`, the other `back`.
fn exchange(clocks: &mut Clocks, nodes: (u16, u16), ahead: i64, (there, back): (u64, u64)) {
    let sent = 100_000_000 * MS;
    let up = sighting(nodes.0, 1, sent, 30 * MS + there + back);
    let mut down = sighting(nodes.1, 1, sent + there, 30 * MS);
    down.time = Timestamp(down.time.0.saturating_add_signed(ahead));
    clocks.compare(&down, &up);
}

fn only(clocks: &mut Clocks) -> Offset {
    let offsets = clocks.offsets();
    assert_eq!(offsets.len(), 1);
    offsets[0]
}

#[test]
fn equal_ways_give_the_offset_exactly_whoever_is_nearer_to_the_client() {
    for (nodes, nanos) in [((0, 1), 310_000), ((1, 0), -310_000)] {
        let mut clocks = Clocks::default();
        exchange(&mut clocks, nodes, 310_000, (5 * MS, 5 * MS));
        let told = only(&mut clocks);
        assert_eq!((told.from, told.to, told.nanos), (Node(0), Node(1), nanos));
        assert_eq!((told.error, told.bound, told.round_trip, told.shared), (5 * MS, 5 * MS, 10 * MS, 1));
    }
}

#[test]
fn a_queue_on_one_way_does_not_count_and_the_truth_is_within_the_bound() {
    let mut clocks = Clocks::default();
    for n in 0..40 {
        // three of four wait somewhere, mostly on the way there
        let wait = if n % 4 == 0 { n * 1000 } else { 3 * MS + n * 100_000 };
        exchange(&mut clocks, (0, 1), -7_200_000_000_000, (5 * MS + wait, 5 * MS));
    }
    let told = only(&mut clocks);
    let off = told.nanos.abs_diff(-7_200_000_000_000);
    assert!(off <= told.error && told.error < 40_000, "{told:?}");
    assert_eq!((told.bound, told.shared), (5 * MS, 40));
    assert!(told.round_trip > 13 * MS && told.round_trip < 17 * MS, "{told:?}");
}

#[test]
fn a_lopsided_line_is_wrong_by_no_more_than_the_bound() {
    let mut clocks = Clocks::default();
    for _ in 0..8 {
        exchange(&mut clocks, (0, 1), 0, (9 * MS, MS));
    }
    let told = only(&mut clocks);
    assert_eq!((told.nanos, told.error, told.bound), (4_000_000, 0, 5 * MS));
}

#[test]
fn what_is_not_an_exchange_does_not_count() {
    let base = |node| sighting(node, 1, 0, 5 * MS);
    let spoilt = [
        crate::path::Sighting { steady: false, ..base(1) },
        crate::path::Sighting { latency: None, ..base(1) },
        crate::path::Sighting { result: Outcome::Reset, ..base(1) },
    ];
    let mut clocks = Clocks::default();
    for other in spoilt {
        clocks.compare(&base(0), &other);
    }
    assert_eq!(clocks.offsets(), []);
    assert_eq!(clocks.between(Node(0), Node(1)), None);
    assert_eq!(clocks.between(Node(3), Node(3)), Some(0));
}

#[test]
fn clocks_are_compared_over_others() {
    let mut clocks = Clocks::default();
    exchange(&mut clocks, (2, 1), 1000, (MS, MS));
    exchange(&mut clocks, (2, 5), 30, (MS, MS));
    exchange(&mut clocks, (5, 7), 4, (MS, MS));
    assert_eq!(clocks.between(Node(1), Node(7)), Some(34 - 1000));
    assert_eq!(clocks.between(Node(7), Node(1)), Some(1000 - 34));
    assert_eq!(clocks.between(Node(1), Node(8)), None);
}

#[test]
fn memory_is_bounded_and_a_drifting_clock_is_followed() {
    let mut clocks = Clocks::default();
    for n in 0..10_000 {
        exchange(&mut clocks, (0, 1), n * 1000, (MS, MS));
    }
    assert_eq!(clocks.pairs.values().map(|pair| pair.samples.len()).collect::<Vec<_>>(), [SAMPLES]);
    let told = only(&mut clocks);
    assert!(told.nanos > 8_900_000, "{told:?}");
    for node in 2..400 {
        exchange(&mut clocks, (0, node), 0, (MS, MS));
    }
    assert_eq!(clocks.offsets().len(), PAIRS);
}
