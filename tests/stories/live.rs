//! At an interface (stories 1, 2 and 12).

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::has;
use crate::netns::{self, Lab};
use crate::support::link::Link;
use crate::support::scenario::Scenario;
use crate::traffic::Site;
use crate::watch::{BINARY, Watch, json};

/// tcpdump's line of the exercise, with only the name changed.
#[test]
fn story_1_gateway_operator_replaces_the_exercises_tcpdump() {
    let Some(lab) = Lab::new() else { return };
    // what the clients of dc1 send to its gateway, as it was captured
    let capture = Scenario::fixture("terminals");
    let dc1 = &capture.capture[1];
    let gateway = "10.128.0.10".parse::<std::net::IpAddr>().unwrap();
    let inward = capture.packets_at(dc1).into_iter().filter(|packet| {
        let of = |ip: std::net::IpAddr| ip.to_string().starts_with("10.42.");
        (of(packet.source) && packet.destination == gateway)
            || (packet.source == gateway && of(packet.destination))
    });
    let frames: Vec<Vec<u8>> = inward.map(|packet| Link::Ethernet.frame(&packet, false).unwrap()).collect();
    let connections = 24;
    let watch = Watch::start(&lab.near, "-i ens4 port 443 -nnXX -vv -A");
    netns::send(&lab.far, frames);
    let records = |lines: &[crate::watch::Line]| {
        let texts = lines.iter().map(|line| line.text.clone());
        texts.filter(|text| !text.starts_with('\t') && !text.starts_with('─')).collect::<Vec<_>>()
    };
    crate::run::wait_for("all lines", || (records(&watch.lines()).len() >= connections).then_some(()));
    let end = watch.interrupt();
    assert_eq!(end.code, Some(0));
    let told = records(&end.stdout);
    assert_eq!(told.len(), connections, "{told:#?}");
    for (line, number) in told.iter().zip(0..) {
        let whole = ["currency", "shipping"].iter().any(|service| {
            line.contains(&format!(
                "  {service}.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul"
            ))
        });
        assert!(whole, "the full name, in line {number}: {line}");
    }
    let dumped = end.texts().iter().filter(|line| line.starts_with("\t0x0000:  ")).count();
    assert_eq!(dumped, connections, "the hello's bytes, and no other packet's");
    let err = end.stderr.join("\n");
    assert!(end.stderr[0].starts_with("sni-watch: ens4, link "), "{err}");
    assert!(!err.contains("consul"), "no record there: {err}");
}

/// `sni-watch -i ens4 --json | jq --unbuffered -r .sni`
#[test]
fn story_2_operator_jq() {
    if !has("jq") {
        return;
    }
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let copy = site.file("records");
    let script = r#"setpriv --pdeathsig KILL "$BIN" -i ens4 --json | tee "$COPY" | jq --unbuffered -r 'select(.sni).sni'"#;
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c", script]).env("BIN", BINARY).env("COPY", &copy);
    let watch = Watch::of(&site.lab.near, command, usize::MAX);
    watch.until_told("start", |told| !told.is_empty());
    let count = 100;
    for number in 0..count {
        site.connect("10.77.0.1:443", &format!("n{number}.example"), "");
        if number == 0 {
            // the first name is there while the watch goes on
            watch.until_lines(1);
        }
    }
    let lines = watch.until_lines(count);
    drop(watch);
    let records = fs::read_to_string(&copy).unwrap();
    let mut known: HashMap<String, SystemTime> = HashMap::new();
    for record in records.lines().map(json).filter(|record: &Value| record["sni"].is_string()) {
        // the hello, and its outcome
        let seconds =
            record["ts"].as_f64().unwrap() + record["handshake"]["latency_ms"].as_f64().unwrap() / 1e3;
        known.insert(
            record["sni"].as_str().unwrap().to_owned(),
            UNIX_EPOCH + Duration::from_secs_f64(seconds),
        );
    }
    let mut late: Vec<Duration> =
        lines.iter().map(|line| line.at.duration_since(known[&line.text]).unwrap_or_default()).collect();
    late.sort();
    assert_eq!(lines.len(), count);
    let p99 = late[count * 99 / 100 - 1];
    assert!(p99 < Duration::from_millis(200), "{late:?}");
}

#[test]
fn story_12_without_root() {
    let Some(lab) = Lab::new() else { return };
    let folder = std::env::temp_dir().join(format!("sni-watch-story-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let binary = folder.join("sni-watch");
    fs::copy(BINARY, &binary).unwrap();
    for path in [&folder, &binary] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let nobody = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&binary).args(words);
        Watch::run(&lab.near, command)
    };
    let end = nobody(&["-i", "ens4"]);
    let remedy = format!("sudo setcap cap_net_raw=ep {}", binary.display());
    assert_eq!((end.code, end.stdout.len()), (Some(1), 0));
    assert!(end.stderr.len() == 1 && end.stderr[0].contains(&remedy), "{:?}", end.stderr);
    // reading a file needs no privilege
    let capture = folder.join("a.pcap");
    fs::copy("fixtures/segments.pcap", &capture).unwrap();
    fs::set_permissions(&capture, fs::Permissions::from_mode(0o644)).unwrap();
    let end = nobody(&["-r", capture.to_str().unwrap(), "-q"]);
    assert_eq!(end.code, Some(0), "{:?}", end.stderr);
    assert!(!end.stdout.is_empty());
    fs::remove_dir_all(&folder).unwrap();
}

/// `ssh gw1 sudo tcpdump -U -w - port 443 | sni-watch -r - --node gw1`, without the ssh; and `-i any` beside it.
#[test]
fn story_12_in_kubernetes() {
    if !has("tcpdump") {
        return;
    }
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let script =
        r#"setpriv --pdeathsig KILL tcpdump -Z root -i ens4 -U -w - port 443 | "$BIN" -r - --node gw1 -j"#;
    let mut command = Command::new("bash");
    command.args(["-c", script]).env("BIN", BINARY).stderr(Stdio::null());
    let piped = Watch::of(&site.lab.near, command, usize::MAX);
    piped.until_told("tcpdump", |told| told.iter().any(|line| line.text.contains("listening on ens4")));
    let any = Watch::start(&site.lab.near, "-i any -j");
    site.connect("10.77.0.1:443", "pod.example", "");
    // at once, while the pipe stays open
    let record = json(&piped.until_lines(1)[0].text);
    assert_eq!((&record["sni"], &record["observer"]["hostname"]), (&"pod.example".into(), &"gw1".into()));
    let seen = any.until_lines(1);
    thread::sleep(Duration::from_millis(200));
    assert_eq!((seen.len(), any.lines().len()), (1, 1), "each connection once");
    assert_eq!(json(&seen[0].text)["sni"], "pod.example");
    drop(any.interrupt());
    // tcpdump ends with its shell, and the program with tcpdump
    drop(piped);
}
