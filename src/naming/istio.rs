//! Names of Istio and of gateways built on it: `outbound_.<port>_.<subset>_.<host>`.
//!
//! Source: Istio `pilot/pkg/model/service.go` (`BuildDNSSrvSubsetKey`). Underscores are no host name
//! characters, so no other name looks so. The form with bars, `outbound|80|v1|host`, is a cluster's name
//! inside Envoy and never on the wire.

use crate::naming::labels::{is_number, kubernetes};
use crate::naming::scheme::{Field, Reading, Scheme};

/// The scheme.
pub struct Istio;

impl Scheme for Istio {
    fn name(&self) -> &'static str {
        "istio"
    }

    fn help(&self) -> &'static str {
        "Istio: direction, port, subset and host"
    }

    fn read<'n>(&self, name: &'n str) -> Option<Reading<'n>> {
        let mut pieces = name.splitn(4, "_.");
        let direction = pieces.next()?;
        let meaning = match direction {
            "outbound" => "towards the service",
            "inbound" => "into the service's own proxy",
            _ => return None,
        };
        let port = pieces.next().filter(|port| is_number::<u16>(port))?;
        let (subset, host) = (pieces.next()?, pieces.next()?);
        let reading = Reading::new("istio").mark(direction, meaning).mark(port, "port of the service").field(
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
}
