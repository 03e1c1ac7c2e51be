//! `--follow`: records while a capture grows, over rotations, until Ctrl-C.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::captures::{connection, line, pcap, three, three_lines};
use crate::run::{Done, Folder, Running, command, sni_watch, words};
use crate::support::packet::Packet;
use crate::support::scenario;

const SOON: Duration = Duration::from_millis(500);

fn append(path: &str, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn start(options: &str) -> Running {
    Running::start(command(&words(options)))
}

/// What tcpdump says at the end, and the counts.
fn closes(done: &Done, packets: usize, connections: usize) {
    let told = format!(
        "{packets} packets captured\n{packets} packets received by filter\n0 packets dropped by kernel\n\
         {connections} connections ({connections} legs), {connections} hellos with SNI, 0 without, 0 incomplete\n"
    );
    assert_eq!((done.err.as_str(), done.code), (told.as_str(), Some(0)));
}

#[test]
fn records_come_while_the_file_is_written() {
    let folder = Folder::new();
    let path = folder.path("growing.pcap");
    let running = start(&format!("--follow {path}"));
    let bytes = pcap(&three());
    let [a, b, c] = three_lines();
    let third = (bytes.len() - 24) / 3 + 24;
    append(&path, &bytes[..third + 5]);
    assert_eq!(running.line(), a);
    append(&path, &bytes[third + 5..]);
    assert_eq!([running.line(), running.line()], [b, c]);
    closes(&running.ends_within(SOON, Signal::SIGINT), three().len(), 3);
}

/// Rotation in the middle of a connection: one record, with the file and the packet of its hello.
#[test]
fn a_connection_over_two_files_is_one_connection() {
    let folder = Folder::new();
    let packets = scenario::packets(&[connection(1, "a"), connection(2, "b")], crate::captures::START);
    let half = packets.len() / 2;
    let cut = half + 5;
    let running = start(&format!("--follow gw={} -j", folder.root().display()));
    let (one, two) = (folder.path("x_00001.pcap"), folder.path("x_00002.pcap"));
    append(&one, &pcap(&packets[..cut]));
    let record = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let first = record(&running.line());
    append(&two, &pcap(&packets[cut..]));
    let second = record(&running.line());
    for (record, name) in [(&first, "a.example"), (&second, "b.example")] {
        assert_eq!(
            (record["sni"].as_str(), record["handshake"]["result"].as_str()),
            (Some(name), Some("ok"))
        );
        assert_eq!(record["observer"]["hostname"], "gw");
        let of = sni_watch(&format!("-r {} -j", record["capture"]["file"].as_str().unwrap())).out;
        let same = of.lines().any(|line| {
            serde_json::from_str::<Value>(line).unwrap()["capture"]["packet"] == record["capture"]["packet"]
        });
        assert!(same, "{record}");
    }
    assert_eq!(second["capture"]["file"], one.as_str(), "where its hello is");
    // A third file: its records name it.
    let three = folder.path("x_00003.pcap");
    append(&three, &pcap(&scenario::packets(&[connection(4, "c")], crate::captures::START)));
    let third = record(&running.line());
    assert_eq!((&third["capture"]["file"], &third["capture"]["packet"]), (&three.as_str().into(), &4.into()));
    assert_eq!(running.ends_within(SOON, Signal::SIGINT).code, Some(0));
}

#[test]
fn what_a_watch_can_do_a_followed_capture_can() {
    let folder = Folder::new();
    let (path, out) = (folder.path("growing.pcap"), folder.path("out.pcapng"));
    let options = "--sni [ab].example -o line -v --require sni=a.example --require sni=z.example tcp";
    let running = start(&format!("--follow {path} -w {out} {options}"));
    append(&path, &pcap(&three()));
    let lines = [running.line(), running.line()];
    assert!(lines[0].starts_with("10:30:01") && lines[1].starts_with("10:30:02"));
    let done = running.ends_within(SOON, Signal::SIGTERM);
    assert_eq!(done.code, Some(3));
    assert!(done.err.ends_with("sni-watch: rule failed: --require 'sni=z.example': found 0 connections\n"));
    assert_eq!(sni_watch(&format!("-r {out} -T fields -e sni")).good(), "a.example\nb.example\n");

    // -c and --packets end it by themselves.
    sni_watch(&format!("--follow {path} -c 2")).is(&three_lines()[..2].concat(), "", 0);
    let half = three().len() / 3;
    let done = sni_watch(&format!("--follow {path} --packets {half}"));
    assert_eq!((done.out.as_str(), done.code), (three_lines()[0].as_str(), Some(0)));
    // Several at once, each by itself.
    let other =
        folder.write("other.pcap", &pcap(&scenario::packets(&[connection(5, "d")], crate::captures::START)));
    let running = start(&format!("--follow {path} --follow {other}"));
    let mut lines: Vec<String> = (0..4).map(|_| running.line()).collect();
    lines.sort();
    assert_eq!(lines, [three_lines().as_slice(), &[line(5, "d")]].concat());
    closes(&running.ends_within(SOON, Signal::SIGINT), three().len() / 3 * 4, 4);
}

#[test]
fn a_damaged_file_is_told_and_the_next_one_followed() {
    let folder = Folder::new();
    let path = folder.path("a.pcap");
    let packets: Vec<Packet> = three();
    let bytes = pcap(&packets[..packets.len() / 3]);
    append(&path, &bytes);
    let running = start(&format!("--follow {path}"));
    assert_eq!(running.line(), three_lines()[0]);
    append(&path, &[0; 9]);
    let next = folder.write("next", &pcap(&packets[packets.len() / 3..]));
    fs::rename(next, &path).unwrap();
    assert!(running.told().starts_with(&format!("sni-watch: {path}: cut short in packet ")));
    assert_eq!([running.line(), running.line()], three_lines()[1..]);
    assert_eq!(running.ends_within(SOON, Signal::SIGINT).code, Some(1));
}

#[test]
fn it_stands_alone() {
    for (line, told) in [
        ("--follow x -r y", "-r and --follow exclude each other: --follow reads what is there already too"),
        ("--follow x -i lo", "-i and --follow exclude each other: watch interfaces or follow captures"),
        ("--follow x -Q in", "-Q needs -i: a capture file does not say which way its packets went"),
    ] {
        sni_watch(line).is("", &format!("sni-watch: {told}\n"), 2);
    }
}
