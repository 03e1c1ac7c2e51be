//! Records as they are written: pipes that stay open, that are silent, and that end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::run::{Folder, Running, command, run, words};
use crate::{DC1, DC2, records};

/// Two named pipes, and the program that reads them.
fn watched(folder: &Folder, options: &str) -> (Running, [File; 2]) {
    let pipes = ["dc1.pipe", "dc2.pipe"].map(|name| {
        let path = folder.path(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    });
    let line = format!("correlate dc1={} dc2={} {options}", pipes[0], pipes[1]);
    let running = Running::start(command(&words(&line)));
    (running, pipes.map(|path| OpenOptions::new().write(true).open(path).unwrap()))
}

fn say(pipe: &mut File, lines: &[&str]) {
    pipe.write_all(format!("{}\n", lines.join("\n")).as_bytes()).unwrap();
}

#[test]
fn a_path_is_told_as_soon_as_both_gateways_told_its_legs() {
    let folder = Folder::new();
    let (running, [mut dc1, mut dc2]) = watched(&folder, "");
    let (first, second) = (records(DC1, "dc1", ""), records(DC2, "dc2", ""));
    let (first, second): (Vec<&str>, Vec<&str>) = (first.lines().collect(), second.lines().collect());
    say(&mut dc1, &first[..2]);
    say(&mut dc2, &second[..2]);
    assert!(running.line().starts_with("clock offset dc2−dc1: +0.31 ms ± 0.20 (1 shared hello; "));
    assert!(running.line().starts_with("HELLO "));
    assert!(running.line().contains("10.42.0.17 → gw dc1 → gw dc2 → 10.132.0.31:21000  (payments→currency)"));
    say(&mut dc2, &second[2..4]);
    say(&mut dc1, &first[2..4]);
    assert!(running.line().contains(" → gw dc1 → gw dc2 → "));
    drop((dc1, dc2));
    let done = running.end();
    assert!(done.out.contains("\n2 connections: 2 ok; all complete\n"), "{done:?}");
    assert_eq!((done.err.as_str(), done.code), ("", Some(0)));
}

#[test]
fn a_silent_pipe_holds_the_others_up_for_no_longer_than_a_while() {
    let folder = Folder::new();
    let (running, [mut dc1, dc2]) = watched(&folder, "");
    let text = records(DC1, "dc1", "");
    let lines: Vec<&str> = text.lines().collect();
    say(&mut dc1, &lines[..2]);
    // minutes later everything before is due, though dc2 has never said a word
    for (minute, line) in lines.iter().skip(2).take(8).enumerate() {
        say(&mut dc1, &[&line.replace("T10:31:", &format!("T10:{}:", 40 + minute))]);
    }
    let begun = Instant::now();
    assert!(running.line().starts_with("clock offset: not known, "));
    assert!(running.line().starts_with("HELLO "));
    assert!(running.line().contains("10.42.0.17 → gw dc1 → 10.132.0.20:443  (payments→currency)"));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    drop((dc1, dc2));
    assert_eq!(running.end().code, Some(0));
}

#[test]
fn a_signal_ends_it_soon_and_tells_what_is_open() {
    let folder = Folder::new();
    let (running, [mut dc1, dc2]) = watched(&folder, "-j --node desk");
    let text = records(DC1, "dc1", "");
    say(&mut dc1, &text.lines().take(3).collect::<Vec<_>>());
    running.handles(Signal::SIGINT);
    let done = running.ends_within(Duration::from_secs(2), Signal::SIGINT);
    assert_eq!(done.code, Some(0));
    drop((dc1, dc2));
}

#[test]
fn pipes_of_a_shell_work() {
    let binary = crate::run::BINARY;
    let script =
        format!("{binary} correlate dc1=<({binary} -r {DC1} -j --node dc1) dc2=<(cat {DC2}) -o table");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let done = run(command);
    assert!(done.out.starts_with("51 connections: 47 ok, 3 reset, 1 timeout; 2 incomplete\n"), "{done:?}");
    let input = crate::run::fed(&format!("correlate dc1={DC1} dc2=- -o table"), &std::fs::read(DC2).unwrap());
    assert!(input.out.starts_with("51 connections: 47 ok, 3 reset, 1 timeout; 2 incomplete\n"), "{input:?}");
}
