//! Puts the leg out of a gateway under the leg in, where a person reads.
//!
//! The two records are complete within moments, in either order. A leg out that comes first waits, at most
//! [`PATIENCE`] of capture time and [`WAITING`] at once; then it is a line like any other.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::ops::ControlFlow;

use crate::error::Error;
use crate::model::frame::Timestamp;
use crate::model::observation::{Action, Observation};
use crate::model::observation::{HelloFacts, Leg};
use crate::output::words::Hexadecimal;

/// Legs out that wait for their leg in, at most.
const WAITING: usize = 256;
/// How long one waits, nanoseconds of capture time.
const PATIENCE: u64 = 1_000_000_000;
/// Legs in that are remembered: a leg out may be complete a little later.
const TOLD: usize = 1024;

/// How a record is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A line of its own.
    Line,
    /// Right under its leg in.
    Under,
    /// Under other lines: the leg in of this client stands further up.
    Below(SocketAddr),
}

/// Prints a record.
pub(super) type Print<'p> = dyn FnMut(&Observation, Form) -> Result<ControlFlow<()>, Error> + 'p;

/// The legs that are waiting, and those that were told.
#[derive(Default)]
pub(super) struct Pairs {
    waiting: VecDeque<Observation>,
    /// By hello; as long as [`TOLD`] once there is one.
    told: Vec<Option<(u64, SocketAddr)>>,
    /// The hello of the leg in that stands last.
    last: Option<u64>,
}

impl Pairs {
    /// Prints a record and what it has others wait for, or keeps it.
    pub(super) fn pass(
        &mut self,
        record: &Observation,
        print: &mut Print<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        if self.release(record.completed, print)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match leg(record) {
            Some((hello, Leg::In)) => self.inward(record, hello, print),
            Some((hello, Leg::Out)) => self.outward(record, hello, print),
            _ => {
                self.last = None;
                print(record, Form::Line)
            }
        }
    }

    fn inward(
        &mut self,
        record: &Observation,
        hello: u64,
        print: &mut Print<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        self.remember(hello, SocketAddr::new(record.flow.source_ip(), record.flow.ports.0));
        self.last = Some(hello);
        if print(record, Form::Line)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let mut rest = VecDeque::new();
        for out in self.waiting.drain(..) {
            if leg(&out).is_none_or(|(of, _)| of != hello) {
                rest.push_back(out);
            } else if print(&out, Form::Under)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        self.waiting = rest;
        Ok(ControlFlow::Continue(()))
    }

    fn outward(
        &mut self,
        record: &Observation,
        hello: u64,
        print: &mut Print<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        if self.last == Some(hello) {
            return print(record, Form::Under);
        }
        let told = self.told.get(place(hello)).copied().flatten();
        if let Some((_, client)) = told.filter(|(of, _)| *of == hello) {
            self.last = None;
            return print(record, Form::Below(client));
        }
        self.waiting.push_back(record.clone());
        if self.waiting.len() > WAITING {
            return self.first(print);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Prints the leg that waits longest, as a line of its own.
    fn first(&mut self, print: &mut Print<'_>) -> Result<ControlFlow<()>, Error> {
        self.last = None;
        self.waiting.pop_front().map_or(Ok(ControlFlow::Continue(())), |out| print(&out, Form::Line))
    }

    /// The capture's time is `now`: prints what has waited for too long.
    pub(super) fn release(
        &mut self,
        now: Timestamp,
        print: &mut Print<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        while self.waiting.front().is_some_and(|out| now.since(out.completed) > PATIENCE) {
            if self.first(print)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Something else is printed: what comes next stands under it.
    pub(super) fn interrupt(&mut self) {
        self.last = None;
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self, print: &mut Print<'_>) -> Result<ControlFlow<()>, Error> {
        self.release(Timestamp(u64::MAX), print)
    }

    fn remember(&mut self, hello: u64, client: SocketAddr) {
        if self.told.is_empty() {
            self.told = vec![None; TOLD];
        }
        if let Some(told) = self.told.get_mut(place(hello)) {
            *told = Some((hello, client));
        }
    }
}

fn place(hello: u64) -> usize {
    usize::try_from(hello).unwrap_or_default() % TOLD
}

/// A handshake's hello and leg.
fn leg(record: &Observation) -> Option<(u64, Leg)> {
    let hello = record.hello.as_ref().filter(|_| record.action == Action::Handshake)?;
    Some((hello.digest, record.hop?.leg))
}

/// What stands in place of both addresses: `    └ out to 10.132.0.20:443`.
pub(super) struct OutTo<'a>(pub(super) &'a Observation, pub(super) Form);

impl fmt::Display for OutTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flow = &self.0.flow;
        f.write_str("    └ ")?;
        if let Form::Below(client) = self.1 {
            write!(f, "{client} ")?;
        }
        write!(f, "out to {}", SocketAddr::new(flow.destination_ip(), flow.ports.1))
    }
}

/// What stands in place of the name: `same hello b1b1…, +0.54 ms in gateway`.
pub(super) struct SameHello<'a>(pub(super) &'a HelloFacts, pub(super) Option<u64>);

impl fmt::Display for SameHello<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(hello, gateway) = self;
        let start = hello.random.first_chunk::<2>().map_or(&[][..], |start| start);
        write!(f, "same hello {}…", Hexadecimal(start))?;
        gateway.map_or(Ok(()), |nanos| write!(f, ", +{} ms in gateway", Hundredths(nanos)))
    }
}

/// Nanoseconds as milliseconds with two decimals: the time inside a gateway is seldom a whole one.
pub(super) struct Hundredths(pub(super) u64);

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.saturating_add(5000) / 10_000;
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests;
