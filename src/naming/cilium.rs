//! Names of Cilium's mutual authentication: `<identity>.spiffe.cilium`.
//!
//! Source: Cilium `pkg/auth/spire/certificate_provider.go`. A side handshake without data, on port 4250; the
//! trust domain is configurable, and only its default can be told from other names.

use crate::naming::labels::{after, is_number};
use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Cilium;

/// The default trust domain.
const TRUST_DOMAIN: &str = "spiffe.cilium";

impl Scheme for Cilium {
    fn name(&self) -> &'static str {
        "cilium"
    }

    fn help(&self) -> &'static str {
        "Cilium mutual authentication: a security identity"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    let identity = name.strip_suffix(TRUST_DOMAIN)?.strip_suffix('.')?;
    let trust_domain = after(name, identity);
    is_number::<u32>(identity).then(|| {
        R::new("cilium").field(Field::Service, identity, "numeric security identity of the endpoint").field(
            Field::TrustDomain,
            trust_domain,
            "trust domain",
        )
    })
}
