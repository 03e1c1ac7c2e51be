//! Callers by what records say of them: few, and each is held once.

use std::sync::Arc;

use crate::ingest::raw::Mesh;
use crate::model::certificate::{Certificate, Identity};

/// Callers that are known at once.
const MAX: usize = 64;

/// The callers seen lately.
#[derive(Default)]
pub(super) struct Callers {
    known: Vec<Arc<Certificate>>,
    next: usize,
}

impl Callers {
    /// The certificate that the record was written of, as far as it names somebody; `None` where it names nobody.
    pub(super) fn get(&mut self, mesh: &Mesh<'_>) -> Option<Arc<Certificate>> {
        let (service, datacenter) = (mesh.source_service.as_deref(), mesh.source_datacenter.as_deref());
        let (namespace, partition) = (mesh.source_namespace.as_deref(), mesh.source_partition.as_deref());
        if [service, datacenter, namespace, partition].iter().all(Option::is_none) {
            return None;
        }
        let same = |known: &&Arc<Certificate>| {
            let it = &known.identity;
            it.service.as_deref() == service
                && it.datacenter.as_deref() == datacenter
                && it.namespace.as_deref() == namespace
                && it.partition.as_deref() == partition
        };
        if let Some(known) = self.known.iter().find(same) {
            return Some(Arc::clone(known));
        }
        let owned = |text: Option<&str>| text.map(Box::from);
        let identity = Identity {
            service: owned(service),
            namespace: owned(namespace),
            partition: owned(partition),
            datacenter: owned(datacenter),
        };
        let new = Arc::new(Certificate { identity, ..Certificate::default() });
        match self.known.get_mut(self.next) {
            Some(slot) => *slot = Arc::clone(&new),
            None => self.known.push(Arc::clone(&new)),
        }
        self.next = (self.next + 1) % MAX;
        Some(new)
    }
}
