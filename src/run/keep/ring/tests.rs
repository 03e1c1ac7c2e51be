use super::*;
use crate::model::frame::LinkType;

const NEVER: Timestamp = Timestamp(0);

fn frame(number: u64, bytes: &[u8]) -> Frame<'_> {
    let (link, origin) = (LinkType(1), OriginId(0));
    Frame { number, time: Timestamp(number * 10), link, origin, wire_len: 5, bytes }
}

/// Numbers of the packets that leave; `pending` may still be decided.
fn leave(ring: &mut Ring, oldest: Timestamp, pending: &[FlowId]) -> Vec<u64> {
    let mut out = Vec::new();
    ring.release(oldest, |id, _| pending.contains(&id), &mut out);
    out.iter().map(|packet| packet.time.0 / 10).collect()
}

#[test]
fn packets_leave_in_order_once_those_before_them_are_decided() {
    let mut ring = Ring::default();
    let (a, b, c) = (ring.enter(1, None), ring.enter(2, None), ring.enter(3, None));
    for (number, id) in [(1, a), (2, b), (3, c), (4, a), (5, b)] {
        ring.push(&frame(number, b"x"), id);
    }
    ring.decide(b, State::Wanted);
    assert_eq!(leave(&mut ring, NEVER, &[a, b, c]), [0; 0], "the first is undecided");
    ring.decide(a, State::Unwanted);
    assert_eq!(leave(&mut ring, NEVER, &[c]), [2]);
    assert_eq!(ring.front(), Some(Timestamp(30)));
    assert_eq!(leave(&mut ring, NEVER, &[]), [5], "nobody will decide about the third any more");
    assert_eq!((ring.front(), ring.bytes, ring.lost), (None, 0, 0));
}

#[test]
fn what_waits_too_long_is_let_go_and_missed_only_if_it_is_wanted_later() {
    let mut ring = Ring::default();
    let (a, b) = (ring.enter(1, None), ring.enter(2, None));
    for (number, id) in [(1, a), (2, b), (3, a), (4, b)] {
        ring.push(&frame(number, b"x"), id);
    }
    assert_eq!(leave(&mut ring, Timestamp(25), &[a, b]), [0; 0]);
    ring.decide(a, State::Unwanted);
    assert_eq!(ring.lost, 0);
    ring.decide(b, State::Wanted);
    assert_eq!(ring.lost, 1);
    assert_eq!(leave(&mut ring, Timestamp(25), &[]), [4]);
}

#[test]
fn a_clock_that_goes_backwards_makes_no_packet_old() {
    let mut ring = Ring::default();
    let a = ring.enter(1, None);
    ring.push(&frame(100, b"x"), a);
    ring.decide(a, State::Wanted);
    let b = ring.enter(2, None);
    ring.push(&frame(1, b"x"), b);
    assert_eq!(leave(&mut ring, Timestamp(900), &[b]), [100]);
    ring.decide(b, State::Wanted);
    assert_eq!(leave(&mut ring, Timestamp(900), &[]), [1]);
}

#[test]
fn no_more_than_the_bound_is_held() {
    let mut ring = Ring::default();
    let (a, b) = (ring.enter(1, None), ring.enter(2, None));
    let large = vec![0; MAX_HELD / 4];
    ring.push(&frame(1, b"first"), a);
    ring.decide(b, State::Wanted);
    for number in 2..=5 {
        ring.push(&frame(number, &large), b);
    }
    assert_eq!(
        leave(&mut ring, NEVER, &[a]),
        [2, 3, 4, 5],
        "the first is let go, and nothing waits any more"
    );
    assert!(ring.bytes <= MAX_HELD);
    ring.decide(a, State::Wanted);
    assert_eq!(ring.lost, 1);
}

#[test]
fn a_comment_finds_its_packet_among_its_connections_own() {
    let mut ring = Ring::default();
    let (a, b) = (ring.enter(1, None), ring.enter(2, None));
    for (number, id) in [(1, a), (2, b), (3, a)] {
        ring.push(&frame(number, b"x"), id);
    }
    assert!(ring.comment(a, (OriginId(0), 1), "one"));
    assert!(!ring.comment(a, (OriginId(0), 2), "another's"));
    assert!(!ring.comment(a, (OriginId(1), 3), "elsewhere"));
    ring.decide(a, State::Wanted);
    ring.decide(b, State::Wanted);
    let mut out = Vec::new();
    ring.release(NEVER, |_, _| false, &mut out);
    let comments: Vec<_> = out.iter().map(|packet| packet.comment.as_deref()).collect();
    assert_eq!(comments, [Some("one"), None, None]);
    assert!(!ring.comment(a, (OriginId(0), 1), "gone"));
}

#[test]
fn fragments_wait_for_their_datagram() {
    let mut ring = Ring::default();
    let a = ring.enter(1, None);
    ring.push_fragment(&frame(1, b"x"), &[7]);
    ring.push_fragment(&frame(2, b"x"), &[8]);
    ring.push(&frame(3, b"x"), a);
    ring.decide(a, State::Wanted);
    assert_eq!(leave(&mut ring, NEVER, &[]), [0; 0]);
    // The second datagram lies in the first, and is whole with this one.
    ring.push_fragment(&frame(4, b"x"), &[7, 8]);
    ring.joined(8, Some(a));
    assert_eq!(leave(&mut ring, NEVER, &[]), [1, 2, 3, 4]);
    // One that never is whole.
    ring.push_fragment(&frame(5, b"x"), &[9]);
    assert_eq!(leave(&mut ring, NEVER, &[]), [0; 0]);
    assert_eq!(leave(&mut ring, Timestamp(51), &[]), [0; 0]);
    assert_eq!(ring.front(), None);
    // One that belongs to nobody's connection.
    ring.push_fragment(&frame(6, b"x"), &[10]);
    ring.joined(10, None);
    assert_eq!(leave(&mut ring, Timestamp(61), &[]), [0; 0]);
    assert!(ring.fragments.is_empty() && ring.held.is_empty());
}

#[test]
fn the_end_gives_what_is_wanted_and_waits_for_nothing() {
    let mut ring = Ring::default();
    let (a, b) = (ring.enter(1, None), ring.enter(2, None));
    ring.push(&frame(1, b"x"), a);
    ring.push(&frame(2, b"x"), b);
    ring.decide(b, State::Wanted);
    let mut out = Vec::new();
    ring.flush(&mut out);
    assert_eq!(out.len(), 1);
    assert_eq!(ring.front(), None);
}

#[test]
fn places_of_connections_are_used_again_once_nobody_names_them() {
    let mut ring = Ring::default();
    let a = ring.enter(1, None);
    ring.push(&frame(1, b"x"), a);
    ring.leave(a);
    assert_ne!(ring.enter(2, None), a, "a packet still names it");
    assert!(ring.holds(a));
    assert_eq!(leave(&mut ring, NEVER, &[]), [0; 0]);
    assert_eq!(ring.enter(3, None), a);
    assert_eq!(ring.state(a), State::Undecided);
    assert_eq!(ring.flows.len(), 2);
}
