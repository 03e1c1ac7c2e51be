//! Runs that end well: exit code 0, and what is said where nothing was found.

use crate::captures::{FAILOVER, connection, failover, many, pcap, pcapng, three, three_lines};
use crate::run::{BINARY, Done, Folder, Running, command, fed, records, run, sni_watch, words};
use crate::support::connection::{Answer, Connection, Open};
use crate::support::packet::Packet;
use crate::support::scenario;

#[test]
fn a_capture_ends_in_silence_and_0() {
    let out = sni_watch(&format!("-r {FAILOVER}")).good();
    assert_eq!(records(&out), 138);
    let folder = Folder::new();
    for (name, bytes) in [("a.pcap", pcap(&three())), ("a.pcapng", pcapng(&three()))] {
        let out = sni_watch(&format!("-r {}", folder.write(name, &bytes))).good();
        assert_eq!(out, three_lines().concat());
    }
}

/// A UDP datagram of the capture's first second.
fn datagram() -> Packet {
    let mut packet = three().remove(0);
    let mut ip = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    ip.extend([0x9c, 0x40, 0x01, 0xbb, 0, 12, 0, 0, 1, 2, 3, 4]);
    packet.ip = ip;
    packet
}

#[test]
fn nothing_found_is_0_and_says_what_was_looked_at() {
    let folder = Folder::new();
    let said = |packets: &[Packet], more: &str| {
        sni_watch(&format!("-r {} {more}", folder.write("a.pcap", &pcap(packets))))
    };
    let nothing = |what: &str| format!("no ClientHello in {what}: is this the right filter?\n");

    said(&[], "").is("", &nothing("0 packets (0 TCP, 0 UDP)"), 0);
    said(&[], "-o json").is("", &nothing("0 packets (0 TCP, 0 UDP)"), 0);
    said(&[datagram()], "").is("", &nothing("1 packet (0 TCP, 1 UDP)"), 0);
    said(&three(), "udp").is("", &nothing("0 packets (0 TCP, 0 UDP)"), 0);

    let plain = Connection { plain: Some("GET / HTTP/1.1\r\n\r\n".into()), ..connection(1, "a") };
    let mut clear = scenario::packets(&[Connection { hello: None, ..plain }], crate::captures::START);
    let tcp = clear.len();
    said(&clear, "").is("", &nothing(&format!("{tcp} packets ({tcp} TCP, 0 UDP)")), 0);
    clear.insert(0, datagram());
    said(&clear, "").is("", &nothing(&format!("{} packets ({tcp} TCP, 1 UDP)", tcp + 1)), 0);
    assert!(tcp > 4);
}

#[test]
fn a_connection_that_was_open_before_explains_the_silence() {
    let open = Connection { open: Open::Missing, hello: None, data: Some([300, 900]), ..connection(1, "a") };
    let packets = scenario::packets(&[open], crate::captures::START);
    let done = fed("-r -", &pcap(&packets));
    let count = packets.len();
    let told = format!(
        "no ClientHello in {count} packets ({count} TCP, 0 UDP): 1 connection open before the capture began: \
         is this the right filter?\n"
    );
    done.is("", &told, 0);
}

#[test]
fn what_has_a_record_is_not_nothing() {
    let refused = Connection { open: Open::Refused, hello: None, ..connection(1, "a") };
    let bytes = pcap(&scenario::packets(&[refused], crate::captures::START));
    let out = fed("-r - port 443", &bytes).good();
    assert!(out.contains("REFUSED"), "{out}");
    // Neither is what a filter of records left out; that is said in words of its own, once.
    for more in ["", "-j", "--jobs 2", "-o none -o line", "-c 3"] {
        let done = sni_watch(&format!("-r {FAILOVER} --sni nobody.example {more}"));
        done.is("", "none of 138 records passes the filters\n", 0);
    }
    let done = fed("-r - --sni nobody.example", &pcap(&three()[..three().len() / 3]));
    done.is("", "none of 1 record passes the filters\n", 0);
}

/// Records that a full table cut short look like any other: nobody would know.
#[test]
fn a_full_table_is_told_once() {
    let waiting = |at| Connection { answer: Answer::Silence, ..connection(at, "a") };
    let connections: Vec<_> = (1..=9).map(waiting).collect();
    let bytes = pcap(&scenario::packets(&connections, crate::captures::START));
    let told =
        "7 connections dropped because the table was full, and told as far as seen: raise --max-flows\n";
    for more in ["", " --jobs 2", " -j"] {
        let done = fed(&format!("-r - --max-flows 2{more}"), &bytes);
        assert_eq!((records(&done.out), done.err.as_str(), done.code), (9, told, Some(0)));
    }
    // The counts have them already.
    let counted = fed("-r - --max-flows 2 -v", &bytes);
    assert_eq!(counted.err.matches("dropped because the table was full").count(), 1, "{}", counted.err);
    assert_eq!(fed("-r - --max-flows 9", &bytes).good().lines().count(), 9);
}

/// Who closed the output has what he wanted: of the packets that were not read nothing is said.
#[test]
fn nothing_is_said_to_a_reader_that_has_gone() {
    let bytes = many();
    let folder = Folder::new();
    let capture = folder.write("many.pcap", &bytes);
    for more in ["-v", "-v -j", "-v --jobs 2"] {
        let (_, done) = one_line(&format!("-r {capture} {more}"));
        done.is("", "", 0);
    }
    // `-c` is no reader that has gone.
    let counted = sni_watch(&format!("-r {capture} -v -c 1"));
    assert!(counted.err.contains(" hellos with SNI"), "{}", counted.err);
}

/// Reads one line of the program's output, and goes away.
fn one_line(line: &str) -> (String, Done) {
    use std::io::{BufRead, BufReader};
    let (running, out) = Running::start_unread(command(&words(line)));
    let mut reader = BufReader::new(out.unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    drop(reader);
    (first, running.end())
}

#[test]
fn a_reader_that_has_enough_after_a_line_ends_it_in_silence() {
    let folder = Folder::new();
    let capture = folder.write("many.pcap", &many());
    for (output, begin) in [("line", "10:30:"), ("json", "{\"@timestamp\"")] {
        let whole = sni_watch(&format!("-r {capture} -o {output}")).good();
        assert!(whole.len() > 150_000, "more than a pipe and a block hold");
        let (first, done) = one_line(&format!("-r {capture} -o {output}"));
        assert!(first.starts_with(begin), "{first}");
        done.is("", "", 0);
    }
    let (first, done) = one_line(&format!("summary -r {capture} --by sni,src"));
    assert!(first.starts_with("SNI"), "{first}");
    done.is("", "", 0);
}

#[test]
fn a_reader_that_was_never_there_ends_it_in_silence() {
    for line in
        ["-r -", "-r - -o json", "-r - -o table", "summary -r -", "-r - --count", "-r - -o line -o json"]
    {
        let mut command = command(&words(line));
        command.stdin(std::process::Stdio::piped());
        let (mut running, out) = Running::start_unread(command);
        drop(out);
        running.feed(&failover());
        running.end().is("", "", 0);
    }
    for line in ["man", "completions bash", "explain a.example", "--help", "--version", "interfaces"] {
        let mut shell = std::process::Command::new("/bin/sh");
        // The reader has ended before the program begins.
        shell.args(["-c", "{ sleep 0.1; \"$@\"; echo \"$?\" >&2; } | true", "sh", BINARY]).args(words(line));
        shell.stdin(std::process::Stdio::null());
        shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        run(shell).is("", "0\n", 0);
    }
}

#[test]
fn so_many_records_and_no_more() {
    let folder = Folder::new();
    let capture = folder.write("three.pcap", &pcap(&three()));
    let lines = three_lines();
    for (count, expected) in [(1, lines[..1].concat()), (2, lines[..2].concat()), (9, lines.concat())] {
        assert_eq!(sni_watch(&format!("-r {capture} -c {count}")).good(), expected);
    }
    // Records that a filter leaves out do not count.
    assert_eq!(sni_watch(&format!("-r {capture} -c 1 --not-sni a.*")).good(), lines[1]);
}

#[test]
fn enough_records_end_it_though_standard_input_goes_on() {
    let bytes = pcap(&three());
    let mut running = Running::piped("-r - -c 2");
    running.feed(&bytes);
    let lines = three_lines();
    assert_eq!([running.line(), running.line()], lines[..2]);
    crate::run::wait_for("end", || (!running.is_running()).then_some(()));
    running.end().is("", "", 0);
}

#[test]
fn so_many_packets_and_no_more() {
    let folder = Folder::new();
    let capture = folder.write("three.pcap", &pcap(&three()));
    let each = three().len() / 3;
    let [a, b, c] = three_lines();
    assert_eq!(sni_watch(&format!("-r {capture} --packets {each}")).good(), a);
    assert_eq!(
        sni_watch(&format!("-r {capture} --packets {}", 2 * each)).good(),
        [a.clone(), b.clone()].concat()
    );
    assert_eq!(sni_watch(&format!("-r {capture} --packets 1000")).good(), [a, b, c].concat());
    // The hello of the first connection is its fourth packet; three are its TCP handshake.
    let none = "no ClientHello in 3 packets (3 TCP, 0 UDP): is this the right filter?\n";
    sni_watch(&format!("-r {capture} --packets 3")).is("", none, 0);
}

#[test]
fn a_count_is_the_only_line_that_is_no_record() {
    assert_eq!(sni_watch(&format!("-r {FAILOVER} --count")).good(), "138\n");
    assert_eq!(sni_watch(&format!("-r {FAILOVER} --count --result reset")).good(), "8\n");
    assert_eq!(sni_watch(&format!("-r {FAILOVER} --count -c 5")).good(), "5\n");
    let done = fed("-r - --count", &pcap(&[]));
    done.is("0\n", "no ClientHello in 0 packets (0 TCP, 0 UDP): is this the right filter?\n", 0);
    let both = sni_watch(&format!("-r {FAILOVER} --count -o line --dc dc1")).good();
    assert!(records(&both) == 16 && both.ends_with("\n15\n"), "{both}");
}

/// Story 7: counters each so often, on standard error where no output writes them.
#[test]
fn story_7_counters_are_told_each_so_often() {
    let line = "-r fixtures/failover.pcap -o none -B 512k --stats 60s";
    let done = sni_watch(line);
    assert_eq!((done.out.as_str(), done.code), ("", Some(0)));
    let told: Vec<&str> = done.err.lines().collect();
    assert_eq!(told.len(), 3, "{}", done.err);
    assert!(
        told.iter().all(|line| line.contains(" packets captured, ") && line.contains(" dropped by kernel, "))
    );
    let json = sni_watch("-r fixtures/failover.pcap -j --stats 60s");
    assert_eq!((json.err.as_str(), json.code), ("", Some(0)));
    let stats = sni_watch("-r fixtures/failover.pcap -j --emit stats --interval 60s");
    assert_eq!(json.out, stats.out, "--stats is short for the other two");
    assert_eq!(json.out.matches("\"capture_stats\"").count(), 4);
}
