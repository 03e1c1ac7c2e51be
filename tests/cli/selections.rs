//! Which records count: names, services, datacenters, clients, results, times.

use expect_test::expect;

use crate::captures::FAILOVER;
use crate::run::{command, records, run, sni_watch, words};

/// What is said where no record of the failover is left.
const NONE: &str = "none of 138 records passes the filters\n";

/// How many of the failover's 138 records these options leave; banners stand between them.
#[track_caller]
fn left(options: &str) -> usize {
    let run = |more: &str| sni_watch(&format!("-r {FAILOVER} {more} {options}"));
    let (counted, printed) = (run("--count"), run(""));
    let count = counted.out.trim().parse().unwrap();
    // Nothing left is said, lest a typing error pass for good news.
    let told = if count == 0 { NONE } else { "" };
    counted.is(&format!("{count}\n"), told, 0);
    printed.is(&printed.out, told, 0);
    assert_eq!(records(&printed.out), count);
    count
}

#[test]
fn every_filter_by_itself_and_together() {
    for (options, expected) in [
        ("", 138),
        ("--sni *.dc1.*", 15),
        ("--sni CURRENCY.*", 95),
        ("--sni /^ship/", 40),
        ("--sni *.dc1.* --sni /^ship/", 55),
        ("--not-sni *.dc1.*", 123),
        ("--not-sni *", 3),
        ("--service shipping", 40),
        ("--service s*", 40),
        ("--dc dc1", 15),
        ("--dc dc1 --dc dc2", 135),
        ("--dc dc2 --service currency", 80),
        ("--client 10.42.0.29", 6),
        ("--client 10.42.0.0/24", 79),
        ("--client 10.42.0.29 --client 10.128.0.10", 65),
        ("--client ::/0", 0),
        ("--result reset", 8),
        ("--result reset,timeout", 11),
        ("--result reset --result timeout", 11),
        ("--result refused", 1),
        ("--result ok --client 10.42.0.17", 44),
        ("--peer *", 0),
    ] {
        assert_eq!(left(options), expected, "{options}");
    }
}

#[test]
fn a_packet_filter_decides_which_packets_are_seen() {
    for (words, expected) in [
        ("port 443", 120),
        ("tcp port 443 and host 10.132.0.20", 59),
        ("-f port 443", 120),
        ("-f src or dst port 20000", 18),
    ] {
        let mut line = vec!["-r", FAILOVER, "--count"];
        match words.strip_prefix("-f ") {
            Some(filter) => line.extend(["-f", filter]),
            None => line.extend(words.split(' ')),
        }
        let out = run(command(&line)).good();
        assert_eq!(out, format!("{expected}\n"), "{words}");
    }
    let folder = crate::run::Folder::new();
    let file = folder.write("filter", b"# the gateway\nport 443 # TLS\n  and host 10.132.0.20\n");
    assert_eq!(left(&format!("-F {file}")), 59);
}

#[test]
fn times_choose_records() {
    for (options, expected) in [
        ("--since 10:31:07", 86),
        ("--until 10:31:07", 52),
        ("--since 10:31:07 --until 10:31:10", 3),
        ("--since 2026-03-04T10:31:07Z --until 1772620270", 3),
        ("--since 2026-03-05T00:00:00Z", 0),
    ] {
        assert_eq!(left(options), expected, "{options}");
    }
    // Local time: half past ten in Greenwich is a quarter past four here.
    let line = format!("-r {FAILOVER} --count --since 16:16:07 --until 16:16:10");
    let mut command = command(&words(&line));
    command.env("TZ", "XYZ-5:45");
    assert_eq!(run(command).good(), "3\n");
    let spaced =
        ["-r", FAILOVER, "--count", "--since", "2026-03-04 10:31:07", "--until", "2026-03-04 10:31:10"];
    assert_eq!(run(crate::run::command(&spaced)).good(), "3\n");
}

/// Who still talks to the old datacenter?
#[test]
fn a_summary_by_source_and_datacenter() {
    let summary = format!("summary -r {FAILOVER} --service currency --by src,dc");
    expect![[r"
        SRC         DC   CONN  OK  RESET  ALERT  TIMEOUT  P50 ms  P99 ms  CLIENTS  FIRST     LAST
        10.42.0.17  dc2    21  20      1      0        0     5.1     6.1        1  10:31:07  10:33:35
        10.42.0.23  dc2    20  19      0      0        1     5.6     6.1        1  10:31:19  10:33:39
        10.42.0.29  dc1     6   0      6      0        0       -       -        1  10:31:12  10:32:52
        10.42.0.23  dc1     5   4      1      0        0     1.1     1.3        1  10:30:34  10:30:45
        10.42.0.17  dc1     4   4      0      0        0     1.1     1.1        1  10:30:33  10:30:39
        FAILOVER  10:31:07.402  currency  dc1 → dc2  label change, confidence 0.99, gap 26.5 s, 2 clients moved (payments@dc1), 1 not
        TIMELINE currency
          10:30:40.904                 last answer from dc1
          10:30:42.100 – 10:30:45.020  9 SYN unanswered, 2 RST by 10.42.0.31, 0 TLS alerts (packets 145 146 147 151 156)
          10:31:07.402                 first request for dc2 by 10.42.0.17 (payments@dc1), gap 26.5 s (packet 885)
          10:32:52.600                 10.42.0.29 still asks for dc1, 6 times
          10:33:39.150                 last request for dc2
    "]]
    .assert_eq(&sni_watch(&summary).good());
    expect![[r"
        SRC         DC   CONN  OK  RESET  ALERT  TIMEOUT  P50 ms  P99 ms  CLIENTS  FIRST     LAST
        10.42.0.29  dc1     6   0      6      0        0       -       -        1  10:31:12  10:32:52
        FAILOVER  10:31:07.402  currency  dc1 → dc2  label change, confidence 0.99, gap 26.5 s, 2 clients moved (payments@dc1), 1 not
        TIMELINE currency
          10:30:40.904                 last answer from dc1
          10:30:42.100 – 10:30:45.020  9 SYN unanswered, 2 RST by 10.42.0.31, 0 TLS alerts (packets 145 146 147 151 156)
          10:31:07.402                 first request for dc2 by 10.42.0.17 (payments@dc1), gap 26.5 s (packet 885)
          10:32:52.600                 10.42.0.29 still asks for dc1, 6 times
          10:33:39.150                 last request for dc2
    "]]
    .assert_eq(&sni_watch(&format!("{summary} --dc dc1 --since 10:31:07")).good());
}

#[test]
fn a_summary_shows_the_largest_groups_and_the_rest() {
    let out = sni_watch(&format!("summary -r {FAILOVER} --by service --top 1")).good();
    expect![[r"
        SERVICE   CONN  OK  RESET  ALERT  TIMEOUT  P50 ms  P99 ms  CLIENTS  FIRST     LAST
        currency    56  47      8      0        1     4.8     6.1        3  10:30:33  10:33:39
        (other)     24
    "]]
    .assert_eq(out.split_once("FAILOVER").unwrap().0);
}

/// What is open when the time is over is told, attempts whose interval still runs among it.
#[test]
fn a_duration_loses_nothing_that_was_seen() {
    for jobs in ["", " --jobs 2"] {
        let out = sni_watch(&format!("-r {FAILOVER} --duration 13s --result refused,timeout{jobs}")).good();
        assert_eq!(records(&out), 3, "{out}");
        assert!(out.contains("REFUSED"), "{out}");
    }
}
