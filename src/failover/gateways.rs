//! Which addresses are mesh gateways, and which way a connection goes past this place.
//!
//! A gateway is known by its port, or because it passes a hello on. With the name of this place's datacenter,
//! each connection has a role: to another datacenter (egress), from another one through a gateway here
//! (ingress), from another one to yet another (transit), or within this one (local).

use std::collections::HashSet;
use std::net::IpAddr;

use foldhash::fast::RandomState as Secret;

use super::limits::MAX_GATEWAYS;
use super::service;
use crate::model::mesh::Role;
use crate::model::name::Name;
use crate::model::segment::FlowKey;

/// Ports of Consul's mesh gateways: as consul-k8s exposes them, and the default of `consul connect envoy`.
const PORTS: [u16; 2] = [443, 8443];

/// True for a port of a mesh gateway.
pub(super) fn is_gateway_port(port: u16) -> bool {
    PORTS.contains(&port)
}

/// A bounded set of addresses; once full, it learns no more.
#[derive(Debug, Default)]
struct Addresses(HashSet<IpAddr, Secret>);

impl Addresses {
    fn learn(&mut self, ip: IpAddr) {
        if self.0.len() < MAX_GATEWAYS {
            self.0.insert(ip);
        }
    }

    fn has(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip)
    }
}

/// The gateways seen so far, whosever they are.
#[derive(Debug, Default)]
pub(super) struct Gateways(Addresses);

impl Gateways {
    /// A hello with a mesh name goes over this flow: true if it is to or from a gateway.
    pub(super) fn see(&mut self, flow: &FlowKey) -> bool {
        let server = flow.destination_ip();
        if is_gateway_port(flow.ports.1) && !self.0.has(server) {
            self.0.learn(server);
        }
        self.0.has(server) || self.0.has(flow.source_ip())
    }

    /// True if this is one, as far as is known.
    pub(super) fn has(&self, ip: IpAddr) -> bool {
        self.0.has(ip)
    }

    /// This address passed a hello on.
    pub(super) fn learn(&mut self, ip: IpAddr) {
        self.0.learn(ip);
    }
}

/// Roles of connections, for a place in a known datacenter.
#[derive(Debug)]
pub struct Roles {
    local: Box<str>,
    /// Addresses that are asked on a gateway's port.
    dialled: Addresses,
    /// This datacenter's gateways.
    own: Addresses,
    /// Other datacenters' gateways.
    remote: Addresses,
}

impl Roles {
    /// Roles as seen from the datacenter `local`.
    pub fn new(local: &str) -> Self {
        let (dialled, own, remote) = <(Addresses, Addresses, Addresses)>::default();
        Self { local: local.to_ascii_lowercase().into(), dialled, own, remote }
    }

    /// This place's datacenter.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The role of a connection with this name; `None` where the name says no datacenter or peer.
    pub fn of(&mut self, flow: &FlowKey, name: &Name) -> Option<Role> {
        let place = service::place(name)?;
        let (client, server) = (flow.source_ip(), flow.destination_ip());
        let to_gateway = is_gateway_port(flow.ports.1);
        if *place == *self.local {
            if to_gateway {
                self.own.learn(server);
            }
            let passes = to_gateway || self.own.has(client) || self.own.has(server);
            return Some(if passes { Role::Ingress } else { Role::Local });
        }
        if self.remote.has(client) {
            return Some(Role::Transit);
        }
        if to_gateway {
            // who dials on and was dialled is a gateway here; whom it dials is one there
            if self.dialled.has(client) {
                self.own.learn(client);
            }
            if self.own.has(client) && !self.own.has(server) {
                self.remote.learn(server);
            }
            self.dialled.learn(server);
        }
        Some(Role::Egress)
    }
}
