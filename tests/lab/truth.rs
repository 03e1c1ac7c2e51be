//! What others say of the calls: the caller, and the gateways' Envoys.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::exercise::Exercise;

/// A call as its caller saw it.
#[derive(Debug)]
pub struct Call {
    /// Seconds since 1970 when it began.
    pub ts: f64,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// Who answered; empty where nobody did.
    pub dc: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// A connection that a gateway passed on, as its Envoy logged it: addresses with ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Passed {
    /// Who came.
    pub client: String,
    /// The gateway's own end of the connection that it made.
    pub out: String,
    /// Whom it connected to.
    pub server: String,
}

/// A string of a record; empty where there is none.
pub fn text(record: &Value, pointer: &str) -> String {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Address and port of a side, `source` or `destination`, of a record or of a leg.
pub fn end(record: &Value, side: &str) -> String {
    format!("{}:{}", text(record, &format!("/{side}/ip")), record[side]["port"])
}

/// The calls of payments to a service so far.
pub fn calls(exercise: &Exercise, service: &str) -> Vec<Call> {
    let call = |line: Value| Call {
        ts: line["ts"].as_f64().unwrap(),
        ms: line["ms"].as_f64().unwrap(),
        dc: text(&line, "/dc"),
        error: line["error"].as_str().map(str::to_owned),
    };
    exercise.lines(&format!("captures/{service}.jsonl")).into_iter().map(call).collect()
}

/// What the gateway of a datacenter passed on for a service.
pub fn passed(exercise: &Exercise, dc: &str, service: &str) -> BTreeSet<Passed> {
    let log = exercise.lines(&format!("run/log/{dc}-gateway.access.jsonl"));
    log.iter()
        .filter(|line| text(line, "/sni").starts_with(&format!("{service}.")))
        .map(|line| Passed {
            client: text(line, "/client"),
            out: text(line, "/out"),
            server: text(line, "/server"),
        })
        .collect()
}
