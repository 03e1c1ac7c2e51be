//! The security analyst and the CI pipeline (stories 9 and 10).

use std::fs;

use crate::run::{Folder, sni_watch};
use crate::support::connection::Connection;
use crate::support::hello::{Hello, Version};
use crate::support::scenario::{self, Capture};
use crate::{FAILOVER, has, records, shell};

#[test]
fn story_9_security_analyst() {
    // names that leave through the gateway and are not the mesh's own
    let foreign = records("-r fixtures/names.pcap -j -vv --not-sni *.consul");
    assert!(foreign.len() >= 10, "{}", foreign.len());
    let is_mesh = |sni: &str| sni.ends_with(".consul");
    assert!(foreign.iter().all(|record| record["sni"].as_str().is_none_or(|sni| !is_mesh(sni))));
    assert!(foreign.iter().any(|record| record["sni"] == "www.example.org"));
    for record in &foreign {
        let ja4 = record["tls"]["client"]["ja4"].as_str().unwrap();
        let marked = ja4.as_bytes()[3];
        let due = if record["mesh"]["kind"] == "none" { b'i' } else { b'd' };
        assert_eq!(marked, due, "d with a name, i without: {ja4} {}", record["mesh"]["kind"]);
        assert!(record["network"]["community_id"].as_str().unwrap().starts_with("1:"));
    }
    // the name on the outside of an encrypted hello is marked as that
    let outer = sni_watch("-r fixtures/certificates.pcap -v").printed();
    assert!(outer.contains("outer name (ECH or GREASE)"), "{outer}");
    if has("jq") {
        let script = r#""$BIN" -r fixtures/certificates.pcap --json -vv \
            | jq -c 'select(.handshake.ech!="none" or .sni==null) | .handshake.ech'"#;
        let done = shell(script);
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.out.contains("\"grease_or_real\"\n"), "{}", done.out);
    }
}

/// No name from the wire moves a cursor, rings a bell or makes a line of its own.
#[test]
fn story_9_a_hostile_name_stays_text() {
    let name = r"\x1b[2J\x1b[1;1Howned\x0d\x0aline.example";
    let one =
        Connection { hello: Some(Hello::named("hostile", Version::Tls13, name)), ..Connection::default() };
    let capture = Capture::default().file(&scenario::packets(&[one], 1_772_620_200_000_000_000));
    for options in ["", "-vv", "-vv -A", "--color always", "-q"] {
        let done = crate::run::fed(&format!("-r - {options}"), &capture);
        let codes = done.out.bytes().filter(|byte| *byte == 0x1b).count();
        assert_eq!(codes > 0, options == "--color always", "{options}: {:?}", done.out);
        assert!(
            !done.out.contains("\x1b[2J") && !done.out.contains("\x1b[1;1H"),
            "{options}: {:?}",
            done.out
        );
        // the dump of -A has lines of its own
        let records = done.out.lines().filter(|line| line.contains(" > 10.0.0.2:443 ")).count();
        assert!(
            records == 1 && (options.contains("-A") || done.out.lines().count() == 1),
            "{options}: {:?}",
            done.out
        );
        assert!(done.out.contains(r"\x1b[2"), "{options}: {:?}", done.out);
    }
}

#[test]
fn story_10_ci_pipeline() {
    let folder = Folder::new();
    let (out, again) = (folder.path("out.jsonl"), folder.path("again.jsonl"));
    let run = |capture: &str, forbid: &str, out: &str| {
        let rules = format!("--require service=currency,dc=dc2,count>=1 --forbid {forbid}");
        sni_watch(&format!("-r {capture} {rules} --json -o {out} --node ci"))
    };
    run(FAILOVER, "result!=ok,service=shipping", &out).is("", "", 0);
    run(FAILOVER, "result!=ok,service=shipping", &again).is("", "", 0);
    assert_eq!(fs::read(&out).unwrap(), fs::read(&again).unwrap(), "two runs are byte-identical");
    let failed = run(FAILOVER, "result!=ok,service=currency", &again);
    let words = "sni-watch: rule failed: --forbid 'result!=ok,service=currency': found 9 connections\n";
    failed.is("", words, 3);
    let whole = fs::read(FAILOVER).unwrap();
    let cut = folder.write("cut.pcap", &whole[..whole.len() - 7]);
    assert_eq!(run(&cut, "result!=ok,service=shipping", &again).code, Some(1), "a truncated file");
    let missing = run("no/such.pcap", "result!=ok,service=shipping", &again);
    assert_eq!(missing.code, Some(1));
    let bad = sni_watch(&format!("-r {FAILOVER} prot 443"));
    assert_eq!((bad.code, bad.out.as_str()), (Some(2), ""), "a filter that means nothing");
}
