//! What was seen of the names that the mesh means to use: for a person, and as JSON.

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::tz::TimeZone;

use crate::intent::report::{Expectation, Row};
use crate::intent::target::Role;
use crate::model::frame::Timestamp;
use crate::output::clock::Calendar;
use crate::output::escape::escape;
use crate::output::mesh;
use crate::output::origin::RenderedOrigin;
use crate::output::text::Text;

/// Clients that a line names.
const CITED: usize = 8;

/// Clients that a record names.
const LISTED: usize = 64;

/// Names of a service that were never seen, each with a line of its own.
const NEVER_SEEN: usize = 40;

/// For a person: a paragraph for each service.
pub fn tell(expectations: &[Expectation], zone: TimeZone) -> String {
    let mut calendar = Calendar::new(zone, ' ');
    let mut text = String::new();
    for expectation in expectations {
        heading(&mut text, expectation);
        let width = expectation.rows.iter().map(|row| escape(&row.name).len()).max().unwrap_or_default();
        let mut never = 0;
        for row in &expectation.rows {
            never += usize::from(row.connections == 0);
            if row.connections > 0 || never <= NEVER_SEEN {
                line(&mut text, row, width.min(80), &mut calendar);
            }
        }
        if never > NEVER_SEEN {
            _ = writeln!(text, "  and {} more names that were never seen", never - NEVER_SEEN);
        }
        if expectation.unlisted > 0 {
            _ = writeln!(
                text,
                "  and {} to further unexpected names",
                many(expectation.unlisted, "connection")
            );
        }
    }
    text
}

/// `EXPECT currency  2 of 3 names seen, 1 unexpected, clients now: 1 primary, 2 failover  (service-resolver x.hcl)`
fn heading(text: &mut String, expectation: &Expectation) {
    let Expectation { file, source, service, rows, .. } = expectation;
    let (expected, never) = (expectation.expected(), expectation.never_seen().count());
    let service = escape(service.as_deref().unwrap_or("(all)"));
    let plural = if expected == 1 { "" } else { "s" };
    _ = write!(text, "EXPECT {service}  {} of {expected} name{plural} seen", expected - never);
    if rows.len() > expected {
        _ = write!(text, ", {} unexpected", rows.len() - expected);
    }
    let clients: Vec<String> =
        expectation.current().map(|(role, clients)| format!("{clients} {}", role.name())).collect();
    if !clients.is_empty() {
        _ = write!(text, ", clients now: {}", clients.join(", "));
    }
    _ = writeln!(text, "  ({source} {})", escape(file));
}

fn line(text: &mut String, row: &Row, width: usize, calendar: &mut Calendar) {
    let name = escape(&row.name);
    _ = write!(text, "  {:10}  {name:width$}", row.role.name());
    let Some((_, last)) = row.span else {
        text.push_str("  never seen\n");
        return;
    };
    let last = format!("{}.{:03}", calendar.time_of_day(last), last.subsec_nanos() / 1_000_000);
    _ = write!(text, "  {}, last {last}", many(row.connections, "connection"));
    if !row.current.is_empty() {
        let clients: Vec<String> = row.current.iter().take(CITED).map(IpAddr::to_string).collect();
        let more = if row.current.len() > CITED { " …" } else { "" };
        _ = write!(text, ", now {}{more}", clients.join(" "));
    }
    text.push('\n');
}

fn many(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// The rest of an `expectation` record, without its closing brace.
pub(super) fn expectation(
    t: &mut Text<'_>,
    (of, row): (&Expectation, &Row),
    origin: Option<&RenderedOrigin>,
    sequence: u64,
) {
    let exact = row.seen.as_ref().and_then(|name| name.text()).filter(|text| **text == *row.name);
    t.lit(",\"sni\":");
    match exact {
        Some(text) => t.escaped(text),
        None if row.name.contains('*') => t.lit("null"),
        None => t.string(&row.name),
    }
    t.lit(",\"event\":{\"kind\":\"state\",\"category\":[\"network\"],\"type\":[\"info\"],");
    t.lit("\"action\":\"expectation\",\"sequence\":");
    t.number(sequence);
    t.lit("}");
    if let Some(origin) = origin {
        t.lit(",\"observer\":{\"hostname\":");
        t.raw(origin.node());
        t.lit("}");
    }
    if let Some(name) = &row.seen {
        t.lit(",\"mesh\":");
        mesh::members(t, name);
        t.lit("}");
    }
    t.lit(",\"expect\":");
    seen(t, of, row);
}

/// The `expect` object.
fn seen(t: &mut Text<'_>, of: &Expectation, row: &Row) {
    t.lit("{\"file\":");
    t.string(&of.file);
    t.lit(",\"source\":");
    t.word(of.source);
    t.lit(",\"service\":");
    match &of.service {
        Some(service) => t.string(service),
        None => t.lit("null"),
    }
    t.lit(",\"role\":");
    t.word(row.role.name());
    t.lit(",\"name\":");
    t.string(&row.name);
    t.lit(",\"connections\":");
    t.number(row.connections);
    times(t, row.span);
    t.lit(",\"clients\":");
    t.number(row.clients);
    t.lit(",\"clients_current\":");
    t.number(row.current.len() as u64);
    t.lit(",\"current\":[");
    for (place, client) in row.current.iter().take(LISTED).enumerate() {
        if place > 0 {
            t.lit(",");
        }
        t.address(*client);
    }
    t.lit("]");
    if row.role == Role::Unexpected && of.unlisted > 0 {
        t.lit(",\"unlisted\":");
        t.number(of.unlisted);
    }
    t.lit("}");
}

/// Seconds since 1970 with six decimals, as `ts`.
fn times(t: &mut Text<'_>, span: Option<(Timestamp, Timestamp)>) {
    let (first, last) = span.unzip();
    for (key, time) in [(",\"first_ts\":", first), (",\"last_ts\":", last)] {
        t.lit(key);
        let Some(time) = time else {
            t.lit("null");
            continue;
        };
        t.number(time.seconds());
        t.lit(".");
        t.digits(time.subsec_nanos() / 1000, 6);
    }
}
