//! Millions of connections over two gateways: how fast `correlate` joins them beside plain reading, and in how much
//! memory. `cargo bench --bench paths [-- COUNT]`; a million connections where no number is given.
//!
//! The captures are made as they are read, and are never on a disk: this program writes them into pipes itself
//! (`make dc1|dc2 COUNT`). All figures are CPU seconds of sni-watch alone, so that the generator does not count, and
//! another program on the same cores counts little. Compare ratios of one run, never numbers of two machines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench says what it measures, and fails loudly"
)]
#![allow(
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "templates of our own"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use support::link::Link;
use support::packet::Packet;
use support::scenario::{Capture, Scenario};

/// One connection, through both gateways; every other one is it with other numbers.
const TEMPLATE: &str = r#"
start = 2026-03-04T10:31:00Z
[[capture]]
suffix = "dc1"
[[capture]]
suffix = "dc2"
clock_ms = 0.31
[[connection]]
at = 1.0
client = "10.42.0.17:1000"
server = "10.128.0.10:443"
hello = { label = "template", sni = ["currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul"], session_id = 32 }
answer = "resumed"
latency_ms = 4.6
close = "fin"
seen = ["dc1"]
[connection.out]
client = "10.128.0.10:1000"
server = "10.132.0.20:443"
after_ms = 0.537
rtt_ms = 0.46
seen = ["dc1"]
far = { capture = "dc2", wire_ms = 0.2 }
out = { client = "10.132.0.20:1000", server = "10.132.0.31:21000", after_ms = 0.476, seen = ["dc2"] }
"#;

/// From one connection to the next, nanoseconds: 10,000 a second.
const EVERY: u64 = 100_000;
/// Client ports that are used in turn: each comes back after 6 s.
const PORTS: u64 = 60_000;
/// Place of the random in the hello's frame: Ethernet, IPv4, TCP with timestamps or without, record, message, version.
const ETHERNET: usize = 14;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", node, count] => make(node, count.parse().unwrap()),
        [count] => measure(count.parse().unwrap()),
        _ if std::env::args().any(|word| word == "--test") => measure(2000),
        _ => measure(1_000_000),
    }
}

/// One packet of the template: its bytes, and what is to be changed in them.
struct Piece {
    /// Since the connection's beginning.
    offset: u64,
    frame: Vec<u8>,
    from_client: bool,
    /// The random's place, in the frame that holds the hello.
    random: Option<usize>,
    /// The connection that comes next.
    next: u64,
}

/// Writes a capture of `count` connections to standard output.
fn make(node: &str, count: u64) {
    let scenario = Scenario::parse(TEMPLATE);
    let capture = scenario.capture.iter().find(|capture| capture.suffix == node).unwrap();
    let random = scenario.connection[0].hello.as_ref().unwrap().random();
    let packets = scenario.packets_at(capture);
    let start = packets[0].time;
    let mut pieces: Vec<Piece> = packets.iter().map(|packet| piece(packet, start, &random)).collect();
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    out.write_all(&Capture::default().file(&[])).unwrap();
    loop {
        // of each packet of the template the next connection's: the earliest of them comes now
        let first =
            pieces.iter_mut().filter(|piece| piece.next < count).min_by_key(|it| it.offset + it.next * EVERY);
        let Some(piece) = first else { break };
        let time = start + piece.offset + piece.next * EVERY;
        patch(piece);
        let length = (piece.frame.len() as u32).to_le_bytes();
        let (seconds, micros) = (time / 1_000_000_000, time % 1_000_000_000 / 1000);
        let header = [(seconds as u32).to_le_bytes(), (micros as u32).to_le_bytes(), length, length].concat();
        if out.write_all(&header).and_then(|()| out.write_all(&piece.frame)).is_err() {
            return;
        }
        piece.next += 1;
    }
}

fn piece(packet: &Packet, start: u64, random: &[u8]) -> Piece {
    let frame = Link::Ethernet.frame(packet, false).unwrap();
    let place = frame.windows(32).position(|window| window == random);
    Piece { offset: packet.time - start, frame, from_client: packet.from_client, random: place, next: 0 }
}

/// Makes the packet one of connection `next`: its client port, its sequence numbers, its random.
fn patch(piece: &mut Piece) {
    let number = piece.next;
    let port = 1000 + (number % PORTS) as u16;
    let tcp = ETHERNET + 20;
    let at = if piece.from_client { tcp } else { tcp + 2 };
    piece.frame[at..at + 2].copy_from_slice(&port.to_be_bytes());
    for (at, step) in [(tcp + 4, 1), (tcp + 8, 2)] {
        // another initial sequence number for each connection of a port, on both sides
        let old = u32::from_be_bytes(piece.frame[at..at + 4].try_into().unwrap());
        let own = (step == 1) == piece.from_client;
        let stride: u32 = if own { 0x0001_0007 } else { 0x0003_0005 };
        let new = if number == 0 { old } else { old.wrapping_add(stride) };
        piece.frame[at..at + 4].copy_from_slice(&new.to_be_bytes());
    }
    if let Some(at) = piece.random {
        for (place, chunk) in piece.frame[at..at + 32].chunks_mut(8).enumerate() {
            chunk.copy_from_slice(&mixed(number * 4 + place as u64).to_le_bytes());
        }
    }
}

/// splitmix64: each number has another one.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// CPU seconds, user and system.
    cpu: f64,
    /// Peak resident memory, MiB.
    memory: f64,
}

fn measure(count: u64) {
    let folder = std::env::temp_dir().join(format!("sni-watch-paths-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let mut read = Cost::default();
    for node in ["dc1", "dc2"] {
        let (cost, _) = run(&folder, &[node], count, &["-q", "-o", "json:/dev/null", "--node", node, "-r"]);
        println!("reading {node}: {:.1} s CPU, {:.0} MiB", cost.cpu, cost.memory);
        read = Cost { cpu: read.cpu + cost.cpu, memory: read.memory.max(cost.memory) };
    }
    let words = ["correlate", "-o", "json:/dev/null", "-o", "table"];
    let (joined, said) = run(&folder, &["dc1", "dc2"], count, &words);
    println!("correlating both: {:.1} s CPU, {:.0} MiB", joined.cpu, joined.memory);
    println!("{count} connections: {:.2} of the plain reading speed\n{said}", read.cpu / joined.cpu);
    let whole = format!("{count} connections: {count} ok; all complete\n");
    assert!(said.starts_with(&whole), "every connection is one path, and whole");
    fs::remove_dir_all(&folder).unwrap();
}

/// Runs sni-watch over captures that are made meanwhile.
fn run(folder: &std::path::Path, nodes: &[&str], count: u64, words: &[&str]) -> (Cost, String) {
    let pipes: Vec<PathBuf> = nodes.iter().map(|node| folder.join(format!("{node}.pcap"))).collect();
    let mut makers: Vec<Child> = Vec::new();
    for (node, pipe) in nodes.iter().zip(&pipes) {
        drop(fs::remove_file(pipe));
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        // the shell opens the pipe, which waits for its reader
        let maker = std::env::current_exe().unwrap();
        let script = format!("exec '{}' make {node} {count} > '{}'", maker.display(), pipe.display());
        makers.push(Command::new("sh").args(["-c", &script]).spawn().unwrap());
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_sni-watch"));
    command.args(words).args(&pipes).stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    let (cost, said) = watch(child);
    for mut maker in makers {
        drop(maker.kill());
        maker.wait().unwrap();
    }
    (cost, said)
}

/// Waits for a program, and looks at what it takes until then.
fn watch(mut child: Child) -> (Cost, String) {
    let mut out = child.stdout.take().unwrap();
    let reader = thread::spawn(move || io::read_to_string(&mut out).unwrap());
    let mut cost = Cost::default();
    let status = loop {
        cost = taken(child.id()).unwrap_or(cost);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{status}");
    (cost, reader.join().unwrap())
}

/// CPU time and peak memory of a process so far.
fn taken(id: u32) -> Option<Cost> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = peak.trim().trim_end_matches(" kB").parse().ok()?;
    Some(Cost { cpu: ticks as f64 / 100.0, memory: kibibytes / 1024.0 })
}
