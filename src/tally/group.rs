//! One group of connections and its counters.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState as Secret;

use crate::model::frame::Timestamp;
use crate::model::observation::Outcome;
use crate::tally::histogram::Histogram;
use crate::tally::legs::Counted;
use crate::tally::snapshot::{Dimension, Row};

/// Which group a connection belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct GroupKey {
    pub(super) label: u32,
    pub(super) source: Option<IpAddr>,
    pub(super) destination: Option<IpAddr>,
}

/// One group's counters.
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) connections: u64,
    pub(super) legs: u64,
    pub(super) outcomes: [u64; Outcome::ALL.len()],
    pub(super) latencies: Histogram,
    /// Connections by the client's hash.
    pub(super) clients: HashMap<u64, u32, Secret>,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

impl Group {
    pub(super) fn new(key: GroupKey, first: Timestamp) -> Self {
        let clients = HashMap::default();
        let (outcomes, latencies) = ([0; Outcome::ALL.len()], Histogram::default());
        Self { key, connections: 0, legs: 0, outcomes, latencies, clients, first, last: first }
    }

    pub(super) fn add(&mut self, counted: &Counted, weight: u64) {
        self.connections += weight;
        self.legs += counted.legs;
        if let Some(count) = self.outcomes.get_mut(counted.outcome as usize) {
            *count += weight;
        }
        if let Some(latency) = counted.latency {
            self.latencies.add(latency);
        }
        self.first = self.first.min(counted.time);
        self.last = self.last.max(counted.time);
    }

    /// Undoes [`Group::add`] of one connection; the first and the last time stay.
    pub(super) fn take_back(&mut self, counted: &Counted) {
        self.connections -= 1;
        self.legs -= counted.legs;
        if let Some(count) = self.outcomes.get_mut(counted.outcome as usize) {
            *count -= 1;
        }
        if let Some(latency) = counted.latency {
            self.latencies.take_back(latency);
        }
    }

    pub(super) fn row(&self, by: &[Dimension], label: &[Option<Box<str>>]) -> Row {
        let mut label = label.iter();
        let text = |ip: Option<IpAddr>| ip.map(|ip| ip.to_string().into());
        let key = by.iter().map(|dimension| match dimension {
            Dimension::Source => text(self.key.source),
            Dimension::Destination => text(self.key.destination),
            Dimension::Sni | Dimension::Service | Dimension::Datacenter => label.next().cloned().flatten(),
        });
        Row {
            key: key.collect(),
            connections: self.connections,
            legs: self.legs,
            outcomes: self.outcomes,
            p50: self.latencies.percentile(50),
            p99: self.latencies.percentile(99),
            clients: self.clients.len() as u64,
            first: self.first,
            last: self.last,
        }
    }
}
