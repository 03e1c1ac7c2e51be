//! Comma-separated values as RFC 4180 has them: a header line, then a row for each record.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::Error;
use crate::failover::event::News;
use crate::model::directory::Directory;
use crate::model::frame::{Origin, OriginId};
use crate::model::observation::Observation;
use crate::output::context::Context;
use crate::output::rows::{Rows, Style};
use crate::output::sink::{Place, Sink, SinkSpec};
use crate::output::writer::Writer;
use crate::tally::snapshot::Snapshot;

/// The row of the sinks table.
pub(super) const SPEC: SinkSpec = SinkSpec {
    name: "csv",
    help: "the same with commas and a header line (RFC 4180)",
    open: |context, place: Place| Ok(Box::new(CsvSink::new(Writer::open(place, context.live)?, context)?)),
};

/// Writes a header and rows.
struct CsvSink {
    writer: Writer,
    rows: Rows,
    emit_stats: bool,
    emit_failover: bool,
}

impl CsvSink {
    fn new(writer: Writer, context: &Context) -> Result<Self, Error> {
        let rows = Rows::new(Style::Commas, context);
        let chosen = !context.fields.is_empty();
        let (emit_stats, emit_failover) = (context.emit_stats && chosen, context.emit_failover && chosen);
        let mut sink = Self { writer, rows, emit_stats, emit_failover };
        sink.header()?;
        Ok(sink)
    }

    fn header(&mut self) -> Result<(), Error> {
        // A reader that went away is seen again at the first record.
        let _: ControlFlow<()> = self.writer.record(|out| self.rows.header(out))?;
        Ok(())
    }
}

impl Sink for CsvSink {
    fn event(&mut self, observation: &Observation) -> Result<ControlFlow<()>, Error> {
        self.writer.record(|out| self.rows.flow(out, observation))
    }

    fn directory(&mut self, directory: &Arc<Directory>) {
        self.rows.directory(directory);
    }

    fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.rows.origin(id, origin);
    }

    fn tells_failovers(&self) -> bool {
        self.emit_failover
    }

    fn failover(&mut self, news: &News) -> Result<ControlFlow<()>, Error> {
        match news {
            News::Settled(event) if self.emit_failover => {
                self.writer.record(|out| self.rows.failover(out, event))
            }
            _ => Ok(ControlFlow::Continue(())),
        }
    }

    fn tick(&mut self, snapshot: &Snapshot) -> Result<ControlFlow<()>, Error> {
        if !self.emit_stats {
            return Ok(ControlFlow::Continue(()));
        }
        self.writer.record(|out| self.rows.stats(out, &snapshot.stats, snapshot.now))
    }

    fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        self.writer.flush()
    }

    fn reopen(&mut self) -> Result<(), Error> {
        if self.writer.reopen_new()? {
            self.header()?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Snapshot) -> Result<(), Error> {
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, Shared};

    #[test]
    fn a_header_comes_first_even_without_records() {
        let shared = Shared::default();
        let context = Context { fields: vec!["sni".into(), "capture.file".into()], ..Context::default() };
        let mut sink = CsvSink::new(Writer::new("m", Box::new(shared.clone()), true), &context).unwrap();
        assert_eq!(shared.text(), "sni,capture.file\r\n");
        let named = Observation { name: Some(sample::foreign_name("a,b")), ..sample::ok() };
        assert!(sink.event(&named).unwrap().is_continue());
        assert_eq!(shared.text(), "sni,capture.file\r\n\"a,b\",\r\n");
    }

    #[test]
    fn a_file_that_a_rotation_made_anew_begins_with_the_header_too() {
        let folder = std::env::temp_dir().join(format!("sni-watch-csv-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("out.csv");
        let context = Context { fields: vec!["sni".into()], ..Context::default() };
        let mut sink =
            CsvSink::new(Writer::open(Place::File(path.clone()), true).unwrap(), &context).unwrap();
        sink.reopen().unwrap();
        assert!(sink.flush().unwrap().is_continue());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "sni\r\n", "the same file, one header");
        std::fs::rename(&path, folder.join("out.1")).unwrap();
        sink.reopen().unwrap();
        assert!(sink.flush().unwrap().is_continue());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "sni\r\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
