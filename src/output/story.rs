//! The failovers of a run at its end: a row for each, and a timeline for each service.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::failover::event::{Event, Evidence, Rule, Story};
use crate::model::certificate::Identity;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::output::certificate::Who;
use crate::output::clock::Calendar;
use crate::output::escape::escape;
use crate::output::failover::ten_thousandths;
use crate::output::reason::{Failures, Service, place};
use crate::output::words::Span;

/// Packet numbers of one capture that a timeline cites.
const CITED: usize = 12;

/// Writes failovers for a person.
pub struct Teller<'a> {
    /// The run's inputs.
    pub origins: &'a [Origin],
    /// Local dates and times.
    calendar: Calendar,
    /// Inputs are vantage points, whose names matter.
    named: bool,
}

impl<'a> Teller<'a> {
    /// Tells times in this zone.
    pub fn new(origins: &'a [Origin], zone: jiff::tz::TimeZone) -> Self {
        Self { origins, calendar: Calendar::new(zone, ' '), named: false }
    }

    /// Says at which input each thing was seen.
    #[must_use]
    pub fn named(self) -> Self {
        Self { named: true, ..self }
    }

    /// A row for each story, and a timeline for each service; empty without stories.
    pub fn tell(&mut self, stories: &[Story]) -> String {
        let mut text = String::new();
        let width =
            |size: fn(&Event) -> usize| stories.iter().map(|story| size(&story.event)).max().unwrap_or(0);
        let widths = (
            width(|event| Service(&event.name).to_string().len()),
            width(|event| way(event).chars().count()),
        );
        let mut events: Vec<&Event> = stories.iter().map(|story| &story.event).collect();
        events.sort_by_key(|event| event.time);
        for event in events {
            self.row(&mut text, event, widths);
        }
        let mut services: BTreeMap<String, Vec<(Timestamp, String)>> = BTreeMap::new();
        for story in stories {
            let rows = services.entry(Service(&story.event.name).to_string()).or_default();
            self.timeline(rows, story);
        }
        for (service, mut rows) in services {
            _ = writeln!(text, "TIMELINE {service}");
            rows.sort();
            // a last request that silence follows is told with the silence
            rows.dedup_by(|next, row| {
                next.0 == row.0 && next.1.starts_with(row.1.as_str()) && {
                    std::mem::swap(next, row);
                    true
                }
            });
            for (_, row) in rows {
                _ = writeln!(text, "  {row}");
            }
        }
        text
    }

    fn row(&mut self, text: &mut String, event: &Event, (service, ways): (usize, usize)) {
        let time = self.time(event.time);
        let name = Service(&event.name).to_string();
        _ = write!(text, "{:8}  {time}  {name:service$}  {:ways$}  ", event.heading.name(), way(event));
        let confidence = f64::from(ten_thousandths(event.confidence) / 100) / 100.0;
        _ = write!(text, "{}, confidence {confidence:.2}", event.rule.name().replace('_', " "));
        match (event.rule, event.gap) {
            (Rule::Silence, _) => {}
            (_, Some(gap)) => _ = write!(text, ", gap {}", Span(gap)),
            (_, None) => text.push_str(", gap not visible here"),
        }
        if event.rule != Rule::Silence {
            _ = write!(text, ", {} moved", many(event.moved, "client"));
            text.push_str(&callers(&event.moved_callers));
            if !event.stale.is_empty() {
                _ = write!(text, ", {} not", event.stale.len());
            }
        }
        text.push('\n');
    }

    fn timeline(&mut self, rows: &mut Vec<(Timestamp, String)>, story: &Story) {
        let event = &story.event;
        let mut add =
            |from: Timestamp, time: String, words: String| rows.push((from, format!("{time:27}  {words}")));
        let (from, to) = (place(event.from.as_deref()), place(event.to.as_deref()));
        if let Some((first, last)) = event.evidence.span {
            let packets = self.packets(&event.evidence);
            let span = format!("{} – {}", self.time(first), self.time(last));
            add(first, span, format!("{}{packets}", Failures(&event.evidence)));
        }
        for also in &story.also {
            let at = self.place(also.origin, also.packet);
            add(also.time, self.time(also.time), format!("the same request{at}"));
        }
        if event.rule == Rule::Silence {
            let at = if self.named { self.place(event.origin, event.packet) } else { String::new() };
            add(event.time, self.time(event.time), format!("last request for {from}, then silence{at}"));
            return;
        }
        if let Some(last) = event.last_seen_old {
            add(last, self.time(last), format!("last answer from {from}"));
        }
        let gap = event.gap.map(|gap| format!(", gap {}", Span(gap))).unwrap_or_default();
        let at = self.place(event.origin, event.packet);
        add(
            event.time,
            self.time(event.time),
            format!("first request for {to} by {}{}{gap}{at}", event.client, caller(event.caller.as_ref())),
        );
        if story.last > event.time {
            add(story.last, self.time(story.last), format!("last request for {to}"));
        }
        for stale in &event.stale {
            let words = format!(
                "{}{} still asks for {}, {}",
                stale.client,
                caller(stale.caller.as_ref()),
                escape(&stale.place),
                times(stale.attempts)
            );
            add(stale.last, self.time(stale.last), words);
        }
    }

    /// True if packets have numbers there.
    fn is_file(&self, origin: OriginId) -> bool {
        self.origins.get(usize::from(origin.0)).is_some_and(|origin| !origin.live)
    }

    /// ` (packet 885)`, ` (dc1, packet 885)`; of an interface only its name, if any.
    fn place(&self, origin: OriginId, packet: u64) -> String {
        let name = self.origins.get(usize::from(origin.0)).filter(|_| self.named);
        let name = name.map(|origin| escape(&origin.name).into_owned());
        let packet = (packet > 0 && self.is_file(origin)).then(|| format!("packet {packet}"));
        let parts: Vec<String> = name.into_iter().chain(packet).collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    }

    /// Where to look in Wireshark.
    fn packets(&self, evidence: &Evidence) -> String {
        let mut files: BTreeMap<OriginId, Vec<u64>> = BTreeMap::new();
        for (origin, packet) in &evidence.packets {
            if *packet > 0 && self.is_file(*origin) {
                files.entry(*origin).or_default().push(*packet);
            }
        }
        let several = files.len() > 1 || self.named;
        let list = |(origin, packets): (&OriginId, &Vec<u64>)| {
            let numbers: Vec<String> = packets.iter().take(CITED).map(u64::to_string).collect();
            let more = if packets.len() > CITED { " …" } else { "" };
            let name = self.origins.get(usize::from(origin.0)).filter(|_| several);
            let name = name.map(|origin| format!("{}: ", escape(&origin.name))).unwrap_or_default();
            format!("{name}{}{more}", numbers.join(" "))
        };
        let lists: Vec<String> = files.iter().map(list).collect();
        if lists.is_empty() { String::new() } else { format!(" (packets {})", lists.join("; ")) }
    }

    /// `10:31:07.402`.
    pub fn time(&mut self, time: Timestamp) -> String {
        format!("{}.{:03}", self.calendar.time_of_day(time), time.subsec_nanos() / 1_000_000)
    }
}

/// `dc1 → dc2`.
fn way(event: &Event) -> String {
    format!("{} → {}", place(event.from.as_deref()), place(event.to.as_deref()))
}

/// ` (payments@dc1)`, or nothing.
fn caller(caller: Option<&Arc<Identity>>) -> String {
    caller.map(|caller| format!(" ({})", Who(caller))).unwrap_or_default()
}

/// The same of several.
fn callers(callers: &[Arc<Identity>]) -> String {
    let names: Vec<String> = callers.iter().map(|caller| Who(caller).to_string()).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

fn many(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
