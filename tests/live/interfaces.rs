//! Which frames are seen: several interfaces, all of them, tags, one direction, cut ones.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::netns::{Lab, Namespace, inside, join, run, send};
use crate::support::link::Link;
use crate::support::scenario::Scenario;
use crate::traffic::{Site, client};
use crate::watch::{Watch, records, result};

fn seen_on(record: &Value) -> (&str, &str) {
    let interface = &record["observer"]["ingress"]["interface"]["name"];
    (record["sni"].as_str().unwrap(), interface.as_str().unwrap())
}

#[test]
fn several_interfaces_are_watched_at_once() {
    let Some(site) = Site::new() else { return };
    let Lab { near, far } = &site.lab;
    join((near, "ens5", "10.78.0.1"), (far, "ens5", "10.78.0.2"));
    let _server = site.serve(443, "");
    let watch = Watch::start(near, "-i ens4 -i ens5 -i lo port 443 -j");
    site.connect("10.77.0.1:443", "four.example", "");
    watch.until_lines(1);
    site.connect("10.78.0.1:443", "five.example", "");
    watch.until_lines(2);
    client(near, "127.0.0.1:443", "loopback.example", "").without_input().wait();
    watch.until_lines(3);
    let end = watch.interrupt();
    let found = end.records();
    let told: Vec<_> = found.iter().map(seen_on).collect();
    assert_eq!(told, [("four.example", "ens4"), ("five.example", "ens5"), ("loopback.example", "lo")]);
    assert!(found.iter().all(|record| result(record) == "ok"));
    assert_eq!((end.code, end.counted("connections")), (Some(0), 3));
}

/// A router: each packet passes two of its interfaces.
#[test]
fn all_interfaces_together_show_a_forwarded_connection_once() {
    let Some(site) = Site::new() else { return };
    let Some(inner) = Namespace::new() else { return };
    let Lab { near, far } = &site.lab;
    join((near, "ens5", "10.78.0.1"), (&inner, "ens5", "10.78.0.2"));
    run(&format!("-n {far} route add 10.78.0.0/24 via 10.77.0.1"));
    run(&format!("-n {inner} route add 10.77.0.0/24 via 10.78.0.1"));
    inside(near, || fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap()).join().unwrap();
    let _server = site.serve_in(&inner, 443, "");
    let any = Watch::start(near, "-i any port 443 -j");
    let one = Watch::start(near, "-i ens4 port 443 -j");
    for name in ["first.example", "second.example"] {
        site.connect("10.78.0.2:443", name, "");
    }
    any.until_lines(2);
    one.until_lines(2);
    // The last words of the connections pass after their records.
    std::thread::sleep(Duration::from_millis(200));
    let (any, one) = (any.interrupt(), one.interrupt());
    let found = any.records();
    let told: Vec<_> = found.iter().map(seen_on).collect();
    assert_eq!(told, [("first.example", "any"), ("second.example", "any")]);
    for record in &found {
        assert_eq!(result(record), "ok");
        assert_eq!(record["handshake"]["retransmits"], 0);
    }
    assert_eq!((any.counted("connections"), any.counted("legs")), (2, 2));
    let captured = |end: &crate::watch::End| {
        let line = end.stderr.iter().find(|line| line.ends_with("packets captured")).unwrap();
        line.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(captured(&any), 2 * captured(&one));
}

#[test]
fn the_loopback_shows_each_connection_once() {
    let Some(site) = Site::new() else { return };
    let near = &site.lab.near;
    let _server = site.serve(443, "");
    for interface in ["lo", "any"] {
        let watch = Watch::start(near, &format!("-i {interface} port 443 -j"));
        client(near, "127.0.0.1:443", "loopback.example", "").without_input().wait();
        watch.until_lines(1);
        let end = watch.interrupt();
        let found = end.records();
        assert_eq!(found.len(), 1, "{interface}");
        assert_eq!((result(&found[0]), found[0]["handshake"]["retransmits"].as_u64()), ("ok", Some(0)));
        assert_eq!(end.counted("connection"), 1);
    }
}

/// The frames of one connection, as a scenario's `frame` shapes them.
fn frames(name: &str, port: u16, frame: &str) -> Vec<Vec<u8>> {
    let text = format!(
        "start = 2026-01-01T00:00:00Z\n[[connection]]\nclient = '10.9.0.1:{port}'\n\
         server = '10.9.0.2:443'\nhello = {{ sni = ['{name}'] }}\nframe = {{ {frame} }}\n"
    );
    let packets = Scenario::parse(&text).packets();
    packets.iter().map(|packet| Link::Ethernet.frame(packet, false).unwrap()).collect()
}

#[test]
fn the_plain_filter_sees_the_names_in_a_vlan_and_nothing_of_other_ports() {
    let Some(site) = Site::new() else { return };
    let Lab { near, far } = &site.lab;
    let watch = Watch::start(near, "-i ens4 port 443 -j");
    send(far, frames("plain.example", 40_001, ""));
    // The kernel takes the tag out of a received frame, and libpcap puts it back; a sent one keeps it.
    send(far, frames("received.example", 40_002, "vlan = [7]"));
    send(near, frames("sent.example", 40_003, "vlan = [8]"));
    let found = records(&watch.until_lines(3));
    let told: Vec<_> = found
        .iter()
        .map(|record| {
            (record["sni"].as_str().unwrap(), record["network"]["vlan"]["id"].as_u64(), result(record))
        })
        .collect();
    let expected =
        [("plain.example", None, "ok"), ("received.example", Some(7), "ok"), ("sent.example", Some(8), "ok")];
    assert_eq!(told, expected);
    assert_eq!(watch.interrupt().records().len(), 3);
}

#[test]
fn of_one_direction_the_answer_is_not_seen() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 -Q in port 443 -j --handshake-timeout 500ms");
    site.connect("10.77.0.1:443", "inbound.example", "");
    watch.until_lines(1);
    let found = watch.interrupt().records();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0]["sni"].as_str(), result(&found[0])), (Some("inbound.example"), "not_seen"));
}

#[test]
fn a_cut_hello_is_told_as_incomplete_and_truncated() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let watch = Watch::start(&site.lab.near, "-i ens4 -s 96 port 443 -j --handshake-timeout 500ms");
    site.connect("10.77.0.1:443", "cut.example", "");
    watch.until_lines(1);
    let end = watch.interrupt();
    let found = end.records();
    assert_eq!(found.len(), 1);
    assert_eq!(result(&found[0]), "incomplete_hello");
    assert_eq!(found[0]["capture"]["truncated"], true);
    assert!(found[0].get("sni").is_none(), "{}", found[0]);
    assert_eq!(end.counted("incomplete"), 1);
}

#[test]
fn the_interface_is_promiscuous_unless_asked_not_to() {
    let Some(site) = Site::new() else { return };
    let _server = site.serve(443, "");
    let near = &site.lab.near;
    for (option, expected) in [("", "promiscuity 1"), ("-p", "promiscuity 0")] {
        let watch = Watch::start(near, &format!("-i ens4 {option} port 443"));
        let shown = Command::new("ip").args(["-n", near, "-d", "link", "show", "ens4"]).output().unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains(expected), "{shown}");
        site.connect("10.77.0.1:443", "seen.example", "");
        watch.until_lines(1);
        assert_eq!(watch.interrupt().stdout.len(), 1);
    }
}

#[test]
fn connections_over_ipv6_are_seen_too() {
    let Some(site) = Site::new() else { return };
    let Lab { near, far } = &site.lab;
    for (namespace, last) in [(near, 1), (far, 2)] {
        run(&format!("-n {namespace} address add fd77::{last}/64 dev ens4 nodad"));
    }
    let _server = site.serve(443, "");
    let watch = Watch::start(near, "-i ens4 port 443");
    site.connect("[fd77::1]:443", "six.example", "");
    let line = watch.until_lines(1).remove(0).text;
    assert!(line.contains("  [fd77::2]:") && line.contains(" > [fd77::1]:443   six.example   ok "), "{line}");
    assert_eq!(watch.interrupt().stdout.len(), 1);
}
