//! The words of a path: the way in one line, how it ended, what is missing.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use crate::model::observation::{Leg, Outcome};
use crate::output::escape::escape;
use crate::output::paths::View;
use crate::output::words::AlertName;
use crate::path::clock::Offset;
use crate::path::{ConnectionPath, End, Missing, Node, Party, Step};

/// `10.42.0.17 → gw dc1 → gw dc2 → 10.132.0.31:21000  (payments→currency)`; ` ✗` behind the place where it died.
pub(super) struct Way<'p>(pub(super) &'p ConnectionPath, pub(super) &'p View<'p>);

impl fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, view) = self;
        let Some(first) = path.steps.first() else { return Ok(()) };
        if path.missing.iter().any(|it| matches!(it, Missing::Before(_))) {
            f.write_str("… → ")?;
        }
        match path.begins {
            Some(node) => write!(f, "gw {}", escape(view.name(node)))?,
            None => write!(f, "{}", first.sighting.flow.source_ip())?,
        }
        for step in path.steps.iter().filter(|step| step.leg == Leg::In) {
            write!(f, " → gw {}", escape(view.name(step.sighting.node)))?;
        }
        self.target(f)?;
        if matches!(path.end, End::Died { .. }) {
            f.write_str(" ✗")?;
        }
        let Some(name) = path.name.service().or(path.name.text()) else { return Ok(()) };
        let caller = path.caller.as_ref().and_then(|caller| caller.identity.service.as_deref());
        match caller {
            Some(caller) => write!(f, "  ({}→{})", escape(caller), escape(name)),
            None => write!(f, "  ({})", escape(name)),
        }
    }
}

impl Way<'_> {
    /// The last place: a server, or the gateway that the hello never left.
    fn target(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, view) = self;
        if let End::Died { never_left: Some(node), .. } = path.end {
            return write!(f, " → gw {}", escape(view.name(node)));
        }
        let Some(last) = path.steps.last() else { return Ok(()) };
        write!(f, " → {}", server(last))?;
        if path.missing.iter().any(|it| matches!(it, Missing::After(_))) {
            f.write_str(" → …")?;
        }
        match path.end {
            End::Answered { here: Some(node) } => write!(f, " at {}", escape(view.name(node))),
            _ => Ok(()),
        }
    }
}

fn server(step: &Step) -> SocketAddr {
    let flow = &step.sighting.flow;
    SocketAddr::new(flow.destination_ip(), flow.ports.1)
}

/// `reset by gw dc1, never left dc1`; `ok`.
pub(super) struct Verdict<'p>(pub(super) &'p ConnectionPath, pub(super) &'p View<'p>);

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, view) = self;
        match path.end {
            End::Answered { here: None } => f.write_str("ok")?,
            End::Answered { here: Some(_) } => f.write_str("ok, path ends here")?,
            End::Unseen => f.write_str("answer not seen")?,
            End::Died { step, by, never_left } => {
                self.died(f, path.steps.get(step), by)?;
                if let Some(node) = never_left {
                    write!(f, ", never left {}", escape(view.name(node)))?;
                }
            }
        }
        if let Some(node) = path.begins {
            write!(f, ", path begins at gw {}", escape(view.name(node)))?;
        }
        path.missing.iter().try_for_each(|missing| write!(f, "; {}", Lack(*missing, view)))
    }
}

impl Verdict<'_> {
    fn died(&self, f: &mut fmt::Formatter<'_>, step: Option<&Step>, by: Party) -> fmt::Result {
        let result = step.map_or(self.0.result, |step| step.sighting.result);
        match (result, self.0.alert) {
            (Outcome::Alert, Some(alert)) => write!(f, "alert {}", AlertName(alert.name, alert.code))?,
            (Outcome::Timeout, _) => f.write_str("no answer")?,
            _ => f.write_str(result.name())?,
        }
        match (by, step) {
            (Party::Client, _) => f.write_str(" by client"),
            (Party::Gateway(node), _) => write!(f, " by gw {}", escape(self.1.name(node))),
            (Party::Server(ip, port), _) => write!(f, " by {}", SocketAddr::new(ip, port)),
            (Party::Nobody, Some(step)) => write!(f, " from {}", server(step)),
            (Party::Nobody, None) => Ok(()),
        }
    }
}

/// What is missing.
struct Lack<'v>(Missing, &'v View<'v>);

impl fmt::Display for Lack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |node: Node| escape(self.1.name(node));
        match self.0 {
            Missing::Before(node) | Missing::After(node) => write!(f, "not seen at {}", name(node)),
            Missing::LegAt(node) => write!(f, "a leg at {} is missing", name(node)),
            Missing::Late => f.write_str("came late, its other legs may have been told before"),
            Missing::Repeated => f.write_str("the same hello came again"),
            Missing::Order => f.write_str("the order is not clear"),
        }
    }
}

/// `clock offset dc2−dc1: +0.31 ms ± 0.04 (41 shared hellos; ± 0.60 if one way takes all the time)`.
pub(super) struct ClockOffset<'v>(pub(super) &'v Offset, pub(super) &'v View<'v>);

impl fmt::Display for ClockOffset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(offset, view) = self;
        let (from, to) = (escape(view.name(offset.from)), escape(view.name(offset.to)));
        let sign = if offset.nanos < 0 { '−' } else { '+' };
        let hellos = if offset.shared == 1 { "hello" } else { "hellos" };
        write!(f, "clock offset {to}−{from}: {sign}{} ms", Millis(offset.nanos.unsigned_abs()))?;
        write!(f, " ± {} ({} shared {hellos}", Millis(offset.error), offset.shared)?;
        write!(f, "; ± {} if one way takes all the time)", Millis(offset.bound))
    }
}

/// Nanoseconds as milliseconds with two decimals; beyond a minute, in hours, minutes and seconds too.
pub(super) struct Millis(pub(super) u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = self.0.saturating_add(5000) / 10_000;
        write!(f, "{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

/// A hello's identity: sixteen digits.
pub(super) fn hello(path: &ConnectionPath) -> String {
    path.id.iter().fold(String::with_capacity(16), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
