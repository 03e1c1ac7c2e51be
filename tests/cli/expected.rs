//! `--expect`: what the mesh means to do, held against what is on the wire.

use std::fs;

use expect_test::expect;
use serde_json::Value;

use crate::captures::FAILOVER;
use crate::run::{Folder, command, run, sni_watch, words};

const TD: &str = "1c053652-8512-4373-90cf-5a7f6263a994.consul";

#[test]
fn a_resolver_is_held_against_a_failover() {
    // currency moves from dc1 to dc2, 10.42.0.29 does not; dc3 is never needed
    let line = format!("-r {FAILOVER} -q -o none --local-dc dc1 --expect fixtures/mesh/currency.hcl");
    let done = sni_watch(&line);
    assert_eq!((done.out.as_str(), done.code), ("", Some(0)));
    expect![[r"
        EXPECT currency  2 of 3 names seen, clients now: 1 primary, 2 failover  (service-resolver fixtures/mesh/currency.hcl)
          primary     currency.default.dc1.internal.*  15 connections, last 10:32:52.600, now 10.42.0.29
          failover    currency.default.dc2.internal.*  41 connections, last 10:33:39.150, now 10.42.0.17 10.42.0.23
          failover    currency.default.dc3.internal.*  never seen
    "]]
    .assert_eq(&done.err);
    // as the entry is printed, several files, a thread of its own: the same
    let json =
        r#"{"Kind":"service-resolver","Name":"currency","Failover":{"*":{"Datacenters":["dc2","dc3"]}}}"#;
    let folder = Folder::new();
    let file = folder.write("currency.json", json.as_bytes());
    let again = sni_watch(&format!("-r {FAILOVER} --jobs 2 -q -o none --local-dc dc1 --expect {file}"));
    assert_eq!(again.err.replace(&file, "fixtures/mesh/currency.hcl"), done.err);
}

#[test]
fn a_redirect_shows_who_still_uses_the_old_name() {
    let done = sni_watch(&format!("-r {FAILOVER} -o none --expect fixtures/mesh/redirect.json"));
    expect![[r"
        EXPECT currency  1 of 1 name seen, 1 unexpected, clients now: 2 primary, 1 unexpected  (service-resolver fixtures/mesh/redirect.json)
          primary     currency.default.dc2.internal.*                                            41 connections, last 10:33:39.150, now 10.42.0.17 10.42.0.23
          unexpected  currency.default.dc1.internal.<td>  15 connections, last 10:32:52.600, now 10.42.0.29
    "]]
    .assert_eq(&done.err.replace(TD, "<td>"));
    assert_eq!(done.code, Some(0), "no rule, no exit code");
}

#[test]
fn a_summary_tells_it_below_its_table() {
    let files = "--expect fixtures/mesh/chain.json --expect fixtures/mesh/sidecar.config_dump.json";
    let out = sni_watch(&format!("summary -r {FAILOVER} {files}")).good();
    let told = &out[out.find("EXPECT").unwrap()..];
    expect![[r"
        EXPECT currency  2 of 2 names seen, clients now: 1 primary, 2 failover  (discovery-chain fixtures/mesh/chain.json)
          primary     currency.default.dc1.internal.<td>  15 connections, last 10:32:52.600, now 10.42.0.29
          failover    currency.default.dc2.internal.<td>  41 connections, last 10:33:39.150, now 10.42.0.17 10.42.0.23
        EXPECT currency  2 of 2 names seen, clients now: 1 primary, 2 failover  (config_dump fixtures/mesh/sidecar.config_dump.json)
          primary     currency.default.dc1.internal.<td>  15 connections, last 10:32:52.600, now 10.42.0.29
          failover    currency.default.dc2.internal.<td>  41 connections, last 10:33:39.150, now 10.42.0.17 10.42.0.23
        EXPECT shipping  1 of 1 name seen, clients now: 1 primary  (config_dump fixtures/mesh/sidecar.config_dump.json)
          primary     shipping.default.dc2.internal.<td>  20 connections, last 10:31:04.118, now 10.42.0.17
    "]]
    .assert_eq(&told.replace(TD, "<td>"));
    assert!(out.starts_with("SERVICE"), "{out}");
}

#[test]
fn a_gateways_own_routes_are_held_against_what_is_asked_of_it() {
    let dump = "fixtures/mesh/gateway.config_dump.json";
    let done = sni_watch(&format!("-r fixtures/gateways-dc1.pcap -o none --expect {dump}"));
    expect![[r"
        EXPECT (all)  1 of 3 names seen, 1 unexpected, clients now: 3 route  (config_dump fixtures/mesh/gateway.config_dump.json)
          route       *.dc2.internal.<td>                 46 connections, last 10:31:21.100, now 10.42.0.17 10.42.0.23 10.128.0.10
          route       currency.default.dc1.internal.<td>  never seen
          route       payments.default.dc1.internal.<td>  never seen
          unexpected  cache.default.dc1.internal.<td>     1 connection, last 10:31:16.000
    "]]
    .assert_eq(&done.err.replace(TD, "<td>"));
}

#[test]
fn json_has_a_record_for_each_name_as_the_schema_says() {
    let folder = Folder::new();
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let files =
        "--local-dc dc1 --expect fixtures/mesh/currency.hcl --expect fixtures/mesh/gateway.config_dump.json";
    let out = folder.path("out.jsonl");
    let done = sni_watch(&format!("-r {FAILOVER} -o {out} --node gw1 {files}"));
    assert!(done.err.starts_with("EXPECT currency  2 of 3 names seen, "), "{}", done.err);
    let records: Vec<Value> =
        fs::read_to_string(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for record in &records {
        let errors: Vec<String> = validator.iter_errors(record).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{record}: {errors:?}");
    }
    let expected: Vec<&Value> =
        records.iter().filter(|record| record["event"]["action"] == "expectation").collect();
    assert_eq!(expected.len(), 3 + 3, "at the end, each name once");
    assert_eq!(&records[records.len() - 6], expected[0]);
    expect![[r#"
        {"@timestamp":"2026-03-04T10:33:39.149580000Z","ts":1772620419.14958,"schema_version":1,"sni":null,"event":{"kind":"state","category":["network"],"type":["info"],"action":"expectation","sequence":139},"observer":{"hostname":"gw1"},"mesh":{"kind":"consul-service","scheme":"consul","service":"currency","namespace":"default","partition":"default","datacenter":"dc1","trust_domain":"<td>"},"expect":{"file":"fixtures/mesh/currency.hcl","source":"service-resolver","service":"currency","role":"primary","name":"currency.default.dc1.internal.*","connections":15,"first_ts":1772620233.204,"last_ts":1772620372.6,"clients":3,"clients_current":1,"current":["10.42.0.29"]}}
        {"@timestamp":"2026-03-04T10:33:39.149580000Z","ts":1772620419.14958,"schema_version":1,"sni":null,"event":{"kind":"state","category":["network"],"type":["info"],"action":"expectation","sequence":141},"observer":{"hostname":"gw1"},"expect":{"file":"fixtures/mesh/currency.hcl","source":"service-resolver","service":"currency","role":"failover","name":"currency.default.dc3.internal.*","connections":0,"first_ts":null,"last_ts":null,"clients":0,"clients_current":0,"current":[]}}
    "#]]
    .assert_eq(&format!("{}\n{}\n", expected[0], expected[2]).replace(TD, "<td>"));
    assert_eq!(expected[4]["expect"]["role"], "route");
    // a reader of records passes them over
    let paths = sni_watch(&format!("correlate gw1={out} -o json"));
    assert_eq!(paths.code, Some(0), "{paths:?}");
}

#[test]
fn filters_decide_what_is_held_against_a_file() {
    let line = format!("-r {FAILOVER} -o none --until 10:30:50 --expect fixtures/mesh/chain.json");
    let done = sni_watch(&line);
    assert!(
        done.err.starts_with("EXPECT currency  1 of 2 names seen, clients now: 2 primary"),
        "{}",
        done.err
    );
    let none =
        sni_watch(&format!("-r {FAILOVER} -o none --service shipping --expect fixtures/mesh/chain.json"));
    assert!(none.err.starts_with("EXPECT currency  0 of 2 names seen  (discovery-chain"), "{}", none.err);
}

#[test]
fn a_file_that_is_not_what_it_says_is_named_before_anything_is_read() {
    let folder = Folder::new();
    let due = "a service-resolver, a /v1/discovery-chain answer or an Envoy /config_dump is due";
    let file = folder.write("x.json", br#"{"consul":[],"web":["v1"]}"#);
    let told = format!("sni-watch: --expect {file}: an object with consul, web; {due}\n");
    sni_watch(&format!("-r no/such.pcap --expect {file}")).is("", &told, 2);
    let told = format!("sni-watch: --expect {FAILOVER}: not text; {due}\n");
    sni_watch(&format!("-r {FAILOVER} --expect {FAILOVER}")).is("", &told, 2);
    let router = folder.write("router.json", br#"{"Kind":"service-router","Name":"web"}"#);
    let told = format!("sni-watch: --expect {router}: a service-router, where a service-resolver is due\n");
    sni_watch(&format!("-r {FAILOVER} --expect {router}")).is("", &told, 2);
    let missing = "sni-watch: cannot read --expect no/such.hcl: No such file or directory (os error 2)\n";
    sni_watch(&format!("-r {FAILOVER} --expect no/such.hcl")).is("", missing, 1);
    // deep, large, and a device without end
    let deep = folder.write("deep", "a = [for a in ".repeat(4000).as_bytes());
    assert!(sni_watch(&format!("-r {FAILOVER} --expect {deep}")).err.contains("nested deeper than 16"));
    let done = sni_watch(&format!("-r {FAILOVER} --expect /dev/zero"));
    assert_eq!(
        (done.err.as_str(), done.code),
        ("sni-watch: --expect /dev/zero: larger than 128 MiB\n", Some(2))
    );
}

#[test]
fn explain_reads_no_files_that_the_environment_names() {
    let mut explain = command(&words(&format!("explain currency -r {FAILOVER}")));
    explain.env("SNI_WATCH_EXPECT", "/no/such").env("SNI_WATCH_CATALOG", "/no/such");
    assert!(run(explain).good().starts_with("FAILOVER"));
}
