//! How records look: times, bytes, colours, several outputs at once.

use std::fs;

use crate::captures::{FAILOVER, failover, pcap, three, three_lines};
use crate::run::{Folder, command, fed, run, sni_watch, words};

/// The golden rule: tcpdump's line works with only the name changed.
#[test]
fn tcpdumps_line_prints_one_line_and_the_hellos_bytes() {
    let out = sni_watch(&format!("-r {FAILOVER} port 443 -nnXX -vv -A -c 2")).printed();
    let head = [
        "10:30:45.118204  10.42.0.17:40200 > 10.128.0.10:443   shipping → dc2   ok       4.0 ms  ← payments@dc1  \
         shipping.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul  hello 187 B in 1 seg, \
         TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, rtt 0.4 ms, \
         client certificate spiffe://1c053652-8512-4373-90cf-5a7f6263a994.consul/ns/default/dc/dc1/svc/payments \
         until 2036-01-01, \
         server certificate spiffe://1c053652-8512-4373-90cf-5a7f6263a994.consul/ns/default/dc/dc2/svc/shipping \
         until 2036-01-01, packet 163, \
         community 1:ee/LSksvqCFYzmyMYjw6lq37u64=, \
         random e413e49859c41196db682ec1bd49b9200c827d88b99700a34703cf55245d7f38",
        "\t0x0000:  0200 0a80 000a 0200 0a2a 0011 0800 4500  .........*....E.",
        "\t0x0010:  00e8 4ae4 4000 4006 da67 0a2a 0011 0a80  ..J.@.@..g.*....",
    ];
    assert_eq!(out.lines().take(3).collect::<Vec<_>>(), head);
    let lines: Vec<&str> = out.lines().filter(|line| !line.starts_with('\t')).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("10:30:45.118684      └ out to 10.132.0.20:443 "), "{out}");
    assert_eq!(sni_watch(&format!("-nnXX -vv -A -r {FAILOVER} port 443 -c 2")).printed(), out);
}

#[test]
fn the_hellos_bytes_in_each_form() {
    let ascii = ".............-....Ll?.Q./.....$...P..$.........+./.....,.0.../...~...N.L..I\
                 currency.default.dc1.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul\
                 ............................................";
    let hex = "\t0x0000:  1603 0100 bb01 0000 b703 03a2 c82d 88c1";
    let link = "\t0x0000:  0200 0a2a 001f 0200 0a2a 0011 0800 4500";
    for (option, begin, lines) in [
        ("-A", ascii, 1),
        ("-x", hex, 12),
        ("-X", &format!("{hex}  .............-.."), 12),
        ("-xx", link, 16),
        ("-XX", &format!("{link}  ...*.....*....E."), 16),
        ("-x -A", hex, 12),
        ("-A -x -X", &format!("{hex}  .............-.."), 12),
    ] {
        let out = sni_watch(&format!("-r {FAILOVER} -c 1 {option}")).good();
        let lines_of: Vec<&str> = out.lines().collect();
        assert!(lines_of[0].starts_with("10:30:33.204000  10.42.0.17:40100 > "), "{out}");
        assert_eq!((lines_of[1], lines_of.len()), (begin, 1 + lines), "{option}");
    }
}

#[test]
fn times_in_each_style_and_zone() {
    for (option, first, second) in [
        ("", "16:15:33.204000  ", "16:15:34.304000  "),
        ("-t", "", ""),
        ("-tt", "1772620233.204000  ", "1772620234.304000  "),
        ("-ttt", "00:00:00.000000  ", "00:00:01.100000  "),
        ("-tttt", "2026-03-04 16:15:33.204000  ", "2026-03-04 16:15:34.304000  "),
        ("-ttttt", "00:00:00.000000  ", "00:00:01.100000  "),
        ("--nano", "16:15:33.204000000  ", "16:15:34.304000000  "),
        ("--nano --micro", "16:15:33.204000  ", "16:15:34.304000  "),
    ] {
        let mut command = command(&words(&format!("-q -r {FAILOVER} -c 2 {option}")));
        // POSIX: 5 hours 45 minutes east of Greenwich, so that no time zone data are needed.
        command.env("TZ", "XYZ-5:45");
        let out = run(command).good();
        let line = |time, client, port| {
            let name = "currency.default.dc1.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul";
            format!("{time}10.42.0.{client}:{port} > 10.42.0.31:20000   {name}\n")
        };
        assert_eq!(out, [line(first, 17, 40100), line(second, 23, 40101)].concat(), "{option}");
    }
    // -ttt counts from the line before, -ttttt from the first.
    let thirds = ["-ttt", "-ttttt"].map(|style| {
        let out = sni_watch(&format!("-q -r {FAILOVER} -c 3 {style}")).good();
        out.lines().nth(2).unwrap()[..15].to_owned()
    });
    assert_eq!(thirds, ["00:00:01.100000", "00:00:02.200000"]);
}

fn coloured(line: &str, variables: &[(&str, &str)]) -> String {
    let mut command = command(&words(line));
    command.envs(variables.iter().copied());
    run(command).good()
}

#[test]
fn colour_is_for_terminals_or_who_asks_and_never_alone() {
    let line = format!("-r {FAILOVER} --dc dc1");
    let plain = coloured(&line, &[]);
    assert!(plain.contains("RESET") && !plain.contains('\x1b'));
    let forced = coloured(&line, &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.contains("\x1b[31mRESET\x1b[0m"), "{forced}");
    let codes = ["\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"];
    assert_eq!(codes.iter().fold(forced.clone(), |text, code| text.replace(code, "")), plain);
    assert_eq!(coloured(&line, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
    assert_eq!(coloured(&line, &[("NO_COLOR", "1")]), plain);
    let always = format!("{line} --color always");
    assert_eq!(coloured(&always, &[("NO_COLOR", "1"), ("TERM", "dumb")]), forced);
    assert_eq!(coloured(&format!("{line} --color never"), &[("CLICOLOR_FORCE", "1")]), plain);
    let json = coloured(&format!("{line} -o json --color always"), &[]);
    assert!(!json.contains('\x1b'));
}

#[test]
fn a_hostile_name_cannot_leave_its_line() {
    let records = sni_watch("-r fixtures/names.pcap --count").good();
    for line in
        ["-r fixtures/names.pcap", "-r fixtures/names.pcap -vvv", "-r fixtures/names.pcap -o json -vvv"]
    {
        let out = sni_watch(line).printed();
        let odd = |c: char| !matches!(c, '\n' | '→' | '─' | ' '..='~');
        assert_eq!(out.find(odd), None, "{line}");
        assert_eq!(format!("{}\n", crate::run::records(&out)), records, "{line}");
    }
    let table = sni_watch("summary -r fixtures/names.pcap --by sni").good();
    assert_eq!(table.find(|c: char| !matches!(c, '\n' | '→' | ' '..='~')), None);
}

#[test]
fn a_line_view_and_json_in_a_file_at_once() {
    let folder = Folder::new();
    let path = folder.write("out.jsonl", b"from the day before\n");
    let line = format!("-r - -o line -o json:{path} --node gw");
    assert_eq!(fed(&line, &pcap(&three())).good(), three_lines().concat());
    let json = fed("-r - -j --node gw", &pcap(&three())).good();
    assert_eq!(json.lines().count(), 3);
    assert_eq!(fs::read_to_string(&path).unwrap(), json, "rewritten, not appended to");
    // A file for each, and nothing on standard output.
    let (lines, table) = (folder.path("lines"), folder.path("table"));
    assert_eq!(fed(&format!("-r - -o line:{lines} -o table:{table}"), &pcap(&three())).good(), "");
    assert_eq!(fs::read_to_string(&lines).unwrap(), three_lines().concat());
    assert!(fs::read_to_string(&table).unwrap().starts_with("SERVICE"));
    assert_eq!(fed("-r - -o line:-", &pcap(&three())).good(), three_lines().concat());
}

#[test]
fn the_counts_alone() {
    let counts = "80 connections (139 legs), 135 hellos with SNI, 0 without, 0 incomplete, \
                  4 refused or never answered\n";
    fed("-r - -o none -v", &failover()).is("", counts, 0);
    fed("-r - -o none", &failover()).is("", "", 0);
    fed("-r - -o none -v -q", &failover()).is("", "", 0);
}
