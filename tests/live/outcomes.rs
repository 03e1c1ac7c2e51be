//! How handshakes end, and who ended them.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::netns::{NEAR, run};
use crate::traffic::{Rudeness, Site, client, rude, try_in_vain};
use crate::watch::{Watch, json, result};

/// Result, by whom, alert, connection attempts.
type Ending<'v> = (&'v str, Option<&'v str>, Option<&'v str>, Option<u64>);

fn ending(record: &Value) -> Ending<'_> {
    let handshake = &record["handshake"];
    let alert = handshake["alert"]["description"].as_str();
    (result(record), handshake["by"].as_str(), alert, handshake["attempts"].as_u64())
}

/// One connection, or several attempts, of each kind; ports tell them apart.
fn fail_in_every_way(site: &Site) {
    let (near, far) = (&site.lab.near, &site.lab.far);
    let reset = rude(near, (NEAR, 443), Rudeness::Reset);
    let close = rude(near, (NEAR, 446), Rudeness::Close);
    site.connect("10.77.0.1:443", "reset.example", "");
    site.connect("10.77.0.1:446", "close.example", "");
    reset.join().unwrap();
    close.join().unwrap();

    let _picky = site.serve(448, "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384");
    site.connect("10.77.0.1:448", "cipher.example", "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256");
    let _server = site.serve(447, "-tls1_2");
    site.connect("10.77.0.1:447", "unknown-ca.example", "-verify_return_error");

    try_in_vain(far, "10.77.0.1:445", 3, Duration::from_secs(2));
    // Nobody has this address, but the client need not ask for it: its SYNs go out into silence.
    run(&format!("-n {far} neighbor add 10.77.0.9 lladdr 02:00:00:00:00:09 dev ens4 nud permanent"));
    try_in_vain(far, "10.77.0.9:449", 2, Duration::from_millis(100));
}

#[test]
fn reset_silence_refusal_closing_and_alerts_are_told_apart() {
    let Some(site) = Site::new() else { return };
    let file = site.file("records");
    let output = format!("-o line -o json:{}", file.display());
    let options = "-i ens4 tcp portrange 443-449 --handshake-timeout 1s --interval 1s";
    let watch = Watch::start(&site.lab.near, &format!("{options} {output}"));
    let silent = rude(&site.lab.near, (NEAR, 444), Rudeness::Silence);
    let waiting = client(&site.lab.far, "10.77.0.1:444", "silence.example", "");
    fail_in_every_way(&site);
    watch.until_lines(7);
    drop(waiting);
    silent.join().unwrap();
    let end = watch.interrupt();

    let text = std::fs::read_to_string(file).unwrap();
    let mut records: Vec<Value> = text.lines().map(json).collect();
    assert_eq!(records.pop().unwrap()["event"]["action"], "capture_stats");
    records.sort_by_key(|record| record["destination"]["port"].as_u64());
    let told: Vec<_> = records.iter().map(|record| (record["sni"].as_str(), ending(record))).collect();
    assert_eq!(
        told,
        [
            (Some("reset.example"), ("reset", Some("server"), None, None)),
            (Some("silence.example"), ("timeout", None, None, None)),
            (None, ("refused", Some("server"), None, Some(3))),
            (Some("close.example"), ("closed", Some("server"), None, None)),
            (Some("unknown-ca.example"), ("alert", Some("client"), Some("unknown_ca"), None)),
            (Some("cipher.example"), ("alert", Some("server"), Some("handshake_failure"), None)),
            (None, ("timeout", None, None, Some(2))),
        ]
    );
    for record in &records {
        let latency = record["handshake"]["latency_ms"].as_f64();
        assert_eq!(latency.is_none(), result(record) == "timeout", "{record}");
        assert!(latency.is_none_or(|latency| latency < 1000.0), "{record}");
    }
    in_words(&end.texts());
    assert_eq!(end.code, Some(0));
    assert_eq!(end.counted("connections"), 10, "{:?}", end.stderr);
    assert_eq!(end.counted("refused or never answered"), 5, "{:?}", end.stderr);
}

fn in_words(lines: &[&str]) {
    assert_eq!(lines.len(), 7, "{lines:#?}");
    for (name, result, ending) in [
        ("reset.example", "RESET    by server ", " ms after hello"),
        ("silence.example", "TIMEOUT  no answer in 1", " s"),
        ("close.example", "CLOSED   by server ", " ms after hello"),
        ("unknown-ca.example", "ALERT    unknown_ca by client ", " ms after hello"),
        ("cipher.example", "ALERT    handshake_failure by server ", " ms after hello"),
        ("10.77.0.2 > 10.77.0.1:445   (no hello)", "REFUSED  by server", ", 3 attempts"),
        ("10.77.0.2 > 10.77.0.9:449   (no hello)", "TIMEOUT  no answer", ", 2 attempts"),
    ] {
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let of: Vec<_> = lines.iter().filter(|line| squeezed(line).contains(&squeezed(name))).collect();
        assert_eq!(of.len(), 1, "{name}: {lines:#?}");
        assert!(of[0].contains(result) && of[0].ends_with(ending), "{}", of[0]);
    }
}

#[test]
fn silence_is_told_when_the_time_is_over_though_nothing_arrives() {
    let Some(site) = Site::new() else { return };
    let watch = Watch::start(&site.lab.near, "-i ens4 port 443 -j --handshake-timeout 500ms");
    let silent = rude(&site.lab.near, (NEAR, 443), Rudeness::Silence);
    let waiting = client(&site.lab.far, "10.77.0.1:443", "silence.example", "");
    let line = watch.until_lines(1).remove(0);
    let record = json(&line.text);
    assert_eq!(ending(&record), ("timeout", None, None, None));
    let begun = Duration::from_secs_f64(record["ts"].as_f64().unwrap());
    let waited = line.at.duration_since(UNIX_EPOCH).unwrap().saturating_sub(begun);
    assert!((500..1500).contains(&waited.as_millis()), "{waited:?}");
    drop(waiting);
    silent.join().unwrap();
    assert_eq!(watch.interrupt().stdout.len(), 2);
}
