//! The network engineer: any file, loss, and hellos that no longer fit a segment (stories 6 to 8).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::run::{Folder, Running, command, fed, sni_watch, words};
use crate::support::connection::Connection;
use crate::support::damage;
use crate::support::link::Link;
use crate::support::packet::Packet;
use crate::support::scenario::{Capture, Format, Interface, Scenario};
use crate::{FAILOVER, records};

/// The packets of a fixture, no two at the same nanosecond.
fn packets(name: &str) -> Vec<Packet> {
    let mut packets = Scenario::fixture(name).packets();
    let mut last = 0;
    for packet in &mut packets {
        packet.time = packet.time.max(last + 1);
        last = packet.time;
    }
    packets
}

/// Records without what tells their files apart.
fn without_capture(text: &str) -> Vec<String> {
    let record = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("capture");
        record.to_string()
    };
    text.lines().map(record).collect()
}

#[test]
fn story_6_network_engineer_offline_any_file() {
    let folder = Folder::new();
    let all = packets("failover");
    let third = |n: usize| all.iter().skip(n).step_by(3).cloned().collect::<Vec<_>>();
    let pcap = Capture { nanoseconds: true, ..Capture::default() };
    let interface = vec![Interface { link: Link::Sll2, tsresol: Some(9), ..Interface::default() }];
    let cooked = Capture { format: Format::Pcapng, interface, ..Capture::default() };
    let raw = Capture { link: Link::Raw, nanoseconds: true, ..Capture::default() };
    let whole = folder.write("whole.pcap", &pcap.file(&all));
    let first = folder.write("a.pcap.gz", &damage::gzip(&pcap.file(&third(0))));
    let second = folder.write("b.pcapng.zst", &damage::zstandard(&cooked.file(&third(1))));
    let run = |line: &str| {
        let mut piped = command(&words(line));
        piped.stdin(std::process::Stdio::piped());
        let mut piped = Running::start(piped);
        piped.feed(&raw.file(&third(2)));
        piped.end()
    };
    let expected = sni_watch(&format!("-r {whole} -j --node gw")).good();
    let mixed = run(&format!("-r {first} -r {second} -r - -j --node gw")).good();
    assert_eq!(without_capture(&mixed), without_capture(&expected));
    // and the summary, but for the numbers of the packets that it cites
    let table = |text: &str| {
        text.lines().map(|line| line.split(" (packet").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected = sni_watch(&format!("summary -r {whole}")).good();
    assert!(expected.contains("TIMELINE currency"));
    let mixed = run(&format!("summary -r {first} -r {second} -r -")).good();
    assert_eq!(table(&mixed), table(&expected));
}

#[test]
fn story_7_network_engineer_suspects_loss() {
    let scenario = Scenario::fixture("segments");
    let mut names: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for connection in scenario.connection.iter().flat_map(Connection::expand) {
        let name = connection.expect.get("sni").and_then(|sni| sni.as_str()).unwrap_or("null").to_owned();
        names
            .entry(format!("{}:{}", connection.client.ip(), connection.client.port()))
            .or_default()
            .push(name.into());
    }
    let all = packets("segments");
    let mut incomplete = 0;
    let mut gaps = 0;
    for first in 0..50 {
        let left =
            all.iter().enumerate().filter(|(at, _)| at % 50 != first).map(|(_, packet)| packet.clone());
        let done =
            fed("-r - -j -v --emit handshake,stats", &Capture::default().file(&left.collect::<Vec<_>>()));
        let mut told = 0;
        for line in done.out.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            if record["event"]["action"] == "capture_stats" {
                assert_eq!(record["flows"]["incomplete_hello"], told, "{line}");
                continue;
            }
            if record["handshake"]["result"] == "incomplete_hello" {
                told += 1;
                gaps += u64::from(record["capture"]["gap"] == true);
            }
            let Some(sni) = record.get("sni").filter(|sni| !sni.is_null()) else { continue };
            let client = format!("{}:{}", record["source"]["ip"].as_str().unwrap(), record["source"]["port"]);
            assert!(names[&client].contains(sni), "{client} never said {sni}");
        }
        incomplete += told;
        let words = format!(", {told} incomplete");
        assert!(done.err.contains(&words), "{first}: {}", done.err);
    }
    assert!(incomplete > 20 && gaps > 5, "{incomplete} {gaps}");
    // the counters each so often, dropped packets apart
    let done = sni_watch(&format!("-r {FAILOVER} -o none -B 512k --stats 60s -v"));
    let told = done.err.lines().filter(|line| line.contains(" packets captured, ")).count();
    assert!(told >= 3 && done.err.contains(" dropped by kernel, "), "{}", done.err);
    let stats = records(&format!("-r {FAILOVER} -j --emit stats"));
    for key in ["dropped_by_kernel", "dropped_by_interface", "dropped_by_app"] {
        assert_eq!(stats.last().unwrap()["capture"][key], 0, "{key} is counted by itself");
    }
}

#[test]
fn story_8_network_engineer_post_quantum() {
    let out = sni_watch("-r fixtures/pq.pcap -v").printed();
    let lines: Vec<&str> = out.lines().filter(|line| !line.starts_with('─')).collect();
    let scenario = Scenario::fixture("pq");
    assert_eq!((lines.len(), scenario.connection.len()), (12, 12), "{out}");
    for (line, connection) in lines.iter().zip(&scenario.connection) {
        let name = &connection.hello.as_ref().unwrap().sni.as_ref().unwrap()[0];
        assert!(line.contains(name.as_str()) && line.contains(" ok "), "{line}");
        assert!(line.contains("hello 1742 B in "), "{line}");
    }
    let whole = lines.iter().filter(|line| line.contains("hello 1742 B in 2 seg, TLS 1.3"));
    assert!(whole.count() >= 10, "{out}");
}
