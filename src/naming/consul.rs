//! Names of Consul's service mesh: services, gateways, prepared queries, peers and servers.
//!
//! Read from the right, as a mesh gateway does: the trust domain `<uuid>.consul`, left of it a marker, left
//! of that the datacenter. What stands further left (services may contain dots, or be called like a marker)
//! cannot change where the name goes. Sources: Consul `agent/connect/sni.go`, `agent/connect/uri_server.go`
//! (peering), `tlsutil/config.go` (servers), `agent/xds/listeners.go` (what gateways match).

use crate::model::name::Flag;
use crate::naming::labels::{UUID_LEN, after, first_dot, is_uuid, last_dot, pop};
use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Consul;

/// Labels that stand before `.consul` in names of Consul's DNS and so are no trust domain or datacenter.
const DNS_LABELS: [&str; 12] =
    ["service", "node", "connect", "virtual", "ingress", "query", "addr", "ns", "ap", "dc", "peer", "sg"];

const DATACENTER: &str = "target datacenter: the gateway routes by this label";
const TRUST_DOMAIN: &str = "trust domain (cluster id)";
const UNKNOWN: &str = "no known form of name has this here";

impl Scheme for Consul {
    fn name(&self) -> &'static str {
        "consul"
    }

    fn help(&self) -> &'static str {
        "Consul service mesh: services, gateways, queries, peers, servers"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    let local = name.strip_suffix(".consul")?;
    let (rest, cluster) = with_uuid(local).or_else(|| last_dot(local))?;
    let (prefix, marker) = last_dot(rest).unwrap_or(("", rest));
    let trust_domain = after(name, rest);
    if is_uuid(cluster) {
        return Some(marked(prefix, marker, trust_domain));
    }
    if DNS_LABELS.contains(&cluster) {
        return None;
    }
    match marker {
        "internal" | "internal-v1" | "external" if !prefix.is_empty() => {}
        "peering" if is_peering(prefix) => {}
        "server" if is_datacenter(cluster) => return Some(server(prefix, marker, cluster)),
        _ => return None,
    }
    Some(marked::<R>(prefix, marker, trust_domain).flag_if(true, Flag::NotUuid))
}

/// What stands left of a label as long as a UUID, and that label.
fn with_uuid(local: &str) -> Option<(&str, &str)> {
    let (rest, cluster) = local.split_at_checked(local.len().checked_sub(UUID_LEN)?)?;
    let rest = rest.strip_suffix('.')?;
    cluster.bytes().all(|byte| byte != b'.').then_some((rest, cluster))
}

/// The characters that Consul allows in a datacenter's name.
fn is_datacenter(label: &str) -> bool {
    label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

fn is_peering(prefix: &str) -> bool {
    prefix.strip_prefix("server.").is_some_and(|datacenter| !datacenter.contains('.'))
}

/// Names that end in a marker and a trust domain.
fn marked<'n, R: Reading<'n>>(prefix: &'n str, marker: &'n str, trust_domain: &'n str) -> R {
    let (reading, meaning): (R, _) = match marker {
        "internal" => (internal(prefix), "marker of a mesh name in the default partition"),
        "internal-v1" => (internal_v1(prefix), "marker of a mesh name in a partition of its own"),
        "external" => (external(prefix), "marker of a service exported to a cluster peer"),
        "query" => (query(prefix), "marker of a prepared query"),
        "peering" if is_peering(prefix) => (peering(prefix), "marker of the peering control plane"),
        "peering" => (unknown(prefix), "marker of the peering control plane"),
        _ => (unknown(prefix), "no known marker"),
    };
    reading.mark(marker, meaning).field(Field::TrustDomain, trust_domain, TRUST_DOMAIN)
}

fn unknown<'n, R: Reading<'n>>(prefix: &'n str) -> R {
    R::new("consul-unknown").mark(prefix, UNKNOWN)
}

/// `[subset.]service.namespace.dc`, or a gateway's `dc`.
fn internal<'n, R: Reading<'n>>(prefix: &'n str) -> R {
    let mut head = prefix;
    let Some(datacenter) = pop(&mut head) else { return unknown(prefix) };
    let unfinished = head;
    match pop(&mut head) {
        None => R::new("consul-gateway"),
        Some(_) if head.is_empty() => unknown(unfinished),
        Some(namespace) => {
            service::<R>(head).field(Field::Namespace, namespace, "namespace").implied(Field::Partition)
        }
    }
    .field(Field::Datacenter, datacenter, DATACENTER)
}

/// `[subset.]service.namespace.partition.dc`, or a gateway's `partition.dc`.
fn internal_v1<'n, R: Reading<'n>>(prefix: &'n str) -> R {
    let mut head = prefix;
    let Some(datacenter) = pop(&mut head) else { return unknown(prefix) };
    let unfinished = head;
    match (pop(&mut head), pop(&mut head)) {
        (None, _) => unknown(""),
        (Some(partition), None) => {
            R::new("consul-gateway").field(Field::Partition, partition, "admin partition")
        }
        (Some(_), Some(_)) if head.is_empty() => unknown(unfinished),
        (Some(partition), Some(namespace)) => service::<R>(head)
            .field(Field::Namespace, namespace, "namespace")
            .field(Field::Partition, partition, "admin partition"),
    }
    .field(Field::Datacenter, datacenter, DATACENTER)
}

/// A service with or without its subset.
///
/// Two labels may be a subset and a service, or a service with a dot in its name: the subset is taken where
/// the label can be one, and the guess is flagged. More labels are a dotted service, perhaps with a subset.
fn service<'n, R: Reading<'n>>(head: &'n str) -> R {
    let reading = R::new("consul-service");
    let Some((first, name)) = first_dot(head) else { return reading.field(Field::Service, head, "service") };
    let subset = is_subset(first);
    if subset && first_dot(name).is_none() {
        reading.field(Field::Subset, first, "subset of the service").field(Field::Service, name, "service")
    } else {
        reading.field(Field::Service, head, "service")
    }
    .flag_if(subset, Flag::Ambiguous)
}

/// The grammar of a service-resolver's subset names.
fn is_subset(label: &str) -> bool {
    label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// `service.namespace.partition.peer`: no datacenter, even where the peer is called like one.
fn external<'n, R: Reading<'n>>(prefix: &'n str) -> R {
    let mut head = prefix;
    let Some(peer) = pop(&mut head) else { return unknown(prefix) };
    let unfinished = head;
    match (pop(&mut head), pop(&mut head)) {
        (Some(partition), Some(namespace)) if !head.is_empty() => R::new("consul-peered")
            .field(Field::Service, head, "service")
            .field(Field::Namespace, namespace, "namespace")
            .field(Field::Partition, partition, "admin partition")
            .flag_if(head.contains('.'), Flag::Ambiguous),
        _ => unknown(unfinished),
    }
    .field(Field::Peer, peer, "peer: what the exporting cluster calls the caller's")
}

/// `query.default.dc`.
fn query<'n, R: Reading<'n>>(prefix: &'n str) -> R {
    let mut head = prefix;
    match (pop(&mut head), pop(&mut head)) {
        (Some(datacenter), Some(namespace)) if !head.is_empty() => R::new("consul-query")
            .field(Field::Service, head, "prepared query")
            .field(Field::Namespace, namespace, "namespace")
            .field(Field::Datacenter, datacenter, "datacenter that runs the query"),
        _ => unknown(prefix),
    }
}

/// `server.dc`, of the peering control plane.
fn peering<'n, R: Reading<'n>>(prefix: &'n str) -> R {
    let (server, datacenter) = prefix.split_once('.').unwrap_or((prefix, ""));
    R::new("consul-peering-server").mark(server, "any Consul server of the datacenter").field(
        Field::Datacenter,
        datacenter,
        DATACENTER,
    )
}

/// `[node.]server.dc.consul`; a node's name may be a host name with dots.
fn server<'n, R: Reading<'n>>(node: &'n str, marker: &'n str, datacenter: &'n str) -> R {
    R::new("consul-server")
        .field(Field::Service, node, "node name of one Consul server")
        .mark(marker, "marker of traffic between Consul servers")
        .field(Field::Datacenter, datacenter, DATACENTER)
        .mark("consul", "the agents' domain")
}
