//! Changes what fixtures hold by chance, and has it read, for so many seconds: `cargo run --release --example mutate --
//! 300 segments`. Without names, all entries (`sni_watch::run::entries`) by turns. What it does follows from its seed,
//! the last argument where that is a number (1). A panic is the only failure; then the input is in a file `found-ENTRY`.
//!
//! `-- --seeds FOLDER` writes what it begins with instead, a folder for each entry: for cargo-fuzz.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failure is to be seen")]
#![allow(clippy::print_stdout, reason = "it tells what it did")]

#[path = "../tests/seeds/mod.rs"]
mod seeds;
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use seeds::Chance;
use sni_watch::run::entries::{ENTRIES, Entry, find};

/// An entry under test.
struct Trial {
    entry: &'static Entry,
    seeds: Vec<Vec<u8>>,
    inputs: u64,
    found: u64,
}

impl Trial {
    fn run(&mut self, input: &[u8]) {
        let read = AssertUnwindSafe(|| (self.entry.run)(input));
        let found = catch_unwind(read).unwrap_or_else(|panic| {
            let file = format!("found-{}", self.entry.name);
            fs::write(&file, input).expect("the input is kept");
            println!("{}: the input is in the file `{file}`", self.entry.name);
            resume_unwind(panic)
        });
        self.inputs += 1;
        self.found += found as u64;
    }
}

/// A folder for each entry, with its seeds.
fn write_seeds(folder: &Path) {
    for entry in ENTRIES {
        let folder = folder.join(entry.name);
        fs::create_dir_all(&folder).expect("a folder is made");
        for (number, seed) in seeds::seeds(entry.name).into_iter().enumerate() {
            fs::write(folder.join(number.to_string()), seed).expect("a seed is written");
        }
    }
}

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, folder] = arguments.as_slice()
        && option == "--seeds"
    {
        return write_seeds(Path::new(folder));
    }
    let seconds = if arguments.is_empty() { 10 } else { arguments.remove(0).parse().expect("seconds") };
    let seed = arguments.last().and_then(|last| last.parse().ok());
    arguments.truncate(arguments.len() - usize::from(seed.is_some()));
    let chosen: Vec<&Entry> = match arguments.as_slice() {
        [] => ENTRIES.iter().collect(),
        names => names.iter().map(|name| find(name).expect("an entry's name")).collect(),
    };
    let trial = |entry: &'static Entry| Trial { entry, seeds: seeds::seeds(entry.name), inputs: 0, found: 0 };
    let mut trials: Vec<Trial> = chosen.into_iter().map(trial).collect();
    let (mut chance, begun) = (Chance::new(seed.unwrap_or(1)), Instant::now());
    for trial in &mut trials {
        for seed in trial.seeds.clone() {
            trial.run(&seed);
        }
        // from here on, what is changed counts
        (trial.inputs, trial.found) = (0, 0);
    }
    while begun.elapsed() < Duration::from_secs(seconds) {
        for trial in &mut trials {
            for _ in 0..20 {
                let input = chance.changed(&trial.seeds);
                trial.run(&input);
            }
        }
    }
    for Trial { entry, inputs, found, .. } in &trials {
        println!("{}: {inputs} inputs, {found} things found, no panic", entry.name);
        assert!(*found > 0, "what is changed a little is often still something");
    }
}
