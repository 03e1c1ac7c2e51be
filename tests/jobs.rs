//! `--jobs` never changes what is written.
#![allow(clippy::expect_used, reason = "test code fails loudly")]

mod support;

use std::process::Command;

use support::scenario;

fn output(capture: &str, jobs: &str, more: &[&str]) -> (Vec<u8>, String, Option<i32>) {
    let run = Command::new(env!("CARGO_BIN_EXE_sni-watch"))
        .args(["-r", capture, "-o", "json", "-vv", "--node", "n", "--jobs", jobs])
        .args(more)
        .output()
        .expect("sni-watch runs");
    (run.stdout, String::from_utf8_lossy(&run.stderr).into_owned(), run.status.code())
}

#[test]
fn the_output_is_the_same_with_any_number_of_threads() {
    let mut seen = 0;
    for entry in std::fs::read_dir(scenario::fixtures()).expect("fixtures") {
        let path = entry.expect("entry").path();
        let Some("pcap" | "pcapng") = path.extension().and_then(|end| end.to_str()) else { continue };
        let capture = path.display().to_string();
        let all = ["--emit", "all"];
        let one = output(&capture, "1", &all);
        assert_eq!(one, output(&capture, "2", &all), "{capture}");
        assert_eq!(one, output(&capture, "4", &all), "{capture}");
        seen += usize::from(!one.0.is_empty());
    }
    assert!(seen > 20, "{seen} fixtures have records");
}

#[test]
fn whoever_reads_the_names_a_pattern_and_a_filter_hold() {
    let capture = scenario::fixtures().join("failover.pcap").display().to_string();
    let pattern = r"^(?<service>[^.]+)\.[^.]+\.(?<dc>[^.]+)\.internal\..*";
    let more = ["--name-pattern", pattern, "--service", "currency", "--dc", "dc2"];
    let one = output(&capture, "1", &more);
    assert!(String::from_utf8_lossy(&one.0).contains(r#""scheme":"custom""#));
    assert_eq!(one, output(&capture, "2", &more));
}
