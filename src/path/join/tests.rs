//! What belongs together, in which order, and when it is given.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::model::certificate::Identity;
use crate::model::hello::Alert;
use crate::model::observation::{HelloFacts, Hop, Leg, Peer};
use crate::model::segment::{FlowKey, Hosts, Transport};
use crate::path::{End, Party, Passed};
use crate::sample;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

const CLIENT: [u8; 4] = [10, 42, 0, 17];
const GW1: [u8; 4] = [10, 128, 0, 10];
const GW2: [u8; 4] = [10, 132, 0, 20];
const APP: [u8; 4] = [10, 132, 0, 31];

fn flow(from: [u8; 4], port: u16, to: [u8; 4]) -> FlowKey {
    let hosts = Hosts::V4(Ipv4Addr::from(from), Ipv4Addr::from(to));
    FlowKey { hosts, ports: (port, 443), transport: Transport::Tcp }
}

/// A record of hello `hello`, answered after `latency`.
fn record(hello: u8, flow: FlowKey, time: u64, latency: u64) -> Observation {
    let mut it = sample::ok();
    (it.flow, it.time, it.hop) = (flow, Timestamp(1000 * SECOND + time), None);
    it.hello = Some(sample::hello(hello));
    it.handshake.as_mut().unwrap().latency = Some(latency);
    it
}

fn ended(mut record: Observation, result: Outcome, by: Option<Peer>) -> Observation {
    let handshake = record.handshake.as_mut().unwrap();
    (handshake.result, handshake.by) = (result, by);
    record
}

fn joiner(nodes: usize) -> Joiner {
    let mut joiner = Joiner::new(Settings { window: 20 * SECOND, max_open: 1000, eager: false });
    for node in 0..nodes {
        assert_eq!((joiner.add_feed().0, usize::from(joiner.add_node().0)), (node, node));
    }
    joiner
}

fn all(joiner: &mut Joiner) -> Vec<ConnectionPath> {
    joiner.finish();
    std::iter::from_fn(|| joiner.pop()).collect()
}

/// Both gateways' four records of a connection that begins at `at`; the second clock is `ahead`.
fn healthy(hello: u8, at: u64, ahead: u64) -> [(u16, Observation); 4] {
    let port = 1000 + u16::from(hello);
    [
        (0, record(hello, flow(CLIENT, port, GW1), at, 9 * MS)),
        (0, record(hello, flow(GW1, port, GW2), at + MS, 8 * MS)),
        (1, record(hello, flow(GW1, port, GW2), at + 2 * MS + ahead, 6 * MS)),
        (1, record(hello, flow(GW2, port, APP), at + 3 * MS + ahead, 5 * MS)),
    ]
}

fn feed(joiner: &mut Joiner, records: &[(u16, Observation)]) {
    for (node, record) in records {
        joiner.observe(Feed(usize::from(*node)), Node(*node), record);
    }
}

/// Nodes and legs in order.
fn steps(path: &ConnectionPath) -> Vec<(u16, Leg)> {
    path.steps.iter().map(|step| (step.sighting.node.0, step.leg)).collect()
}

const WHOLE: [(u16, Leg); 4] = [(0, Leg::In), (0, Leg::Out), (1, Leg::In), (1, Leg::Out)];

#[test]
fn four_records_in_any_order_are_one_path_though_the_clocks_are_hours_apart() {
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]];
    for (order, ahead) in orders.into_iter().flat_map(|order| [(order, 0), (order, 7_200 * SECOND)]) {
        let mut joiner = joiner(2);
        let records = healthy(7, 0, ahead);
        for place in order {
            joiner.observe(Feed(usize::from(records[place].0)), Node(records[place].0), &records[place].1);
        }
        let paths = all(&mut joiner);
        assert_eq!(paths.len(), 1, "{order:?} {ahead}");
        let path = &paths[0];
        assert_eq!((steps(path), path.legs), (WHOLE.to_vec(), 3), "{order:?} {ahead}");
        let passed = [0, 1].map(|node| Passed { node: Node(node), gateway: Some(MS) });
        assert_eq!((path.nodes.as_slice(), path.result), (&passed[..], Outcome::Ok));
        assert_eq!((path.end, &path.missing[..]), (End::Answered { here: None }, &[][..]));
        assert_eq!(path.travel, Some(3 * MS), "{order:?} {ahead}");
        let offset = joiner.clocks.offsets()[0];
        assert_eq!((offset.nanos.unsigned_abs(), offset.bound), (ahead, MS));
        assert_eq!(*joiner.doubts(), Doubts::default());
    }
}

#[test]
fn the_caller_is_told_where_any_vantage_point_saw_its_certificate() {
    let identity = Identity { service: Some("payments".into()), ..Identity::default() };
    let certificate = Arc::new(Certificate { identity, ..Certificate::default() });
    for place in 0..4 {
        let mut joiner = joiner(2);
        let mut records = healthy(7, 0, 0);
        records[place].1.shown.client = Some(Arc::clone(&certificate));
        feed(&mut joiner, &records);
        assert_eq!(all(&mut joiner).remove(0).caller.as_ref(), Some(&certificate));
    }
}

#[test]
fn the_gateways_own_measure_of_its_time_counts() {
    let mut joiner = joiner(2);
    let mut records = healthy(7, 0, 0);
    records[1].1.hop = Some(Hop { leg: Leg::Out, gateway: Some(540_000) });
    feed(&mut joiner, &records);
    let path = all(&mut joiner).remove(0);
    assert_eq!(path.nodes.iter().map(|it| it.gateway).collect::<Vec<_>>(), [Some(540_000), Some(MS)]);
}

#[test]
fn only_the_same_hello_joins() {
    let base = healthy(7, 0, 0);
    let change: [fn(&mut HelloFacts); 3] = [|it| it.random[0] ^= 1, |it| it.index = 1, |it| it.digest ^= 1];
    for change in change {
        let mut records = base.clone();
        for (_, record) in &mut records[2..] {
            change(record.hello.as_mut().unwrap());
        }
        let mut joiner = joiner(2);
        feed(&mut joiner, &records);
        let paths = all(&mut joiner);
        assert_eq!(
            paths.iter().map(|path| path.legs).collect::<Vec<_>>(),
            [2, 2],
            "the same name, and no more"
        );
    }
}

#[test]
fn a_proxy_that_ends_tls_ends_the_path_and_begins_another() {
    let mut joiner = joiner(2);
    let mut records = healthy(7, 0, 0);
    records[3].1.hello = Some(sample::hello(99));
    feed(&mut joiner, &records);
    let paths = all(&mut joiner);
    assert_eq!(steps(&paths[0]), [(0, Leg::In), (0, Leg::Out), (1, Leg::Only)]);
    assert_eq!((paths[0].end, paths[0].missing.len()), (End::Answered { here: Some(Node(1)) }, 0));
    assert_eq!((steps(&paths[1]), paths[1].travel), (vec![(1, Leg::Only)], Some(5 * MS)));
}

#[test]
fn a_hello_of_the_gateways_own_begins_there() {
    let mut joiner = joiner(2);
    feed(&mut joiner, &healthy(1, 0, 0));
    // a proxy that ends TLS, or a leg in that was not captured: nobody can tell
    let records = healthy(7, 10 * MS, 0);
    feed(&mut joiner, &records[1..]);
    joiner.observe(Feed(1), Node(1), &record(9, flow(GW2, 77, APP), 20 * MS, MS));
    let paths = all(&mut joiner);
    let begins: Vec<_> = paths.iter().map(|path| (path.begins, path.missing.len())).collect();
    assert_eq!(begins, [(None, 0), (Some(Node(0)), 0), (Some(Node(1)), 0)]);
}

#[test]
fn a_connection_to_no_gateway_just_ends() {
    let mut joiner = joiner(1);
    joiner.observe(Feed(0), Node(0), &record(9, flow(CLIENT, 77, APP), 0, MS));
    let path = all(&mut joiner).remove(0);
    assert_eq!((path.end, path.travel, path.begins), (End::Answered { here: None }, Some(MS), None));
}

#[test]
fn it_died_at_the_gateway_that_it_never_left() {
    let mut joiner = joiner(2);
    feed(&mut joiner, &healthy(7, 0, 0));
    let lost = ended(record(8, flow(CLIENT, 9, GW1), 50 * MS, 600_000), Outcome::Reset, Some(Peer::Server));
    joiner.observe(Feed(0), Node(0), &lost);
    let path = all(&mut joiner).remove(1);
    let by = Party::Gateway(Node(0));
    assert_eq!(path.end, End::Died { step: 0, by, never_left: Some(Node(0)) });
    assert_eq!((path.travel, path.result, path.legs), (Some(600_000), Outcome::Reset, 1));
    assert_eq!(path.missing, []);
}

#[test]
fn without_a_gateway_at_work_nothing_is_said_of_leaving() {
    let mut joiner = joiner(1);
    let lost = ended(record(8, flow(CLIENT, 9, APP), 0, MS), Outcome::Reset, Some(Peer::Server));
    joiner.observe(Feed(0), Node(0), &lost);
    let path = all(&mut joiner).remove(0);
    let by = Party::Server(IpAddr::from(APP), 443);
    assert_eq!(path.end, End::Died { step: 0, by, never_left: None });
}

/// What became of a record.
type Change = fn((u16, Observation)) -> (u16, Observation);

#[test]
fn it_died_at_the_last_leg_that_its_server_ended() {
    let by_server = |it: (u16, Observation)| (it.0, ended(it.1, Outcome::Reset, Some(Peer::Server)));
    let by_client = |it: (u16, Observation)| (it.0, ended(it.1, Outcome::Reset, Some(Peer::Client)));
    let silent = |it: (u16, Observation)| (it.0, ended(it.1, Outcome::Timeout, None));
    let server = Party::Server(IpAddr::from(APP), 443);
    let cases: [([Change; 4], usize, Party); 5] = [
        ([by_server; 4], 3, server),
        ([by_server, by_server, by_server, by_client], 2, Party::Gateway(Node(1))),
        ([by_server, by_client, by_client, by_client], 0, Party::Gateway(Node(0))),
        ([by_client; 4], 0, Party::Client),
        ([silent; 4], 3, Party::Nobody),
    ];
    for (changes, step, by) in cases {
        let mut joiner = joiner(2);
        feed(&mut joiner, &healthy(1, 0, 0));
        let records = healthy(7, 10 * MS, 0);
        let changed: Vec<_> = records.into_iter().zip(changes).map(|(it, change)| change(it)).collect();
        feed(&mut joiner, &changed);
        let path = all(&mut joiner).remove(1);
        assert_eq!(path.end, End::Died { step, by, never_left: None }, "{by:?}");
    }
}

#[test]
fn an_alert_is_told_with_its_name() {
    let mut joiner = joiner(2);
    for (node, record) in healthy(7, 0, 0) {
        let mut record = ended(record, Outcome::Alert, Some(Peer::Client));
        record.handshake.as_mut().unwrap().alert = Some(Alert { level: 2, code: 48, name: "unknown_ca" });
        joiner.observe(Feed(usize::from(node)), Node(node), &record);
    }
    let path = all(&mut joiner).remove(0);
    assert_eq!(path.end, End::Died { step: 0, by: Party::Client, never_left: None });
    assert_eq!(path.alert.map(|alert| alert.name), Some("unknown_ca"));
}

#[test]
fn legs_that_were_not_captured_are_missing() {
    // which of the four records is not there, and what is said of it
    for (without, missing) in [
        (&[1][..], Missing::LegAt(Node(0))),
        (&[0, 1], Missing::Before(Node(0))),
        (&[2, 3], Missing::After(Node(1))),
    ] {
        let mut joiner = joiner(2);
        feed(&mut joiner, &healthy(1, 0, 0));
        for (place, (node, record)) in healthy(7, 10 * MS, 0).iter().enumerate() {
            if !without.contains(&place) {
                joiner.observe(Feed(usize::from(*node)), Node(*node), record);
            }
        }
        let path = all(&mut joiner).remove(1);
        assert_eq!(path.missing, [missing], "without {without:?}");
        assert_eq!(path.steps.len(), 4 - without.len());
    }
}

#[test]
fn addresses_may_be_translated_between_two_gateways() {
    let mut joiner = joiner(2);
    let mut records = healthy(7, 0, 5 * MS);
    records[2].1.flow = flow([198, 51, 100, 7], 40_000, GW2);
    feed(&mut joiner, &records);
    let path = all(&mut joiner).remove(0);
    assert_eq!((steps(&path), path.legs, path.missing.len()), (WHOLE.to_vec(), 4, 0));
    assert_eq!((path.travel, joiner.clocks.offsets()[0].nanos), (Some(3 * MS), 5_000_000));
}

#[test]
fn a_gateway_may_be_passed_twice() {
    let mut joiner = joiner(2);
    let flows = [flow(CLIENT, 1, GW1), flow(GW1, 2, GW2), flow(GW2, 3, GW1), flow(GW1, 4, APP)];
    let at = |place: usize, time: u64| record(7, flows[place], time * MS, (30 - time) * MS);
    let records = [(0, at(0, 0)), (0, at(1, 1)), (1, at(1, 2)), (1, at(2, 3)), (0, at(2, 4)), (0, at(3, 5))];
    feed(&mut joiner, &records);
    let path = all(&mut joiner).remove(0);
    let expected = [(0, Leg::In), (0, Leg::Out), (1, Leg::In), (1, Leg::Out), (0, Leg::Out), (0, Leg::Out)];
    assert_eq!((steps(&path), path.legs), (expected.to_vec(), 4));
    assert_eq!(path.missing, []);
}

#[test]
fn a_path_is_given_once_every_clock_has_gone_on_by_the_window() {
    let mut joiner = joiner(2);
    feed(&mut joiner, &healthy(7, 0, 0));
    let at = |seconds: u64| Timestamp((1000 + seconds) * SECOND);
    for seconds in 1..60 {
        joiner.advance(Feed(0), at(seconds));
    }
    assert_eq!(joiner.pop(), None, "the other one may still tell of it");
    for seconds in 1..60 {
        joiner.advance(Feed(1), at(seconds));
    }
    assert_eq!(joiner.pop(), None, "and the first one too: it has stood still since");
    let given = (60..120).find(|seconds| {
        joiner.advance(Feed(0), at(*seconds));
        joiner.advance(Feed(1), at(*seconds));
        joiner.pop().is_some()
    });
    // one part of the window was over before; the other four count from where the slower one stands, 59
    assert_eq!(given, Some(79));
}

#[test]
fn one_that_rests_is_not_waited_for() {
    let mut joiner = joiner(2);
    joiner.rest(Feed(1));
    feed(&mut joiner, &healthy(7, 0, 0)[..2]);
    let given = (1..60).find(|seconds| {
        joiner.advance(Feed(0), Timestamp((1000 + seconds) * SECOND));
        joiner.pop().is_some()
    });
    assert_eq!(given, Some(25), "the window and one part of it");
}

#[test]
fn a_late_leg_is_told_as_one_and_joins_nothing() {
    let mut joiner = joiner(1);
    let [(_, inward), (_, outward), ..] = healthy(7, 0, 0);
    joiner.observe(Feed(0), Node(0), &inward);
    for seconds in 1..40 {
        joiner.advance(Feed(0), Timestamp((1000 + seconds) * SECOND));
    }
    joiner.observe(Feed(0), Node(0), &outward);
    let paths = all(&mut joiner);
    assert_eq!(paths.iter().map(|path| path.legs).collect::<Vec<_>>(), [1, 1]);
    assert_eq!((&paths[0].missing[..], &paths[1].missing[..]), (&[][..], &[Missing::Late][..]));
    assert_eq!(joiner.doubts().late, [(Node(0), 1)]);
}

#[test]
fn a_capture_given_twice_joins_nothing_twice() {
    let mut joiner = joiner(2);
    let records = healthy(7, 0, 0);
    feed(&mut joiner, &records[..2]);
    for (_, record) in &records[..2] {
        joiner.observe(Feed(1), Node(1), record);
    }
    let path = all(&mut joiner).remove(0);
    assert_eq!(steps(&path), [(0, Leg::In), (0, Leg::Out)]);
    assert_eq!(joiner.doubts().same, [((Node(0), Node(1)), 2)]);
}

#[test]
fn records_given_twice_count_once_and_a_replayed_hello_makes_doubt() {
    let mut joiner = joiner(2);
    feed(&mut joiner, &healthy(7, 0, 0));
    feed(&mut joiner, &healthy(7, 0, 0)[..1]);
    assert_eq!(joiner.doubts().twice, [(Node(0), 1)]);
    feed(&mut joiner, &healthy(7, 900 * MS, 0)[..1]);
    let path = all(&mut joiner).remove(0);
    assert_eq!((steps(&path), &path.missing[..]), (WHOLE.to_vec(), &[Missing::Repeated][..]));
}

#[test]
fn eagerly_a_path_is_given_when_all_saw_it_come_and_go() {
    let mut joiner = Joiner::new(Settings { window: 20 * SECOND, max_open: 1000, eager: true });
    joiner.add_feed();
    joiner.add_node();
    joiner.add_feed();
    joiner.add_node();
    let records = healthy(7, 0, 0);
    feed(&mut joiner, &records[..3]);
    assert_eq!(joiner.pop(), None);
    feed(&mut joiner, &records[3..]);
    assert_eq!(joiner.pop().map(|path| path.legs), Some(3));
    assert_eq!(all(&mut joiner), []);
}

#[test]
fn memory_is_bounded_and_the_oldest_are_given_early() {
    let mut joiner = Joiner::new(Settings { window: 20 * SECOND, max_open: 100, eager: false });
    joiner.add_feed();
    joiner.add_node();
    joiner.add_feed();
    joiner.add_node();
    let mut given = 0;
    for n in 0..10_000_u64 {
        let mut it = record(7, flow(CLIENT, 5, GW1), n, MS);
        it.hello.as_mut().unwrap().digest = n;
        joiner.observe(Feed(0), Node(0), &it);
        assert!(joiner.open.len() <= 100);
        given += std::iter::from_fn(|| joiner.pop()).count();
    }
    let left = all(&mut joiner).len();
    assert_eq!(given + left, 10_000);
    assert_eq!(joiner.doubts().early, given as u64);
    let mut joiner = super::tests::joiner(1);
    for port in 0..100 {
        joiner.observe(Feed(0), Node(0), &record(7, flow(CLIENT, port, GW1), u64::from(port), MS));
    }
    let path = all(&mut joiner).remove(0);
    assert_eq!((path.steps.len(), &path.missing[..]), (MAX_SIGHTINGS, &[Missing::Repeated][..]));
}

#[test]
fn what_has_no_hello_is_counted() {
    let mut joiner = joiner(1);
    joiner.observe(Feed(0), Node(0), &sample::failed(Outcome::Refused));
    joiner.observe(Feed(0), Node(0), &sample::hello_record());
    assert_eq!((joiner.doubts().without_hello, all(&mut joiner).len()), (1, 0));
}

/// Else two runs over the same captures would not doubt the same.
#[test]
fn every_joiner_forgets_the_same() {
    let late = || {
        let mut joiner = joiner(1);
        for port in [1000, 1001] {
            for digest in 0..80_000 {
                let mut record = record(1, flow(CLIENT, port, GW1), digest, 9 * MS);
                record.hello.as_mut().unwrap().digest = digest;
                joiner.observe(Feed(0), Node(0), &record);
            }
        }
        let [(Node(0), late)] = joiner.doubts().late[..] else { panic!("one vantage point") };
        late
    };
    let some = late();
    assert!((1..80_000).contains(&some), "{some}");
    assert_eq!(late(), some);
}
