//! Names of Vault's and `OpenBao`'s cluster port: `fw-<uuid>`, one label.
//!
//! Source: Vault `vault/cluster.go`. Nodes of one cluster forward requests to the active node by it.

use crate::naming::labels::is_uuid;
use crate::naming::scheme::{Reading, Scheme};

/// The scheme.
pub struct Vault;

impl Scheme for Vault {
    fn name(&self) -> &'static str {
        "vault"
    }

    fn help(&self) -> &'static str {
        "Vault and OpenBao: traffic between the nodes of a cluster"
    }

    fn read<'n>(&self, name: &'n str) -> Option<Reading<'n>> {
        name.strip_prefix("fw-")
            .is_some_and(is_uuid)
            .then(|| Reading::new("vault").mark(name, "the active node of a Vault cluster"))
    }
}
