//! What the outputs make of records, and what must hold of that whatever the records are of.

use std::cell::RefCell;
use std::io::{self, Cursor, Write};
use std::rc::Rc;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::ingest::{Item, Records};
use crate::inspector::Inspector;
use crate::inspector::names::Names;
use crate::inspector::settings::Settings;
use crate::model::frame::Origin;
use crate::model::hello::Sni;
use crate::model::observation::Observation;
use crate::model::seed::Seed;
use crate::naming::Namer;
use crate::output::context::{Context, HexMode};
use crate::output::json::JsonSink;
use crate::output::line::LineSink;
use crate::output::sink::Sink;
use crate::output::tsv::TsvSink;
use crate::output::writer::Writer;
use crate::run::worker::Worker;
use crate::wire::Decoder;

/// Flows at once: few, so that a table is made soon.
const MAX_FLOWS: usize = 64;

/// An inspector that says all that it can.
pub(super) fn inspector() -> Inspector {
    let settings = Settings {
        max_flows: MAX_FLOWS,
        emit_hello: true,
        emit_end: true,
        keep_bytes: true,
        fingerprints: true,
        certificates: true,
        ..Settings::default()
    };
    Inspector::new(settings, Namer::default())
}

/// A decoder under a seed that is always the same.
pub(super) fn decoder() -> Decoder {
    Decoder::new(Seed(7, 11))
}

/// A worker around both.
pub(super) fn worker() -> Worker {
    Worker::new(decoder(), inspector(), None)
}

/// A context in which everything is said.
pub(super) fn context() -> Context {
    Context {
        origins: Arc::from([Origin { name: "any".into(), node: "here".into(), live: false }]),
        verbosity: 2,
        hex: HexMode::LinkHexAscii,
        timezone: TimeZone::UTC,
        ..Context::default()
    }
}

/// Bytes that are written and read.
#[derive(Clone, Default)]
pub(super) struct Paper(Rc<RefCell<Vec<u8>>>);

impl Paper {
    /// A writer onto it.
    pub(super) fn writer(&self) -> Writer {
        Writer::new("memory", Box::new(self.clone()), true)
    }

    /// What was written.
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.take()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes `records` as lines, rows and JSON, and reads the JSON back; how many records there are.
///
/// # Panics
/// A line or row holds what a terminal would obey, or JSON is none or does not come back.
pub(super) fn tell(records: &[Observation]) -> usize {
    let context = context();
    let (lines, rows, objects) = (Paper::default(), Paper::default(), Paper::default());
    let mut sinks: [Box<dyn Sink>; 3] = [
        Box::new(LineSink::new(lines.writer(), &context)),
        Box::new(TsvSink::new(rows.writer(), &context)),
        Box::new(JsonSink::new(objects.writer(), &context)),
    ];
    for sink in &mut sinks {
        for record in records {
            let written = sink.event(record);
            assert!(written.is_ok_and(|flow| flow.is_continue()), "memory takes all");
        }
    }
    // lines are for a person's eyes: besides ASCII, the program's own signs only; a tab is ahead of a hello's bytes
    bear(&lines.take(), |sign| matches!(sign, '\n' | '\t' | ' '..='~' | '→' | '←' | '─' | '└' | '…'));
    bear(&rows.take(), |sign| matches!(sign, '\n' | '\t') || !sign.is_ascii_control());
    let objects = objects.take();
    bear(&objects, |sign| matches!(sign, '\n' | ' '..));
    assert_eq!(objects.split(|byte| *byte == b'\n').count(), records.len() + 1, "one line a record");
    let (_, troubles) = read_back(&objects);
    assert!(troubles.iter().all(|trouble| !trouble.contains("no record")), "not read back: {troubles:?}");
    records.len()
}

/// Holds text against the characters that it may have.
fn bear(text: &[u8], may: impl Fn(char) -> bool) {
    let text = String::from_utf8_lossy(text);
    let bad = text.chars().find(|sign| !may(*sign));
    assert_eq!(bad, None, "no such character is written");
}

/// The records in `json`, and what was wrong there.
pub(super) fn read_back(json: &[u8]) -> (Vec<Item>, Vec<String>) {
    let names = Names::new(Namer::default());
    let classify = Box::new(move |sni: Sni<'_>| names.get(sni));
    let mut records = Records::new(Box::new(Cursor::new(json.to_vec())), "memory".into(), classify);
    let (mut items, mut troubles) = (Vec::new(), Vec::new());
    loop {
        match records.read(&mut items) {
            Ok(true) => {}
            Ok(false) => return (items, troubles),
            Err(error) => troubles.push(error.to_string()),
        }
    }
}
