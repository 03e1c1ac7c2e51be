use super::*;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::mesh::Role;
use crate::model::observation::Outcome;
use crate::run::rules::expression::keys;
use crate::sample;

fn rules(require: &[&str], forbid: &[&str]) -> Rules {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Rules::new(&owned(require), &owned(forbid)).unwrap()
}

/// What a rule says of itself that fails.
fn refused(text: &str) -> String {
    Rules::new(&[text.to_owned()], &[]).unwrap_err().to_string()
}

/// The number of records of `currency` in dc2 that an expression fits: 0 or 1.
#[track_caller]
fn fits(expression: &str, record: &Observation) -> bool {
    Expression::parse(expression).unwrap().fits(record)
}

#[test]
fn every_key_fits_what_a_record_has_and_not_what_it_has_not() {
    let mut record = sample::ok();
    record.role = Some(Role::Egress);
    for (fitting, other) in [
        ("sni=*.dc2.*", "sni=*.dc1.*"),
        ("sni=/^cur.{1,9}cy\\./", "sni=/^ency/"),
        ("service=CURRENCY", "service=curr"),
        ("subset!=v2", "subset=*"),
        ("namespace=default", "namespace=d"),
        ("partition=default", "partition!=default"),
        ("dc=dc2", "dc=dc1"),
        ("peer!=x", "peer=*"),
        ("kind=consul-*", "kind=other"),
        ("protocol=tls", "protocol=quic"),
        ("role=egress", "role=ingress"),
        ("result=ok", "result=reset"),
        ("cause!=no_route", "cause=no_route"),
        ("by=server", "by=client"),
        ("client=10.42.0.0/16", "client=10.128.0.0/16"),
        ("server=10.128.0.10", "server=::/0"),
        ("port=443", "port=8443"),
    ] {
        assert!(fits(fitting, &record), "{fitting}");
        assert!(!fits(other, &record), "{other}");
        let key = fitting.split(['=', '!']).next().unwrap();
        assert!(keys().any(|known| known == key), "{key}");
    }
    assert_eq!(keys().count(), 16, "each key is above");
    assert!(fits("service=currency,dc=dc2,result!=reset", &record));
    assert!(!fits("service=currency,dc=dc1", &record));
    assert!(fits("sni=/a{1,2}|currency/,port=443", &record));
}

#[test]
fn what_a_record_does_not_have_is_unequal_to_everything() {
    let attempt = sample::failed(Outcome::Refused);
    for expression in ["service!=currency", "dc!=dc2", "sni!=*", "role!=local", "result!=ok"] {
        assert!(fits(expression, &attempt), "{expression}");
    }
    assert!(!fits("sni=*", &attempt));
}

#[test]
fn numbers_are_compared_by_each_sign() {
    for (sign, holding) in [
        (">=", [false, true, true]),
        ("<=", [true, true, false]),
        (">", [false, false, true]),
        ("<", [true, false, false]),
        ("=", [false, true, false]),
        ("!=", [true, false, true]),
    ] {
        let expression = Expression::parse(&format!("count{sign}2")).unwrap();
        assert_eq!([1, 2, 3].map(|found| expression.holds(found)), holding, "{sign}");
    }
    let plain = Expression::parse("dc=dc2").unwrap();
    assert_eq!([0, 1, 2].map(|found| plain.holds(found)), [false, true, true]);
}

#[test]
fn a_bad_word_is_named() {
    let keys = "sni, service, subset, namespace, partition, dc, peer, kind, protocol, role, result, cause, by, client, server, port, count, legs";
    for (text, told) in [
        ("servce=a,dc=b", format!("no such key 'servce': use one of {keys}")),
        ("service=a,currency", "'currency' is no comparison such as service=currency or count>=1".into()),
        ("", "'' is no comparison such as service=currency or count>=1".into()),
        ("dc=a,", "'' is no comparison such as service=currency or count>=1".into()),
        ("dc!a", "'dc!a' is no comparison such as service=currency or count>=1".into()),
        ("dc=", "'dc' is compared with nothing".into()),
        ("dc=,count=1", "'dc' is compared with nothing".into()),
        ("dc>a", "'dc' takes = or !=".into()),
        ("count=>1", "'>1' is no number".into()),
        ("count>=-1", "'-1' is no number".into()),
        ("count>1,legs<9", "a second number, 'legs'".into()),
        ("client=10.0.0", "'10.0.0': not an address or a network such as 10.42.0.0/16".into()),
        ("port=70000", "'70000' is no port".into()),
        ("by=me", "'me' is none of client, server".into()),
        ("role=far", "'far' is none of egress, ingress, local, transit".into()),
        ("sni=/a", "'/a': a regular expression ends with a slash".into()),
        ("sni=[", "'[': unclosed character class; missing ']'".into()),
    ] {
        assert_eq!(refused(text), format!("--require '{text}': {told}"));
    }
    assert!(
        refused("result=rest").starts_with("--require 'result=rest': 'rest' is none of ok, alert, reset")
    );
    let many = vec!["dc=a".to_owned(); 65];
    assert_eq!(Rules::new(&many, &[]).unwrap_err().to_string(), "more than 64 rules");
    assert!(Rules::new(&many[..64], &[]).is_ok());
}

/// Both legs of a connection through a gateway: the record of the outer one comes first.
fn legs(outer: Outcome, inner: Outcome) -> [Observation; 2] {
    let mut far = sample::failed(outer);
    far.flow = sample::flow("10.128.0.10", (50_200, 443), "10.132.0.20");
    far.time = Timestamp(far.time.0 + 500_000);
    [far, sample::failed(inner)]
}

#[test]
fn a_connection_counts_once_with_the_leg_nearest_to_the_client() {
    let mut all = rules(
        &[
            "count=1",
            "legs=2",
            "client=10.42.0.17,count=1",
            "client=10.128.0.10,count=0",
            "client=10.128.0.10,legs=1",
        ],
        &["count>1"],
    );
    for record in legs(Outcome::Ok, Outcome::Ok) {
        all.observe(&record);
    }
    assert_eq!(all.failures(), [""; 0]);
    // The same in the other order.
    let mut all = rules(&["result=reset,count=1", "result=ok,count=0", "result=ok,legs=1"], &["result=ok"]);
    let [far, near] = legs(Outcome::Ok, Outcome::Reset);
    all.observe(&near);
    all.observe(&far);
    assert_eq!(all.failures(), [""; 0]);
}

#[test]
fn attempts_count_as_often_as_they_were_made() {
    let mut all = rules(&["result=refused,count=9", "legs=9"], &[]);
    all.observe(&sample::failed(Outcome::Refused));
    assert_eq!(all.failures(), [""; 0]);
}

#[test]
fn a_failed_rule_says_what_was_found() {
    let mut all =
        rules(&["service=shipping", "legs>=3", "dc=dc2"], &["result!=ok,service=currency", "dc=dc1"]);
    let mut reset = sample::failed(Outcome::Reset);
    all.observe(&reset);
    reset.origin = OriginId(1);
    all.observe(&reset);
    assert_eq!(
        all.failures(),
        [
            "rule failed: --require 'service=shipping': found 0 connections",
            "rule failed: --require 'legs>=3': found 2 legs",
            "rule failed: --forbid 'result!=ok,service=currency': found 1 connection",
        ]
    );
}

#[test]
fn without_records_a_requirement_fails_and_a_ban_does_not() {
    let all = rules(&["dc=dc2"], &["dc=dc1"]);
    assert_eq!(all.failures().len(), 1);
    assert_eq!(rules(&["count=0"], &[]).failures().len(), 0);
    assert!(!all.is_empty() && rules(&[], &[]).is_empty());
}
