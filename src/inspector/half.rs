//! A connection that has shown no payload yet: its SYN, and the answer to it.

use crate::flow::stream::Mark;
use crate::inspector::connection::Way;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::segment::{FlowKey, Segment, TcpFlags, Tunnel, Vlans};

/// Age list of half connections whose SYN is not answered.
pub const SYN: u8 = 0;
/// Age list of connections that are open and silent.
pub const SILENT: u8 = 1;

/// TCP header of the segment at hand.
#[derive(Clone, Copy, Debug)]
pub struct Tcp {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flag bits.
    pub flags: TcpFlags,
}

impl Tcp {
    /// Sequence number of the first payload byte: a SYN takes one.
    pub fn data_seq(&self) -> u32 {
        self.seq.wrapping_add(u32::from(self.flags.has(TcpFlags::SYN)))
    }

    /// True for a SYN that opens a connection.
    pub fn opens(&self) -> bool {
        self.flags.has(TcpFlags::SYN) && !self.flags.has(TcpFlags::ACK)
    }

    /// True for a SYN-ACK.
    pub fn accepts(&self) -> bool {
        self.flags.has(TcpFlags::SYN | TcpFlags::ACK)
    }
}

/// What became of a half connection by one more segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HalfStep {
    /// Nothing new.
    Stay,
    /// The SYN was answered.
    Answered,
    /// Payload: it becomes a connection.
    Data,
    /// A new connection took its addresses and ports.
    Replaced,
    /// RST to the SYN.
    Refused,
    /// Closed, and nobody said a word.
    Closed,
}

/// A connection without payload.
#[derive(Clone, Debug)]
pub struct Half {
    /// Sender of the SYN → its peer.
    pub key: FlowKey,
    /// Hash of `key`.
    pub hash: u64,
    /// Packets of either side.
    pub packets: (u32, u32),
    /// Capture time and frame number of the first segment.
    pub first: Mark,
    /// Newest time at which it was renewed, by the inspector's clock.
    pub since: Timestamp,
    /// Where it was seen.
    pub origin: OriginId,
    /// VLAN tags of the first segment.
    pub vlans: Vlans,
    /// Tunnel that it came through.
    pub tunnel: Option<Tunnel>,
    /// Initial sequence number of the client.
    pub isn: u32,
    /// The client's SYN was captured (not only the answer to it).
    pub syn: bool,
    /// Initial sequence number of the server, once it answered.
    pub server_isn: Option<u32>,
    /// A RST answered the SYN, and that is told; the client may try again.
    pub refused: bool,
    /// SYN to the client's next segment, nanoseconds; [`NO_RTT`] before that.
    rtt: u64,
    /// SYNs sent again.
    pub retransmits: u16,
}

/// No round trip was seen yet.
const NO_RTT: u64 = u64::MAX;

impl Half {
    /// A connection that begins with a SYN.
    pub fn from_syn(segment: &Segment<'_>, tcp: Tcp, since: Timestamp) -> Self {
        Self {
            key: segment.key,
            hash: segment.hash,
            // one with payload is counted by the connection that this becomes
            packets: (u32::from(segment.payload.is_empty()), 0),
            first: Mark { time: segment.time, packet: segment.packet },
            since,
            origin: segment.origin,
            vlans: segment.vlans,
            tunnel: segment.tunnel,
            isn: tcp.seq,
            syn: true,
            server_isn: None,
            refused: false,
            rtt: NO_RTT,
            retransmits: 0,
        }
    }

    /// A connection of which the capture shows the SYN-ACK first.
    pub fn from_syn_ack(segment: &Segment<'_>, tcp: Tcp, since: Timestamp) -> Self {
        let mut half = Self::from_syn(segment, tcp, since);
        half.key = segment.key.reversed();
        half.isn = tcp.ack.wrapping_sub(1);
        half.packets = (0, 1);
        half.syn = false;
        half.server_isn = Some(tcp.seq);
        half
    }

    /// SYN to the client's next segment, nanoseconds.
    pub fn tcp_rtt(&self) -> Option<u64> {
        (self.rtt != NO_RTT).then_some(self.rtt)
    }

    /// Takes note of a further segment.
    pub fn push(&mut self, segment: &Segment<'_>, tcp: Tcp, same_packet: u64) -> HalfStep {
        let Some(way) = Way::of(&self.key, &segment.key) else { return HalfStep::Stay };
        if segment.payload.is_empty() {
            // one with payload is counted by the connection that this becomes
            match way {
                Way::Forth => self.packets.0 = self.packets.0.saturating_add(1),
                Way::Back => self.packets.1 = self.packets.1.saturating_add(1),
            }
        }
        if tcp.opens() && segment.payload.is_empty() {
            return self.syn_again(way, segment, tcp, same_packet);
        }
        if tcp.flags.has(TcpFlags::RST) {
            return self.reset(way, tcp);
        }
        if way == Way::Back && tcp.accepts() && tcp.ack == self.isn.wrapping_add(1) {
            let news = self.server_isn.replace(tcp.seq).is_none();
            return if news { HalfStep::Answered } else { HalfStep::Stay };
        }
        if way == Way::Forth && self.syn && self.server_isn.is_some() && self.rtt == NO_RTT {
            self.rtt = segment.time.since(self.first.time);
        }
        if !segment.payload.is_empty() || segment.missing > 0 {
            return HalfStep::Data;
        }
        let begins = match way {
            Way::Forth => Some(self.isn),
            Way::Back => self.server_isn,
        };
        let nothing_sent = begins.is_some_and(|isn| tcp.seq == isn.wrapping_add(1));
        if tcp.flags.has(TcpFlags::FIN) && nothing_sent { HalfStep::Closed } else { HalfStep::Stay }
    }

    /// A RST counts only where it belongs to this connection (RFC 9293 §3.10.7.3): a peer that still knows an
    /// older one with these ports answers the SYN with an ACK, and the RST to that ACK ends nothing here.
    fn reset(&mut self, way: Way, tcp: Tcp) -> HalfStep {
        let first = self.isn.wrapping_add(1);
        match (way, self.server_isn) {
            (Way::Back, None) if tcp.flags.has(TcpFlags::ACK) && tcp.ack == first => {
                let news = !std::mem::replace(&mut self.refused, true);
                if news { HalfStep::Refused } else { HalfStep::Stay }
            }
            (Way::Forth, _) if tcp.seq == first || tcp.seq == self.isn => HalfStep::Closed,
            (Way::Back, Some(isn)) if tcp.seq == isn.wrapping_add(1) => HalfStep::Closed,
            _ => HalfStep::Stay,
        }
    }

    fn syn_again(&mut self, way: Way, segment: &Segment<'_>, tcp: Tcp, same_packet: u64) -> HalfStep {
        if way == Way::Back || (self.syn && tcp.seq != self.isn) {
            return HalfStep::Replaced;
        }
        if !self.syn {
            // the capture shows the SYN-ACK ahead of its SYN
            if tcp.seq != self.isn {
                return HalfStep::Replaced;
            }
            self.syn = true;
            self.first = Mark { time: segment.time.min(self.first.time), packet: segment.packet };
        } else if segment.time.since(self.first.time) >= same_packet {
            self.retransmits = self.retransmits.saturating_add(1);
        }
        HalfStep::Stay
    }
}
