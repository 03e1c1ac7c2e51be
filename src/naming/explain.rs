//! A name taken apart for a reader: each label with its meaning, then where the name leads and what is odd.

use crate::model::name::{Field, Flag, Name};
use crate::naming::custom;
use crate::naming::scheme::Part;
use crate::naming::{MALFORMED, NONE, SCHEMES};

/// The labels of `name` in order, each with its meaning; then, with an empty label, whole sentences: which
/// datacenter the name reaches, and what each flag means.
pub fn explain(name: &Name) -> Vec<(String, String)> {
    let mut rows = match name.text() {
        None => Vec::new(),
        Some(text) if name.kind == MALFORMED => row(text, "not a valid server name"),
        Some(text) if name.scheme == custom::NAME => by_pattern(text, name),
        Some(text) => parts(text, name.scheme),
    };
    rows.push((String::new(), reach(name)));
    rows.extend(name.flags.iter().map(|flag| (String::new(), format!("{}: {}", flag.name(), odd(flag)))));
    rows
}

fn row(label: &str, meaning: &str) -> Vec<(String, String)> {
    vec![(label.to_owned(), meaning.to_owned())]
}

fn parts(text: &str, scheme: &str) -> Vec<(String, String)> {
    let reading = SCHEMES.iter().find(|row| row.name() == scheme).and_then(|row| row.parts(text));
    let parts: Vec<Part<'_>> = reading.map(|parts| parts.0).unwrap_or_default();
    parts.iter().map(|part| (part.label.to_owned(), part.meaning.to_owned())).collect()
}

/// The pattern is not at hand here, but its result is.
fn by_pattern(text: &str, name: &Name) -> Vec<(String, String)> {
    let fields = [
        (Field::Subset, "subset, by your pattern"),
        (Field::Service, "service, by your pattern"),
        (Field::Namespace, "namespace, by your pattern"),
        (Field::Partition, "partition, by your pattern"),
        (Field::Peer, "peer, by your pattern"),
        (Field::Datacenter, "datacenter, by your pattern"),
        (Field::TrustDomain, "trust domain, by your pattern"),
    ];
    let mut rows = row(text, "a name that your pattern fits");
    rows.extend(fields.into_iter().filter_map(|(field, meaning)| {
        name.field(field).map(|value| (value.to_owned(), meaning.to_owned()))
    }));
    // In the order of the name where a value stands there once.
    rows.sort_by_key(|(label, _)| text.find(label.as_str()));
    rows
}

/// Where the name leads, in one sentence.
fn reach(target: &Name) -> String {
    match target.datacenter() {
        Some(datacenter) => reached(target, datacenter),
        None => unreached(target),
    }
}

fn reached(target: &Name, datacenter: &str) -> String {
    match (target.kind, target.service()) {
        ("consul-gateway", _) => format!("Reaches the mesh gateways of datacenter {datacenter}."),
        ("consul-query", _) => {
            format!("The query runs in datacenter {datacenter}; the service it finds may be in another.")
        }
        ("consul-server", Some(node)) => {
            format!("Reaches the Consul server {node} in datacenter {datacenter}.")
        }
        ("consul-server" | "consul-peering-server", _) => {
            format!("Reaches a Consul server of datacenter {datacenter}.")
        }
        ("consul-unknown", _) => {
            format!(
                "No form that Consul writes, yet a mesh gateway would send it to datacenter {datacenter}."
            )
        }
        ("consul-dns", _) => format!("Names datacenter {datacenter}."),
        ("nomad", _) => format!("Reaches region {datacenter}."),
        ("kuma-kri", _) => format!("Reaches zone {datacenter}."),
        (custom::NAME, _) => format!("Reaches datacenter {datacenter}, by your pattern."),
        _ => format!("Reaches datacenter {datacenter}."),
    }
}

fn unreached(target: &Name) -> String {
    let trust_domain = target.trust_domain().unwrap_or_default();
    match target.kind {
        "consul-peered" => format!(
            "Reaches the cluster of trust domain {trust_domain}; which of its datacenters cannot be told from \
             the name."
        ),
        "consul-dns" => {
            "No datacenter in the name: Consul answers from that of the agent it asks.".to_owned()
        }
        NONE => {
            "No server name, so no datacenter can be told, and a mesh gateway cannot route it.".to_owned()
        }
        _ => "No datacenter can be told from this name.".to_owned(),
    }
}

/// What a flag means.
fn odd(flag: Flag) -> &'static str {
    match flag {
        Flag::Ambiguous => {
            "where a subset ends and a service's name with dots begins is a guess; only the catalog can tell"
        }
        Flag::BadChars => "holds bytes that no host name has; they are shown as \\xNN",
        Flag::BadLength => "lengths inside the server_name extension contradict each other",
        Flag::Case => "sent with upper-case letters; gateways compare in lower case",
        Flag::Empty => "the server_name extension is there and holds no name",
        Flag::EmptyLabel => "two dots in a row, or one at the beginning",
        Flag::Ip => "an address, which RFC 6066 does not allow as a server name",
        Flag::KumaTags => "braces as in Kuma's tags, but cut or damaged",
        Flag::LongLabel => "a label over the 63 bytes of DNS; Consul and Envoy do not mind",
        Flag::NotUuid => "the trust domain is no UUID, as that of every real Consul cluster is",
        Flag::SeveralNames => "other names followed it in the same hello, where RFC 6066 allows one",
        Flag::TooLong => "over 255 bytes; Envoy rejects such a hello",
        Flag::TrailingDot => "ends in a dot; Envoy does not route such a name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hello::Sni;
    use crate::naming::Namer;
    use crate::naming::custom::Pattern;

    const TD: &str = "5a5e0000-1111-4222-8333-444455556666.consul";

    fn lines(namer: &Namer, sni: Sni<'_>) -> Vec<String> {
        let rows = explain(&namer.classify(sni));
        rows.into_iter().map(|(label, meaning)| format!("{label} | {meaning}")).collect()
    }

    fn explained(name: &str) -> Vec<String> {
        lines(&Namer::default(), Sni::Name { bytes: name.replace("<td>", TD).as_bytes(), more: false })
    }

    fn last(name: &str) -> String {
        explained(name).pop().unwrap_or_default()
    }

    #[test]
    fn a_mesh_name_is_told_label_by_label() {
        let expected = [
            "v9 | subset of the service",
            "till | service",
            "default | namespace",
            "oslo | target datacenter: the gateway routes by this label",
            "internal | marker of a mesh name in the default partition",
            "5a5e0000-1111-4222-8333-444455556666.consul | trust domain (cluster id)",
            " | Reaches datacenter oslo.",
            " | ambiguous: where a subset ends and a service's name with dots begins is a guess; only the \
             catalog can tell",
        ];
        assert_eq!(explained("v9.till.default.oslo.internal.<td>"), expected);
    }

    #[test]
    fn values_are_shown_as_the_labels_that_hold_them() {
        let rows = explained("_till._tcp.service.consul");
        assert_eq!(rows[..2], ["_till | service", "_tcp | any tag"]);
        let rows = explained("till{a=b,c=d}");
        assert_eq!(
            rows[1..3],
            ["a=b | tag that the endpoint must have", "c=d | tag that the endpoint must have"]
        );
    }

    #[test]
    fn the_closing_sentence_says_where_the_name_leads() {
        for (name, sentence) in [
            ("oslo.internal.<td>", "Reaches the mesh gateways of datacenter oslo."),
            (
                "near.default.oslo.query.<td>",
                "The query runs in datacenter oslo; the service it finds may be in another.",
            ),
            ("server.oslo.consul", "Reaches a Consul server of datacenter oslo."),
            ("n1.server.oslo.consul", "Reaches the Consul server n1 in datacenter oslo."),
            ("server.oslo.peering.<td>", "Reaches a Consul server of datacenter oslo."),
            (
                "default.oslo.internal.<td>",
                "No form that Consul writes, yet a mesh gateway would send it to datacenter oslo.",
            ),
            (
                "till.default.default.rome.external.<td>",
                "Reaches the cluster of trust domain 5a5e0000-1111-4222-8333-444455556666.consul; which of its \
                 datacenters cannot be told from the name.",
            ),
            ("till.service.oslo.consul", "Names datacenter oslo."),
            (
                "till.service.consul",
                "No datacenter in the name: Consul answers from that of the agent it asks.",
            ),
            ("server.north.nomad", "Reaches region north."),
            ("sni.msvc.demo.east.till.web", "Reaches zone east."),
            ("www.example.org", "No datacenter can be told from this name."),
        ] {
            assert_eq!(last(name), format!(" | {sentence}"), "{name}");
        }
    }

    #[test]
    fn names_that_are_none_are_not_taken_apart() {
        let expected = [
            "192.0.2.7 | not a valid server name",
            " | No datacenter can be told from this name.",
            " | ip: an address, which RFC 6066 does not allow as a server name",
        ];
        assert_eq!(explained("192.0.2.7"), expected);
        let none = " | No server name, so no datacenter can be told, and a mesh gateway cannot route it.";
        assert_eq!(lines(&Namer::default(), Sni::Absent), [none]);
    }

    #[test]
    fn a_users_pattern_is_told_by_its_fields() {
        let namer = Namer::new(Pattern::compile(r"(?<dc>[^.]+)\.(?<service>[^.]+)\.shop").ok());
        let expected = [
            "oslo.till.shop | a name that your pattern fits",
            "oslo | datacenter, by your pattern",
            "till | service, by your pattern",
            " | Reaches datacenter oslo, by your pattern.",
        ];
        assert_eq!(lines(&namer, Sni::Name { bytes: b"oslo.till.shop", more: false }), expected);
    }
}
