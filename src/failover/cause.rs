//! Why a gateway ended a handshake, where the time and what else was seen at that moment leave no doubt.
//!
//! Measured on real gateways: one that knows no way for a name resets within 1 ms; one whose own connection
//! was refused resets as soon as the refusal is back; one that has passed the hello on resets when the next hop
//! does; it gives up a connection after 5 s, and half a hello after 15 s. A time alone proves little (a gateway
//! that is killed resets at any time), so the other leg must have been seen to fail where there is one.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::gateways::is_gateway_port;
use crate::model::frame::Timestamp;
use crate::model::mesh::{Cause, Role};
use crate::model::observation::{Handshake, Observation, Outcome, Peer};

/// Failures of other legs that are remembered: a reset follows within milliseconds.
const REMEMBERED: usize = 1024;
/// A gateway that has nobody to ask resets within this time, nanoseconds.
const AT_ONCE: u64 = 1_000_000;
/// How long after its own connection failed a gateway ends the one that it was for.
const SOON: u64 = 50_000_000;
/// Envoy's connect timeout, with a margin to both sides.
const CONNECT: std::ops::Range<u64> = 4_950_000_000..5_300_000_000;
/// Envoy's limit for a hello, with a margin to both sides.
const HELLO: std::ops::Range<u64> = 14_900_000_000..15_500_000_000;

/// A connection that was refused.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    client: IpAddr,
    port: u16,
    from: Timestamp,
    to: Timestamp,
}

/// Remembers what failed just now.
#[derive(Debug, Default)]
pub struct Causes {
    refused: VecDeque<Refusal>,
    /// Randoms of hellos that were reset, and by whom the connection had been opened.
    reset: VecDeque<([u8; 32], IpAddr)>,
}

impl Causes {
    /// The cause of a failure; to be asked for every record in the order of their completion, before attempts
    /// are grouped. Costs a comparison where nothing failed.
    pub fn of(&mut self, record: &Observation) -> Option<Cause> {
        let handshake = record.handshake.as_ref()?;
        match handshake.result {
            Outcome::Refused => {
                self.refused(record);
                None
            }
            Outcome::Reset if handshake.by == Some(Peer::Server) => self.reset(record, handshake),
            Outcome::Closed if handshake.by == Some(Peer::Server) => None,
            Outcome::IncompleteHello if handshake.by == Some(Peer::Server) => {
                let waited = handshake.total.is_some_and(|total| HELLO.contains(&total));
                waited.then_some(Cause::HelloTimeout)
            }
            _ => None,
        }
    }

    fn refused(&mut self, record: &Observation) {
        let refusal = Refusal {
            client: record.flow.source_ip(),
            port: record.flow.ports.1,
            from: record.time,
            to: record.completed,
        };
        push(&mut self.refused, refusal);
    }

    fn reset(&mut self, record: &Observation, handshake: &Handshake) -> Option<Cause> {
        let hello = record.hello.as_ref()?;
        let latency = handshake.latency?;
        let gateway = record.flow.destination_ip();
        let onward = |(random, client): &([u8; 32], IpAddr)| *random == hello.random && *client == gateway;
        let passed_on = self.reset.iter().any(onward);
        push(&mut self.reset, (hello.random, record.flow.source_ip()));
        if passed_on {
            return Some(Cause::RemoteReset);
        }
        let own = |refusal: &&Refusal| {
            refusal.client == gateway
                && refusal.from >= record.time
                && refusal.to <= record.completed
                && record.completed.since(refusal.to) <= SOON
        };
        if let Some(refusal) = self.refused.iter().rev().find(own) {
            let remote = is_gateway_port(refusal.port);
            return Some(if remote { Cause::RemoteGatewayRefused } else { Cause::SidecarRefused });
        }
        if latency < AT_ONCE && record.role == Some(Role::Egress) && is_gateway_port(record.flow.ports.1) {
            return Some(Cause::NoRoute);
        }
        CONNECT.contains(&latency).then_some(Cause::ConnectTimeout)
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}
