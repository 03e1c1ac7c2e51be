//! The three rules: when a first sight, a change of label or a silence is one.

use std::net::IpAddr;

use super::Detector;
use super::client::{Away, Client};
use super::event::{News, Rule};
use super::limits::{BASELINE, BEGIN, CONFIDENCE, LEARN, QUIET, SLOWEST};
use super::rate::silence;
use super::service::{Fresh, Place, Service, State, TargetId};
use super::tell::Found;
use crate::model::frame::Timestamp;

/// The greatest chance of meaning nothing with which a thing is told.
const CHANCE: f64 = 1.0 - CONFIDENCE;

/// What becomes of a first hello.
enum Verdict {
    /// It is too early to say.
    Wait,
    /// It was there before, as far as one can tell.
    Known,
    /// It is news; with the confidence.
    News(f64),
}

impl Detector {
    /// Judges a first hello where there is one to judge; `last`: with what is known, now.
    pub(super) fn judge(&mut self, target: TargetId, last: bool, news: &mut Vec<News>) {
        let Some(service) = self.services.get(target) else { return };
        let Some(place) = service.place(target.place) else { return };
        let State::Fresh(fresh) = &place.state else { return };
        let due = last || self.now.since(fresh.first.time) >= LEARN;
        let verdict = self.verdict(service, target.place, (place, fresh), due);
        match verdict {
            Verdict::Wait => {}
            Verdict::Known => {
                if let Some(place) = self.services.place_mut(target) {
                    if matches!(&place.state, State::Fresh(fresh) if fresh.beside.is_some()) {
                        place.checks = place.activity.count;
                    }
                    place.state = State::Known;
                }
            }
            Verdict::News(confidence) => self.first_sight(target, confidence, news),
        }
    }

    fn verdict(&self, service: &Service, index: u8, (place, fresh): (&Place, &Fresh), due: bool) -> Verdict {
        let early = if due { Verdict::Known } else { Verdict::Wait };
        if !place.is_remote() {
            return early;
        }
        let mut homes = service.homes(index).peekable();
        if homes.peek().is_some() {
            // the calls that would move are visible here: they must have gone
            let chance = homes.map(|(_, home)| self.gone_chance(home, fresh.first.time)).fold(0.0, f64::max);
            return if due && chance <= CHANCE { Verdict::News(1.0 - chance) } else { early };
        }
        if fresh.baseline >= BASELINE && fresh.beside.is_none() {
            return Verdict::News(1.0 - silence(SLOWEST, fresh.baseline));
        }
        let chance = fresh.trial.chance(self.now);
        if due && fresh.baseline >= BEGIN && chance <= CHANCE { Verdict::News(1.0 - chance) } else { early }
    }

    /// The chance that a datacenter that nobody has asked for since `since` merely pauses.
    fn gone_chance(&self, home: &Place, since: Timestamp) -> f64 {
        if home.activity.last >= since {
            1.0
        } else {
            home.activity.pause_chance(home.activity.pause(self.watched))
        }
    }

    fn first_sight(&mut self, target: TargetId, confidence: f64, news: &mut Vec<News>) {
        let Some(service) = self.services.get(target) else { return };
        let Some(Place { state: State::Fresh(fresh), .. }) = service.place(target.place) else { return };
        let from =
            service.homes(target.place).max_by_key(|(_, home)| home.activity.last).map(|(index, _)| index);
        let found = Found {
            rule: Rule::FirstSight,
            target,
            from,
            first: fresh.first,
            last_old: fresh.last_old,
            baseline: fresh.baseline,
            confidence,
            beside: fresh.beside,
        };
        self.tell(found, news);
    }

    /// Looks whether a client has left its datacenter, or all together have.
    pub(super) fn leave(&mut self, target: TargetId, ip: IpAddr, news: &mut Vec<News>) {
        let now = self.now;
        let Some(service) = self.services.get_mut(target) else { return };
        let among = service.clients.len().max(1);
        let mut left = [None, None];
        if let Some(client) = service.clients.get_mut(&ip).filter(|client| client.away.is_some()) {
            left[0] = settled(client, now, among);
            service.away = service.away.saturating_sub(usize::from(left[0].is_some()));
        }
        if let Some(whole) = &mut service.whole {
            left[1] = settled(whole, now, 1);
        }
        for (from, away, confidence) in left.into_iter().flatten() {
            let Some(service) = self.services.get(target) else { return };
            let told = service.place(away.place).is_none_or(|place| matches!(place.state, State::Told));
            // a run that began before the last move is a part of that
            if !told && away.first.time > service.moved_at {
                let to = TargetId { place: away.place, ..target };
                self.label_change(to, from, (&away, confidence), news);
            }
        }
    }

    fn label_change(
        &mut self,
        target: TargetId,
        from: u8,
        (away, confidence): (&Away, f64),
        news: &mut Vec<News>,
    ) {
        let Some(service) = self.services.get(target) else { return };
        // others may have gone ahead of the one that is sure
        let since = Timestamp(away.first.time.0.saturating_sub(LEARN)).max(service.moved_at.plus(1));
        let runs = service.clients.values().chain(&service.whole).filter_map(|client| client.away.as_ref());
        let runs = runs.filter(|run| run.place == target.place && run.first.time >= since);
        let run = runs.chain([away]).min_by_key(|run| (run.first.time, run.first.client)).unwrap_or(away);
        let first = run.first;
        let begin = self.begin.unwrap_or(first.time);
        let found = Found {
            rule: Rule::LabelChange,
            target,
            from: Some(from),
            first,
            last_old: run.last_old,
            baseline: first.time.since(begin),
            confidence,
            beside: None,
        };
        self.tell(found, news);
    }

    /// The regular look at everything that time alone decides; `last`: the watch ends.
    pub(super) fn sweep(&mut self, last: bool, news: &mut Vec<News>) {
        self.clients -= self.services.take_freed().min(self.clients);
        let mut fresh = Vec::new();
        let mut away = Vec::new();
        let mut silent = Vec::new();
        for (service, it) in self.services.iter() {
            for (index, place) in (0..).zip(&it.places) {
                let target = TargetId { place: index, ..service };
                match place.state {
                    State::Fresh(_) => fresh.push(target),
                    State::Known | State::Told if self.is_silent(it, place) => silent.push(target),
                    _ => {}
                }
            }
            if it.away > 0 {
                let open = it.clients.iter().filter(|(_, client)| client.away.is_some());
                away.extend(open.map(|(ip, client)| (service, client.away.map(|run| run.first.time), *ip)));
            }
        }
        // in an order of their own, not the table's
        away.sort_unstable_by_key(|(service, since, ip)| (service.service, *since, *ip));
        for (service, _, ip) in away {
            self.leave(service, ip, news);
        }
        for target in fresh {
            self.judge(target, last, news);
        }
        for target in silent {
            self.silence(target, news);
        }
    }

    fn is_silent(&self, service: &Service, place: &Place) -> bool {
        let Some((activity, newest)) = place.in_use() else { return false };
        let pause = activity.pause(self.watched);
        if pause < QUIET || !place.is_remote() || activity.pause_chance(pause) > CHANCE {
            return false;
        }
        // who still tries is not silent
        let lately = Timestamp(self.now.0.saturating_sub(QUIET));
        let is_client = |ip| service.clients.contains_key(&ip);
        self.failures.last_attempt(newest.server, lately, is_client).is_none()
    }

    fn silence(&mut self, target: TargetId, news: &mut Vec<News>) {
        let Some(place) = self.services.place(target) else { return };
        let Some((activity, newest)) = place.in_use() else { return };
        let found = Found {
            rule: Rule::Silence,
            target,
            from: Some(target.place),
            first: newest,
            last_old: None,
            baseline: activity.last.since(activity.first),
            confidence: 1.0 - activity.pause_chance(activity.pause(self.watched)),
            beside: None,
        };
        self.tell(found, news);
    }
}

/// The datacenter that a client has left, its run elsewhere and the confidence, where it has.
fn settled(client: &mut Client, now: Timestamp, among: usize) -> Option<(u8, Away, f64)> {
    if !client.has_left(now, among) {
        return None;
    }
    let confidence = 1.0 - client.stay_chance(now, among);
    client.settle().map(|(from, away)| (from, away, confidence))
}
