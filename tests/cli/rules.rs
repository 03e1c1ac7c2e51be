//! Story 10, the pipeline: `--require` and `--forbid` end with 0 or 3, and say what failed.

use std::fs;

use crate::captures::{FAILOVER, failover, pcap, three};
use crate::run::{Done, Folder, Running, command, fed, run, sni_watch, words};

use nix::sys::signal::Signal;
use std::time::Duration;

const REQUIRE: &str = "service=currency,dc=dc2,count>=1";
const FORBID: &str = "result!=ok,service=currency";

/// The story's command line over `capture`, with JSON in `out`.
fn pipeline(capture: &str, forbid: &str, out: &str) -> Done {
    sni_watch(&format!("-r {capture} --require {REQUIRE} --forbid {forbid} --json -o {out} --node ci"))
}

#[test]
fn story_10_a_ci_pipeline_gets_a_verdict_and_the_same_records_each_time() {
    let folder = Folder::new();
    let (first, second) = (folder.path("out.jsonl"), folder.path("again.jsonl"));
    let harmless = "result!=ok,service=shipping";
    pipeline(FAILOVER, harmless, &first).is("", "", 0);
    pipeline(FAILOVER, harmless, &second).is("", "", 0);
    let records = fs::read(&first).unwrap();
    assert_eq!(String::from_utf8_lossy(&records).lines().count(), 138);
    assert_eq!(records, fs::read(&second).unwrap(), "two runs are byte-identical");

    let told = "sni-watch: rule failed: --forbid 'result!=ok,service=currency': found 9 connections\n";
    pipeline(FAILOVER, FORBID, &second).is("", told, 3);
    assert_eq!(records, fs::read(&second).unwrap(), "a failed rule takes no record away");

    // A truncated file, a filter that means nothing, a file that is not there.
    let whole = failover();
    let cut = folder.write("cut.pcap", &whole[..whole.len() - 7]);
    let done = pipeline(&cut, harmless, &second);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("cut short"), "{}", done.err);
    let done = sni_watch(&format!("-r {FAILOVER} --require {REQUIRE} no such filter"));
    assert_eq!((done.out.as_str(), done.code), ("", Some(2)));
    assert!(done.err.starts_with("sni-watch: filter `no such filter`: "), "{}", done.err);
    let done = pipeline("no/such.pcap", harmless, &second);
    assert_eq!(done.code, Some(1));
    let missing = "sni-watch: cannot open no/such.pcap: No such file or directory (os error 2)\n";
    assert!(done.err.starts_with(missing), "{}", done.err);
}

#[test]
fn story_10_each_failed_rule_is_one_line_with_its_count() {
    let rules = "--forbid dc=dc1,count>10 --require service=payments --forbid dc=dc1,count>20 \
                 --require legs>=1000 --require result=timeout,count=4";
    sni_watch(&format!("-r {FAILOVER} -o none {rules}")).is(
        "",
        "sni-watch: rule failed: --require 'service=payments': found 0 connections\n\
         sni-watch: rule failed: --require 'legs>=1000': found 139 legs\n\
         sni-watch: rule failed: --forbid 'dc=dc1,count>10': found 15 connections\n",
        3,
    );
}

/// The scenario says 41 connections to currency in dc2, seen on 80 legs.
#[test]
fn connections_count_once_and_legs_each() {
    for rule in [
        "count=41",
        "legs=80",
        "client=10.42.0.0/16,count=41",
        "client=10.128.0.10,count=0",
        "client=10.128.0.10,legs=39",
    ] {
        let line = format!("-r {FAILOVER} -o none --require service=currency,dc=dc2,{rule}");
        assert_eq!(sni_watch(&line).good(), "", "{rule}");
    }
    // A thread of its own, and a pipe, say the same.
    for line in [format!("-r {FAILOVER} --jobs 2"), "-r -".to_owned()] {
        let line = format!("{line} -o none --require service=currency,dc=dc2,count=41 --forbid legs>139");
        fed(&line, &failover()).is("", "", 0);
    }
}

#[test]
fn filters_decide_what_rules_see() {
    let line =
        format!("-r {FAILOVER} -o none --dc dc2 --since 10:31:07 --forbid dc=dc1 --require dc=dc2,count=41");
    sni_watch(&line).is("", "", 0);
    // The filter leaves the nearer leg out: the other one speaks.
    let line = format!("-r {FAILOVER} -o none --client 10.128.0.10 --require service=currency,count=39");
    sni_watch(&line).is("", "", 0);
    let role =
        format!("-r {FAILOVER} -o none --local-dc dc1 --require role=egress,service=currency,count=41");
    sni_watch(&role).is("", "", 0);
}

#[test]
fn a_bad_rule_is_named_before_anything_is_read() {
    let done = sni_watch("-r no/such.pcap --forbid dc=dc2,servce=a");
    assert_eq!((done.out.as_str(), done.code), ("", Some(2)));
    assert!(
        done.err.starts_with("sni-watch: --forbid 'dc=dc2,servce=a': no such key 'servce': use one of sni, ")
    );
    let mut typed = command(&words(&format!("-r {FAILOVER} --require")));
    typed.arg("count");
    run(typed).is(
        "",
        "sni-watch: --require 'count': 'count' is no comparison such as service=currency or count>=1\n",
        2,
    );
}

#[test]
fn a_run_that_is_interrupted_is_judged_too() {
    let mut running = Running::piped("-r - --require sni=a.example --require sni=z.example");
    running.feed(&pcap(&three()));
    (0..3).for_each(|_| drop(running.line()));
    let done = running.ends_within(Duration::from_millis(500), Signal::SIGINT);
    assert_eq!(done.code, Some(3));
    assert!(
        done.err.ends_with("sni-watch: rule failed: --require 'sni=z.example': found 0 connections\n"),
        "{}",
        done.err
    );
}
