use std::net::Ipv4Addr;
use std::sync::Arc;

use super::event::{Event, Heading, News, Rule};
use super::gateways::Roles;
use super::limits::{FORGET, MAX_CLIENTS, MAX_FAILURES, MAX_HELLOS, MAX_PLACES, MAX_SERVICES, seconds};
use super::rate::{Activity, Trial, silence};
use super::*;
use crate::model::mesh::Role;
use crate::model::name::{Field, Values};
use crate::model::observation::Outcome;
use crate::sample::{self, T0, flow, foreign_name, mesh_name};

/// A detector and what it has told.
struct Watch {
    detector: Detector,
    news: Vec<News>,
    number: u64,
}

impl Watch {
    fn new() -> Self {
        let settings = Settings { local: None, handshake_timeout: 10 * SECOND };
        let mut watch = Self { detector: Detector::new(settings), news: Vec::new(), number: 0 };
        watch.tick(0.0);
        watch
    }

    fn tick(&mut self, seconds: f64) {
        self.detector.tick(at(seconds), &mut self.news);
    }

    fn record(&mut self, seconds: f64, name: &Arc<Name>, client: u32) -> Observation {
        self.number += 1;
        let mut record = Observation { name: Some(Arc::clone(name)), ..sample::ok() };
        (record.time, record.completed) = (at(seconds), at(seconds));
        record.packet = self.number;
        record.flow = flow(&Ipv4Addr::from(client).to_string(), (4000, 443), "10.128.0.10");
        record.hello.as_mut().unwrap().random[..8].copy_from_slice(&self.number.to_be_bytes());
        record
    }

    fn observe(&mut self, record: &Observation) {
        self.detector.observe(record, &mut self.news);
    }

    fn call(&mut self, seconds: f64, name: &Arc<Name>, client: u32) {
        let record = self.record(seconds, name, client);
        self.observe(&record);
    }

    fn noticed(&self) -> Vec<&Event> {
        let noticed = self.news.iter().filter_map(|news| match news {
            News::Noticed(event) => Some(&**event),
            News::Settled(_) | News::Withdrawn(_) => None,
        });
        noticed.collect()
    }
}

fn at(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]
    T0.plus((seconds * 1e9) as u64)
}

#[test]
fn the_banner_comes_at_once_and_the_record_when_all_have_moved() {
    let mut watch = Watch::new();
    let name = mesh_name("currency", "dc2");
    watch.call(12.0, &name, 1);
    assert_eq!(watch.news.len(), 1, "at the first hello itself");
    watch.call(20.0, &name, 2);
    // so few in so long: is the service slow?
    watch.tick(41.9);
    assert_eq!(watch.news.len(), 1);
    watch.tick(42.1);
    let News::Settled(event) = &watch.news[1] else { panic!("{:?}", watch.news) };
    assert_eq!((event.rule, event.moved, event.time), (Rule::FirstSight, 2, at(12.0)));
    assert_eq!((event.from.as_deref(), event.to.as_deref()), (None, Some("dc2")));
    assert_eq!((event.gap, event.baseline), (None, 12 * SECOND));
    watch.detector.finish(&mut watch.news);
    assert_eq!(watch.news.len(), 2, "once");
}

#[test]
fn a_gateway_whose_leg_in_was_lost_has_not_moved() {
    let mut watch = Watch::new();
    let name = mesh_name("currency", "dc2");
    watch.call(12.0, &name, 1);
    let mut out = watch.record(12.5, &name, 2);
    out.flow = flow("10.128.0.10", (5000, 443), "10.132.0.20");
    watch.observe(&out);
    watch.detector.finish(&mut watch.news);
    let told = watch.detector.stories();
    assert_eq!((told.len(), told[0].event.moved), (1, 1));
    // where only legs out are seen, the gateway is the client
    let mut watch = Watch::new();
    out.time = at(12.0);
    watch.observe(&out);
    watch.detector.finish(&mut watch.news);
    assert_eq!(watch.detector.stories()[0].event.moved, 1);
}

#[test]
fn who_goes_back_with_all_others_was_not_left_behind() {
    for (gone, stayed) in [(30.0, 0), (30.0, 1), (8.0, 0)] {
        let mut watch = Watch::new();
        let (here, there) = (mesh_name("currency", "dc1"), mesh_name("currency", "dc2"));
        let mut now = 0.5;
        while now < 60.0 + gone {
            let name = if (30.0..30.0 + gone).contains(&now) { &there } else { &here };
            watch.call(now, name, 1);
            if stayed > 0 {
                watch.call(now + 0.1, &here, 2);
            }
            watch.tick(now + 0.2);
            now += 0.25;
        }
        watch.detector.finish(&mut watch.news);
        let told = watch.detector.stories();
        let there = told.iter().find(|story| story.event.to.as_deref() == Some("dc2")).unwrap();
        assert_eq!((there.event.moved, there.event.stale.len()), (1, stayed), "{gone} {stayed}: {told:#?}");
        assert!(told.iter().any(|story| story.event.to.as_deref() == Some("dc1")), "{gone} {stayed}");
    }
}

#[test]
fn what_is_not_settled_is_told_at_the_end() {
    let mut watch = Watch::new();
    watch.call(12.0, &mesh_name("currency", "dc2"), 1);
    watch.detector.finish(&mut watch.news);
    assert!(matches!(&watch.news[..], [News::Noticed(_), News::Settled(_)]));
    assert_eq!(watch.detector.stories().len(), 1);
}

#[test]
fn confidence_is_what_the_statistics_leave() {
    let mut watch = Watch::new();
    let name = mesh_name("currency", "dc2");
    for hello in 0..60 {
        watch.call(1.5 + f64::from(hello) * 0.25, &name, 1);
        watch.tick(1.5 + f64::from(hello) * 0.25);
    }
    let events = watch.noticed();
    // 40 hellos in the 10 s after the first
    assert!(
        (events[0].confidence - (1.0 - (-4.0_f64 * 1.5).exp())).abs() < 0.001,
        "{}",
        events[0].confidence
    );
    assert_eq!((events.len(), events[0].noticed.since(events[0].time)), (1, 10 * SECOND));
    assert!((silence(4.0, 3 * SECOND / 4) - 0.0498).abs() < 0.0001);
}

#[test]
fn legs_of_a_connection_count_once_and_make_a_gateway_known() {
    let mut watch = Watch::new();
    let name = mesh_name("currency", "dc2");
    let mut inward = watch.record(12.0, &name, 0x0a2a_0011);
    // an unusual port: only the second leg tells that this is a gateway
    inward.flow = flow("10.42.0.17", (4000, 10_443), "10.128.0.10");
    watch.observe(&inward);
    assert!(watch.news.is_empty());
    let mut outward = inward.clone();
    (outward.time, outward.flow) = (at(12.0005), flow("10.128.0.10", (5000, 10_443), "10.132.0.20"));
    watch.observe(&outward);
    let events = watch.noticed();
    assert_eq!(
        (events.len(), events[0].time, events[0].client),
        (1, at(12.0), "10.42.0.17".parse().unwrap())
    );
    assert_eq!(watch.detector.stories()[0].event.moved, 1);
    // the second hello after a HelloRetryRequest, and the handshake after the hello, are the same connection
    inward.hello.as_mut().unwrap().index = 1;
    watch.observe(&inward);
    assert_eq!(watch.detector.services.iter().next().unwrap().1.places[0].activity.count, 1);
}

#[test]
fn without_a_gateway_or_a_role_a_first_hello_is_a_first_hello() {
    let mut watch = Watch::new();
    let mut record = watch.record(12.0, &mesh_name("rates", "dc1"), 1);
    record.flow = flow("10.42.0.17", (4000, 20_000), "10.42.0.9");
    watch.observe(&record);
    let mut local = watch.record(13.0, &mesh_name("prices", "dc1"), 1);
    local.role = Some(Role::Local);
    watch.observe(&local);
    let mut egress = watch.record(14.0, &mesh_name("stocks", "dc3"), 1);
    (egress.role, egress.flow) = (Some(Role::Egress), flow("10.42.0.17", (4000, 20_000), "10.9.0.9"));
    watch.observe(&egress);
    let mut ingress = watch.record(15.0, &mesh_name("bonds", "dc1"), 1);
    ingress.role = Some(Role::Ingress);
    watch.observe(&ingress);
    let told: Vec<_> = watch.noticed().iter().map(|event| (event.heading, event.time)).collect();
    assert_eq!(told, [(Heading::Failover, at(14.0)), (Heading::Ingress, at(15.0))]);
}

#[test]
fn names_without_a_service_that_can_move_are_passed_over() {
    let mut watch = Watch::new();
    watch.call(12.0, &foreign_name("www.example.org"), 1);
    let mut server = Name::clone(&mesh_name("node7", "dc2"));
    server.kind = "consul-server";
    watch.call(13.0, &Arc::new(server), 1);
    assert!(watch.news.is_empty());
    let text = "currency.default.default.east.external.x.consul";
    let mut values = Values::default();
    values.set(Field::Service, 0, 8);
    values.set(Field::Peer, 25, 29);
    let peered = Name::new(text.into(), None).meaning("consul-peered", "consul", &values);
    watch.call(14.0, &Arc::new(peered), 1);
    assert_eq!(watch.noticed()[0].to.as_deref(), Some("east"));
}

#[test]
fn services_are_bounded_and_make_room_when_they_have_long_been_silent() {
    let mut watch = Watch::new();
    let many = u32::try_from(MAX_SERVICES).unwrap();
    for number in 0..many + 5 {
        watch.call(1.0, &mesh_name(&format!("s{number}"), "dc2"), 1);
    }
    assert_eq!((watch.detector.services.iter().count(), watch.detector.unwatched()), (MAX_SERVICES, 5));
    let later = 2.0 + seconds(FORGET);
    watch.call(later, &mesh_name("new", "dc2"), 2);
    assert_eq!((watch.detector.services.iter().count(), watch.detector.unwatched()), (MAX_SERVICES, 5));
    let events = watch.noticed();
    assert_eq!(events.len(), 1, "the new one, whose first hello came late");
    // one that was forgotten is no longer what its name meant
    watch.call(later + 1.0, &mesh_name("s1", "dc2"), 1);
    assert_eq!(watch.detector.unwatched(), 5);
}

#[test]
fn clients_datacenters_hellos_and_failures_are_bounded() {
    let mut watch = Watch::new();
    let name = mesh_name("currency", "dc2");
    for client in 0..2000 {
        watch.call(12.0, &name, client);
    }
    let service = watch.detector.services.iter().next().unwrap().1;
    assert_eq!((service.clients.len(), service.places[0].activity.count), (MAX_CLIENTS, 2000));
    for place in 0..20 {
        watch.call(13.0, &mesh_name("currency", &format!("p{place}")), 1);
    }
    assert_eq!(watch.detector.services.iter().next().unwrap().1.places.len(), MAX_PLACES);
    for number in 0..20_000 {
        let mut attempt = sample::failed(Outcome::Refused);
        attempt.time = at(14.0 + f64::from(number) * 0.0001);
        watch.observe(&attempt);
    }
    let evidence = watch.detector.failures.within((at(17.0), 0), |_| true);
    assert_eq!(evidence.refused, MAX_FAILURES as u64);
    for _ in 0..20_000 {
        watch.call(20.0, &name, 1);
    }
    assert_eq!(watch.detector.hops.len(), MAX_HELLOS);
}

#[test]
fn a_hole_in_the_capture_is_no_silence() {
    let mut watch = Watch::new();
    let name = mesh_name("currency", "dc2");
    for hello in 0..100 {
        watch.call(f64::from(hello) * 0.25, &name, 1);
    }
    watch.tick(600.0);
    assert!(watch.news.is_empty(), "nobody looked");
    watch.tick(606.0);
    assert_eq!(watch.noticed()[0].rule, Rule::Silence);
}

#[test]
fn scans_with_one_random_are_no_connections_that_belong_together() {
    let mut watch = Watch::new();
    let name = mesh_name("currency", "dc2");
    for second in [12.0, 13.0] {
        let mut record = watch.record(second, &name, 1);
        record.hello.as_mut().unwrap().random = [7; 32];
        watch.observe(&record);
    }
    assert_eq!(watch.detector.services.iter().next().unwrap().1.places[0].activity.count, 2);
}

#[test]
fn a_pause_is_judged_by_the_pauses_before() {
    let mut steady = Activity::new(at(0.0), 0);
    let mut bursts = steady.clone();
    for tenth in 1..=300_u64 {
        let time = T0.plus(tenth * SECOND / 10);
        steady.hello(time, tenth * SECOND / 10);
        if tenth % 150 < 20 {
            bursts.hello(time, tenth * SECOND / 10);
        }
    }
    assert!(steady.pause_chance(20 * SECOND) < 0.01);
    assert!((steady.pause_chance(16 * SECOND) - 1.0).abs() < f64::EPSILON, "too short for any service");
    assert!((bursts.pause_chance(20 * SECOND) - 1.0).abs() < f64::EPSILON, "13 s are usual here");
}

#[test]
fn a_trial_is_by_rate_and_by_the_pauses_since() {
    let mut steady = Trial::new(at(2.0), 2 * SECOND);
    let mut burst = steady.clone();
    for hello in 1..=40_u32 {
        steady.hello(at(2.0 + f64::from(hello) * 0.25));
        burst.hello(at(2.0 + f64::from(hello) * 0.01));
    }
    assert!(steady.chance(at(12.0)) < 0.001);
    assert!(burst.chance(at(12.0)) > 0.7, "as long pauses are usual");
    assert!((Trial::new(at(2.0), 2 * SECOND).chance(at(12.0)) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn roles_follow_the_datacenter_and_the_gateways() {
    let mut roles = Roles::new("DC1");
    let mut of =
        |service, dc, source, port, to| roles.of(&flow(source, (4000, port), to), &mesh_name(service, dc));
    assert_eq!(of("a", "dc1", "10.42.0.1", 20_000, "10.42.0.2"), Some(Role::Local));
    assert_eq!(of("b", "dc2", "10.42.0.1", 443, "10.128.0.10"), Some(Role::Egress));
    assert_eq!(of("b", "dc2", "10.128.0.10", 443, "10.132.0.20"), Some(Role::Egress));
    assert_eq!(of("c", "dc1", "10.132.0.20", 443, "10.128.0.10"), Some(Role::Ingress));
    assert_eq!(of("c", "dc1", "10.128.0.10", 20_000, "10.42.0.3"), Some(Role::Ingress));
    assert_eq!(of("d", "dc3", "10.132.0.20", 443, "10.128.0.10"), Some(Role::Transit));
    assert_eq!(roles.of(&flow("10.0.0.1", (1, 443), "10.0.0.2"), &foreign_name("x.example")), None);
}
