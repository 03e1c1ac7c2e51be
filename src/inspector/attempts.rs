//! Connection attempts without a hello: refused, or never answered. Told together, bounded.
//!
//! Attempts of one client at one destination make one record an interval. A destination that more than
//! `MAX_CLIENTS` clients try in vain within an interval is told once for all of them (source address
//! unspecified), and past `MAX_GROUPS` everything goes into one group: a SYN flood is one line.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::RandomState;

use crate::model::frame::Timestamp;
use crate::model::observation::{Observation, Outcome};
use crate::model::segment::{FlowKey, Hosts};

/// Clients of one destination that are told one by one.
const MAX_CLIENTS: u32 = 32;
/// Groups of one interval.
const MAX_GROUPS: usize = 4096;
/// Destinations that are remembered for having spoken TLS.
const MAX_DESTINATIONS: usize = 65_536;

/// Destinations whose presence costs no look at the set.
const LATELY: usize = 256;

type Destination = (IpAddr, u16);

/// What is told together. `None`: of several.
type Group = (Option<IpAddr>, Option<Destination>, Outcome);

/// Counts attempts until they are told.
#[derive(Debug)]
pub struct Attempts {
    interval: u64,
    every: bool,
    groups: HashMap<Group, Observation, RandomState>,
    due: VecDeque<(Timestamp, Group)>,
    clients: HashMap<(Destination, Outcome), u32, RandomState>,
    tls: HashSet<Destination, RandomState>,
    /// Destinations that are in `tls`, by some bits of theirs: most are noted again and again.
    lately: Vec<Option<Destination>>,
}

impl Attempts {
    /// Tells each group once in `interval` nanoseconds; `every`: whatever the destination, else only those
    /// that speak TLS, by what was seen of them or by their port.
    pub fn new(interval: u64, every: bool) -> Self {
        Self {
            interval,
            every,
            groups: HashMap::default(),
            due: VecDeque::new(),
            clients: HashMap::default(),
            tls: HashSet::default(),
            lately: vec![None; LATELY],
        }
    }

    /// Looks at a record: true for one of a mere attempt, which is counted here until it is told. The
    /// destination of any other is known to speak TLS from here on.
    pub fn takes(&mut self, record: &Observation) -> bool {
        let attempt = record.handshake.as_ref().filter(|handshake| handshake.attempts.is_some());
        let Some(result) = attempt.map(|handshake| handshake.result) else {
            if !self.every && self.tls.len() < MAX_DESTINATIONS {
                self.note_destination((record.flow.destination_ip(), record.flow.ports.1));
            }
            return false;
        };
        self.note(record, result);
        true
    }

    #[inline]
    fn note_destination(&mut self, destination: Destination) {
        let bits = match destination.0 {
            IpAddr::V4(ip) => ip.to_bits(),
            IpAddr::V6(ip) => ip.octets().last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes)),
        };
        let bits = bits.wrapping_mul(0x9e37_79b1) >> 16 ^ u32::from(destination.1);
        let Some(slot) = self.lately.get_mut(bits as usize % LATELY) else { return };
        if *slot != Some(destination) {
            *slot = Some(destination);
            self.tls.insert(destination);
        }
    }

    fn note(&mut self, attempt: &Observation, result: Outcome) {
        let destination = (attempt.flow.destination_ip(), attempt.flow.ports.1);
        if !self.every && !self.tls.contains(&destination) {
            return;
        }
        let group = self.group(attempt.flow.source_ip(), destination, result);
        if let Some(told) = self.groups.get_mut(&group) {
            add(told, attempt);
            return;
        }
        let told = Observation { flow: without(attempt.flow, group), ..attempt.clone() };
        self.due.push_back((attempt.completed.plus(self.interval), group));
        self.groups.insert(group, told);
    }

    fn group(&mut self, client: IpAddr, destination: Destination, result: Outcome) -> Group {
        let alone = (Some(client), Some(destination), result);
        if self.groups.contains_key(&alone) {
            return alone;
        }
        let together = (None, Some(destination), result);
        if self.groups.contains_key(&together) {
            return together;
        }
        if self.groups.len() >= MAX_GROUPS {
            return (None, None, result);
        }
        let clients = self.clients.entry((destination, result)).or_default();
        *clients += 1;
        if *clients > MAX_CLIENTS { together } else { alone }
    }

    /// Tells the groups whose interval is over by `now`.
    pub fn flush(&mut self, now: Timestamp, out: &mut Vec<Observation>) {
        while self.due.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, group)) = self.due.pop_front() else { return };
            self.tell(&group, out);
        }
    }

    /// Tells all that is left.
    pub fn finish(&mut self, out: &mut Vec<Observation>) {
        while let Some((_, group)) = self.due.pop_front() {
            self.tell(&group, out);
        }
    }

    fn tell(&mut self, group: &Group, out: &mut Vec<Observation>) {
        if let Some(destination) = group.1
            && let Some(clients) = self.clients.get_mut(&(destination, group.2))
        {
            *clients = clients.saturating_sub(1);
            if *clients == 0 {
                self.clients.remove(&(destination, group.2));
            }
        }
        out.extend(self.groups.remove(group));
    }
}

fn add(told: &mut Observation, attempt: &Observation) {
    // several connections have no one source port
    told.flow.ports.0 = 0;
    if let (Some(handshake), Some(more)) = (&mut told.handshake, &attempt.handshake) {
        handshake.attempts = handshake.attempts.map(|n| n + 1);
        handshake.retransmits = handshake.retransmits.saturating_add(more.retransmits);
    }
}

fn without(key: FlowKey, group: Group) -> FlowKey {
    let mut key = key;
    if group.0.is_none() {
        key.ports.0 = 0;
        key.hosts = match key.hosts {
            Hosts::V4(_, d) => Hosts::V4(Ipv4Addr::UNSPECIFIED, d),
            Hosts::V6(_, d) => Hosts::V6(Ipv6Addr::UNSPECIFIED, d),
        };
    }
    if group.1.is_none() {
        key.ports.1 = 0;
        key.hosts = Hosts::V4(Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED);
    }
    key
}
