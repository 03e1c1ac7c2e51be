use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::model::name::{Field, IMPLIED};

/// Trust domain of the made-up cluster; `<td>` in the tables below.
const TD: &str = "5a5e0000-1111-4222-8333-444455556666.consul";

/// Name, kind, fields, flags.
type Row = (&'static str, &'static str, &'static str, &'static str);

const CONSUL: &[Row] = &[
    // Services of the default partition: datacenter last, then namespace.
    ("till.default.oslo.internal.<td>", "consul-service", "till - default default oslo - <td>", ""),
    ("till.shop.dc_2-b.internal.<td>", "consul-service", "till - shop default dc_2-b - <td>", ""),
    ("internal.default.oslo.internal.<td>", "consul-service", "internal - default default oslo - <td>", ""),
    ("oslo.default.rome.internal.<td>", "consul-service", "oslo - default default rome - <td>", ""),
    ("-x/y_z.default.oslo.internal.<td>", "consul-service", "-x/y_z - default default oslo - <td>", ""),
    (
        "v9.till.default.oslo.internal.<td>",
        "consul-service",
        "till v9 default default oslo - <td>",
        "ambiguous",
    ),
    (
        "7.till.default.oslo.internal.<td>",
        "consul-service",
        "till 7 default default oslo - <td>",
        "ambiguous",
    ),
    (
        "a--b.till.default.oslo.internal.<td>",
        "consul-service",
        "till a--b default default oslo - <td>",
        "ambiguous",
    ),
    // What cannot be a subset belongs to the service's name, and then nothing is a guess.
    ("my_x.till.default.oslo.internal.<td>", "consul-service", "my_x.till - default default oslo - <td>", ""),
    ("-a.till.default.oslo.internal.<td>", "consul-service", "-a.till - default default oslo - <td>", ""),
    ("a-.till.default.oslo.internal.<td>", "consul-service", "a-.till - default default oslo - <td>", ""),
    (
        "a.b.c.default.oslo.internal.<td>",
        "consul-service",
        "a.b.c - default default oslo - <td>",
        "ambiguous",
    ),
    ("a_.b.c.default.oslo.internal.<td>", "consul-service", "a_.b.c - default default oslo - <td>", ""),
    // Gateways, and forms that do not exist though a gateway would route them.
    ("oslo.internal.<td>", "consul-gateway", "- - - - oslo - <td>", ""),
    ("default.oslo.internal.<td>", "consul-unknown", "- - - - oslo - <td>", ""),
    ("internal.<td>", "consul-unknown", "- - - - - - <td>", ""),
    // A partition of its own: the marker tells four labels from a subset.
    ("till.default.part.oslo.internal-v1.<td>", "consul-service", "till - default part oslo - <td>", ""),
    (
        "v9.till.shop.part.oslo.internal-v1.<td>",
        "consul-service",
        "till v9 shop part oslo - <td>",
        "ambiguous",
    ),
    ("a.b.c.shop.part.oslo.internal-v1.<td>", "consul-service", "a.b.c - shop part oslo - <td>", "ambiguous"),
    ("part.oslo.internal-v1.<td>", "consul-gateway", "- - - part oslo - <td>", ""),
    ("oslo.internal-v1.<td>", "consul-unknown", "- - - - oslo - <td>", ""),
    ("shop.part.oslo.internal-v1.<td>", "consul-unknown", "- - - - oslo - <td>", ""),
    ("internal-v1.<td>", "consul-unknown", "- - - - - - <td>", ""),
    // Peers have no datacenter, whatever they are called.
    ("till.default.default.oslo.external.<td>", "consul-peered", "till - default default - oslo <td>", ""),
    ("a.till.shop.part.ally.external.<td>", "consul-peered", "a.till - shop part - ally <td>", "ambiguous"),
    ("till.default.ally.external.<td>", "consul-unknown", "- - - - - ally <td>", ""),
    ("default.ally.external.<td>", "consul-unknown", "- - - - - ally <td>", ""),
    ("ally.external.<td>", "consul-unknown", "- - - - - ally <td>", ""),
    ("external.<td>", "consul-unknown", "- - - - - - <td>", ""),
    // Prepared queries and the peering control plane.
    ("near.default.oslo.query.<td>", "consul-query", "near - default - oslo - <td>", ""),
    ("near.by.default.oslo.query.<td>", "consul-query", "near.by - default - oslo - <td>", ""),
    ("default.oslo.query.<td>", "consul-unknown", "- - - - - - <td>", ""),
    ("server.oslo.peering.<td>", "consul-peering-server", "- - - - oslo - <td>", ""),
    ("till.oslo.peering.<td>", "consul-unknown", "- - - - - - <td>", ""),
    ("server.x.oslo.peering.<td>", "consul-unknown", "- - - - - - <td>", ""),
    // Markers that nobody knows yet.
    ("till.default.oslo.internal-v2.<td>", "consul-unknown", "- - - - - - <td>", ""),
    ("<td>", "other", "", ""),
    // Trust domains of tests.
    (
        "till.default.oslo.internal.acme.consul",
        "consul-service",
        "till - default default oslo - acme.consul",
        "not_uuid",
    ),
    (
        "v9.till.default.oslo.internal.acme.consul",
        "consul-service",
        "till v9 default default oslo - acme.consul",
        "not_uuid,ambiguous",
    ),
    (
        "till.default.default.ally.external.acme.consul",
        "consul-peered",
        "till - default default - ally acme.consul",
        "not_uuid",
    ),
    ("server.oslo.peering.acme.consul", "consul-peering-server", "- - - - oslo - acme.consul", "not_uuid"),
    ("internal.acme.consul", "other", "", ""),
    ("till.oslo.peering.acme.consul", "other", "", ""),
    // Injection: only the last marker and trust domain count.
    (
        "x.oslo.internal.<td>.rome.internal.<td>",
        "consul-service",
        "x.oslo.internal.5a5e0000-1111-4222-8333-444455556666 - consul default rome - <td>",
        "ambiguous",
    ),
    ("till.default.oslo.internal.<td>.example", "other", "", ""),
    ("till.default.oslo.internal.shop.example", "other", "", ""),
    ("tillconsul", "other", "", ""),
    // Servers; a node may be called by a host name.
    ("server.oslo.consul", "consul-server", "- - - - oslo - -", ""),
    ("n1.server.oslo.consul", "consul-server", "n1 - - - oslo - -", ""),
    ("n1.ec2.internal.server.oslo.consul", "consul-server", "n1.ec2.internal - - - oslo - -", ""),
    ("server.os+lo.consul", "other", "", ""),
    ("server.oslo.corp.example", "other", "", ""),
];

const CONSUL_DNS: &[Row] = &[
    ("server.service.consul", "consul-dns", "server - - - - - -", ""),
    ("till.service.consul", "consul-dns", "till - - - - - -", ""),
    ("blue.till.service.oslo.consul", "consul-dns", "till blue - - oslo - -", ""),
    ("a.b.till.service.consul", "consul-dns", "till a.b - - - - -", ""),
    ("till.service.shop.ns.part.ap.oslo.dc.consul", "consul-dns", "till - shop part oslo - -", ""),
    ("till.service.shop.oslo.consul", "consul-dns", "till - shop - oslo - -", ""),
    ("till.service.shop.ns.oslo.consul", "consul-dns", "till - shop - oslo - -", ""),
    ("till.service.trio.sg.consul", "consul-dns", "till - - - - - -", ""),
    ("till.virtual.shop.ns.ally.peer.consul", "consul-dns", "till - shop - - ally -", ""),
    ("till.virtual.ally.consul", "consul-dns", "till - - - - ally -", ""),
    ("till.connect.consul", "consul-dns", "till - - - - - -", ""),
    ("till.ingress.oslo.consul", "consul-dns", "till - - - oslo - -", ""),
    ("n1.ec2.internal.node.oslo.consul", "consul-dns", "n1.ec2.internal - - - oslo - -", ""),
    ("near.by.query.oslo.consul", "consul-dns", "near.by - - - oslo - -", ""),
    ("c0000207.addr.oslo.consul", "consul-dns", "c0000207 - - - oslo - -", ""),
    ("_till._tcp.service.consul", "consul-dns", "till - - - - - -", ""),
    ("_till._blue.service.oslo.consul", "consul-dns", "till blue - - oslo - -", ""),
    ("admin.port.till.service.consul", "consul-dns", "till - - - - - -", ""),
    ("service.service.consul", "consul-dns", "service - - - - - -", ""),
    // Words of the mesh grammar as values of the DNS grammar.
    ("till.service.internal.ns.consul", "consul-dns", "till - internal - - - -", ""),
    ("till.virtual.external.peer.consul", "consul-dns", "till - - - - external -", ""),
    ("till.service.server.dc.consul", "consul-dns", "till - - - server - -", ""),
    ("till.internal.service.consul", "consul-dns", "internal till - - - - -", ""),
    // No such form.
    ("service.consul", "other", "", ""),
    ("till.service.a.b.c.consul", "other", "", ""),
    ("till.service.shop.ns.a.b.consul", "other", "", ""),
    ("till.oslo.consul", "other", "", ""),
];

const OTHERS: &[Row] = &[
    ("server.north.nomad", "nomad", "server - - - north - -", ""),
    ("client.north.nomad", "nomad", "client - - - north - -", ""),
    ("leader.north.nomad", "other", "", ""),
    ("server.north.x.nomad", "other", "", ""),
    ("server.nomad", "other", "", ""),
    ("outbound_.443_.v9_.till.example", "istio", "till.example v9 - - - - -", ""),
    ("outbound_.443_._.till.shop.svc.cluster.local", "istio", "till - shop - - - -", ""),
    ("inbound_.80_.v9_.till.shop.svc.k8s.example", "istio", "till v9 shop - - - -", ""),
    ("outbound|443|v9|till.example", "other", "", ""),
    ("outbound_.https_.v9_.till.example", "other", "", ""),
    ("outbound_.70000_.v9_.till.example", "other", "", ""),
    ("outbound_.443_.v9.till.example", "other", "", ""),
    ("sideways_.443_.v9_.till.example", "other", "", ""),
    ("bot.shop.serviceaccount.identity.linkerd.corp.example", "linkerd", "bot - shop - - - corp.example", ""),
    ("a.bot.shop.serviceaccount.identity.l5d.td", "linkerd", "a.bot - shop - - - td", ""),
    ("shop.serviceaccount.identity.linkerd.td", "other", "", ""),
    ("bot.shop.serviceaccount.identity.linkerd", "other", "", ""),
    ("till{app=till}", "kuma-tags", "till - - - - - -", ""),
    ("till.shop{app=till,kuma.io/zone=z.1,x=}", "kuma-tags", "till.shop - - - - - -", ""),
    ("till", "other", "", ""),
    ("till{}", "malformed", "", "kuma_tags"),
    ("till{app}", "malformed", "", "kuma_tags"),
    ("till{app=a,=b}", "malformed", "", "kuma_tags"),
    ("till{app=a=b}", "malformed", "", "kuma_tags"),
    ("till{app=a}.example", "malformed", "", "kuma_tags"),
    ("{app=a}", "malformed", "", "kuma_tags"),
    ("till}", "malformed", "", "kuma_tags"),
    ("ti}ll{app=a}", "malformed", "", "kuma_tags"),
    ("a0123456789abcdef.till.443.demo.ms", "kuma-hash", "till - - - - - -", ""),
    ("a0123456789abcdef.my.till.443.demo.mes", "kuma-hash", "my.till - - - - - -", ""),
    ("a0123456789abcdef.till.443.demo.mzms", "kuma-hash", "till - - - - - -", ""),
    ("a0123456789abcde.till.443.demo.ms", "other", "", ""),
    ("a0123456789abcdef0.till.443.demo.ms", "other", "", ""),
    ("b0123456789abcdef.till.443.demo.ms", "other", "", ""),
    ("a0123456789abcdeg.till.443.demo.ms", "other", "", ""),
    ("a0123456789abcdef.till.443.demo.mx", "other", "", ""),
    ("a0123456789abcdef.till.web.demo.ms", "other", "", ""),
    ("a0123456789abcdef.443.demo.ms", "other", "", ""),
    ("www.example.ms", "other", "", ""),
    ("sni.msvc.demo.till.web", "kuma-kri", "till web - - - - -", ""),
    ("sni.extsvc.demo.east.till.web", "kuma-kri", "till web - - east - -", ""),
    ("sni.mzsvc.demo.east.shop.till.web", "kuma-kri", "till web shop - east - -", ""),
    ("sni.msvc.demo.till", "other", "", ""),
    ("sni.msvc.demo.east.shop.x.till.web", "other", "", ""),
    ("sni.svc.demo.till.web", "other", "", ""),
    ("4711.spiffe.cilium", "cilium", "4711 - - - - - spiffe.cilium", ""),
    ("x4711.spiffe.cilium", "other", "", ""),
    ("1.4711.spiffe.cilium", "other", "", ""),
    ("99999999999.spiffe.cilium", "other", "", ""),
    ("4711.spiffe.example", "other", "", ""),
    ("fw-5a5e0000-1111-4222-8333-444455556666", "vault", "", ""),
    ("fw-5a5e0000-1111-4222-8333-444455556666.example", "other", "", ""),
    ("fw-5a5e0000-1111-4222-8333-44445555666", "other", "", ""),
    ("5a5e0000-1111-4222-8333-444455556666", "other", "", ""),
    ("till.shop.svc.cluster.local", "k8s-service", "till - shop - - - -", ""),
    ("till.shop.svc.clusterset.local", "k8s-service", "till - shop - - - -", ""),
    ("till.shop.svc", "k8s-service", "till - shop - - - -", ""),
    ("till-0.till.shop.svc.cluster.local", "k8s-service", "till - shop - - - -", ""),
    ("shop.svc.example.com", "other", "", ""),
    ("till.shop.svc.example.com", "other", "", ""),
    ("till.svc.cluster.local", "other", "", ""),
    ("till.shop.pod.cluster.local", "other", "", ""),
    ("vm7.europe-west1-b.c.acme.internal", "other", "", ""),
    ("ip-192-0-2-7.ec2.internal", "other", "", ""),
    ("www.example.org", "other", "", ""),
    ("consul", "other", "", ""),
];

/// Oddities of the name itself, beside what it means.
const ODD: &[Row] = &[
    ("Till.Default.Oslo.Internal.<td>", "consul-service", "till - default default oslo - <td>", "case"),
    (
        "till.default.oslo.internal.<td>.",
        "consul-service",
        "till - default default oslo - <td>",
        "trailing_dot",
    ),
    (
        "V9.Till.default.oslo.internal.acme.consul.",
        "consul-service",
        "till v9 default default oslo - acme.consul",
        "case,trailing_dot,not_uuid,ambiguous",
    ),
    (
        "\\x1b[2jtill.default.oslo.internal.<td>",
        "consul-service",
        "\\x1b[2jtill - default default oslo - <td>",
        "bad_chars",
    ),
    (
        "caf\\xc3\\xa9.till.default.oslo.internal.<td>",
        "consul-service",
        "caf\\xc3\\xa9.till - default default oslo - <td>",
        "bad_chars",
    ),
    ("Shop.example.", "other", "", "case,trailing_dot"),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", "other", "", "long_label"),
    (".default.oslo.internal.<td>", "malformed", "", "empty_label"),
    ("till..oslo.internal.<td>", "malformed", "", "empty_label"),
    ("till.default.oslo.internal.<td>..", "malformed", "", "trailing_dot,empty_label"),
    (".", "malformed", "", "trailing_dot,empty_label"),
    ("192.0.2.7", "malformed", "", "ip"),
    ("192.0.2.7.", "malformed", "", "trailing_dot,ip"),
    ("2001:DB8::7", "malformed", "", "case,ip"),
    (
        "192.0.2.7.default.oslo.internal.<td>",
        "consul-service",
        "192.0.2.7 - default default oslo - <td>",
        "ambiguous",
    ),
];

/// One name of each scheme, as the table of schemes is walked.
const EXAMPLES: &[(&str, &str)] = &[
    ("consul", "till.default.oslo.internal.<td>"),
    ("consul", "n1.server.oslo.consul"),
    ("consul-dns", "server.service.consul"),
    ("nomad", "server.north.nomad"),
    ("istio", "outbound_.443_._.till.shop.svc.cluster.local"),
    ("linkerd", "bot.shop.serviceaccount.identity.linkerd.cluster.local"),
    ("kuma", "till{app=till}"),
    ("kuma", "a0123456789abcdef.till.443.demo.ms"),
    ("kuma", "sni.msvc.demo.till.web"),
    ("cilium", "4711.spiffe.cilium"),
    ("vault", "fw-5a5e0000-1111-4222-8333-444455556666"),
    ("kubernetes", "till.shop.svc.cluster.local"),
    ("plain", "www.example.org"),
];

fn classify(name: &str) -> Name {
    let bytes = text::unescape(&name.replace("<td>", TD));
    Namer::default().classify(Sni::Name { bytes: &bytes, more: false })
}

/// Service, subset, namespace, partition, datacenter, peer and trust domain, `-` for none; empty for none at all.
fn fields(name: &Name) -> String {
    let all = Field::ALL.map(|field| name.field(field));
    if all.iter().all(Option::is_none) {
        return String::new();
    }
    all.map(|field| field.unwrap_or("-")).join(" ")
}

fn flags(name: &Name) -> Vec<&'static str> {
    name.flags.iter().map(Flag::name).collect()
}

fn check(rows: &[Row]) {
    for &(text, kind, expected, odd) in rows {
        let name = classify(text);
        let found = (name.kind, fields(&name), flags(&name).join(","));
        assert_eq!(found, (kind, expected.replace("<td>", TD), odd.to_owned()), "{text}");
    }
}

#[test]
fn consul_names_are_read_from_the_right() {
    check(CONSUL);
}

#[test]
fn consul_dns_names_are_told_from_mesh_names() {
    check(CONSUL_DNS);
}

#[test]
fn other_meshes_are_known_and_their_lookalikes_are_not() {
    check(OTHERS);
}

#[test]
fn odd_names_are_flagged_in_a_fixed_order() {
    check(ODD);
}

#[test]
fn a_hello_without_a_usable_name_says_why() {
    let cases = [
        (Sni::Absent, "none", vec![]),
        (Sni::Empty, "malformed", vec!["empty"]),
        (Sni::Name { bytes: b"", more: true }, "malformed", vec!["empty"]),
        (Sni::Malformed, "malformed", vec!["bad_length"]),
    ];
    for (sni, kind, odd) in cases {
        let name = Namer::default().classify(sni);
        assert_eq!((name.kind, name.scheme, name.text(), name.wire()), (kind, "plain", None, None));
        assert_eq!((flags(&name), fields(&name)), (odd, String::new()));
    }
}

#[test]
fn a_name_keeps_its_bytes_beside_its_normal_form() {
    let name = classify("\\x1bTill.Example\\x5c.");
    assert_eq!(name.wire(), Some("\\x1bTill.Example\\x5c."));
    assert_eq!(name.text(), Some("\\x1btill.example\\x5c"));
    let address = classify("192.0.2.7");
    assert_eq!((address.text(), address.scheme), (Some("192.0.2.7"), "plain"));
}

#[test]
fn names_over_255_bytes_are_no_names_however_they_end() {
    let long = |head: usize| format!("{}.default.oslo.internal.{TD}", "a".repeat(head));
    let tail = long(0).len();
    assert_eq!(classify(&long(255 - tail)).datacenter(), Some("oslo"));
    let name = classify(&long(256 - tail));
    assert_eq!((name.kind, fields(&name)), ("malformed", String::new()));
    assert_eq!(flags(&name), ["too_long", "long_label"]);
}

#[test]
fn the_users_pattern_comes_before_the_table_and_after_the_faults() {
    let pattern =
        Pattern::compile(r"(?<service>.+)\.(?<dc>[^.]+)\.shop\.example|(?<peer>.+)\.service\.consul");
    let namer = Namer::new(Some(pattern.unwrap()));
    let read = |name: &str| namer.classify(Sni::Name { bytes: name.as_bytes(), more: false });
    let found = read("Till.oslo.shop.example");
    assert_eq!(
        (found.kind, found.scheme, fields(&found).as_str()),
        ("custom", "custom", "till - - - oslo - -")
    );
    assert_eq!(flags(&found), ["case"]);
    assert_eq!(read("till.service.consul").scheme, "custom");
    assert_eq!(read("till.virtual.consul").scheme, "consul-dns");
    assert_eq!(read("till..oslo.shop.example").kind, "malformed");
}

#[test]
fn the_table_has_unique_names_short_help_and_plain_last() {
    let names: HashSet<_> = SCHEMES.iter().map(|scheme| scheme.name()).collect();
    assert_eq!(names.len(), SCHEMES.len());
    assert!(!names.contains(custom::NAME));
    assert_eq!(SCHEMES.last().map(|scheme| scheme.name()), Some("plain"));
    for scheme in SCHEMES {
        let help = scheme.help();
        assert!((5..=72).contains(&help.len()) && !help.ends_with('.'), "{}: {help}", scheme.name());
    }
}

#[test]
fn each_scheme_claims_its_examples_before_any_other() {
    for scheme in SCHEMES {
        let own: Vec<_> = EXAMPLES.iter().filter(|(name, _)| *name == scheme.name()).collect();
        assert!(!own.is_empty(), "{} has no example", scheme.name());
    }
    for (scheme, name) in EXAMPLES {
        let name = name.replace("<td>", TD);
        let claims: Vec<_> =
            SCHEMES.iter().filter(|row| row.fields(&name).is_some()).map(|row| row.name()).collect();
        assert_eq!(claims.first(), Some(scheme), "{name}");
        assert!(claims.iter().all(|claim| claim == scheme || *claim == "plain"), "{name}: {claims:?}");
    }
}

#[test]
fn a_subset_has_at_most_63_bytes() {
    let read = |subset: usize| classify(&format!("{}.till.default.oslo.internal.{TD}", "a".repeat(subset)));
    assert_eq!((read(63).service(), flags(&read(63))), (Some("till"), vec!["ambiguous"]));
    assert_eq!((read(64).subset(), flags(&read(64))), (None, vec!["long_label"]));
}

/// Parts in the order of the name, with nothing but separators between them.
#[test]
fn the_parts_of_a_reading_cover_the_name_in_order() {
    for (name, ..) in CONSUL.iter().chain(CONSUL_DNS).chain(OTHERS) {
        let name = name.replace("<td>", TD);
        let reading = SCHEMES.iter().find_map(|scheme| scheme.parts(&name)).unwrap();
        let mut rest = name.as_str();
        for part in &reading.0 {
            let at = rest.find(part.label).unwrap_or_else(|| panic!("{name}: {}", part.label));
            assert!(rest[..at].bytes().all(|byte| b"._{},".contains(&byte)), "{name}: before {}", part.label);
            rest = &rest[at + part.label.len()..];
        }
        assert!(rest.is_empty() || rest == "}", "{name}: {rest}");
    }
}

#[test]
fn huge_names_take_linear_time() {
    let names = [vec![b'.'; 65_535], vec![0xff; 65_535], b"a.".repeat(32_767), b"{=,".repeat(21_845)];
    for bytes in names {
        let started = std::time::Instant::now();
        let name = Namer::default().classify(Sni::Name { bytes: &bytes, more: false });
        assert_eq!(name.kind, "malformed");
        assert!(name.flags.has(Flag::TooLong));
        // Milliseconds even without optimisation; a quadratic walk would take minutes.
        assert!(started.elapsed().as_secs() < 5);
    }
}

/// Labels that make names of every scheme likely.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "internal",
        "internal-v1",
        "external",
        "query",
        "peering",
        "server",
        "service",
        "node",
        "virtual",
        "ns",
        "dc",
        "consul",
        "5a5e0000-1111-4222-8333-444455556666",
        "acme",
        "default",
        "nomad",
        "outbound_",
        "443_",
        "_",
        "serviceaccount",
        "identity",
        "till{a=b",
        "c=d}",
        "a0123456789abcdef",
        "443",
        "ms",
        "sni",
        "msvc",
        "4711",
        "spiffe",
        "cilium",
        "svc",
        "cluster",
        "local",
        "_tcp",
        "port",
        "",
        "\u{e9}",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 1..9)
        .prop_map(|labels| labels.join(".").into_bytes())
}

fn holds(bytes: &[u8]) {
    let name = Namer::default().classify(Sni::Name { bytes, more: false });
    let (normal, wire) = (name.text().unwrap(), name.wire().unwrap());
    assert!(normal.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && !byte.is_ascii_uppercase()));
    assert!(!normal.is_empty());
    assert_eq!(text::unescape(wire), bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        for more in [false, true] {
            let mut late = Name::unread(text.into(), more);
            assert!(late.is_unread());
            Namer::default().complete(&mut late);
            assert_eq!(late, Namer::default().classify(Sni::Name { bytes, more }));
            assert!(!late.is_unread());
        }
    }
    assert!(name.scheme != "plain" || matches!(name.kind, "other" | "malformed"));
    // Every value stands in the name, but for the partition that its form implies.
    for field in Field::ALL {
        let Some(value) = name.field(field) else { continue };
        let implied = field == Field::Partition && value == IMPLIED;
        assert!(implied || (!value.is_empty() && normal.contains(value)), "{normal}: {value}");
    }
    let rows = explain::explain(&name);
    assert!(rows.iter().all(|(_, meaning)| !meaning.is_empty()));
}

proptest! {
    #[test]
    fn any_bytes_are_classified(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        holds(&bytes);
    }

    #[test]
    fn any_order_of_known_labels_is_classified(bytes in pieces().prop_filter("a name", |name| !name.is_empty())) {
        holds(&bytes);
    }
}
