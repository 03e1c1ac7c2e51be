//! Rows of fields: `-o tsv`, `-o csv`, `-T fields -e FIELD`.

use std::fs;

use expect_test::expect;

use crate::captures::{FAILOVER, pcap, three, three_lines};
use crate::run::{Folder, command, fed, run, sni_watch, words};

#[test]
fn the_default_columns() {
    let out =
        sni_watch(&format!("-r {FAILOVER} -o tsv --service currency --result reset,timeout --dc dc2")).good();
    expect![[r"
        tcp	10.42.0.17	41030	10.128.0.10	443	currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul	currency	dc2	reset	0.6
        tcp	10.42.0.23	55120	10.128.0.10	443	currency.default.dc2.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul	currency	dc2	timeout	
    "]]
    .assert_eq(&out);
    let chosen = "-T fields -e network.transport -e source.ip -e source.port -e destination.ip -e destination.port \
                  -e sni -e mesh.service -e mesh.datacenter -e handshake.result -e handshake.latency_ms";
    for capture in ["failover.pcap", "names.pcap", "outcomes.pcap", "vlan.pcap"] {
        let rows =
            |options: &str| sni_watch(&format!("-r fixtures/{capture} --emit hello,end {options}")).good();
        assert_eq!(rows("-o tsv"), rows(chosen), "{capture}");
    }
}

#[test]
fn fields_are_named_by_their_path() {
    let line = format!(
        "-r {FAILOVER} -c 2 --node gw -T fields -e ts -e mesh.service -e tls.client.version -e tls.client.alpn \
         -e capture.file -e capture.packet -e observer.hostname -e event.type -e flows.active"
    );
    expect![[r"
        1772620233.204000	currency	1.2		fixtures/failover.pcap	4	gw	connection,protocol	
        1772620234.304000	currency	1.2		fixtures/failover.pcap	22	gw	connection,protocol	
    "]]
    .assert_eq(&sni_watch(&line).good());
    // The same as from the JSON, by whoever reads it.
    let json = sni_watch(&format!("-r {FAILOVER} -vv -j")).printed();
    let paths =
        ["network.community_id", "tls.client.ja3", "tls.client.ja4", "handshake.random", "handshake.alert"];
    let options = paths.join(" -e ");
    let rows = sni_watch(&format!("-r {FAILOVER} -T fields -e {options}")).good();
    for (row, record) in rows.lines().zip(json.lines()) {
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        let value = |path: &str| record.pointer(&format!("/{}", path.replace('.', "/"))).cloned();
        let cells =
            paths.map(|path| value(path).map_or(String::new(), |value| value.as_str().unwrap().to_owned()));
        assert_eq!(row.split('\t').collect::<Vec<_>>(), cells);
    }
    assert_eq!(rows.lines().count(), json.lines().count());
}

#[test]
fn comma_separated_values_have_a_header_and_quotes() {
    let folder = Folder::new();
    // A vantage point's name is the one text that may hold anything.
    let mut command = command(&words(&format!(
        "-r {FAILOVER} -c 1 -o csv -e observer.hostname -e event.type -e sni --node"
    )));
    command.arg("a \"b\"\tc");
    assert_eq!(
        run(command).good(),
        "observer.hostname,event.type,sni\r\n\
         \"a \"\"b\"\"\tc\",\"connection,protocol\",currency.default.dc1.internal.1c053652-8512-4373-90cf-5a7f6263a994.consul\r\n"
    );
    let path = folder.path("out.csv");
    assert_eq!(sni_watch(&format!("-r {FAILOVER} -o csv:{path} -o tsv -c 1")).good().lines().count(), 1);
    let text = fs::read_to_string(&path).unwrap();
    let header = "network.transport,source.ip,source.port,destination.ip,destination.port,sni,mesh.service,\
                  mesh.datacenter,handshake.result,handshake.latency_ms\r\n";
    assert!(text.starts_with(header) && text.ends_with(",currency,dc1,ok,1.05\r\n"), "{text}");
    // Where nothing was found, the header is there all the same.
    let mut none = crate::run::command(&words(&format!("-r {FAILOVER} -o csv -e sni --sni none")));
    none.arg("-q");
    assert_eq!(run(none).out, "sni\r\n");
}

#[test]
fn a_cell_stays_a_cell_and_a_row_a_line() {
    let mut command = command(&words(&format!(
        "-r {FAILOVER} -c 1 -T fields -e observer.hostname -e handshake.result --node"
    )));
    command.arg("a\tb\nc\x1b[2J");
    assert_eq!(run(command).good(), "a\\tb\\nc\\x1b[2J\tok\n");
}

#[test]
fn a_files_ending_names_its_output() {
    let folder = Folder::new();
    let [json, tsv, csv] = ["out.jsonl", "out.tsv", "out.csv"].map(|name| folder.path(name));
    let line = format!("-r - --node gw -o line -o {json} -o {tsv} -o {csv}");
    assert_eq!(fed(&line, &pcap(&three())).good(), three_lines().concat());
    for (path, output) in [(&json, "json"), (&tsv, "tsv"), (&csv, "csv")] {
        let whole = fed(&format!("-r - --node gw -o {output}"), &pcap(&three())).good();
        assert_eq!(fs::read_to_string(path).unwrap(), whole);
    }
    // -j says what a file holds; it goes there alone.
    fs::remove_file(&json).unwrap();
    assert_eq!(fed(&format!("-r - --node gw -j -o {json}"), &pcap(&three())).good(), "");
    assert_eq!(fs::read_to_string(&json).unwrap().lines().count(), 3);
}

#[test]
fn what_names_no_field_is_a_usage_error() {
    for (options, told) in [
        ("-T fields -e mesh.servce", "-e mesh.servce: no such field; docs/schema/v1.json describes them all"),
        ("-o csv -e sni -e .", "-e .: no such field; docs/schema/v1.json describes them all"),
        ("-e sni", "-e needs -T fields, -o tsv or -o csv"),
        ("-j -e sni", "-e needs -T fields, -o tsv or -o csv"),
    ] {
        sni_watch(&format!("-r {FAILOVER} {options}")).is("", &format!("sni-watch: {told}\n"), 2);
    }
    let done = sni_watch(&format!("-r {FAILOVER} -T xml"));
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("'xml'") && done.err.contains("-T"), "{}", done.err);
}

#[test]
fn failovers_are_rows_where_they_are_asked_for() {
    let fields = "-e event.action -e failover.rule -e failover.to -e failover.clients_moved";
    let line = format!("-r {FAILOVER} --service currency --emit failover -o csv {fields}");
    let out = sni_watch(&line).printed();
    assert!(out.contains("\r\nfailover,label_change,dc2,2\r\n"), "{out}");
    let line = format!("-r {FAILOVER} --service currency --emit failover -T fields {fields}");
    assert_eq!(sni_watch(&line).printed().matches("failover\tlabel_change\tdc2\t2\n").count(), 1);
    let none = sni_watch(&format!("-r {FAILOVER} --emit failover -o tsv")).printed();
    assert!(none.lines().all(|row| row.split('\t').count() == 10 && row.starts_with("tcp\t")));
}

#[test]
fn counters_are_rows_where_they_are_asked_for() {
    let line = format!("-r {FAILOVER} --emit stats --interval 1h -o tsv -e event.action -e capture.packets");
    let out = sni_watch(&line).good();
    assert!(out.lines().all(|row| row == "tls_handshake\t"), "{out}");
    let line = format!("-r {FAILOVER} --emit stats --interval 60s -o tsv -e event.action -e capture.packets");
    let out = sni_watch(&line).good();
    let stats = out.lines().filter(|row| row.starts_with("capture_stats\t"));
    let packets: Vec<u64> = stats.map(|row| row.split_once('\t').unwrap().1.parse().unwrap()).collect();
    assert!(packets.len() == 3 && packets.is_sorted(), "{out}");
}
