//! What a server name means: the schemes table, first to recognise a name wins, `plain` is last.
//!
//! What is wrong with a name as such (an empty label, an address, too long) is decided before any scheme
//! reads it; a user's own pattern comes before the table.

pub mod cilium;
pub mod consul;
pub mod consul_dns;
pub mod custom;
pub mod explain;
pub mod identity;
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
use crate::model::name::{Flag, Flags, Name};
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
            Sni::Empty | Sni::Name { bytes: [], .. } => nameless(MALFORMED, Some(Flag::Empty)),
            Sni::Malformed => nameless(MALFORMED, Some(Flag::BadLength)),
            Sni::Name { bytes, more } => {
                let mut name = self.name(bytes);
                name.flags.set_if(more, Flag::SeveralNames);
                name
            }
        }
    }

    /// Reads a name that came unread: what [`Namer::classify`] makes of the same bytes.
    pub fn complete(&self, name: &mut Name) {
        let unread = Some(name.flags).filter(|_| name.is_unread()).zip(name.text());
        if let Some((flags, text)) = unread {
            *name = self.classify(Sni::Name { bytes: text.as_bytes(), more: flags.has(Flag::SeveralNames) });
        }
    }

    fn name(&self, bytes: &[u8]) -> Name {
        let (flags, clean) = text::faults(bytes);
        let mut name = match std::str::from_utf8(bytes) {
            Ok(text) if clean => Name::new(text.into(), None),
            _ => Name::new(text::normal(bytes).into(), Some(text::escape(bytes).into())),
        };
        name.flags = flags;
        if text::is_fatal(flags) {
            name.kind = MALFORMED;
            return name;
        }
        self.read(name)
    }

    /// Asks the user's pattern, then the table.
    fn read(&self, name: Name) -> Name {
        let text = name.text().unwrap_or_default();
        if let Some(values) = self.custom.as_ref().and_then(|pattern| pattern.parse(text)) {
            return name.meaning(custom::NAME, custom::NAME, &values);
        }
        for scheme in SCHEMES {
            if let Some(fields) = scheme.fields(text) {
                let (kind, flags, values) = (fields.kind, fields.flags, fields.places(text));
                let mut name = name.meaning(kind, scheme.name(), &values);
                name.flags = name.flags.with(flags);
                return name;
            }
        }
        name
    }
}

fn nameless(kind: &'static str, flag: Option<Flag>) -> Name {
    let mut flags = Flags::default();
    if let Some(flag) = flag {
        flags.set_if(true, flag);
    }
    Name::none(kind, "plain", flags)
}
