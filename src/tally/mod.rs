//! Counts connections by what the user asks: service, datacenter, name, addresses. Bounded.
//!
//! A connection counts once, in the group and with the outcome and latency of the leg whose hello came first:
//! the one that is nearest to the client. Its other legs (the same hello on another flow, behind a gateway)
//! add to the legs alone. A record
//! of several attempts counts as that many connections of one leg each. Memory is bounded by the limit of
//! groups, the window of remembered hellos, and the caps below.

mod group;
pub mod histogram;
mod legs;
pub mod snapshot;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState as Secret;
use hashbrown::HashTable;

use crate::model::frame::Timestamp;
use crate::model::name::Name;
use crate::model::observation::{Action, Handshake, Observation, Outcome};
use crate::model::stats::RunStats;
use crate::tally::group::{Group, GroupKey};
use crate::tally::legs::{Counted, Legs, Sight};
use crate::tally::snapshot::{Dimension, Row, Snapshot};

/// Groups that are kept where the user does not say.
pub const DEFAULT_LIMIT: usize = 10_000;

/// Distinct clients that a group counts exactly; beyond that it stays at this number.
const CLIENTS: usize = 1024;

/// Distinct clients of all groups together, about 5 MB.
const ALL_CLIENTS: usize = 262_144;

/// In place of a group's number: the connection is in no group.
const OTHER: u32 = u32::MAX;

/// What the name contributes to a group's key: one value for each dimension that the name decides.
type Label = Box<[Option<Box<str>>]>;

/// The counters of a run.
pub struct Tally {
    by: Vec<Dimension>,
    limit: usize,
    secret: Secret,
    labels: Vec<Label>,
    /// Places in `labels`, by what stands there.
    known: HashTable<u32>,
    index: HashMap<GroupKey, u32, Secret>,
    groups: Vec<Group>,
    window: Legs,
    connections: u64,
    legs: u64,
    other: u64,
    spare_clients: usize,
}

impl Tally {
    /// Counts by these dimensions, in at most `limit` groups; with a limit of 0, connections and legs alone.
    pub fn new(by: Vec<Dimension>, limit: usize) -> Self {
        Self {
            by,
            limit: limit.min(OTHER as usize - 1),
            secret: Secret::default(),
            labels: Vec::new(),
            known: HashTable::new(),
            index: HashMap::default(),
            groups: Vec::new(),
            window: Legs::new(),
            connections: 0,
            legs: 0,
            other: 0,
            spare_clients: ALL_CLIENTS,
        }
    }

    /// Counts a [`Action::Handshake`] record; others are of connections that have or will have one.
    pub fn observe(&mut self, observation: &Observation) {
        let (Action::Handshake, Some(handshake)) = (observation.action, &observation.handshake) else {
            return;
        };
        let token = match self.window.look(observation) {
            Sight::New(token) => token,
            Sight::Leg(counted) => {
                let counted = counted.copied();
                self.further_leg(observation, handshake, counted);
                return;
            }
        };
        let weight = handshake.attempts.unwrap_or(1).max(1);
        self.connections += weight;
        self.legs += weight;
        let counted = self.counted(observation, handshake, weight);
        self.window.remember(&token, counted);
        match counted {
            Some(counted) => self.add(&counted, weight),
            None => self.other += weight,
        }
    }

    /// How a record counts; `None` where it is in no group.
    fn counted(&mut self, observation: &Observation, handshake: &Handshake, legs: u64) -> Option<Counted> {
        let group = self.group_of(observation);
        (group != OTHER).then(|| Counted {
            group,
            time: observation.time,
            outcome: handshake.result,
            latency: handshake.latency.filter(|_| handshake.result == Outcome::Ok),
            client: self.secret.hash_one(observation.flow.source_ip()),
            legs,
        })
    }

    /// A further leg: it speaks for the connection if its hello came earlier.
    fn further_leg(&mut self, observation: &Observation, handshake: &Handshake, counted: Option<Counted>) {
        self.legs += 1;
        let Some(before) = counted else { return };
        let now = if observation.time < before.time {
            self.take_back(&before);
            let now = self.counted(observation, handshake, before.legs + 1).unwrap_or(before);
            self.add(&now, 1);
            now
        } else {
            if let Some(group) = self.groups.get_mut(before.group as usize) {
                group.legs += 1;
            }
            Counted { legs: before.legs + 1, ..before }
        };
        if let Sight::Leg(Some(counted)) = self.window.look(observation) {
            *counted = now;
        }
    }

    fn add(&mut self, counted: &Counted, weight: u64) {
        let Some(group) = self.groups.get_mut(counted.group as usize) else { return };
        group.add(counted, weight);
        let room = self.spare_clients > 0 && group.clients.len() < CLIENTS;
        if let Some(known) = group.clients.get_mut(&counted.client) {
            *known += 1;
        } else if room {
            group.clients.insert(counted.client, 1);
            self.spare_clients -= 1;
        }
    }

    fn take_back(&mut self, counted: &Counted) {
        let Some(group) = self.groups.get_mut(counted.group as usize) else { return };
        group.take_back(counted);
        if let Some(known) = group.clients.get_mut(&counted.client) {
            *known -= 1;
            if *known == 0 {
                group.clients.remove(&counted.client);
                self.spare_clients += 1;
            }
        }
    }

    /// The state as outputs read it; `now` is the capture time of the newest packet.
    pub fn snapshot(&self, stats: &RunStats, now: Timestamp) -> Snapshot {
        let label = |group: &Group| {
            self.labels.get(group.key.label as usize).map(|label| &**label).unwrap_or_default()
        };
        let counted = self.groups.iter().filter(|group| group.connections > 0);
        let mut rows: Vec<Row> = counted.map(|group| group.row(&self.by, label(group))).collect();
        rows.sort_by(|a, b| b.connections.cmp(&a.connections).then_with(|| a.key.cmp(&b.key)));
        Snapshot {
            stats: *stats,
            connections: self.connections,
            legs: self.legs,
            by: self.by.clone(),
            rows,
            other: self.other,
            now,
        }
    }

    /// The number of the connection's group, made where there is room; else [`OTHER`].
    fn group_of(&mut self, observation: &Observation) -> u32 {
        if self.limit == 0 {
            return OTHER;
        }
        let label = self.label_of(observation.name.as_deref());
        if label == OTHER {
            return OTHER;
        }
        let address = |dimension, ip| self.by.contains(&dimension).then_some(ip);
        let flow = &observation.flow;
        let key = GroupKey {
            label,
            source: address(Dimension::Source, flow.source_ip()),
            destination: address(Dimension::Destination, flow.destination_ip()),
        };
        if let Some(number) = self.index.get(&key) {
            return *number;
        }
        let Some(number) = self.next(self.groups.len()) else { return OTHER };
        self.groups.push(Group::new(key, observation.time));
        self.index.insert(key, number);
        number
    }

    /// The number of the label that `name` has, new where there is room; else [`OTHER`].
    fn label_of(&mut self, name: Option<&Name>) -> u32 {
        let of_names = || self.by.iter().filter(|dimension| is_of_names(**dimension));
        let values = || of_names().map(|dimension| name.and_then(|name| value(*dimension, name)));
        let mut hasher = self.secret.build_hasher();
        values().for_each(|value| value.hash(&mut hasher));
        let hash = hasher.finish();
        let label =
            |number: &u32| self.labels.get(*number as usize).map(|label| &**label).unwrap_or_default();
        let same = |number: &u32| label(number).iter().map(Option::as_deref).eq(values());
        if let Some(number) = self.known.find(hash, same) {
            return *number;
        }
        let new: Label = values().map(|value| value.map(Box::from)).collect();
        let Some(number) = self.next(self.labels.len()) else { return OTHER };
        self.labels.push(new);
        let (labels, secret) = (&self.labels, &self.secret);
        let again = |number: &u32| {
            let mut hasher = secret.build_hasher();
            let label = labels.get(*number as usize).map(|label| &**label).unwrap_or_default();
            for value in label {
                value.as_deref().hash(&mut hasher);
            }
            hasher.finish()
        };
        self.known.insert_unique(hash, number, again);
        number
    }

    /// The number of the next group or label.
    fn next(&self, taken: usize) -> Option<u32> {
        (taken < self.limit).then(|| u32::try_from(taken).ok()).flatten()
    }
}

fn is_of_names(dimension: Dimension) -> bool {
    matches!(dimension, Dimension::Sni | Dimension::Service | Dimension::Datacenter)
}

/// What a name says about one dimension.
fn value(dimension: Dimension, name: &Name) -> Option<&str> {
    match dimension {
        Dimension::Sni => name.text(),
        Dimension::Service => name.service().or(name.text()),
        Dimension::Datacenter => name.datacenter(),
        Dimension::Source | Dimension::Destination => None,
    }
}

#[cfg(test)]
mod tests;
