//! Several captures at once are as one: merged by time, whatever their formats and their compression.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::captures::{FAILOVER, START, connection, line};
use crate::run::{BINARY, Folder, Running, command, run, sni_watch, words};
use crate::support::damage;
use crate::support::packet::Packet;
use crate::support::scenario::{self, Capture, Format, Interface, Scenario};

/// The failover's packets, no two at the same nanosecond.
fn packets() -> Vec<Packet> {
    let mut packets = Scenario::fixture("failover").packets();
    let mut last = 0;
    for packet in &mut packets {
        packet.time = packet.time.max(last + 1);
        last = packet.time;
    }
    packets
}

/// Every third packet, as a file of its own.
fn third(n: usize, capture: &Capture) -> Vec<u8> {
    let packets: Vec<Packet> = packets().into_iter().skip(n).step_by(3).collect();
    capture.file(&packets)
}

/// Nanoseconds in a pcap.
fn pcap() -> Capture {
    Capture { nanoseconds: true, ..Capture::default() }
}

/// The records without `capture`, which tells the files apart.
fn records(json: &str) -> Vec<String> {
    let records = json.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let capture = record.as_object_mut().unwrap().shift_remove("capture");
        assert!(capture.is_some_and(|it| it["file"].is_string() && it["packet"].is_u64()), "{line}");
        record.to_string()
    });
    records.collect()
}

#[test]
fn the_same_packets_in_one_file_or_in_three_mixed_ones() {
    let folder = Folder::new();
    let one = folder.write("one.pcap", &pcap().file(&packets()));
    let plain = folder.write("a.pcap", &third(0, &pcap()));
    let interface = vec![Interface { tsresol: Some(9), ..Interface::default() }];
    let pcapng = Capture { format: Format::Pcapng, interface, ..Capture::default() };
    let packed = folder.write("b.pcapng.zst", &damage::zstandard(&third(1, &pcapng)));
    let zipped = folder.write("c.pcap.gz", &damage::gzip(&third(2, &pcap())));

    let whole = sni_watch(&format!("-r {one} -o json -vv --node gw")).printed();
    let whole = records(&whole);
    assert_eq!(whole.len(), 138);
    let files = sni_watch(&format!("-r {plain} -r {packed} -r {zipped} -o json -vv --node gw")).printed();
    assert_eq!(records(&files), whole);

    let line = format!("-r {plain} -r {packed} -r - -o json -vv --node gw");
    let mut piped = command(&words(&line));
    piped.stdin(std::process::Stdio::piped());
    let mut piped = Running::start(piped);
    piped.feed(&third(2, &pcap()));
    assert_eq!(records(&piped.end().printed()), whole);
}

#[test]
fn the_same_summary_from_one_file_or_from_three() {
    let folder = Folder::new();
    let files: Vec<String> = (0..3).map(|n| folder.write(&format!("{n}.pcap"), &third(n, &pcap()))).collect();
    // the timeline cites packets, which have other numbers in other files
    let told = |line: &str| {
        let out = sni_watch(line).good();
        out.lines().map(|line| line.split(" (packet").next().unwrap().to_owned() + "\n").collect::<String>()
    };
    let whole = told(&format!("summary -r {FAILOVER}"));
    assert!(whole.contains("TIMELINE currency"), "{whole}");
    assert_eq!(told(&format!("summary -r {} -r {} -r {}", files[0], files[1], files[2])), whole);
    assert_eq!(told(&format!("summary -r {}", folder.root().display())), whole);
}

#[test]
fn a_vantage_point_has_its_name() {
    let folder = Folder::new();
    let (a, b) = (folder.path("a.pcap"), folder.path("b.pcap"));
    std::fs::copy(FAILOVER, &a).unwrap();
    std::fs::copy(FAILOVER, &b).unwrap();
    let hosts = |line: &str| -> Vec<String> {
        let out = sni_watch(line).good();
        let record = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let host = |line| record(line)["observer"]["hostname"].as_str().unwrap().to_owned();
        let mut hosts: Vec<String> = out.lines().map(host).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    };
    assert_eq!(hosts(&format!("-j -r gw1={a} --node gw0")), ["gw1"]);
    assert_eq!(hosts(&format!("-j -r {a} --node gw0")), ["gw0"]);
}

#[test]
fn two_runs_are_byte_for_byte_the_same() {
    for line in ["-o json -vvv", "-vvv -X", "-o table --by sni,src,dst"] {
        let line = format!("-r {FAILOVER} {line}");
        assert_eq!(sni_watch(&line).printed(), sni_watch(&line).printed());
    }
}

/// A folder of an hour's rotation: all its captures are open at once, and shells allow few.
#[test]
fn more_captures_than_a_shell_allows_to_be_open() {
    let folder = Folder::new();
    for at in 1..=40 {
        let one = scenario::packets(&[connection(at, "a")], START);
        folder.write(&format!("{at:02}.pcap"), &pcap().file(&one));
    }
    let limited = |limit: &str| {
        let mut shell = Command::new("/bin/sh");
        let script = format!("ulimit {limit} 24 && exec \"$@\"");
        shell.args(["-c", &script, "sh", BINARY, "-r", folder.root().to_str().unwrap()]).env("TZ", "UTC");
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        run(shell)
    };
    let all: Vec<String> = (1..=40).map(|at| line(at, "a")).collect();
    limited("-Sn").is(&all.concat(), "", 0);
    // What the system refuses is told, file by file.
    let refused = limited("-n");
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("39.pcap: Too many open files (os error 24)"), "{}", refused.err);
    assert!(refused.out.lines().count() > 9, "the others are read");
}
