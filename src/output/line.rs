//! A line for each record, aligned for the eye; a failure stands in capitals.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::Error;
use crate::failover::event::News;
use crate::model::directory::Directory;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::name::Name;
use crate::model::observation::{Action, Handshake, Observation, Outcome};
use crate::output::addresses::{endpoints, put};
use crate::output::certificate::Caller;
use crate::output::clock::{Calendar, Clock};
use crate::output::column::Column;
use crate::output::context::{Context, HexMode, with_origin};
use crate::output::escape::escape;
use crate::output::extras;
use crate::output::hex;
use crate::output::pairs::{Form, OutTo, Pairs};
use crate::output::reason::{banner, withdrawal};
use crate::output::residents;
use crate::output::sink::{Place, Sink, SinkSpec};
use crate::output::words::{Aim, Detail, Shortened, Span};
use crate::output::writer::Writer;
use crate::tally::snapshot::Snapshot;

/// The row of the sinks table.
pub(super) const SPEC: SinkSpec = SinkSpec {
    name: "line",
    help: "one line a connection, for reading",
    open: |context, place: Place| Ok(Box::new(LineSink::new(Writer::open(place, context.live)?, context))),
};

/// Writes lines.
pub struct LineSink {
    writer: Writer,
    layout: Layout,
    pairs: Pairs,
}

impl LineSink {
    /// A sink that writes to `writer`.
    pub fn new(writer: Writer, context: &Context) -> Self {
        let layout = Layout {
            origins: Arc::clone(&context.origins),
            verbosity: context.verbosity,
            quiet: context.quiet,
            color: context.color,
            hex: context.hex,
            local: context.local_datacenter.clone(),
            clock: Clock::new(context),
            calendar: Calendar::new(context.timezone.clone(), ' '),
            endpoints: Column::default(),
            aim: Column::default(),
            directory: None,
        };
        Self { writer, layout, pairs: Pairs::default() }
    }
}

impl Sink for LineSink {
    fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.layout.origins = with_origin(&self.layout.origins, id, origin);
    }

    fn directory(&mut self, directory: &Arc<Directory>) {
        self.layout.directory = Some(Arc::clone(directory));
    }

    fn event(&mut self, observation: &Observation) -> Result<ControlFlow<()>, Error> {
        let Self { writer, layout, pairs } = self;
        pairs.pass(observation, &mut |it, form| writer.record(|out| layout.write(out, it, form)))
    }

    fn time(&mut self, now: Timestamp) -> Result<ControlFlow<()>, Error> {
        let Self { writer, layout, pairs } = self;
        pairs.release(now, &mut |it, form| writer.record(|out| layout.write(out, it, form)))
    }

    fn tells_failovers(&self) -> bool {
        !self.layout.quiet
    }

    fn failover(&mut self, news: &News) -> Result<ControlFlow<()>, Error> {
        match news {
            News::Noticed(event) if !self.layout.quiet => {
                self.pairs.interrupt();
                let colors = if self.layout.color { (YELLOW, PLAIN) } else { ("", "") };
                self.writer.record(|out| banner(out, &mut self.layout.calendar, colors, event))
            }
            News::Withdrawn(event) if !self.layout.quiet => {
                self.pairs.interrupt();
                self.writer.record(|out| withdrawal(out, &mut self.layout.calendar, event))
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
        let Self { writer, layout, pairs } = self;
        let print = &mut |it: &Observation, form| writer.record(|out| layout.write(out, it, form));
        let _: ControlFlow<()> = pairs.finish(print)?;
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}

mod leg;

/// How a line is laid out.
struct Layout {
    origins: Arc<[Origin]>,
    verbosity: u8,
    quiet: bool,
    color: bool,
    hex: HexMode,
    /// `--local-dc`: it goes without saying.
    local: Option<Box<str>>,
    clock: Clock,
    calendar: Calendar,
    endpoints: Column,
    aim: Column,
    /// Who lives where, with `--catalog`.
    directory: Option<Arc<Directory>>,
}

impl Layout {
    fn write(&mut self, out: &mut Vec<u8>, observation: &Observation, form: Form) {
        self.clock.write(out, observation.time);
        let start = out.len();
        match form {
            Form::Line => endpoints(out, &observation.flow),
            Form::Under | Form::Below(_) => put(out, format_args!("{}", OutTo(observation, form))),
        }
        self.endpoints.pad(out, start);
        put(out, format_args!("   "));
        if let (Some(hello), true) = (&observation.hello, form != Form::Line) {
            self.leg_out(out, observation, hello);
        } else if self.quiet {
            put(out, format_args!("{}", whole(observation)));
        } else {
            let start = out.len();
            match observation.name.as_deref().and_then(Aim::of) {
                Some(aim) => put(out, format_args!("{aim}")),
                None => put(out, format_args!("{}", whole(observation))),
            }
            self.aim.pad(out, start);
            put(out, format_args!("   "));
            self.result(out, observation);
            self.extras(out, observation);
            if let Some(directory) = &self.directory {
                residents::line(out, directory, &observation.flow);
            }
        }
        while out.last() == Some(&b' ') {
            out.pop();
        }
        out.push(b'\n');
        if let Some(bytes) = &observation.bytes {
            hex::dump(out, self.hex, bytes);
        }
    }

    fn result(&self, out: &mut Vec<u8>, observation: &Observation) {
        match (observation.action, &observation.handshake, observation.traffic) {
            (Action::Hello, ..) => self.word(out, "hello", ""),
            (Action::End, _, Some((client, server))) => {
                self.word(out, "end", "");
                put(out, format_args!("  sent {} B in {} packets", client.bytes, client.packets));
                put(out, format_args!(", got {} B in {} packets", server.bytes, server.packets));
            }
            (_, Some(handshake), _) => self.outcome(out, observation, handshake),
            (_, None, _) => self.word(out, "end", ""),
        }
        put(out, format_args!("{}", Caller { of: observation, local: self.local.as_deref() }));
        // Where all went well there is room for the name; with -v it is on every line.
        let well = observation.handshake.as_ref().is_none_or(|it| it.result == Outcome::Ok);
        let Some(name) = observation.name.as_deref().filter(|name| Aim::of(name).is_some()) else { return };
        match (name.text(), self.verbosity) {
            (Some(_), 0) if well => put(out, format_args!("  {}", Shortened(name))),
            (Some(text), 1..) => put(out, format_args!("  {}", escape(text))),
            _ => (),
        }
    }

    fn outcome(&self, out: &mut Vec<u8>, observation: &Observation, handshake: &Handshake) {
        let (word, color) = match handshake.result {
            Outcome::Ok => ("ok", GREEN),
            Outcome::Alert => ("ALERT", RED),
            Outcome::Reset => ("RESET", RED),
            Outcome::Refused => ("REFUSED", RED),
            Outcome::Closed => ("CLOSED", RED),
            Outcome::Timeout => ("TIMEOUT", RED),
            Outcome::IncompleteHello => ("INCOMPLETE", YELLOW),
            Outcome::NotSeen => ("NOT SEEN", YELLOW),
        };
        self.word(out, word, color);
        match (handshake.result, handshake.latency) {
            (Outcome::Ok, Some(latency)) => put(out, format_args!("{:>8}", Span(latency).to_string())),
            (Outcome::Ok, None) => put(out, format_args!("{:>8}", "")),
            _ => put(out, format_args!("  {}", Detail(observation, handshake))),
        }
    }

    /// The result word, seven columns wide or more.
    fn word(&self, out: &mut Vec<u8>, word: &str, color: &str) {
        if self.color && !color.is_empty() {
            put(out, format_args!("{color}{word}{PLAIN}{:1$}", "", 7_usize.saturating_sub(word.len())));
        } else {
            put(out, format_args!("{word:<7}"));
        }
    }

    /// What `-v` and `-vv` add.
    fn extras(&self, out: &mut Vec<u8>, observation: &Observation) {
        if self.verbosity == 0 {
            return;
        }
        let mut separator = "  ";
        let mut add = |arguments: std::fmt::Arguments<'_>| {
            put(out, format_args!("{separator}{arguments}"));
            separator = ", ";
        };
        if observation.protocol != "tls" {
            add(format_args!("{}", observation.protocol));
        }
        if let Some(hello) = &observation.hello {
            extras::hello(&mut add, hello, observation);
        }
        let marks = observation.marks;
        let words = [
            (marks.truncated, "cut by snap length"),
            (marks.gap, "gap"),
            (marks.conflict, "conflicting bytes"),
        ];
        for (_, word) in words.iter().filter(|(set, _)| *set) {
            add(format_args!("{word}"));
        }
        if let (Some(origin), true) =
            (self.origins.get(usize::from(observation.origin.0)), self.origins.len() > 1)
        {
            add(format_args!("on {}", escape(&origin.name)));
        }
        if self.verbosity >= 2 {
            extras::details(&mut add, observation);
        }
    }
}

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// The whole name, or why there is none.
fn whole(observation: &Observation) -> std::borrow::Cow<'_, str> {
    match observation.name.as_deref().map(Name::text) {
        Some(Some(text)) => escape(text),
        Some(None) => "(no name)".into(),
        None => "(no hello)".into(),
    }
}

#[cfg(test)]
mod tests;
