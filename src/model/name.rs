//! A server name and what it means to the mesh.

use std::sync::OnceLock;

/// What a naming scheme reads out of a server name: the `mesh` object of a record.
///
/// Every text is lower-cased, with bytes outside printable ASCII as `\xNN`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Target {
    /// What the name names, such as `consul-service`; `other` where no scheme knows it.
    pub kind: &'static str,
    /// The scheme that recognised it: a name in the schemes table.
    pub scheme: &'static str,
    /// Service, or what stands in its place (see SNI-FORMATS: a node, a service account, an identity).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<str>>,
    /// Service-resolver subset, version or section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<Box<str>>,
    /// Namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Box<str>>,
    /// Admin partition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<Box<str>>,
    /// The datacenter that the name reaches, region or zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datacenter: Option<Box<str>>,
    /// Cluster peer, as the exporting cluster calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<Box<str>>,
    /// Trust domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<Box<str>>,
    /// What is odd about the name: `ambiguous`, `case`, `bad_chars`, `not_uuid`, `long_label`, `empty`,
    /// `empty_label`, `ip`, `trailing_dot`, `too_long`, `kuma_tags`, `bad_length`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<&'static str>,
}

/// The longest name that a [`Key`] holds.
pub const MAX_KEY: usize = 111;

/// A name's bytes as they came, for finding it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    len: u8,
    bytes: [u8; MAX_KEY],
}

impl Key {
    /// The key of a name; `None` for a longer one than [`MAX_KEY`] bytes.
    pub fn new(name: &[u8]) -> Option<Self> {
        let len = u8::try_from(name.len()).ok()?;
        let mut bytes = [0; MAX_KEY];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { len, bytes })
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// A server name, decoded once and shared by all records that carry it.
///
/// In this order in memory: whoever looks for a name by its bytes finds them beside the reference count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Name {
    /// The bytes on the wire, where they fit.
    pub key: Option<Key>,
    /// Lower-cased, without a trailing dot, other bytes than printable ASCII as `\xNN`: for grouping.
    /// `None` where the hello has no name, or an empty or malformed one.
    pub text: Option<Box<str>>,
    /// As on the wire with its case and dot, other bytes than printable ASCII as `\xNN`.
    pub wire: Option<Box<str>>,
    /// What it means.
    pub target: Target,
    /// What an output made of it, once for all records with this name.
    pub rendered: Rendered,
}

impl Name {
    /// A name that no output has rendered yet.
    pub fn new(text: Option<Box<str>>, wire: Option<Box<str>>, target: Target) -> Self {
        Self { key: None, text, wire, target, rendered: Rendered::default() }
    }
}

/// An output's own form of a name; it is no part of the name, and never makes two names differ.
#[derive(Clone, Debug, Default)]
pub struct Rendered(pub OnceLock<Parts>);

/// Pieces of bytes, one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// All pieces.
    pub bytes: Box<[u8]>,
    /// Where the second and the third begin.
    pub cuts: [u32; 2],
}

impl PartialEq for Rendered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Rendered {}
