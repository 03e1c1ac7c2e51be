//! What a server name means: the schemes table, first to recognise a name wins, `plain` is last.
//!
//! What is wrong with a name as such (an empty label, an address, too long) is decided before any scheme
//! reads it; a user's own pattern comes before the table.

pub mod cilium;
pub mod consul;
pub mod consul_dns;
pub mod custom;
pub mod explain;
pub mod istio;
pub mod kubernetes;
pub mod kuma;
mod labels;
pub mod linkerd;
pub mod nomad;
pub mod plain;
pub mod scheme;
pub mod text;
pub mod vault;

#[cfg(test)]
mod tests;

use crate::model::hello::Sni;
use crate::model::name::{Name, Target};
use crate::naming::custom::Pattern;
use crate::naming::scheme::Scheme;

/// The schemes, in the order in which they are asked. `plain` answers to every name.
pub static SCHEMES: &[&dyn Scheme] = &[
    &consul::Consul,
    &consul_dns::ConsulDns,
    &nomad::Nomad,
    &istio::Istio,
    &linkerd::Linkerd,
    &kuma::Kuma,
    &cilium::Cilium,
    &vault::Vault,
    &kubernetes::Kubernetes,
    &plain::Plain,
];

/// `mesh.kind` of a hello without a server name.
pub const NONE: &str = "none";
/// `mesh.kind` of a server name that is none, by its bytes or its extension.
pub const MALFORMED: &str = "malformed";

/// Names the server names of one run.
#[derive(Clone, Debug, Default)]
pub struct Namer {
    custom: Option<Pattern>,
}

impl Namer {
    /// A namer with the user's own scheme, if there is one.
    pub fn new(custom: Option<Pattern>) -> Self {
        Self { custom }
    }

    /// What a hello's `server_name` extension holds, and what that means. Of several names the first counts.
    pub fn classify(&self, sni: Sni<'_>) -> Name {
        match sni {
            Sni::Absent => nameless(NONE, None),
            Sni::Empty | Sni::Name { bytes: [], .. } => nameless(MALFORMED, Some("empty")),
            Sni::Malformed => nameless(MALFORMED, Some("bad_length")),
            Sni::Name { bytes, .. } => self.name(bytes),
        }
    }

    fn name(&self, bytes: &[u8]) -> Name {
        let text = text::normal(bytes);
        let faults = text::faults(bytes);
        let mut flags = Vec::new();
        flags.extend(faults.flags());
        let mut target = if faults.fatal() {
            Target { kind: MALFORMED, scheme: "plain", ..Target::default() }
        } else {
            self.target(&text)
        };
        if flags.is_empty() {
            flags = target.flags;
        } else {
            flags.append(&mut target.flags);
        }
        target.flags = flags;
        Name::new(Some(text.into()), Some(text::escape(bytes).into()), target)
    }

    fn target(&self, text: &str) -> Target {
        self.custom
            .as_ref()
            .and_then(|pattern| pattern.parse(text))
            .or_else(|| SCHEMES.iter().find_map(|scheme| scheme.parse(text)))
            .unwrap_or_default()
    }
}

fn nameless(kind: &'static str, flag: Option<&'static str>) -> Name {
    let target = Target { kind, scheme: "plain", flags: flag.into_iter().collect(), ..Target::default() };
    Name::new(None, None, target)
}
