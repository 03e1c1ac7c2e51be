//! One service: the datacenters that are asked for it, and the clients that ask.

use std::collections::HashMap;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState as Secret;

use super::client::{Client, First};
use super::event::Stale;
use super::limits::{MAX_ADDRESSES, MAX_PLACES};
use super::rate::{Activity, Trial};
use crate::model::frame::Timestamp;
use crate::model::mesh::Role;
use crate::model::name::Name;

/// A datacenter of a service. Good as long as the service is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TargetId {
    /// The service's slot.
    pub(super) service: u32,
    /// How often the slot was given to a new service before.
    pub(super) age: u32,
    /// Index of the datacenter.
    pub(super) place: u8,
}

/// Kinds of names whose service can move: the services of a mesh, not its servers, gateways or queries.
const KINDS: [&str; 3] = ["consul-service", "consul-peered", "custom"];

/// The service of a name, without its datacenter and its subset, and where the name goes; `None` for a name
/// that belongs to no service, or goes nowhere in particular.
pub(super) fn parts(name: &Name) -> Option<(Label, &str)> {
    let service = name.service().filter(|_| KINDS.contains(&name.kind))?;
    let place = place(name)?;
    let scope = |scope: Option<&str>| scope.unwrap_or("default").into();
    Some(((service.into(), scope(name.namespace()), scope(name.partition())), place))
}

/// Where a name goes: a datacenter, or a cluster peer.
pub(super) fn place(name: &Name) -> Option<&str> {
    name.datacenter().or(name.peer())
}

/// What tells services apart: name, namespace, partition.
pub(super) type Label = (Box<str>, Box<str>, Box<str>);

/// What is known of a datacenter of a service.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// No hello was taken yet.
    New,
    /// A first hello is being judged.
    Fresh(Box<Fresh>),
    /// It is asked for, and was from the beginning as far as one can tell.
    Known,
    /// Its first sight, or a move to it, was told.
    Told,
    /// Its clients were told to have left.
    Left,
    /// Its silence was told.
    Silent,
}

/// A first hello under judgement.
#[derive(Clone, Debug)]
pub(super) struct Fresh {
    pub(super) first: First,
    /// The last hello to another datacenter that did not fail.
    pub(super) last_old: Option<Timestamp>,
    pub(super) baseline: u64,
    pub(super) trial: Trial,
    /// It is the first one beside health checks, whose period is this.
    pub(super) beside: Option<u64>,
}

/// Hellos that are no health checks.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) activity: Activity,
    /// The newest.
    pub(super) newest: First,
    /// The one before.
    before: First,
}

/// One datacenter of a service.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its name.
    pub(super) label: Box<str>,
    /// A server name that goes there.
    pub(super) name: Arc<Name>,
    pub(super) state: State,
    pub(super) activity: Activity,
    /// Last hello that did not fail.
    pub(super) answered: Option<Timestamp>,
    /// The newest hello.
    pub(super) newest: First,
    /// Hellos that were health checks, or were looked at as what comes beside these.
    pub(super) checks: u64,
    /// The last one beside them.
    pub(super) beside: Option<Timestamp>,
    /// Health checks asked for it before anything else was told of it: they are no sign that it is in use.
    pub(super) checked: bool,
    /// What asks beside them.
    pub(super) demand: Option<Demand>,
    /// Seen through a gateway.
    pub(super) gateway: bool,
    pub(super) role: Option<Role>,
}

impl Place {
    /// A hello that is no beat of a clock.
    pub(super) fn note_demand(&mut self, hello: First, watched: u64) {
        if let Some(demand) = &mut self.demand {
            demand.activity.hello(hello.time, watched);
            demand.before = mem::replace(&mut demand.newest, hello);
        } else {
            let activity = Activity::new(hello.time, watched);
            self.demand = Some(Demand { activity, newest: hello, before: hello });
        }
    }

    /// The newest request was a health check of this client, as the next one shows.
    pub(super) fn take_back_demand(&mut self, client: IpAddr) {
        let Some(demand) = self.demand.as_mut().filter(|demand| demand.newest.client == client) else {
            return;
        };
        let was = mem::replace(&mut demand.newest, demand.before);
        demand.activity.last = demand.before.time;
        let begun = |fresh: &Fresh| fresh.beside.is_some() && fresh.first.time == was.time;
        if matches!(&self.state, State::Fresh(fresh) if begun(fresh)) {
            self.state = State::Known;
        }
    }

    /// So many more hellos were health checks.
    pub(super) fn note_checks(&mut self, count: u64) {
        self.checks += count;
        if self.checks == self.activity.count {
            self.demand = None;
        }
    }

    /// What falls silent when it is not used any more, and its newest hello: the requests, without health checks.
    pub(super) fn in_use(&self) -> Option<(&Activity, First)> {
        if self.checked {
            return self.demand.as_ref().map(|demand| (&demand.activity, demand.newest));
        }
        Some((&self.activity, self.newest))
    }

    /// The first hello after a silence.
    pub(super) fn begin_anew(&mut self, hello: First, watched: u64) {
        self.activity = Activity::new(hello.time, watched);
        (self.checks, self.demand) = (0, None);
    }

    /// Its silence was told. Where checks go on, what comes beside them is a first hello again.
    pub(super) fn fall_silent(&mut self) {
        if !self.checked {
            self.state = State::Silent;
            return;
        }
        (self.state, self.checks) = (State::Known, self.activity.count);
        self.beside = self.demand.take().map(|demand| demand.newest.time).or(self.beside);
    }

    /// True if the first sight of it can be a failover: it is elsewhere, or the requests come from elsewhere.
    /// Where this place's datacenter is not known, it must go through a gateway.
    pub(super) fn is_remote(&self) -> bool {
        self.role.map_or(self.gateway, |role| role != Role::Local)
    }

    /// True if this is where the service's own calls would be seen before they move.
    fn is_home_of(&self, other: &Self) -> bool {
        other.has_home_of(self.role)
    }

    /// The same of one whose connections have this role.
    pub(super) fn has_home_of(&self, role: Option<Role>) -> bool {
        role != Some(Role::Ingress) || self.role == Some(Role::Ingress)
    }
}

/// One service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) label: Label,
    pub(super) age: u32,
    pub(super) places: Vec<Place>,
    pub(super) clients: HashMap<IpAddr, Client, Secret>,
    /// All clients, as one.
    pub(super) whole: Option<Client>,
    /// Clients with an open run elsewhere.
    pub(super) away: usize,
    /// The last move that was told: from and to.
    pub(super) moved: Option<(u8, u8)>,
    /// When that was.
    pub(super) moved_at: Timestamp,
    pub(super) last: Timestamp,
}

impl Service {
    /// A service that was not asked for yet.
    pub(super) fn new(label: Label, age: u32, now: Timestamp) -> Self {
        let clients = HashMap::default();
        let (whole, moved, moved_at) = (None, None, Timestamp::default());
        Self { label, age, places: Vec::new(), clients, whole, away: 0, moved, moved_at, last: now }
    }

    /// The index of a datacenter.
    pub(super) fn place_of(&self, label: &str) -> Option<u8> {
        let at = self.places.iter().position(|place| *place.label == *label)?;
        u8::try_from(at).ok()
    }

    /// True if there is room for another datacenter.
    pub(super) fn has_room(&self) -> bool {
        self.places.len() < MAX_PLACES
    }

    pub(super) fn place(&self, index: u8) -> Option<&Place> {
        self.places.get(usize::from(index))
    }

    pub(super) fn place_mut(&mut self, index: u8) -> Option<&mut Place> {
        self.places.get_mut(usize::from(index))
    }

    /// The other datacenters where calls that move to `to` would have been seen.
    pub(super) fn homes(&self, to: u8) -> impl Iterator<Item = (u8, &Place)> {
        let target = self.place(to);
        let others = (0..).zip(&self.places).filter(move |(index, _)| *index != to);
        others.filter(move |(_, place)| target.is_some_and(|target| place.is_home_of(target)))
    }

    /// Clients that have used `to` since `since`, with more than health checks.
    pub(super) fn moved_to(&self, to: u8, since: Timestamp) -> impl Iterator<Item = IpAddr> {
        let moved = move |client: &Client| client.last_request(to).is_some_and(|last| last >= since);
        self.clients.iter().filter(move |(_, client)| moved(client)).map(|(ip, _)| *ip)
    }

    /// Clients that last used another datacenter than `to`, after `since`.
    pub(super) fn stale(&self, to: u8, since: Timestamp) -> Vec<Stale> {
        let mut stale: Vec<Stale> =
            self.clients.iter().filter_map(|(ip, client)| self.stale_one(*ip, client, to, since)).collect();
        stale.sort_by_key(|one| one.client);
        stale.truncate(MAX_ADDRESSES);
        stale
    }

    fn stale_one(&self, ip: IpAddr, client: &Client, to: u8, since: Timestamp) -> Option<Stale> {
        let last = client.uses.iter().max_by_key(|one| one.last).filter(|one| one.last > since)?;
        let place = self.place(last.place).filter(|_| last.place != to)?;
        let target = self.place(to)?;
        let stale = Stale {
            client: ip,
            caller: None,
            place: place.label.clone(),
            attempts: last.recent.max(1),
            last: last.last,
        };
        place.is_home_of(target).then_some(stale)
    }

    /// Begins to count each client's uses anew: an event was found.
    pub(super) fn count_anew(&mut self) {
        for one in self.clients.values_mut().flat_map(|client| &mut client.uses) {
            one.recent = 0;
        }
    }
}
