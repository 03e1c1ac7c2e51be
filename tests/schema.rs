//! Every record that the JSON output can write is as `docs/schema/v1.json` says, and no key repeats.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;

use serde_json::Value;
use sni_watch::model;
use sni_watch::model::frame::Origin;
use sni_watch::model::observation::{Action, Observation, Outcome};
use sni_watch::output::context::Context;
use sni_watch::output::json::JsonSink;
use sni_watch::output::sink::Sink;
use sni_watch::output::writer::Writer;
use sni_watch::tally::snapshot::Snapshot;

#[path = "support/sample.rs"]
mod sample;

const SCHEMA: &str = include_str!("../docs/schema/v1.json");

/// Every action with every outcome, and the odd ones.
fn observations() -> Vec<Observation> {
    let mut all = vec![sample::hello_record(), sample::rare()];
    for outcome in Outcome::ALL {
        all.push(sample::failed(outcome));
        all.push(sample::end_record(outcome));
    }
    let named = |name| Observation { name: Some(name), ..sample::ok() };
    all.extend([named(sample::no_name()), named(sample::foreign_name("quote\"\u{1b}\\x1b\u{202e}"))]);
    let mut bare = sample::ok();
    bare.hello.as_mut().unwrap().alpn = None;
    bare.server.as_mut().unwrap().cipher_name = None;
    bare.server.as_mut().unwrap().version = model::hello::Version(0x7a7a);
    let (payments, nothing) = (sample::certificate("payments", "dc1"), Arc::default());
    all.push(sample::mutual(Some(payments), Some(sample::hostile_certificate())));
    all.push(sample::mutual(Some(nothing), None));
    all.extend([Observation { server: None, ..bare.clone() }, bare]);
    all.extend([sample::not_tls(Action::Hello), sample::not_tls(Action::Handshake)]);
    all
}

fn lines(origins: Arc<[Origin]>, verbosity: u8) -> Vec<String> {
    let shared = sample::Shared::default();
    let context = Context { origins, verbosity, emit_stats: true, last_stats: true, ..Context::default() };
    let mut sink = JsonSink::new(Writer::new("memory", Box::new(shared.clone()), false), &context);
    for observation in observations() {
        assert!(sink.event(&observation).unwrap().is_continue());
    }
    assert!(sink.tick(&Snapshot::default()).unwrap().is_continue());
    sink.finish(&Snapshot::default()).unwrap();
    shared.text().lines().map(str::to_owned).collect()
}

fn all_lines() -> Vec<String> {
    let settings =
        (0..=3).flat_map(|verbosity| [(sample::interface(), verbosity), (sample::file(), verbosity)]);
    settings.flat_map(|(origins, verbosity)| lines(origins, verbosity)).collect()
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema), "the schema is no draft 2020-12 schema");
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn every_record_is_as_the_schema_says() {
    let validator = validator();
    let lines = all_lines();
    assert_eq!(lines.len(), 8 * (observations().len() + 2));
    for line in lines {
        let record: Value = serde_json::from_str(&line).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&record)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{line}\n{errors:#?}");
    }
}

#[test]
fn the_schema_refuses_what_no_record_may_hold() {
    let validator = validator();
    let good: Value = serde_json::from_str(lines(sample::file(), 2).get(2).unwrap()).unwrap();
    assert!(validator.is_valid(&good));
    let spoilt = |pointer: &str, key: &str, value: Value| {
        let mut record = good.clone();
        record.pointer_mut(pointer).unwrap()[key] = value;
        !validator.is_valid(&record)
    };
    assert!(spoilt("", "new", Value::Null));
    assert!(spoilt("/handshake", "new", 1.into()));
    assert!(spoilt("/mesh/hop", "leg", "through".into()));
    assert!(spoilt("", "schema_version", 2.into()));
    assert!(spoilt("/handshake", "result", "failed".into()));
    assert!(spoilt("/source", "port", 0.into()));
    assert!(spoilt("/event", "action", "tls_client_hello".into()));
    let mut nameless = good.clone();
    assert!(nameless.as_object_mut().unwrap().remove("sni").is_some());
    assert!(!validator.is_valid(&nameless));
}

#[test]
fn keys_are_plain_and_never_repeated() {
    for line in all_lines() {
        let mut keys = Keys { rest: line.as_bytes(), line: &line };
        keys.value();
        assert!(keys.rest.is_empty(), "{line}");
    }
}

/// Walks a JSON text and looks at its keys as written: a parser into maps would hide a repeated one.
struct Keys<'a> {
    rest: &'a [u8],
    line: &'a str,
}

impl<'a> Keys<'a> {
    fn next(&mut self) -> u8 {
        let (first, rest) = self.rest.split_first().unwrap_or_else(|| panic!("cut short: {}", self.line));
        self.rest = rest;
        *first
    }

    fn string(&mut self) -> &'a [u8] {
        assert_eq!(self.next(), b'"', "{}", self.line);
        let start = self.rest;
        loop {
            match self.next() {
                b'"' => return start.split_at(start.len() - self.rest.len() - 1).0,
                b'\\' => drop(self.next()),
                _ => (),
            }
        }
    }

    fn value(&mut self) {
        match self.rest.first() {
            Some(b'"') => drop(self.string()),
            Some(b'{') => self.members(b'}', |keys, seen| {
                let key = keys.string();
                let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'@');
                assert!(!key.is_empty() && key.iter().all(plain), "{}", keys.line);
                assert!(!seen.contains(&key), "{key:?} repeats in {}", keys.line);
                seen.push(key);
                assert_eq!(keys.next(), b':');
                keys.value();
            }),
            Some(b'[') => self.members(b']', |keys, _| keys.value()),
            _ => {
                while !matches!(self.rest.first(), None | Some(b',' | b'}' | b']')) {
                    self.next();
                }
            }
        }
    }

    fn members(&mut self, end: u8, mut member: impl FnMut(&mut Self, &mut Vec<&'a [u8]>)) {
        self.next();
        let mut seen = Vec::new();
        if self.rest.first() == Some(&end) {
            self.next();
            return;
        }
        loop {
            member(self, &mut seen);
            let separator = self.next();
            if separator == end {
                return;
            }
            assert_eq!(separator, b',', "{}", self.line);
        }
    }
}

#[test]
#[should_panic(expected = "repeats")]
fn the_walk_finds_a_repeated_key() {
    let line = r#"{"a":[{"b":"x\"","b":1}]}"#;
    Keys { rest: line.as_bytes(), line }.value();
}
