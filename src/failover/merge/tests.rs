use super::*;
use crate::failover::event::{Evidence, Stale};
use crate::model::frame::OriginId;
use crate::sample::{T0, mesh_name};

const MS: u64 = 1_000_000;

/// A story of vantage point `origin`, `at` milliseconds after the begin.
fn story(origin: u16, at: u64, rule: Rule, (from, to): (Option<&str>, Option<&str>)) -> Story {
    let time = T0.plus(at * MS);
    let place = to.or(from).unwrap();
    let event = Event {
        rule,
        heading: if rule == Rule::Silence { Heading::Silence } else { Heading::Failover },
        time,
        noticed: time,
        name: mesh_name("currency", place),
        old_name: None,
        from: from.map(Box::from),
        to: to.map(Box::from),
        first_seen: time,
        last_seen_old: None,
        gap: None,
        baseline: 0,
        confidence: 0.99,
        rate: None,
        beside: None,
        moved: 1,
        moved_callers: Vec::new(),
        stale: Vec::new(),
        evidence: Evidence::default(),
        client: [10, 0, 0, 1].into(),
        caller: None,
        server: [10, 0, 0, 2].into(),
        gateway: true,
        role: None,
        origin: OriginId(origin),
        packet: u64::from(origin) + 7,
    };
    Story { event, last: time.plus(MS), also: Vec::new() }
}

fn sight(origin: u16, at: u64) -> Story {
    story(origin, at, Rule::FirstSight, (None, Some("dc2")))
}

fn silence(origin: u16, at: u64) -> Story {
    story(origin, at, Rule::Silence, (Some("dc2"), None))
}

/// Vantage point, milliseconds and rule of each story, and who else saw it.
fn shown(stories: Vec<Story>) -> Vec<(u16, u64, Rule, Vec<u16>)> {
    let one = |story: Story| {
        let also = story.also.iter().map(|also| also.origin.0).collect();
        let event = story.event;
        (event.origin.0, event.time.since(T0) / MS, event.rule, also)
    };
    merge(stories).into_iter().map(one).collect()
}

#[test]
fn two_gateways_tell_of_one_move_once() {
    let all = vec![sight(1, 1001), sight(0, 1000), silence(0, 9000), silence(1, 9001)];
    let expected = [(0, 1000, Rule::FirstSight, vec![1]), (0, 9000, Rule::Silence, vec![1])];
    assert_eq!(shown(all), expected);
}

#[test]
fn there_and_back_and_there_again_are_three() {
    let all = vec![sight(0, 1000), silence(1, 5000), sight(0, 7000), sight(1, 7001)];
    let expected = [
        (0, 1000, Rule::FirstSight, vec![]),
        (1, 5000, Rule::Silence, vec![]),
        (0, 7000, Rule::FirstSight, vec![1]),
    ];
    assert_eq!(shown(all), expected);
    // one vantage point says nothing twice of one move
    assert_eq!(shown(vec![sight(0, 1000), sight(0, 2000)]).len(), 2);
}

#[test]
fn who_saw_the_calls_before_tells_it() {
    let mut node = story(2, 999, Rule::LabelChange, (Some("dc1"), Some("dc2")));
    node.event.last_seen_old = Some(T0);
    let stale = |last| Stale {
        client: [10, 0, 0, last].into(),
        caller: None,
        place: "dc1".into(),
        attempts: 2,
        last: T0.plus(2000 * MS),
    };
    node.event.stale = vec![stale(9)];
    let mut gateway = sight(0, 998);
    gateway.event.evidence = Evidence { reset: 2, span: Some((T0, T0)), ..Evidence::default() };
    gateway.event.stale = vec![stale(3), stale(9)];
    let mut ingress = sight(1, 1000);
    ingress.event.heading = Heading::Ingress;
    ingress.last = T0.plus(8000 * MS);
    let merged = merge(vec![ingress.clone(), gateway.clone(), node]);
    assert_eq!(merged.len(), 1);
    let story = &merged[0];
    assert_eq!((story.event.rule, story.event.origin, story.also.len()), (Rule::LabelChange, OriginId(2), 2));
    assert_eq!((story.event.evidence.reset, story.last), (2, T0.plus(8000 * MS)));
    let stale: Vec<_> = story.event.stale.iter().map(|one| one.client).collect();
    assert_eq!(stale, [[10, 0, 0, 3], [10, 0, 0, 9]].map(std::net::IpAddr::from), "each once");
    // requests from elsewhere are the other end of requests for elsewhere
    ingress.event.time = T0;
    assert_eq!(merge(vec![ingress, gateway])[0].event.heading, Heading::Failover);
}

#[test]
fn what_is_of_other_services_or_targets_is_told_apart() {
    let mut other = sight(1, 1001);
    other.event.name = mesh_name("shipping", "dc2");
    let third = story(1, 1002, Rule::FirstSight, (None, Some("dc3")));
    let all = shown(vec![sight(0, 1000), other, third]);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|(.., also)| also.is_empty()));
}

#[test]
fn all_times_go_to_the_other_clock() {
    let mut told = silence(0, 1000);
    told.event.last_seen_old = Some(told.event.time);
    told.event.evidence.span = Some((T0, T0.plus(MS)));
    let moved = told.clone().by_clock(5_000_000);
    assert_eq!(moved.event.time, told.event.time.plus(5 * MS));
    assert_eq!(moved.event.last_seen_old, Some(moved.event.time));
    assert_eq!(moved.event.evidence.span, Some((T0.plus(5 * MS), T0.plus(6 * MS))));
    assert_eq!(moved.last, told.last.plus(5 * MS));
    assert_eq!(moved.by_clock(-5_000_000), told);
}
