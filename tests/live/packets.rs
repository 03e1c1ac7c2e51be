//! `-w` on interfaces: the packets of what was asked for, from all of them in one file.

use std::path::Path;
use std::process::Command;

use crate::netns::{Lab, NEAR, join};
use crate::traffic::{Rudeness, Site, rude};
use crate::watch::{BINARY, Watch};

/// Names and results that a capture tells.
fn told(path: &Path) -> Vec<String> {
    let mut command = Command::new(BINARY);
    command.arg("-r").arg(path).args(["-T", "fields", "-e", "sni", "-e", "handshake.result"]);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn packets_of_several_interfaces_are_in_one_file_by_time() {
    let Some(site) = Site::new() else { return };
    let Lab { near, far } = &site.lab;
    join((near, "ens5", "10.78.0.1"), (far, "ens5", "10.78.0.2"));
    let _server = site.serve(443, "");
    let file = site.file("out.pcapng");
    let options = format!("-w {} -o line --sni '*.wanted.example'", file.display());
    let watch = Watch::start(near, &format!("-i ens4 -i ens5 tcp port 443 or tcp port 444 {options}"));
    for (port, name) in
        [("10.77.0.1:443", "four"), ("10.78.0.1:443", "five"), ("10.77.0.1:443", "four-again")]
    {
        site.connect(port, &format!("{name}.wanted.example"), "");
        site.connect(port, "other.example", "");
    }
    let reset = rude(near, (NEAR, 444), Rudeness::Reset);
    site.connect("10.77.0.1:444", "reset.wanted.example", "");
    reset.join().unwrap();
    watch.until_lines(4);
    let end = watch.interrupt();
    assert_eq!((end.code, end.texts().len()), (Some(0), 4), "{end:?}");
    let expected = [
        "four.wanted.example\tok",
        "five.wanted.example\tok",
        "four-again.wanted.example\tok",
        "reset.wanted.example\treset",
    ];
    assert_eq!(told(&file), expected);

    let bytes = std::fs::read(&file).unwrap();
    let (mut left, mut times, mut interfaces) = (bytes.as_slice(), Vec::new(), Vec::new());
    let number = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    while !left.is_empty() {
        match number(left, 0) {
            1 => interfaces.push((number(left, 8), number(left, 12))),
            6 => times.push((number(left, 12), number(left, 16))),
            _ => {}
        }
        left = &left[number(left, 4) as usize..];
    }
    assert_eq!(interfaces, [(1, 262_144); 2], "Ethernet, and the length that was captured whole");
    assert!(times.is_sorted() && times.len() > 30, "{times:?}");
}

#[test]
fn packets_go_to_a_pipe_while_the_watch_runs() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let piped = site.file("piped.pcapng");
    let mut command = Command::new("sh");
    let line = format!("exec {BINARY} -i ens4 port 443 -q -c 1 -w - > {}", piped.display());
    command.args(["-c", &line]);
    let lab = &site.lab;
    let watch = std::thread::scope(|scope| {
        let watch = scope.spawn(|| Watch::run(&lab.near, command));
        // It watches once its file has begun; the first name that it sees ends it.
        while !watch.is_finished() {
            site.connect("10.77.0.1:443", "piped.example", "");
        }
        watch.join().unwrap()
    });
    assert_eq!(watch.code, Some(0), "{watch:?}");
    assert_eq!(told(&piped)[0], "piped.example\tok");
}
