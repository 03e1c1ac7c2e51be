//! Names of Kubernetes services, as Open Service Mesh and plain TLS clients inside a cluster send them.
//!
//! `[pod.]<service>.<namespace>.svc.cluster.local`, the same under `clusterset.local` (multi-cluster services),
//! and `<service>.<namespace>.svc` as webhooks are called. Sources: the Kubernetes DNS specification; osm
//! `pkg/service`. Clusters with a domain of their own look like any host name and need `--name-pattern`.

use crate::naming::labels::kubernetes;
use crate::naming::scheme::{Field, Part, Reading, Scheme};

/// The scheme.
pub struct Kubernetes;

impl Scheme for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn help(&self) -> &'static str {
        "Kubernetes services, as web.shop.svc.cluster.local"
    }

    fn read<'n>(&self, name: &'n str) -> Option<Reading<'n>> {
        service(name).or_else(|| {
            let (pod, rest) = name.split_once('.')?;
            let mut reading = service(rest)?;
            reading.parts.insert(0, Part { label: pod, value: None, meaning: POD });
            Some(reading)
        })
    }
}

const POD: &str = "one pod of the service";

fn service(host: &str) -> Option<Reading<'_>> {
    let (service, namespace, domain) = kubernetes(host)?;
    matches!(domain, "svc" | "svc.cluster.local" | "svc.clusterset.local").then(|| {
        Reading::new("k8s-service")
            .field(Field::Service, service, "service")
            .field(Field::Namespace, namespace, "namespace")
            .mark(domain, "marker of a Kubernetes service, and the cluster's domain")
    })
}
