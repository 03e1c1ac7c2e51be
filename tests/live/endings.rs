//! How a watch begins and ends: signals, limits, closed outputs, interfaces that go, and what it cannot do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::netns::{Lab, join, run};
use crate::traffic::{Site, client};
use crate::watch::{BINARY, End, PATIENCE, Watch, json};

const NEAR_443: &str = "10.77.0.1:443";

/// tcpdump's three lines and the one about connections, behind the line that told the filter.
fn closes(end: &End, interface: &str, packets: u64, connections: &str) {
    assert_eq!(end.stderr.len(), 5, "{:?}", end.stderr);
    assert!(end.stderr[0].starts_with(&format!("sni-watch: {interface}, link ")), "{:?}", end.stderr);
    let many = if packets == 1 { "packet" } else { "packets" };
    assert_eq!(end.stderr[1], format!("{packets} {many} captured"));
    assert_eq!(end.stderr[2], format!("{packets} {many} received by filter"));
    assert_eq!(end.stderr[3], "0 packets dropped by kernel");
    assert_eq!(end.stderr[4], connections);
}

#[test]
fn a_signal_ends_an_idle_watch_soon() {
    let Some(site) = Site::new() else { return };
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        for (option, lines) in [("", 0), ("-j", 1)] {
            let watch = Watch::start(&site.lab.near, &format!("-i ens4 port 443 {option}"));
            thread::sleep(Duration::from_millis(120));
            watch.signal(signal);
            let end = watch.end();
            assert_eq!(end.code, Some(0));
            assert!(end.took < Duration::from_secs(1), "{:?}", end.took);
            closes(&end, "ens4", 0, "0 connections (0 legs), 0 hellos with SNI, 0 without, 0 incomplete");
            assert_eq!(end.stdout.len(), lines);
            if let [line] = end.texts()[..] {
                let last = json(line);
                assert_eq!(last["event"]["action"], "capture_stats");
                assert_eq!((&last["capture"]["packets"], &last["flows"]["total"]), (&0.into(), &0.into()));
                // Idle or not, it has the time of its writing.
                let at = end.stdout[0].at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
                assert!((at - last["ts"].as_f64().unwrap()).abs() < 2.0, "{line}");
            }
        }
    }
}

#[test]
fn counts_are_told_on_request_and_the_watch_goes_on() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443");
    site.connect(NEAR_443, "before.example", "");
    watch.until_lines(1);
    watch.signal(Signal::SIGUSR1);
    watch.until_told("the counts", |told| told.len() > 1);
    site.connect(NEAR_443, "after.example", "");
    watch.until_lines(2);
    let end = watch.interrupt();
    assert_eq!((end.code, end.stderr.len()), (Some(0), 6), "{:?}", end.stderr);
    let counts = &end.stderr[1];
    for words in [" packets captured, ", " received by filter, ", "0 packets dropped by kernel, 1 connection"]
    {
        assert!(counts.contains(words), "{counts}");
    }
    assert!(end.stderr[5].starts_with("2 connections (2 legs), 2 hellos with SNI"), "{:?}", end.stderr);
}

#[test]
fn so_many_records_end_a_watch() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443 -c 2");
    for name in ["one.example", "two.example", "three.example"] {
        site.connect(NEAR_443, name, "");
    }
    let end = watch.end();
    assert_eq!((end.code, end.stdout.len()), (Some(0), 2), "{:?}", end.stdout);
    assert!(end.stdout[0].text.contains("one.example") && end.stdout[1].text.contains("two.example"));
    assert!(end.stderr.iter().any(|line| line.ends_with("captured")), "{:?}", end.stderr);
}

#[test]
fn a_duration_ends_a_watch_idle_or_not() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    for names in [&[][..], &["seen.example"]] {
        let watch = Watch::start(&site.lab.near, "-i ens4 port 443 --duration 1s");
        for name in names {
            site.connect(NEAR_443, name, "");
        }
        let end = watch.end();
        assert_eq!((end.code, end.stdout.len()), (Some(0), names.len()));
        assert!(end.took > Duration::from_millis(500) && end.took < Duration::from_secs(3), "{:?}", end.took);
    }
}

#[test]
fn a_closed_output_ends_a_watch_in_silence() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    for option in ["", "-j"] {
        let watch = Watch::head(&site.lab.near, &format!("-i ens4 port 443 {option}"), 1);
        site.connect(NEAR_443, "first.example", "");
        watch.until_lines(1);
        thread::sleep(Duration::from_millis(50));
        site.connect(NEAR_443, "second.example", "");
        let end = watch.end();
        assert_eq!((end.code, end.stdout.len()), (Some(0), 1));
        let told = end.stderr.join("\n").to_lowercase();
        assert!(!["pipe", "panic", "error"].iter().any(|word| told.contains(word)), "{told}");
    }
}

#[test]
fn an_interface_that_vanishes_is_named_after_all_that_it_showed() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443");
    site.connect(NEAR_443, "last-words.example", "");
    run(&format!("-n {} link delete ens4", site.lab.near));
    let end = watch.end();
    assert_eq!((end.code, end.stdout.len()), (Some(1), 1), "{:?}", end.stdout);
    assert!(end.stdout[0].text.contains("last-words.example"));
    assert_eq!(end.stderr[1], "sni-watch: ens4: The interface disappeared", "{:?}", end.stderr);
    assert!(end.stderr[5].starts_with("1 connection (1 leg), 1 hello with SNI"), "{:?}", end.stderr);
}

#[test]
fn of_two_interfaces_one_may_vanish() {
    let Some(site) = Site::new() else { return };
    let Lab { near, far } = &site.lab;
    join((near, "ens5", "10.78.0.1"), (far, "ens5", "10.78.0.2"));
    let _server = site.serve(443, "");
    let watch = Watch::start(near, "-i ens4 -i ens5 port 443");
    run(&format!("-n {near} link delete ens4"));
    watch.until_told("that ens4 is gone", |told| told.iter().any(|line| line.text.contains("disappeared")));
    site.connect("10.78.0.1:443", "still-here.example", "");
    watch.until_lines(1);
    let end = watch.interrupt();
    assert_eq!((end.code, end.stdout.len()), (Some(1), 1));
    assert!(end.stderr.contains(&"sni-watch: ens4: The interface disappeared".to_owned()));
}

#[test]
fn nobody_is_told_the_command_that_gives_the_permission() {
    let Some(site) = Site::new() else { return };
    // A place that anybody can reach, and a name that a shell would split.
    let folder = std::env::temp_dir().join(format!("sni watch {}", site.lab.near.replace('-', " ")));
    fs::create_dir(&folder).unwrap();
    let binary = folder.join("sni-watch");
    fs::copy(BINARY, &binary).unwrap();
    for path in [&folder, &binary] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&binary)
        .args(["-i", "ens4"]);
    let end = Watch::run(&site.lab.near, command);
    fs::remove_dir_all(&folder).unwrap();
    let path = binary.display();
    let remedy = format!("sudo setcap cap_net_raw=ep '{path}'");
    let told = format!("sni-watch: ens4: no permission to capture: {remedy} (or run it as root)");
    assert_eq!((end.code, end.stderr), (Some(1), vec![told]));
}

#[test]
fn what_cannot_be_watched_says_why() {
    let Some(site) = Site::new() else { return };
    let near = &site.lab.near;
    run(&format!("-n {near} link add asleep type veth peer name other"));
    let cases = [
        ("-i ens4 prot 443", 2, "sni-watch: filter 'prot 443': "),
        ("-i ens4 tcp) or (udp", 2, "sni-watch: filter 'tcp) or (udp': "),
        ("-i ens9 port 443", 1, "sni-watch: ens9: no such interface; there are: "),
        ("-i asleep port 443", 1, "sni-watch: asleep: the interface is down: sudo ip link set asleep up"),
        ("port 443", 2, "sni-watch: no input: -i INTERFACE or -r FILE; interfaces here: "),
    ];
    for (words, code, told) in cases {
        let mut command = Command::new(BINARY);
        command.args(words.split(' '));
        let end = Watch::run(near, command);
        assert_eq!((end.code, end.stdout.len()), (Some(code), 0), "{words}");
        assert_eq!(end.stderr.len(), 1, "{:?}", end.stderr);
        assert!(end.stderr[0].starts_with(told), "{:?}", end.stderr);
    }
}

#[test]
fn a_connection_from_before_the_watch_is_counted_and_no_error() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let mut early = client(&site.lab.far, NEAR_443, "early.example", "-ign_eof");
    // Nothing tells when a client without a word has shaken hands.
    thread::sleep(Duration::from_millis(500));
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443");
    early.say("GET / HTTP/1.0\r\n\r\n");
    early.wait();
    site.connect(NEAR_443, "late.example", "");
    watch.until_lines(1);
    let end = watch.interrupt();
    assert_eq!((end.code, end.stdout.len(), end.stderr.len()), (Some(0), 1, 5), "{end:?}");
    assert!(end.stdout[0].text.contains("late.example"));
    assert_eq!(end.counted("open before the watch began"), 1);
    assert_eq!(end.counted("incomplete"), 0);
}

#[test]
fn an_output_that_was_moved_away_is_opened_anew_on_sighup() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let (file, old) = (site.file("records"), site.file("records.old"));
    // No filter: that of the TLS ports.
    let watch = Watch::start(&site.lab.near, &format!("-i ens4 -o line -o json:{}", file.display()));
    site.connect(NEAR_443, "old.example", "");
    watch.until_lines(1);
    fs::rename(&file, &old).unwrap();
    watch.signal(Signal::SIGHUP);
    let start = Instant::now();
    while !file.exists() {
        assert!(start.elapsed() < PATIENCE, "the output is not opened anew");
        thread::sleep(Duration::from_millis(5));
    }
    site.connect(NEAR_443, "new.example", "");
    watch.until_lines(2);
    assert_eq!(watch.interrupt().code, Some(0));
    let names = |path| {
        let text = fs::read_to_string(path).unwrap();
        let all = text.lines().map(|line| json(line)["sni"].as_str().map(str::to_owned));
        all.collect::<Vec<_>>()
    };
    assert_eq!(names(old), [Some("old.example".to_owned())]);
    // The last one is the capture_stats record.
    assert_eq!(names(file), [Some("new.example".to_owned()), None]);
}

#[test]
fn a_watch_goes_on_as_another_user() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 -Z nobody port 443");
    site.connect(NEAR_443, "unprivileged.example", "");
    watch.until_lines(1);
    let status = fs::read_to_string(format!("/proc/{}/status", watch.id())).unwrap();
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!of("Uid:").contains(&"0".to_owned()) && !of("Gid:").contains(&"0".to_owned()), "{status}");
    assert_eq!(of("CapEff:"), ["0000000000000000"]);
    assert_eq!(watch.interrupt().code, Some(0));
}
