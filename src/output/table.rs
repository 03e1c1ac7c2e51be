//! The summary as a table: a row for each group of connections, plain text without borders.

use std::ops::ControlFlow;
use std::sync::Arc;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use jiff::tz::TimeZone;

use crate::error::Error;
use crate::failover::event::Story;
use crate::intent::report::Expectation;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::observation::{Observation, Outcome};
use crate::output::clock::Calendar;
use crate::output::context::{Context, with_origin};
use crate::output::escape::escape;
use crate::output::expect;
use crate::output::sink::{Place, Sink, SinkSpec};
use crate::output::story::Teller;
use crate::output::writer::Writer;
use crate::tally::snapshot::{Row, Snapshot};

/// The row of the sinks table.
pub(super) const SPEC: SinkSpec = SinkSpec {
    name: "table",
    help: "a table of services at the end: outcomes, latency, clients",
    open: |context, place: Place| Ok(Box::new(TableSink::new(Writer::open(place, context.live)?, context))),
};

/// What stands where a connection has no such value.
const NONE: &str = "-";

/// Outcomes with a column of their own; the last three only where there are some.
const COLUMNS: [(&str, &[Outcome], bool); 7] = [
    ("OK", &[Outcome::Ok], true),
    ("RESET", &[Outcome::Reset], true),
    ("ALERT", &[Outcome::Alert], true),
    ("TIMEOUT", &[Outcome::Timeout], true),
    ("REFUSED", &[Outcome::Refused], false),
    ("CLOSED", &[Outcome::Closed], false),
    ("OTHER", &[Outcome::IncompleteHello, Outcome::NotSeen], false),
];

/// Writes the table when the run ends.
pub struct TableSink {
    writer: Writer,
    calendar: Calendar,
    origins: Arc<[Origin]>,
    zone: TimeZone,
    failovers: String,
    expectations: String,
}

impl TableSink {
    /// A sink that writes to `writer`.
    pub fn new(writer: Writer, context: &Context) -> Self {
        Self {
            writer,
            calendar: Calendar::new(context.timezone.clone(), ' '),
            origins: Arc::clone(&context.origins),
            zone: context.timezone.clone(),
            failovers: String::new(),
            expectations: String::new(),
        }
    }
}

impl Sink for TableSink {
    fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.origins = with_origin(&self.origins, id, origin);
    }

    fn event(&mut self, _: &Observation) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }

    fn reopen(&mut self) -> Result<(), Error> {
        self.writer.reopen()
    }

    fn tells_failovers(&self) -> bool {
        true
    }

    fn stories(&mut self, stories: &[Story]) -> bool {
        self.failovers = Teller::new(&self.origins, self.zone.clone()).tell(stories);
        true
    }

    fn expectations(&mut self, expectations: &[Expectation], _: Timestamp) -> Result<bool, Error> {
        self.expectations = expect::tell(expectations, self.zone.clone());
        Ok(true)
    }

    fn reads_rows(&self) -> bool {
        true
    }

    fn finish(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        let text = render(snapshot, &mut self.calendar) + &self.failovers + &self.expectations;
        let _: ControlFlow<()> = self.writer.record(|out| out.extend_from_slice(text.as_bytes()))?;
        let _: ControlFlow<()> = self.writer.flush()?;
        Ok(())
    }
}

/// The table with a line end behind each row.
fn render(snapshot: &Snapshot, calendar: &mut Calendar) -> String {
    let columns: Vec<_> = COLUMNS
        .iter()
        .filter(|(_, outcomes, always)| *always || snapshot.rows.iter().any(|row| count(row, outcomes) > 0))
        .collect();
    let dates = spans_days(snapshot, calendar);
    let mut table = Table::new();
    table.load_style(NOTHING).force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
    let mut header: Vec<&str> = snapshot.by.iter().map(|dimension| dimension.heading()).collect();
    header.push("CONN");
    header.extend(columns.iter().map(|(name, ..)| *name));
    header.extend(["P50 ms", "P99 ms", "CLIENTS", "FIRST", "LAST"]);
    table.set_header(header);
    for row in &snapshot.rows {
        let mut cells: Vec<String> = row.key.iter().map(|value| shown(value.as_deref())).collect();
        cells.push(row.connections.to_string());
        cells.extend(columns.iter().map(|(_, outcomes, _)| count(row, outcomes).to_string()));
        cells.extend([millis(row.p50), millis(row.p99), row.clients.to_string()]);
        cells.extend([row.first, row.last].map(|time| moment(calendar, time, dates)));
        table.add_row(cells);
    }
    if snapshot.other > 0 && !snapshot.by.is_empty() {
        let mut cells = vec![String::new(); snapshot.by.len()];
        if let Some(first) = cells.first_mut() {
            "(other)".clone_into(first);
        }
        cells.push(snapshot.other.to_string());
        table.add_row(cells);
    }
    align(&mut table, snapshot.by.len(), columns.len());
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// Names and times to the left, numbers to the right, two spaces between.
fn align(table: &mut Table, dimensions: usize, outcomes: usize) {
    let numbers = dimensions..dimensions + 1 + outcomes + 3;
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if numbers.contains(&place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn count(row: &Row, outcomes: &[Outcome]) -> u64 {
    outcomes.iter().filter_map(|outcome| row.outcomes.get(*outcome as usize)).sum()
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| escape(value).into_owned())
}

/// Milliseconds: one decimal, three below 0.1.
fn millis(nanos: Option<u64>) -> String {
    let Some(nanos) = nanos else { return NONE.to_owned() };
    if nanos < 100_000 {
        return format!("0.{:03}", nanos.saturating_add(500) / 1000);
    }
    let tenths = nanos.saturating_add(50_000) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn spans_days(snapshot: &Snapshot, calendar: &mut Calendar) -> bool {
    let mut day = |time| calendar.date_time(time).get(..10).unwrap_or_default().to_owned();
    let first = snapshot.rows.iter().map(|row| row.first).min();
    let last = snapshot.rows.iter().map(|row| row.last).max();
    first.map(&mut day) != last.map(&mut day)
}

fn moment(calendar: &mut Calendar, time: Timestamp, date: bool) -> String {
    if date { calendar.date_time(time) } else { calendar.time_of_day(time) }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Shared, T0};
    use crate::tally::snapshot::Dimension;

    fn row(key: &[Option<&str>], connections: u64, outcomes: [u64; 8]) -> Row {
        Row {
            key: key.iter().map(|value| value.map(Into::into)).collect(),
            connections,
            legs: 2 * connections,
            outcomes,
            p50: Some(4_400_000),
            p99: Some(11_200_000),
            clients: 2,
            first: T0,
            last: T0.plus(154_000_000_000),
        }
    }

    fn printed(snapshot: &Snapshot) -> String {
        let shared = Shared::default();
        let writer = Writer::new("memory", Box::new(shared.clone()), false);
        let context = Context { timezone: TimeZone::UTC, color: true, ..Context::default() };
        TableSink::new(writer, &context).finish(snapshot).unwrap();
        shared.text()
    }

    #[test]
    fn services_stand_in_aligned_columns() {
        let mut shipping = row(&[Some("shipping"), Some("dc2")], 118, [118, 0, 0, 0, 0, 0, 0, 0]);
        (shipping.p50, shipping.p99, shipping.clients) = (Some(42_000), None, 1);
        let snapshot = Snapshot {
            by: vec![Dimension::Service, Dimension::Datacenter],
            rows: vec![
                shipping,
                row(&[Some("currency"), Some("dc2")], 41, [39, 0, 1, 0, 0, 1, 0, 0]),
                row(&[None, None], 1, [1, 0, 0, 0, 0, 0, 0, 0]),
            ],
            ..Snapshot::default()
        };
        assert_eq!(
            printed(&snapshot),
            "\
SERVICE   DC   CONN   OK  RESET  ALERT  TIMEOUT  P50 ms  P99 ms  CLIENTS  FIRST     LAST
shipping  dc2   118  118      0      0        0   0.042       -        1  10:31:07  10:33:41
currency  dc2    41   39      1      0        1     4.4    11.2        2  10:31:07  10:33:41
-         -       1    1      0      0        0     4.4    11.2        2  10:31:07  10:33:41
"
        );
    }

    #[test]
    fn rare_outcomes_and_other_groups_show_when_there_are_some() {
        let snapshot = Snapshot {
            by: vec![Dimension::Sni],
            rows: vec![row(&[Some("a\u{1b}[2J\u{202e}")], 14, [1, 0, 0, 9, 1, 0, 1, 2])],
            other: 70_000,
            ..Snapshot::default()
        };
        assert_eq!(
            printed(&snapshot),
            "\
SNI                    CONN  OK  RESET  ALERT  TIMEOUT  REFUSED  CLOSED  OTHER  P50 ms  P99 ms  CLIENTS  FIRST     LAST
a\\x1b[2J\\xe2\\x80\\xae     14   1      0      0        0        9       1      3     4.4    11.2        2  10:31:07  10:33:41
(other)               70000
"
        );
    }

    #[test]
    fn times_of_several_days_have_dates() {
        let mut late = row(&[Some("10.42.0.17")], 1, [1, 0, 0, 0, 0, 0, 0, 0]);
        late.last = T0.plus(86_400_000_000_000);
        let snapshot = Snapshot { by: vec![Dimension::Source], rows: vec![late], ..Snapshot::default() };
        let text = printed(&snapshot);
        assert!(text.contains("  2026-10-09 10:31:07  2026-10-10 10:31:07\n"), "{text}");
    }

    #[test]
    fn a_quiet_run_has_a_heading_only() {
        let snapshot =
            Snapshot { by: vec![Dimension::Source, Dimension::Destination], ..Snapshot::default() };
        assert_eq!(
            printed(&snapshot),
            "SRC  DST  CONN  OK  RESET  ALERT  TIMEOUT  P50 ms  P99 ms  CLIENTS  FIRST  LAST\n"
        );
    }
}
