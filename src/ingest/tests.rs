//! Records that this program wrote come back as they were; what is no record does not.

use std::io::{self, Read};

use super::*;
use crate::model::name::Name;
use crate::model::observation::{Hop, Leg, Outcome};
use crate::output::context::Context;
use crate::output::json::JsonSink;
use crate::output::sink::Sink;
use crate::output::writer::Writer;
use crate::sample::{self, Shared};
use crate::tally::snapshot::Snapshot;

/// Gives a text in pieces of a few bytes.
struct Pieces(Vec<u8>, usize);

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.1.min(self.0.len()).min(into.len());
        let rest = self.0.split_off(len);
        into[..len].copy_from_slice(&self.0);
        self.0 = rest;
        Ok(len)
    }
}

fn written(records: &[Observation], verbosity: u8) -> String {
    let shared = Shared::default();
    let context = Context { origins: sample::file(), verbosity, last_stats: true, ..Context::default() };
    let mut sink = JsonSink::new(Writer::new("memory", Box::new(shared.clone()), false), &context);
    for record in records {
        assert!(sink.event(record).unwrap().is_continue());
    }
    sink.finish(&Snapshot::default()).unwrap();
    shared.text()
}

/// The name as text alone: what it means is not this module's business.
fn plain(sni: Sni<'_>) -> Arc<Name> {
    match sni {
        Sni::Name { bytes, .. } => sample::foreign_name(&crate::naming::text::escape(bytes)),
        Sni::Empty => sample::foreign_name("(empty)"),
        Sni::Malformed => sample::foreign_name("(malformed)"),
        Sni::Absent => sample::no_name(),
    }
}

fn read_in(text: &str, piece: usize) -> (Vec<Item>, Vec<String>) {
    let input = Box::new(Pieces(text.as_bytes().to_vec(), piece));
    let mut records = Records::new(input, "dc1.jsonl".into(), Box::new(plain));
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    for _ in 0..1_000_000 {
        match records.read(&mut items) {
            Ok(true) => {}
            Ok(false) => return (items, errors),
            Err(error) => errors.push(error.to_string()),
        }
    }
    panic!("it has no end");
}

/// What a text says, however it is cut.
fn read(text: &str) -> (Vec<Item>, Vec<String>) {
    let (items, errors) = read_in(text, usize::MAX);
    for piece in [1, 13, 200] {
        let (other, others) = read_in(text, piece);
        assert_eq!((other.len(), &others), (items.len(), &errors), "{piece}");
    }
    (items, errors)
}

fn observations(items: &[Item]) -> Vec<&Observation> {
    let mut all = Vec::new();
    for item in items {
        if let Item::Record(_, record) = item {
            all.push(record.as_ref());
        }
    }
    all
}

#[test]
fn records_come_back_as_they_were() {
    let mut all: Vec<Observation> = Outcome::ALL.into_iter().map(sample::failed).collect();
    let mut out = sample::ok();
    out.hop = Some(Hop { leg: Leg::Out, gateway: Some(537_001) });
    all.extend([out, sample::rare()]);
    for verbosity in [0, 2] {
        let (items, errors) = read(&written(&all, verbosity));
        assert!(errors.is_empty(), "{errors:?}");
        let back = observations(&items);
        assert_eq!(back.len(), all.len());
        for (it, was) in back.iter().zip(&all) {
            assert_eq!((it.time, it.flow, it.packet, it.marks), (was.time, was.flow, was.packet, was.marks));
            assert_eq!(it.hop, was.hop.filter(|_| was.hello.is_some()));
            let text = |it: &Observation| it.name.as_ref().and_then(|name| name.text().map(str::to_owned));
            assert_eq!(text(it), text(was).map(|text| crate::naming::text::escape(text.as_bytes())));
            let facts = |it: &Observation| {
                let hello = it.hello.as_ref()?;
                let random = if verbosity == 2 { hello.random.to_vec() } else { hello.random[..8].to_vec() };
                let counts = (hello.bytes, hello.segments, hello.records, hello.index);
                Some((random, counts, hello.digest, hello.ech))
            };
            assert_eq!(facts(it), facts(was));
            let handshake = |it: &Observation| {
                let mut handshake = it.handshake.clone().unwrap();
                (handshake.established, handshake.resumed) = (None, None);
                handshake
            };
            assert_eq!(handshake(it), handshake(was));
        }
        let Some(Item::Time(host, _)) = items.last() else { panic!("the counters tell the time") };
        assert_eq!(host, "gw1");
    }
}

#[test]
fn the_caller_comes_back_and_is_held_once() {
    let line = written(&[sample::ok()], 0);
    let line = line.lines().next().unwrap();
    let hop = "\"hop\":{";
    let called = |service: &str| line.replace(hop, &format!("\"source_service\":\"{service}\",{hop}"));
    let text: String = (0..200).map(|n| called(&format!("service-{}", n % 70)) + "\n").collect();
    let (items, errors) = read(&format!("{text}{line}\n{0}\n{0}\n", called("payments")));
    assert!(errors.is_empty(), "{errors:?}");
    let callers: Vec<_> = observations(&items).into_iter().map(|it| it.shown.client.clone()).collect();
    let service = |at: usize| callers[at].as_ref().and_then(|it| it.identity.service.as_deref());
    assert_eq!((service(0), service(199), service(200)), (Some("service-0"), Some("service-59"), None));
    assert!(Arc::ptr_eq(callers[201].as_ref().unwrap(), callers[202].as_ref().unwrap()));
}

#[test]
fn a_name_that_is_none_is_told_from_no_name() {
    let line = written(&[Observation { name: Some(sample::no_name()), ..sample::ok() }], 0);
    let line = line.lines().next().unwrap();
    let mesh = "\"scheme\":\"plain\",";
    assert!(line.contains(mesh), "{line}");
    for (flags, name) in [
        ("", None),
        ("\"flags\":[\"empty\"],", Some("(empty)")),
        ("\"flags\":[\"bad_length\"],", Some("(malformed)")),
    ] {
        let (items, _) = read(&format!("{}\n", line.replace(mesh, &format!("{mesh}{flags}"))));
        assert_eq!(observations(&items)[0].name.as_ref().unwrap().text(), name);
    }
}

#[test]
fn a_file_that_is_cut_gives_its_whole_lines_and_one_error() {
    let whole = written(&[sample::ok(), sample::failed(Outcome::Reset)], 0);
    let lines: Vec<&str> = whole.lines().collect();
    for cut in [1, 20, lines[1].len() - 1] {
        let (items, errors) = read(&format!("{}\n{}", lines[0], &lines[1][..cut]));
        assert_eq!((items.len(), errors), (1, vec!["dc1.jsonl: cut short in line 2".to_owned()]), "{cut}");
    }
    let (items, errors) = read(&format!("{}\n{}", lines[0], lines[1]));
    assert_eq!((items.len(), errors.len()), (2, 0), "a last line without its end is whole");
}

#[test]
fn another_schema_and_other_json_end_the_input() {
    let line = written(&[sample::ok()], 0);
    let line = line.lines().next().unwrap();
    let two = line.replace("\"schema_version\":1", "\"schema_version\":2");
    let (items, errors) = read(&format!("{line}\n{two}\n{line}\n"));
    assert_eq!(items.len(), 1);
    assert_eq!(errors, ["dc1.jsonl: schema_version 2 in line 2: this program reads 1"]);
    let (items, errors) = read("\n{\"sni\":\"a.example\"}\n");
    assert_eq!(items.len(), 0);
    assert_eq!(errors, ["dc1.jsonl: no records of sni-watch: line 2 has no schema_version"]);
}

#[test]
fn lines_that_are_no_records_are_passed_over_counted_and_told() {
    let line = written(&[sample::ok()], 0);
    let line = line.lines().next().unwrap();
    let old = line.replace("\"hello_digest\":\"00d19e5700d19f08\",", "");
    let spoilt = [
        ("\"10.42.0.17\"", "\"10.42.0\""),
        ("\"2026-10", "\"2026-13"),
        ("\"ok\"", "\"fine\""),
        ("\"b1b2b3b4b5b6b7b8\"", "\"b1b2\""),
        ("\"port\":41022", "\"port\":65536"),
    ];
    let mut text = format!("{line}\n{old}\n{{\n");
    for (was, is) in spoilt {
        assert!(line.contains(was), "{was}");
        text = format!("{text}{}\n", line.replace(was, is));
    }
    let (items, errors) = read(&format!("{text}{old}\n{line}\n"));
    assert_eq!(items.len(), 2);
    assert_eq!(errors.len(), 2, "{errors:?}");
    let head = "dc1.jsonl: 6 lines are no record, the first of them line 3: EOF while parsing";
    assert!(errors[0].starts_with(head), "{errors:?}");
    assert_eq!(
        errors[1],
        "dc1.jsonl: 2 lines are without handshake.hello_digest, the first of them line 2: written by an older \
         version, and nothing to join by"
    );
}

#[test]
fn memory_is_bounded_where_a_line_has_no_end() {
    let (items, errors) = read_in(&"[".repeat(3 << 20), usize::MAX);
    assert_eq!(items.len(), 0);
    assert_eq!(errors, ["dc1.jsonl: line 1 is longer than 1 MiB: no record"]);
}

#[test]
fn deep_nesting_is_no_trouble() {
    let line = written(&[sample::ok()], 0);
    let line = line
        .lines()
        .next()
        .unwrap()
        .replace("{\"@timestamp\"", &format!("{{\"x\":{},\"@timestamp\"", "[".repeat(100_000)));
    let (items, errors) = read_in(&format!("{line}\n"), usize::MAX);
    assert_eq!((items.len(), errors.len()), (0, 1));
}
