//! Whom a certificate names: the identities that meshes write into the alternative names of one.
//!
//! A SPIFFE ID (`spiffe://<trust domain>/<path>`, SPIFFE-ID §2) is read by the form of its path; `FORMS` is the
//! table. Linkerd writes a DNS name instead. Sources: Consul `agent/connect/uri*.go`; Istio `pkg/spiffe`; Kuma
//! `pkg/tls` and its `MeshIdentity`; Linkerd `pkg/identity`.

use crate::model::certificate::{AlternativeName, Identity};
use crate::naming::text::normal;

/// A segment of a SPIFFE path.
enum Segment {
    /// This text.
    Text(&'static str),
    Service,
    Namespace,
    Partition,
    Datacenter,
    /// Any text, which says nothing of the service.
    Any,
}

use Segment::{Any, Datacenter, Namespace, Partition, Service, Text};

/// The paths that are known: whole paths, none of which fits another form too.
const FORMS: &[&[Segment]] = &[
    // Consul: a service; in a partition (Enterprise)
    &[Text("ns"), Namespace, Text("dc"), Datacenter, Text("svc"), Service],
    &[Text("ap"), Partition, Text("ns"), Namespace, Text("dc"), Datacenter, Text("svc"), Service],
    // Consul: a mesh gateway, a client agent, a server
    &[Text("gateway"), Text("mesh"), Text("dc"), Datacenter],
    &[Text("ap"), Partition, Text("gateway"), Text("mesh"), Text("dc"), Datacenter],
    &[Text("agent"), Text("client"), Text("dc"), Datacenter, Text("id"), Any],
    &[Text("ap"), Partition, Text("agent"), Text("client"), Text("dc"), Datacenter, Text("id"), Any],
    &[Text("agent"), Text("server"), Text("dc"), Datacenter],
    // Consul: a workload identity of its second catalogue (1.17 to 1.19)
    &[Text("ap"), Partition, Text("ns"), Namespace, Text("identity"), Service],
    // Istio, Kuma from 2.12 on, and others on Kubernetes: a service account
    &[Text("ns"), Namespace, Text("sa"), Service],
];

/// Kuma before 2.12: a data plane's service. Known by the `kuma://` names beside it.
const KUMA: &[Segment] = &[Service];

/// Scheme of the names in which Kuma repeats a data plane's tags.
const KUMA_TAG: &str = "kuma://";

/// Whom these names mean: the first SPIFFE ID in a known form, else the first identity of Linkerd's.
pub fn identity(names: &[AlternativeName]) -> Identity {
    let uris = || {
        names.iter().filter_map(|name| match name {
            AlternativeName::Uri(text) => Some(&**text),
            _ => None,
        })
    };
    let is_kuma = uris().any(|uri| uri.starts_with(KUMA_TAG));
    let spiffe = uris().find_map(|uri| {
        let path: Vec<&str> = path(uri)?.split('/').collect();
        let mut forms = FORMS.iter().chain(is_kuma.then_some(&KUMA));
        forms.find_map(|form| fit(form, &path))
    });
    spiffe.or_else(|| names.iter().find_map(linkerd)).unwrap_or_default()
}

/// The path behind the trust domain. The scheme may stand in any case (RFC 3986 §3.1).
fn path(uri: &str) -> Option<&str> {
    const SCHEME: &str = "spiffe://";
    let (scheme, rest) = uri.split_at_checked(SCHEME.len())?;
    let (domain, path) = rest.split_once('/')?;
    (scheme.eq_ignore_ascii_case(SCHEME) && !domain.is_empty()).then_some(path)
}

fn fit(form: &[Segment], path: &[&str]) -> Option<Identity> {
    if form.len() != path.len() {
        return None;
    }
    let mut identity = Identity::default();
    for (expected, segment) in form.iter().zip(path) {
        let slot = match expected {
            Text(text) if text == segment => continue,
            Any if !segment.is_empty() => continue,
            Text(_) | Any => return None,
            Service => &mut identity.service,
            Namespace => &mut identity.namespace,
            Partition => &mut identity.partition,
            Datacenter => &mut identity.datacenter,
        };
        *slot = Some(value(segment)?);
    }
    Some(identity)
}

/// A segment's text for grouping: percent-decoded (RFC 3986 §2.1), then as server names are. `None` where it is
/// empty or badly encoded.
fn value(segment: &str) -> Option<Box<str>> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        let ([high, low], after) = tail.split_first_chunk::<2>()?;
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? << 4 | digit(low)?).ok()?);
        rest = after;
    }
    (!bytes.is_empty()).then(|| normal(&bytes).into())
}

/// `<service account>.<namespace>.serviceaccount.identity.<…>` as a DNS name.
fn linkerd(name: &AlternativeName) -> Option<Identity> {
    let AlternativeName::Dns(text) = name else { return None };
    let text = normal(text.as_bytes());
    let (owner, _) = text.split_once(".serviceaccount.identity.")?;
    let (account, namespace) = owner.rsplit_once('.')?;
    let (service, namespace) = (Some(account.into()), Some(namespace.into()));
    Some(Identity { service, namespace, ..Identity::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uris: &[&str]) -> [Option<String>; 4] {
        let names: Vec<_> = uris.iter().map(|uri| AlternativeName::Uri((*uri).into())).collect();
        let Identity { service, namespace, partition, datacenter } = identity(&names);
        [service, namespace, partition, datacenter].map(|text| text.map(Into::into))
    }

    /// Service, namespace, partition, datacenter; `-` for none.
    #[track_caller]
    fn is(uris: &[&str], expected: [&str; 4]) {
        let expected = expected.map(|text| (text != "-").then(|| text.to_owned()));
        assert_eq!(of(uris), expected, "{uris:?}");
    }

    #[test]
    fn every_known_form_of_a_spiffe_path() {
        const TD: &str = "c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul";
        for (path, expected) in [
            ("ns/default/dc/dc1/svc/payments", ["payments", "default", "-", "dc1"]),
            ("ap/ops/ns/shop/dc/dc1/svc/payments", ["payments", "shop", "ops", "dc1"]),
            ("gateway/mesh/dc/dc1", ["-", "-", "-", "dc1"]),
            ("ap/ops/gateway/mesh/dc/dc1", ["-", "-", "ops", "dc1"]),
            ("agent/client/dc/dc1/id/6f2a", ["-", "-", "-", "dc1"]),
            ("ap/ops/agent/client/dc/dc1/id/6f2a", ["-", "-", "ops", "dc1"]),
            ("agent/server/dc/dc2", ["-", "-", "-", "dc2"]),
            ("ap/ops/ns/shop/identity/payments", ["payments", "shop", "ops", "-"]),
            ("ns/shop/sa/payments-sa", ["payments-sa", "shop", "-", "-"]),
        ] {
            is(&[&format!("spiffe://{TD}/{path}")], expected);
        }
    }

    #[test]
    fn forms_are_whole_and_none_fits_twice() {
        let nothing = ["-"; 4];
        for uri in [
            "spiffe://td/ns/default/dc/dc1/svc/payments/",
            "spiffe://td/ns/default/dc/dc1/svc/",
            "spiffe://td/ns//dc/dc1/svc/payments",
            "spiffe://td/ns/default/dc/dc1/svc/a/b",
            "spiffe://td/x/ns/default/dc/dc1/svc/a",
            "spiffe:///ns/shop/sa/a",
            "spiffe://ns/shop/sa/a",
            "https://td/ns/shop/sa/a",
            "spiffe://td/payments",
            "spiffe://td/ns/a/sa/%zz",
            "spiffe://td/ns/a/sa/%4",
            "spiffe://td",
            "spiff",
            "é",
            "",
        ] {
            is(&[uri], nothing);
        }
        for form in FORMS {
            let path: Vec<&str> =
                form.iter().map(|segment| if let Text(text) = segment { text } else { "x" }).collect();
            assert_eq!(FORMS.iter().filter(|form| fit(form, &path).is_some()).count(), 1, "{path:?}");
        }
    }

    #[test]
    fn values_are_decoded_then_made_printable() {
        is(&["SPIFFE://td/ns/A%2fb/sa/Pay%20%1b%5B%c3%a9"], ["pay \\x1b[\\xc3\\xa9", "a/b", "-", "-"]);
    }

    #[test]
    fn kuma_is_known_by_its_tags() {
        is(&["spiffe://default/backend"], ["-"; 4]);
        is(&["spiffe://default/backend", "kuma://kuma.io/service/backend"], ["backend", "-", "-", "-"]);
    }

    #[test]
    fn the_first_known_id_counts() {
        is(
            &[
                "https://a.example",
                "spiffe://td/what/else",
                "spiffe://td/ns/n/sa/one",
                "spiffe://td/ns/n/sa/two",
            ],
            ["one", "n", "-", "-"],
        );
    }

    #[test]
    fn linkerd_has_a_dns_name_and_a_spiffe_id_goes_before_it() {
        let dns = AlternativeName::Dns("Web.emojivoto.serviceaccount.identity.linkerd.cluster.local".into());
        let linkerd = identity(std::slice::from_ref(&dns));
        assert_eq!(
            (linkerd.service.as_deref(), linkerd.namespace.as_deref()),
            (Some("web"), Some("emojivoto"))
        );
        let both = identity(&[dns, AlternativeName::Uri("spiffe://td/ns/n/sa/one".into())]);
        assert_eq!(both.service.as_deref(), Some("one"));
        let other = AlternativeName::Other("a.b.serviceaccount.identity.c.d".into());
        assert_eq!(identity(&[other, AlternativeName::Dns("a.example".into())]), Identity::default());
    }
}
