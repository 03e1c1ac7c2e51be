//! A connection with payload whose outcome is open: both directions, and what was said so far.

use std::sync::Arc;

use crate::flow::stream::Mark;
use crate::hello::flight::Flight;
use crate::inspector::half::Half;
use crate::inspector::late::state::Late;
use crate::inspector::legs::Identity;
use crate::inspector::side::Side;
use crate::model::certificate::Shown;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::hello::{Hello, ServerHello, SessionId};
use crate::model::name::Name;
use crate::model::observation::{HelloBytes, HelloFacts, Hop, Marks, Observation};
use crate::model::segment::{FlowKey, Segment, Tunnel, Vlans};

/// Age list of connections without a whole hello.
pub const SEEK: u8 = 0;
/// Age list of connections that wait for the server's answer.
pub const ANSWER: u8 = 1;
/// Age list of connections that are told and wait for their end (`--emit end`).
pub const LINGER: u8 = 2;
/// Age list of connections in a dialogue that may lead to TLS.
pub const DIALOGUE: u8 = 3;

/// Direction of a segment with respect to its connection's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As the key: source → destination.
    Forth,
    /// Against it.
    Back,
}

impl Way {
    /// The way of a segment with the key `key`; `None` where it belongs to another connection.
    ///
    /// The hash of both was the same, so that ports that differ say enough.
    #[inline]
    pub fn of(connection: &FlowKey, key: &FlowKey) -> Option<Self> {
        let (source, destination) = key.ports;
        if source == destination {
            let forth = (connection.hosts == key.hosts).then_some(Self::Forth);
            return forth.or((connection.hosts == key.hosts.reversed()).then_some(Self::Back));
        }
        if connection.ports == key.ports {
            Some(Self::Forth)
        } else {
            (connection.ports == (destination, source)).then_some(Self::Back)
        }
    }

    /// The opposite way.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Forth => Self::Back,
            Self::Back => Self::Forth,
        }
    }
}

/// A hello and what followed.
#[derive(Debug)]
pub struct Exchange {
    /// The direction that the hello went.
    pub way: Way,
    /// Row of the protocols table.
    pub row: u8,
    /// The hello.
    pub facts: HelloFacts,
    /// The connection by its first hello: `facts` is the last one's.
    pub identity: Identity,
    /// Which leg of its connection it is, once that is told.
    pub hop: Option<Hop>,
    /// Its session id.
    pub session_id: SessionId,
    /// Its name.
    pub name: Arc<Name>,
    /// Packet with the hello's first byte.
    pub first: Mark,
    /// Packet that completed the (last) hello.
    pub whole: Mark,
    /// VLAN tags of that packet.
    pub vlans: Vlans,
    /// Tunnel that it came through.
    pub tunnel: Option<Tunnel>,
    /// The hello's bytes where they are wanted.
    pub bytes: Option<Box<HelloBytes>>,
    /// What the client says after its hello.
    pub client: Flight,
    /// What the server says.
    pub answer: Flight,
    /// The certificates that both sides showed, once they are read.
    pub shown: Shown,
    /// The ServerHello and when it came.
    pub server: Option<(ServerHello, Timestamp)>,
    /// The server asked for a second hello.
    pub retry: bool,
    /// The session is a resumed one, as far as it is known.
    pub resumed: Option<bool>,
    /// The client sent new bytes after its hello.
    pub client_went_on: bool,
}

impl Exchange {
    /// What a hello says; where it was seen is still to be filled in.
    pub fn new(hello: &Hello<'_>, name: Arc<Name>) -> Self {
        let facts = HelloFacts::of(hello);
        Self {
            way: Way::Forth,
            row: 0,
            identity: Identity::default(),
            hop: None,
            facts,
            session_id: SessionId::new(hello.session_id),
            name,
            first: Mark::default(),
            whole: Mark::default(),
            vlans: Vlans::default(),
            tunnel: None,
            bytes: None,
            client: Flight::new(),
            answer: Flight::new(),
            shown: Shown::default(),
            server: None,
            retry: false,
            resumed: None,
            client_went_on: false,
        }
    }

    /// Bytes held of what was said.
    fn held(&self) -> usize {
        self.client.held() + self.answer.held()
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    /// Sender of the SYN → its peer; without SYN, as the first segment seen.
    pub key: FlowKey,
    /// Hash of `key`.
    pub hash: u64,
    /// Held bytes that stand in the inspector's account.
    pub counted: u32,
    /// First packet.
    pub first: Mark,
    /// When it entered its age list, by the inspector's clock.
    pub since: Timestamp,
    /// Where it was seen.
    pub origin: OriginId,
    /// Initial sequence number of the SYN, where one was seen.
    pub isn: Option<u32>,
    /// The SYN-ACK, or any other packet of the SYN's receiver, was captured.
    pub answered: bool,
    /// SYN to the client's next segment, nanoseconds.
    pub tcp_rtt: Option<u64>,
    /// VLAN tags of the first segment.
    pub vlans: Vlans,
    /// Tunnel that it came through.
    pub tunnel: Option<Tunnel>,
    /// The direction of `key`.
    pub forth: Side,
    /// The other one.
    pub back: Side,
    /// What goes ahead of TLS, where something does.
    pub late: Option<Box<Late>>,
    /// The hello, once it is whole.
    pub exchange: Option<Box<Exchange>>,
    /// Doubts about the bytes.
    pub marks: Marks,
    /// First to send a FIN, and when.
    pub closed_by: Option<(Way, Timestamp)>,
    /// The record, once it was told, where an end record is to follow.
    pub told: Option<Box<Observation>>,
}

impl Connection {
    /// A connection whose beginning was captured.
    pub fn from_half(half: &Half, hash: u64, since: Timestamp) -> Self {
        let mut new = Self::bare(half.key, hash, since);
        new.first = half.first;
        new.origin = half.origin;
        new.isn = Some(half.isn);
        new.answered = half.server_isn.is_some();
        new.tcp_rtt = half.tcp_rtt();
        new.vlans = half.vlans;
        new.tunnel = half.tunnel;
        new.forth.traffic.packets = u64::from(half.packets.0);
        new.back.traffic.packets = u64::from(half.packets.1);
        new.forth.stream.anchor(half.isn.wrapping_add(1));
        if let Some(isn) = half.server_isn {
            new.back.stream.anchor(isn.wrapping_add(1));
        }
        new
    }

    /// A connection whose beginning was not captured.
    pub fn from_middle(segment: &Segment<'_>, since: Timestamp) -> Self {
        let mut new = Self::bare(segment.key, segment.hash, since);
        new.first = Mark { time: segment.time, packet: segment.packet };
        new.origin = segment.origin;
        new.vlans = segment.vlans;
        new.tunnel = segment.tunnel;
        new
    }

    fn bare(key: FlowKey, hash: u64, since: Timestamp) -> Self {
        Self {
            key,
            hash,
            counted: 0,
            first: Mark::default(),
            since,
            origin: OriginId::default(),
            isn: None,
            answered: false,
            tcp_rtt: None,
            vlans: Vlans::default(),
            tunnel: None,
            forth: Side::default(),
            back: Side::default(),
            late: None,
            exchange: None,
            marks: Marks::default(),
            closed_by: None,
            told: None,
        }
    }

    /// One direction.
    pub fn side(&mut self, way: Way) -> &mut Side {
        match way {
            Way::Forth => &mut self.forth,
            Way::Back => &mut self.back,
        }
    }

    /// Bytes held for both directions.
    pub fn held(&self) -> usize {
        let said = self.exchange.as_ref().map_or(0, |exchange| exchange.held());
        self.forth.stream.held().held() + self.back.stream.held().held() + said
    }
}
