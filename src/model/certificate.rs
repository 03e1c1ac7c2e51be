//! A certificate that one side of a handshake showed in clear (up to TLS 1.2), and whom it names.

use std::sync::{Arc, OnceLock};

/// Who shows a certificate, as meshes write it into one: the `mesh.source_*` fields of a record.
///
/// Every text is lower-cased, with bytes outside printable ASCII as `\xNN`, as a
/// [`Name`](super::name::Name)'s text is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Service, or what stands in its place: a service account, a workload identity.
    pub service: Option<Box<str>>,
    /// Namespace.
    pub namespace: Option<Box<str>>,
    /// Admin partition.
    pub partition: Option<Box<str>>,
    /// Datacenter.
    pub datacenter: Option<Box<str>>,
}

/// What a certificate says (RFC 5280 §4.1). Nothing of it is verified. Texts are as decoded, unescaped:
/// they come from a stranger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Distinguished name of the subject as RFC 4514 writes it, `", "` between its parts; empty where the
    /// certificate has none.
    pub subject: Box<str>,
    /// Its common names.
    pub subject_common_names: Vec<Box<str>>,
    /// Distinguished name of the issuer.
    pub issuer: Box<str>,
    /// Its common names.
    pub issuer_common_names: Vec<Box<str>>,
    /// Begin of its validity, seconds since the Unix epoch.
    pub not_before: i64,
    /// End of its validity, seconds since the Unix epoch.
    pub not_after: i64,
    /// Serial number, upper-case hexadecimal digits without leading zero bytes.
    pub serial: Box<str>,
    /// Subject alternative names: DNS names, addresses, mail addresses, URIs, directory names; others are
    /// left out.
    pub names: Vec<AlternativeName>,
    /// SHA-256 of its DER form.
    pub sha256: [u8; 32],
}

/// A subject alternative name (RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    /// `dNSName`.
    Dns(Box<str>),
    /// `uniformResourceIdentifier`.
    Uri(Box<str>),
    /// `iPAddress`, `rfc822Name` or `directoryName`.
    Other(Box<str>),
}

impl AlternativeName {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Dns(text) | Self::Uri(text) | Self::Other(text) => text,
        }
    }
}

/// One side's certificate, read once and shared by all records that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// What it says. `None`: the side sent an empty list, or what cannot be read.
    pub facts: Option<Facts>,
    /// Whom it names.
    pub identity: Identity,
    /// What an output made of it, once for all records.
    pub rendered: Rendered,
}

/// An output's own forms of a certificate; they are no part of it, and never make two certificates differ.
#[derive(Clone, Debug, Default)]
pub struct Rendered(pub OnceLock<[Box<[u8]>; 3]>);

impl PartialEq for Rendered {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Rendered {}

/// The certificates of both sides; `None`: not shown, not seen, or not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The client's.
    pub client: Option<Arc<Certificate>>,
    /// The server's.
    pub server: Option<Arc<Certificate>>,
}
