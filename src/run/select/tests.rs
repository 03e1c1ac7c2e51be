use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::*;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::name::{Field, Name, Values};
use crate::model::observation::{Action, Handshake, Marks};
use crate::model::segment::{FlowKey, Hosts, Transport, Vlans};

fn record() -> Observation {
    Observation {
        action: Action::Handshake,
        time: Timestamp(0),
        completed: Timestamp(0),
        origin: OriginId(0),
        packet: 1,
        protocol: "tls",
        flow: FlowKey {
            hosts: Hosts::V4(Ipv4Addr::new(10, 42, 0, 17), Ipv4Addr::new(10, 128, 0, 10)),
            ports: (41022, 443),
            transport: Transport::Tcp,
        },
        vlans: Vlans::default(),
        tunnel: None,
        ahead: None,
        hello: None,
        name: None,
        role: None,
        hop: None,
        server: None,
        shown: crate::model::certificate::Shown::default(),
        handshake: None,
        traffic: None,
        marks: Marks::default(),
        bytes: None,
    }
}

fn named(text: &str) -> Observation {
    let mut values = Values::default();
    for (field, label) in [Field::Service, Field::Datacenter, Field::Peer].into_iter().zip(text.split('.')) {
        values.set_piece(field, text, label);
    }
    let name = Name::new(text.into(), None).meaning("test", "test", &values);
    Observation { name: Some(Arc::new(name)), ..record() }
}

fn ended(result: Outcome) -> Observation {
    let handshake = Handshake {
        result,
        by: None,
        cause: None,
        latency: None,
        tcp_rtt: None,
        total: None,
        alert: None,
        hello_retry: false,
        retransmits: 0,
        attempts: None,
        established: None,
        resumed: None,
    };
    Observation { handshake: Some(handshake), ..record() }
}

fn texts(patterns: &[&str]) -> Vec<String> {
    patterns.iter().map(ToString::to_string).collect()
}

fn by_sni(patterns: &[&str]) -> Select {
    Select::new(&Patterns { sni: &texts(patterns), ..Patterns::default() }).unwrap()
}

#[test]
fn no_filter_takes_every_record() {
    let select = Select::default();
    assert!(select.is_empty());
    assert!(select.matches(&record()));
    assert!(select.matches(&named("api.dc2.east")));
}

#[test]
fn every_filter_makes_the_selection_not_empty() {
    let (text, client, result) = (texts(&["a"]), texts(&["::1"]), [Outcome::Ok]);
    for patterns in [
        Patterns { sni: &text, ..Patterns::default() },
        Patterns { not_sni: &text, ..Patterns::default() },
        Patterns { service: &text, ..Patterns::default() },
        Patterns { dc: &text, ..Patterns::default() },
        Patterns { peer: &text, ..Patterns::default() },
        Patterns { client: &client, ..Patterns::default() },
        Patterns { result: &result, ..Patterns::default() },
    ] {
        assert!(!Select::new(&patterns).unwrap().is_empty(), "{patterns:?}");
    }
}

#[test]
fn globs_match_the_whole_name_across_dots_in_any_case() {
    for (pattern, name, expected) in [
        ("*.consul", "api.default.dc2.internal.x.consul", true),
        ("api.*", "api.default.dc2.internal.x.consul", true),
        ("API.*.CONSUL", "api.default.dc2.consul", true),
        ("api", "api.default", false),
        ("*dc2*", "api.default.dc2.x", true),
        ("ap?.x", "api.x", true),
        ("ap[h-j].x", "api.x", true),
        ("{api,web}.x", "web.x", true),
        ("{api,web}.x", "db.x", false),
        ("api.x.", "api.x", true),
        ("caf\u{e9}.x", r"caf\xc3\xa9.x", true),
        (r"caf\xC3\xa9.*", r"caf\xc3\xa9.x", true),
        ("a b", "a b", true),
        ("a/*", "a/b/c", true),
    ] {
        assert_eq!(by_sni(&[pattern]).matches(&named(name)), expected, "{pattern} {name}");
    }
}

#[test]
fn slashes_make_a_regular_expression_anywhere_in_the_name() {
    for (pattern, name, expected) in [
        ("/dc[0-9]/", "api.DC2.x".to_lowercase(), true),
        ("/DC[0-9]/", "api.dc2.x".to_string(), true),
        ("/^dc/", "api.dc2.x".to_string(), false),
        ("/^api\\./", "api.dc2.x".to_string(), true),
        ("/a/b/", "a/b".to_string(), true),
    ] {
        assert_eq!(by_sni(&[pattern]).matches(&named(&name)), expected, "{pattern} {name}");
    }
}

#[test]
fn of_one_kind_any_pattern_may_match() {
    let select = by_sni(&["a.*", "/^b/"]);
    assert!(select.matches(&named("a.x")));
    assert!(select.matches(&named("b.x")));
    assert!(!select.matches(&named("c.x")));
}

#[test]
fn of_several_kinds_all_must_match() {
    let (sni, dc) = (texts(&["api.*"]), texts(&["dc2"]));
    let select = Select::new(&Patterns { sni: &sni, dc: &dc, ..Patterns::default() }).unwrap();
    assert!(select.matches(&named("api.dc2.x")));
    assert!(!select.matches(&named("api.dc1.x")));
    assert!(!select.matches(&named("web.dc2.x")));
}

#[test]
fn not_sni_keeps_records_without_a_name_and_sni_does_not() {
    let all = texts(&["*"]);
    let without = Select::new(&Patterns { not_sni: &all, ..Patterns::default() }).unwrap();
    assert!(without.matches(&record()));
    assert!(!without.matches(&named("api.x")));
    assert!(!by_sni(&["*"]).matches(&record()));
    assert!(by_sni(&["*"]).matches(&named("api.x")));
}

#[test]
fn service_datacenter_and_peer_match_their_own_label() {
    let pattern = texts(&["API"]);
    let service = Select::new(&Patterns { service: &pattern, ..Patterns::default() }).unwrap();
    let dc = Select::new(&Patterns { dc: &pattern, ..Patterns::default() }).unwrap();
    let peer = Select::new(&Patterns { peer: &pattern, ..Patterns::default() }).unwrap();
    for (name, expected) in [
        ("api.b.c", [true, false, false]),
        ("a.api.c", [false, true, false]),
        ("a.b.api", [false, false, true]),
    ] {
        let record = named(name);
        let found = [&service, &dc, &peer].map(|select| select.matches(&record));
        assert_eq!(found, expected, "{name}");
    }
    assert!(!service.matches(&named("api2.b.c")));
    assert!(!service.matches(&record()));
    assert!(!peer.matches(&named("api")));
}

#[test]
fn clients_match_by_network_or_address_of_either_family() {
    let six = Observation {
        flow: FlowKey {
            hosts: Hosts::V6("2001:db8::7".parse::<Ipv6Addr>().unwrap(), Ipv6Addr::LOCALHOST),
            ..record().flow
        },
        ..record()
    };
    for (client, four_expected, six_expected) in [
        ("10.42.0.0/16", true, false),
        ("10.42.9.9/16", true, false),
        ("10.42.0.17", true, false),
        ("10.42.0.18", false, false),
        ("10.128.0.10", false, false),
        ("2001:db8::/32", false, true),
        ("2001:db8::7", false, true),
        ("0.0.0.0/0", true, false),
    ] {
        let client = texts(&[client]);
        let select = Select::new(&Patterns { client: &client, ..Patterns::default() }).unwrap();
        assert_eq!(
            (select.matches(&record()), select.matches(&six)),
            (four_expected, six_expected),
            "{client:?}"
        );
    }
}

#[test]
fn results_match_only_records_that_have_one() {
    let result = [Outcome::Reset, Outcome::Timeout];
    let select = Select::new(&Patterns { result: &result, ..Patterns::default() }).unwrap();
    assert!(select.matches(&ended(Outcome::Reset)));
    assert!(select.matches(&ended(Outcome::Timeout)));
    assert!(!select.matches(&ended(Outcome::Ok)));
    assert!(!select.matches(&record()));
}

#[test]
fn bad_patterns_are_named_with_the_reason() {
    for (pattern, reason) in [
        ("[a", "--sni '[a': unclosed character class"),
        ("{a", "--sni '{a': unclosed alternate group"),
        ("/a(/", "--sni '/a(/': regex parse error"),
        ("/a", "--sni '/a': a regular expression ends with a slash"),
        ("/", "--sni '/': a regular expression ends with a slash"),
        ("//", "--sni '//': empty pattern"),
        ("", "--sni '': empty pattern"),
        (".", "--sni '.': empty pattern"),
    ] {
        let error = Select::new(&Patterns { sni: &texts(&[pattern]), ..Patterns::default() }).unwrap_err();
        assert!(matches!(error, Error::Usage(_)));
        assert!(error.to_string().starts_with(reason), "{error}");
    }
    for client in ["", "10.0.0", "10.0.0.0/33", "host"] {
        let error = Select::new(&Patterns { client: &texts(&[client]), ..Patterns::default() }).unwrap_err();
        assert!(error.to_string().starts_with(&format!("--client '{client}': not an address")), "{error}");
    }
}
