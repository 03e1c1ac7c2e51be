//! Writes a capture to race with: `cargo bench --bench workload -- FILE CONNECTIONS`.
//!
//! What a mesh gateway sees, as `benches/stages.rs` has it, in any amount. `benches/compare` runs programs over it;
//! `FILE.truth` lists the name of each connection.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool of the benches fails loudly"
)]
#![allow(clippy::cast_possible_truncation, reason = "connections of a chunk are few")]
#![allow(clippy::print_stdout, reason = "it says what it wrote")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs::File;
use std::io::{BufWriter, Write};

use support::link::Link;
use support::scenario::{self, Capture};
use support::workload::{self, CONNECTIONS, START};

/// Length of a capture file's header.
const HEADER: usize = 24;

fn main() {
    // cargo adds `--bench`
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [path, count] = words.as_slice() else {
        println!("nothing to do: give a file and a number of connections");
        return;
    };
    let count: u64 = count.parse().expect("a number of connections");
    let mut capture = BufWriter::new(File::create(path).unwrap());
    let mut truth = BufWriter::new(File::create(format!("{path}.truth")).unwrap());
    let (mut written, mut packets) = (0, 0);
    while written < count {
        let chunk = (count - written).min(CONNECTIONS.into()) as u16;
        let connections: Vec<_> = (0..chunk).map(|number| workload::connection(number, written)).collect();
        for connection in &connections {
            let names = connection.hello.as_ref().and_then(|hello| hello.sni.as_ref()).unwrap();
            writeln!(truth, "{} {}", connection.client, names.first().unwrap()).unwrap();
        }
        let all = scenario::packets(&connections, START + written / u64::from(CONNECTIONS) * 1_000_000_000);
        let bytes = Capture { link: Link::Ethernet, ..Capture::default() }.file(&all);
        capture.write_all(bytes.get(if written == 0 { 0 } else { HEADER }..).unwrap_or_default()).unwrap();
        packets += all.len();
        written += u64::from(chunk);
    }
    println!("{path}: {written} connections, {packets} packets");
}
