//! Takes what the vantage points saw, and gives the way of each connection once nothing more of it can come.
//!
//! What belongs together is decided by the hello alone: the beginning of its random, its place in the connection (a
//! hello after a HelloRetryRequest repeats the random), and the digest of all its bytes. A path is given when each
//! input has gone on by the window since its first leg was told, by its own clock: clocks may be hours apart.
//! One that has ended, or that is silent, is not waited for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState as Secret;

use crate::model::certificate::Certificate;
use crate::model::frame::Timestamp;
use crate::model::hello::Alert;
use crate::model::name::Name;
use crate::model::observation::{Action, Observation, Outcome};
use crate::path::clock::{Clocks, by_way};
use crate::path::doubts::Doubts;
use crate::path::known::Known;
use crate::path::order::order;
use crate::path::places::Places;
use crate::path::told::{Key, Told};
use crate::path::window::{Feed, Window};
use crate::path::{ConnectionPath, Missing, Node, Sighting, travel, verdict};

/// Sightings of one hello, at most: a scanner may send the same one everywhere.
const MAX_SIGHTINGS: usize = 16;

/// How the joiner works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Nanoseconds by which each clock goes on until a path is given.
    pub window: u64,
    /// Connections that are open at once, at most; past it the oldest are given early.
    pub max_open: usize,
    /// Give a path as soon as every vantage point saw it come and go.
    pub eager: bool,
}

/// A connection under way.
#[derive(Debug)]
struct Open {
    name: Arc<Name>,
    /// The part of the window that it began in.
    part: u64,
    sightings: Vec<Sighting>,
    alert: Option<Alert>,
    caller: Option<Arc<Certificate>>,
    late: bool,
    repeated: bool,
}

/// Joins.
pub struct Joiner {
    settings: Settings,
    open: HashMap<Key, Open, Secret>,
    window: Window<Key>,
    /// The newest record of each vantage point.
    nodes: Vec<Timestamp>,
    told: Told,
    names: Known,
    places: Places,
    done: VecDeque<ConnectionPath>,
    doubts: Doubts,
    /// How far the clocks are apart.
    pub clocks: Clocks,
}

impl Joiner {
    /// A joiner that has seen nothing, and knows neither input nor vantage point.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            open: HashMap::default(),
            window: Window::new(settings.window),
            nodes: Vec::new(),
            told: Told::default(),
            names: Known::default(),
            places: Places::default(),
            done: VecDeque::new(),
            doubts: Doubts::default(),
            clocks: Clocks::default(),
        }
    }

    /// Another input; their numbers count from 0.
    pub fn add_feed(&mut self) -> Feed {
        self.window.add_feed()
    }

    /// Another vantage point; their numbers count from 0.
    pub fn add_node(&mut self) -> Node {
        self.nodes.push(Timestamp::default());
        Node(u16::try_from(self.nodes.len() - 1).unwrap_or(u16::MAX))
    }

    /// What could not be joined so far.
    pub fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// Takes a record of `node` that came by `feed`; those of handshakes count.
    pub fn observe(&mut self, feed: Feed, node: Node, record: &Observation) {
        if record.action == Action::Handshake {
            self.take(node, record);
        }
        if let Some(newest) = self.nodes.get_mut(usize::from(node.0)) {
            *newest = record.time.max(*newest);
        }
        self.advance(feed, record.time);
    }

    /// The clock of `feed` has come to `now`.
    pub fn advance(&mut self, feed: Feed, now: Timestamp) {
        if let Some((part, keys)) = self.window.advance(feed, now) {
            self.close_all(keys, Some(part));
        }
    }

    /// Nobody waits for `feed` until it says something: it has ended, or it is silent.
    pub fn rest(&mut self, feed: Feed) {
        self.window.rest(feed);
    }

    /// Nothing more comes: all that is open is ready.
    pub fn finish(&mut self) {
        let all = self.window.all();
        self.close_all(all, None);
    }

    /// The next path, if one is ready.
    pub fn pop(&mut self) -> Option<ConnectionPath> {
        self.done.pop_front()
    }

    fn take(&mut self, node: Node, record: &Observation) {
        let (Some(hello), Some(name)) = (&record.hello, &record.name) else {
            self.doubts.without_hello += 1;
            return;
        };
        let Some(sighting) = Sighting::new(node, record) else { return };
        let alert = record.handshake.as_ref().and_then(|handshake| handshake.alert);
        let key = Key::of(hello);
        if let Some(open) = self.open.get_mut(&key) {
            open.alert = open.alert.or(alert);
            open.caller = open.caller.take().or_else(|| record.shown.client.clone());
            self.add(key, sighting);
        } else {
            let late = self.is_late(node, &key, record.time);
            let name = self.names.shared(name);
            let mut sightings = Vec::with_capacity(2); // most are seen twice
            sightings.push(sighting);
            let caller = record.shown.client.clone();
            self.begin(key, Open { name, part: 0, sightings, alert, caller, late, repeated: false });
        }
        if self.settings.eager && self.is_settled(&key) {
            self.close(key, None);
        }
    }

    fn begin(&mut self, key: Key, open: Open) {
        let part = self.window.begin(key);
        self.open.insert(key, Open { part, ..open });
        while self.open.len() > self.settings.max_open {
            let Some((part, keys)) = self.window.oldest() else { return };
            self.doubts.early += self.close_all(keys, Some(part));
        }
    }

    /// True if another part of the connection may have been told already.
    fn is_late(&mut self, node: Node, key: &Key, time: Timestamp) -> bool {
        let newest = self.nodes.get(usize::from(node.0)).copied().unwrap_or(time);
        let late = self.told.has(key) || newest.since(time) > self.settings.window;
        if late {
            self.doubts.came_late(node);
        }
        late
    }

    /// Adds a sighting to an open connection, and learns from what it meets there.
    fn add(&mut self, key: Key, new: Sighting) {
        let Some(open) = self.open.get_mut(&key) else { return };
        for old in open.sightings.iter().filter(|old| old.flow == new.flow) {
            if old.time == new.time {
                self.doubts.seen_again(old.node, new.node);
                return;
            }
            if old.node == new.node {
                open.repeated = true;
                return;
            }
        }
        for old in &open.sightings {
            learn(old, &new, &mut self.places, &mut self.clocks);
        }
        if open.sightings.len() < MAX_SIGHTINGS {
            open.sightings.push(new);
        } else {
            open.repeated = true;
        }
    }

    /// True if every vantage point saw the hello come and go.
    fn is_settled(&self, key: &Key) -> bool {
        let Some(open) = self.open.get(key) else { return false };
        let seen = |node: usize| open.sightings.iter().filter(|it| usize::from(it.node.0) == node).count();
        (0..self.nodes.len()).all(|node| seen(node) >= 2)
    }

    /// Gives paths by the time of their beginning, and says how many; with a part, those that began in it.
    fn close_all(&mut self, keys: Vec<Key>, part: Option<u64>) -> u64 {
        let before = self.done.len();
        for key in keys {
            self.close(key, part);
        }
        let new = self.done.make_contiguous().get_mut(before..).unwrap_or_default();
        new.sort_by_key(|path| (path.time, path.id));
        new.len() as u64
    }

    /// Gives a path. One that was given before and began anew in another part is not meant.
    fn close(&mut self, key: Key, part: Option<u64>) {
        if part.is_some_and(|part| self.open.get(&key).is_none_or(|open| open.part != part)) {
            return;
        }
        let Some(open) = self.open.remove(&key) else { return };
        self.told.note(&key);
        let path = self.path(key, open);
        self.done.push_back(path);
    }

    fn path(&mut self, key: Key, open: Open) -> ConnectionPath {
        let mut way = order(&open.sightings, &mut self.clocks);
        travel::compare(&way.steps, &mut self.clocks);
        travel::measure(&mut way.steps, &mut self.clocks);
        let end = verdict::end(&way, &self.places);
        let mut missing = verdict::missing(&way, &self.places);
        missing.extend(Some(Missing::Late).filter(|_| open.late));
        missing.extend(Some(Missing::Repeated).filter(|_| open.repeated));
        let first = way.steps.first().map(|step| &step.sighting);
        ConnectionPath {
            id: key.id,
            name: open.name,
            time: first.map(|it| it.time).unwrap_or_default(),
            result: first.map_or(Outcome::NotSeen, |it| it.result),
            alert: open.alert,
            caller: open.caller,
            begins: verdict::begins(&way, &self.places),
            end,
            missing,
            travel: travel::of(&way.steps, end, &mut self.clocks),
            legs: way.starts.len(),
            nodes: way.nodes,
            steps: way.steps,
        }
    }
}

/// What two sightings of one hello show of the vantage points.
fn learn(old: &Sighting, new: &Sighting, places: &mut Places, clocks: &mut Clocks) {
    if old.node == new.node {
        let (inward, outward) = if old.time <= new.time { (old, new) } else { (new, old) };
        places.passes_on(inward.node, (inward.flow.destination_ip(), outward.flow.source_ip()));
    } else if old.flow == new.flow {
        clocks.compare(old, new);
        if let Some((up, down)) = by_way(old, new) {
            let flow = &up.flow;
            places.leads((up.node, flow.source_ip()), (down.node, flow.destination_ip()));
        }
    }
}

#[cfg(test)]
mod tests;
