//! What the connections so far show of the vantage points: which addresses are gateways, and who is next to whom.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use crate::path::Node;

/// Addresses that are remembered of each kind; later ones are not learnt.
const MAX: usize = 4096;

/// Addresses as each vantage point sees them: two datacenters may use the same ones.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Passed a hello on.
    gateways: HashSet<(Node, IpAddr)>,
    /// Passed a hello on as its own: a hello from there came from somewhere else.
    senders: HashSet<(Node, IpAddr)>,
    /// Where legs that leave a vantage point for this address come to.
    next: HashMap<(Node, IpAddr), Node>,
    /// Where legs that come to a vantage point from this address left.
    previous: HashMap<(Node, IpAddr), Node>,
}

impl Places {
    /// At `node`, a hello for an address went on from another one, or the same.
    pub(super) fn passes_on(&mut self, node: Node, (to, from): (IpAddr, IpAddr)) {
        if self.gateways.len() < MAX {
            self.gateways.insert((node, to));
        }
        if from == to && self.senders.len() < MAX {
            self.senders.insert((node, from));
        }
    }

    /// A leg left `from` and came to `to`, with these addresses.
    pub(super) fn leads(&mut self, (from, source): (Node, IpAddr), (to, destination): (Node, IpAddr)) {
        if self.next.len() < MAX {
            self.next.insert((from, destination), to);
        }
        if self.previous.len() < MAX {
            self.previous.insert((to, source), from);
        }
    }

    /// True if a gateway with this address was seen at work at `node`.
    pub(super) fn is_gateway(&self, node: Node, address: IpAddr) -> bool {
        self.gateways.contains(&(node, address))
    }

    /// True if what comes from this address at `node` was passed on by the gateway there.
    pub(super) fn is_sender(&self, node: Node, address: IpAddr) -> bool {
        self.senders.contains(&(node, address))
    }

    /// The vantage point that legs from `node` to `address` come to.
    pub(super) fn after(&self, node: Node, address: IpAddr) -> Option<Node> {
        self.next.get(&(node, address)).copied()
    }

    /// The vantage point that legs from `address` to `node` left.
    pub(super) fn before(&self, node: Node, address: IpAddr) -> Option<Node> {
        self.previous.get(&(node, address)).copied()
    }
}
