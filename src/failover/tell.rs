//! Makes events of what the rules found: at once for the eye, and whole once it is known who moved.

use std::net::IpAddr;
use std::sync::Arc;

use super::Detector;
use super::client::First;
use super::event::{Event, Evidence, Heading, News, Rule, Story};
use super::failures::Failure;
use super::limits::{CONFIDENCE, FEW, LEARN, MAX_STORIES, SETTLE, SLOWEST};
use super::rate::{Activity, silence};
use super::service::{Place, Service, State, TargetId};
use crate::model::certificate::Identity;
use crate::model::frame::Timestamp;
use crate::model::mesh::Role;

/// What a rule found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) rule: Rule,
    /// The new target, or the silent one.
    pub(super) target: TargetId,
    /// Index of the datacenter before.
    pub(super) from: Option<u8>,
    /// The first hello to the new target, or the last to the silent one.
    pub(super) first: First,
    pub(super) last_old: Option<Timestamp>,
    pub(super) baseline: u64,
    pub(super) confidence: f64,
    /// The period of the health checks beside which it was found.
    pub(super) beside: Option<u64>,
}

/// An event that was told, or waits for its record.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) found: Found,
    pub(super) event: Event,
    /// When its record is due; `None` once it is written.
    pub(super) due: Option<Timestamp>,
    /// Whom the certificate of its first connection names.
    pub(super) caller: Option<Arc<Identity>>,
    /// It was none.
    pub(super) usual: bool,
}

impl Detector {
    /// Tells what a rule found, and notes that it was told.
    pub(super) fn tell(&mut self, found: Found, news: &mut Vec<News>) {
        let Some(event) = self.event(&found) else { return };
        let Some(service) = self.services.get_mut(found.target) else { return };
        let silent = found.rule == Rule::Silence;
        if let Some(place) = service.place_mut(found.target.place) {
            if silent {
                place.fall_silent();
            } else {
                place.state = State::Told;
                // what was told at once is in use, however regularly it asks
                place.checked &= found.beside.is_some();
            }
        }
        if let (Some(from), false) = (found.from, silent) {
            service.moved = Some((from, found.target.place));
            service.moved_at = found.first.time;
            if let Some(place) = service.place_mut(from) {
                place.state = State::Left;
            }
        }
        service.count_anew();
        news.push(News::Noticed(Box::new(event.clone())));
        let due = if silent {
            news.push(News::Settled(Box::new(event.clone())));
            None
        } else {
            let settle = self.settings.handshake_timeout.saturating_add(SETTLE);
            Some(found.first.time.plus(settle).max(self.now))
        };
        self.told.push(Told { found, event, due, caller: None, usual: false });
        if self.told.len() > MAX_STORIES
            && let Some(oldest) = self.told.iter().position(|told| told.due.is_none())
        {
            self.told.remove(oldest);
        }
    }

    /// Writes the records that are due, or all.
    pub(super) fn settle(&mut self, all: bool, news: &mut Vec<News>) {
        for index in 0..self.told.len() {
            let Some(told) = self.told.get(index) else { return };
            if told.due.is_none_or(|due| due > self.now && !all) {
                continue;
            }
            if let Some(later) = self.needs_more(told).filter(|_| !all) {
                if let Some(told) = self.told.get_mut(index) {
                    told.due = Some(later);
                }
                continue;
            }
            let event = self.renewed(told);
            let usual = event.confidence < CONFIDENCE;
            news.push(if usual {
                News::Withdrawn(Box::new(event.clone()))
            } else {
                News::Settled(Box::new(event.clone()))
            });
            if let Some(told) = self.told.get_mut(index) {
                (told.event, told.due, told.usual) = (event, None, usual);
            }
        }
        self.forget_usual();
    }

    fn event(&self, found: &Found) -> Option<Event> {
        let service = self.services.get(found.target)?;
        let place = service.place(found.target.place)?;
        let silent = found.rule == Rule::Silence;
        let activity = place.in_use().map_or(&place.activity, |(activity, _)| activity);
        let time = found.first.time;
        let label = |index: u8| service.place(index).map(|place| place.label.clone());
        let gap =
            if silent { Some(self.now.since(time)) } else { found.last_old.map(|last| time.since(last)) };
        let event = Event {
            rule: found.rule,
            heading: self.heading(found, service, place),
            time,
            noticed: self.now,
            name: Arc::clone(&place.name),
            old_name: found.from.and_then(|from| service.place(from)).map(|old| Arc::clone(&old.name)),
            from: found.from.and_then(label),
            to: label(found.target.place).filter(|_| !silent),
            first_seen: if silent { activity.first } else { time },
            last_seen_old: if silent { Some(time) } else { found.last_old },
            gap,
            baseline: found.baseline,
            confidence: found.confidence,
            rate: activity.rate(),
            beside: found.beside,
            moved: 0,
            moved_callers: Vec::new(),
            stale: Vec::new(),
            evidence: Evidence::default(),
            client: found.first.client,
            caller: self.caller(found.first.client, place.role),
            server: found.first.server.0,
            gateway: place.gateway,
            role: place.role,
            origin: found.first.origin,
            packet: found.first.packet,
        };
        Some(self.with_circumstances(found, service, event))
    }

    fn heading(&self, found: &Found, service: &Service, place: &Place) -> Heading {
        let local = self.settings.local.as_deref().map(|local| *local == *place.label);
        let back =
            service.moved.is_some_and(|(from, to)| from == found.target.place && Some(to) == found.from);
        match found.rule {
            Rule::Silence => Heading::Silence,
            Rule::FirstSight if place.role == Some(Role::Ingress) => Heading::Ingress,
            Rule::LabelChange if local.unwrap_or(back) => Heading::Failback,
            Rule::FirstSight | Rule::LabelChange => Heading::Failover,
        }
    }

    /// The event with what is known by now.
    fn renewed(&self, told: &Told) -> Event {
        let (found, event) = (&told.found, told.event.clone());
        let Some(service) = self.services.get(found.target) else { return event };
        let known = told.due.is_none().then(|| event.stale.clone());
        let mut event = self.with_circumstances(found, service, event);
        if let Some(next) = self.next_move(found) {
            // who follows the next move, or the way back, was not left behind by this one
            event.stale.retain(|stale| stale.last < next);
            event.stale = known.unwrap_or(event.stale);
        }
        event.caller = told.caller.clone().or(event.caller);
        if found.rule != Rule::Silence {
            event.last_seen_old = found.last_old;
            event.gap = found.last_old.map(|last| event.time.since(last));
        }
        let Some(place) = service.place(found.target.place) else { return event };
        let requests = place.in_use().map(|(activity, _)| activity).filter(|it| it.count > FEW);
        event.rate = requests.and_then(Activity::rate);
        // a first hello that was told at once: by now there may be a rate
        if let Some(place) = self.at_once(found).filter(|_| told.due.is_some()) {
            let since = (self.now.since(found.first.time), self.watched);
            let chance = place.activity.first_chance(event.baseline, since);
            event.confidence = 1.0 - chance.unwrap_or_else(|| silence(SLOWEST, event.baseline));
        }
        event
    }

    /// When the service moved next.
    fn next_move(&self, found: &Found) -> Option<Timestamp> {
        let this = (found.target.service, found.target.age);
        let same = |it: &&Found| (it.target.service, it.target.age) == this && it.rule != Rule::Silence;
        let moves = self.told.iter().map(|told| &told.found).filter(same);
        moves.map(|it| it.first.time).filter(|time| *time > found.first.time).min()
    }

    /// Who moved, who did not, and what failed before.
    fn with_circumstances(&self, found: &Found, service: &Service, event: Event) -> Event {
        let target = found.target;
        if found.rule == Rule::Silence {
            let same = |failure: &Failure| match failure.target {
                Some(of) => of == target,
                None => failure.server == found.first.server && service.clients.contains_key(&failure.client),
            };
            // what failed right after the last hello belongs to it, what comes later does not
            let evidence = self.failures.within((event.time, LEARN), same);
            return Event { evidence, ..event };
        }
        let since = found.first.time;
        let moved = |ip: IpAddr| {
            service
                .clients
                .get(&ip)
                .and_then(|client| client.last_use(target.place))
                .is_some_and(|last| last >= since)
        };
        let old = |failure: &Failure| self.is_of_old(failure, found, service, moved);
        let mut stale = service.stale(target.place, since);
        for one in &mut stale {
            one.caller = self.caller(one.client, event.role);
        }
        // who passes these hellos on and is asked for them is a gateway, of which a leg in was lost
        let asked = |ip| self.destinations.get(&(ip, found.first.server.1));
        let clients = || {
            let all = service.moved_to(target.place, since);
            all.filter(|ip| asked(*ip).is_none_or(|known| !known.contains(&target)))
        };
        Event {
            moved: clients().count() as u64,
            moved_callers: self.names_of(clients(), event.role),
            stale,
            evidence: self.failures.within((since, 0), old),
            ..event
        }
    }

    /// True if a failure belongs to another datacenter of the service, or may: an attempt of a client that moved,
    /// at a destination that nothing else is known of.
    fn is_of_old(
        &self,
        failure: &Failure,
        found: &Found,
        service: &Service,
        moved: impl Fn(IpAddr) -> bool,
    ) -> bool {
        let target = found.target;
        let old =
            |of: &TargetId| of.service == target.service && of.age == target.age && of.place != target.place;
        if let Some(of) = &failure.target {
            return old(of);
        }
        let mut homes = service.homes(target.place);
        if homes.any(|(_, home)| home.newest.server == failure.server) {
            return service.clients.contains_key(&failure.client);
        }
        match self.destinations.get(&failure.server) {
            Some(known) => known.iter().any(old),
            None => moved(failure.client),
        }
    }

    /// An event as it looks now.
    pub(super) fn story(&self, told: &Told) -> Story {
        let event = if told.found.rule == Rule::Silence { told.event.clone() } else { self.renewed(told) };
        let last = self.services.place(told.found.target).map_or(event.time, |place| place.activity.last);
        Story { event, last, also: Vec::new() }
    }
}
