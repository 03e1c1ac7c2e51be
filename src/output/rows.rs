//! Rows of chosen fields, for the outputs `tsv` and `csv`.

use std::sync::Arc;

use crate::failover::event::Event;
use crate::model::directory::Directory;
use crate::model::frame::{Origin, OriginId, Timestamp};
use crate::model::observation::Observation;
use crate::model::stats::RunStats;
use crate::output::context::Context;
use crate::output::fields::Fields;
use crate::output::json::Layout;

/// With every detail: a field that was asked for by name needs no `-v`.
const ALL_DETAILS: u8 = 3;

/// What stands between and around the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Tabs between, a newline behind; nothing is quoted.
    Tabs,
    /// RFC 4180 §2: commas between, CR LF behind, quotes where needed.
    Commas,
}

impl Style {
    /// Appends one cell.
    fn cell(self, out: &mut Vec<u8>, text: &str) {
        match self {
            Self::Tabs => tabs(out, text),
            Self::Commas => commas(out, text),
        }
    }

    /// Appends one row.
    fn row(self, out: &mut Vec<u8>, fill: impl FnOnce(&mut dyn FnMut(&str))) {
        let (between, behind): (u8, &[u8]) = match self {
            Self::Tabs => (b'\t', b"\n"),
            Self::Commas => (b',', b"\r\n"),
        };
        let mut first = true;
        fill(&mut |text| {
            if !std::mem::take(&mut first) {
                out.push(between);
            }
            self.cell(out, text);
        });
        out.extend_from_slice(behind);
    }
}

/// Tab, newline and carriage return as `\t`, `\n` and `\r`, other control characters as `\xNN`: a row
/// stays one line, and a cell one cell. A backslash stays, for names have such escapes already.
pub(super) fn tabs(out: &mut Vec<u8>, text: &str) {
    // All bytes, for that takes sixteen at a time.
    if !text.bytes().fold(false, |found, byte| found | byte.is_ascii_control()) {
        return out.extend_from_slice(text.as_bytes());
    }
    for byte in text.bytes() {
        match byte {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 | 0x7f => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
            _ => out.push(byte),
        }
    }
}

fn commas(out: &mut Vec<u8>, text: &str) {
    if !text.contains([',', '"', '\r', '\n']) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Makes rows out of records.
pub(super) struct Rows {
    style: Style,
    layout: Layout,
    fields: Fields,
    json: Vec<u8>,
}

impl Rows {
    /// Rows of the fields that `context` names, or of the default ones.
    pub(super) fn new(style: Style, context: &Context) -> Self {
        let layout = Layout::new(context, ALL_DETAILS);
        Self { style, layout, fields: Fields::new(&context.fields), json: Vec::new() }
    }

    /// The names of the fields.
    pub(super) fn header(&self, out: &mut Vec<u8>) {
        self.style.row(out, |cell| self.fields.names().for_each(cell));
    }

    /// Who lives where, from now on.
    pub(super) fn directory(&mut self, directory: &Arc<Directory>) {
        self.layout.directory = Some(Arc::clone(directory));
    }

    /// Another input bears this number from now on.
    pub(super) fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.layout.origin(id, origin);
    }

    /// A record's row.
    pub(super) fn flow(&mut self, out: &mut Vec<u8>, observation: &Observation) {
        self.json.clear();
        self.layout.flow(&mut self.json, observation);
        self.picked(out);
    }

    /// The row of a `failover` record.
    pub(super) fn failover(&mut self, out: &mut Vec<u8>, event: &Event) {
        self.json.clear();
        self.layout.failover(&mut self.json, event);
        self.picked(out);
    }

    /// The row of a `capture_stats` record.
    pub(super) fn stats(&mut self, out: &mut Vec<u8>, stats: &RunStats, now: Timestamp) {
        self.json.clear();
        self.layout.stats(&mut self.json, stats, now);
        self.picked(out);
    }

    fn picked(&self, out: &mut Vec<u8>) {
        let json = std::str::from_utf8(&self.json).unwrap_or_default();
        self.style.row(out, |cell| self.fields.of(json, cell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(style: Style, cells: &[&str]) -> String {
        let mut out = Vec::new();
        style.row(&mut out, |cell| cells.iter().for_each(|text| cell(text)));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_between_tabs_is_one_line_whatever_it_holds() {
        assert_eq!(row(Style::Tabs, &["a", "", "b"]), "a\t\tb\n");
        assert_eq!(
            row(Style::Tabs, &["a\tb\nc\rd\x1b[2J\x7f", "\\x1b é,\""]),
            "a\\tb\\nc\\rd\\x1b[2J\\x7f\t\\x1b é,\"\n"
        );
    }

    #[test]
    fn a_row_between_commas_is_as_rfc_4180_says() {
        assert_eq!(row(Style::Commas, &["a", "", "b c"]), "a,,b c\r\n");
        assert_eq!(
            row(Style::Commas, &["a,b", "say \"x\"", "two\nlines", "cr\r", "é\t"]),
            "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\"cr\r\",é\t\r\n"
        );
    }
}
