use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::sample;

/// The members that `fill` writes, as one object.
fn object(fill: impl FnOnce(&mut Text<'_>)) -> Value {
    let mut out = Vec::new();
    fill(&mut Text::new(&mut out));
    let members = String::from_utf8(out).unwrap();
    serde_json::from_str(&format!("{{{}}}", members.strip_prefix(',').unwrap_or(&members))).unwrap()
}

fn brief_and_full(certificate: &Certificate) -> [Value; 2] {
    [1, 2].map(|verbosity| object(|t| members(t, certificate, verbosity)))
}

fn mesh(certificate: Option<Arc<Certificate>>) -> Value {
    object(|t| source(t, &sample::mutual(certificate, None)))
}

#[test]
fn a_certificate_has_more_to_say_the_more_is_asked() {
    let [brief, full] = brief_and_full(&sample::certificate("payments", "dc1"));
    let mut expected = json!({
        "subject": "CN=payments.svc.default.c0ffee00.consul",
        "issuer": "CN=pri-1dzqe1ju.consul.ca.c0ffee00.consul",
        "not_before": "2026-10-09T10:31:07Z",
        "not_after": "2026-10-12T10:31:07Z",
        "hash": { "sha256": "A5".repeat(32) },
    });
    assert_eq!(brief, expected);
    expected["x509"] = json!({
        "serial_number": "0B",
        "alternative_names": [
            "spiffe://c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul/ns/default/dc/dc1/svc/payments"
        ],
        "subject": { "common_name": ["payments.svc.default.c0ffee00.consul"] },
        "issuer": { "common_name": ["pri-1dzqe1ju.consul.ca.c0ffee00.consul"] },
    });
    assert_eq!(full, expected);
}

#[test]
fn what_a_certificate_lacks_is_null_or_absent() {
    let nothing = Certificate::default();
    assert_eq!(brief_and_full(&nothing), [json!({ "subject": null }), json!({ "subject": null })]);
    let bare = Certificate { facts: Some(Facts::default()), ..Certificate::default() };
    let [brief, full] = brief_and_full(&bare);
    assert_eq!((&brief["subject"], &brief["issuer"]), (&Value::Null, &json!("")));
    assert_eq!(full["x509"], json!({ "serial_number": "" }));
}

#[test]
fn a_strangers_certificate_stays_text() {
    let [_, full] = brief_and_full(&sample::hostile_certificate());
    let evil = "\u{1b}[2J\u{202e}\"\\";
    assert_eq!(full["subject"], evil);
    assert_eq!(full["x509"]["subject"]["common_name"], json!([evil, evil]));
    assert_eq!(full["x509"]["alternative_names"], json!([evil, evil]));
    assert_eq!((&full["not_before"], &full["not_after"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_caller_is_part_of_the_mesh() {
    assert_eq!(
        mesh(Some(sample::certificate("payments", "dc1"))),
        json!({ "source_service": "payments", "source_namespace": "default", "source_datacenter": "dc1" })
    );
    assert_eq!(mesh(Some(Arc::default())), json!({ "source_service": null }));
    assert_eq!(mesh(None), json!({}));
    assert_eq!(mesh(Some(sample::hostile_certificate()))["source_partition"], "ops");
}

#[test]
fn a_line_names_the_caller() {
    let named = |service: Option<&str>, [namespace, partition, datacenter]: [Option<&str>; 3], local| {
        let [service, namespace, partition, datacenter] =
            [service, namespace, partition, datacenter].map(|text| text.map(Into::into));
        let identity = Identity { service, namespace, partition, datacenter };
        let certificate = Certificate { identity, ..Certificate::default() };
        Caller { of: &sample::mutual(Some(certificate.into()), None), local }.to_string()
    };
    let dc1 = [Some("default"), None, Some("dc1")];
    assert_eq!(named(Some("payments"), dc1, None), "  ← payments@dc1");
    assert_eq!(named(Some("payments"), dc1, Some("dc2")), "  ← payments@dc1");
    assert_eq!(named(Some("payments"), dc1, Some("dc1")), "  ← payments");
    assert_eq!(named(Some("a"), [Some("shop"), Some("ops"), Some("dc1")], None), "  ← a.shop.ops@dc1");
    assert_eq!(named(Some("a"), [Some("shop"), Some("default"), None], None), "  ← a.shop");
    assert_eq!(named(None, [None, Some("ops"), Some("dc1")], None), "  ← @dc1");
    assert_eq!(named(None, dc1, Some("dc1")), "");
    assert_eq!(named(None, [None; 3], None), "");
    assert_eq!(named(Some("\u{1b}[2j"), [None; 3], None), "  ← \\x1b[2j");
    assert_eq!(Caller { of: &sample::ok(), local: None }.to_string(), "");
}

fn told(client: Option<Arc<Certificate>>, server: Option<Arc<Certificate>>) -> Vec<String> {
    let mut words = Vec::new();
    tell(&mut |word| words.push(word.to_string()), &sample::mutual(client, server));
    words
}

#[test]
fn a_line_says_whom_a_certificate_is_for_and_how_long() {
    assert_eq!(
        told(Some(sample::certificate("payments", "dc1")), Some(Arc::default())),
        [
            "client certificate spiffe://c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul/ns/default/dc/dc1/svc/payments \
             until 2026-10-12",
            "no server certificate that can be read",
        ]
    );
    assert_eq!(
        told(None, Some(sample::hostile_certificate())),
        ["server certificate \\x1b[2J\\xe2\\x80\\xae\"\\ until never"]
    );
    assert_eq!(told(None, None), [""; 0]);
    let named = |names: Vec<AlternativeName>, subject: &str| {
        holder(&Facts { names, subject: subject.into(), ..Facts::default() }).to_owned()
    };
    let (dns, uri) = (AlternativeName::Dns("a.example".into()), AlternativeName::Uri("x:y".into()));
    assert_eq!(named(vec![dns.clone(), uri], "CN=b"), "x:y");
    assert_eq!(named(vec![AlternativeName::Other("192.0.2.7".into()), dns], "CN=b"), "a.example");
    assert_eq!(named(Vec::new(), "CN=b"), "CN=b");
    assert_eq!(named(Vec::new(), ""), "(no name)");
}

#[test]
fn an_outer_name_is_called_so_and_so_is_a_first_one() {
    let notes = |ech: bool, name| {
        let mut it = sample::ok();
        it.hello.as_mut().unwrap().ech = ech;
        it.name = Some(name);
        name_notes(&it).collect::<Vec<_>>()
    };
    assert_eq!(notes(false, sample::foreign_name("a.example")), [""; 0]);
    assert_eq!(notes(true, sample::foreign_name("a.example")), ["outer name (ECH or GREASE)"]);
    assert_eq!(notes(true, sample::no_name()), ["ECH or GREASE"]);
    let mut several = sample::foreign_name("a.example");
    Arc::make_mut(&mut several).flags.set_if(true, Flag::SeveralNames);
    assert_eq!(notes(true, several), ["outer name (ECH or GREASE)", "first of several names"]);
    let failed = sample::failed(crate::model::observation::Outcome::Refused);
    assert_eq!(name_notes(&failed).count(), 0);
}
