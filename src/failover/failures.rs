//! The connections that failed in the last while: the evidence of what moves later.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::event::Evidence;
use super::limits::{EVIDENCE, MAX_ADDRESSES, MAX_FAILURES, MAX_PACKETS, NEWEST};
use super::service::TargetId;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::observation::{Handshake, Observation, Outcome, Peer};

/// A destination: address and port.
pub(super) type Destination = (IpAddr, u16);

/// One connection that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// Its hello, or its first SYN.
    pub(super) time: Timestamp,
    /// What it asked for; `None` where it came to no hello.
    pub(super) target: Option<TargetId>,
    /// Who asked.
    pub(super) client: IpAddr,
    /// Whom.
    pub(super) server: Destination,
    result: Outcome,
    by: Option<Peer>,
    syns: u32,
    alert: Option<&'static str>,
    packet: (OriginId, u64),
}

/// True for a result that says: it does not work there.
pub(super) fn is_failure(result: Outcome) -> bool {
    matches!(result, Outcome::Refused | Outcome::Reset | Outcome::Alert | Outcome::Timeout)
}

/// The memory of failures.
#[derive(Debug, Default)]
pub(super) struct Failures {
    all: VecDeque<Failure>,
}

impl Failures {
    /// Remembers a failed connection.
    pub(super) fn note(&mut self, record: &Observation, handshake: &Handshake, target: Option<TargetId>) {
        if !is_failure(handshake.result) {
            return;
        }
        if self.all.len() >= MAX_FAILURES {
            self.all.pop_front();
        }
        let tried = record.hello.is_none() && handshake.result == Outcome::Timeout;
        self.all.push_back(Failure {
            time: record.time,
            target,
            client: record.flow.source_ip(),
            server: (record.flow.destination_ip(), record.flow.ports.1),
            result: handshake.result,
            by: handshake.by,
            syns: if tried { handshake.retransmits.saturating_add(1) } else { 0 },
            alert: handshake.alert.map(|alert| alert.name),
            packet: (record.origin, record.packet),
        });
    }

    /// When one of `clients` last tried to reach this destination in vain, after `since`, and came to no hello.
    pub(super) fn last_attempt(
        &self,
        server: Destination,
        since: Timestamp,
        is_client: impl Fn(IpAddr) -> bool,
    ) -> Option<Timestamp> {
        let there = |failure: &&Failure| failure.target.is_none() && failure.server == server;
        let tries = self.all.iter().filter(there).filter(|failure| failure.time >= since);
        tries.filter(|failure| is_client(failure.client)).map(|failure| failure.time).max()
    }

    /// True if something `relevant` failed in the window before a moment, as far as the newest failures tell.
    pub(super) fn any_before(&self, moment: Timestamp, relevant: impl Fn(&Failure) -> bool) -> bool {
        let since = Timestamp(moment.0.saturating_sub(EVIDENCE));
        let newest = self.all.iter().rev().take(NEWEST).filter(|failure| failure.time >= since);
        newest.into_iter().any(relevant)
    }

    /// What failed in the window before a moment, and for `more` nanoseconds after it, as far as it is `relevant`.
    pub(super) fn within(
        &self,
        (moment, more): (Timestamp, u64),
        relevant: impl Fn(&Failure) -> bool,
    ) -> Evidence {
        let (since, until) = (Timestamp(moment.0.saturating_sub(EVIDENCE)), moment.plus(more));
        let mut found = Evidence::default();
        let within = |failure: &&Failure| failure.time >= since && failure.time <= until;
        for failure in self.all.iter().filter(within).filter(|failure| relevant(failure)) {
            add(&mut found, failure);
        }
        found.packets.sort_unstable();
        found.packets.truncate(MAX_PACKETS);
        most_first(&mut found.resets_by);
        most_first(&mut found.alerts);
        found
    }
}

fn add(found: &mut Evidence, failure: &Failure) {
    match failure.result {
        Outcome::Refused => found.refused += 1,
        Outcome::Reset => found.reset += 1,
        Outcome::Alert => found.alert += 1,
        _ => found.timeout += 1,
    }
    found.syns += u64::from(failure.syns);
    found.hellos_unanswered += u64::from(failure.result == Outcome::Timeout && failure.syns == 0);
    if let Some(alert) = failure.alert {
        count(&mut found.alerts, alert);
    }
    if matches!(failure.result, Outcome::Refused | Outcome::Reset) {
        let by = if failure.by == Some(Peer::Client) { failure.client } else { failure.server.0 };
        count(&mut found.resets_by, by);
    }
    found.packets.push(failure.packet);
    let (first, last) = found.span.unwrap_or((failure.time, failure.time));
    found.span = Some((first.min(failure.time), last.max(failure.time)));
}

fn count<T: PartialEq>(list: &mut Vec<(T, u64)>, item: T) {
    match list.iter_mut().find(|(one, _)| *one == item) {
        Some((_, count)) => *count += 1,
        None => list.push((item, 1)),
    }
}

fn most_first<T: Ord + Copy>(list: &mut Vec<(T, u64)>) {
    list.sort_by_key(|(one, count)| (std::cmp::Reverse(*count), *one));
    list.truncate(MAX_ADDRESSES);
}
