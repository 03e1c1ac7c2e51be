//! Inputs that are not as they should be: a clear message, and nothing wrong joined.

use std::fs;

use crate::run::{Folder, command, run, sni_watch, words};
use crate::{DC1, DC2, as_of_records, paths, records, shape};

/// Paths that have legs at both.
fn joined(paths: &[serde_json::Value]) -> usize {
    paths.iter().filter(|path| path["path"]["nodes"].as_array().unwrap().len() > 1).count()
}

#[test]
fn a_file_given_twice_is_refused() {
    let done = sni_watch(&format!("correlate dc1={DC1} dc2={DC1}"));
    done.is("", &format!("sni-watch: dc2={DC1} and dc1={DC1} are the same file\n"), 2);
}

#[test]
fn a_copy_of_a_capture_joins_nothing_twice() {
    let folder = Folder::new();
    let copy = folder.write("copy.pcap", &fs::read(DC1).unwrap());
    let (paths, err, code) = paths(&format!("dc1={DC1} dc2={copy}"));
    assert_eq!(joined(&paths), 0);
    assert_eq!((paths.len(), code), (47, Some(1)));
    assert_eq!(
        err,
        "sni-watch: dc1 and dc2 hold the same packets (91 legs at the same nanosecond): one capture, given twice? \
         Each counts once\n"
    );
}

#[test]
fn a_record_file_that_is_cut_gives_what_is_whole() {
    let folder = Folder::new();
    let whole = records(DC2, "dc2", "");
    let cut = folder.write("dc2.jsonl", &whole.as_bytes()[..whole.len() - 200]);
    let (paths, err, code) = paths(&format!("dc1={DC1} {cut}"));
    let lines = whole.lines().count();
    assert_eq!(err, format!("sni-watch: {cut}: cut short in line {lines}\n"));
    assert_eq!(code, Some(1));
    assert!(joined(&paths) >= 42, "{}", joined(&paths));
}

#[test]
fn records_of_another_schema_version_are_refused_and_the_rest_goes_on() {
    let folder = Folder::new();
    let other = records(DC2, "dc2", "").replace("\"schema_version\":1", "\"schema_version\":2");
    let other = folder.write("dc2.jsonl", other.as_bytes());
    let (paths, err, code) = paths(&format!("dc1={DC1} {other}"));
    assert!(
        err.starts_with(&format!("sni-watch: {other}: schema_version 2 in line 1: this program reads 1\n")),
        "{err}"
    );
    assert_eq!((joined(&paths), paths.len(), code), (0, 47, Some(1)));
}

#[test]
fn records_in_any_order_are_joined_within_the_window() {
    let folder = Folder::new();
    let text = records(DC2, "dc2", "");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.reverse();
    let turned = folder.write("dc2.jsonl", lines.join("\n").as_bytes());
    let (turned_paths, err, code) = paths(&format!("dc1={DC1} {turned}"));
    let (whole, ..) = paths(&format!("dc1={DC1} dc2={DC2}"));
    assert_eq!((err.as_str(), code), ("", Some(0)));
    assert_eq!(
        turned_paths.iter().map(shape).collect::<Vec<_>>(),
        whole.iter().map(shape).collect::<Vec<_>>()
    );
}

/// All legs out first, then all other legs; a minute lies between two connections.
#[test]
fn legs_that_come_after_the_window_are_told_apart_and_marked() {
    let folder = Folder::new();
    let text = records(DC1, "dc1", "");
    let mut known: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = record["mesh"]["hop"]["id"].as_str().unwrap().to_owned();
        let minute = known.iter().position(|known| *known == id).unwrap_or(known.len());
        if minute == known.len() {
            known.push(id);
        }
        let moment = format!("T{:02}:{:02}:", 10 + minute / 60, minute % 60);
        lines.push((record["mesh"]["hop"]["leg"] != "out", minute, line.replace("T10:31:", &moment)));
    }
    lines.sort_by_key(|(second, ..)| *second);
    let newest = lines.iter().filter(|(second, ..)| !second).map(|(_, minute, _)| *minute).max().unwrap();
    let due = lines.iter().filter(|(second, minute, _)| *second && *minute < newest).count();
    assert!(due > 40);
    let lines: Vec<&str> = lines.iter().map(|(.., line)| line.as_str()).collect();
    let file = folder.write("dc1.jsonl", lines.join("\n").as_bytes());
    let (paths, err, code) = paths(&file);
    // the last ones may still be open: the clock has not gone on by the whole window since
    let count = (due - 5..=due).find(|count| {
        err == format!("sni-watch: dc1: {count} records came too late to be joined: see --window\n")
    });
    assert!(count.is_some() && code == Some(0), "{due} {err}");
    let late = paths.iter().filter(|path| path["path"]["complete"] == false);
    let reason = |path: &serde_json::Value| path["event"]["reason"].as_str().unwrap().to_owned();
    let reasons: Vec<String> = late.map(reason).collect();
    assert_eq!(Some(reasons.len()), count);
    assert!(reasons.iter().all(|reason| reason.contains("; came late, ")), "{reasons:?}");
}

#[test]
fn clocks_that_are_hours_apart_are_told_and_what_belongs_together_is_joined() {
    let folder = Folder::new();
    let late = records(DC2, "dc2", "").replace("T10:31:", "T13:01:");
    let late = folder.write("dc2.jsonl", late.as_bytes());
    for line in [format!("dc1={DC1} {late}"), format!("{late} dc1={DC1}")] {
        let (apart, err, code) = paths(&line);
        assert_eq!(
            (err.as_str(), code),
            ("sni-watch: the clock of dc2 is 2 h 30 min ahead of dc1's\n", Some(0))
        );
        let (whole, ..) = paths(&format!("dc1={DC1} dc2={DC2}"));
        let mut shapes = [&apart, &whole].map(|paths| paths.iter().map(shape).collect::<Vec<_>>());
        for shapes in &mut shapes {
            shapes.sort();
        }
        assert_eq!(shapes[0], shapes[1]);
    }
}

#[test]
fn captures_with_nothing_in_common_are_told_with_their_times() {
    let (paths, err, code) = paths(&format!("dc1={DC1} x=fixtures/outcomes.pcap"));
    assert_eq!((joined(&paths), code), (0, Some(0)));
    assert!(
        err.contains(
            "sni-watch: no answered leg was seen by two vantage points: dc1 has 2026-03-04 10:31:07 UTC to \
             2026-03-04 10:31:21 UTC, x has 2026-03-04 12:00:01 UTC to "
        ),
        "{err}"
    );
    assert!(
        err.contains(" records have no hello, and no path: connections refused, or never answered\n"),
        "{err}"
    );
    let quiet = sni_watch(&format!("correlate -q dc1={DC1} x=fixtures/outcomes.pcap"));
    assert_eq!(quiet.err, "");
}

#[test]
fn what_is_neither_capture_nor_records_ends_the_run_before_it_begins() {
    let folder = Folder::new();
    let text = folder.write("notes.txt", b"dear diary\n");
    let done = sni_watch(&format!("correlate dc1={DC1} dc2={text}"));
    assert_eq!((done.out.as_str(), done.code), ("", Some(1)));
    assert!(
        done.err.starts_with(&format!("sni-watch: {text}: not a capture file (first bytes 64 65 61 72")),
        "{}",
        done.err
    );
    let other = folder.write("other.jsonl", b"{\"level\":\"info\"}\n");
    let (paths, err, code) = paths(&format!("dc1={DC1} dc2={other}"));
    let words = format!("sni-watch: {other}: no records of sni-watch: line 1 has no schema_version\n");
    assert!(err.starts_with(&words), "{err}");
    assert_eq!((joined(&paths), code), (0, Some(1)));
    let missing = sni_watch("correlate dc1=nothing.pcap");
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.starts_with("sni-watch: cannot open nothing.pcap: "), "{}", missing.err);
}

#[test]
fn nothing_at_all_is_no_error_but_is_told() {
    let folder = Folder::new();
    let (empty, other) = (folder.write("dc1.jsonl", b""), folder.write("dc2.jsonl", b"\n"));
    let words = "no connection with a ClientHello: a healthy gateway may be silent; else, is this the right filter?\n";
    sni_watch(&format!("correlate {empty} {other}")).is("", words, 0);
}

#[test]
fn a_damaged_capture_gives_what_is_whole() {
    let folder = Folder::new();
    let whole = fs::read(DC2).unwrap();
    let cut = folder.write("dc2.pcap", &whole[..whole.len() / 2 + 5]);
    let (paths, err, code) = paths(&format!("dc1={DC1} {cut}"));
    assert_eq!(code, Some(1));
    assert!(err.starts_with(&format!("sni-watch: {cut}: cut short in packet ")), "{err}");
    assert!(joined(&paths) > 10, "{}", joined(&paths));
}

#[test]
fn files_of_one_node_and_directories_are_parts_of_one_capture() {
    let folder = Folder::new();
    let capture = fs::read(DC2).unwrap();
    // the second half begins between two packets
    let mut at = 24;
    while at < capture.len() / 2 {
        at += 16 + u32::from_le_bytes(capture[at + 8..at + 12].try_into().unwrap()) as usize;
    }
    fs::create_dir(folder.root().join("dc2")).unwrap();
    let first = folder.write("dc2/1.pcap", &capture[..at]);
    let second = folder.write("dc2/2.pcap", &[&capture[..24], &capture[at..]].concat());
    let whole = sni_watch(&format!("correlate dc1={DC1} dc2={DC2}")).good();
    // a packet's number alone says nothing where there are two files
    let whole = whole.replace("(dc2, packet 452)", "(dc2)").replace("(dc2, packet 566)", "(dc2)");
    assert_eq!(sni_watch(&format!("correlate dc1={DC1} dc2={first} dc2={second}")).good(), whole);
    assert_eq!(sni_watch(&format!("correlate dc1={DC1} {}", folder.path("dc2"))).good(), whole);
}

#[test]
fn a_file_of_several_hosts_records_is_taken_apart() {
    let folder = Folder::new();
    let both = records(DC1, "dc1", "") + &records(DC2, "dc2", "");
    let both = folder.write("all.jsonl", both.as_bytes());
    let whole = as_of_records(&sni_watch(&format!("correlate dc1={DC1} dc2={DC2}")).good());
    assert_eq!(sni_watch(&format!("correlate {both}")).good(), whole);
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let mut command = command(&words(&format!("correlate dc1={DC1} dc2={DC2} -vv")));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    run(command).is("", "", 0);
}
