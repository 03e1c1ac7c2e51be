//! The program under test as a child process, with what it writes and when.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::netns::inside;

/// The binary.
pub const BINARY: &str = env!("CARGO_BIN_EXE_sni-watch");

/// After this long without what was waited for, the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A line, and when it came.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: SystemTime,
    pub text: String,
}

/// Lines of a pipe, read by a thread until the pipe's end.
struct Pipe {
    lines: Arc<Mutex<Vec<Line>>>,
    reader: thread::JoinHandle<()>,
}

impl Pipe {
    /// Reads `most` lines at most, and closes the pipe then.
    fn new(pipe: impl Read + Send + 'static, most: usize) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let come = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for text in BufReader::new(pipe).lines().take(most) {
                let text = text.unwrap();
                come.lock().unwrap().push(Line { at: SystemTime::now(), text });
            }
        });
        Self { lines, reader }
    }

    fn lines(&self) -> Vec<Line> {
        self.lines.lock().unwrap().clone()
    }
}

/// A running program; killed when dropped.
pub struct Watch {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
}

/// How a program ended.
#[derive(Debug)]
pub struct End {
    pub code: Option<i32>,
    pub stdout: Vec<Line>,
    pub stderr: Vec<String>,
    /// From the signal, or from the call that waited for the end.
    pub took: Duration,
}

impl Watch {
    /// Starts the program in a namespace and waits until it watches. `words` are split at blanks; what
    /// stands between apostrophes is one word.
    pub fn start(namespace: &str, words: &str) -> Self {
        Self::head(namespace, words, usize::MAX)
    }

    /// The same, but standard output is closed after `most` lines, as `head` does.
    pub fn head(namespace: &str, words: &str, most: usize) -> Self {
        let mut command = Command::new(BINARY);
        command.args(split(words));
        let watch = Self::of(namespace, command, most);
        let interfaces = split(words).iter().filter(|word| *word == "-i").count();
        watch.until_told("start", |told| told.len() >= interfaces);
        watch
    }

    /// Runs any command in a namespace, to its end.
    pub fn run(namespace: &str, command: Command) -> End {
        Self::of(namespace, command, usize::MAX).end()
    }

    /// The same as `start`, with the capabilities of a binary that was given them by `setcap cap_net_raw=ep`.
    pub fn with_net_raw_only(namespace: &str, words: &str) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--inh-caps=-all,+net_raw", "--bounding-set=-all,+net_raw", BINARY]).args(split(words));
        let watch = Self::of(namespace, command, usize::MAX);
        watch.until_told("start", |told| !told.is_empty());
        watch
    }

    /// Any command in a namespace; its standard output is read up to `most` lines.
    pub fn of(namespace: &str, mut command: Command, most: usize) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("TZ", "UTC");
        let mut child = inside(namespace, move || command.spawn().unwrap()).join().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, stdout: Pipe::new(stdout, most), stderr: Pipe::new(stderr, usize::MAX) }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lines of standard output so far.
    pub fn lines(&self) -> Vec<Line> {
        self.stdout.lines()
    }

    /// Waits for so many lines on standard output.
    pub fn until_lines(&self, count: usize) -> Vec<Line> {
        self.until("lines", |watch| watch.lines().len() >= count);
        self.lines()
    }

    /// Waits for `is_enough` of the lines on standard error.
    pub fn until_told(&self, what: &str, is_enough: impl Fn(&[Line]) -> bool) {
        self.until(what, |watch| is_enough(&watch.stderr.lines()));
    }

    fn until(&self, what: &str, is_enough: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_enough(self) {
            let seen = || (self.lines(), self.stderr.lines());
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}: {:#?}", seen());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// SIGINT, and the end.
    pub fn interrupt(self) -> End {
        self.signal(Signal::SIGINT);
        self.end()
    }

    /// Waits for the end.
    pub fn end(mut self) -> End {
        let start = Instant::now();
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(start.elapsed() < PATIENCE, "does not end: {:#?}", self.stderr.lines());
            thread::sleep(Duration::from_millis(2));
        };
        let took = start.elapsed();
        let start = Instant::now();
        // The pipes end with the process; a grandchild that held them would keep a join waiting for ever.
        while !(self.stderr.reader.is_finished() && self.stdout.reader.is_finished()) {
            assert!(start.elapsed() < PATIENCE, "the pipes do not end");
            thread::sleep(Duration::from_millis(2));
        }
        let stderr = self.stderr.lines().into_iter().map(|line| line.text).collect();
        End { code, stdout: self.lines(), stderr, took }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl End {
    /// Standard output as lines of text.
    pub fn texts(&self) -> Vec<&str> {
        self.stdout.iter().map(|line| line.text.as_str()).collect()
    }

    /// Standard output as JSON records, the `capture_stats` ones left out.
    pub fn records(&self) -> Vec<Value> {
        records(&self.stdout)
    }

    /// The number ahead of `word` in the last line of standard error.
    pub fn counted(&self, word: &str) -> u64 {
        let last = self.stderr.last().unwrap();
        let place = last.find(word).unwrap_or_else(|| panic!("no '{word}' in {last}"));
        let number = last[..place].trim_end().rsplit([' ', '(']).next().unwrap();
        number.parse().unwrap_or_else(|_| panic!("'{number}' ahead of '{word}' in {last}"))
    }
}

/// The JSON records among lines, the `capture_stats` ones left out.
pub fn records(lines: &[Line]) -> Vec<Value> {
    let all = lines.iter().map(|line| json(&line.text));
    all.filter(|record| record["event"]["action"] != "capture_stats").collect()
}

/// One JSON record.
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The handshake's result.
pub fn result(record: &Value) -> &str {
    record["handshake"]["result"].as_str().unwrap()
}

fn split(words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, part) in words.split('\'').enumerate() {
        if index % 2 == 1 {
            found.push(part.to_owned());
        } else {
            found.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    found
}
