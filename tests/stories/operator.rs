//! The gateway operator, during a failover and afterwards (stories 3 to 5).

use serde_json::{Value, json};

use crate::run::sni_watch;
use crate::{DC1, DC2, FAILOVER, NODE, banners, records};

fn failovers(line: &str) -> Vec<Value> {
    records(line).into_iter().filter(|record| record["event"]["action"] == "failover").collect()
}

/// The gateway's own view: what crosses it.
#[test]
fn story_3_operator_during_failover() {
    let gateway = format!("-r {FAILOVER} port 443 --service currency --local-dc dc1");
    let out = sni_watch(&gateway).good();
    let banner = "── 10:31:07.402  FAILOVER  currency: first request for dc2 through this gateway (caller payments @dc1)";
    assert_eq!(banners(&out), [banner], "once, not for each connection");
    let lines: Vec<&str> = out.lines().filter(|line| !line.starts_with('─')).collect();
    assert!(lines[0].starts_with("10:31:07.402118  10.42.0.17:41022 > 10.128.0.10:443 "), "{out}");
    assert!(lines[0].contains("currency → dc2   ok ") && lines[0].contains("← payments"), "{out}");
    assert!(lines[1].contains("└ out to 10.132.0.20:443 ") && lines[1].contains(" in gateway"), "{out}");
    let row = |of: &str| {
        let of = of.to_owned();
        lines.iter().find(|line| line.contains(&of)).map(|line| (*line).to_owned()).unwrap()
    };
    assert!(row("RESET").contains("by server 0.6 ms after hello"), "{out}");
    assert!(row("TIMEOUT").contains("no answer in 10 s, 3 retransmits"), "{out}");

    let told = failovers(&format!("{gateway} -j --emit failover"));
    assert_eq!(told.len(), 1, "{told:#?}");
    let it = &told[0]["failover"];
    assert_eq!((&it["rule"], &it["to"], &it["from"]), (&json!("first_sight"), &json!("dc2"), &Value::Null));
    assert_eq!((&it["clients_moved"], &it["clients_stale"]), (&json!(2), &json!(0)));
    assert_eq!(it["moved_callers"], json!(["payments@dc1"]));
    assert_eq!((&told[0]["mesh"]["source_service"], &it["gap_ms"]), (&json!("payments"), &Value::Null));

    let table = sni_watch(&format!("summary {gateway}")).good();
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().take(4).collect();
    assert_eq!(row, ["currency", "dc2", "41", "39"], "connections, not legs: {table}");
    assert!(table.contains("\nFAILOVER  10:31:07.402  currency  (silent) → dc2  first sight, "), "{table}");
}

/// The other terminal.
#[test]
fn story_3_operator_at_the_other_gateway() {
    let out = sni_watch(&format!("-r {DC2} --service currency --local-dc dc2")).good();
    let banner =
        "── 10:31:07.403  INGRESS  currency: first request from another datacenter (via 10.128.0.10)";
    assert_eq!(banners(&out), [banner]);
    let lines: Vec<&str> = out.lines().filter(|line| !line.starts_with('─')).collect();
    assert!(lines[0].contains("10.128.0.10:51514 > 10.132.0.20:443 "), "{out}");
    assert!(lines[0].contains(" ok ") && lines[0].contains("← payments@dc1"), "{out}");
    assert!(
        lines[1].contains("└ out to 10.132.0.31:21000 ") && lines[1].contains("+0.48 ms in gateway"),
        "{out}"
    );
    let told = failovers(&format!("-r {DC2} --service currency --local-dc dc2 -j --emit failover"));
    assert_eq!((told.len(), &told[0]["mesh"]["role"]), (1, &json!("ingress")));
    assert_eq!(told[0]["mesh"]["source_service"], "payments", "the connection's own certificate says so");
    let reason = told[0]["event"]["reason"].as_str().unwrap();
    assert!(reason.contains("(via 10.128.0.10, caller payments @dc1)"), "{reason}");
}

/// On either laptop, afterwards: both gateways and the clients' node, one timeline.
#[test]
fn story_3_the_three_captures_make_one_timeline() {
    let out = sni_watch(&format!("correlate {DC1} {DC2} {NODE} -o table")).printed();
    assert!(out.contains("\nclock offset dc2−dc1: +0.31 ms ± "), "{out}");
    let (_, told) = out.split_once("\nFAILOVER").unwrap();
    assert_eq!(out.matches("\nFAILOVER").count(), 2, "currency and shipping, once each: {out}");
    assert_eq!(out.matches("\nTIMELINE").count(), 2, "{out}");
    let (_, timeline) = told.split_once("TIMELINE currency\n").unwrap();
    let timeline = timeline.split("TIMELINE").next().unwrap();
    let rows: Vec<&str> = timeline.lines().map(str::trim).collect();
    let expected = [
        "10:30:40.904                 last answer from dc1",
        "10:30:42.100 – 10:30:45.500  9 SYN unanswered, 2 RST by 10.42.0.31, 1 TLS alert (unknown_ca) (packets node: ",
        "10:31:07.402                 first request for dc2 by 10.42.0.17 (payments@dc1), gap 26.5 s (node, packet ",
        "10:31:07.402                 the same request (dc1, packet ",
        "10:31:07.402                 the same request (dc2, packet ",
        "10:31:42.600                 10.42.0.29 still asks for dc1, 6 times",
        "10:31:43.400                 last request for dc2",
    ];
    assert_eq!(rows.len(), expected.len(), "{timeline}");
    for (row, expected) in rows.iter().zip(expected) {
        assert!(row.starts_with(expected), "{row}\n{expected}");
    }
    // a gateway alone cannot say what was before
    let alone = sni_watch(&format!("correlate {DC1} {DC2} -o table")).printed();
    assert!(alone.contains("currency  (silent) → dc2  first sight, "), "{alone}");
    // the order of the inputs decides whose clock it is, and nothing else
    let other = sni_watch(&format!("correlate {NODE} {DC1} {DC2} -o table")).printed();
    assert_eq!(other.split_once("\nFAILOVER").unwrap().1, told);
}

/// What both watches wrote gives what their captures give, though one clock is hours ahead.
#[test]
fn story_3_the_records_of_both_terminals_make_the_same_timeline() {
    let folder = crate::run::Folder::new();
    let written = |capture: &str, hours: &str| {
        let (node, _) = capture.split_once('=').unwrap();
        let text = sni_watch(&format!("-r {capture} -j -q")).printed().replace("T10:3", hours);
        folder.write(&format!("{node}.jsonl"), text.as_bytes())
    };
    let (dc1, dc2) = (written(DC1, "T10:3"), written(DC2, "T13:3"));
    let done = sni_watch(&format!("correlate {dc1} {dc2} -o table"));
    assert!(done.err.contains("the clock of dc2 is 3 h 0 min ahead of dc1's"), "{}", done.err);
    let of = |text: &str| text.split_once("\nFAILOVER").unwrap().1.to_owned();
    let whole = sni_watch(&format!("correlate {DC1} {DC2} -o table")).printed();
    assert_eq!(of(&done.out), of(&whole));
}

#[test]
fn story_4_operator_who_still_talks_to_the_old_dc() {
    let line = format!("summary -r {FAILOVER} --service currency --by src,dc --since 10:31:07");
    let table = sni_watch(&line).good();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().take(3).collect()).collect();
    assert!(rows.contains(&vec!["10.42.0.29", "dc1", "6"]), "{table}");
    for moved in ["10.42.0.17", "10.42.0.23"] {
        assert!(rows.iter().any(|row| row[..2] == [moved, "dc2"]), "{table}");
        assert!(!rows.iter().any(|row| row[..2] == [moved, "dc1"]), "{table}");
    }
    assert!(table.contains("10.42.0.29 still asks for dc1, 6 times"), "{table}");
    let told = failovers(&format!("-r {FAILOVER} --service currency -j --emit failover"));
    assert_eq!(told.len(), 1);
    let it = &told[0]["failover"];
    assert_eq!((&it["clients_stale"], &it["stale"][0]), (&json!(1), &json!("10.42.0.29")));
    assert!(it.get("stale_callers").is_none(), "it never showed a certificate");
}

#[test]
fn story_5_operator_why_did_it_fail_over() {
    let out = sni_watch(&format!("explain currency -r {NODE}")).good();
    let words = "9 SYN unanswered, 2 RST by 10.42.0.31, 1 TLS alert (unknown_ca) (packets ";
    assert!(out.contains(words), "{out}");
    let told = failovers(&format!("explain currency -r {NODE} -j"));
    assert_eq!(told.len(), 1);
    let evidence = &told[0]["failover"]["evidence"];
    let count = |key: &str| evidence[key].as_u64().unwrap();
    assert_eq!(["refused", "reset", "alert", "timeout"].map(count), [1, 1, 1, 3]);
    assert_eq!(evidence["reset_by"], json!(["10.42.0.31"]));
    // the packets are those that Wireshark shows: of each failed connection's own record, at its first SYN or its hello
    let hellos = records(&format!("-r {NODE} -j --emit hello,handshake"));
    let failed = hellos.iter().filter(|record| {
        let result = record["handshake"]["result"].as_str().unwrap_or("ok");
        result != "ok" && record["destination"]["ip"] == "10.42.0.31"
    });
    let packets: Vec<u64> = failed.map(|record| record["capture"]["packet"].as_u64().unwrap()).collect();
    let cited: Vec<u64> =
        evidence["packets"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).collect();
    assert_eq!(cited.len(), 6);
    assert!(
        !packets.is_empty() && packets.iter().all(|packet| cited.contains(packet)),
        "{packets:?} {cited:?}"
    );
    let list: Vec<String> = cited.iter().map(u64::to_string).collect();
    assert!(out.contains(&format!("(packets {})", list.join(" "))), "{out}");
}
