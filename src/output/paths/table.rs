//! The tables at the end of `correlate`: what each vantage point saw, and the lines between them.

use std::fmt::Write;
use std::ops::ControlFlow;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use jiff::tz::TimeZone;

use crate::error::Error;
use crate::model::observation::{Leg, Outcome};
use crate::output::context::Context;
use crate::output::escape::escape;
use crate::output::paths::words::{ClockOffset, Millis};
use crate::output::paths::{PathSink, View};
use crate::output::story::Teller;
use crate::output::writer::Writer;
use crate::path::{ConnectionPath, Node, Passed};
use crate::tally::histogram::Histogram;

/// Counts of all paths. Bounded by the number of vantage points.
#[derive(Debug, Default)]
pub(super) struct Totals {
    outcomes: [u64; Outcome::ALL.len()],
    incomplete: u64,
    nodes: Vec<Seen>,
}

/// What one vantage point saw.
#[derive(Debug, Default)]
struct Seen {
    legs: [u64; 3],
    gateway: Histogram,
}

impl Totals {
    pub(super) fn add(&mut self, path: &ConnectionPath) {
        if let Some(count) = self.outcomes.get_mut(path.result as usize) {
            *count += 1;
        }
        self.incomplete += u64::from(!path.missing.is_empty());
        for step in &path.steps {
            if let Some(count) = self.seen(step.sighting.node).legs.get_mut(step.leg as usize) {
                *count += 1;
            }
        }
        for Passed { node, gateway } in &path.nodes {
            if let Some(nanos) = gateway {
                self.seen(*node).gateway.add(*nanos);
            }
        }
    }

    fn seen(&mut self, node: Node) -> &mut Seen {
        let place = usize::from(node.0);
        if place >= self.nodes.len() {
            self.nodes.resize_with(place + 1, Seen::default);
        }
        // just made long enough; a vantage point has a number of its own
        #[expect(clippy::indexing_slicing, reason = "the line above makes the place")]
        &mut self.nodes[place]
    }

    /// `70 connections: 69 ok, 1 reset; 68 complete`, and the tables.
    pub(super) fn render(&self, view: &View<'_>) -> String {
        let all: u64 = self.outcomes.iter().sum();
        let counts = Outcome::ALL.iter().zip(self.outcomes).filter(|(_, count)| *count > 0);
        let counts: Vec<String> =
            counts.map(|(outcome, count)| format!("{count} {}", outcome.name())).collect();
        let connections = if all == 1 { "connection" } else { "connections" };
        let mut text = format!("{all} {connections}: {}", counts.join(", "));
        // Writing into a String cannot fail.
        _ = match self.incomplete {
            0 => writeln!(text, "; all complete"),
            incomplete => writeln!(text, "; {incomplete} incomplete"),
        };
        text += &self.vantage_points(view);
        for offset in view.offsets {
            _ = writeln!(text, "{}", ClockOffset(offset, view));
        }
        text
    }

    fn vantage_points(&self, view: &View<'_>) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["NODE", "IN", "OUT", "ONLY", "IN GATEWAY P50 ms", "P99 ms"]);
        for (name, seen) in view.names.iter().zip(&self.nodes) {
            let mut cells = vec![escape(name).into_owned()];
            cells.extend(
                [Leg::In, Leg::Out, Leg::Only]
                    .map(|leg| seen.legs.get(leg as usize).copied().unwrap_or_default().to_string()),
            );
            let quantile = |percent| {
                seen.gateway.percentile(percent).map_or_else(|| "-".to_owned(), |it| Millis(it).to_string())
            };
            cells.extend([50, 99].map(quantile));
            table.add_row(cells);
        }
        for (place, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if place > 0 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt() + "\n"
    }
}

/// Writes the tables alone.
pub(super) struct TableSink {
    writer: Writer,
    totals: Totals,
    zone: TimeZone,
}

impl TableSink {
    pub(super) fn new(writer: Writer, context: &Context) -> Self {
        Self { writer, totals: Totals::default(), zone: context.timezone.clone() }
    }
}

/// The failovers below the tables; nothing where none was seen.
pub(super) fn stories(view: &View<'_>, zone: &TimeZone) -> String {
    Teller::new(view.origins, zone.clone()).named().tell(view.stories)
}

impl PathSink for TableSink {
    fn path(&mut self, path: &ConnectionPath, _: &View<'_>) -> Result<ControlFlow<()>, Error> {
        self.totals.add(path);
        Ok(ControlFlow::Continue(()))
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    fn finish(&mut self, view: &View<'_>) -> Result<(), Error> {
        let text = self.totals.render(view) + &stories(view, &self.zone);
        let _: ControlFlow<()> = self.writer.record(|out| out.extend_from_slice(text.as_bytes()))?;
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}
