//! Names of Kubernetes services, as Open Service Mesh and plain TLS clients inside a cluster send them.
//!
//! `[pod.]<service>.<namespace>.svc.cluster.local`, the same under `clusterset.local` (multi-cluster services),
//! and `<service>.<namespace>.svc` as webhooks are called. Sources: the Kubernetes DNS specification; osm
//! `pkg/service`. Clusters with a domain of their own look like any host name and need `--name-pattern`.

use crate::naming::labels::kubernetes;
use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Kubernetes;

impl Scheme for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn help(&self) -> &'static str {
        "Kubernetes services, as web.shop.svc.cluster.local"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

/// What such names end in.
const DOMAINS: [&str; 3] = ["svc", "svc.cluster.local", "svc.clusterset.local"];

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    if !DOMAINS.iter().any(|domain| name.ends_with(domain)) {
        return None;
    }
    service("", name).or_else(|| {
        let (pod, rest) = name.split_once('.')?;
        service(pod, rest)
    })
}

fn service<'n, R: Reading<'n>>(pod: &'n str, host: &'n str) -> Option<R> {
    let (service, namespace, domain) = kubernetes(host)?;
    DOMAINS.contains(&domain).then(|| {
        R::new("k8s-service")
            .mark(pod, "one pod of the service")
            .field(Field::Service, service, "service")
            .field(Field::Namespace, namespace, "namespace")
            .mark(domain, "marker of a Kubernetes service, and the cluster's domain")
    })
}
