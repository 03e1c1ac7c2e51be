//! Who is behind an address: the services that client certificates name.
//!
//! Most handshakes are resumed and show no certificate, so a client is known from those that did. An address that
//! showed two identities stands for nobody, and a gateway's own address says nothing of whom it passes on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState as Secret;

use super::Detector;
use super::limits::{MAX_CALLERS, MAX_MOVED};
use super::tell::Told;
use crate::model::certificate::Identity;
use crate::model::mesh::Role;
use crate::model::observation::Observation;

/// The addresses that showed a certificate; once full, no more are learnt.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// `None`: it showed several.
    known: HashMap<IpAddr, Option<Arc<Identity>>, Secret>,
}

impl Callers {
    /// `ip` showed a certificate of `identity`.
    pub(super) fn learn(&mut self, ip: IpAddr, identity: &Identity) {
        if identity.service.is_none() {
            return;
        }
        if let Some(known) = self.known.get_mut(&ip) {
            if known.as_deref().is_some_and(|known| known != identity) {
                *known = None;
            }
        } else if self.known.len() < MAX_CALLERS {
            self.known.insert(ip, Some(Arc::new(identity.clone())));
        }
    }

    /// Who is behind `ip`, where that is known.
    pub(super) fn of(&self, ip: IpAddr) -> Option<&Arc<Identity>> {
        self.known.get(&ip)?.as_ref()
    }
}

impl Detector {
    /// A record may show who calls.
    pub(super) fn shown(&mut self, record: &Observation) {
        let Some(certificate) = &record.shown.client else { return };
        let (ip, identity) = (record.flow.source_ip(), &certificate.identity);
        if !self.gateways.has(ip) {
            self.callers.learn(ip, identity);
        }
        // what is told of the connection itself is sure, whoever else is behind the address
        let own = |told: &&mut Told| {
            told.due.is_some() && told.found.first.time == record.time && told.found.first.client == ip
        };
        for told in self.told.iter_mut().filter(own).filter(|_| identity.service.is_some()) {
            told.caller = Some(Arc::new(identity.clone()));
        }
    }

    /// Whom a client's certificates name; what comes from elsewhere comes from a gateway that serves many.
    pub(super) fn caller(&self, client: IpAddr, role: Option<Role>) -> Option<Arc<Identity>> {
        let local = !matches!(role, Some(Role::Ingress | Role::Transit));
        self.callers.of(client).filter(|_| local).cloned()
    }

    /// The same of several, each once, in order.
    pub(super) fn names_of(
        &self,
        clients: impl Iterator<Item = IpAddr>,
        role: Option<Role>,
    ) -> Vec<Arc<Identity>> {
        let mut names: Vec<_> = clients.filter_map(|client| self.caller(client, role)).collect();
        names.sort_by(|a, b| (&a.service, &a.datacenter).cmp(&(&b.service, &b.datacenter)));
        names.dedup();
        names.truncate(MAX_MOVED);
        names
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn named(service: &str) -> Identity {
        Identity { service: Some(service.into()), ..Identity::default() }
    }

    #[test]
    fn an_address_is_who_it_always_was() {
        let mut callers = Callers::default();
        let [one, other] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        callers.learn(one, &Identity::default());
        assert!(callers.of(one).is_none(), "it names nobody");
        callers.learn(one, &named("payments"));
        callers.learn(one, &named("payments"));
        callers.learn(other, &named("payments"));
        assert_eq!(callers.of(one).map(|it| &**it), Some(&named("payments")));
        callers.learn(other, &named("web"));
        callers.learn(other, &named("payments"));
        assert!(callers.of(other).is_none(), "two share it");
    }

    #[test]
    fn they_are_bounded() {
        let mut callers = Callers::default();
        for ip in 0..u32::try_from(MAX_CALLERS).unwrap() + 10 {
            callers.learn(Ipv4Addr::from(ip).into(), &named("payments"));
        }
        assert_eq!(callers.known.len(), MAX_CALLERS);
    }
}
