//! The progress bar: on a terminal, when reading files takes longer than a second.
//!
//! A reader that lets the program wait makes it take that long, on any machine.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::pty::openpty;

use crate::captures::many;
use crate::run::{Folder, Running, command, words};

/// Longer than the second after which a bar appears.
const LONG: Duration = Duration::from_millis(1300);

/// Everything that is written to a terminal, until its last writer is gone.
fn shown(master: OwnedFd) -> JoinHandle<String> {
    thread::spawn(move || {
        let (mut terminal, mut text) = (File::from(master), Vec::new());
        let mut bytes = [0; 4096];
        loop {
            match terminal.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => text.extend_from_slice(&bytes[..count]),
                // How Linux tells that the other side is closed.
                Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => break,
                Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}"),
            }
        }
        String::from_utf8(text).unwrap()
    })
}

/// A terminal, as the program sees it.
fn terminal() -> (Stdio, JoinHandle<String>) {
    let ends = openpty(None, None).unwrap();
    (Stdio::from(ends.slave), shown(ends.master))
}

/// Runs to the end with a reader that begins late; returns what standard output held.
fn late(mut command: Command) -> usize {
    let mut child = command.spawn().unwrap();
    // It holds the terminal open.
    drop(command);
    thread::sleep(LONG);
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    text.lines().count()
}

#[test]
fn a_bar_shows_how_far_a_long_read_is_and_leaves_no_trace() {
    let folder = Folder::new();
    let path = folder.write("many.pcap", &many());
    let run = |options: &str| {
        let mut command = command(&words(&format!("-r {path} -o json {options}")));
        let (stderr, text) = terminal();
        command.stderr(stderr).env("TERM", "xterm");
        let records = late(command);
        assert_eq!(records, 2000);
        text.join().unwrap()
    };
    thread::scope(|scope| {
        let (plain, jobs, quiet) =
            (scope.spawn(|| run("")), scope.spawn(|| run("--jobs 2")), scope.spawn(|| run("-q")));
        #[expect(clippy::cast_precision_loss, reason = "a few MiB")]
        let total = format!("{:.2} MiB", many().len() as f64 / f64::from(1 << 20));
        for text in [plain.join().unwrap(), jobs.join().unwrap()] {
            let parts = [&format!(" of {total}, "), "/s, ", " names"];
            assert!(parts.iter().all(|part| text.contains(*part)), "{text:?}");
            assert!(!text.contains("] 0 B"), "it begins where the read is: {text:?}");
            assert!(text.ends_with("\r\u{1b}[2K"), "the line is cleared at the end: {text:?}");
        }
        assert_eq!(quiet.join().unwrap(), "", "-q");
    });
}

#[test]
fn no_bar_where_nobody_looks_at_it_or_records_show_already() {
    let folder = Folder::new();
    let path = folder.write("many.pcap", &many());
    thread::scope(|scope| {
        let no_terminal = scope.spawn(|| {
            let (running, out) = Running::start_unread(command(&words(&format!("-r {path} -o json"))));
            thread::sleep(LONG);
            std::io::copy(&mut out.unwrap(), &mut std::io::sink()).unwrap();
            assert_eq!(running.end().err, "");
        });
        let same_terminal = scope.spawn(|| {
            let ends = openpty(None, None).unwrap();
            let mut both = command(&words(&format!("-r {path} -o json")));
            both.stdout(Stdio::from(ends.slave.try_clone().unwrap())).stderr(Stdio::from(ends.slave));
            let mut child = both.spawn().unwrap();
            drop(both);
            thread::sleep(LONG);
            let text = shown(ends.master).join().unwrap();
            assert!(child.wait().unwrap().success());
            assert!(text.starts_with('{') && !text.contains(" of ") && !text.contains('\u{1b}'));
        });
        let short = scope.spawn(|| {
            let (stderr, text) = terminal();
            let mut command = command(&words("-r fixtures/failover.pcap -o none"));
            command.stderr(stderr);
            assert!(command.spawn().unwrap().wait().unwrap().success());
            drop(command);
            assert_eq!(text.join().unwrap(), "");
        });
        no_terminal.join().unwrap();
        same_terminal.join().unwrap();
        short.join().unwrap();
    });
}
