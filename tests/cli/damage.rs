//! Bad input: what can be read is printed, what is wrong is told, and the exit code is 1.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::captures::{FAILOVER, START, connection, line, many, pcap, pcapng, three, three_lines};
use crate::run::{Folder, Running, command, fed, sni_watch, wait_for, words};
use crate::support::{damage, scenario};

/// Number of the first packet of the third connection.
fn third() -> usize {
    three().len() / 3 * 2 + 1
}

#[track_caller]
fn check(bytes: &[u8], out: &str, problem: &str) {
    let folder = Folder::new();
    let path = folder.write("bad", bytes);
    let done = sni_watch(&format!("-r {path}"));
    assert_eq!((done.out.as_str(), done.code), (out, Some(1)), "{done:?}");
    let told = format!("sni-watch: {path}: {problem}\n");
    let more = done.err.strip_prefix(&told).expect(&done.err);
    // Where it opened and no packet was read, that is said too.
    let nothing = "no ClientHello in 0 packets (0 TCP, 0 UDP): is this the right filter?\n";
    assert!(more.is_empty() || out.is_empty() && more == nothing, "{more}");
    // The same through a pipe.
    let piped = fed("-r -", bytes);
    assert_eq!((piped.out, piped.code), (done.out, done.code));
    assert_eq!(piped.err, done.err.replace(&path, "-"));
}

#[test]
fn no_capture_at_all() {
    check(&damage::text(), "", "not a capture file (first bytes 54 68 69 73 20 69 73 20 …)");
    check(b"", "", "empty file, not a capture");
    check(b"ab", "", "not a capture file (first bytes 61 62)");
    check(&damage::gzip(&damage::text()), "", "not a capture file (first bytes 54 68 69 73 20 69 73 20 …)");
    check(&damage::gzip(b""), "", "not a capture file (nothing in the gzip data)");
}

#[test]
fn cut_in_the_file_header() {
    check(&damage::cut_in_file_header(&pcap(&three())), "", "cut short in the file header, at byte 12");
}

#[test]
fn cut_in_a_header_of_a_packet() {
    let whole = pcap(&three());
    let cut = damage::cut_in_record_header(&whole, third());
    let [a, b, _] = three_lines();
    let problem = format!("cut short in packet {}, at byte {}", third(), cut.len() - 8);
    check(&cut, &[a, b].concat(), &problem);
    let problem = "cut short in packet 1, at byte 24";
    check(&damage::cut_in_record_header(&whole, 1), "", problem);
}

#[test]
fn cut_in_a_packet() {
    let cut = damage::cut_in_packet(&pcap(&three()), third());
    let [a, b, _] = three_lines();
    let problem = format!("cut short in packet {}, at byte {}", third(), cut.len() - 26);
    check(&cut, &[&*a, &*b].concat(), &problem);
    let unpacked = format!("{problem} of the uncompressed data");
    check(&damage::gzip(&cut), &[&*a, &*b].concat(), &unpacked);
    check(&damage::zstandard(&cut), &[a, b].concat(), &unpacked);
}

#[test]
fn a_packet_with_an_absurd_length() {
    let [a, b, _] = three_lines();
    let bad = damage::packet_length(&pcap(&three()), third(), u32::MAX);
    let at = damage::cut_in_packet(&pcap(&three()), third()).len() - 26;
    let problem = format!("damaged in packet {}, at byte {at}: captured length 4294967295", third());
    check(&bad, &[a, b].concat(), &problem);
}

#[test]
fn compressed_data_cut_short() {
    let [a, b, c] = three_lines();
    for (name, packed) in
        [("gzip", damage::gzip(&pcap(&three()))), ("zstd", damage::zstandard(&pcap(&three())))]
    {
        let done = fed("-r -", &packed[..packed.len() - 4]);
        assert_eq!(done.code, Some(1), "{name}: {done:?}");
        assert!([a.clone(), b.clone(), c.clone()].concat().starts_with(&done.out), "{name}: {}", done.out);
        assert!(done.err.starts_with("sni-watch: -: ") && done.err.contains(name), "{name}: {}", done.err);
    }
}

/// Blocks: section, interface, then packets. The first packet is block 3.
#[test]
fn blocks_cut_or_with_absurd_lengths() {
    let whole = pcapng(&three());
    let [a, b, _] = three_lines();
    let block = third() + 2;
    let cut = damage::cut_in_block(&whole, block);
    let at = cut.len() - 10;
    let after = format!("after packet {}, in the block at byte {at}", third() - 1);
    let lines = [a, b].concat();
    check(&cut, &lines, &format!("cut short {after}"));
    check(&damage::block_length(&whole, block, 0), &lines, &format!("damaged {after}: block length 0"));
    let huge = damage::block_length(&whole, block, u32::MAX);
    check(&huge, &lines, &format!("damaged {after}: block length 4294967295"));
    // The largest length that is a multiple of four: 4 GiB less four bytes.
    let huge = fed("-r -", &damage::block_length(&whole, block, u32::MAX - 3));
    assert_eq!((huge.out.as_str(), huge.code), (lines.as_str(), Some(1)));
    assert!(huge.err.starts_with("sni-watch: -: ") && huge.err.contains(&after), "{}", huge.err);
}

#[test]
fn a_section_header_cut_or_with_absurd_lengths() {
    let whole = pcapng(&three());
    for bytes in [
        damage::cut_in_block(&whole, 1),
        damage::block_length(&whole, 1, 0),
        damage::block_length(&whole, 1, u32::MAX),
        damage::cut_in_block(&whole, 2),
        damage::block_length(&whole, 2, 0),
    ] {
        let done = fed("-r -", &bytes);
        assert_eq!((done.out.as_str(), done.code), ("", Some(1)), "{done:?}");
        assert!(done.err.starts_with("sni-watch: -: "), "{done:?}");
    }
}

#[test]
fn a_bad_input_among_good_ones_is_told_and_skipped() {
    let folder = Folder::new();
    let packets = three();
    let good = folder.write("good.pcap", &pcap(&packets[..packets.len() / 3]));
    let cut = folder.write("cut.pcap", &damage::cut_in_packet(&pcap(&packets), third()));
    let text = folder.write("note.txt", &damage::text());
    let empty = folder.write("empty.pcap", b"");
    let missing = folder.path("missing.pcap");
    let directory = folder.path("sub");
    std::fs::create_dir(&directory).unwrap();
    let done = sni_watch(&format!("-r {missing} -r {good} -r {text} -r {empty} -r {directory}"));
    assert_eq!((done.out.as_str(), done.code), (line(1, "a").as_str(), Some(1)));
    for told in [
        format!("sni-watch: cannot open {missing}: No such file or directory (os error 2)\n"),
        format!("sni-watch: {text}: not a capture file (first bytes 54 68 69 73 20 69 73 20 …)\n"),
        format!("sni-watch: {empty}: empty file, not a capture\n"),
        format!("sni-watch: {directory}: no capture file in this directory\n"),
    ] {
        assert!(done.err.contains(&told), "{told}{}", done.err);
    }
    assert_eq!(done.err.lines().count(), 4);

    // One that breaks off in the middle, beside one that goes on.
    let later: Vec<_> = packets[third() - 1..].to_vec();
    let later = folder.write("later.pcap", &pcap(&later));
    let done = sni_watch(&format!("-r {cut} -r {later}"));
    assert_eq!((done.out, done.code), (three_lines().concat(), Some(1)));
    assert!(
        done.err.starts_with(&format!("sni-watch: {cut}: cut short in packet {}, at", third())),
        "{}",
        done.err
    );
    assert_eq!(done.err.lines().count(), 1);

    // With nothing left, nothing is said of names that were not found.
    let done = sni_watch(&format!("-r {missing} -r {text}"));
    assert_eq!((done.out.as_str(), done.err.lines().count(), done.code), ("", 2, Some(1)));
}

#[test]
fn a_directory_is_its_captures() {
    let folder = Folder::new();
    let packets = three();
    folder.write("b.pcap", &pcap(&packets));
    folder.write("note.txt", &damage::text());
    let path = folder.root().display();
    assert_eq!(sni_watch(&format!("-r {path}")).good(), three_lines().concat());
    folder.write("a.pcap", &damage::cut_in_file_header(&pcap(&packets)));
    let done = sni_watch(&format!("-r {path}"));
    assert_eq!(done.out, three_lines().concat());
}

#[test]
fn counts_of_what_could_be_read_are_printed_too() {
    let cut = damage::cut_in_packet(&std::fs::read(FAILOVER).unwrap(), 2000);
    let done = fed("summary -r - --by dc", &cut);
    assert_eq!(done.code, Some(1));
    assert!(done.out.starts_with("DC   CONN") && done.out.contains("\ndc2 "), "{}", done.out);
    assert!(done.err.starts_with("sni-watch: -: cut short in packet 2000, at byte "), "{}", done.err);
}

/// Somebody writes the file anew while it is read: what follows is not the end of the capture.
#[test]
fn a_file_that_becomes_shorter_is_no_whole_capture() {
    let folder = Folder::new();
    let (path, other) = (folder.write("many.pcap", &many()), folder.path("fifo"));
    assert!(Command::new("mkfifo").arg(&other).status().unwrap().success());
    // The second input keeps the first from being read to its end, for both are merged by time.
    let running = Running::start(command(&words(&format!("-r {path} -r {other}"))));
    let mut second = OpenOptions::new().write(true).open(&other).unwrap();
    let bytes = pcap(&scenario::packets(&[connection(50, "z")], START));
    second.write_all(&bytes[..24]).unwrap();
    wait_for("begin", || (read_of(running.id(), &path)? > 24).then_some(()));
    OpenOptions::new().write(true).open(&path).unwrap().set_len(24).unwrap();
    second.write_all(&bytes[24..]).unwrap();
    drop(second);
    let done = running.end();
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains(&format!("{path}: ")), "{}", done.err);
    assert!(done.err.contains("the file became shorter while it was read"), "{}", done.err);
    assert!(done.out.contains("  z.example  "), "{}", done.out);
}

/// How far the process `id` has read of `path`.
fn read_of(id: u32, path: &str) -> Option<u64> {
    let open = fs::read_dir(format!("/proc/{id}/fd")).ok()?.flatten();
    let descriptor =
        open.into_iter().find(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == Path::new(path)))?;
    let number = descriptor.file_name().into_string().ok()?;
    let about = fs::read_to_string(format!("/proc/{id}/fdinfo/{number}")).ok()?;
    about.lines().find_map(|line| line.strip_prefix("pos:"))?.trim().parse().ok()
}
