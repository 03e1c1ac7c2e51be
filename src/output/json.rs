//! JSON lines: one object a record, in ECS 9 names where ECS has one (`docs/schema/v1.json`).
//!
//! `null` is "looked, and it was not there"; an absent field was not observed or not asked for. Nothing
//! is allocated per record.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::Error;
use crate::failover::event::{Event, News};
use crate::intent::report::{Expectation, Row};
use crate::model::directory::Directory;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::observation::Observation;
use crate::model::stats::RunStats;
use crate::output::context::Context;
use crate::output::counts;
use crate::output::expect;
use crate::output::failover;
use crate::output::moment::Moments;
use crate::output::origin::RenderedOrigin;
use crate::output::record::{self, Place as At};
use crate::output::shape::Shapes;
use crate::output::sink::{Place, Sink, SinkSpec};
use crate::output::text::Text;
use crate::output::writer::Writer;
use crate::tally::snapshot::Snapshot;

/// The row of the sinks table.
pub(super) const SPEC: SinkSpec = SinkSpec {
    name: "json",
    help: "one JSON object a line, in ECS names",
    open: |context, place: Place| Ok(Box::new(JsonSink::new(Writer::open(place, context.live)?, context))),
};

/// Writes JSON lines.
pub struct JsonSink {
    writer: Writer,
    layout: Layout,
    emit_stats: bool,
    emit_failover: bool,
    last_stats: bool,
}

impl JsonSink {
    /// A sink that writes to `writer`.
    pub fn new(writer: Writer, context: &Context) -> Self {
        let layout = Layout::new(context, context.verbosity);
        let Context { emit_stats, emit_failover, last_stats, .. } = *context;
        Self { writer, layout, emit_stats, emit_failover, last_stats }
    }

    fn stats(&mut self, snapshot: &Snapshot) -> Result<ControlFlow<()>, Error> {
        self.writer.record(|out| self.layout.stats(out, &snapshot.stats, snapshot.now))
    }
}

impl Sink for JsonSink {
    fn event(&mut self, observation: &Observation) -> Result<ControlFlow<()>, Error> {
        self.writer.record(|out| self.layout.flow(out, observation))
    }

    fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.layout.origin(id, origin);
    }

    fn directory(&mut self, directory: &Arc<Directory>) {
        self.layout.directory = Some(Arc::clone(directory));
    }

    fn tells_failovers(&self) -> bool {
        self.emit_failover
    }

    fn failover(&mut self, news: &News) -> Result<ControlFlow<()>, Error> {
        match news {
            News::Settled(event) if self.emit_failover => {
                self.writer.record(|out| self.layout.failover(out, event))
            }
            _ => Ok(ControlFlow::Continue(())),
        }
    }

    fn expectations(&mut self, expectations: &[Expectation], now: Timestamp) -> Result<bool, Error> {
        for (of, row) in expectations.iter().flat_map(|of| of.rows.iter().map(move |row| (of, row))) {
            if self.writer.record(|out| self.layout.expectation(out, (of, row), now))?.is_break() {
                break;
            }
        }
        Ok(false)
    }

    fn tick(&mut self, snapshot: &Snapshot) -> Result<ControlFlow<()>, Error> {
        if self.emit_stats { self.stats(snapshot) } else { Ok(ControlFlow::Continue(())) }
    }

    fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        self.writer.flush()
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    fn finish(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        if self.last_stats {
            let _: ControlFlow<()> = self.stats(snapshot)?;
        }
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}

/// How a record is laid out.
pub(super) struct Layout {
    origins: Vec<RenderedOrigin>,
    verbosity: u8,
    sequence: u64,
    moments: Moments,
    shapes: Shapes,
    local: Vec<u8>,
    /// Who lives where, with `--catalog`.
    pub(super) directory: Option<Arc<Directory>>,
}

impl Layout {
    /// Numbers records from 1; `verbosity` decides which fields they have.
    pub(super) fn new(context: &Context, verbosity: u8) -> Self {
        Self {
            origins: context.origins.iter().map(RenderedOrigin::new).collect(),
            verbosity,
            sequence: 0,
            moments: Moments::new(),
            shapes: Shapes::new(),
            local: record::local(context.local_datacenter.as_deref()),
            directory: None,
        }
    }

    /// Another input bears this number from now on.
    pub(super) fn origin(&mut self, id: OriginId, origin: &Origin) {
        while self.origins.len() <= usize::from(id.0) {
            self.origins.push(RenderedOrigin::new(origin));
        }
        if let Some(place) = self.origins.get_mut(usize::from(id.0)) {
            *place = RenderedOrigin::new(origin);
        }
    }

    /// Appends a record about a connection.
    pub(super) fn flow(&mut self, out: &mut Vec<u8>, observation: &Observation) {
        self.sequence += 1;
        let origin = self.origins.get(usize::from(observation.origin.0));
        let mut text = Text::new(out);
        self.moments.put(&mut text, observation.time);
        let place = At {
            origin,
            verbosity: self.verbosity,
            sequence: self.sequence,
            local: &self.local,
            directory: self.directory.as_deref(),
        };
        record::flow(&mut text, observation, &place, &mut self.shapes);
        text.lit("}\n");
    }

    /// Appends a `failover` record.
    pub(super) fn failover(&mut self, out: &mut Vec<u8>, event: &Event) {
        self.sequence += 1;
        let mut text = Text::new(out);
        self.moments.put(&mut text, event.time);
        let place = failover::Place { origins: &self.origins, local: &self.local, sequence: self.sequence };
        failover::failover(&mut text, event, &place);
        text.lit("}\n");
    }

    /// Appends an `expectation` record.
    pub(super) fn expectation(&mut self, out: &mut Vec<u8>, row: (&Expectation, &Row), now: Timestamp) {
        self.sequence += 1;
        let mut text = Text::new(out);
        self.moments.put(&mut text, now);
        expect::expectation(&mut text, row, self.origins.first(), self.sequence);
        text.lit("}\n");
    }

    /// Appends a `capture_stats` record.
    pub(super) fn stats(&mut self, out: &mut Vec<u8>, stats: &RunStats, now: Timestamp) {
        self.sequence += 1;
        let mut text = Text::new(out);
        self.moments.put(&mut text, now);
        counts::stats(&mut text, stats, self.sequence, self.origins.first());
        text.lit("}\n");
    }
}

#[cfg(test)]
mod tests;
