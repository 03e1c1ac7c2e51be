//! The failovers of a run at its end, and nothing else: what `explain SERVICE -r FILE` prints.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::Error;
use crate::failover::event::Story;
use crate::model::frame::{Origin, OriginId};
use crate::model::observation::Observation;
use crate::output::context::{Context, with_origin};
use crate::output::sink::{Place, Sink, SinkSpec};
use crate::output::story::Teller;
use crate::output::writer::Writer;
use crate::tally::snapshot::Snapshot;

/// The row of the sinks table.
pub(super) const SPEC: SinkSpec = SinkSpec {
    name: "timeline",
    help: "failovers at the end: what moved when, and what had failed",
    open: |context, place: Place| {
        Ok(Box::new(TimelineSink::new(Writer::open(place, context.live)?, context)))
    },
};

/// Writes the timeline when the run ends.
pub struct TimelineSink {
    writer: Writer,
    origins: Arc<[Origin]>,
    zone: TimeZone,
    text: String,
}

impl TimelineSink {
    /// A sink that writes to `writer`.
    pub fn new(writer: Writer, context: &Context) -> Self {
        let (origins, zone) = (Arc::clone(&context.origins), context.timezone.clone());
        Self { writer, origins, zone, text: String::new() }
    }
}

impl Sink for TimelineSink {
    fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.origins = with_origin(&self.origins, id, origin);
    }

    fn event(&mut self, _: &Observation) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }

    fn tells_failovers(&self) -> bool {
        true
    }

    fn stories(&mut self, stories: &[Story]) -> bool {
        self.text = Teller::new(&self.origins, self.zone.clone()).tell(stories);
        true
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    fn finish(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        if self.text.is_empty() {
            self.text = format!("no failover, failback or silence in {} connections\n", snapshot.connections);
        }
        let text = std::mem::take(&mut self.text);
        let _: ControlFlow<()> = self.writer.record(|out| out.extend_from_slice(text.as_bytes()))?;
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}
