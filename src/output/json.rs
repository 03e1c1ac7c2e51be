//! JSON lines: one object a record, in ECS 9 names where ECS has one (`docs/schema/v1.json`).
//!
//! `null` is "looked, and it was not there"; an absent field was not observed or not asked for. Nothing
//! is allocated per record.

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::Error;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::observation::Observation;
use crate::model::segment::{Hosts, Transport};
use crate::model::stats::RunStats;
use crate::output::clock::{Calendar, fraction};
use crate::output::community;
use crate::output::context::Context;
use crate::output::object::{Object, digits, serialize};
use crate::output::record::{alpn, endpoints, event, hexadecimal, mesh, outcome, server_hello, version};
use crate::output::sink::{Place, Sink, SinkSpec};
use crate::output::writer::Writer;
use crate::tally::snapshot::Snapshot;

/// Rises only when a field is renamed, retyped, removed or changes its meaning.
pub const SCHEMA_VERSION: u8 = 1;

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
    last_stats: bool,
}

impl JsonSink {
    /// A sink that writes to `writer`.
    pub fn new(writer: Writer, context: &Context) -> Self {
        let layout = Layout {
            origins: Arc::clone(&context.origins),
            verbosity: context.verbosity,
            sequence: 0,
            calendar: Calendar::new(TimeZone::UTC, 'T'),
        };
        Self { writer, layout, emit_stats: context.emit_stats, last_stats: context.last_stats }
    }

    fn stats(&mut self, snapshot: &Snapshot) -> Result<ControlFlow<()>, Error> {
        self.writer.record(|out| self.layout.stats(out, &snapshot.stats, snapshot.now))
    }
}

impl Sink for JsonSink {
    fn event(&mut self, observation: &Observation) -> Result<ControlFlow<()>, Error> {
        self.writer.record(|out| self.layout.flow(out, observation))
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
struct Layout {
    origins: Arc<[Origin]>,
    verbosity: u8,
    sequence: u64,
    calendar: Calendar,
}

impl Layout {
    fn flow(&mut self, out: &mut Vec<u8>, observation: &Observation) {
        self.sequence += 1;
        Object::write(out, |o| {
            self.moment(o, observation.time);
            if let Some(name) = &observation.name {
                o.value("sni", &name.text);
            }
            o.object("event", |o| event(o, observation, self.sequence));
            self.observer(o, observation.origin);
            endpoints(o, observation);
            o.object("network", |o| self.network(o, observation));
            o.object("tls", |o| self.tls(o, observation));
            o.object("handshake", |o| self.handshake(o, observation));
            o.object("mesh", |o| mesh(o, observation));
            o.object("capture", |o| self.capture(o, observation));
        });
        out.push(b'\n');
    }

    /// The members that every record begins with.
    fn moment(&mut self, o: &mut Object<'_>, time: Timestamp) {
        o.raw("@timestamp", |out| {
            out.push(b'"');
            out.extend_from_slice(self.calendar.date_time(time).as_bytes());
            fraction(out, time, true);
            out.extend_from_slice(b"Z\"");
        });
        o.raw("ts", |out| {
            serialize(out, &time.seconds());
            out.push(b'.');
            digits(out, time.subsec_nanos() / 1000, 6);
        });
        o.value("schema_version", &SCHEMA_VERSION);
    }

    fn observer(&self, o: &mut Object<'_>, origin: OriginId) {
        let Some(origin) = self.origins.get(usize::from(origin.0)) else { return };
        o.object("observer", |o| {
            o.value("hostname", &origin.node);
            if origin.live {
                o.object("ingress", |o| o.object("interface", |o| o.value("name", &origin.name)));
            }
        });
    }

    fn network(&self, o: &mut Object<'_>, observation: &Observation) {
        let flow = &observation.flow;
        o.word(
            "transport",
            match flow.transport {
                Transport::Tcp => "tcp",
                Transport::Udp => "udp",
            },
        );
        o.word(
            "type",
            match flow.hosts {
                Hosts::V4(..) => "ipv4",
                Hosts::V6(..) => "ipv6",
            },
        );
        o.word("protocol", "tls");
        // The identifier is of one flow: a record without a source port stands for several.
        if self.verbosity >= 1 && flow.ports.0 != 0 {
            o.value("community_id", community::id(flow, &mut [0; 30]));
        }
        let id = |o: &mut Object<'_>, tag: Option<u16>| o.optional("id", tag);
        o.object("vlan", |o| id(o, observation.vlans.outer));
        o.object("inner", |o| o.object("vlan", |o| id(o, observation.vlans.inner)));
        if let Some(tunnel) = observation.tunnel {
            o.object("tunnel", |o| {
                o.word("type", tunnel.kind.name());
                o.optional("id", tunnel.id());
            });
        }
    }

    fn tls(&self, o: &mut Object<'_>, observation: &Observation) {
        if let Some(server) = &observation.server {
            server_hello(o, server, observation.handshake.as_ref());
        }
        let (Some(hello), true) = (&observation.hello, self.verbosity >= 1) else { return };
        o.object("client", |o| {
            o.optional("server_name", observation.name.as_ref().and_then(|name| name.wire.as_ref()));
            version(o, hello.offered);
            if let Some(list) = &hello.alpn {
                o.raw("alpn", |out| alpn(out, list));
            }
        });
    }

    fn handshake(&self, o: &mut Object<'_>, observation: &Observation) {
        if let Some(handshake) = &observation.handshake {
            outcome(o, handshake);
        }
        if let Some(hello) = &observation.hello {
            o.value("index", &hello.index);
            o.value("hello_bytes", &hello.bytes);
            o.value("hello_segments", &hello.segments);
            o.value("hello_records", &hello.records);
            o.word("ech", if hello.ech { "grease_or_real" } else { "none" });
            if self.verbosity >= 2 {
                o.raw("random", |out| hexadecimal(out, &hello.random));
            }
        }
    }

    fn capture(&self, o: &mut Object<'_>, observation: &Observation) {
        o.flag("truncated", observation.marks.truncated);
        o.flag("gap", observation.marks.gap);
        o.flag("conflict", observation.marks.conflict);
        let origin = self.origins.get(usize::from(observation.origin.0));
        if let Some(file) = origin.filter(|origin| !origin.live) {
            o.value("file", &file.name);
            o.value("packet", &observation.packet);
        }
    }

    fn stats(&mut self, out: &mut Vec<u8>, stats: &RunStats, now: Timestamp) {
        self.sequence += 1;
        Object::write(out, |o| {
            self.moment(o, now);
            o.object("event", |o| {
                o.word("kind", "metric");
                o.value("category", &["network"]);
                o.value("type", &["info"]);
                o.word("action", "capture_stats");
                o.value("sequence", &self.sequence);
            });
            if let Some(first) = self.origins.first() {
                o.object("observer", |o| o.value("hostname", &first.node));
            }
            o.object("capture", |o| {
                o.value("packets", &stats.packets);
                o.value("bytes", &stats.bytes);
                o.value("received_by_filter", &stats.source.received);
                o.value("dropped_by_kernel", &stats.source.dropped_by_kernel);
                o.value("dropped_by_interface", &stats.source.dropped_by_interface);
                o.value("dropped_by_app", &stats.dropped_by_app);
            });
            o.object("flows", |o| {
                o.value("active", &stats.flows.active);
                o.value("total", &stats.flows.total);
                o.value("with_sni", &stats.flows.with_sni);
                o.value("without_sni", &stats.flows.without_sni);
                o.value("ech", &stats.flows.ech);
                o.value("incomplete_hello", &stats.flows.incomplete_hello);
                o.value("evicted", &stats.flows.evicted);
            });
        });
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests;
