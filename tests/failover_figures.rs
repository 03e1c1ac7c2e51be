//! How often the three rules are wrong: services simulated over rates, clients, baselines and jitter.
//!
//! `cargo test --test failover_figures -- --nocapture` prints the figures. Each row is a pattern; every run of it has
//! its own seed. A watch of 60 s to 120 s is a run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "test code: numbers are small, figures are printed, and it fails loudly"
)]

use std::net::Ipv4Addr;
use std::sync::Arc;

use sni_watch::failover::event::{Event, News, Rule};
use sni_watch::failover::{Detector, Settings};
use sni_watch::model;
use sni_watch::model::frame::Timestamp;
use sni_watch::model::name::Name;
use sni_watch::model::observation::{Action, Observation, Outcome};

#[path = "support/sample.rs"]
mod sample;

use sample::T0;

/// A seeded generator (splitmix64): the figures are the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.share() * (high - low)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// How hellos follow each other.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// Poisson.
    Random,
    /// At equal distances, each up to a fifth early or late.
    Regular,
    /// Five within 50 ms, then a pause; the mean rate is the same.
    Bursts,
}

const PACES: [Pace; 3] = [Pace::Random, Pace::Regular, Pace::Bursts];
const RATES: [f64; 6] = [0.2, 0.5, 2.0, 4.0, 50.0, 500.0];
const CLIENTS: [u64; 3] = [1, 5, 50];

/// Times of hellos from `from` to `to`, of a service that is in full swing at `from`.
fn times(dice: &mut Dice, pace: Pace, rate: f64, (from, to): (f64, f64)) -> Vec<f64> {
    let mut all = Vec::new();
    let period = if matches!(pace, Pace::Bursts) { 5.0 / rate } else { 1.0 / rate };
    let mut at = if matches!(pace, Pace::Random) { from } else { from - (1.0 + dice.share()) * period };
    while at < to {
        match pace {
            Pace::Random => at += -(1.0 - dice.share()).ln() / rate,
            Pace::Regular | Pace::Bursts => at += period,
        }
        match pace {
            Pace::Random => all.push(at),
            Pace::Regular => all.push(at + dice.between(-0.2, 0.2) * period),
            Pace::Bursts => all.extend((0..5).map(|_| at + dice.share() * 0.05)),
        }
    }
    all.retain(|at| *at >= from && *at < to);
    all.sort_by(f64::total_cmp);
    all
}

/// One hello of a run.
#[derive(Clone)]
struct Hello {
    at: f64,
    client: u64,
    dc: &'static str,
    result: Outcome,
    /// Through the gateway, not straight to a sidecar.
    gateway: bool,
}

fn remote(at: f64, client: u64) -> Hello {
    Hello { at, client, dc: "dc2", result: Outcome::Ok, gateway: true }
}

fn direct(at: f64, client: u64) -> Hello {
    Hello { at, client, dc: "dc1", result: Outcome::Ok, gateway: false }
}

fn at(seconds: f64) -> Timestamp {
    T0.plus((seconds * 1e9) as u64)
}

/// Plays hellos to a detector, with a tick every 100 ms, and returns what it notices.
fn played(mut hellos: Vec<Hello>, seed: u64, end: f64) -> Vec<Event> {
    hellos.sort_by(|a, b| a.at.total_cmp(&b.at));
    let names: [Arc<Name>; 2] = [sample::mesh_name("currency", "dc1"), sample::mesh_name("currency", "dc2")];
    let mut detector = Detector::new(Settings { local: None, handshake_timeout: 10_000_000_000 });
    let (mut news, mut tick) = (Vec::new(), 0.0);
    for (number, hello) in hellos.iter().enumerate() {
        while tick < hello.at {
            detector.tick(at(tick), &mut news);
            tick += 0.1;
        }
        let mut record =
            Observation { name: Some(Arc::clone(&names[usize::from(hello.dc == "dc2")])), ..sample::ok() };
        (record.time, record.completed) = (at(hello.at), at(hello.at + 0.002));
        let client = Ipv4Addr::from(0x0a2a_0000 + hello.client as u32).to_string();
        let (server, port) = if hello.gateway { ("10.128.0.10", 443) } else { ("10.42.9.31", 20_000) };
        record.flow = sample::flow(&client, (20_000 + (number % 40_000) as u16, port), server);
        let random = &mut record.hello.as_mut().unwrap().random;
        random[..8].copy_from_slice(&(seed << 24 | number as u64).to_be_bytes());
        let mut first = record.clone();
        (first.action, first.handshake, first.completed) = (Action::Hello, None, record.time);
        detector.observe(&first, &mut news);
        record.handshake.as_mut().unwrap().result = hello.result;
        detector.observe(&record, &mut news);
    }
    while tick < end {
        detector.tick(at(tick), &mut news);
        tick += 0.1;
    }
    detector.finish(&mut news);
    let mut told: Vec<Event> = Vec::new();
    for one in news {
        match one {
            News::Noticed(event) => told.push(*event),
            News::Settled(_) => {}
            News::Withdrawn(event) => told.retain(|told| told.time != event.time),
        }
    }
    told
}

/// What was told in some runs.
#[derive(Default)]
struct Figures {
    runs: u64,
    first_sight: u64,
    label_change: u64,
    silence: u64,
    /// Runs with anything.
    any: u64,
    /// Runs in which the one expected event was told, at its time, and no other of its kind.
    right: u64,
    delay: f64,
}

impl Figures {
    fn add(&mut self, events: &[Event], expected: Option<(&[Rule], f64)>) {
        self.runs += 1;
        self.any += u64::from(!events.is_empty());
        let count = |rule| events.iter().filter(|event| event.rule == rule).count() as u64;
        self.first_sight += count(Rule::FirstSight);
        self.label_change += count(Rule::LabelChange);
        self.silence += count(Rule::Silence);
        let Some((rules, time)) = expected else { return };
        let of_kind: Vec<_> = events.iter().filter(|event| rules.contains(&event.rule)).collect();
        if let [event] = of_kind[..]
            && event.time.0.abs_diff(at(time).0) < 1_000_000
        {
            self.right += 1;
            self.delay += event.noticed.since(event.time) as f64 / 1e9;
        }
    }

    fn print(&self, name: &str) {
        let Self { runs, first_sight, label_change, silence, any, right, delay } = self;
        println!(
            "{name:58} runs {runs:5}  told {any:4}  first sight {first_sight:4}  label change {label_change:4}  \
             silence {silence:4}  right {right:5}  delay {:.1} s",
            if *right > 0 { delay / *right as f64 } else { 0.0 }
        );
    }

    fn share(&self, count: u64) -> f64 {
        count as f64 / self.runs as f64
    }
}

/// Runs of one pattern: `make` gives the hellos and the end, and what is expected.
fn simulate(
    name: &str,
    runs: u64,
    mut make: impl FnMut(&mut Dice) -> (Vec<Hello>, f64, Option<(&'static [Rule], f64)>),
) -> Figures {
    let mut figures = Figures::default();
    for seed in 0..runs {
        let mut dice = Dice(seed * 7919 + name.len() as u64);
        let (hellos, end, expected) = make(&mut dice);
        figures.add(&played(hellos, seed, end), expected);
    }
    figures.print(name);
    figures
}

/// Fewer runs where each has many hellos.
fn runs(rate: f64) -> u64 {
    if rate > 100.0 {
        6
    } else if rate > 10.0 {
        30
    } else {
        300
    }
}

const NEWS: &[Rule] = &[Rule::FirstSight, Rule::LabelChange];

#[test]
fn a_service_that_was_always_there_is_seldom_news() {
    for pace in PACES {
        for rate in RATES {
            let figures = simulate(&format!("always in dc2, {rate}/s, {pace:?}"), runs(rate), |dice| {
                let clients = CLIENTS[dice.below(3) as usize];
                let end = dice.between(40.0, 120.0).min(6000.0 / rate).max(25.0);
                let hellos = times(dice, pace, rate, (0.0, end));
                (hellos.into_iter().map(|at| remote(at, dice.below(clients))).collect(), end, None)
            });
            // what is told at once after 5 s is taken back where too little comes later; of bursts in which nearly
            // all of a watch's hellos come at once, nothing can be known
            let bound = match pace {
                Pace::Bursts if rate < 0.3 => 0.8,
                _ if rate < 0.3 => 0.2,
                _ => 0.16,
            };
            assert!(
                figures.share(figures.first_sight) <= bound,
                "{} > {bound}",
                figures.share(figures.first_sight)
            );
            assert!(figures.share(figures.silence) <= 0.03, "{pace:?} {rate}: silence");
        }
    }
}

#[test]
fn health_checks_splits_and_retries_are_no_news() {
    let checks = simulate("health checks every 2 s", 300, |dice| {
        let phase = dice.share() * 2.02;
        let hellos = (0..40).map(|i| remote(phase + f64::from(i) * 2.02 + dice.share() * 0.01, 1));
        (hellos.collect(), 90.0, None)
    });
    assert_eq!(checks.any, 0);
    let beside = simulate("a failover beside health checks every 2 s", 300, |dice| {
        let phase = dice.share() * 2.02;
        let moved = dice.between(15.0, 40.0);
        let checks = (0..45).map(|i| remote(phase + f64::from(i) * 2.02 + dice.share() * 0.01, 1));
        let mut hellos: Vec<_> = checks.collect();
        // not so near a check that it might be one
        let moved = moved + if ((moved - phase) / 2.02).fract() < 0.1 { 0.3 } else { 0.0 };
        let moved = moved - if ((moved - phase) / 2.02).fract() > 0.9 { 0.3 } else { 0.0 };
        let rate = dice.between(1.0, 10.0);
        hellos.push(remote(moved, 1));
        hellos.extend(times(dice, Pace::Random, rate, (moved, 90.0)).into_iter().map(|at| remote(at, 1)));
        (hellos, 90.0, Some((NEWS, moved)))
    });
    assert!(beside.share(beside.right) >= 0.95, "{}", beside.right);
    for (share, rate) in [(0.5, 4.0), (0.1, 4.0), (0.9, 4.0), (0.5, 0.5), (0.2, 0.5), (0.5, 50.0)] {
        let figures = simulate(&format!("split, {share} to dc2, {rate}/s"), runs(rate).min(150), |dice| {
            let clients = CLIENTS[dice.below(3) as usize];
            let hellos = times(dice, Pace::Random, rate, (0.0, 90.0));
            let hellos = hellos.into_iter().map(|at| {
                let client = dice.below(clients);
                if dice.share() < share { remote(at, client) } else { direct(at, client) }
            });
            (hellos.collect(), 90.0, None)
        });
        assert!(figures.share(figures.any) <= 0.05, "{share} {rate}");
    }
    for rate in [0.2, 1.0, 4.0, 50.0] {
        let figures =
            simulate(&format!("retries elsewhere, one of twenty, {rate}/s"), runs(rate).min(150), |dice| {
                let mut hellos = Vec::new();
                let pace = PACES[dice.below(2) as usize];
                for at in times(dice, pace, rate, (0.0, 110.0)) {
                    let mut hello = direct(at, dice.below(3));
                    if dice.share() < 0.05 {
                        hello.result = Outcome::Reset;
                        hellos.push(remote(at + 0.03, hello.client));
                    }
                    hellos.push(hello);
                }
                (hellos, 110.0, None)
            });
        assert!(figures.share(figures.any) <= 0.05, "{rate}");
    }
    for rate in [0.2, 1.0, 4.0, 50.0] {
        let figures =
            simulate(&format!("two clients, a datacenter each, {rate}/s"), runs(rate).min(100), |dice| {
                let one: Vec<_> = times(dice, Pace::Random, rate, (0.0, 110.0))
                    .into_iter()
                    .map(|at| direct(at, 1))
                    .collect();
                let two = times(dice, Pace::Random, rate, (0.0, 110.0)).into_iter().map(|at| remote(at, 2));
                (one.into_iter().chain(two).collect(), 110.0, None)
            });
        // at one hello in 5 s, the second one's first comes before any of the first now and then, and after 5 s
        let bound = if rate < 1.0 { 0.15 } else { 0.03 };
        assert!(figures.share(figures.first_sight + figures.label_change) <= bound, "{rate}");
    }
}

#[test]
fn moves_are_found_at_their_time() {
    for pace in PACES {
        for rate in RATES {
            let figures =
                simulate(&format!("failover behind a gateway, {rate}/s, {pace:?}"), runs(rate), |dice| {
                    let clients = CLIENTS[dice.below(3) as usize];
                    let moved = dice.between(5.0, 60.0);
                    let end = moved + (20.0 / rate).clamp(8.0, 60.0);
                    let hellos = times(dice, pace, rate, (moved, end));
                    let mut hellos: Vec<_> =
                        hellos.into_iter().map(|at| remote(at, dice.below(clients))).collect();
                    hellos.push(Hello { dc: "dc2", ..remote(moved, 0) });
                    (hellos, end, Some((NEWS, moved)))
                });
            // at one in 5 s, a pause of little more than that is as well one of many: it is taken back
            let bound = match pace {
                Pace::Bursts if rate > 0.3 && rate < 1.0 => 0.65,
                _ if rate < 0.3 => 0.85,
                _ => 0.98,
            };
            assert!(figures.share(figures.right) >= bound, "{pace:?} {rate}");
        }
    }
    for rate in [2.0, 4.0, 50.0, 500.0] {
        let figures = simulate(&format!("the same with a baseline of 2.5 s, {rate}/s"), runs(rate), |dice| {
            let pace = PACES[dice.below(2) as usize];
            let hellos = times(dice, pace, rate, (2.5, 20.0));
            let first = hellos[0];
            let clients = CLIENTS[dice.below(3) as usize];
            (
                hellos.into_iter().map(|at| remote(at, dice.below(clients))).collect(),
                22.0,
                Some((NEWS, first)),
            )
        });
        assert!(figures.share(figures.right) >= 0.95, "{rate}");
    }
    for rate in RATES {
        let figures =
            simulate(&format!("failover of visible clients, {rate}/s each way"), runs(rate), |dice| {
                // enough of each client to know its habit
                let clients = CLIENTS[dice.below(3) as usize];
                let moved = dice.between(15.0, 30.0).max(8.0 / rate);
                let outage = dice.between(0.0, 8.0);
                let pace = PACES[dice.below(2) as usize];
                let before = times(dice, pace, rate, (0.0, moved));
                let end = moved + outage + (10.0 / rate).max(20.0);
                let after = times(dice, pace, rate, (moved + outage, end));
                let first = after[0];
                let mut hellos: Vec<_> =
                    before.into_iter().map(|at| direct(at, dice.below(clients))).collect();
                hellos.extend(after.into_iter().map(|at| remote(at, dice.below(clients))));
                (hellos, end, Some((NEWS, first)))
            });
        assert!(figures.share(figures.right) >= 0.95, "{rate}");
    }
}

#[test]
fn silence_is_found_and_pauses_are_not() {
    for pace in PACES {
        for rate in [2.0, 4.0, 50.0, 500.0] {
            let figures = simulate(&format!("failback, {rate}/s, {pace:?}"), runs(rate), |dice| {
                let stop = dice.between(8.0, 40.0);
                let hellos = times(dice, pace, rate, (0.0, stop));
                let last = *hellos.last().unwrap();
                let clients = CLIENTS[dice.below(3) as usize];
                let hellos = hellos.into_iter().map(|at| remote(at, dice.below(clients))).collect();
                (hellos, stop + 30.0, Some((&[Rule::Silence], last)))
            });
            // bursts with long pauses between them are no more than those
            let least = if matches!(pace, Pace::Bursts) && rate < 5.0 { 0.6 } else { 0.95 };
            assert!(figures.share(figures.right) >= least, "{pace:?} {rate}");
        }
    }
    for rate in [0.5, 4.0, 50.0] {
        let figures = simulate(&format!("a pause of 10 s, {rate}/s"), runs(rate).min(60), |dice| {
            let stop = dice.between(10.0, 40.0);
            let mut all = times(dice, Pace::Random, rate, (0.0, stop));
            all.extend(times(dice, Pace::Random, rate, (stop + 10.0, stop + 40.0)));
            (all.into_iter().map(|at| remote(at, dice.below(5))).collect(), stop + 40.0, None)
        });
        // at one hello in 2 s, a pause of 10 s is part of one of 20 s now and then
        assert!(figures.share(figures.silence) <= if rate < 1.0 { 0.1 } else { 0.03 }, "{rate}");
    }
}
