//! Runs the program as a user does: arguments in, standard output, standard error and exit code out.
//!
//! Nothing waits for longer than [`PATIENCE`], and a child that is still there then is killed.
#![allow(dead_code, reason = "each test uses some of these")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_sni-watch");

/// Longest wait for anything; never reached where all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    pub out: String,
    pub err: String,
    /// `None`: ended by a signal.
    pub code: Option<i32>,
}

impl Done {
    /// Asserts all three.
    #[track_caller]
    pub fn is(&self, out: &str, err: &str, code: i32) {
        assert_eq!((self.out.as_str(), self.err.as_str(), self.code), (out, err, Some(code)));
    }

    /// Standard output of a run that had nothing to complain about.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!((self.err.as_str(), self.code), ("", Some(0)), "{}", self.out);
        self.out
    }

    /// Standard output of a run that went well, whatever it said about it (`-v` says something).
    #[track_caller]
    pub fn printed(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}

/// How many lines of the output are records: banners begin with a rule.
pub fn records(out: &str) -> usize {
    out.lines().filter(|line| !line.starts_with('─')).count()
}

/// The words of a command line without quoting.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The program with these arguments, in the crate's folder, at UTC, with an otherwise empty environment.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().env("TZ", "UTC");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end; `line` is split at blanks.
pub fn sni_watch(line: &str) -> Done {
    run(command(&words(line)))
}

/// Runs `command` to its end.
pub fn run(command: Command) -> Done {
    Running::start(command).end()
}

/// Runs the program with `input` as its standard input.
pub fn fed(line: &str, input: &[u8]) -> Done {
    let mut running = Running::piped(line);
    running.feed(input);
    running.end()
}

/// A program that runs.
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    out: Option<Receiver<Vec<u8>>>,
    err: Receiver<Vec<u8>>,
}

impl Running {
    /// Starts `command`; both its outputs are read from now on.
    pub fn start(command: Command) -> Self {
        let (mut running, out) = Self::start_unread(command);
        running.out = out.map(lines);
        running
    }

    /// Starts `command`, whose standard output is left to the caller.
    pub fn start_unread(mut command: Command) -> (Self, Option<ChildStdout>) {
        let mut child = command.spawn().unwrap();
        let (input, out) = (child.stdin.take(), child.stdout.take());
        let err = lines(child.stderr.take().unwrap());
        (Self { child, input, out: None, err }, out)
    }

    /// Starts the program with a pipe for its standard input.
    pub fn piped(line: &str) -> Self {
        let mut command = command(&words(line));
        command.stdin(Stdio::piped());
        Self::start(command)
    }

    /// Writes to standard input. A program that reads no further is no error here.
    pub fn feed(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("standard input is open");
        drop(input.write_all(bytes).and_then(|()| input.flush()));
    }

    /// The next line of standard output.
    #[track_caller]
    pub fn line(&self) -> String {
        next(self.out.as_ref().expect("standard output is read here"))
    }

    /// The next line of standard error.
    #[track_caller]
    pub fn told(&self) -> String {
        next(&self.err)
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the program has a handler for `signal`, which would just end it before.
    #[track_caller]
    pub fn handles(&self, signal: Signal) {
        let path = format!("/proc/{}/status", self.child.id());
        wait_for("handler", || {
            let status = fs::read_to_string(&path).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
            (caught >> (signal as i32 - 1) & 1 == 1).then_some(())
        });
    }

    /// Sends a signal, and expects the end within `limit`. Standard input stays open until then.
    #[track_caller]
    pub fn ends_within(mut self, limit: Duration, signal: Signal) -> Done {
        let input = self.input.take();
        let sent = Instant::now();
        self.signal(signal);
        let done = self.end();
        assert!(sent.elapsed() < limit, "{:?}: {done:?}", sent.elapsed());
        drop(input);
        done
    }

    /// Closes standard input, and waits for the end.
    #[track_caller]
    pub fn end(mut self) -> Done {
        self.input = None;
        let out = self.out.take().map(|out| rest(&out)).unwrap_or_default();
        let err = rest(&self.err);
        let code = self.wait();
        Done { out, err, code }
    }

    #[track_caller]
    fn wait(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "the program does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads lines on a thread of its own.
fn lines(from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let mut line = Vec::new();
            match from.read_until(b'\n', &mut line) {
                Ok(1..) if sender.send(line).is_ok() => {}
                _ => break,
            }
        }
    });
    receiver
}

#[track_caller]
fn next(lines: &Receiver<Vec<u8>>) -> String {
    let line = lines.recv_timeout(PATIENCE).expect("a line within the patience");
    String::from_utf8(line).unwrap()
}

#[track_caller]
fn rest(lines: &Receiver<Vec<u8>>) -> String {
    let mut all = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => all.extend(line),
            Err(RecvTimeoutError::Disconnected) => return String::from_utf8(all).unwrap(),
            Err(RecvTimeoutError::Timeout) => panic!("the program does not end"),
        }
    }
}

/// A folder that goes away with its owner.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sni-watch-cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The path of `name` in here, as an argument.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file; returns its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn root(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Waits until `probe` gives something.
#[track_caller]
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < end, "no {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
