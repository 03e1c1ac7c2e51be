//! `correlate` as it is typed: two gateways' captures or records in, the way of each connection out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code fails loudly")]
#![allow(clippy::indexing_slicing, reason = "test code fails loudly")]
#![allow(unreachable_pub, reason = "the modules below share their helpers")]

mod support;

#[path = "correlate/inputs.rs"]
mod inputs;
#[path = "correlate/live.rs"]
mod live;
#[path = "support/run.rs"]
mod run;
#[path = "correlate/stories.rs"]
mod stories;
#[path = "correlate/whole.rs"]
mod whole;

use serde_json::Value;

const DC1: &str = "fixtures/gateways-dc1.pcap";
const DC2: &str = "fixtures/gateways-dc2.pcap";

/// What `-o json` prints for a capture.
fn records(capture: &str, node: &str, verbosity: &str) -> String {
    run::sni_watch(&format!("-r {capture} -o json --node {node} {verbosity} -q")).printed()
}

/// The paths that a command line gives, its words on standard error, and its exit code.
fn paths(line: &str) -> (Vec<Value>, String, Option<i32>) {
    let done = run::sni_watch(&format!("correlate -j --node desk {line}"));
    let paths = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (paths, done.err, done.code)
}

/// A text as records make it: after a HelloRetryRequest, a record has the number of the second hello's packet; a capture
/// has the first's too.
fn as_of_records(whole: &str) -> String {
    whole.replace("(dc1, packet 578)", "(dc1, packet 589)").replace("(dc2, packet 566)", "(dc2, packet 577)")
}

/// Service, `node leg` of each step, and result.
fn shape(path: &Value) -> (String, String, String) {
    let text = |pointer: &str| path.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let step = |leg: &Value| format!("{} {}", leg["node"].as_str().unwrap(), leg["leg"].as_str().unwrap());
    let steps: Vec<String> = path["path"]["legs"].as_array().unwrap().iter().map(step).collect();
    (text("/mesh/service"), steps.join(", "), text("/path/result"))
}
