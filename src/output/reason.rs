//! What a failover is in words: the banner, the sentence of `event.reason`, and the rows at the end.

use std::fmt::{self, Display};
use std::io::Write as _;

use crate::failover::event::{Event, Evidence, Heading, Rule};
use crate::model::name::Name;
use crate::output::certificate::Who;
use crate::output::clock::Calendar;
use crate::output::escape::escape;
use crate::output::words::Span;

/// A service's name, with its namespace and partition where these are not the default.
pub(super) struct Service<'a>(pub(super) &'a Name);

impl Display for Service<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(self.0.service().unwrap_or(self.0.kind)))?;
        for scope in [self.0.namespace(), self.0.partition()] {
            if let Some(scope) = scope.filter(|scope| *scope != "default") {
                write!(f, ".{}", escape(scope))?;
            }
        }
        Ok(())
    }
}

/// A datacenter's name, or what stands for none.
pub(super) fn place(label: Option<&str>) -> String {
    label.map_or_else(|| "(silent)".to_owned(), |label| escape(label).into_owned())
}

/// What a banner says: `currency: first request for dc2 through this gateway (caller 10.42.0.17)`.
pub(super) struct Banner<'a>(pub(super) &'a Event);

impl Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        let (from, to) = (place(event.from.as_deref()), place(event.to.as_deref()));
        write!(f, "{}: ", Service(&event.name))?;
        match (event.rule, event.heading) {
            (Rule::Silence, _) => silence(f, event, &from),
            (Rule::FirstSight, Heading::Ingress) => {
                write!(f, "first request from another datacenter (via {}", event.client)?;
                match &event.caller {
                    Some(caller) => write!(f, ", caller {:#})", Who(caller)),
                    None => f.write_str(")"),
                }
            }
            (Rule::FirstSight, _) => {
                write!(f, "first request for {to}")?;
                if event.gateway {
                    f.write_str(" through this gateway")?;
                }
                if let Some(period) = event.beside {
                    write!(f, " beside health checks every {}", Span(period))?;
                }
                write!(f, " (caller {})", Client(event))
            }
            (Rule::LabelChange, _) => {
                write!(f, "{} asks for {to}, no more for {from}", Client(event))?;
                match event.gap {
                    Some(gap) => write!(f, " (last answer from {from} {} before)", Span(gap)),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The first client: its service where its certificates tell, else its address.
struct Client<'a>(&'a Event);

impl Display for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.caller {
            Some(caller) => write!(f, "{:#}", Who(caller)),
            None => self.0.client.fmt(f),
        }
    }
}

fn silence(f: &mut fmt::Formatter<'_>, event: &Event, from: &str) -> fmt::Result {
    write!(f, "no request for {from} in {}", Span(event.gap.unwrap_or(0)))?;
    if let Some(rate) = event.rate {
        write!(f, ", after {rate:.1} a second for {}", Span(event.baseline))?;
    }
    if event.evidence.is_empty() {
        f.write_str("; nothing had failed: it is back where it was, or its callers have stopped")
    } else {
        write!(f, "; before: {}", Failures(&event.evidence))
    }
}

/// The line that tells an event in the middle of others.
pub(super) fn banner(out: &mut Vec<u8>, calendar: &mut Calendar, (on, off): (&str, &str), event: &Event) {
    let (time, millis) = (calendar.time_of_day(event.time), event.time.subsec_nanos() / 1_000_000);
    let (heading, words) = (event.heading.name(), Banner(event));
    // writing into memory cannot fail
    let _ = writeln!(out, "── {time}.{millis:03}  {on}{heading}{off}  {words}");
}

/// The line that takes a banner back.
pub(super) fn withdrawal(out: &mut Vec<u8>, calendar: &mut Calendar, event: &Event) {
    let (time, millis) = (calendar.time_of_day(event.time), event.time.subsec_nanos() / 1_000_000);
    let (heading, to) = (event.heading.name(), place(event.to.as_deref()));
    let pause = Span(event.baseline);
    // writing into memory cannot fail
    let _ = writeln!(
        out,
        "── {time}.{millis:03}  no {heading}  {}: requests for {to} are so few that a pause of {pause} is usual",
        Service(&event.name)
    );
}

/// The sentence of `event.reason`.
pub(super) struct Reason<'a>(pub(super) &'a Event);

impl Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.0;
        Banner(event).fmt(f)?;
        if event.rule == Rule::Silence {
            return Ok(());
        }
        if event.evidence.is_empty() {
            return f.write_str("; nothing was seen to fail in the 30 s before");
        }
        write!(f, "; in the 30 s before: {}", Failures(&event.evidence))
    }
}

/// `9 SYN unanswered, 2 RST by 10.42.0.31, 0 TLS alerts`.
pub(super) struct Failures<'a>(pub(super) &'a Evidence);

impl Display for Failures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let evidence = self.0;
        write!(f, "{} SYN unanswered", evidence.syns)?;
        if evidence.hellos_unanswered > 0 {
            let s = if evidence.hellos_unanswered == 1 { "" } else { "s" };
            write!(f, ", {} hello{s} unanswered", evidence.hellos_unanswered)?;
        }
        if evidence.resets_by.is_empty() {
            f.write_str(", 0 RST")?;
        }
        for (ip, count) in &evidence.resets_by {
            write!(f, ", {count} RST by {ip}")?;
        }
        write!(f, ", {} TLS alert{}", evidence.alert, if evidence.alert == 1 { "" } else { "s" })?;
        for (place, (name, count)) in evidence.alerts.iter().enumerate() {
            write!(f, "{}{name}", if place == 0 { " (" } else { ", " })?;
            if *count > 1 {
                write!(f, " {count}")?;
            }
        }
        if evidence.alerts.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}
