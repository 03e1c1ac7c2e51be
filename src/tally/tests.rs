use std::sync::Arc;

use super::*;
use crate::model::frame::OriginId;
use crate::sample::{self, T0, flow, foreign_name, mesh_name, no_name};

/// A connection with a random of its own.
fn connection(number: u32, name: &Arc<Name>) -> Observation {
    let mut it = sample::ok();
    it.time = T0.plus(u64::from(number) * 1_000_000);
    it.name = Some(Arc::clone(name));
    let random = &mut it.hello.as_mut().unwrap().random;
    random[..4].copy_from_slice(&number.to_be_bytes());
    it
}

fn seen(by: &[Dimension], limit: usize, records: &[Observation]) -> Snapshot {
    let mut tally = Tally::new(by.to_vec(), limit);
    for record in records {
        tally.observe(record);
    }
    tally.snapshot(&RunStats::default(), T0)
}

fn keys(snapshot: &Snapshot) -> Vec<String> {
    let shown = |row: &Row| {
        let parts: Vec<_> = row.key.iter().map(|part| part.as_deref().unwrap_or("-")).collect();
        format!("{} {}", parts.join(" "), row.connections)
    };
    snapshot.rows.iter().map(shown).collect()
}

#[test]
fn both_legs_of_a_gateway_are_one_connection() {
    let name = mesh_name("currency", "dc2");
    let mut records = Vec::new();
    for number in 0..41 {
        let inward = connection(number, &name);
        let mut outward = inward.clone();
        outward.flow = flow("10.128.0.10", (50_000, 443), "10.132.0.20");
        outward.handshake.as_mut().unwrap().latency = Some(900_000_000);
        outward.handshake.as_mut().unwrap().result = Outcome::Reset;
        records.extend([inward, outward]);
    }
    let snapshot = seen(&[Dimension::Service, Dimension::Datacenter], 10, &records);
    assert_eq!((snapshot.connections, snapshot.legs), (41, 82));
    let row = &snapshot.rows[0];
    assert_eq!((row.connections, row.legs, row.outcomes[0], row.clients), (41, 82, 41, 1));
    assert_eq!((row.p50, row.p99), (Some(4_600_000), Some(4_600_000)), "the first leg's latency counts");
    assert_eq!((row.first, row.last), (T0, T0.plus(40_000_000)));
}

#[test]
fn a_leg_is_a_hello_elsewhere_and_the_same_place_is_another_connection() {
    let first = connection(1, &no_name());
    let mut elsewhere = first.clone();
    elsewhere.origin = OriginId(1);
    let repeated = first.clone();
    let mut retried = first.clone();
    retried.flow.ports.0 += 1;
    retried.hello.as_mut().unwrap().index = 1;
    let snapshot = seen(&[], 10, &[first, elsewhere, repeated, retried]);
    assert_eq!((snapshot.connections, snapshot.legs), (3, 4));
}

#[test]
fn a_constant_random_joins_nothing() {
    let mut scan = connection(0, &no_name());
    scan.hello.as_mut().unwrap().random = [0; 32];
    let mut next = scan.clone();
    next.flow.ports.0 += 1;
    assert_eq!(seen(&[], 10, &[scan, next]).connections, 2);
}

#[test]
fn the_window_forgets_hellos_that_are_long_past() {
    let name = no_name();
    let leg_of = |number| {
        let mut leg = connection(number, &name);
        leg.flow.ports.0 = 9;
        leg
    };
    let mut tally = Tally::new(vec![], 10);
    (0..262_145).for_each(|number| tally.observe(&connection(number, &name)));
    let count = |tally: &Tally| tally.snapshot(&RunStats::default(), T0).connections;
    tally.observe(&leg_of(262_144 - 1000));
    assert_eq!(count(&tally), 262_145);
    tally.observe(&leg_of(0));
    assert_eq!(count(&tally), 262_146);
}

#[test]
fn groups_are_sorted_by_size_and_then_by_key() {
    let (a, b) = (mesh_name("currency", "dc2"), mesh_name("currency", "dc1"));
    let foreign = foreign_name("www.example.com");
    let records = [&a, &b, &a, &foreign, &no_name()]
        .map(Arc::clone)
        .into_iter()
        .enumerate()
        .map(|(number, name)| connection(u32::try_from(number).unwrap(), &name));
    let records: Vec<_> = records.collect();
    let services = seen(&[Dimension::Service, Dimension::Datacenter], 10, &records);
    assert_eq!(keys(&services), ["currency dc2 2", "- - 1", "currency dc1 1", "www.example.com - 1"]);
    assert_eq!(services.by, [Dimension::Service, Dimension::Datacenter]);
    let datacenters = seen(&[Dimension::Datacenter, Dimension::Source], 10, &records);
    assert_eq!(keys(&datacenters), ["- 10.42.0.17 2", "dc2 10.42.0.17 2", "dc1 10.42.0.17 1"]);
    let names = seen(&[Dimension::Destination, Dimension::Sni], 10, &records);
    assert_eq!(keys(&names)[1], "10.128.0.10 - 1");
    assert_eq!(keys(&seen(&[], 10, &records)), [" 5"]);
}

#[test]
fn equal_names_of_different_addresses_are_one_group() {
    let records: Vec<_> = (0..3).map(|number| connection(number, &mesh_name("currency", "dc2"))).collect();
    assert_eq!(keys(&seen(&[Dimension::Service], 10, &records)), ["currency 3"]);
}

#[test]
fn the_limit_of_groups_holds_and_what_is_over_is_counted() {
    let mut records: Vec<_> =
        (0..5).map(|number| connection(number, &foreign_name(&format!("n{number}.example")))).collect();
    records.push(connection(9, &foreign_name("n0.example")));
    let snapshot = seen(&[Dimension::Sni], 2, &records);
    assert_eq!(keys(&snapshot), ["n0.example 2", "n1.example 1"]);
    assert_eq!((snapshot.other, snapshot.connections), (3, 6));

    let mut sources: Vec<_> = (0..4).map(|number| connection(number, &no_name())).collect();
    for (host, record) in sources.iter_mut().enumerate() {
        record.flow = flow(&format!("10.0.0.{host}"), (1, 443), "10.1.0.1");
    }
    let snapshot = seen(&[Dimension::Source], 3, &sources);
    assert_eq!((snapshot.rows.len(), snapshot.other), (3, 1));
}

#[test]
fn a_leg_of_a_connection_without_a_group_is_no_connection() {
    let first = connection(1, &foreign_name("a.example"));
    let other = connection(2, &foreign_name("b.example"));
    let mut leg = other.clone();
    leg.flow.ports.0 = 7;
    let snapshot = seen(&[Dimension::Sni], 1, &[first, other, leg]);
    assert_eq!((snapshot.connections, snapshot.legs, snapshot.other), (2, 3, 1));
}

#[test]
fn many_names_of_one_label_are_one_group() {
    let mut tally = Tally::new(vec![Dimension::Datacenter], 10);
    for number in 0..4_000 {
        tally.observe(&connection(number, &mesh_name(&format!("s{number}"), "dc2")));
    }
    assert_eq!(keys(&tally.snapshot(&RunStats::default(), T0)), ["dc2 4000"]);
    assert_eq!(tally.labels.len(), 1);
}

#[test]
fn attempts_are_connections_and_other_records_are_not() {
    let refused = sample::failed(Outcome::Refused);
    let records = [refused, sample::hello_record(), sample::end_record(Outcome::Ok), sample::ok()];
    let snapshot = seen(&[Dimension::Service], 10, &records);
    assert_eq!(keys(&snapshot), ["- 9", "currency 1"]);
    assert_eq!(snapshot.rows[0].outcomes[Outcome::Refused as usize], 9);
    assert_eq!(snapshot.rows[0].p50, None);
    assert_eq!((snapshot.connections, snapshot.legs), (10, 10));
}

#[test]
fn outcomes_stand_in_the_order_of_their_list() {
    for (place, outcome) in Outcome::ALL.into_iter().enumerate() {
        assert_eq!(outcome as usize, place);
    }
}

#[test]
fn clients_are_counted_exactly_up_to_the_cap() {
    let mut tally = Tally::new(vec![], 10);
    for number in 0..3000_u32 {
        let mut record = connection(number, &no_name());
        let [_, _, high, low] = (number / 2).to_be_bytes();
        record.flow = flow(&format!("10.0.{high}.{low}"), (1, 443), "10.1.0.1");
        tally.observe(&record);
        if number == 999 {
            assert_eq!(tally.snapshot(&RunStats::default(), T0).rows[0].clients, 500);
        }
    }
    assert_eq!(tally.snapshot(&RunStats::default(), T0).rows[0].clients, 1024);
}

#[test]
fn the_snapshot_carries_the_runs_counters() {
    let stats = RunStats { packets: 84, ..RunStats::default() };
    let snapshot = Tally::new(vec![], 1).snapshot(&stats, T0);
    assert_eq!((snapshot.stats.packets, snapshot.now), (84, T0));
}

/// Else two summaries of one capture would differ.
#[test]
fn every_window_forgets_the_same() {
    let counted = || {
        let inward = (0..60_000).map(|number| connection(number, &no_name()));
        let outward = inward.clone().map(|mut record| {
            record.flow.ports.0 ^= 1;
            record
        });
        let snapshot = seen(&[], 0, &inward.chain(outward).collect::<Vec<_>>());
        (snapshot.connections, snapshot.legs)
    };
    let (connections, legs) = counted();
    assert!((60_001..legs).contains(&connections), "{connections} of {legs}");
    assert_eq!(counted(), (connections, legs));
}
