//! The SRE, whose watch never ends (story 11): bounded memory, and files that are moved away.
//!
//! The counters for Prometheus belong to a part of the program that is not there yet.

use std::fs;
use std::net::SocketAddr;

use nix::sys::signal::Signal;

use crate::run::{Folder, PATIENCE, Running, command, wait_for, words};
use crate::support::connection::{Answer, Close, Connection};
use crate::support::hello::{Hello, Version};
use crate::support::packet::Packet;
use crate::support::scenario::{self, Capture};

/// A parcel of connections, ports counted on from `first`, each to a service of its own number of 5,000.
fn parcel(first: u32, count: u32) -> Vec<Packet> {
    let start = 1_772_620_200_000_000_000 + u64::from(first) * 1_000_000;
    let connection = |number: u32| {
        let client = [10, 42, (number / 40_000 % 250) as u8 + 1, (number % 200) as u8 + 1];
        let port = 1024 + (number % 60_000) as u16;
        let name =
            format!("s{}.default.dc2.internal.c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul", number % 5000);
        Connection {
            at: f64::from(number - first) / 1000.0,
            client: SocketAddr::from((client, port)),
            server: ([10, 128, 0, 10], 443).into(),
            hello: Some(Hello::named(&format!("n{number}"), Version::Tls12, &name)),
            answer: Answer::Resumed,
            close: Close::Fin,
            ..Connection::default()
        }
    };
    let all: Vec<Connection> = (first..first + count).map(connection).collect();
    scenario::packets(&all, start)
}

/// Resident memory of a process in KiB: now, and at most.
fn memory(id: u32) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (of("VmRSS:"), of("VmHWM:"))
}

#[test]
fn story_11_sre_always_on() {
    const PARCEL: u32 = 5000;
    const PARCELS: u32 = 24;
    let folder = Folder::new();
    let (log, old) = (folder.path("sni.jsonl"), folder.path("sni.old"));
    let line = format!("-r - -o none -o json:{log} --emit handshake,failover");
    let mut piped = command(&words(&line));
    piped.stdin(std::process::Stdio::piped());
    let mut running = Running::start(piped);
    let id = running.id();
    // the connections never open again: what is kept of them must not grow
    let mut after_some = 0;
    for number in 0..PARCELS {
        let file = Capture { nanoseconds: true, ..Capture::default() }.file(&parcel(number * PARCEL, PARCEL));
        running.feed(if number == 0 { &file } else { &file[24..] });
        if number == PARCELS / 3 {
            after_some = memory(id).1;
        }
        if number == PARCELS / 2 {
            // the file is moved away, as logrotate does, and opened anew
            fs::rename(&log, &old).unwrap();
            running.signal(Signal::SIGHUP);
            wait_for("a new file", || fs::metadata(&log).is_ok().then_some(()));
        }
    }
    let all = PARCEL * PARCELS;
    let (_, most) = memory(id);
    let done = running.ends_within(PATIENCE, Signal::SIGINT);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains(" packets captured\n"), "{}", done.err);
    let lines = |path: &str| fs::read_to_string(path).unwrap().lines().count();
    let told = lines(&old) + lines(&log);
    // what is still in the pipe when the signal comes is not told
    assert!(told > all as usize / 2 && lines(&old) > 0 && lines(&log) > 0, "{told} of {all}");
    assert!(most < 200_000, "{most} KiB at most");
    assert!(
        most < after_some + after_some / 4 + 8192,
        "{after_some} KiB after a third, {most} KiB at the end"
    );
}
