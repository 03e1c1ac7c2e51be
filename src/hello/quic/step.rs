//! What a packet led to, ahead of the words for it: owned, so that a queue can hold it.

use std::ops::Range;

use crate::hello::datagram::Retry;
use crate::model::hello::{Alert, ServerHello};
use crate::model::skip::Skip;

/// Where a message's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the opened packet.
    Packet(Range<usize>),
    /// In front of what is ready in the CRYPTO stream; so many bytes.
    Stream(usize),
}

/// One step of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The datagram belongs elsewhere.
    NotMine,
    /// The packet is the connection's, and tells nothing.
    Nothing,
    /// A part of a hello; true where it has the first byte.
    Part(bool),
    /// A whole hello, and the frames that it came in.
    Hello(Place, u16),
    /// Bytes of the hello again.
    Again,
    /// A hello that is not read.
    Passed(Skip),
    /// The server wants another hello.
    Retry(Retry),
    /// The server's answer.
    ServerHello(ServerHello),
    /// An answer that tells nothing of what was agreed.
    Agreed,
    /// Another handshake message.
    Handshake(u8),
    /// The connection ends by an alert.
    Alert(Alert),
    /// The connection ends.
    Closed,
    /// The sender has keys that an onlooker does not have.
    Encrypted,
    /// Both have.
    Established,
}
