//! The ways of connections as JSON lines: `connection_path` records (`docs/schema/v1.json`).

use std::net::IpAddr;
use std::ops::ControlFlow;

use crate::error::Error;
use crate::model::observation::Outcome;
use crate::output::certificate;
use crate::output::context::Context;
use crate::output::mesh;
use crate::output::moment::Moments;
use crate::output::paths::words::Verdict;
use crate::output::paths::{PathSink, View};
use crate::output::text::Text;
use crate::output::writer::Writer;
use crate::path::{ConnectionPath, End, Step};

/// Writes JSON lines.
pub(super) struct PathJson {
    writer: Writer,
    moments: Moments,
    observer: String,
    sequence: u64,
}

impl PathJson {
    pub(super) fn new(writer: Writer, context: &Context) -> Self {
        let observer = context.origins.first().map(|origin| origin.node.clone()).unwrap_or_default();
        Self { writer, moments: Moments::new(), observer, sequence: 0 }
    }
}

impl PathSink for PathJson {
    fn path(&mut self, path: &ConnectionPath, view: &View<'_>) -> Result<ControlFlow<()>, Error> {
        self.sequence += 1;
        let Self { writer, moments, observer, sequence } = self;
        writer.record(|out| {
            let mut t = Text::new(out);
            moments.put(&mut t, path.time);
            t.lit(",\"sni\":");
            match path.name.text() {
                Some(text) => t.escaped(text),
                None => t.lit("null"),
            }
            event(&mut t, path, view, *sequence);
            t.lit(",\"observer\":{\"hostname\":");
            t.string(observer);
            t.lit("}");
            way(&mut t, path, view);
            t.lit(",\"mesh\":");
            mesh::members(&mut t, &path.name);
            if let Some(caller) = &path.caller {
                certificate::caller(&mut t, caller);
            }
            t.lit("}}\n");
        })
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    fn finish(&mut self, _: &View<'_>) -> Result<(), Error> {
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}

fn event(t: &mut Text<'_>, path: &ConnectionPath, view: &View<'_>, sequence: u64) {
    t.lit(",\"event\":{\"kind\":\"event\",\"category\":[\"network\"],\"type\":[\"connection\",\"info\"],");
    t.lit("\"action\":\"connection_path\",\"outcome\":");
    t.lit(match path.result {
        Outcome::Ok => "\"success\"",
        Outcome::NotSeen => "\"unknown\"",
        _ => "\"failure\"",
    });
    let whole = path.begins.is_none() && path.missing.is_empty();
    let plain = path.end == End::Answered { here: None } && whole;
    if !plain {
        t.lit(",\"reason\":");
        t.display(&Verdict(path, view));
    }
    if let Some(travel) = path.travel {
        t.lit(",\"duration\":");
        t.number(travel);
    }
    t.lit(",\"sequence\":");
    t.number(sequence);
    t.lit("}");
}

/// The `path` member.
fn way(t: &mut Text<'_>, path: &ConnectionPath, view: &View<'_>) {
    t.lit(",\"path\":{\"id\":");
    t.hexadecimal(&path.id);
    t.lit(",\"nodes\":");
    list(t, &path.nodes, |t, passed| t.string(view.name(passed.node)));
    t.lit(",\"legs\":");
    list(t, &path.steps, |t, step| leg(t, step, view));
    t.lit(",\"gateway_ms\":");
    list(t, &path.nodes, |t, passed| match passed.gateway {
        Some(nanos) => t.millis(nanos),
        None => t.lit("null"),
    });
    t.lit(",\"result\":");
    t.word(path.result.name());
    t.lit(",\"ended_at\":");
    let died = match path.end {
        End::Died { step, .. } => path.steps.get(step),
        _ => None,
    };
    match died {
        Some(step) => {
            place(t, step, view);
            t.lit("}");
        }
        None => t.lit("null"),
    }
    t.lit(",\"complete\":");
    t.boolean(path.missing.is_empty());
    t.lit("}");
}

fn list<I>(t: &mut Text<'_>, items: &[I], each: impl Fn(&mut Text<'_>, &I)) {
    t.lit("[");
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            t.lit(",");
        }
        each(t, item);
    }
    t.lit("]");
}

/// Node and leg, without the closing brace.
fn place(t: &mut Text<'_>, step: &Step, view: &View<'_>) {
    t.lit("{\"node\":");
    t.string(view.name(step.sighting.node));
    t.lit(",\"leg\":");
    t.word(step.leg.name());
}

fn leg(t: &mut Text<'_>, step: &Step, view: &View<'_>) {
    let it = &step.sighting;
    place(t, step, view);
    endpoint(t, ",\"source\":{\"ip\":", it.flow.source_ip(), it.flow.ports.0);
    endpoint(t, ",\"destination\":{\"ip\":", it.flow.destination_ip(), it.flow.ports.1);
    t.lit(",\"ts\":");
    t.number(it.time.seconds());
    t.lit(".");
    t.digits(it.time.subsec_nanos() / 1000, 6);
    t.lit(",\"result\":");
    t.word(it.result.name());
    if let Some(latency) = it.latency {
        t.lit(",\"latency_ms\":");
        t.millis(latency);
    }
    t.lit("}");
}

fn endpoint(t: &mut Text<'_>, key: &'static str, ip: IpAddr, port: u16) {
    t.lit(key);
    t.address(ip);
    if port != 0 {
        t.lit(",\"port\":");
        t.number(port);
    }
    t.lit("}");
}
