//! Answers that come after a move to hellos from before it: on a long line, these are the newest of the old target.

use super::Detector;
use super::client::Client;
use super::service::{Service, State, TargetId};
use super::tell::Told;
use crate::model::frame::Timestamp;
use crate::model::observation::Observation;

impl Detector {
    /// A hello to `target` did not fail.
    pub(super) fn answered(&mut self, record: &Observation, target: TargetId) {
        let time = record.time;
        let Some(service) = self.services.get_mut(target) else { return };
        let Some(place) = service.place_mut(target.place) else { return };
        place.answered = place.answered.max(Some(time));
        service.renew_last_old(target.place, time);
        let Service { clients, whole, moved_at, .. } = service;
        if let Some(client) = clients.get_mut(&record.flow.source_ip()) {
            client.renew_last_old(target.place, time);
        }
        if let Some(whole) = whole {
            whole.renew_last_old(target.place, time);
        }
        if time > *moved_at {
            return;
        }
        let of_this = |told: &&mut Told| {
            let found = &told.found;
            told.due.is_some()
                && (found.target.service, found.target.age, found.from)
                    == (target.service, target.age, Some(target.place))
        };
        for told in self.told.iter_mut().filter(of_this) {
            renew(&mut told.found.last_old, time, told.found.first.time);
        }
    }
}

impl Service {
    /// For first hellos under judgement.
    fn renew_last_old(&mut self, home: u8, time: Timestamp) {
        let Some(old) = self.place(home).map(|place| place.role) else { return };
        for (index, place) in (0..).zip(&mut self.places) {
            let fits = index != home && place.has_home_of(old);
            if let State::Fresh(fresh) = &mut place.state
                && fits
                && fresh.beside.is_none()
            {
                renew(&mut fresh.last_old, time, fresh.first.time);
            }
        }
    }
}

impl Client {
    /// For its run elsewhere.
    fn renew_last_old(&mut self, home: u8, time: Timestamp) {
        if let Some(away) = self.away.as_mut().filter(|_| self.home == home) {
            renew(&mut away.last_old, time, away.first.time);
        }
    }
}

fn renew(last_old: &mut Option<Timestamp>, time: Timestamp, first: Timestamp) {
    if time < first {
        *last_old = (*last_old).max(Some(time));
    }
}
