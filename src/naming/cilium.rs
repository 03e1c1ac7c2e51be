//! Names of Cilium's mutual authentication: `<identity>.spiffe.cilium`.
//!
//! Source: Cilium `pkg/auth/spire/certificate_provider.go`. A side handshake without data, on port 4250; the
//! trust domain is configurable, and only its default can be told from other names.

use crate::naming::labels::is_number;
use crate::naming::scheme::{Field, Reading, Scheme};

/// The scheme.
pub struct Cilium;

impl Scheme for Cilium {
    fn name(&self) -> &'static str {
        "cilium"
    }

    fn help(&self) -> &'static str {
        "Cilium mutual authentication: a security identity"
    }

    fn read<'n>(&self, name: &'n str) -> Option<Reading<'n>> {
        let (identity, trust_domain) = name.split_once('.')?;
        (trust_domain == "spiffe.cilium" && is_number::<u32>(identity)).then(|| {
            Reading::new("cilium")
                .field(Field::Service, identity, "numeric security identity of the endpoint")
                .field(Field::TrustDomain, trust_domain, "trust domain")
        })
    }
}
