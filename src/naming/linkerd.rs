//! Names of Linkerd 2: the identity that the server's proxy must prove.
//!
//! `<service account>.<namespace>.serviceaccount.identity.<control plane namespace>.<trust domain>`. Source:
//! Linkerd `pkg/identity`. It names the server's service account, not a service; a service account's name may
//! contain dots.

use crate::naming::scheme::{Field, Reading, Scheme};

/// The scheme.
pub struct Linkerd;

const MARKER: &str = "serviceaccount.identity";

impl Scheme for Linkerd {
    fn name(&self) -> &'static str {
        "linkerd"
    }

    fn help(&self) -> &'static str {
        "Linkerd: service account, namespace and trust domain"
    }

    fn read<'n>(&self, name: &'n str) -> Option<Reading<'n>> {
        let (identity, authority) = name.split_once(".serviceaccount.identity.")?;
        let (account, namespace) = identity.rsplit_once('.')?;
        let (control_plane, trust_domain) = authority.split_once('.')?;
        Some(
            Reading::new("linkerd")
                .field(Field::Service, account, "service account of the server")
                .field(Field::Namespace, namespace, "namespace")
                .mark(MARKER, "marker of a Linkerd identity")
                .mark(control_plane, "namespace of the control plane")
                .field(Field::TrustDomain, trust_domain, "trust domain"),
        )
    }
}
