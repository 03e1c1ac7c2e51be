//! Finds services that move to another datacenter, move back, or fall silent, and says what failed before.
//!
//! A gateway in local mode sees nothing of a healthy service, so a failover there is a target that appears, and
//! a failback is one that falls silent; where both ways are visible, a client changes its target. That makes
//! three rules ([`event::Rule`]), and each event says which one found it. Time is the capture's, connections
//! count and not legs, and each service and target is told once, until it has gone again.
//!
//! Memory is bounded by the figures in `limits`; each says what makes room when it is reached.

pub mod cause;
pub mod event;
pub mod gateways;
pub mod merge;

mod answers;
mod beat;
mod callers;
mod client;
mod failures;
mod hops;
mod judge;
mod limits;
mod names;
mod rate;
mod service;
mod sight;
mod tell;
#[cfg(test)]
mod tests;
mod usual;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState as Secret;

use crate::failover::callers::Callers;
use crate::failover::event::{News, Story};
use crate::failover::failures::{Destination, Failures, is_failure};
use crate::failover::gateways::Gateways;
use crate::failover::hops::{Hops, Leg, Sight};
use crate::failover::limits::{BLIND, MAX_DESTINATIONS, MAX_SHARED, SECOND};
use crate::failover::names::Services;
use crate::failover::service::TargetId;
use crate::failover::sight::first;
use crate::failover::tell::Told;
use crate::model::frame::Timestamp;
use crate::model::name::Name;
use crate::model::observation::{Action, Handshake, Observation};

/// What a detector must know of the watch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// This place's datacenter, lower-cased: `--local-dc`. Roles of records are taken as they are.
    pub local: Option<Box<str>>,
    /// How long a connection may be unanswered before its record comes, nanoseconds.
    pub handshake_timeout: u64,
}

/// Watches services. Records go in as they come, before attempts are grouped; news come out.
#[derive(Debug)]
pub struct Detector {
    settings: Settings,
    services: Services,
    hops: Hops,
    gateways: Gateways,
    callers: Callers,
    failures: Failures,
    /// Which targets are known behind a destination.
    destinations: HashMap<Destination, Vec<TargetId>, Secret>,
    clients: usize,
    told: Vec<Told>,
    begin: Option<Timestamp>,
    now: Timestamp,
    /// Time that was watched, without the holes of the capture.
    watched: u64,
    next_sweep: Timestamp,
}

impl Detector {
    /// A detector that has seen nothing. The watch begins with the first [`Detector::tick`] or record.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            services: Services::default(),
            hops: Hops::default(),
            gateways: Gateways::default(),
            callers: Callers::default(),
            failures: Failures::default(),
            destinations: HashMap::default(),
            clients: 0,
            told: Vec::new(),
            begin: None,
            now: Timestamp::default(),
            watched: 0,
            next_sweep: Timestamp::default(),
        }
    }

    /// Takes a record: of a hello, of a handshake, or of a single attempt without a hello.
    pub fn observe(&mut self, record: &Observation, news: &mut Vec<News>) {
        if record.action == Action::End {
            return;
        }
        self.clock(record.completed);
        match &record.name {
            Some(name) if record.hello.is_some() => self.named(record, name, news),
            _ => self.attempt(record),
        }
    }

    /// The capture's time has come to `now`.
    pub fn tick(&mut self, now: Timestamp, news: &mut Vec<News>) {
        self.clock(now);
        if self.now >= self.next_sweep {
            self.next_sweep = self.now.plus(SECOND);
            self.sweep(false, news);
        }
        self.settle(false, news);
    }

    /// The end of the watch: judges with what there is, and tells what is left.
    pub fn finish(&mut self, news: &mut Vec<News>) {
        self.sweep(true, news);
        self.settle(true, news);
    }

    /// The events so far as they look now, in order.
    pub fn stories(&self) -> Vec<Story> {
        self.told.iter().map(|told| self.story(told)).collect()
    }

    /// The first and the last request for a remote target, as far as it was not found silent in between.
    pub fn in_use(&self, name: &Name) -> Option<(Timestamp, Timestamp)> {
        let (activity, _) = self.services.place_of(name).filter(|place| place.is_remote())?.in_use()?;
        Some((activity.first, activity.last))
    }

    /// Services that were not watched because there were too many.
    pub fn unwatched(&self) -> u64 {
        self.services.unwatched
    }

    fn clock(&mut self, now: Timestamp) {
        self.begin.get_or_insert(now);
        if self.now != Timestamp::default() {
            self.watched += now.since(self.now).min(BLIND);
        }
        self.now = self.now.max(now);
    }

    /// A record with a name.
    fn named(&mut self, record: &Observation, name: &Arc<Name>, news: &mut Vec<News>) {
        let Some(hello) = &record.hello else { return };
        let Some(target) = self.services.target_of(name, self.watched, first(record)) else {
            return;
        };
        self.shown(record);
        let mut speaks = true;
        match self.hops.look(record, hello, target) {
            Sight::New => self.sighting(record, target, news),
            Sight::Same => {}
            Sight::Further(leg) => {
                speaks = false;
                self.further(record, leg, news);
            }
        }
        if let Some(handshake) = record.handshake.as_ref().filter(|_| speaks) {
            self.outcome(record, handshake, target);
        }
    }

    /// Another leg: whoever passes a hello on is a gateway.
    fn further(&mut self, record: &Observation, leg: Leg, news: &mut Vec<News>) {
        let target = leg.target;
        self.learn((record.flow.destination_ip(), record.flow.ports.1), target);
        if record.flow.source_ip() != leg.server() {
            return;
        }
        self.gateways.learn(leg.server());
        let Some(place) = self.services.place_mut(target) else { return };
        if !std::mem::replace(&mut place.gateway, true) {
            self.judge(target, false, news);
        }
    }

    /// How a connection went.
    fn outcome(&mut self, record: &Observation, handshake: &Handshake, target: TargetId) {
        self.failures.note(record, handshake, Some(target));
        if !is_failure(handshake.result) {
            self.answered(record, target);
        }
    }

    /// A connection that came to no hello.
    fn attempt(&mut self, record: &Observation) {
        let Some(handshake) = record.handshake.as_ref().filter(|it| it.attempts.is_some()) else { return };
        self.failures.note(record, handshake, None);
        let server = (record.flow.destination_ip(), record.flow.ports.1);
        // of one that serves several, nobody knows for which the client came
        if let Some([target]) = self.destinations.get(&server).map(Vec::as_slice)
            && let Some(service) = self.services.get_mut(*target)
            && let Some(client) = service.clients.get_mut(&record.flow.source_ip())
        {
            client.note_use(target.place, record.time);
        }
    }

    /// Notes that a target is reached at this destination.
    fn learn(&mut self, server: Destination, target: TargetId) {
        let room = self.destinations.len() < MAX_DESTINATIONS;
        if let Some(known) = self.destinations.get_mut(&server) {
            known.retain(|one| self.services.is_current(*one));
            if !known.contains(&target) && known.len() < MAX_SHARED {
                known.push(target);
            }
        } else if room {
            self.destinations.insert(server, vec![target]);
        }
    }
}
