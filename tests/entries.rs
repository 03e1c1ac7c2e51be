//! Any bytes may come: each entry for fuzzers bears what fixtures hold, whole, changed, and cut.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod seeds;
mod support;

use std::fs;
use std::path::Path;

use seeds::Chance;
use sni_watch::run::entries::{ENTRIES, Entry};

/// Changed inputs of each entry. Minutes of it are `examples/mutate`'s.
const CHANGED: u64 = 300;

#[test]
fn each_entry_finds_something_in_fixtures_and_bears_them_changed() {
    for (number, entry) in (1..).zip(ENTRIES) {
        let seeds = seeds::seeds(entry.name);
        let found: usize = seeds.iter().map(|seed| (entry.run)(seed)).sum();
        assert!(found > 0, "{} finds nothing in {} seeds", entry.name, seeds.len());
        let mut chance = Chance::new(number);
        for _ in 0..CHANGED {
            (entry.run)(&chance.changed(&seeds));
        }
    }
}

#[test]
fn each_entry_bears_an_input_cut_anywhere() {
    // whole captures are cut by tests/truncation.rs
    for entry in ENTRIES.iter().filter(|entry| entry.name != "capture") {
        let mut seeds = seeds::seeds(entry.name);
        // the shortest and the longest, and some between
        seeds.sort_by_key(Vec::len);
        let step = seeds.len().div_ceil(5).max(1);
        for seed in seeds.iter().step_by(step).chain(seeds.last()) {
            for len in 0..seed.len().min(1500) {
                (entry.run)(&seed[..len]);
            }
        }
    }
}

/// `fuzz/` has a target for each entry, one line over it, and no other.
#[test]
fn each_entry_has_a_fuzz_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let targets = fs::read_dir(folder.join("fuzz_targets")).unwrap();
    let mut targets: Vec<String> =
        targets.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    targets.sort();
    let mut names: Vec<&str> = ENTRIES.iter().map(|Entry { name, .. }| *name).collect();
    names.sort_unstable();
    assert_eq!(targets, names);
    for name in names {
        let text = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("find(\"{name}\")")), "{name}.rs runs another entry");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} has no [[bin]]");
    }
}
