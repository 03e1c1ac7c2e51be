//! Rows with tabs between: the default columns by hand, or the fields that were chosen with `-e`.
//!
//! With the default columns nothing is allocated per record, and no JSON is made.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::Error;
use crate::failover::event::News;
use crate::model::directory::Directory;
use crate::model::frame::{Origin, OriginId};
use crate::model::name::Name;
use crate::model::observation::Observation;
use crate::model::segment::Transport;
use crate::output::context::Context;
use crate::output::rows::{Rows, Style, tabs};
use crate::output::sink::{Place, Sink, SinkSpec};
use crate::output::text::Text;
use crate::output::writer::Writer;
use crate::tally::snapshot::Snapshot;

/// The row of the sinks table.
pub(super) const SPEC: SinkSpec = SinkSpec {
    name: "tsv",
    help: "ten fields a line, or those of -e, with tabs between",
    open: |context, place: Place| Ok(Box::new(TsvSink::new(Writer::open(place, context.live)?, context))),
};

/// Writes rows.
pub struct TsvSink {
    writer: Writer,
    /// `None`: the default columns.
    chosen: Option<Rows>,
    emit_stats: bool,
    emit_failover: bool,
}

impl TsvSink {
    /// A sink that writes to `writer`.
    pub fn new(writer: Writer, context: &Context) -> Self {
        let chosen = (!context.fields.is_empty()).then(|| Rows::new(Style::Tabs, context));
        let Context { emit_stats, emit_failover, .. } = *context;
        Self { writer, chosen, emit_stats, emit_failover }
    }
}

impl Sink for TsvSink {
    fn event(&mut self, observation: &Observation) -> Result<ControlFlow<()>, Error> {
        match &mut self.chosen {
            None => self.writer.record(|out| row(out, observation)),
            Some(rows) => self.writer.record(|out| rows.flow(out, observation)),
        }
    }

    fn directory(&mut self, directory: &Arc<Directory>) {
        if let Some(rows) = &mut self.chosen {
            rows.directory(directory);
        }
    }

    fn origin(&mut self, id: OriginId, origin: &Origin) {
        if let Some(rows) = &mut self.chosen {
            rows.origin(id, origin);
        }
    }

    fn tells_failovers(&self) -> bool {
        self.emit_failover && self.chosen.is_some()
    }

    fn failover(&mut self, news: &News) -> Result<ControlFlow<()>, Error> {
        match (news, &mut self.chosen) {
            (News::Settled(event), Some(rows)) if self.emit_failover => {
                self.writer.record(|out| rows.failover(out, event))
            }
            _ => Ok(ControlFlow::Continue(())),
        }
    }

    fn tick(&mut self, snapshot: &Snapshot) -> Result<ControlFlow<()>, Error> {
        match &mut self.chosen {
            Some(rows) if self.emit_stats => {
                self.writer.record(|out| rows.stats(out, &snapshot.stats, snapshot.now))
            }
            _ => Ok(ControlFlow::Continue(())),
        }
    }

    fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        self.writer.flush()
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    fn finish(&mut self, _: &Snapshot) -> Result<(), Error> {
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}

/// The default columns: [`crate::output::fields::DEFAULT`].
fn row(out: &mut Vec<u8>, observation: &Observation) {
    let mut t = Text::new(out);
    let flow = &observation.flow;
    t.lit(match flow.transport {
        Transport::Tcp => "tcp\t",
        Transport::Udp => "udp\t",
    });
    endpoint(&mut t, flow.source_ip(), flow.ports.0);
    endpoint(&mut t, flow.destination_ip(), flow.ports.1);
    match &observation.name {
        Some(name) => columns(&mut t, name),
        None => t.lit("\t\t\t"),
    }
    if let Some(handshake) = &observation.handshake {
        t.lit(handshake.result.name());
        t.lit("\t");
        if let Some(latency) = handshake.latency {
            t.millis(latency);
        }
        t.lit("\n");
    } else {
        t.lit("\t\n");
    }
}

/// An unspecified address and port 0 stand for several, and are left out.
fn endpoint(t: &mut Text<'_>, ip: IpAddr, port: u16) {
    if !ip.is_unspecified() {
        t.bare_address(ip);
    }
    t.lit("\t");
    if port != 0 {
        t.number(port);
    }
    t.lit("\t");
}

/// The three columns that a name makes, each with its tab.
fn columns(t: &mut Text<'_>, name: &Name) {
    for column in [name.text(), name.service(), name.datacenter()] {
        tabs(t.0, column.unwrap_or_default());
        t.lit("\t");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::observation::Outcome;
    use crate::output::fields;
    use crate::sample::{self, Shared};

    fn written(fields: &[&str], records: &[Observation]) -> String {
        let shared = Shared::default();
        let fields = fields.iter().map(|path| (*path).to_owned()).collect();
        let context = Context { fields, origins: sample::file(), ..Context::default() };
        let mut sink = TsvSink::new(Writer::new("memory", Box::new(shared.clone()), false), &context);
        for record in records {
            assert!(sink.event(record).unwrap().is_continue());
        }
        sink.finish(&Snapshot::default()).unwrap();
        shared.text()
    }

    #[test]
    fn a_row_of_the_default_columns() {
        assert_eq!(
            written(&[], &[sample::ok()]),
            "tcp\t10.42.0.17\t41022\t10.128.0.10\t443\t\
             currency.default.dc2.internal.c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul\tcurrency\tdc2\tok\t4.6\n"
        );
        assert_eq!(
            written(&[], &[sample::failed(Outcome::Refused)]),
            "tcp\t10.42.0.17\t\t10.132.0.9\t443\t\t\t\trefused\t0.3\n"
        );
    }

    /// The rows made by hand are those of the same fields taken from the JSON.
    #[test]
    fn the_default_columns_are_the_fields_of_their_names() {
        let mut records = vec![sample::ok(), sample::hello_record(), sample::rare()];
        records.extend(Outcome::ALL.map(sample::failed));
        records.extend(Outcome::ALL.map(sample::end_record));
        records.push(Observation { name: Some(sample::no_name()), ..sample::ok() });
        records.push(Observation { name: Some(sample::foreign_name("a\"b\\x1b\\x5cx00,")), ..sample::ok() });
        let mut several = sample::failed(Outcome::Timeout);
        several.flow = sample::flow("0.0.0.0", (0, 443), "10.0.0.1");
        records.push(several);
        let text = written(&[], &records);
        assert_eq!(text, written(&fields::DEFAULT, &records));
        assert_eq!(text.lines().count(), records.len());
        assert!(text.lines().all(|line| line.split('\t').count() == 10), "{text}");
    }

    #[test]
    fn a_chosen_field_needs_no_verbosity() {
        let text =
            written(&["network.community_id", "tls.client.alpn", "capture.packet", "ts"], &[sample::ok()]);
        let cells: Vec<&str> = text.trim_end().split('\t').collect();
        assert!(cells[0].starts_with("1:") && cells[1] == "h2,http/1.1", "{text}");
        assert_eq!(cells[2..], ["4", "1791541867.402118"]);
    }

    #[test]
    fn counters_are_a_row_where_fields_of_theirs_are_chosen() {
        let shared = Shared::default();
        let context = Context {
            fields: vec!["event.action".into(), "sni".into(), "capture.packets".into()],
            emit_stats: true,
            ..Context::default()
        };
        let mut sink = TsvSink::new(Writer::new("memory", Box::new(shared.clone()), true), &context);
        assert!(sink.tick(&Snapshot::default()).unwrap().is_continue());
        assert_eq!(shared.text(), "capture_stats\t\t0\n");
        let plain = Context { fields: Vec::new(), ..context };
        let mut sink = TsvSink::new(Writer::new("memory", Box::new(shared.clone()), true), &plain);
        assert!(sink.tick(&Snapshot::default()).unwrap().is_continue());
        assert_eq!(shared.text(), "capture_stats\t\t0\n", "the default columns have nothing of it");
    }
}
