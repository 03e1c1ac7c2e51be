//! Names of Linkerd 2: the identity that the server's proxy must prove.
//!
//! `<service account>.<namespace>.serviceaccount.identity.<control plane namespace>.<trust domain>`. Source:
//! Linkerd `pkg/identity`. It names the server's service account, not a service; a service account's name may
//! contain dots.

use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Linkerd;

const MARKER: &str = "serviceaccount.identity";
/// One byte for each label that is not fixed: most other names are too short to be searched.
const SHORTEST: usize = "a.n.serviceaccount.identity.c.t".len();

impl Scheme for Linkerd {
    fn name(&self) -> &'static str {
        "linkerd"
    }

    fn help(&self) -> &'static str {
        "Linkerd: service account, namespace and trust domain"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    if name.len() < SHORTEST {
        return None;
    }
    let (identity, authority) = name.split_once(".serviceaccount.identity.")?;
    let (account, namespace) = identity.rsplit_once('.')?;
    let (control_plane, trust_domain) = authority.split_once('.')?;
    Some(
        R::new("linkerd")
            .field(Field::Service, account, "service account of the server")
            .field(Field::Namespace, namespace, "namespace")
            .mark(MARKER, "marker of a Linkerd identity")
            .mark(control_plane, "namespace of the control plane")
            .field(Field::TrustDomain, trust_domain, "trust domain"),
    )
}
