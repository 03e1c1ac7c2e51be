//! Whose packets are wanted: those of the connections whose records are.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::model::frame::Timestamp;
use crate::model::observation::{Action, Observation};
use crate::run::plan::{Emit, Plan};
use crate::run::select::Select;
use crate::run::window::Window;

/// Destinations that are remembered for having spoken TLS.
const MAX_DESTINATIONS: usize = 65_536;

/// What a record says of its connection's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They are wanted.
    Wanted,
    /// They are not.
    Unwanted,
    /// They are wanted if the run ends before there is an outcome.
    Begun,
    /// Nothing: the outcome was told before.
    Nothing,
}

/// The filters of a run, as far as they choose records.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    select: Select,
    window: Window,
    emit: Emit,
    /// Records that are still wanted (`-c`).
    left: Option<u64>,
    /// Attempts are told whatever their destination.
    every_attempt: bool,
    tls: HashSet<(IpAddr, u16)>,
}

impl Choice {
    /// The choice that a plan makes.
    pub(super) fn new(plan: &Plan, every_attempt: bool) -> Self {
        Self {
            select: plan.select.clone(),
            window: Window::new(&plan.limits),
            emit: plan.watch.emit,
            left: plan.limits.records,
            every_attempt,
            tls: HashSet::new(),
        }
    }

    /// The choice of everything.
    #[cfg(test)]
    pub(super) fn all(limits: &crate::run::plan::Limits, emit: Emit) -> Self {
        let (select, tls) = (Select::default(), HashSet::new());
        Self { select, window: Window::new(limits), emit, left: limits.records, every_attempt: true, tls }
    }

    /// Tells the capture's time.
    pub(super) fn tick(&mut self, now: Timestamp) {
        self.window.first(now);
    }

    /// True once no further connection is wanted.
    pub(super) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    /// Looks at a record.
    pub(super) fn look(&mut self, record: &Observation) -> Verdict {
        let attempt = record.handshake.as_ref().is_some_and(|handshake| handshake.attempts.is_some());
        let destination = (record.flow.destination_ip(), record.flow.ports.1);
        if !attempt && self.tls.len() < MAX_DESTINATIONS {
            self.tls.insert(destination);
        }
        let told = !attempt || self.every_attempt || self.tls.contains(&destination);
        let wanted = told && !self.is_full() && self.window.holds(record.time) && self.select.matches(record);
        let emitted = match record.action {
            Action::Hello => self.emit.hello,
            Action::Handshake => self.emit.handshake,
            Action::End => self.emit.end,
        };
        if wanted && emitted && !attempt {
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        match (record.action, wanted) {
            (Action::Handshake, true) => Verdict::Wanted,
            (Action::Handshake, false) => Verdict::Unwanted,
            (Action::Hello, true) if emitted => Verdict::Begun,
            _ => Verdict::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observation::Outcome;
    use crate::run::select::Patterns;
    use crate::sample;

    fn choice(result: &[Outcome], left: Option<u64>, every_attempt: bool) -> Choice {
        let limits = crate::run::plan::Limits::default();
        Choice {
            select: Select::new(&Patterns { result, ..Patterns::default() }).unwrap(),
            window: Window::new(&limits),
            emit: Emit { hello: false, handshake: true, end: false, failover: false, stats: false },
            left,
            every_attempt,
            tls: HashSet::new(),
        }
    }

    #[test]
    fn outcomes_decide_and_other_records_do_not() {
        let mut choice = choice(&[Outcome::Ok], None, true);
        assert_eq!(choice.look(&sample::hello_record()), Verdict::Nothing);
        assert_eq!(choice.look(&sample::ok()), Verdict::Wanted);
        assert_eq!(choice.look(&sample::failed(Outcome::Reset)), Verdict::Unwanted);
        assert_eq!(choice.look(&sample::end_record(Outcome::Ok)), Verdict::Nothing);
    }

    #[test]
    fn attempts_count_where_tls_was_spoken_or_a_filter_let_them_in() {
        let refused = sample::failed(Outcome::Refused);
        assert_eq!(choice(&[], None, true).look(&refused), Verdict::Wanted);
        let mut of_files = choice(&[], None, false);
        assert_eq!(of_files.look(&refused), Verdict::Unwanted);
        let spoken = Observation { flow: refused.flow, ..sample::ok() };
        assert_eq!(of_files.look(&spoken), Verdict::Wanted);
        assert_eq!(of_files.look(&refused), Verdict::Wanted);
    }

    #[test]
    fn after_so_many_records_nothing_more_is_wanted() {
        let mut choice = choice(&[Outcome::Ok], Some(2), true);
        assert_eq!(choice.look(&sample::failed(Outcome::Closed)), Verdict::Unwanted);
        assert_eq!(choice.look(&sample::ok()), Verdict::Wanted);
        assert!(!choice.is_full());
        assert_eq!(choice.look(&sample::ok()), Verdict::Wanted);
        assert!(choice.is_full());
        assert_eq!(choice.look(&sample::ok()), Verdict::Unwanted);
    }
}
