//! `lab/failover` as a user types it, with files of its own for each test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::unistd::Uid;
use serde_json::Value;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_sni-watch");

/// After this long without what was waited for, the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(50);

/// What `lab/failover` exits with where it cannot be had.
const UNAVAILABLE: i32 = 77;

/// Waits until `probe` holds.
#[track_caller]
pub fn until(what: &str, probe: impl Fn() -> bool) {
    let begun = Instant::now();
    while !probe() {
        assert!(begun.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        thread::sleep(LOOK);
    }
}

/// A process, known by its id and its start time in ticks since boot.
pub type Process = (u32, String);

/// The exercise while it is up; taken down when dropped.
pub struct Exercise {
    /// Where its files are.
    pub folder: PathBuf,
    /// What the names of its namespaces begin with.
    tag: String,
    /// What `up` said.
    pub told: String,
}

impl Exercise {
    /// None, and the reason printed, where this cannot be had.
    pub fn up(name: &str) -> Option<Self> {
        if !Uid::effective().is_root() {
            println!("skipped: needs root");
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lab-{name}"));
        let mut exercise = Self { folder, tag: String::new(), told: String::new() };
        let done = match exercise.command(&["up"]).output() {
            Ok(done) => done,
            Err(error) => {
                println!("skipped: needs python3: {error}");
                return None;
            }
        };
        if done.status.code() == Some(UNAVAILABLE) {
            println!("skipped: {}", String::from_utf8_lossy(&done.stderr).trim());
            return None;
        }
        exercise.told = said(&done);
        assert!(done.status.success(), "{}", exercise.told);
        let host = exercise.says(&["exec", "dc1-gateway", "ip", "netns", "identify"]);
        host.trim().strip_suffix("dc1-gateway").unwrap().clone_into(&mut exercise.tag);
        Some(exercise)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("python3");
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/failover");
        command.arg("-B").arg(lab).args(words).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.env("SNI_WATCH_LAB", &self.folder).env("SNI_WATCH_BIN", BINARY);
        // a test installs nothing on the system
        command.env("SNI_WATCH_LAB_INSTALL", "no");
        command
    }

    /// A command that goes well, and what it says.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> String {
        let done = self.command(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {}", said(&done));
        said(&done)
    }

    /// A command that fails, and what it says.
    #[track_caller]
    pub fn refuses(&self, words: &[&str]) -> String {
        let done = self.command(words).output().unwrap();
        assert_eq!(done.status.code(), Some(1), "{words:?}: {}", said(&done));
        said(&done)
    }

    /// A command that goes on meanwhile; what it says, once it has gone well.
    pub fn begin(&self, words: &[&str]) -> JoinHandle<String> {
        let mut command = self.command(words);
        thread::spawn(move || {
            let done = command.output().unwrap();
            assert!(done.status.success(), "{}", said(&done));
            said(&done)
        })
    }

    /// What the program prints in the folder of the captures.
    pub fn sni_watch(&self, words: &[&str]) -> String {
        let mut command = Command::new(BINARY);
        let done = command.args(words).current_dir(self.folder.join("captures")).output().unwrap();
        assert!(done.status.success() && done.stderr.is_empty(), "{words:?}: {}", said(&done));
        said(&done)
    }

    /// The whole lines of a file of the exercise so far.
    pub fn lines(&self, file: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the watch on a gateway has told so far.
    pub fn records(&self, dc: &str) -> Vec<Value> {
        self.lines(&format!("captures/{dc}.jsonl"))
    }

    /// Process id of a program by the lab's name for it.
    pub fn pid(&self, name: &str) -> i32 {
        let file = fs::read_to_string(self.folder.join("run/pids").join(name)).unwrap();
        file.split_once(' ').unwrap().0.parse().unwrap()
    }

    /// What a pane of the demo shows.
    pub fn pane(&self, number: usize) -> String {
        let mut command = Command::new("tmux");
        command.args(["-S", "tmux.sock", "capture-pane", "-p", "-t"]).arg(format!("failover:0.{number}"));
        said(&command.current_dir(self.folder.join("run")).output().unwrap())
    }

    fn namespaces(&self) -> Vec<String> {
        let list = Command::new("ip").args(["netns", "list"]).output().unwrap();
        let list = String::from_utf8(list.stdout).unwrap();
        let names = list.lines().filter_map(|line| line.split_whitespace().next());
        names.filter(|name| name.starts_with(&self.tag)).map(str::to_owned).collect()
    }

    /// All processes on the hosts, and those that work in the exercise's folder.
    pub fn processes(&self) -> BTreeSet<Process> {
        let mut all = BTreeSet::new();
        for namespace in self.namespaces() {
            let list = Command::new("ip").args(["netns", "pids", &namespace]).output().unwrap();
            let list = String::from_utf8(list.stdout).unwrap();
            all.extend(list.lines().map(|pid| pid.parse::<u32>().unwrap()));
        }
        let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let ours = entries
            .filter(|entry| fs::read_link(entry.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.folder)));
        all.extend(ours.filter_map(|entry| entry.file_name()?.to_str()?.parse::<u32>().ok()));
        all.into_iter().filter_map(|pid| Some((pid, began(pid)?))).collect()
    }

    /// Takes it down, twice, and looks whether anything is left of it.
    #[track_caller]
    pub fn is_gone_after_down(&self) {
        let processes = self.processes();
        assert!(processes.len() >= 10 && self.namespaces().len() == 7, "{processes:?}");
        assert!(self.says(&["down"]).contains("The exercise is down."));
        let left = || processes.iter().filter(|(pid, since)| began(*pid).as_ref() == Some(since)).count();
        assert_eq!((left(), self.namespaces()), (0, Vec::new()));
        assert_eq!(self.processes(), BTreeSet::new());
        let files: BTreeSet<_> =
            fs::read_dir(self.folder.join("run")).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(files, BTreeSet::from(["log".into()]));
        assert!(self.says(&["down"]).contains("The exercise is down."));
        assert!(self.refuses(&["run"]).contains("the exercise is not up"));
    }
}

impl Drop for Exercise {
    fn drop(&mut self) {
        // also where `up` failed half way
        let _ = self.command(&["down"]).output();
        // what is left says why a test failed
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// When a process started; None where it has ended.
fn began(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if "ZX".contains(state) { None } else { fields.nth(18).map(str::to_owned) }
}

fn said(done: &Output) -> String {
    let [out, err] = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}
