//! The way of one connection over several vantage points, joined by its ClientHello.
//!
//! A gateway that passes TLS through sends on the client's own hello, byte for byte, over a connection of its own.
//! So the same hello at two places is the same connection, whatever its addresses are there. [`join::Joiner`] takes
//! what each vantage point says and gives a [`ConnectionPath`] for each connection; [`clock::Clocks`] tells how far
//! their clocks are apart. Nothing is guessed: equal names join nothing, and a leg that is not there is said to be
//! missing.

pub mod clock;
pub mod doubts;
pub mod join;
pub mod window;

mod known;
mod order;
mod places;
mod told;
mod travel;
mod verdict;

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::certificate::Certificate;
use crate::model::frame::Timestamp;
use crate::model::hello::Alert;
use crate::model::name::Name;
use crate::model::observation::{Leg, Observation, Outcome, Peer};
use crate::model::segment::FlowKey;

/// A vantage point: an index into the caller's list of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u16);

/// A hello's segments, above which its arrival takes too long to compare clocks by.
const FEW_SEGMENTS: u16 = 4;

/// One connection as one vantage point saw it. Times are by that vantage point's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Who saw it.
    pub node: Node,
    /// Client → server.
    pub flow: FlowKey,
    /// First byte of the hello.
    pub time: Timestamp,
    /// Nanoseconds from the whole hello to what decided `result`.
    pub latency: Option<u64>,
    /// Nanoseconds since the whole hello on the leg before, where the vantage point itself told.
    pub gateway: Option<u64>,
    /// How the handshake ended.
    pub result: Outcome,
    /// Who ended it.
    pub by: Option<Peer>,
    /// The hello came in one go, and the server's answer to it too: good for comparing clocks.
    pub steady: bool,
}

impl Sighting {
    /// What a handshake record says; `None` for one without a hello.
    pub fn new(node: Node, record: &Observation) -> Option<Self> {
        let (hello, handshake) = (record.hello.as_ref()?, record.handshake.as_ref()?);
        let in_one_go = hello.segments <= FEW_SEGMENTS && handshake.retransmits == 0;
        Some(Self {
            node,
            flow: record.flow,
            time: record.time,
            latency: handshake.latency,
            gateway: record.hop.and_then(|hop| hop.gateway),
            result: handshake.result,
            by: handshake.by,
            steady: in_one_go && handshake.result == Outcome::Ok && handshake.latency.is_some(),
        })
    }
}

/// One step of the way: a leg as one vantage point saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it saw.
    pub sighting: Sighting,
    /// Which of its legs this is, by all that was seen.
    pub leg: Leg,
    /// Nanoseconds since the step before, from first byte to first byte of the hello, the clocks' offset taken off;
    /// `None` where that is not known.
    pub since: Option<u64>,
}

/// A vantage point that the connection passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Which one.
    pub node: Node,
    /// Nanoseconds from the hello's arrival to its going on; `None` where it was not seen going on.
    pub gateway: Option<u64>,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The client at the beginning of the way.
    Client,
    /// The gateway at this vantage point.
    Gateway(Node),
    /// Another server.
    Server(IpAddr, u16),
    /// Nobody: there was silence.
    Nobody,
}

/// Where and how the way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was answered.
    Answered {
        /// The hello came to this vantage point, a gateway's, and was not seen going on: TLS ends there, or the next
        /// leg was not captured.
        here: Option<Node>,
    },
    /// It died.
    Died {
        /// Index of the step.
        step: usize,
        /// By whose doing.
        by: Party,
        /// The gateway that it came to and never left.
        never_left: Option<Node>,
    },
    /// Nobody saw the answer.
    Unseen,
}

/// Why a path is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It comes from this vantage point, which did not see it.
    Before(Node),
    /// It went to this vantage point, which did not see it.
    After(Node),
    /// This vantage point saw one leg, and another one saw it further on.
    LegAt(Node),
    /// Another part of it was told already: a leg came after the window.
    Late,
    /// The same hello came twice on the same addresses: which legs belong together is not known.
    Repeated,
    /// The vantage points contradict each other about the order.
    Order,
}

/// The way of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionPath {
    /// The first eight bytes of the client random.
    pub id: [u8; 8],
    /// The server name.
    pub name: Arc<Name>,
    /// First byte of the hello on the first leg, by the clock of the first vantage point.
    pub time: Timestamp,
    /// The legs in order of travel; one that two vantage points saw stands there twice, sender's side first.
    pub steps: Vec<Step>,
    /// The vantage points in order of travel.
    pub nodes: Vec<Passed>,
    /// Connections that it is made of.
    pub legs: usize,
    /// The certificate that the client showed, where one crossed in clear.
    pub caller: Option<Arc<Certificate>>,
    /// How it went for the client.
    pub result: Outcome,
    /// The alert that ended it.
    pub alert: Option<Alert>,
    /// The gateway that it begins at: TLS begins there, or the leg before was not captured.
    pub begins: Option<Node>,
    /// Where and how it ended.
    pub end: End,
    /// What is missing; nothing where it is complete.
    pub missing: Vec<Missing>,
    /// Nanoseconds that the hello took from the first leg to the last one, the clocks' offset taken off; of one that
    /// died, or of which one leg was seen, from the hello to the answer. `None` where there was none, or the clocks
    /// could not be compared.
    pub travel: Option<u64>,
}
