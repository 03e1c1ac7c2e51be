//! Traffic of a mesh as its gateways see it, and what the program tells of it.
#![allow(dead_code, reason = "each test uses some of these")]

use std::net::SocketAddr;

use serde_json::Value;

use crate::run::fed;
use crate::support::connection::{Answer, Close, Connection, Leg, Open, Repeat};
use crate::support::hello::{Hello, Version};
use crate::support::scenario::{self, Capture};

/// 2026-03-04T10:30:00Z in nanoseconds since 1970.
pub const START: u64 = 1_772_620_200_000_000_000;
/// The same in seconds.
pub const START_SECONDS: f64 = 1_772_620_200.0;
pub const TD: &str = "1c053652-8512-4373-90cf-5a7f6263a994.consul";
pub const GATEWAY: &str = "10.128.0.10:443";
pub const POD: &str = "10.42.0.31:20000";
pub const P17: &str = "10.42.0.17";
pub const P23: &str = "10.42.0.23";

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// `count` connections from `at` on, one every `every` seconds, to `service` in `dc`.
pub fn calls(
    service: &str,
    dc: &str,
    (at, every, count): (f64, f64, u16),
    client: &str,
    server: &str,
) -> Connection {
    let port = 20_000 + (at * 10.0) as u16 % 20_000;
    let name = format!("{service}.default.{dc}.internal.{TD}");
    let label = format!("{service} {dc} {at} {client} {server}");
    Connection {
        at,
        client: SocketAddr::new(client.parse().unwrap(), port),
        server: address(server),
        hello: Some(Hello::named(&label, Version::Tls12, &name)),
        answer: Answer::Resumed,
        latency_ms: 8.0,
        data: Some([300, 900]),
        close: Close::Fin,
        repeat: Some(Repeat { count, every, clients: Vec::new() }),
        ..Connection::default()
    }
}

/// The same through this place's gateway: both legs are seen.
pub fn through(service: &str, dc: &str, times: (f64, f64, u16), client: &str) -> Connection {
    let port = 40_000 + (times.0 * 10.0) as u16 % 20_000;
    let out = SocketAddr::new("10.128.0.10".parse().unwrap(), port);
    let leg = Leg::new(out, address("10.132.0.20:443"), 0.5);
    Connection { out: Some(leg), ..calls(service, dc, times, client, GATEWAY) }
}

/// The same straight to the pod.
pub fn direct(times: (f64, f64, u16), client: &str) -> Connection {
    calls("currency", "dc1", times, client, POD)
}

/// Connections that come to no hello.
pub fn vain(open: Open, times: (f64, f64, u16), client: &str, server: &str) -> Connection {
    let it = calls("none", "dc1", times, client, server);
    Connection { open, hello: None, syns: if open == Open::Unanswered { 3 } else { 1 }, ..it }
}

/// Consul's check of its gateway, every 10 s.
pub fn checks(count: u16) -> Connection {
    let it = calls("none", "dc1", (0.0, 10.0, count), "10.128.0.5", GATEWAY);
    Connection { hello: None, plain: Some("check".to_owned()), ..it }
}

pub fn capture(connections: &[Connection]) -> Vec<u8> {
    Capture::default().file(&scenario::packets(connections, START))
}

/// The failover records of the program.
pub fn records(connections: &[Connection], options: &str) -> Vec<Value> {
    let done = fed(&format!("-r - -j --emit failover {options}"), &capture(connections));
    let records = done.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["event"]["action"] == "failover").collect()
}

/// `currency first_sight - dc2 20.000`: service, rule, from, to, seconds.
pub fn shown(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let it = &record["failover"];
    let seconds = record["ts"].as_f64().unwrap() - START_SECONDS;
    let service = text(&record["mesh"]["service"]);
    format!("{service} {} {} {} {seconds:.3}", text(&it["rule"]), text(&it["from"]), text(&it["to"]))
}

/// The events with and without the place's datacenter; both must be the same.
#[track_caller]
pub fn told(connections: &[Connection], expected: &[&str]) {
    for options in ["", "--local-dc dc1"] {
        let shown: Vec<String> = records(connections, options).iter().map(shown).collect();
        assert_eq!(shown, expected, "{options}");
    }
}
