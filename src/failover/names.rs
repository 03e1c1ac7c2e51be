//! The services of the watch, found by the names that go by.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState as Secret;

use super::client::First;
use super::limits::{FORGET, LOOK, MAX_NAMES, MAX_SERVICES};
use super::rate::Activity;
use super::service::{self, Label, Place, Service, State, TargetId};
use crate::model::frame::Timestamp;
use crate::model::name::Name;

/// All services.
#[derive(Debug, Default)]
pub(super) struct Services {
    all: Vec<Service>,
    index: HashMap<Label, u32, Secret>,
    /// Target of a name by its text.
    names: HashMap<Box<str>, Option<TargetId>, Secret>,
    /// Where the next one without a place looks for one.
    hand: usize,
    /// Clients of services that were forgotten, since last asked.
    freed: usize,
    /// Services that found no place.
    pub(super) unwatched: u64,
}

impl Services {
    /// The target of a name; `None` where it is not watched. A new one is made for `hello`, which comes at
    /// `watched` in watched time.
    pub(super) fn target_of(&mut self, name: &Arc<Name>, watched: u64, hello: First) -> Option<TargetId> {
        let text = name.text()?;
        let known = self.names.get(text).copied();
        if let Some(known) = known.filter(|known| known.is_none_or(|target| self.is_current(target))) {
            return known;
        }
        let target = self.find(name, watched, hello);
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        // what found no place now may find one later
        if target.is_some() || service::parts(name).is_none() {
            self.names.insert(text.into(), target);
        }
        target
    }

    fn find(&mut self, name: &Arc<Name>, watched: u64, hello: First) -> Option<TargetId> {
        let (label, place) = service::parts(name)?;
        let slot = match self.index.get(&label) {
            Some(slot) => *slot,
            None => self.make(label, hello.time)?,
        };
        let service = self.all.get_mut(slot as usize)?;
        let index = service.place_of(place).or_else(|| {
            if !service.has_room() {
                return None;
            }
            let index = u8::try_from(service.places.len()).ok()?;
            service.places.push(Place {
                label: place.into(),
                name: Arc::clone(name),
                state: State::New,
                activity: Activity::new(hello.time, watched),
                answered: None,
                newest: hello,
                checks: 0,
                beside: None,
                checked: false,
                demand: None,
                gateway: false,
                role: None,
            });
            Some(index)
        })?;
        Some(TargetId { service: slot, age: service.age, place: index })
    }

    /// What is known of a name's target.
    pub(super) fn place_of(&self, name: &Name) -> Option<&Place> {
        let (label, place) = service::parts(name)?;
        let service = self.all.get(*self.index.get(&label)? as usize)?;
        service.place(service.place_of(place)?)
    }

    /// A slot for a new service.
    fn make(&mut self, label: Label, now: Timestamp) -> Option<u32> {
        let slot = if self.all.len() < MAX_SERVICES {
            self.all.push(Service::new(label.clone(), 0, now));
            self.all.len() - 1
        } else {
            let Some(slot) = self.idle(now) else {
                self.unwatched += 1;
                return None;
            };
            let old = self.all.get_mut(slot)?;
            let new = Service::new(label.clone(), old.age.wrapping_add(1), now);
            let old = std::mem::replace(old, new);
            self.index.remove(&old.label);
            self.freed += old.clients.len();
            slot
        };
        let slot = u32::try_from(slot).ok()?;
        self.index.insert(label, slot);
        Some(slot)
    }

    /// A slot whose service was not asked for in a long time.
    fn idle(&mut self, now: Timestamp) -> Option<usize> {
        for _ in 0..LOOK {
            self.hand = (self.hand + 1) % self.all.len().max(1);
            if self.all.get(self.hand).is_some_and(|service| now.since(service.last) > FORGET) {
                return Some(self.hand);
            }
        }
        None
    }

    /// Clients that went with forgotten services, since this was last asked.
    pub(super) fn take_freed(&mut self) -> usize {
        std::mem::take(&mut self.freed)
    }

    /// True if the slot still belongs to this service.
    pub(super) fn is_current(&self, target: TargetId) -> bool {
        self.get(target).is_some()
    }

    pub(super) fn get(&self, target: TargetId) -> Option<&Service> {
        self.all.get(target.service as usize).filter(|service| service.age == target.age)
    }

    pub(super) fn get_mut(&mut self, target: TargetId) -> Option<&mut Service> {
        self.all.get_mut(target.service as usize).filter(|service| service.age == target.age)
    }

    pub(super) fn place(&self, target: TargetId) -> Option<&Place> {
        self.get(target)?.place(target.place)
    }

    pub(super) fn place_mut(&mut self, target: TargetId) -> Option<&mut Place> {
        self.get_mut(target)?.place_mut(target.place)
    }

    /// All services with the identity of their first place.
    pub(super) fn iter(&self) -> impl Iterator<Item = (TargetId, &Service)> {
        (0..)
            .zip(&self.all)
            .map(|(slot, service)| (TargetId { service: slot, age: service.age, place: 0 }, service))
    }
}
