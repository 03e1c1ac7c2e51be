use super::fields::Problem;
use super::file::{Read, understand};
use super::report::Expectation;
use super::resolve::Resolvers;
use super::target::{Intent, Role};
use super::watch::Watch;
use crate::model::frame::Timestamp;
use crate::model::hello::Sni;
use crate::model::observation::{Action, Hop, Leg, Observation};
use crate::naming::Namer;
use crate::sample;

use std::path::Path;
use std::sync::Arc;

const TD: &str = "1c053652-8512-4373-90cf-5a7f6263a994.consul";

/// The intents of files that stand beside each other.
fn intents(files: &[&str], local: Option<&str>) -> Result<Vec<Intent>, Problem> {
    let mut resolvers = Resolvers::new(local);
    let mut all = Vec::new();
    for file in files {
        match understand("file", file.as_bytes())? {
            Read::Resolvers(entries) => {
                resolvers.add(Path::new("file"), entries).map_err(|error| error.to_string())?;
            }
            Read::Intents(read) => all.extend(read),
        }
    }
    all.splice(0..0, resolvers.intents().map_err(|error| error.to_string())?);
    Ok(all)
}

/// `role name` of each target of the first intent.
fn targets(files: &[&str], local: Option<&str>) -> Vec<String> {
    lines(&intents(files, local).unwrap()[0])
}

fn lines(intent: &Intent) -> Vec<String> {
    let line = |target: &super::target::Target| format!("{} {}", target.role.name(), target.names);
    intent.targets.iter().map(|target| line(target).replace(TD, "<td>")).collect()
}

fn problem(file: &str) -> String {
    intents(&[file], Some("dc1")).unwrap_err()
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("{}/fixtures/mesh/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn a_resolver_in_hcl_and_in_json_is_the_same() {
    let json = r#"{"Kind":"service-resolver","Name":"currency","Partition":"default","Namespace":"default",
        "ConnectTimeout":"5s","Failover":{"*":{"Datacenters":["dc2","dc3"]}},"CreateIndex":7,"ModifyIndex":7}"#;
    let expected = [
        "primary currency.default.dc1.internal.*",
        "failover currency.default.dc2.internal.*",
        "failover currency.default.dc3.internal.*",
    ];
    assert_eq!(targets(&[&fixture("currency.hcl")], Some("dc1")), expected);
    assert_eq!(targets(&[json], Some("dc1")), expected);
    // the same in the older style of a block, with other comments
    let block = r#"kind = "service-resolver" // an entry
        name = "Currency" /* of { dc1 */
        failover { "*" = { datacenters = ["dc2", "dc3"] } }"#;
    let object = block.replace("failover {", "failover = {");
    assert!(problem(block).contains("neither JSON nor HCL: line 3, column 20"), "{}", problem(block));
    assert_eq!(targets(&[&object], Some("dc1")), expected);
    assert_eq!(targets(&[&object], None)[0], "primary currency.default.*.internal.*");
}

#[test]
fn subsets_have_names_and_failovers_of_their_own() {
    let file = r#"
        Kind          = "service-resolver"
        Name          = "web"
        DefaultSubset = "v1"
        Subsets = {
          "v1" = { Filter = "Service.Meta.version == v1" }
          "v2" = { Filter = "Service.Meta.version == v2", OnlyPassing = true }
          "v3" = {}
        }
        Failover = {
          "v2" = { ServiceSubset = "v1" }
          "*"  = { Targets = [{ Datacenter = "dc2" }, { Service = "web-backup" }, { Peer = "cluster-02" }] }
        }"#;
    assert_eq!(
        targets(&[file], Some("dc1")),
        [
            "primary v1.web.default.dc1.internal.*",
            "failover v1.web.default.dc2.internal.*",
            "failover web-backup.default.dc1.internal.*",
            "failover v1.web.default.*.*.external.*",
            "subset v2.web.default.dc1.internal.*",
            "subset v3.web.default.dc1.internal.*",
            "failover v3.web.default.dc2.internal.*",
            "failover v3.web.default.*.*.external.*",
        ]
    );
}

#[test]
fn redirects_are_followed_over_files_and_end_with_the_last_ones_failover() {
    let first =
        r#"{"Kind":"service-resolver","Name":"web","Redirect":{"Service":"shop","Datacenter":"dc3"}}"#;
    let second = r#"[{"Kind":"service-resolver","Name":"shop","DefaultSubset":"blue","Subsets":{"blue":{}},
        "Failover":{"*":{"Service":"shop-backup","Datacenters":["dc1"]}}}]"#;
    let expected =
        ["primary blue.shop.default.dc3.internal.*", "failover shop-backup.default.dc1.internal.*"];
    assert_eq!(targets(&[first, second], Some("dc1")), expected);
    let all = intents(&[second, first], Some("dc1")).unwrap();
    assert_eq!(lines(&all[1]), expected, "in any order");
    // without the other entry, the other service has none
    assert_eq!(targets(&[first], Some("dc1")), ["primary shop.default.dc3.internal.*"]);
    // to another datacenter only
    assert_eq!(targets(&[&fixture("redirect.json")], None), ["primary currency.default.dc2.internal.*"]);
    // another partition, and a sameness group that the entry only names
    let far =
        r#"{"Kind":"service-resolver","Name":"web","Redirect":{"Namespace":"Team","Partition":"east"}}"#;
    assert_eq!(targets(&[far], Some("dc1")), ["primary web.team.east.dc1.internal-v1.*"]);
    let same = r#"{"Kind":"service-resolver","Name":"web","Failover":{"*":{"SamenessGroup":"all"}}}"#;
    let expected = ["primary web.default.dc1.internal.*", "failover web.default.*.internal.*"];
    assert_eq!(targets(&[same], Some("dc1")), expected);

    let circle = |from: &str, to: &str| {
        format!(r#"{{"Kind":"service-resolver","Name":"{from}","Redirect":{{"Service":"{to}"}}}}"#)
    };
    let error = intents(&[&circle("a", "b"), &circle("b", "a")], None).unwrap_err();
    assert_eq!(error, "--expect file: redirects of a that go round in a circle");
    let error = intents(&[first, first], None).unwrap_err();
    assert_eq!(error, "--expect file: a second service-resolver of web");
}

#[test]
fn a_discovery_chain_is_followed_from_its_start() {
    let names = ["primary currency.default.dc1.internal.<td>", "failover currency.default.dc2.internal.<td>"];
    assert_eq!(targets(&[&fixture("chain.json")], None), names);
    // a router before a splitter; a peer, whose name the answer does not have; a node that nothing leads to
    let file = r#"{"Chain":{"ServiceName":"web","Namespace":"default","Datacenter":"dc1","StartNode":"router:web.default.default",
      "Nodes":{
       "router:web.default.default":{"Type":"router","Routes":[
          {"Definition":{"Match":{"HTTP":{"PathPrefix":"/admin"}}},"NextNode":"resolver:Admin.default.default.dc1"},
          {"NextNode":"splitter:web.default.default"}]},
       "splitter:web.default.default":{"Type":"splitter","Splits":[
          {"Weight":90,"NextNode":"resolver:v1.web.default.default.dc1"},
          {"Weight":10,"NextNode":"resolver:v2.web.default.default.dc1"}]},
       "resolver:Admin.default.default.dc1":{"Type":"resolver","Resolver":{"Target":"Admin.default.default.dc1"}},
       "resolver:v1.web.default.default.dc1":{"Type":"resolver","Resolver":{"Target":"v1.web.default.default.dc1",
          "Failover":{"Targets":["web.default.default.external.cluster-01"]}}},
       "resolver:v2.web.default.default.dc1":{"Type":"resolver","Resolver":{"Target":"v2.web.default.default.dc1","Failover":null}},
       "resolver:old.default.default.dc1":{"Type":"resolver","Resolver":{"Target":"old.default.default.dc1"}}},
      "Targets":{
       "Admin.default.default.dc1":{"ID":"a","SNI":"admin.example.com","External":true},
       "v1.web.default.default.dc1":{"Service":"web","ServiceSubset":"v1","SNI":"v1.web.default.dc1.internal.TD"},
       "v2.web.default.default.dc1":{"Service":"web","ServiceSubset":"v2","Datacenter":"dc1"},
       "old.default.default.dc1":{"Service":"old","SNI":"old.default.dc1.internal.TD"},
       "web.default.default.external.cluster-01":{"Service":"web","Peer":"cluster-01","SNI":""}}}}"#
        .replace("TD", TD);
    let lower =
        file.replace("\"Admin.default.default.dc1\":{\"ID\"", "\"admin.default.default.dc1\":{\"ID\"");
    assert_eq!(
        targets(&[&lower], None),
        [
            "primary admin.example.com",
            "primary v1.web.default.dc1.internal.<td>",
            "primary v2.web.default.dc1.internal.*",
            "failover web.default.*.*.external.*",
        ]
    );
    assert_eq!(targets(&[&file], None), targets(&[&lower], None), "whatever the case of an identity");

    let chain = |rest: &str| format!(r#"{{"Chain":{{"ServiceName":"web",{rest}}}}}"#);
    let node = r#""Nodes":{"r":{"Resolver":{"Target":"gone"}}}"#;
    assert_eq!(problem(&chain(node)), "the target gone is used, and is not in Chain.Targets");
    assert_eq!(
        problem(&chain(r#""StartNode":"x","Nodes":{}"#)),
        "the node x is used, and is not in Chain.Nodes"
    );
    assert_eq!(problem(r#"{"Chain":{"Nodes":{}}}"#), "Chain.ServiceName is missing");
    assert_eq!(problem(r#"{"Chain":7}"#), "Chain: an object is due, a number stands there");
    let circle = chain(r#""StartNode":"a","Nodes":{"a":{"Splits":[{"NextNode":"a"}]}},"Targets":{}"#);
    assert!(targets(&[&circle], None).is_empty(), "a circle ends");
}

#[test]
fn a_sidecars_dump_tells_what_it_sends_by_service() {
    let all = intents(&[&fixture("sidecar.config_dump.json")], None).unwrap();
    let told: Vec<_> = all.iter().map(|intent| (intent.scope.service(), lines(intent))).collect();
    let currency =
        ["primary currency.default.dc1.internal.<td>", "failover currency.default.dc2.internal.<td>"];
    assert_eq!(
        told,
        [
            (Some("currency"), currency.map(str::to_owned).to_vec()),
            (Some("shipping"), vec!["primary shipping.default.dc2.internal.<td>".to_owned()]),
        ]
    );
    // Consul before aggregate clusters: the cluster keeps its name, its sni is of the healthy datacenter
    let old = |sni: &str| {
        let cluster = "hash~currency.default.dc1.internal.TD";
        let socket = format!(r#""transport_socket":{{"name":"tls","typed_config":{{"sni":"{sni}"}}}}"#);
        let cluster = format!(r#"{{"cluster":{{"name":"{cluster}",{socket}}}}}"#);
        format!(r#"{{"configs":[{{"dynamic_active_clusters":[{cluster}]}}]}}"#).replace("TD", TD)
    };
    assert_eq!(targets(&[&old("currency.default.dc2.internal.TD")], None), currency);
    assert_eq!(targets(&[&old("currency.default.dc1.internal.TD")], None), currency[..1]);
    // an external service: the cluster's name is never sent
    assert_eq!(targets(&[&old("rates.example.com")], None), ["primary rates.example.com"]);
    // Envoy before 1.14
    let older = r#"{"configs":[{"cluster":{"name":"x","tls_context":{"sni":"a.example"}}}]}"#;
    assert_eq!(targets(&[older], None), ["primary a.example"]);
}

#[test]
fn a_gateways_dump_tells_what_it_passes_on() {
    let all = intents(&[&fixture("gateway.config_dump.json")], None).unwrap();
    assert_eq!(
        (all.len(), lines(&all[0])),
        (
            1,
            [
                "route *.dc2.internal.<td>",
                "route currency.default.dc1.internal.<td>",
                "route payments.default.dc1.internal.<td>"
            ]
            .map(str::to_owned)
            .to_vec()
        )
    );
    assert_eq!(all[0].scope.service(), None);
}

#[test]
fn a_file_that_is_not_what_it_says_is_told_with_what_it_is() {
    let due = "; a service-resolver, a /v1/discovery-chain answer or an Envoy /config_dump is due";
    let is = |file: &str, expected: &str| assert_eq!(problem(file), expected.replace("DUE", due), "{file}");
    is("", "emptyDUE");
    is("\u{feff} \n", "emptyDUE");
    is("[]", "an empty listDUE");
    is("[7]", "an object is due, a number stands there");
    is("{}", "an object without membersDUE");
    is(r#"{"a":1,"b\u001b[2J":2,"c":3,"d":4}"#, "an object with a, b\\u{1b}[2J, c and othersDUE");
    is(r#"{"Kind":"service-router","Name":"web"}"#, "a service-router, where a service-resolver is due");
    is(r#"[{"Name":"web"}]"#, "an object without Kind, where a service-resolver is due");
    is(
        r#"{"kind":"ServiceResolver","apiVersion":"consul.hashicorp.com/v1alpha1"}"#,
        "a Kubernetes resource; what `consul config read` prints of it is due",
    );
    is(r#"{"Kind":"service-resolver"}"#, "a service-resolver without Name");
    is(r#"{"Kind":"service-resolver","Name":["a"]}"#, "Name: a text is due, a list stands there");
    let failover =
        |places: &str| format!(r#"{{"Kind":"service-resolver","Name":"web","Failover":{places}}}"#);
    is(&failover("true"), "Failover: an object is due, true or false stands there");
    is(
        &failover(r#"{"*":{"Datacenters":"dc2"}}"#),
        "Failover.*.Datacenters: a list is due, a text stands there",
    );
    is(
        &failover(r#"{"*":{"Datacenters":[2]}}"#),
        "Failover.*.Datacenters: a list of texts is due, a number stands there",
    );
    is(
        &failover(r#"{"*":{"Targets":["dc2"]}}"#),
        "Failover.*.Targets: an object is due, a text stands there",
    );
    is(r#"{"configs":[]}"#, "a config_dump without clusters and listeners");
    is(
        r#"{"configs":[{"cluster":{"name":"local_app"}}]}"#,
        "a config_dump whose clusters send no server name",
    );
    is("{\"Kind\":", "no JSON: EOF while parsing a value at line 1 column 8");
    let text = problem("rpc error: Permission denied");
    assert!(text.starts_with("neither JSON nor HCL: line 1, column 10: ") && text.ends_with(due), "{text}");
    assert!(understand("file", b"\x0a\x0d\x0d\x0a\x80").unwrap_err().starts_with("not text; "));
}

#[test]
fn hostile_files_end_with_a_message() {
    for depth in [17, 100, 2_000, 60_000 / 11] {
        let file = format!("a = {}1{}", "[for a in ".repeat(depth), "]".repeat(depth));
        assert!(problem(&file).contains("brackets nested deeper than 16"), "{depth}");
        // what seems to close them is a comment, or a text
        let hidden = format!("a = {}1", "[for a in \"]\" : /*]*/".repeat(depth));
        assert!(
            problem(&hidden[..hidden.len().min(64 << 10)]).contains("brackets nested deeper than 16"),
            "{depth}"
        );
    }
    // as deep as is let through, on the small stack of a test
    let deepest = format!("a = {}1{}", "[for a in b : ".repeat(16), "]".repeat(16));
    assert!(problem(&deepest).contains("due"));
    assert!(problem("a = \"${b}\"").contains("a template"));
    assert!(problem("a = <<X\n]\nX").contains("a here-document"));
    assert!(problem(&"a = 1\n".repeat(20_000)).contains("more than 64 KiB"));
    let text = problem(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert!(text.starts_with("no JSON: recursion limit exceeded"), "{text}");
    let text = problem(&format!("{{\"configs\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000)));
    assert!(text.starts_with("no JSON: recursion limit exceeded"), "{text}");
}

/// A handshake of a client, seconds after the first.
fn record(second: u64, client: u8, sni: &str) -> Observation {
    let mut record = sample::ok();
    record.time = Timestamp(sample::T0.0 + second * 1_000_000_000);
    record.flow = sample::flow(&format!("10.0.0.{client}"), (40_000, 443), "10.128.0.10");
    let name = Namer::default().classify(Sni::Name { bytes: sni.replace("TD", TD).as_bytes(), more: false });
    record.name = Some(Arc::new(name));
    record.hop = Some(Hop { leg: Leg::In, gateway: None });
    record
}

/// `role name connections clients: current` of each row.
fn rows(expectation: &Expectation) -> Vec<String> {
    let row = |row: &super::report::Row| {
        let current: Vec<String> = row.current.iter().map(ToString::to_string).collect();
        let name = row.name.replace(TD, "<td>");
        format!("{} {name} {} {}: {}", row.role.name(), row.connections, row.clients, current.join(" "))
    };
    expectation.rows.iter().map(row).collect()
}

#[test]
fn names_are_counted_by_what_they_are_for_and_clients_by_what_they_asked_last() {
    let files = [fixture("currency.hcl")];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let mut watch = Watch::new(intents(&files, Some("dc1")).unwrap());
    let (dc1, dc2) = ("currency.default.dc1.internal.TD", "Currency.default.dc2.internal.TD");
    for (second, client, sni) in [
        (0, 1, dc1),
        (1, 2, dc1),
        (3, 1, dc2),
        (2, 1, dc1), // told late
        (4, 3, "currency.default.dc9.internal.TD"),
        (5, 3, "v2.currency.default.dc1.internal.TD"),
        (6, 4, "shipping.default.dc2.internal.TD"),
        (7, 4, "currency.other.dc2.internal.TD"),
        (8, 4, "currency.example.com"),
    ] {
        watch.observe(&record(second, client, sni));
    }
    let mut out = record(9, 9, dc2);
    out.hop = Some(Hop { leg: Leg::Out, gateway: Some(1) });
    watch.observe(&out);
    watch.observe(&Observation { action: Action::Hello, ..record(9, 8, dc2) });
    watch.observe(&Observation { name: None, ..record(9, 8, dc2) });
    let report = watch.report();
    assert_eq!(
        rows(&report[0]),
        [
            "primary currency.default.dc1.internal.* 3 2: 10.0.0.2",
            "failover currency.default.dc2.internal.* 1 1: 10.0.0.1",
            "failover currency.default.dc3.internal.* 0 0: ",
            "unexpected currency.default.dc9.internal.<td> 1 1: ",
            "unexpected v2.currency.default.dc1.internal.<td> 1 1: 10.0.0.3",
        ]
    );
    let only = &report[0];
    assert_eq!((only.expected(), only.never_seen().count(), report.len()), (3, 1, 1));
    let current: Vec<_> = only.current().collect();
    assert_eq!(current, [(Role::Primary, 1), (Role::Failover, 1), (Role::Unexpected, 1)]);
    let (first, last) = only.rows[0].span.unwrap();
    assert_eq!((first, last.since(first)), (sample::T0, 2_000_000_000));
}

#[test]
fn a_redirect_makes_the_old_name_an_unexpected_one() {
    let mut watch = Watch::new(intents(&[&fixture("redirect.json")], Some("dc1")).unwrap());
    for (second, client, sni) in
        [(0, 1, "currency.default.dc1.internal.TD"), (1, 2, "currency.default.dc2.internal.TD")]
    {
        watch.observe(&record(second, client, sni));
    }
    assert_eq!(
        rows(&watch.report()[0]),
        [
            "primary currency.default.dc2.internal.* 1 1: 10.0.0.2",
            "unexpected currency.default.dc1.internal.<td> 1 1: 10.0.0.1",
        ]
    );
}

/// Dotted services can be read in two ways, peers and partitions have forms of their own.
#[test]
fn every_form_of_a_name_finds_its_target() {
    let file = r#"[{"Kind":"service-resolver","Name":"my.svc","DefaultSubset":"v1","Subsets":{"v1":{}},
        "Failover":{"*":{"Targets":[{"Peer":"west"},{"Partition":"east"}]}}},
        {"Kind":"service-resolver","Name":"my.web"}]"#;
    let mut watch = Watch::new(intents(&[file], None).unwrap());
    for sni in [
        "v1.my.svc.default.dc7.internal.TD",
        "v1.my.svc.default.default.exporter-to-us.external.TD",
        "v1.my.svc.default.east.dc1.internal-v1.TD",
        "my.svc.default.dc1.internal.TD",
        "my.web.default.dc1.internal.TD",
        "web.default.dc1.internal.TD",
    ] {
        watch.observe(&record(0, 1, sni));
    }
    let report = watch.report();
    let counts = |of: &Expectation| -> Vec<(Role, u64)> {
        of.rows.iter().map(|row| (row.role, row.connections)).collect()
    };
    let unexpected = (Role::Unexpected, 1);
    assert_eq!(
        counts(&report[0]),
        [(Role::Primary, 1), (Role::Failover, 1), (Role::Failover, 1), unexpected]
    );
    assert_eq!(counts(&report[1]), [(Role::Primary, 1)]);
}

#[test]
fn a_gateway_has_no_way_for_other_names_of_the_mesh() {
    let mut watch = Watch::new(intents(&[&fixture("gateway.config_dump.json")], None).unwrap());
    for sni in [
        "currency.default.dc1.internal.TD",
        "anything.default.dc2.internal.TD",
        "more.default.dc2.internal.TD",
        "nosuch.default.dc1.internal.TD",
        "server.dc1.consul",
        "www.example.com",
    ] {
        watch.observe(&record(0, 1, sni));
    }
    assert_eq!(
        rows(&watch.report()[0]),
        [
            "route *.dc2.internal.<td> 2 1: ",
            "route currency.default.dc1.internal.<td> 1 1: ",
            "route payments.default.dc1.internal.<td> 0 0: ",
            "unexpected nosuch.default.dc1.internal.<td> 1 1: ",
            "unexpected server.dc1.consul 1 1: 10.0.0.1",
        ]
    );
}

#[test]
fn what_is_remembered_has_bounds() {
    let mut watch = Watch::new(intents(&[&fixture("gateway.config_dump.json")], None).unwrap());
    for number in 0..70_000_u32 {
        watch.observe(&record(0, 1, &format!("s{number}.default.dc9.internal.TD")));
    }
    // after the memory of names began anew, those with a row are still known
    watch.observe(&record(0, 1, "s7.default.dc9.internal.TD"));
    let report = watch.report();
    assert_eq!(report[0].rows.len(), 3 + 1024);
    assert_eq!(report[0].unlisted, 70_000 - 1024);
    let seven = report[0].rows.iter().find(|row| row.name.starts_with("s7.")).unwrap();
    assert_eq!(seven.connections, 2);

    let mut watch = Watch::new(intents(&[&fixture("chain.json")], None).unwrap());
    let mut one = record(0, 1, "currency.default.dc1.internal.TD");
    for number in 0..262_144 + 5_u32 {
        let ip = std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string();
        one.flow = sample::flow(&ip, (40_000, 443), "10.128.0.10");
        watch.observe(&one);
    }
    assert_eq!((watch.uncounted, watch.report()[0].rows[0].clients), (5, 262_144));
}
