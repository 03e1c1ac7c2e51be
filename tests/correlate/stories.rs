//! The stories that `correlate` and the legs of a gateway are for, by their names.

use crate::run::sni_watch;
use crate::{DC1, DC2, paths, shape};

/// Story 3, the operator during a failover: one gateway shows the leg out under the leg in, with the time between; the
/// summary counts connections and shows legs apart.
#[test]
fn story_3_operator_during_failover_sees_both_legs_and_counts_connections() {
    let capture = "-r fixtures/failover.pcap --service currency --dc dc2";
    let out = sni_watch(capture).good();
    let (banners, lines): (Vec<&str>, Vec<&str>) = out.lines().partition(|line| line.starts_with("── "));
    assert_eq!(banners.len(), 1, "once, not for each connection: {banners:?}");
    let first =
        lines.iter().position(|line| line.starts_with("10:31:07.402118  10.42.0.17:41022 > ")).unwrap();
    let under = lines[first + 1];
    assert!(under.starts_with("10:31:07.402655      └ out to 10.132.0.20:443 "), "{under}");
    assert!(under.ends_with("…, +0.54 ms in gateway"), "{under}");
    // 39 go on, each right under its leg in; one is reset and one is never answered, and these went nowhere
    let legs_out: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains("└ out to ")).collect();
    assert_eq!((legs_out.len(), lines.len()), (39, 41 + 39));
    assert!(legs_out.iter().all(|at| lines[at - 1].contains(" > 10.128.0.10:443 ")));
    let table = sni_watch(&format!("summary {capture} -v")).printed();
    assert_eq!(table.lines().nth(1).unwrap().split_whitespace().nth(2), Some("41"));
    let done = sni_watch(&format!("summary {capture} -v"));
    assert!(done.err.starts_with("41 connections (80 legs), "), "{}", done.err);
}

/// The two terminals, afterwards on either laptop: the clocks first, then each connection's way and where it died.
#[test]
fn the_two_terminals_correlate() {
    let out = sni_watch(&format!("correlate dc1={DC1} dc2={DC2}")).good();
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("clock offset dc2−dc1: +0.31 ms ± "), "{out}");
    assert!(lines[0].contains(" (41 shared hellos"), "{out}");
    let columns: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(columns, ["HELLO", "PATH", "LEGS", "MS", "RESULT"]);
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[1..].join(" ")
    };
    assert_eq!(
        row(lines[2]),
        "10.42.0.17 → gw dc1 → gw dc2 → 10.132.0.31:21000 (payments→currency) 3 1.21 ok"
    );
    let died = lines.iter().find(|line| line.contains("gw dc1 ✗")).unwrap();
    assert_eq!(row(died), "10.42.0.17 → gw dc1 ✗ (currency) 1 0.60 reset by gw dc1, never left dc1");
}

#[test]
fn the_way_of_a_connection_as_a_record() {
    let (paths, err, code) = paths(&format!("dc1={DC1} dc2={DC2}"));
    assert_eq!((err.as_str(), code), ("", Some(0)));
    let first = &paths[0];
    assert_eq!(first["path"]["nodes"], serde_json::json!(["dc1", "dc2"]));
    assert_eq!(first["path"]["gateway_ms"], serde_json::json!([0.537, 0.476]));
    assert_eq!(first["path"]["complete"], true);
    let ts: Vec<f64> =
        first["path"]["legs"].as_array().unwrap().iter().map(|leg| leg["ts"].as_f64().unwrap()).collect();
    let start = 1_772_620_260.0;
    for (ts, due) in ts.iter().zip([7.402_118, 7.402_655, 7.403_165, 7.403_641]) {
        assert!((ts - start - due).abs() < 1e-6, "{ts}: each by its own clock");
    }
    let died =
        paths.iter().find(|path| path["event"]["reason"] == "reset by gw dc1, never left dc1").unwrap();
    assert_eq!(died["path"]["ended_at"], serde_json::json!({"node": "dc1", "leg": "only"}));
    assert_eq!(
        (died["path"]["complete"].as_bool(), died["event"]["outcome"].as_str()),
        (Some(true), Some("failure"))
    );
}

/// What must not be joined: names that are alike, sessions that are resumed, a proxy that ends TLS.
#[test]
fn only_the_same_hello_is_the_same_connection() {
    let (paths, ..) = paths(&format!("dc1={DC1} dc2={DC2}"));
    let of = |service: &str| {
        let paths = paths.iter().map(shape).filter(|(of, ..)| of == service);
        paths.map(|(_, steps, _)| steps).collect::<Vec<_>>()
    };
    let whole = "dc1 in, dc1 out, dc2 in, dc2 out";
    let currency = of("currency");
    assert_eq!(currency.iter().filter(|steps| *steps == whole).count(), 35 + 2, "34 of them resumed");
    let ends = ["dc1 in, dc1 out, dc2 only", "dc2 only"];
    assert_eq!(of("billing"), [ends, ends, ends].concat(), "the proxy's own hello is another one");
    assert_eq!(of("search"), [whole, whole], "a second hello belongs to the first");
    let reasons: Vec<&str> = paths
        .iter()
        .filter(|path| path["mesh"]["service"] == "billing")
        .map(|path| path["event"]["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons[..2], ["ok, path ends here", "ok, path begins at gw dc2"]);
}

#[test]
fn missing_legs_are_marked_and_never_made_up() {
    let (paths, ..) = paths(&format!("dc1={DC1} dc2={DC2}"));
    let incomplete: Vec<(String, &str)> = paths
        .iter()
        .filter(|path| path["path"]["complete"] == false)
        .map(|path| (shape(path).1, path["event"]["reason"].as_str().unwrap()))
        .collect();
    let expected = [("dc1 in, dc1 out", "ok; not seen at dc2"), ("dc2 in, dc2 out", "ok; not seen at dc1")];
    assert_eq!(incomplete, expected.map(|(steps, reason)| (steps.to_owned(), reason)));
}
