//! The ways of connections for reading: clocks first, then a line each, tables at the end.

use std::fmt::Display;
use std::ops::ControlFlow;

use jiff::tz::TimeZone;

use crate::error::Error;
use crate::model::observation::Outcome;
use crate::model::segment::FlowKey;
use crate::output::addresses::{endpoints, put};
use crate::output::context::Context;
use crate::output::paths::table::{Totals, stories};
use crate::output::paths::words::{ClockOffset, Millis, Verdict, Way, hello};
use crate::output::paths::{PathSink, View};
use crate::output::words::Span;
use crate::output::writer::Writer;
use crate::path::{ConnectionPath, Step};

/// Columns of the way; a longer one is not cut.
const WAY: usize = 80;

/// Writes lines.
pub(super) struct TextSink {
    writer: Writer,
    verbosity: u8,
    color: bool,
    begun: bool,
    zone: TimeZone,
    totals: Totals,
}

impl TextSink {
    pub(super) fn new(writer: Writer, context: &Context) -> Self {
        let Context { verbosity, color, .. } = *context;
        let zone = context.timezone.clone();
        Self { writer, verbosity, color, begun: false, zone, totals: Totals::default() }
    }

    fn head(&mut self, view: &View<'_>) -> Result<ControlFlow<()>, Error> {
        self.begun = true;
        self.writer.record(|out| {
            for offset in view.offsets {
                put(out, format_args!("{}\n", ClockOffset(offset, view)));
            }
            if view.offsets.is_empty() && view.names.len() > 1 {
                put(out, format_args!("clock offset: not known, no answered leg was seen by two\n"));
            }
            put(out, format_args!("HELLO             {:WAY$}  LEGS       MS  RESULT\n", "PATH"));
        })
    }
}

impl PathSink for TextSink {
    fn path(&mut self, path: &ConnectionPath, view: &View<'_>) -> Result<ControlFlow<()>, Error> {
        if !self.begun && self.head(view)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        self.totals.add(path);
        let (verbosity, color) = (self.verbosity, self.color);
        self.writer.record(|out| {
            line(out, path, view, color);
            if verbosity > 0 {
                path.steps.iter().for_each(|step| leg(out, step, view));
            }
        })
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    fn finish(&mut self, view: &View<'_>) -> Result<(), Error> {
        if self.begun {
            let tables = self.totals.render(view) + &stories(view, &self.zone);
            let _: ControlFlow<()> = self.writer.record(|out| put(out, format_args!("\n{tables}")))?;
        }
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}

fn line(out: &mut Vec<u8>, path: &ConnectionPath, view: &View<'_>, color: bool) {
    let way = Way(path, view).to_string();
    let millis = path.travel.map_or_else(|| "-".to_owned(), |nanos| Millis(nanos).to_string());
    put(out, format_args!("{}  {way:WAY$}  {:>4}  {millis:>7}  ", hello(path), path.legs));
    colored(out, path.result, color, &Verdict(path, view));
    put(out, format_args!("\n"));
}

fn colored(out: &mut Vec<u8>, result: Outcome, color: bool, verdict: &dyn Display) {
    let code = match result {
        _ if !color => return put(out, format_args!("{verdict}")),
        Outcome::Ok => 32,
        Outcome::NotSeen => 33,
        _ => 31,
    };
    put(out, format_args!("\x1b[{code}m{verdict}\x1b[0m"));
}

/// `-v`: one leg as one vantage point saw it, and the time since the step before.
fn leg(out: &mut Vec<u8>, step: &Step, view: &View<'_>) {
    let it = &step.sighting;
    let node = crate::output::escape::escape(view.name(it.node));
    let since = step.since.map_or_else(String::new, |nanos| format!("+{}", Millis(nanos)));
    put(out, format_args!("{:>18}{node} {:<4}  {since:>8}  ", "", step.leg.name()));
    flow(out, &it.flow);
    put(out, format_args!("  {}", it.result.name()));
    if let Some(latency) = it.latency {
        put(out, format_args!(" {}", Span(latency)));
    }
    put(out, format_args!("\n"));
}

fn flow(out: &mut Vec<u8>, flow: &FlowKey) {
    let start = out.len();
    endpoints(out, flow);
    let width = 44_usize.saturating_sub(out.len() - start);
    put(out, format_args!("{:width$}", ""));
}
