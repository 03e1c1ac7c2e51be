//! The captures of the lab beside the project, where they are there: real gateways, real names, fifteen scenarios.
//!
//! tshark's hellos (`truth.jsonl`) say which legs belong together, `stitch.json` how many there are, and the gateways'
//! own access logs, an independent witness, which port goes with which. `SNI_WATCH_SHARED` names the folder; without
//! it, `../shared` beside the project is looked at.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code fails loudly")]
#![allow(clippy::print_stdout, reason = "a test says why it is skipped")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The gateways, and what they are called here.
const GATEWAYS: [(&str, &str, &str); 2] =
    [("dc1-gateway", "dc1", "10.132.1.20"), ("dc2-gateway", "dc2", "10.132.2.20")];

/// Scenarios, sorted; none where there is no lab.
fn scenarios() -> Vec<PathBuf> {
    let shared = std::env::var_os("SNI_WATCH_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(entries) = fs::read_dir(shared.join("lab/captures")) else {
        println!("There is no ../shared/lab here: left out.");
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 15, "{all:?}");
    all
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let objects = text.lines().filter(|line| line.starts_with('{'));
    objects.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Output and words of the program.
fn sni_watch(args: &[String]) -> (String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_sni-watch")).args(args).env_clear().output().unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(done.stdout), text(done.stderr))
}

fn paths(scenario: &Path, output: &str) -> String {
    let captures = GATEWAYS.map(|(file, node, _)| format!("{node}={}", scenario.join(file).display()));
    let mut args = vec!["correlate".to_owned(), "-o".to_owned(), output.to_owned()];
    args.extend(captures.map(|capture| capture + ".pcap"));
    sni_watch(&args).0
}

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn end(leg: &Value, side: &str) -> String {
    format!("{}:{}", leg[side]["ip"].as_str().unwrap(), leg[side]["port"])
}

/// A leg as one gateway saw it: node, client, server.
type Leg = (String, String, String);

fn leg(leg: &Value) -> Leg {
    (text(&leg["node"]), end(leg, "source"), end(leg, "destination"))
}

/// Clients whose hello stands behind the byte of Consul's own RPC, where tshark looks for none.
fn behind_a_byte(scenario: &Path) -> BTreeSet<String> {
    let probes = lines(&scenario.join("probes.jsonl"));
    probes
        .iter()
        .filter(|probe| probe["probe"] == "consul-rpc-tls-byte")
        .map(|probe| text(&probe["src"]))
        .collect()
}

/// By hello: how many of one connection there are, and the legs that carry it.
#[derive(Default)]
struct Truth {
    hellos: BTreeMap<String, u64>,
    legs: BTreeMap<String, BTreeSet<Leg>>,
}

fn truth(scenario: &Path) -> Truth {
    let mut truth = Truth::default();
    for (file, node, _) in GATEWAYS {
        let hellos = lines(&scenario.join(format!("{file}.truth.jsonl")));
        for hello in hellos.iter().filter(|hello| hello["no_hello"] != true) {
            let id = text(&hello["random"])[..16].to_owned();
            let count = truth.hellos.entry(id.clone()).or_default();
            *count = (*count).max(hello["idx"].as_u64().unwrap() + 1);
            let leg = (node.to_owned(), text(&hello["src"]), text(&hello["dst"]));
            truth.legs.entry(id).or_default().insert(leg);
        }
    }
    truth
}

#[test]
fn every_connection_of_the_lab_is_stitched_with_its_legs_and_none_wrongly() {
    for scenario in scenarios() {
        let truth = truth(&scenario);
        let mut paths = records(&paths(&scenario, "json"));
        let behind = behind_a_byte(&scenario);
        let all = paths.len();
        paths.retain(|path| !behind.contains(&end(&path["path"]["legs"][0], "source")));
        assert_eq!(all - paths.len(), behind.len(), "{}: each of them is told too", scenario.display());
        let mut told = BTreeMap::new();
        for path in &paths {
            let legs = path["path"]["legs"].as_array().unwrap();
            let of: BTreeSet<Leg> = legs.iter().map(leg).collect();
            assert_eq!(of.len(), legs.len(), "{}: a leg stands there twice: {path}", scenario.display());
            let before = told.insert(text(&path["path"]["id"]), of);
            assert!(before.is_none(), "{}: one hello, two paths: {path}", scenario.display());
            assert_eq!(path["path"]["complete"], true, "{}: {path}", scenario.display());
        }
        assert_eq!(told, truth.legs, "{}", scenario.display());
        let stitch: Value =
            serde_json::from_str(&fs::read_to_string(scenario.join("stitch.json")).unwrap()).unwrap();
        for gateway in GATEWAYS {
            counts(&scenario, gateway, (&truth, &paths), &stitch[gateway.0]);
        }
        let hellos = |path: &&Value| truth.hellos[path["path"]["id"].as_str().unwrap()];
        let from_one_to_two = |path: &&Value| {
            let legs: BTreeSet<Leg> = path["path"]["legs"].as_array().unwrap().iter().map(leg).collect();
            let on = |node: &str| {
                let on = legs.iter().filter(|leg| leg.0 == node && leg.1.starts_with("10.132.1.20:"));
                on.map(|leg| (leg.1.clone(), leg.2.clone())).collect::<BTreeSet<_>>()
            };
            on("dc1").intersection(&on("dc2")).count() > 0
        };
        let joined: u64 = paths.iter().filter(from_one_to_two).map(|path| hellos(&path)).sum();
        assert_eq!(Some(joined), stitch["gateway_to_gateway"]["joined"].as_u64(), "{}", scenario.display());
    }
}

/// What one gateway passed on: as many as `stitch.json` says, and as the gateway itself logged.
fn counts(
    scenario: &Path,
    (file, node, address): (&str, &str, &str),
    (truth, paths): (&Truth, &[Value]),
    stitch: &Value,
) {
    let log = lines(&scenario.join(format!("{file}.access.log")));
    let (mut pairs, mut alone, mut agree) = (0, 0, 0);
    for path in paths {
        let legs = path["path"]["legs"].as_array().unwrap();
        let own: Vec<&Value> = legs.iter().filter(|leg| leg["node"] == node).collect();
        let hellos = truth.hellos[path["path"]["id"].as_str().unwrap()];
        let inward = own.iter().find(|leg| end(leg, "destination") == format!("{address}:443"));
        let (Some(inward), outward) = (inward, own.iter().find(|leg| leg["leg"] == "out")) else { continue };
        let Some(outward) = outward else {
            alone += hellos;
            continue;
        };
        pairs += hellos;
        assert_eq!(inward["leg"], "in");
        let begun = inward["ts"].as_f64().unwrap();
        let off = |line: &Value| (text(&line["start"]).parse::<f64>().unwrap() - begun).abs();
        let same = log.iter().filter(|line| text(&line["down_remote"]) == end(inward, "source"));
        if let Some(line) = same.min_by(|a, b| off(a).total_cmp(&off(b))) {
            let witness = (text(&line["up_local"]), text(&line["up_host"]));
            assert_eq!(witness, (end(outward, "source"), end(outward, "destination")), "{node}: {path}");
            agree += hellos;
        }
    }
    let due = |key: &str| stitch[key].as_u64().unwrap();
    let told = (pairs, alone, agree);
    let expected = (due("pairs"), due("in_only"), stitch["witness"]["agree"].as_u64().unwrap());
    assert_eq!(told, expected, "{} at {node}: pairs, alone, agreed", scenario.display());
}

#[test]
fn both_legs_of_each_gateway_carry_the_same_bytes() {
    for scenario in scenarios() {
        for (file, node, _) in GATEWAYS {
            let capture = scenario.join(format!("{file}.pcap")).display().to_string();
            let args = ["-r", &capture, "-o", "json", "-vv", "--node", node].map(str::to_owned);
            let mut digests: BTreeMap<(String, u64), BTreeSet<String>> = BTreeMap::new();
            let mut legs: BTreeMap<String, u64> = BTreeMap::new();
            for record in records(&sni_watch(&args).0) {
                let Some(random) = record["handshake"]["random"].as_str() else { continue };
                let key = (random.to_owned(), record["handshake"]["index"].as_u64().unwrap());
                digests.entry(key).or_default().insert(text(&record["handshake"]["hello_digest"]));
                *legs.entry(text(&record["mesh"]["hop"]["leg"])).or_default() += 1;
            }
            let alike = digests.values().all(|digests| digests.len() == 1);
            assert!(alike, "{capture}: {digests:?}");
            let count = |leg: &str| legs.get(leg).copied().unwrap_or_default();
            assert_eq!(count("in"), count("out"), "{capture}: {legs:?}");
            assert_eq!(count(""), 0, "{capture}: each record knows its leg");
        }
    }
}

/// One machine, one clock: whatever offset is told is wrong.
#[test]
fn the_clocks_of_one_machine_are_not_apart() {
    for scenario in scenarios() {
        let text = paths(&scenario, "table");
        let Some(line) = text.lines().find(|line| line.starts_with("clock offset ")) else {
            assert!(scenario.ends_with("healthy"), "{}: {text}", scenario.display());
            continue;
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let offset: f64 = words[3].trim_start_matches(['+', '−']).parse().unwrap();
        let error: f64 = words[6].parse().unwrap();
        assert!(offset <= error.max(0.15), "{}: {line}", scenario.display());
    }
}

/// Records written by two watches give the same paths as their captures.
#[test]
fn records_of_the_lab_give_the_same_paths() {
    let folder = std::env::temp_dir().join(format!("sni-watch-lab-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for scenario in scenarios() {
        let mut args = ["correlate", "-o", "json"].map(str::to_owned).to_vec();
        for (file, node, _) in GATEWAYS {
            let capture = scenario.join(format!("{file}.pcap")).display().to_string();
            let written = folder.join(format!("{node}.jsonl")).display().to_string();
            let output = format!("json:{written}");
            sni_watch(&["-r", &capture, "-o", &output, "-v", "-q", "--node", node].map(str::to_owned));
            args.push(written);
        }
        let way = |text: &str| {
            let way = |mut path: Value| path["path"].take();
            records(text).into_iter().map(way).collect::<Vec<_>>()
        };
        let (back, whole) = (way(&sni_watch(&args).0), way(&paths(&scenario, "json")));
        assert_eq!(back, whole, "{}", scenario.display());
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// `any` shows each frame of a gateway twice, a switch up to four times: the legs are the same.
#[test]
fn frames_that_are_seen_twice_make_no_legs() {
    for scenario in scenarios() {
        for (any, plain) in
            [("dc1-gateway.any.pcap", "dc1-gateway.pcap"), ("switch.any.pcap", "dc1-gateway.pcap")]
        {
            let capture = scenario.join(any);
            if !capture.exists() {
                continue;
            }
            let legs = |capture: &Path| {
                let args =
                    ["correlate", "-o", "json", &format!("x={}", capture.display())].map(str::to_owned);
                let mut all = BTreeMap::new();
                for path in records(&sni_watch(&args).0) {
                    let legs = path["path"]["legs"].as_array().unwrap().iter().map(leg);
                    assert!(all.insert(text(&path["path"]["id"]), legs.collect::<BTreeSet<_>>()).is_none());
                }
                all
            };
            let (any, plain) = (legs(&capture), legs(&scenario.join(plain)));
            for (id, legs) in &plain {
                assert!(any.get(id).is_some_and(|any| legs.is_subset(any)), "{}: {id}", capture.display());
            }
        }
    }
}
