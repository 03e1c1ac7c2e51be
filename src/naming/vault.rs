//! Names of Vault's and `OpenBao`'s cluster port: `fw-<uuid>`, one label.
//!
//! Source: Vault `vault/cluster.go`. Nodes of one cluster forward requests to the active node by it.

use crate::naming::labels::is_uuid;
use crate::naming::scheme::{Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Vault;

impl Scheme for Vault {
    fn name(&self) -> &'static str {
        "vault"
    }

    fn help(&self) -> &'static str {
        "Vault and OpenBao: traffic between the nodes of a cluster"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    name.strip_prefix("fw-")
        .is_some_and(is_uuid)
        .then(|| R::new("vault").mark(name, "the active node of a Vault cluster"))
}
