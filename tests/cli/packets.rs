//! `-w`: the packets of the connections that count, with comments, in order, whatever the input.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::captures::{FAILOVER, START, connection, many, pcap, three};
use crate::reread::{at, read, read_as_far};
use crate::run::{Folder, Running, command, run, sni_watch, wait_for, words};
use crate::support::connection::Answer;
use crate::support::link::Link;
use crate::support::packet::Packet;
use crate::support::scenario::{self, Capture, Format, Interface};

/// The records of a capture but for what says in which file and where a packet stands, and for the causes.
fn records(capture: &str, options: &str) -> Vec<String> {
    let json = sni_watch(&format!("-r {capture} {options} -o json -vv --node n")).printed();
    let records = json.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let capture = record["capture"].as_object_mut().unwrap();
        drop((capture.remove("file"), capture.remove("packet")));
        // What happened around a connection tells why it failed; filters leave that out.
        drop(record["handshake"].as_object_mut().unwrap().remove("cause"));
        // So does what else the capture holds: with one leg kept, it is the only one.
        if let Some(mesh) = record.get_mut("mesh").and_then(Value::as_object_mut) {
            drop(mesh.remove("hop"));
        }
        record.to_string()
    });
    records.collect()
}

/// Every fixture, every link type: what was written tells what the whole capture told.
#[test]
fn the_packets_of_all_connections_tell_the_same_records() {
    let folder = Folder::new();
    let mut captures = 0;
    for entry in fs::read_dir(scenario::fixtures()).unwrap() {
        let path = entry.unwrap().path();
        if !path.extension().is_some_and(|ending| ending == "pcap" || ending == "pcapng") {
            continue;
        }
        let capture = path.to_str().unwrap();
        let out = folder.path("out.pcapng");
        assert_eq!(
            sni_watch(&format!("-r {capture} -w {out}")).printed(),
            "",
            "as tcpdump: nothing is printed"
        );
        let (whole, written) = (records(capture, ""), records(&out, ""));
        assert_eq!(written, whole, "{capture}");
        let commented = at(&out).packets.iter().filter(|packet| packet.comment.is_some()).count();
        let attempts: Vec<Value> = whole.iter().map(|record| serde_json::from_str(record).unwrap()).collect();
        let told: u64 =
            attempts.iter().map(|record| record["handshake"]["attempts"].as_u64().unwrap_or(1)).sum();
        assert_eq!(commented as u64, told, "{capture}: one comment a connection or attempt");
        captures += 1;
    }
    assert!(captures > 40);
}

/// Which connections a capture tells of. How one ended may need more than its own packets: the time of later
/// ones makes a timeout.
fn whose(capture: &str, options: &str) -> String {
    let rows =
        "-T fields -e ts -e source.ip -e source.port -e destination.ip -e sni -e handshake.retransmits";
    sni_watch(&format!("-r {capture} {options} {rows}")).good()
}

#[test]
fn filters_choose_whose_packets_are_written() {
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    for options in [
        "--service currency",
        "--dc dc2 --result reset,timeout",
        "--sni * --not-sni *currency*",
        "--client 10.42.0.29",
        "--since 10:31:07 --until 10:31:10",
        "tcp port 443 and host 10.132.0.20",
    ] {
        sni_watch(&format!("-r {FAILOVER} -w {out} {options}")).good();
        let chosen = whose(FAILOVER, options);
        assert_eq!(whose(&out, ""), chosen, "{options}");
        assert!(!chosen.is_empty());
    }
    // Attempts have neither name nor answer: their packets are a SYN and a RST.
    sni_watch(&format!("-r {FAILOVER} -w {out} --result refused")).good();
    let file = at(&out);
    let comments: Vec<_> = file.packets.iter().map(|packet| packet.comment.as_deref()).collect();
    assert_eq!(comments, [Some("refused by server"), None]);
    sni_watch(&format!("-r {FAILOVER} -w {out} --sni no-such-name")).printed();
    let none = at(&out);
    assert_eq!(
        (none.sections, none.interfaces.len(), none.packets.len()),
        (1, 0, 0),
        "a capture without packets"
    );
    sni_watch(&format!("-r {out}")).is(
        "",
        "no ClientHello in 0 packets (0 TCP, 0 UDP): is this the right filter?\n",
        0,
    );
}

#[test]
fn comments_stand_where_the_hello_is_whole() {
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    for capture in ["failover", "segments", "outcomes", "hrr"] {
        let capture = format!("fixtures/{capture}.pcap");
        sni_watch(&format!("-r {capture} -w {out}")).good();
        let rows = format!("-r {out} -T fields -e capture.packet -e sni -e handshake.result --result");
        // Attempts are told together, but each has its comment.
        let rows = format!("{rows} ok,alert,reset,closed,timeout,incomplete_hello,not_seen --sni *");
        let rows = sni_watch(&rows).good();
        let mut told: Vec<(usize, &str, &str)> = rows
            .lines()
            .map(|row| {
                let cells: Vec<&str> = row.split('\t').collect();
                (cells[0].parse().unwrap(), cells[1], cells[2])
            })
            .collect();
        told.sort_unstable();
        let packets = at(&out).packets.into_iter().zip(1..);
        let named = packets.filter_map(|(packet, number)| Some((packet.comment?, number)));
        let nameless = ["refused by ", "timeout: ", "incomplete_hello: "];
        let commented: Vec<(String, usize)> =
            named.filter(|(text, _)| nameless.iter().all(|words| !text.starts_with(words))).collect();
        let places = |one: &(String, usize)| one.1;
        assert_eq!(
            commented.iter().map(places).collect::<Vec<_>>(),
            told.iter().map(|(packet, ..)| *packet).collect::<Vec<_>>(),
            "{capture}"
        );
        for ((comment, _), (_, sni, result)) in commented.iter().zip(&told) {
            assert!(comment.starts_with(sni) && comment.contains(*result), "{comment}: {sni} {result}");
        }
    }
    let text = at(&out).packets.into_iter().find_map(|packet| packet.comment).unwrap();
    assert!(text.ends_with(" ms"), "{text}");
    sni_watch(&format!("-r {FAILOVER} -w {out} --dc dc2 --result timeout")).good();
    let texts: Vec<String> = at(&out).packets.into_iter().filter_map(|packet| packet.comment).collect();
    assert_eq!(
        texts,
        [
            "currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul: currency → dc2, timeout: no answer in 10 s, 3 retransmits"
        ]
    );
}

/// What tcpdump keeps of a packet is kept: its length on the wire, its nanoseconds, the link type of each input.
#[test]
fn lengths_times_and_link_types_are_those_of_the_inputs() {
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    sni_watch("-r fixtures/cut-200.pcap -w /dev/null").good();
    sni_watch(&format!("-r fixtures/cut-200.pcap -w {out}")).good();
    assert!(at(&out).packets.iter().any(|packet| packet.wire_len > 200 && packet.bytes.len() == 200));

    let nanoseconds =
        Interface { tsresol: Some(9), link: Link::Sll, name: Some("any".into()), ..Interface::default() };
    let cooked = Capture { format: Format::Pcapng, interface: vec![nanoseconds], ..Capture::default() };
    let mut packets = three();
    for packet in &mut packets {
        packet.time += 7;
    }
    let one = folder.write("one.pcapng", &cooked.file(&packets));
    let two = folder.write("two.pcap", &pcap(&scenario::packets(&[connection(4, "d")], START)));
    sni_watch(&format!("-r {one} -r {two} -w {out} --sni [bd].example")).good();
    let file = at(&out);
    let described: Vec<_> =
        file.interfaces.iter().map(|(link, snap, name)| (*link, *snap, name.as_str())).collect();
    assert_eq!(described, [(113, 0, one.as_str()), (1, 0, two.as_str())]);
    assert!(
        file.packets.iter().all(|packet| packet.time % 1000 == if packet.interface == 0 { 7 } else { 0 })
    );
    let names = sni_watch(&format!("-r {out} -T fields -e sni")).good();
    assert_eq!(names, "b.example\nd.example\n");
}

#[test]
fn a_number_of_records_bounds_the_connections_that_are_written() {
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    for jobs in ["", " --jobs 2"] {
        sni_watch(&format!("-r {FAILOVER} -w {out} --dc dc2 -c 5{jobs}")).good();
        assert_eq!(records(&out, "").len(), 5);
        assert_eq!(records(&out, "")[..5], records(FAILOVER, "--dc dc2")[..5]);
    }
}

#[test]
fn records_are_printed_beside_it_where_they_are_asked_for() {
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    let line = format!("-r {FAILOVER} --dc dc1");
    for output in ["-o line", "-j", "-o tsv", "--count"] {
        let plain = sni_watch(&format!("{line} --node n {output}")).good();
        assert_eq!(sni_watch(&format!("{line} --node n {output} -w {out}")).good(), plain);
    }
    assert_eq!(sni_watch(&format!("{line} -w {out} --print")).good(), sni_watch(&line).good());
    let summary = format!("summary {line}");
    assert_eq!(sni_watch(&format!("{summary} -w {out}")).good(), sni_watch(&summary).good());
    assert_eq!(records(&out, "").len(), 15);
}

/// The hello in two IP fragments, the second one first.
fn fragmented(name: &str) -> Vec<Packet> {
    let mut packets = Vec::new();
    for packet in scenario::packets(&[connection(1, name)], START) {
        if !packet.from_client || packet.ip.len() < 120 || packet.is_v6() {
            packets.push(packet);
            continue;
        }
        let (header, body) = packet.ip.split_at(20);
        let part = |from: usize, to: usize, time: u64| {
            let mut ip = [header, &body[from..to]].concat();
            let length = u16::try_from(ip.len()).unwrap().to_be_bytes();
            ip[2..4].copy_from_slice(&length);
            let flags = u16::try_from(from / 8).unwrap() | if to < body.len() { 0x2000 } else { 0 };
            ip[6..8].copy_from_slice(&flags.to_be_bytes());
            Packet { time, ip, ..packet.clone() }
        };
        packets.extend([part(80, body.len(), packet.time), part(0, 80, packet.time + 1000)]);
    }
    packets
}

#[test]
fn fragments_belong_to_their_connection() {
    let folder = Folder::new();
    let (capture, out) = (folder.write("in.pcap", &pcap(&fragmented("wanted"))), folder.path("out.pcapng"));
    let whole = records(&capture, "");
    assert_eq!(whole.len(), 1);
    sni_watch(&format!("-r {capture} -w {out}")).good();
    assert_eq!(records(&out, ""), whole);
    assert_eq!(at(&out).packets.len(), fragmented("wanted").len());
    sni_watch(&format!("-r {capture} -w {out} --not-sni *")).printed();
    assert_eq!(at(&out).packets.len(), 0);
}

#[test]
fn ports_that_are_used_again_are_another_connection() {
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    let names = "-T fields -e sni";
    let all = sni_watch(&format!("-r fixtures/reuse.pcap {names}")).good();
    for name in all.lines() {
        sni_watch(&format!("-r fixtures/reuse.pcap -w {out} --sni {name}")).good();
        assert_eq!(sni_watch(&format!("-r {out} {names}")).good(), format!("{name}\n"));
    }
}

#[test]
fn a_pipe_gets_packets_before_its_end_and_nothing_else() {
    let mut waiting = connection(3, "waiting");
    waiting.answer = Answer::Silence;
    let packets = scenario::packets(&[connection(1, "a"), waiting], START);
    let mut piped = command(&words("-r - -w -"));
    piped.stdin(Stdio::piped());
    let (mut running, out) = Running::start_unread(piped);
    running.feed(&pcap(&packets));
    let mut out = out.unwrap();
    let mut bytes = Vec::new();
    let first = scenario::packets(&[connection(1, "a")], START);
    while bytes.len() < 300 || read_as_far(&bytes).packets.len() < first.len() {
        let mut block = [0; 4096];
        let count = out.read(&mut block).unwrap();
        assert!(count > 0, "the pipe ended");
        bytes.extend_from_slice(&block[..count]);
    }
    assert!(running.is_running());
    let done = running.end();
    assert_eq!((done.err.as_str(), done.code), ("", Some(0)));
    out.read_to_end(&mut bytes).unwrap();
    let file = read(&bytes);
    assert_eq!(file.packets.len(), packets.len());
    assert_eq!(file.packets.iter().filter(|packet| packet.comment.is_some()).count(), 2);
}

#[test]
fn a_reader_that_has_enough_ends_it_in_silence() {
    let folder = Folder::new();
    let path = folder.write("many.pcap", &many());
    let (running, out) = Running::start_unread(command(&words(&format!("-r {path} -w -"))));
    let mut head = [0; 24];
    out.unwrap().read_exact(&mut head).unwrap();
    let done = running.end();
    assert_eq!((done.err.as_str(), done.code), ("", Some(0)));
}

#[test]
fn a_file_that_a_rotation_moved_is_begun_anew() {
    let folder = Folder::new();
    let (out, moved) = (folder.path("out.pcapng"), folder.path("out.1"));
    let packets = three();
    let bytes = pcap(&packets);
    let cut = pcap(&packets[..packets.len() / 3 * 2]).len();
    let mut running = Running::piped(&format!("-r - -w {out} -o line"));
    running.feed(&bytes[..cut]);
    drop((running.line(), running.line()));
    wait_for("packets", || (at(&out).packets.len() == packets.len() / 3 * 2).then_some(()));
    fs::rename(&out, &moved).unwrap();
    running.signal(Signal::SIGHUP);
    wait_for("new file", || fs::exists(&out).unwrap().then_some(()));
    running.feed(&bytes[cut..]);
    drop(running.line());
    running.end().is("", "", 0);
    let names = |path: &str| sni_watch(&format!("-r {path} -T fields -e sni")).good();
    assert_eq!((names(&moved), names(&out)), ("a.example\nb.example\n".into(), "c.example\n".into()));
    assert_eq!((at(&out).sections, at(&out).interfaces.len()), (1, 1));
}

#[test]
fn an_interrupted_run_writes_what_it_holds() {
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    let mut waiting = connection(1, "waiting");
    waiting.answer = Answer::Silence;
    let packets = scenario::packets(&[waiting, connection(2, "b")], START);
    let mut running = Running::piped(&format!("-r - -w {out} -o line"));
    running.feed(&pcap(&packets));
    drop(running.line());
    assert_eq!(at(&out).packets.len(), 0, "the first connection is undecided, so nothing has left");
    let done = running.ends_within(Duration::from_millis(500), Signal::SIGINT);
    assert_eq!(done.code, Some(0));
    assert_eq!(at(&out).packets.len(), packets.len());
}

/// Wireshark's own reader takes the file, and shows the comments.
#[test]
fn tshark_reads_it() {
    if Command::new("tshark").arg("--version").output().is_err() {
        println!("skipped: needs tshark");
        return;
    }
    let folder = Folder::new();
    let out = folder.path("out.pcapng");
    sni_watch(&format!("-r {FAILOVER} -r fixtures/links-sll2.pcap -w {out}")).good();
    let fields = ["-T", "fields", "-e", "frame.comment", "-e", "tls.handshake.extensions_server_name"];
    let mut tshark = Command::new("tshark");
    tshark.args(["-r", &out, "-Y", "tls.handshake.type == 1"]).args(fields).env("HOME", folder.root());
    tshark.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = run(tshark);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let mut hellos = 0;
    for row in done.out.lines() {
        let (comment, name) = row.split_once('\t').unwrap();
        assert!(comment.starts_with(name), "{row}");
        hellos += 1;
    }
    assert!(hellos > 135, "{hellos}: {}", done.err);
}
