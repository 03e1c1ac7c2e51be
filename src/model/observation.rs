//! What the inspector says of a connection: owned, small, complete.

use std::sync::Arc;

use super::certificate::Shown;
use super::digest;
use super::frame::{OriginId, Timestamp};
use super::hello::{Alert, Fingerprints, Hello, ServerHello, Version};
use super::mesh::{Cause, Role};
use super::name::Name;
use super::segment::{FlowKey, Tunnel, Vlans};

/// Which record this is: `event.action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// `tls_client_hello`: a ClientHello is whole.
    Hello,
    /// `tls_handshake`: the outcome is known. One a connection.
    Handshake,
    /// `tls_flow_end`: the connection closed.
    End,
}

/// How a handshake ended: `handshake.result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The server answered with a ServerHello and no alert followed in clear.
    Ok,
    /// A fatal alert in clear.
    Alert,
    /// RST after the hello.
    Reset,
    /// RST to the SYN.
    Refused,
    /// FIN before a ServerHello; in QUIC, the end of the connection.
    Closed,
    /// No answer within the handshake timeout.
    Timeout,
    /// The hello was begun and never whole.
    IncompleteHello,
    /// The answer is not in the capture: one direction only, or the capture ended first.
    NotSeen,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Alert,
        Self::Reset,
        Self::Refused,
        Self::Closed,
        Self::Timeout,
        Self::IncompleteHello,
        Self::NotSeen,
    ];

    /// The name in records and filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Alert => "alert",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::IncompleteHello => "incomplete_hello",
            Self::NotSeen => "not_seen",
        }
    }
}

/// Client (sent the ClientHello, or the SYN where there is none) or server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// Sender of the ClientHello.
    Client,
    /// Its peer.
    Server,
}

impl Peer {
    /// `client` or `server`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// Facts of a ClientHello that outlive its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloFacts {
    /// The client random.
    pub random: [u8; 32],
    /// Highest version offered.
    pub offered: Version,
    /// ALPN `ProtocolNameList` body (length byte and name each); `None`: no such extension.
    pub alpn: Option<Box<[u8]>>,
    /// Handshake message length in bytes, with its four-byte header.
    pub bytes: u32,
    /// TCP segments or datagrams that carried it, retransmissions not counted.
    pub segments: u16,
    /// TLS records that carried it; in QUIC, CRYPTO frames.
    pub records: u16,
    /// 0, or 1 after a HelloRetryRequest.
    pub index: u8,
    /// XXH3 of the message behind its header: equal on every leg that the same bytes travelled.
    pub digest: u64,
    /// `encrypted_client_hello`, or the `encrypted_server_name` of its drafts, is there.
    pub ech: bool,
    /// JA3 and JA4, where they were asked for.
    pub fingerprints: Option<Box<Fingerprints>>,
}

impl HelloFacts {
    /// What a hello says; it came in one segment, as far as is known here.
    pub fn of(hello: &Hello<'_>) -> Self {
        Self {
            random: *hello.random,
            offered: hello.offered,
            alpn: hello.alpn.map(Into::into),
            bytes: u32::try_from(hello.message.len()).unwrap_or(u32::MAX),
            segments: 1,
            records: hello.records,
            index: 0,
            digest: digest::of_message(hello.message),
            ech: hello.ech,
            fingerprints: None,
        }
    }
}

/// Which part of its way through one vantage point a connection was seen on: `mesh.hop.leg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    /// Into it: the hello was seen going on, over another flow.
    In,
    /// Out of it: the hello was seen before, on another flow.
    Out,
    /// The hello was seen on this flow only, by the time that the record was complete.
    Only,
}

impl Leg {
    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Only => "only",
        }
    }
}

/// A connection's leg at one vantage point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Which leg.
    pub leg: Leg,
    /// [`Leg::Out`]: nanoseconds from the packet that completed the hello on the leg before to this leg's
    /// first packet with hello bytes, which is the time spent inside the gateway.
    pub gateway: Option<u64>,
}

/// How the handshake went. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// How it ended.
    pub result: Outcome,
    /// Who ended it: sent the ServerHello, alert, RST or FIN. `None` for silence.
    pub by: Option<Peer>,
    /// Why a gateway ended it, where that is sure; the inspector leaves it open.
    pub cause: Option<Cause>,
    /// From the packet that completed the (last) hello to the packet that decided `result`.
    pub latency: Option<u64>,
    /// From the SYN to the client's first segment after the SYN-ACK: a whole round trip wherever it is captured.
    pub tcp_rtt: Option<u64>,
    /// From the first packet of the connection to the end of the handshake.
    pub total: Option<u64>,
    /// The alert, for [`Outcome::Alert`].
    pub alert: Option<Alert>,
    /// The server sent a HelloRetryRequest.
    pub hello_retry: bool,
    /// Segments of the hello (or SYNs, where there is no hello) that were sent again.
    pub retransmits: u32,
    /// Connection attempts that this record stands for; `None` with a hello.
    pub attempts: Option<u64>,
    /// Both sides went over to encryption (true), or the connection ended before (false); `None`: not known.
    pub established: Option<bool>,
    /// The session was resumed.
    pub resumed: Option<bool>,
}

/// Bytes and packets of one direction since the connection's first packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// TCP or UDP payload bytes on the wire, retransmissions included.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
}

/// What is wrong with the captured bytes behind a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The snapshot length cut bytes of the hello.
    pub truncated: bool,
    /// Bytes are missing between captured segments.
    pub gap: bool,
    /// Two segments disagree about the hello's bytes.
    pub conflict: bool,
}

/// What went ahead of TLS on a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// Names of the dialogues and proxy headers, in this order: `handshake.preface`.
    pub prefaces: Box<[&'static str]>,
    /// The client that a proxy stands for: `source.address`. Printable ASCII.
    pub source: Option<Box<str>>,
    /// Where a proxy is to connect to, or the client did: `destination.address`. Printable ASCII.
    pub destination: Option<Box<str>>,
}

/// One record about one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Which record this is.
    pub action: Action,
    /// First byte of the ClientHello; without one, the first SYN.
    pub time: Timestamp,
    /// Capture time at which the record was complete.
    pub completed: Timestamp,
    /// Where it was seen.
    pub origin: OriginId,
    /// Frame number of the packet that completed the (last) ClientHello, which is where Wireshark shows it;
    /// without a hello, of its first byte or of the first SYN.
    pub packet: u64,
    /// `network.protocol`: what carried the hello.
    pub protocol: &'static str,
    /// Client → server. The source port is 0 where the record stands for several connections.
    pub flow: FlowKey,
    /// VLAN tags of the hello's first segment.
    pub vlans: Vlans,
    /// Tunnel that this segment came through.
    pub tunnel: Option<Tunnel>,
    /// What went ahead of TLS, where something did.
    pub ahead: Option<Box<Ahead>>,
    /// The hello; `None` where none was whole.
    pub hello: Option<HelloFacts>,
    /// Its server name, decoded; `None` where no hello was whole.
    pub name: Option<Arc<Name>>,
    /// Which way it goes past this place; the inspector leaves it open.
    pub role: Option<Role>,
    /// Which leg of a connection it is, as far as that is known.
    pub hop: Option<Hop>,
    /// What the server chose.
    pub server: Option<ServerHello>,
    /// The certificates that crossed in clear.
    pub shown: Shown,
    /// How it went; `None` in a [`Action::Hello`] record.
    pub handshake: Option<Handshake>,
    /// Traffic of client and server, in [`Action::End`] records.
    pub traffic: Option<(Traffic, Traffic)>,
    /// Doubts about the bytes.
    pub marks: Marks,
    /// The hello's bytes where they were asked for: the packet's headers, and the stream's bytes.
    pub bytes: Option<Box<HelloBytes>>,
}

/// Bytes of a hello for `-A`, `-x` and `-X`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelloBytes {
    /// Link, network and transport headers of the first segment (`-XX`).
    pub head: Box<[u8]>,
    /// The hello's TLS records as on the wire.
    pub records: Box<[u8]>,
}
