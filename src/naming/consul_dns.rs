//! Names of Consul's DNS, which plain TLS clients send as they send any host name.
//!
//! `[tag.]service.service[.<ns>.ns][.<ap>.ap][.<dc>.dc | .<dc>].consul`, and the same with `connect`,
//! `virtual`, `ingress`, `node`, `query` and `addr`; the rightmost of these words decides, as in Consul.
//! Source: developer.hashicorp.com/consul/docs/reference/dns. Only the default domain `consul` is known.

use crate::naming::labels::after;
use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct ConsulDns;

impl Scheme for ConsulDns {
    fn name(&self) -> &'static str {
        "consul-dns"
    }

    fn help(&self) -> &'static str {
        "Consul DNS names, as redis.service.dc1.consul"
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
    let (head, word) = rightmost_word(local)?;
    let tail = local.get(head.len() + 1 + word.len()..)?.trim_start_matches('.');
    let reading = subject::<R>(head, word).mark(word, meaning(word)?);
    Some(locality(reading, tail, word)?.mark("consul", "Consul's DNS domain"))
}

/// What a query word stands for; `None` for any other label.
fn meaning(word: &str) -> Option<&'static str> {
    Some(match word {
        "service" => "DNS lookup of a service",
        "connect" => "DNS lookup of a service's mesh proxies",
        "virtual" => "DNS lookup of a service's virtual address",
        "ingress" => "DNS lookup of a service's ingress gateways",
        "node" => "DNS lookup of a node",
        "query" => "DNS lookup by prepared query",
        "addr" => "DNS lookup of an address written in hexadecimal",
        _ => return None,
    })
}

/// The rightmost query word and what stands left of it, at least one label.
fn rightmost_word(local: &str) -> Option<(&str, &str)> {
    let mut rest = local;
    while let Some((left, label)) = rest.rsplit_once('.') {
        if meaning(label).is_some() {
            return Some((left, label));
        }
        rest = left;
    }
    None
}

/// What is looked up: everything left of the query word.
fn subject<'n, R: Reading<'n>>(head: &'n str, word: &str) -> R {
    let reading = R::new("consul-dns");
    match word {
        "node" => return reading.field(Field::Service, head, "node"),
        "query" => return reading.field(Field::Service, head, "prepared query"),
        "addr" => return reading.field(Field::Service, head, "address"),
        _ => {}
    }
    let (left, last) = head.rsplit_once('.').unwrap_or(("", head));
    if let Some(service) = left.strip_prefix('_')
        && let Some(tag) = last.strip_prefix('_')
        && !service.contains('.')
    {
        return rfc2782(reading, (left, service), (last, tag));
    }
    let (left, port) = match left.rsplit_once('.') {
        Some((port, "port")) => ("", port),
        _ => (left, ""),
    };
    reading
        .field(Field::Subset, left, "tag")
        .mark(port, "named port")
        .mark(if port.is_empty() { "" } else { "port" }, "marker of a named port")
        .field(Field::Service, last, "service")
}

/// `_service._tag`, where the tag `tcp` means any (RFC 2782 form of a service lookup).
fn rfc2782<'n, R: Reading<'n>>(reading: R, service: (&'n str, &'n str), tag: (&'n str, &'n str)) -> R {
    let reading = reading.valued(service.0, Field::Service, service.1, "service");
    if tag.1 == "tcp" {
        reading.mark(tag.0, "any tag")
    } else {
        reading.valued(tag.0, Field::Subset, tag.1, "tag")
    }
}

/// Where it is looked up: pairs of value and marker, then at most one bare label; or namespace and datacenter.
fn locality<'n, R: Reading<'n>>(mut reading: R, tail: &'n str, word: &str) -> Option<R> {
    let mut rest = tail;
    while let Some((value, right)) = rest.split_once('.') {
        let marker = right.split_once('.').map_or(right, |(marker, _)| marker);
        let meaning = match marker {
            "ns" => (Some(Field::Namespace), "namespace", "marker of a namespace"),
            "ap" => (Some(Field::Partition), "admin partition", "marker of an admin partition"),
            "dc" => (Some(Field::Datacenter), "datacenter", "marker of a datacenter"),
            "peer" => (Some(Field::Peer), "cluster peer", "marker of a cluster peer"),
            "sg" => (None, "sameness group", "marker of a sameness group"),
            _ if rest.len() == tail.len() && marker == right => {
                reading = reading.field(Field::Namespace, value, "namespace");
                rest = right;
                break;
            }
            _ => return None,
        };
        reading = match meaning.0 {
            Some(field) => reading.field(field, value, meaning.1),
            None => reading.mark(value, meaning.1),
        };
        reading = reading.mark(marker, meaning.2);
        rest = after(right, marker);
    }
    // Virtual addresses are not shared between datacenters: Consul takes a bare label there for a peer.
    Some(match word {
        "virtual" => reading.field(Field::Peer, rest, "cluster peer"),
        _ => reading.field(Field::Datacenter, rest, "datacenter"),
    })
}
