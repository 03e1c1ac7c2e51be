//! What a new hello says of its target and of its client.

use std::net::IpAddr;

use super::Detector;
use super::beat::{Rhythm, SLOW};
use super::client::{Client, First};
use super::event::News;
use super::failures::{Destination, Failure};
use super::limits::{ALL_CLIENTS, BASELINE, MAX_CLIENTS};
use super::rate::Trial;
use super::service::{Fresh, Service, State, TargetId};
use crate::model::frame::Timestamp;
use crate::model::mesh::Role;
use crate::model::observation::Observation;

impl Detector {
    /// A hello that was not seen before.
    pub(super) fn sighting(&mut self, record: &Observation, target: TargetId, news: &mut Vec<News>) {
        let hello = first(record);
        self.learn(hello.server, target);
        let gateway = self.gateways.see(&record.flow);
        self.catch_up(target, hello);
        let watched = self.watched;
        let Some(service) = self.services.get_mut(target) else { return };
        service.last = service.last.max(hello.time);
        let Some(place) = service.place_mut(target.place) else { return };
        place.gateway |= gateway;
        place.role = record.role.or(place.role);
        place.newest = hello;
        let before = match &mut place.state {
            State::New => Some(None),
            State::Silent => Some(Some(place.activity.last)),
            State::Fresh(fresh) if fresh.beside.is_none() => {
                fresh.trial.hello(hello.time);
                None
            }
            State::Fresh(_) | State::Known | State::Told | State::Left => None,
        };
        match before {
            Some(None) => {}
            Some(Some(_)) => place.begin_anew(hello, watched),
            None => place.activity.hello(hello.time, watched),
        }
        if let Some(before) = before {
            self.open(target, hello, before);
        }
        self.client_hello(target, hello);
        self.rhythm(target, hello);
        self.judge(target, false, news);
        self.leave(target, hello.client, news);
    }

    /// After a pause: attempts that came to no hello were signs of interest too.
    fn catch_up(&mut self, target: TargetId, hello: First) {
        let Some(service) = self.services.get(target) else { return };
        let Some(place) = service.place(target.place) else { return };
        let last = place.activity.last;
        if hello.time.since(last) < BASELINE {
            return;
        }
        let is_client = |ip| service.clients.contains_key(&ip);
        let Some(tried) = self.failures.last_attempt(place.newest.server, last, is_client) else { return };
        let watched = self.watched.saturating_sub(self.now.since(tried));
        if let Some(place) = self.services.place_mut(target) {
            place.activity.attempt(watched);
        }
    }

    /// A first hello: how long was it not there?
    fn open(&mut self, target: TargetId, hello: First, before: Option<Timestamp>) {
        let begin = self.begin.unwrap_or(hello.time);
        let since = before.unwrap_or(begin).max(begin);
        // who has just tried in vain to reach the same gateway was not silent
        let recently = Timestamp(hello.time.0.saturating_sub(BASELINE)).max(since);
        let tried = self.failures.last_attempt(hello.server, recently, |ip| ip == hello.client);
        let baseline = hello.time.since(tried.unwrap_or(since));
        let Some(service) = self.services.get_mut(target) else { return };
        let last_old = service.homes(target.place).filter_map(|(_, home)| home.answered).max();
        if let Some(place) = service.place_mut(target.place) {
            let trial = Trial::new(hello.time, baseline);
            let fresh = Fresh { first: hello, last_old, baseline, trial, beside: None };
            place.state = State::Fresh(Box::new(fresh));
        }
    }

    /// Is it a health check? Of a target that only checks have asked for, what comes beside them is a first hello.
    fn rhythm(&mut self, target: TargetId, hello: First) {
        let begin = self.begin.unwrap_or(hello.time);
        let watched = self.watched;
        let Some(service) = self.services.get_mut(target) else { return };
        let client = service.clients.get_mut(&hello.client);
        let rhythm = client.map_or(Rhythm::None, |client| client.rhythm(target.place, hello.time));
        let Some(place) = service.place_mut(target.place) else { return };
        if matches!(rhythm, Rhythm::None | Rhythm::Off(_)) {
            place.note_demand(hello, watched);
        }
        let period = match rhythm {
            Rhythm::None => return,
            Rhythm::Begun { count, period } => {
                place.checked |= period >= SLOW && matches!(place.state, State::Fresh(_) | State::Known);
                return place.note_checks(count);
            }
            Rhythm::On => return place.note_checks(1),
            Rhythm::Again => {
                place.take_back_demand(hello.client);
                return place.note_checks(2);
            }
            Rhythm::Off(period) => period,
        };
        match &mut place.state {
            State::Fresh(fresh) if fresh.beside.is_some() => fresh.trial.hello(hello.time),
            State::Known if place.checks + 1 == place.activity.count => {
                let baseline = hello.time.since(place.beside.unwrap_or(begin));
                let trial = Trial::new(hello.time, baseline);
                let fresh = Fresh { first: hello, last_old: None, baseline, trial, beside: Some(period) };
                place.state = State::Fresh(Box::new(fresh));
            }
            _ => return,
        }
        place.beside = Some(hello.time);
    }

    /// The history of the client, and of all clients together.
    fn client_hello(&mut self, target: TargetId, hello: First) {
        let clients = self.clients;
        let (failures, destinations) = (&self.failures, &self.destinations);
        let Some(service) = self.services.get_mut(target) else { return };
        if !service.clients.contains_key(&hello.client)
            && service.clients.len() < MAX_CLIENTS
            && clients < ALL_CLIENTS
        {
            self.clients += 1;
            service.clients.insert(hello.client, Client::new(target.place, hello.time));
        }
        let ingress = service.place(target.place).is_some_and(|place| place.role == Some(Role::Ingress));
        let failed = |home: u8, ip: Option<IpAddr>| {
            let home = TargetId { place: home, ..target };
            let there = |server: &Destination| {
                destinations.get(server).is_some_and(|known: &Vec<TargetId>| known.contains(&home))
            };
            let at_home = |failure: &Failure| {
                ip.is_none_or(|ip| failure.client == ip)
                    && failure.target.map_or_else(|| there(&failure.server), |of| of == home)
            };
            failures.any_before(hello.time, at_home)
        };
        let Service { places, clients, whole, away, .. } = service;
        let answered = |home: u8| places.get(usize::from(home)).and_then(|home| home.answered);
        if let Some(client) = clients.get_mut(&hello.client) {
            let (home, was_away) = (client.home, client.away.is_some());
            client.hello(target.place, (hello, answered(home)), || failed(home, Some(hello.client)));
            *away = (*away + usize::from(client.away.is_some())).saturating_sub(usize::from(was_away));
        }
        // requests from elsewhere are no part of what may move away from here
        if !ingress {
            let whole = whole.get_or_insert_with(|| Client::new(target.place, hello.time));
            let home = whole.home;
            whole.hello(target.place, (hello, answered(home)), || failed(home, None));
        }
    }
}

/// Where and when a hello was.
pub(super) fn first(record: &Observation) -> First {
    First {
        time: record.time,
        client: record.flow.source_ip(),
        server: (record.flow.destination_ip(), record.flow.ports.1),
        origin: record.origin,
        packet: record.packet,
    }
}
