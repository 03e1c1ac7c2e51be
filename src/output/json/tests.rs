use std::sync::Arc;

use crate::model::frame::Origin;
use serde_json::{Value, json};

use super::*;
use crate::model::observation::{Hop, Leg, Outcome};
use crate::model::segment::{Tunnel, TunnelKind};
use crate::model::stats::CutStats;
use crate::sample::{self, Shared, T0};

fn written(context: &Context, records: &[Observation]) -> String {
    let shared = Shared::default();
    let mut sink = JsonSink::new(Writer::new("memory", Box::new(shared.clone()), false), context);
    for record in records {
        assert!(sink.event(record).unwrap().is_continue());
    }
    sink.finish(&Snapshot::default()).unwrap();
    shared.text()
}

fn record(verbosity: u8, origins: Arc<[Origin]>, observation: &Observation) -> Value {
    let context = Context { origins, verbosity, ..Context::default() };
    serde_json::from_str(&written(&context, std::slice::from_ref(observation))).unwrap()
}

fn live(observation: &Observation) -> Value {
    record(0, sample::interface(), observation)
}

#[test]
fn a_record_is_one_line_with_these_members_in_this_order() {
    let context = Context { origins: sample::interface(), ..Context::default() };
    let expected = concat!(
        r#"{"@timestamp":"2026-10-09T10:31:07.402118000Z","ts":1791541867.402118,"schema_version":1,"#,
        r#""sni":"currency.default.dc2.internal.c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul","#,
        r#""event":{"kind":"event","category":["network"],"type":["connection","protocol"],"#,
        r#""action":"tls_handshake","outcome":"success","duration":5212345,"sequence":1},"#,
        r#""observer":{"hostname":"gw1","ingress":{"interface":{"name":"ens4"}}},"#,
        r#""source":{"ip":"10.42.0.17","port":41022},"destination":{"ip":"10.128.0.10","port":443},"#,
        r#""network":{"transport":"tcp","type":"ipv4","protocol":"tls"},"#,
        r#""tls":{"version":"1.3","version_protocol":"tls","cipher":"TLS_AES_128_GCM_SHA256","#,
        r#""curve":"x25519","established":true,"resumed":false},"#,
        r#""handshake":{"result":"ok","by":"server","latency_ms":4.6,"tcp_rtt_ms":0.54,"#,
        r#""total_ms":5.212345,"retransmits":0,"index":0,"hello_bytes":1742,"hello_segments":2,"#,
        r#""hello_records":1,"hello_digest":"00d19e5700d19f08","ech":"none"},"#,
        r#""mesh":{"kind":"consul-service","scheme":"consul","service":"currency","#,
        r#""namespace":"default","partition":"default","datacenter":"dc2","#,
        r#""trust_domain":"c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul","#,
        r#""hop":{"id":"b1b2b3b4b5b6b7b8","leg":"in"}}}"#,
        "\n"
    );
    assert_eq!(written(&context, &[sample::ok()]), expected);
}

#[test]
fn records_are_numbered_from_one() {
    let text = written(&Context::default(), &[sample::ok(), sample::hello_record(), sample::ok()]);
    let number = |line| serde_json::from_str::<Value>(line).unwrap()["event"]["sequence"].clone();
    assert_eq!(text.lines().map(number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn seconds_keep_six_decimals_and_nanoseconds_stay_in_the_timestamp() {
    let mut it = sample::ok();
    it.time = Timestamp::new(1_791_541_867, 400_000_009);
    let text = written(&Context::default(), &[it]);
    let head = r#"{"@timestamp":"2026-10-09T10:31:07.400000009Z","ts":1791541867.400000,"#;
    assert!(text.starts_with(head), "{text}");
}

#[test]
fn a_failure_says_why_in_a_sentence() {
    let reason = |outcome| live(&sample::failed(outcome))["event"]["reason"].clone();
    assert_eq!(reason(Outcome::Reset), "reset by server 0.6 ms after hello");
    assert_eq!(reason(Outcome::Alert), "alert unknown_ca by client 0.6 ms after hello");
    assert_eq!(reason(Outcome::Refused), "refused by server, 9 attempts");
    assert_eq!(reason(Outcome::Closed), "closed by server 0.6 ms after hello");
    assert_eq!(reason(Outcome::Timeout), "no answer in 10 s, 3 retransmits");
    assert_eq!(reason(Outcome::IncompleteHello), "hello begun and never whole");
    assert_eq!(reason(Outcome::NotSeen), "the answer is not in the capture");
    assert_eq!(reason(Outcome::Ok), Value::Null);
}

#[test]
fn the_categories_are_ecs() {
    let event = |record: &Observation| {
        let it = live(record);
        json!([it["event"]["action"], it["event"]["type"], it["event"]["outcome"]])
    };
    let of = |outcome| event(&sample::failed(outcome));
    assert_eq!(of(Outcome::Alert), json!(["tls_handshake", ["connection", "protocol", "denied"], "failure"]));
    assert_eq!(of(Outcome::Timeout), json!(["tls_handshake", ["connection", "protocol"], "failure"]));
    assert_eq!(of(Outcome::NotSeen), json!(["tls_handshake", ["connection", "protocol"], "unknown"]));
    let hello = event(&sample::hello_record());
    assert_eq!(hello, json!(["tls_client_hello", ["connection", "start"], "unknown"]));
    let end = event(&sample::end_record(Outcome::Ok));
    assert_eq!(end, json!(["tls_flow_end", ["connection", "end"], "success"]));
}

#[test]
fn an_alert_has_its_level_its_name_and_its_number() {
    let alert = live(&sample::failed(Outcome::Alert))["handshake"]["alert"].clone();
    assert_eq!(alert, json!({"level": "fatal", "description": "unknown_ca", "code": 48}));
}

#[test]
fn a_leg_out_says_how_long_the_gateway_took() {
    let mut out = sample::ok();
    out.hop = Some(Hop { leg: Leg::Out, gateway: Some(537_000) });
    let hop = live(&out)["mesh"]["hop"].clone();
    assert_eq!(hop, json!({"id": "b1b2b3b4b5b6b7b8", "leg": "out", "gateway_ms": 0.537}));
    out.hop = None;
    assert_eq!(live(&out)["mesh"]["hop"], json!({"id": "b1b2b3b4b5b6b7b8"}), "not known");
}

#[test]
fn a_hello_record_knows_the_hello_only() {
    let it = live(&sample::hello_record());
    let expected = json!({"index": 0, "hello_bytes": 1742, "hello_segments": 2, "hello_records": 1, "hello_digest": "00d19e5700d19f08", "ech": "none"});
    assert_eq!(it["handshake"], expected);
    assert_eq!((it.get("tls"), it["event"].get("duration")), (None, None));
}

#[test]
fn a_record_without_a_hello_has_no_name_no_mesh_and_no_client_port() {
    let it = record(2, sample::interface(), &sample::failed(Outcome::Refused));
    for absent in ["sni", "mesh", "tls"] {
        assert_eq!(it.get(absent), None, "{absent}");
    }
    assert_eq!(it["source"], json!({"ip": "10.42.0.17"}));
    assert_eq!(it["network"].get("community_id"), None);
    assert_eq!(it["handshake"]["attempts"], 9);
}

#[test]
fn a_hello_without_a_name_has_a_null() {
    let it = live(&Observation { name: Some(sample::no_name()), ..sample::ok() });
    assert_eq!((it.get("sni"), &it["mesh"]["kind"]), (Some(&Value::Null), &json!("none")));
}

#[test]
fn an_end_record_has_the_traffic_of_both_sides() {
    let it = live(&sample::end_record(Outcome::Ok));
    assert_eq!(it["source"], json!({"ip": "10.42.0.17", "port": 41022, "bytes": 2100, "packets": 12}));
    let server = json!({"ip": "10.128.0.10", "port": 443, "bytes": 5240, "packets": 9});
    assert_eq!(it["destination"], server);
}

#[test]
fn verbosity_adds_what_the_client_offered_and_then_its_random() {
    let none = live(&sample::ok());
    assert_eq!((none["tls"].get("client"), none["network"].get("community_id")), (None, None));
    let once = record(1, sample::interface(), &sample::rare());
    let client = json!({"server_name": "\u{1b}[2j\u{202e}.example", "version": "1.3", "alpn": ["a\\xff\"", "\\x0d\\x0a"]});
    assert_eq!(once["tls"]["client"], client);
    assert!(once["network"]["community_id"].as_str().unwrap().starts_with("1:"));
    assert_eq!(once["handshake"].get("random"), None);
    let twice = record(2, sample::interface(), &sample::ok());
    let random = twice["handshake"]["random"].as_str().unwrap();
    assert!(random.len() == 64 && random.starts_with("b1b2b3b4b5b6b7b8"), "{random}");
}

#[test]
fn rare_facts_stand_where_ecs_has_them() {
    let it = live(&sample::rare());
    assert_eq!((&it["network"]["type"], &it["source"]["ip"]), (&json!("ipv6"), &json!("2001:db8::17")));
    assert_eq!(it["network"]["vlan"], json!({"id": 100}));
    assert_eq!(it["network"]["inner"], json!({"vlan": {"id": 7}}));
    assert_eq!(it["network"]["tunnel"], json!({"type": "vxlan_gpe", "id": 5001}));
    let nameless = Observation { tunnel: Some(Tunnel::new(TunnelKind::Teredo, None)), ..sample::rare() };
    assert_eq!(live(&nameless)["network"]["tunnel"], json!({"type": "teredo"}));
    assert_eq!(it["capture"], json!({"truncated": true, "gap": true, "conflict": true}));
    assert_eq!((&it["handshake"]["index"], &it["handshake"]["ech"]), (&json!(1), &json!("grease_or_real")));
    assert_eq!((&it["handshake"]["hello_retry"], &it["tls"]["next_protocol"]), (&json!(true), &json!("h2")));
}

#[test]
fn a_hello_that_is_not_tls_has_a_name_and_none_of_tls() {
    use crate::model::observation::Action;

    let it = record(2, sample::interface(), &sample::not_tls(Action::Handshake));
    assert_eq!((&it["network"]["protocol"], &it["network"]["transport"]), (&json!("gquic"), &json!("udp")));
    assert_eq!((&it["mesh"]["service"], &it["handshake"]["result"]), (&json!("currency"), &json!("ok")));
    assert_eq!((it.get("tls"), it["mesh"].get("hop"), it["handshake"].get("index")), (None, None, None));
    let hello = live(&sample::not_tls(Action::Hello));
    assert_eq!((&hello["mesh"]["service"], hello.get("handshake")), (&json!("currency"), None));
}

#[test]
fn a_file_is_told_by_name_and_packet_and_an_interface_is_not() {
    let it = record(0, sample::file(), &sample::ok());
    assert_eq!(it["capture"], json!({"file": "gw1.pcap", "packet": 4}));
    assert_eq!(it["observer"], json!({"hostname": "gw1"}));
    assert_eq!(live(&sample::ok()).get("capture"), None);
}

#[test]
fn counters_are_records_when_asked_for() {
    let shared = Shared::default();
    let writer = || Writer::new("memory", Box::new(shared.clone()), true);
    let mut snapshot = Snapshot { now: T0, ..Snapshot::default() };
    snapshot.stats.packets = 10_422;
    snapshot.stats.dropped_by_app = 3;
    (snapshot.stats.source.received, snapshot.stats.flows.ech) = (10_423, 7);
    snapshot.stats.source.cut = Some(CutStats { packets: 5, bytes: 7000 });
    let origins = sample::interface();
    let mut quiet = JsonSink::new(writer(), &Context { origins: Arc::clone(&origins), ..Context::default() });
    assert!(quiet.tick(&snapshot).unwrap().is_continue());
    quiet.finish(&snapshot).unwrap();
    assert_eq!(shared.text(), "");
    let context = Context { origins, emit_stats: true, last_stats: true, ..Context::default() };
    let mut sink = JsonSink::new(writer(), &context);
    assert!(sink.tick(&snapshot).unwrap().is_continue());
    sink.finish(&snapshot).unwrap();
    let lines: Vec<Value> = shared.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["@timestamp"], "2026-10-09T10:31:07.402118000Z");
    assert_eq!(lines[0]["event"]["action"], "capture_stats");
    assert_eq!((&lines[0]["event"]["sequence"], &lines[1]["event"]["sequence"]), (&json!(1), &json!(2)));
    assert_eq!(lines[0]["capture"]["packets"], 10_422);
    assert_eq!(
        (&lines[0]["capture"]["cut_packets"], &lines[0]["capture"]["cut_bytes"]),
        (&json!(5), &json!(7000))
    );
    assert_eq!(lines[0]["capture"]["received_by_filter"], 10_423);
    assert_eq!((&lines[0]["capture"]["dropped_by_app"], &lines[0]["flows"]["ech"]), (&json!(3), &json!(7)));
}

#[test]
fn a_closed_pipe_stops_the_run_and_is_no_error() {
    let (reader, pipe) = std::io::pipe().unwrap();
    drop(reader);
    let context = Context { last_stats: true, ..Context::default() };
    let mut sink = JsonSink::new(Writer::new("pipe", Box::new(pipe), true), &context);
    assert!(sink.event(&sample::ok()).unwrap().is_break());
    sink.finish(&Snapshot::default()).unwrap();
}
