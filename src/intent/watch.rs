//! Holds the names of a run against what the mesh means to use.
//!
//! Each name is looked up in the files once; after that a record costs two hash lookups. A connection counts with the
//! leg that goes into a gateway: the leg out of it is the same one, with the gateway for its client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::intent::report::{Expectation, Row};
use crate::intent::target::{Intent, Role};
use crate::model::frame::Timestamp;
use crate::model::name::Name;
use crate::model::observation::{Action, Leg, Observation};

/// Names whose meaning is remembered at most; then the memory begins anew.
const MAX_NAMES: usize = 65_536;

/// Unexpected names that are listed at most, over all services.
const MAX_UNEXPECTED: usize = 1024;

/// Clients at most, one for each name of a service that it asked for; more are not told apart, and counted.
const MAX_CLIENTS: usize = 262_144;

/// A row: the service's place in the list, and the row's in the service.
type Place = (u32, u32);

/// What was seen of a name.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// A name that was seen.
    name: Option<Arc<Name>>,
    connections: u64,
    span: Option<(Timestamp, Timestamp)>,
}

/// An intent, and what was seen of it.
#[derive(Debug)]
struct Followed {
    intent: Intent,
    /// The targets that have more than one name, those that say most of it first.
    loose: Vec<usize>,
    /// As many as the intent has targets, then the unexpected ones.
    seen: Vec<Seen>,
    unlisted: u64,
}

/// Counts what is seen of the names in the files.
#[derive(Debug, Default)]
pub struct Watch {
    followed: Vec<Followed>,
    /// Rows of the names that the files tell whole.
    exact: HashMap<Box<str>, Vec<Place>>,
    /// Rows of a name by its text. A row of `u32::MAX` is one for which there was no room.
    names: HashMap<Box<str>, Arc<[Place]>>,
    /// Time of the newest hello of a client to a row's name.
    clients: HashMap<(Place, IpAddr), Timestamp>,
    unexpected: usize,
    /// Connections of clients that found no room.
    pub uncounted: u64,
}

impl Watch {
    /// Follows these.
    pub fn new(intents: Vec<Intent>) -> Self {
        let mut watch = Self::default();
        for (service, intent) in (0..).zip(intents) {
            let mut loose = Vec::new();
            for (row, target) in (0_u32..).zip(&intent.targets) {
                match target.names.exact() {
                    Some(text) => watch.exact.entry(text.into()).or_default().push((service, row)),
                    None => loose.push(row as usize),
                }
            }
            let weight = |row: &usize| intent.targets.get(*row).map(|target| target.names.weight());
            loose.sort_by_key(|row| std::cmp::Reverse(weight(row)));
            let seen = vec![Seen::default(); intent.targets.len()];
            watch.followed.push(Followed { intent, loose, seen, unlisted: 0 });
        }
        watch
    }

    /// True without files.
    pub fn is_empty(&self) -> bool {
        self.followed.is_empty()
    }

    /// Looks at a record: outcomes of handshakes count.
    pub fn observe(&mut self, record: &Observation) {
        let leg_out = record.hop.is_some_and(|hop| hop.leg == Leg::Out);
        let Some(name) = record.name.as_ref().filter(|_| record.action == Action::Handshake && !leg_out)
        else {
            return;
        };
        let Some(text) = name.text() else { return };
        let places = match self.names.get(text) {
            Some(places) => Arc::clone(places),
            None => self.find(name, text),
        };
        for place in places.iter() {
            self.count(*place, name, record);
        }
    }

    /// Where a name belongs, in each of the files.
    fn find(&mut self, name: &Arc<Name>, text: &str) -> Arc<[Place]> {
        let mut places = Vec::new();
        let exact = self.exact.get(text).map(Vec::as_slice).unwrap_or_default();
        for (service, followed) in (0..).zip(&mut self.followed) {
            let exact = exact.iter().find(|(of, _)| *of == service).map(|(_, row)| *row as usize);
            let row = match exact.or_else(|| followed.target_of(name)) {
                Some(row) => row,
                None if !followed.intent.scope.holds(name) => continue,
                None if self.unexpected < MAX_UNEXPECTED => {
                    self.unexpected += 1;
                    followed.seen.push(Seen { name: Some(Arc::clone(name)), ..Seen::default() });
                    followed.seen.len() - 1
                }
                None => usize::MAX,
            };
            places.push((service, u32::try_from(row).unwrap_or(u32::MAX)));
        }
        let places: Arc<[Place]> = places.into();
        if self.names.len() >= MAX_NAMES {
            self.forget();
        }
        self.names.insert(text.into(), Arc::clone(&places));
        places
    }

    /// Forgets what names mean, except those that have a row of their own.
    fn forget(&mut self) {
        let targets: Vec<usize> =
            self.followed.iter().map(|followed| followed.intent.targets.len()).collect();
        let own = |(service, row): &Place| {
            *row != u32::MAX
                && targets.get(*service as usize).is_some_and(|targets| *row as usize >= *targets)
        };
        self.names.retain(|_, places| places.iter().any(own));
    }

    fn count(&mut self, place: Place, name: &Arc<Name>, record: &Observation) {
        let Some(followed) = self.followed.get_mut(place.0 as usize) else { return };
        let Some(seen) = followed.seen.get_mut(place.1 as usize) else {
            followed.unlisted += 1;
            return;
        };
        seen.connections += 1;
        seen.name.get_or_insert_with(|| Arc::clone(name));
        let (first, last) = seen.span.unwrap_or((record.time, record.time));
        seen.span = Some((first.min(record.time), last.max(record.time)));
        let client = (place, record.flow.source_ip());
        let full = self.clients.len() >= MAX_CLIENTS;
        match self.clients.get_mut(&client) {
            Some(newest) => *newest = record.time.max(*newest),
            None if full => self.uncounted += 1,
            None => _ = self.clients.insert(client, record.time),
        }
    }

    /// What was seen, service by service.
    pub fn report(&self) -> Vec<Expectation> {
        let mut clients: HashMap<Place, u64> = HashMap::new();
        let mut newest: HashMap<(u32, IpAddr), (Timestamp, u32)> = HashMap::new();
        for ((place, client), time) in &self.clients {
            *clients.entry(*place).or_default() += 1;
            let last = newest.entry((place.0, *client)).or_insert((*time, place.1));
            // of two at once, the one further down the list: what is less usual
            *last = (*last).max((*time, place.1));
        }
        let mut current: HashMap<Place, Vec<IpAddr>> = HashMap::new();
        for ((service, client), (_, row)) in newest {
            current.entry((service, row)).or_default().push(client);
        }
        for clients in current.values_mut() {
            clients.sort_unstable();
        }
        let expectation = |(service, followed): (u32, &Followed)| {
            let row = |(row, seen): (u32, &Seen)| {
                let place = (service, row);
                let clients = clients.get(&place).copied().unwrap_or_default();
                followed.row(row as usize, seen, clients, current.get(&place).cloned().unwrap_or_default())
            };
            Expectation {
                file: followed.intent.file.clone(),
                source: followed.intent.source,
                service: followed.intent.scope.service().map(Into::into),
                rows: (0..).zip(&followed.seen).map(row).collect(),
                unlisted: followed.unlisted,
            }
        };
        (0..).zip(&self.followed).map(expectation).collect()
    }
}

impl Followed {
    /// The target that has this name, and says most of it.
    fn target_of(&self, name: &Name) -> Option<usize> {
        let fits = |row: &usize| self.intent.targets.get(*row).is_some_and(|target| target.names.fits(name));
        self.loose.iter().copied().find(fits)
    }

    fn row(&self, row: usize, seen: &Seen, clients: u64, current: Vec<IpAddr>) -> Row {
        let target = self.intent.targets.get(row);
        let text = |name: &Arc<Name>| name.text().unwrap_or_default().into();
        Row {
            role: target.map_or(Role::Unexpected, |target| target.role),
            name: match target {
                Some(target) => target.names.to_string().into(),
                None => seen.name.as_ref().map(text).unwrap_or_default(),
            },
            seen: seen.name.clone(),
            connections: seen.connections,
            clients,
            current,
            span: seen.span,
        }
    }
}
