//! The contract of a protocol that carries a ClientHello in datagrams.
//!
//! A stream's reader sees one direction's bytes; a datagram's reader sees one connection, both directions
//! of it, for the keys and message numbers of one side are needed to read the other. It is boxed once a
//! connection, is fed what belongs to it (and says so where something does not), and owns the bytes that
//! it has not yet made a hello of.

use crate::hello::certificate::Leaf;
use crate::hello::messages::Wanted;
use crate::hello::protocol::Probe;
use crate::model::hello::{Alert, Hello, ServerHello, Sni};
use crate::model::skip::Skip;

/// One row of the table of datagram protocols.
pub trait DatagramProtocol: Send + Sync {
    /// Name in `network.protocol`.
    fn name(&self) -> &'static str;

    /// The first character of a JA4: `q` for QUIC, `d` for DTLS.
    fn letter(&self) -> char;

    /// UDP ports of the default live filter.
    fn carrier(&self) -> &'static [u16];

    /// True to some byte compares if the datagram may open a connection of this protocol. Every datagram of
    /// the capture is asked, so it must be cheap, and may be generous: a reader can still decline. A datagram
    /// is whole, so that the answer is never [`Probe::NotYet`].
    fn probe(&self, payload: &[u8]) -> Probe;

    /// A number for the connection that a datagram opens, of those that [`Self::probe`] accepted: what is
    /// sent again, even after the connection was told, has the same number as the first time.
    fn tag(&self, payload: &[u8]) -> u32;

    /// True if a datagram that [`Self::probe`] accepted repeats one with this tag: for a protocol whose
    /// openings do not all show what makes up the tag.
    fn repeats(&self, payload: &[u8], tag: u32) -> bool {
        self.tag(payload) == tag
    }

    /// A reader of a connection that has shown nothing yet.
    fn reader(&self) -> Box<dyn DatagramReader>;
}

/// A datagram's payload. A reader takes what it has read off the front of `bytes`.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'d> {
    /// Captured bytes that are not read yet.
    pub bytes: &'d [u8],
    /// Bytes behind them that the snapshot length cut off.
    pub missing: u32,
    /// True if it goes the way of the datagram that opened the connection.
    pub forth: bool,
    /// No other connection is open between these addresses and ports: what may well be this one's is.
    pub alone: bool,
}

/// Reads one connection.
pub trait DatagramReader: Send {
    /// Reads on in a datagram; to be called until it says nothing.
    ///
    /// `scratch` is space that all readers share: what is in it is lost with the next call. Where the
    /// datagram belongs to another connection, [`Said::NotMine`] is the first and only thing said, and the
    /// reader stays as it was.
    fn next<'a, 'd: 'a>(
        &'a mut self,
        datagram: &mut Datagram<'d>,
        scratch: &'a mut Vec<u8>,
    ) -> Option<Said<'a>>;

    /// Wants this too of what the server says; a reader whose protocol has none of it passes it over.
    fn want(&mut self, _: Wanted) {}

    /// Bytes held of hellos that are not whole, and of anything else whose size strangers choose.
    fn held(&self) -> usize;

    /// [`DatagramProtocol::tag`] of the newest datagram that would open this connection.
    fn tag(&self) -> u32;

    /// True if bytes of a hello were contradicted by others.
    fn conflict(&self) -> bool {
        false
    }
}

/// Why a server wants another hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// TLS's HelloRetryRequest (RFC 8446 §4.1.4), or what stood for it in DTLS up to 1.2, the
    /// `HelloVerifyRequest` (RFC 6347 §4.2.1): the next hello has index 1.
    Hello,
    /// The client is to show that its address is its own: QUIC's Retry (RFC 9000 §8.1).
    Address,
    /// The server does not speak the client's version of the protocol (RFC 9000 §6).
    Version,
}

/// One thing said in a datagram, by its sender.
#[derive(Clone, Debug)]
pub enum Said<'a> {
    /// The datagram is not of this connection.
    NotMine,
    /// A part of a hello that was not there before; there is more to come.
    Part {
        /// The hello's first byte is in it.
        first: bool,
    },
    /// A whole ClientHello: the first, or another one that a [`Retry`] asked for. Its `records` are the
    /// pieces that it came in, its `wire_len` is their length.
    ClientHello(Hello<'a>),
    /// A whole hello that is not TLS (Google QUIC's CHLO).
    Foreign {
        /// Its server name.
        sni: Sni<'a>,
        /// The whole message.
        message: &'a [u8],
    },
    /// Bytes of the hello that were all there before.
    Again,
    /// A hello that cannot be read, or is too large.
    Passed(Skip),
    /// The server asks for another hello.
    Retry(Retry),
    /// A whole ServerHello.
    ServerHello(ServerHello),
    /// The server agreed, and does not say to what.
    Agreed,
    /// An alert in clear, or in a packet that anybody can open.
    Alert(Alert),
    /// The sender ends the connection, for no reason that TLS knows of.
    Closed,
    /// The certificate that the sender showed, in clear and where it was wanted.
    Certificate(Leaf),
    /// Another handshake message; its type (RFC 8446 appendix B.3).
    Handshake(u8),
    /// From here on the sender encrypts under keys that an onlooker does not have.
    Encrypted,
    /// Both sides have encrypted.
    Established,
}
