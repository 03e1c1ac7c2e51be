//! Walks the tables: link types, protocols, naming schemes, outputs. Every row has a name of its own, a short help, and
//! something that shows it at work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;
mod watch;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use sni_watch::hello::preface::{PREFACES, UNTOLD};
use sni_watch::hello::{self, DATAGRAMS, PROTOCOLS};
use sni_watch::model::frame::LinkType;
use sni_watch::model::hello::Sni;
use sni_watch::naming::scheme::Scheme;
use sni_watch::naming::{Namer, SCHEMES};
use sni_watch::output::SINKS;
use sni_watch::wire::{self, LINKS};
use support::link::Link;
use support::scenario::{self, Format, Scenario};

/// The longest help of a row, in characters: it stands behind the name in a terminal of 80 columns.
const MAX_HELP: usize = 70;

fn assert_names_and_help<'t>(table: &str, rows: impl Iterator<Item = (&'t str, &'t str)>) {
    let mut names = BTreeSet::new();
    for (name, help) in rows {
        assert!(names.insert(name), "{table}: {name} is there twice");
        assert!(!name.is_empty() && !name.contains(char::is_whitespace), "{table}: `{name}`");
        let short = !help.is_empty() && help.chars().count() <= MAX_HELP && !help.contains('\n');
        assert!(short && !help.ends_with('.'), "{table}: {name}: `{help}` is no short line");
    }
    assert!(!names.is_empty(), "{table} is empty");
}

/// The captures of the scenario `links` with one link type for all packets, and that type.
fn captures_by_link() -> Vec<(Link, Vec<u8>)> {
    let scenario = Scenario::fixture("links");
    let files = scenario.files("links");
    let with_file = scenario.capture.iter().zip(files);
    let plain =
        with_file.filter(|(capture, _)| capture.interface.is_empty() && capture.format == Format::Pcap);
    plain.map(|(capture, (_, bytes))| (capture.link, bytes)).collect()
}

#[test]
fn every_link_type_has_a_name_a_help_and_a_fixture() {
    assert_names_and_help("links", LINKS.iter().map(|row| (row.name, row.help)));
    let ids: Vec<LinkType> = LINKS.iter().flat_map(|row| row.ids).copied().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "a number is there twice");
    let captures = captures_by_link();
    for row in LINKS {
        let shown = captures.iter().find(|(link, _)| row.ids.contains(&LinkType(*link as u32)));
        let (_, capture) = shown.unwrap_or_else(|| panic!("no fixture shows {}", row.name));
        let names = watch::capture(capture.clone()).names();
        assert!(!names.is_empty(), "{}: no name", row.name);
        for id in row.ids {
            assert_eq!(wire::link(*id).map(|found| found.name), Some(row.name));
            let mut other = capture.clone();
            other[20..24].copy_from_slice(&id.0.to_le_bytes());
            let little = capture[..4] == [0xd4, 0xc3, 0xb2, 0xa1];
            assert!(little, "the first capture of a link type is little-endian");
            assert_eq!(watch::capture(other).names(), names, "{} as {}", row.name, id.0);
        }
    }
    assert!(wire::link(LinkType(147)).is_none(), "a number for private use is in the table");
}

#[test]
fn every_protocol_has_a_name_ports_and_a_fixture() {
    let golden = ["outcomes", "late"]
        .map(|stem| fs::read_to_string(scenario::fixtures().join(format!("{stem}.jsonl"))).unwrap())
        .concat();
    let filter = hello::default_filter();
    let mut names = BTreeSet::new();
    for row in PROTOCOLS {
        assert!(names.insert(row.name()), "{} is there twice", row.name());
        assert!(
            golden.contains(&format!("\"protocol\":\"{}\"", row.name())),
            "no fixture shows {}",
            row.name()
        );
        let (_, ports) = row.carrier();
        assert!(!ports.is_empty(), "{}: nothing would be captured live", row.name());
        assert!(ports.iter().all(|port| filter.contains(&format!("port {port}"))), "{filter}");
    }
    for row in DATAGRAMS {
        assert!(names.insert(row.name()), "{} is there twice", row.name());
        let golden = fs::read_to_string(scenario::fixtures().join(format!("{}.jsonl", row.name()))).unwrap();
        assert!(golden.contains(&format!("\"protocol\":\"{}\"", row.name())), "{}.jsonl", row.name());
        assert!(row.carrier().iter().all(|port| filter.contains(&format!("udp port {port}"))), "{filter}");
    }
}

#[test]
fn every_preface_has_a_name_of_its_own_and_a_fixture() {
    let golden = fs::read_to_string(scenario::fixtures().join("late.jsonl")).unwrap();
    let mut names = BTreeSet::from([UNTOLD]);
    for row in PREFACES {
        assert!(names.insert(row.name()), "{} is there twice", row.name());
        let shown = golden.contains(&format!("\"preface\":[\"{}\"]", row.name()));
        assert!(shown, "no fixture shows {}", row.name());
    }
    assert!(golden.contains(&format!("[\"{UNTOLD}\"]")), "no fixture shows {UNTOLD}");
}

/// A name that only this scheme knows, and what it names.
fn example(scheme: &str) -> (&'static str, &'static str) {
    match scheme {
        "consul" => ("currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul", "currency"),
        "consul-dns" => ("redis.service.us-east-1.consul", "redis"),
        "nomad" => ("server.global.nomad", "server"),
        "istio" => ("outbound_.8080_.v1_.ratings.shop.svc.cluster.local", "ratings"),
        "linkerd" => ("web.emojivoto.serviceaccount.identity.linkerd.cluster.local", "web"),
        "kuma" => ("backend{app=backend-app,env=prod}", "backend"),
        "cilium" => ("1234.spiffe.cilium", "1234"),
        "vault" => ("fw-ea71090b-54ce-bc6d-4860-eeb41d01afd8", ""),
        "kubernetes" => ("api.shop.svc.cluster.local", "api"),
        "plain" => ("www.example.org", ""),
        other => panic!("no example shows the scheme {other}"),
    }
}

#[test]
fn every_scheme_has_a_name_a_help_and_an_example_of_its_own() {
    assert_names_and_help("schemes", SCHEMES.iter().map(|row| (row.name(), row.help())));
    let namer = Namer::default();
    for row in SCHEMES {
        let (name, service) = example(row.name());
        let read = namer.classify(Sni::Name { bytes: name.as_bytes(), more: false });
        assert_eq!(read.scheme, row.name(), "{name}");
        assert_eq!(read.service().unwrap_or_default(), service, "{name}");
        assert_eq!(row.fields(name).map(|fields| fields.kind), Some(read.kind), "{name}");
    }
}

#[test]
fn the_last_scheme_and_no_other_answers_to_every_name() {
    let last: &dyn Scheme = *SCHEMES.last().unwrap();
    for row in SCHEMES {
        let (name, _) = example(row.name());
        assert!(last.fields(name).is_some(), "{name}");
        assert!(row.name() == last.name() || row.fields("www.example.org").is_none(), "{}", row.name());
    }
}

fn run(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_sni-watch"));
    program.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().env("TZ", "UTC");
    program.output().unwrap()
}

fn program(arguments: &[&str]) -> String {
    let run = run(arguments);
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn every_output_has_a_name_a_help_and_an_output_of_its_own() {
    assert_names_and_help("outputs", SINKS.iter().map(|row| (row.name, row.help)));
    let capture = ["-r", "fixtures/outcomes.pcap"];
    let mut seen = BTreeSet::new();
    let refused = run(&["-r", "fixtures/reuse.pcap", "-o", "no-such-output"]);
    assert_eq!(refused.status.code(), Some(2));
    let known = String::from_utf8(refused.stderr).unwrap();
    for row in SINKS {
        let text = program(&[&capture[..], &["-o", row.name]].concat());
        assert_eq!(text.is_empty(), row.name == "none", "{}:\n{text}", row.name);
        let golden = match row.name {
            "line" => "outcomes.lines.txt",
            "json" => "outcomes.jsonl",
            "tsv" => "outcomes.tsv",
            "csv" => "outcomes.csv",
            "table" => "outcomes.table.txt",
            "timeline" => "failover.timeline.txt",
            "none" => "README.md",
            other => panic!("no committed output shows {other}"),
        };
        assert!(scenario::fixtures().join(golden).exists(), "{golden}");
        assert!(seen.insert(text), "{} writes what another output does", row.name);
        assert!(known.contains(row.name), "{} is not among those that are named: {known}", row.name);
    }
    assert_eq!(program(&capture), program(&[&capture[..], &["-o", SINKS[0].name]].concat()));
}
