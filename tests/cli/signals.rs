//! Signals, and standard input as a live source: records come before its end.

use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::captures::{connection, line, many, pcap, three, three_lines};
use crate::run::{Folder, Running, command, wait_for, words};
use crate::support::connection::Answer;
use crate::support::scenario;

/// The promise of how soon a signal ends an idle run.
const SOON: Duration = Duration::from_millis(500);

/// A pcap of three connections, cut between the second and the third.
fn halves() -> (Vec<u8>, Vec<u8>) {
    let packets = three();
    let bytes = pcap(&packets);
    let cut = pcap(&packets[..packets.len() / 3 * 2]).len();
    (bytes[..cut].to_vec(), bytes[cut..].to_vec())
}

/// Packets of [`halves`]' first part.
fn half() -> usize {
    three().len() / 3 * 2
}

/// What is said at the end of a run that read so many packets.
fn closing(packets: usize, last: &str) -> String {
    format!(
        "{packets} packets captured\n{packets} packets received by filter\n0 packets dropped by kernel\n{last}\n"
    )
}

const TWO: &str = "2 connections (2 legs), 2 hellos with SNI, 0 without, 0 incomplete";

#[test]
fn a_pipes_records_come_before_its_end() {
    let (first, second) = halves();
    let [a, b, c] = three_lines();
    for (output, begin) in [("line", ["10:30:01", "10:30:02", "10:30:03"]), ("json", ["{"; 3])] {
        let mut running = Running::piped(&format!("-r - -o {output}"));
        running.feed(&first);
        // Standard input is open all the time.
        assert!(running.line().starts_with(begin[0]) && running.line().starts_with(begin[1]));
        running.feed(&second);
        assert!(running.line().starts_with(begin[2]));
        running.end().is("", "", 0);
    }
    let mut running = Running::piped("-r -");
    // Byte by byte, so that every read ends within a header or a packet.
    for byte in first.chunks(7) {
        running.feed(byte);
    }
    assert_eq!([running.line(), running.line()], [a, b]);
    running.feed(&second);
    running.end().is(&c, "", 0);
}

#[test]
fn an_interrupt_ends_an_idle_pipe_at_once_with_tcpdumps_three_lines() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let (first, _) = halves();
        let mut running = Running::piped("-r -");
        running.feed(&first);
        let [a, b, _] = three_lines();
        assert_eq!([running.line(), running.line()], [a, b]);
        running.ends_within(SOON, signal).is("", &closing(half(), TWO), 0);
    }
}

#[test]
fn an_interrupt_ends_a_pipe_that_never_said_anything() {
    for input in [&b""[..], &pcap(&[])[..10], &pcap(&[])] {
        let mut running = Running::piped("-r -");
        running.feed(input);
        running.handles(Signal::SIGINT);
        let none = "0 connections (0 legs), 0 hellos with SNI, 0 without, 0 incomplete";
        let nothing = "no ClientHello in 0 packets (0 TCP, 0 UDP): is this the right filter?";
        let told = closing(0, &format!("{none}\n{nothing}"));
        running.ends_within(SOON, Signal::SIGINT).is("", &told, 0);
    }
}

#[test]
fn an_interrupt_tells_what_was_still_waiting_for_its_outcome() {
    let mut waiting = connection(3, "waiting");
    waiting.answer = Answer::Silence;
    let packets = scenario::packets(&[connection(1, "a"), waiting], crate::captures::START);
    let mut running = Running::piped("-r -");
    running.feed(&pcap(&packets));
    assert_eq!(running.line(), line(1, "a"));
    let done = running.ends_within(SOON, Signal::SIGINT);
    assert_eq!(done.code, Some(0));
    assert!(done.out.contains("waiting.example") && done.out.lines().count() == 1, "{}", done.out);
    assert_eq!(done.err, closing(packets.len(), TWO));
}

#[test]
fn a_second_interrupt_ends_at_once_what_cannot_end() {
    // Nobody reads the output, so its last records cannot be written.
    let mut unread = command(&words("-r - -o json"));
    unread.stdin(std::process::Stdio::piped());
    let (mut running, out) = Running::start_unread(unread);
    running.feed(&many());
    std::thread::sleep(Duration::from_millis(300));
    running.signal(Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(200));
    assert!(running.is_running(), "it waits for its reader");
    let done = running.ends_within(SOON, Signal::SIGINT);
    assert_eq!((done.err.as_str(), done.code), ("", Some(130)));
    drop(out);
}

#[test]
fn usr1_tells_the_counts_on_one_line_and_goes_on() {
    let (first, second) = halves();
    let mut running = Running::piped("-r -");
    running.feed(&first);
    let [a, b, c] = three_lines();
    assert_eq!([running.line(), running.line()], [a, b]);
    running.signal(Signal::SIGUSR1);
    let counts = closing(half(), TWO).trim_end().replace('\n', ", ") + "\n";
    assert_eq!(running.told(), counts);
    running.signal(Signal::SIGUSR1);
    assert_eq!(running.told(), counts);
    running.feed(&second);
    running.end().is(&c, "", 0);
}

#[test]
fn hup_opens_output_files_anew() {
    let folder = Folder::new();
    let (path, moved) = (folder.path("out.jsonl"), folder.path("out.jsonl.1"));
    let (first, second) = halves();
    let mut running = Running::piped(&format!("-r - -o json:{path} -o line"));
    running.feed(&first);
    let [a, b, c] = three_lines();
    assert_eq!([running.line(), running.line()], [a, b]);
    let names = |path: &str| -> Vec<String> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let json = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        json.map(|record| record["sni"].as_str().unwrap().to_owned()).collect()
    };
    wait_for("records", || (names(&path).len() == 2).then_some(()));
    fs::rename(&path, &moved).unwrap();
    running.signal(Signal::SIGHUP);
    wait_for("new file", || fs::exists(&path).unwrap().then_some(()));
    running.feed(&second);
    running.end().is(&c, "", 0);
    assert_eq!(names(&moved), ["a.example", "b.example"]);
    assert_eq!(names(&path), ["c.example"]);
}
