//! `--jobs` never changes what is written.
#![allow(clippy::expect_used, reason = "test code fails loudly")]

mod support;

use std::process::Command;

use support::scenario;

fn output(capture: &str, jobs: &str) -> (Vec<u8>, String, Option<i32>) {
    let run = Command::new(env!("CARGO_BIN_EXE_sni-watch"))
        .args(["-r", capture, "-o", "json", "-vv", "--emit", "all", "--node", "n", "--jobs", jobs])
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
        let one = output(&capture, "1");
        assert_eq!(one, output(&capture, "2"), "{capture}");
        assert_eq!(one, output(&capture, "4"), "{capture}");
        seen += usize::from(!one.0.is_empty());
    }
    assert!(seen > 20, "{seen} fixtures have records");
}
