//! Names of Kuma and Kong Mesh, in the three forms that its releases have used.
//!
//! Tags, `service{key=value,…}`; hashed, `a<16 hex>.<name>.<port>.<mesh>.ms`; and resource identifiers,
//! `sni.msvc.<mesh>[.<zone>[.<namespace>]].<name>.<section>`. Source: Kuma `pkg/xds/envoy/tls/sni.go` and
//! its decision record 101. A service without tags is one bare label and cannot be told from any other name.

use crate::naming::labels::{is_hex, is_number, pop};
use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Kuma;

impl Scheme for Kuma {
    fn name(&self) -> &'static str {
        "kuma"
    }

    fn help(&self) -> &'static str {
        "Kuma and Kong Mesh: tags, hashed and resource names"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    tags(name).or_else(|| hashed(name)).or_else(|| resource(name))
}

/// `service{key=value,…}` with at least one tag.
fn tags<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    let (service, list) = name.strip_suffix('}')?.split_once('{')?;
    let well_formed = !service.is_empty()
        && !service.contains('}')
        && !list.contains(['{', '}'])
        && list.split(',').all(is_tag);
    well_formed.then(|| {
        list.split(',').fold(R::new("kuma-tags").field(Field::Service, service, "service"), |reading, tag| {
            reading.mark(tag, "tag that the endpoint must have")
        })
    })
}

fn is_tag(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, value)| !key.is_empty() && !value.contains('='))
}

/// `a<16 hex>.<name>.<port>.<mesh>.<type>`; the name may contain dots.
fn hashed<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    if name.as_bytes().get(17) != Some(&b'.') {
        return None;
    }
    let (hash, mut rest) = name.split_once('.')?;
    let digits = hash.strip_prefix('a')?;
    if digits.len() != 16 || !digits.bytes().all(is_hex) {
        return None;
    }
    let kind = pop(&mut rest)?;
    let meaning = match kind {
        "ms" => "a MeshService",
        "mes" => "a MeshExternalService",
        "mzms" => "a MeshMultiZoneService",
        _ => return None,
    };
    let mesh = pop(&mut rest)?;
    let port = pop(&mut rest).filter(|port| is_number::<u16>(port))?;
    (!rest.is_empty()).then(|| {
        R::new("kuma-hash")
            .mark(hash, "hash of name, mesh and tags")
            .field(Field::Service, rest, "service, cut at 62 bytes")
            .mark(port, "port of the service")
            .mark(mesh, "mesh")
            .mark(kind, meaning)
    })
}

/// `sni.<type>.<mesh>[.<zone>[.<namespace>]].<name>.<section>`: five, six or seven labels.
fn resource<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    let (kind, rest) = name.strip_prefix("sni.")?.split_once('.')?;
    let meaning = match kind {
        "msvc" => "a MeshService",
        "extsvc" => "a MeshExternalService",
        "mzsvc" => "a MeshMultiZoneService",
        _ => return None,
    };
    let (mesh, mut middle) = rest.split_once('.')?;
    let section = pop(&mut middle)?;
    let service = pop(&mut middle)?;
    let (zone, namespace) = middle.split_once('.').unwrap_or((middle, ""));
    (!namespace.contains('.')).then(|| {
        R::new("kuma-kri")
            .mark("sni", "marker of a resource name")
            .mark(kind, meaning)
            .mark(mesh, "mesh")
            .field(Field::Datacenter, zone, "zone")
            .field(Field::Namespace, namespace, "namespace")
            .field(Field::Service, service, "service")
            .field(Field::Subset, section, "section: the service's port")
    })
}
