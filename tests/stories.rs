//! Twelve sessions of the people that the program is for, each by its name: what they type, and what they must see.
//!
//! Stories 1, 2 and 12 watch real interfaces in network namespaces: they need root, `ip netns`, `openssl`, `jq` and
//! `tcpdump`, and say so where they have not got them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    dead_code,
    unreachable_pub,
    reason = "test code fails loudly, and helpers that other tests share are not all used here"
)]

#[path = "stories/analyst.rs"]
mod analyst;
#[path = "stories/engineer.rs"]
mod engineer;
#[path = "stories/live.rs"]
mod live;
#[path = "support/netns.rs"]
mod netns;
#[path = "stories/operator.rs"]
mod operator;
#[path = "support/run.rs"]
mod run;
#[path = "stories/sre.rs"]
mod sre;
mod support;
#[path = "live/traffic.rs"]
mod traffic;
#[path = "live/watch.rs"]
mod watch;

use serde_json::Value;

const FAILOVER: &str = "fixtures/failover.pcap";
const NODE: &str = "node=fixtures/terminals-node.pcap";
const DC1: &str = "dc1=fixtures/terminals-dc1.pcap";
const DC2: &str = "dc2=fixtures/terminals-dc2.pcap";

/// The JSON records that a command line prints.
#[track_caller]
fn records(line: &str) -> Vec<Value> {
    run::sni_watch(line).printed().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Lines that begin with a rule.
fn banners(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with('─')).collect()
}

/// Runs a shell script with the program as `$BIN`, in the crate's folder.
#[track_caller]
fn shell(script: &str) -> run::Done {
    let mut command = std::process::Command::new("bash");
    command.args(["-o", "pipefail", "-c", script]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env("BIN", run::BINARY).env("TZ", "UTC");
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    run::run(command)
}

/// True if a program is there; says that the story is left out if not.
fn has(program: &str) -> bool {
    let found = shell(&format!("command -v {program}")).code == Some(0);
    if !found {
        println!("skipped: needs {program}");
    }
    found
}
