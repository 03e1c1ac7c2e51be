//! Who lives at an address: services and nodes as a catalog tells them.

use std::collections::HashMap;
use std::net::IpAddr;

/// Addresses that a directory holds at most, with and without a port.
pub const MAX_ENTRIES: usize = 1 << 20;

/// A name, or the knowledge that there are several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum One {
    #[default]
    Nothing,
    Name(Box<str>),
    /// Which one is meant cannot be told.
    Several,
}

impl One {
    fn add(&mut self, name: &str) {
        match self {
            Self::Nothing => *self = Self::Name(name.into()),
            Self::Name(known) if **known != *name => *self = Self::Several,
            _ => (),
        }
    }

    fn get(&self) -> Option<&str> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }
}

/// What is known of one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Host {
    node: One,
    service: One,
}

/// An address of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'e> {
    /// The address.
    pub ip: IpAddr,
    /// The service's port; `None`: of the node alone.
    pub port: Option<u16>,
    /// The service.
    pub service: Option<&'e str>,
    /// The node.
    pub node: Option<&'e str>,
}

/// Who lives at an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resident<'d> {
    /// The service, where there is only one that it can be.
    pub service: Option<&'d str>,
    /// The node.
    pub node: Option<&'d str>,
}

/// Services and nodes by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    hosts: HashMap<IpAddr, Host>,
    ports: HashMap<(IpAddr, u16), One>,
    /// Entries for which there was no room.
    pub left_out: u64,
}

impl Directory {
    /// Adds an entry. `0.0.0.0` and `::` are nobody's address.
    pub fn add(&mut self, entry: &Entry<'_>) {
        if entry.ip.is_unspecified() {
            return;
        }
        if self.len() >= MAX_ENTRIES {
            self.left_out += 1;
            return;
        }
        let host = self.hosts.entry(entry.ip.to_canonical()).or_default();
        if let Some(node) = entry.node {
            host.node.add(node);
        }
        let Some(service) = entry.service else { return };
        host.service.add(service);
        if let Some(port) = entry.port {
            self.ports.entry((entry.ip.to_canonical(), port)).or_default().add(service);
        }
    }

    /// Addresses, with and without a port.
    pub fn len(&self) -> usize {
        self.hosts.len() + self.ports.len()
    }

    /// True without any address.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Who lives at an address; `port` is that of a server: of a client's nothing follows. Where several services
    /// share the address and none has the port, it is none of them for sure.
    pub fn resident(&self, ip: IpAddr, port: Option<u16>) -> Resident<'_> {
        let ip = ip.to_canonical();
        let Some(host) = self.hosts.get(&ip) else { return Resident::default() };
        let at_port = port.and_then(|port| self.ports.get(&(ip, port)));
        Resident { service: at_port.unwrap_or(&host.service).get(), node: host.node.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(entries: &[(&str, u16, &str, &str)]) -> Directory {
        let mut directory = Directory::default();
        for (ip, port, service, node) in entries {
            let (service, node) = (Some(*service), Some(*node));
            directory.add(&Entry {
                ip: ip.parse().unwrap(),
                port: Some(*port).filter(|port| *port > 0),
                service: service.filter(|text| !text.is_empty()),
                node: node.filter(|text| !text.is_empty()),
            });
        }
        directory
    }

    #[test]
    fn a_port_tells_services_of_one_address_apart() {
        let directory = directory(&[
            ("10.0.0.1", 0, "", "gw1"),
            ("10.0.0.1", 443, "mesh-gateway", "gw1"),
            ("10.0.0.1", 8500, "consul", "gw1"),
            ("10.0.0.2", 20000, "currency", "n2"),
            ("10.0.0.2", 8080, "currency", "n2"),
            ("10.0.0.3", 0, "", "n3"),
            ("10.0.0.3", 0, "", "n4"),
            ("0.0.0.0", 443, "nobody", "n5"),
        ]);
        let told = |ip: &str, port| {
            let Resident { service, node } = directory.resident(ip.parse().unwrap(), port);
            (service.unwrap_or("-").to_owned(), node.unwrap_or("-").to_owned())
        };
        let pair = |service: &str, node: &str| (service.to_owned(), node.to_owned());
        assert_eq!(told("10.0.0.1", Some(443)), pair("mesh-gateway", "gw1"));
        assert_eq!(told("10.0.0.1", Some(8443)), pair("-", "gw1"), "one of two");
        assert_eq!(told("10.0.0.1", None), pair("-", "gw1"));
        assert_eq!(told("10.0.0.2", None), pair("currency", "n2"));
        assert_eq!(told("::ffff:10.0.0.2", Some(1)), pair("currency", "n2"), "only one lives there");
        assert_eq!(told("10.0.0.3", None), pair("-", "-"), "two nodes claim it");
        assert_eq!(told("0.0.0.0", Some(443)), pair("-", "-"));
        assert_eq!(told("10.0.0.9", None), pair("-", "-"));
        assert_eq!((directory.len(), directory.is_empty()), (7, false));
    }
}
