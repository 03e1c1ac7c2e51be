//! Names of Istio and of gateways built on it: `outbound_.<port>_.<subset>_.<host>`.
//!
//! Source: Istio `pilot/pkg/model/service.go` (`BuildDNSSrvSubsetKey`). Underscores are no host name
//! characters, so no other name looks so. The form with bars, `outbound|80|v1|host`, is a cluster's name
//! inside Envoy and never on the wire.

use crate::naming::labels::{is_number, kubernetes};
use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Istio;

impl Scheme for Istio {
    fn name(&self) -> &'static str {
        "istio"
    }

    fn help(&self) -> &'static str {
        "Istio: direction, port, subset and host"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    let (direction, meaning) = match name.as_bytes().first() {
        Some(b'o') => ("outbound", "towards the service"),
        Some(b'i') => ("inbound", "into the service's own proxy"),
        _ => return None,
    };
    let mut pieces = name.strip_prefix(direction)?.strip_prefix("_.")?.splitn(3, "_.");
    let direction = name.get(..direction.len())?;
    let port = pieces.next().filter(|port| is_number::<u16>(port))?;
    let (subset, host) = (pieces.next()?, pieces.next()?);
    let reading = R::new("istio").mark(direction, meaning).mark(port, "port of the service").field(
        Field::Subset,
        subset,
        "subset of the service",
    );
    Some(match kubernetes(host) {
        Some((service, namespace, domain)) => reading
            .field(Field::Service, service, "service")
            .field(Field::Namespace, namespace, "namespace")
            .mark(domain, "marker of a Kubernetes service, and the cluster's domain"),
        None => reading.field(Field::Service, host, "host of the service"),
    })
}
