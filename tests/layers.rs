//! The order of the house: who may import whom, which folder names which outside crate, where threads start, and
//! how long files and functions may be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What each part of the crate may import, besides itself. Parts that are not here may import nothing.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("source", &["model", "error"]),
    ("wire", &["model"]),
    ("naming", &["model"]),
    ("tally", &["model"]),
    ("failover", &["model"]),
    ("path", &["model"]),
    // the way back from JSON: a name is decoded again, and so is an alert's
    ("ingest", &["model", "error", "hello", "naming"]),
    // a name in a file is decoded as one on the wire
    ("intent", &["model", "error", "naming"]),
    ("catalog", &["model", "error"]),
    ("flow", &["model", "assemble"]),
    ("hello", &["model", "assemble"]),
    // the pieces that it reads hellos out of are the assembler's
    ("inspector", &["model", "flow", "hello", "naming", "assemble"]),
    ("output", &["model", "tally", "path", "failover", "intent", "error"]),
    (
        "run",
        &[
            "model",
            "assemble",
            "error",
            "source",
            "wire",
            "flow",
            "hello",
            "naming",
            "inspector",
            "tally",
            "path",
            "ingest",
            "failover",
            "intent",
            "catalog",
            "output",
        ],
    ),
    // of the model only what a user can type: times, outcomes, names; of the tally what a summary groups by
    (
        "cli",
        &[
            "run", "source", "flow", "hello", "naming", "output", "error", "model", "tally", "intent",
            "catalog",
        ],
    ),
    // `interfaces` for completions, and what a command line leads to
    ("main", &["cli", "run", "source", "error"]),
];

/// The folders that may name an outside crate.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("pcap", &["source"]),
    ("flate2", &["source"]),
    ("lz4_flex", &["source"]),
    ("zstd", &["source"]),
    ("mio", &["source"]),
    ("aya", &["source"]),
    ("object", &["source"]),
    ("libc", &["source"]),
    ("etherparse", &["wire"]),
    ("tls_parser", &["hello"]),
    ("x509_parser", &["hello"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("crossbeam_channel", &["run"]),
    ("signal_hook", &["run"]),
    ("globset", &["run"]),
    ("indicatif", &["run"]),
    ("ipnet", &["run"]),
    ("serde_json", &["output", "ingest", "intent", "catalog"]),
    ("hcl", &["intent"]),
    ("ureq", &["catalog"]),
    ("rustls", &["catalog"]),
    ("rustls_native_certs", &["catalog"]),
    ("comfy_table", &["output"]),
    ("itoa", &["output"]),
    // the keyed hash of the tables that strangers fill
    ("foldhash", &["inspector", "tally", "path", "failover", "run"]),
    ("md5", &["hello"]),
    ("ring", &["hello"]),
    ("sha2", &["hello"]),
    ("twox_hash", &["model"]),
    ("hashbrown", &["tally"]),
    // the allocator of the program, which is no part of the library
    ("mimalloc", &["main"]),
    ("base64", &["output"]),
    ("sha1", &["output"]),
    ("serde", &["output", "ingest", "catalog"]),
    // the user's patterns: of names (`naming`), and in filters (`run`)
    ("regex", &["naming", "run"]),
    // dates: read on the command line, resolved against the capture's day, written in records
    ("jiff", &["cli", "run", "output", "ingest"]),
    // users and capabilities belong to `source`; the host's name, which `--node` defaults to, to `cli`
    ("nix", &["source", "cli"]),
];

/// The part that starts threads.
const THREADS: &str = "run";
const MAX_FILE: usize = 300;
const MAX_FUNCTION: usize = 60;

/// A file of the library or the binary, without comments, literals and tests.
struct File {
    /// Path below `src`, with slashes.
    path: String,
    /// Lines that are no tests, as written.
    lines: usize,
    /// The code: comments and the insides of literals are blanks, tests are gone.
    code: String,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let code = without_tests(&blank(text));
        Self { path: path.to_owned(), lines: code.lines().count(), code }
    }

    /// The part of the crate that the file belongs to.
    fn part(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Modules from the root down to this file's.
    fn module(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap();
        let path = path.strip_suffix("/mod").unwrap_or(path);
        if matches!(path, "lib" | "main") { Vec::new() } else { path.split('/').collect() }
    }

    /// Parts of the crate that the code names, by whatever path.
    fn imports(&self) -> BTreeSet<String> {
        let mut parts = BTreeSet::new();
        for root in ["crate", "sni_watch"] {
            for rest in after(&self.code, root) {
                parts.extend(heads(rest));
            }
        }
        for rest in after(&self.code, "super") {
            let mut rest = rest;
            let mut up = 1;
            while let Some(further) = rest.strip_prefix("super::") {
                (rest, up) = (further, up + 1);
            }
            if up == self.module().len() {
                parts.extend(heads(rest));
            }
        }
        parts.remove(self.part());
        parts.remove("sample");
        parts
    }

    fn names(&self, outside: &str) -> bool {
        !after(&self.code, outside).is_empty()
    }
}

/// What follows each `word::` that stands at the beginning of a path.
fn after<'c>(code: &'c str, word: &str) -> Vec<&'c str> {
    let path = format!("{word}::");
    let begins = |at: &usize| !code[..*at].ends_with(|c: char| c == ':' || c == '_' || c.is_alphanumeric());
    code.match_indices(&path).map(|(at, _)| at).filter(begins).map(|at| &code[at + path.len()..]).collect()
}

/// The first names of a path's rest: one, or each of a group in braces.
fn heads(rest: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![word(rest)] };
    let mut depth = 0;
    let mut heads = vec![word(group)];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(word(&group[at + 1..])),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// The text with blanks in the place of comments and of what stands in literals; lines stay where they are.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => string_length(rest),
            'r' | 'b' if !out.ends_with(|c: char| c == '_' || c.is_alphanumeric()) => literal_length(rest),
            '\'' => character_length(rest),
            _ => 0,
        };
        if taken == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..taken].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[taken..];
        }
    }
    out
}

/// Length of a raw or byte string; 0 where it is a name that begins with the same letter.
fn literal_length(text: &str) -> usize {
    let mark = text.trim_start_matches('b');
    let raw = mark.starts_with('r');
    let body = mark.strip_prefix('r').unwrap_or(mark);
    let hashes = body.len() - body.trim_start_matches('#').len();
    let ahead = text.len() - body.len();
    match body[hashes..].strip_prefix('"') {
        Some(inside) if raw => {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = inside.find(&end).unwrap_or(inside.len());
            (ahead + hashes + 1 + length + end.len()).min(text.len())
        }
        Some(_) if hashes == 0 => ahead + string_length(body),
        _ if ahead == 1 && body.starts_with('\'') => ahead + character_length(body),
        _ => 0,
    }
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a character literal; 0 for a lifetime.
fn character_length(text: &str) -> usize {
    let mut inside = text.char_indices().skip(1);
    match inside.next() {
        Some((_, '\\')) => text[2..].find('\'').map_or(0, |at| if at == 0 { 4 } else { at + 3 }),
        Some((_, _)) => inside.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// The code without the items that are there under `cfg(test)` only.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let end = match (item.find(';'), item.find('{')) {
            (Some(semicolon), brace) if brace.is_none_or(|brace| semicolon < brace) => semicolon + 1,
            (_, Some(brace)) => brace + block_length(&item[brace..]),
            _ => item.len(),
        };
        rest = &item[end..];
    }
    out + rest
}

/// Length of the block that `code` begins with, braces included.
fn block_length(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Names and lengths in lines of the functions with a body.
fn functions(code: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code[..at].chars().next_back();
        let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if before.is_some_and(|c| !c.is_whitespace() && c != '(') || name.is_empty() {
            continue;
        }
        let item = &code[at..];
        let Some(brace) = item.find(['{', ';']).filter(|place| item[*place..].starts_with('{')) else {
            continue;
        };
        let body = block_length(&item[brace..]);
        found.push((name, item[..brace + body].lines().count()));
    }
    found
}

/// Everything in which the files break a rule.
fn broken_rules(files: &[File], dependencies: &[String]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files {
        let allowed =
            MAY_IMPORT.iter().find(|(part, _)| *part == file.part()).map_or(&[][..], |(_, list)| list);
        let path = &file.path;
        for import in file.imports().iter().filter(|import| !allowed.contains(&import.as_str())) {
            broken.push(format!("{path} imports {import}"));
        }
        for dependency in dependencies.iter().filter(|dependency| file.names(dependency)) {
            let folders =
                MAY_NAME.iter().find(|(name, _)| name == dependency).map_or(&[][..], |(_, list)| list);
            if !folders.contains(&file.part()) {
                broken.push(format!("{path} names {dependency}"));
            }
        }
        let starts = ["thread::spawn", "thread::Builder", "thread::scope"];
        if file.part() != THREADS && starts.iter().any(|start| file.code.contains(start)) {
            broken.push(format!("{path} starts a thread"));
        }
        for word in ["print", "println", "eprint", "eprintln", "dbg"] {
            let call = format!("{word}!");
            if file
                .code
                .split(|c: char| c != '!' && !c.is_alphanumeric() && c != '_')
                .any(|token| token == call)
            {
                broken.push(format!("{path} calls {call}"));
            }
        }
        if file.lines > MAX_FILE {
            broken.push(format!("{path} has {} lines", file.lines));
        }
        for (name, lines) in functions(&file.code).into_iter().filter(|(_, lines)| *lines > MAX_FUNCTION) {
            broken.push(format!("{path}: {name} has {lines} lines"));
        }
    }
    broken
}

/// All files of `src` but those that hold nothing but tests.
fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, "", &mut sources);
    let tests: BTreeSet<String> = sources.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let is_test = |path: &str| {
        tests.iter().any(|module| {
            path.strip_suffix(".rs")
                .is_some_and(|path| path == module || path.starts_with(&format!("{module}/")))
        })
    };
    let files: Vec<File> =
        sources.iter().filter(|(path, _)| !is_test(path)).map(|(path, text)| File::new(path, text)).collect();
    assert!(files.len() > 60 && files.iter().any(|file| file.path == "main.rs"));
    files
}

fn collect(folder: &Path, below: &str, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Paths below `src`, without `.rs`, of the modules that a file declares under `cfg(test)`.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let folder = match path.strip_suffix("mod.rs") {
        Some(folder) => folder.to_owned(),
        None => format!("{}/", path.strip_suffix(".rs").unwrap()),
    };
    let declared = blank(text);
    let items = declared.split("#[cfg(test)]").skip(1);
    let names = items
        .filter_map(|item| item.trim_start().strip_prefix("mod ")?.split_once(';').map(|(name, _)| name));
    names.filter(|name| !name.contains('{')).map(|name| format!("{folder}{name}")).collect()
}

/// Names of the dependencies as code writes them.
fn dependencies() -> Vec<String> {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().map(|name| name.replace('-', "_")).collect()
}

#[test]
fn the_house_is_in_order() {
    let broken = broken_rules(&files(), &dependencies());
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_dependency_has_a_folder_that_names_it() {
    let files = files();
    let dependencies = dependencies();
    for name in &dependencies {
        assert!(MAY_NAME.iter().any(|(listed, _)| listed == name), "no folder may name {name}");
    }
    for (name, folders) in MAY_NAME.iter().filter(|(name, _)| dependencies.contains(&(*name).to_owned())) {
        for folder in *folders {
            let named = files.iter().any(|file| file.part() == *folder && file.names(name));
            assert!(named, "{folder} does not name {name} any more");
        }
    }
}

#[test]
fn every_part_that_may_import_or_be_imported_is_there() {
    let files = files();
    for (part, list) in MAY_IMPORT {
        assert!(files.iter().any(|file| file.part() == *part), "there is no {part}");
        for import in *list {
            assert!(
                files.iter().any(|file| file.part() == *import),
                "{part} may import {import}, which is not there"
            );
        }
    }
}

/// What is wrong with one made-up file.
fn verdict(path: &str, text: &str) -> Vec<String> {
    broken_rules(&[File::new(path, text)], &dependencies())
}

#[test]
fn a_forbidden_import_is_found_by_whatever_path() {
    for text in [
        "use crate::run::plan::Plan;",
        "use crate::{model::frame::Frame, run::plan::Plan};",
        "fn f() { crate::run::run(); }",
        "use super::super::run::plan::Plan;",
        "use sni_watch::run;",
    ] {
        assert_eq!(verdict("wire/ethernet.rs", text), ["wire/ethernet.rs imports run"], "{text}");
    }
    assert_eq!(verdict("wire/mod.rs", "use super::run::Plan;"), ["wire/mod.rs imports run"]);
    assert_eq!(verdict("model/frame.rs", "use crate::error::Error;"), ["model/frame.rs imports error"]);
    assert_eq!(verdict("run/mod.rs", "use crate::cli::Args;"), ["run/mod.rs imports cli"]);
    assert_eq!(verdict("source/file.rs", "use crate::wire::Decoder;"), ["source/file.rs imports wire"]);
}

#[test]
fn what_is_allowed_or_no_code_is_passed_over() {
    for text in [
        "use crate::model::frame::Frame;\nuse super::link::Link;\nuse crate::wire::link::Link;",
        "// use crate::run::Plan;\n/* crate::run::Plan */",
        "const A: &str = \"crate::run::Plan \\\" crate::cli::Args\"; const B: &str = r#\"crate::run \" x\"#;",
        "const C: char = '\"'; const D: u8 = b'\\''; fn f<'a>(x: &'a str) -> &'a str { x }\nconst E: char = '{';",
        "#[cfg(test)]\nmod tests {\n    use crate::run::Plan;\n    fn f() { println!(\"}\"); }\n}",
        "#[cfg(test)]\nuse crate::run::Plan;",
        "use crate::model::pcap::Y;",
    ] {
        assert_eq!(verdict("wire/ethernet.rs", text), [""; 0], "{text}");
    }
    assert_eq!(verdict("wire/tests.rs", "use crate::sample::ok;"), [""; 0]);
}

#[test]
fn a_crate_outside_its_folder_is_found() {
    assert_eq!(verdict("cli/plan.rs", "use pcap::Device;"), ["cli/plan.rs names pcap"]);
    assert_eq!(verdict("run/mod.rs", "fn f() { etherparse::x(); }"), ["run/mod.rs names etherparse"]);
    assert_eq!(verdict("source/x.rs", "use tls_parser::parse;"), ["source/x.rs names tls_parser"]);
    assert_eq!(verdict("source/x.rs", "use pcap::Device;"), [""; 0]);
}

#[test]
fn threads_and_prints_are_found() {
    assert_eq!(
        verdict("source/live.rs", "fn f() { std::thread::spawn(g); }"),
        ["source/live.rs starts a thread"]
    );
    assert_eq!(verdict("run/live.rs", "fn f() { std::thread::spawn(g); }"), [""; 0]);
    assert_eq!(verdict("wire/raw.rs", "fn f() { eprintln!(\"x\"); }"), ["wire/raw.rs calls eprintln!"]);
    assert_eq!(verdict("wire/raw.rs", "fn f() { pprintln!(\"x\"); }"), [""; 0]);
}

#[test]
fn long_files_and_functions_are_found() {
    let lines = |count: usize| "const A: u8 = 0;\n".repeat(count);
    assert_eq!(verdict("wire/raw.rs", &lines(301)), ["wire/raw.rs has 301 lines"]);
    assert_eq!(verdict("wire/raw.rs", &lines(300)), [""; 0]);
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(290), lines(100));
    assert_eq!(verdict("wire/raw.rs", &tests), [""; 0]);
    let function =
        |count: usize| format!("fn long(\n    a: u8,\n) {{\n{}}}\n", "    f();\n".repeat(count - 4));
    assert_eq!(verdict("wire/raw.rs", &function(61)), ["wire/raw.rs: long has 61 lines"]);
    assert_eq!(verdict("wire/raw.rs", &function(60)), [""; 0]);
    assert_eq!(functions("type F = fn (u8); trait T { fn a(); fn b() {} }"), [("b".to_owned(), 1)]);
}

#[test]
fn modules_of_tests_are_known_by_their_declaration() {
    assert_eq!(test_modules("wire/mod.rs", "#[cfg(test)]\nmod tests;\nmod raw;"), ["wire/tests"]);
    assert_eq!(test_modules("source/file.rs", "mod a;\n#[cfg(test)]\nmod tests;"), ["source/file/tests"]);
    assert_eq!(test_modules("source/file.rs", "#[cfg(test)]\nmod tests { mod a; }"), [""; 0]);
}
