//! The contract of a layer above the link: take one header off a packet and say what follows.
//!
//! [`Packet`] keeps two lengths apart: the bytes that were captured, and the bytes that the headers
//! passed so far say there are. Where the latter ends first, the rest of the frame is padding; where the
//! former does, bytes are missing.

use crate::model::frame::Frame;
use crate::model::segment::{FlowKey, Header, Hosts, Transport, Vlans};
use crate::model::skip::Skip;

/// Tags of one frame that are passed; QinQ has two, hostile frames have more.
const MAX_VLAN_TAGS: u8 = 8;

/// Takes one header off a packet; says what follows, or why nothing can.
pub(super) type Enter = fn(&mut Packet<'_>) -> Result<Next, Skip>;

/// One row of a layer table: `N` is `u16` for an `EtherType`, `u8` for an IP protocol.
#[derive(Debug)]
pub(super) struct Layer<N: 'static> {
    /// The numbers that announce this layer.
    pub(super) numbers: &'static [N],
    /// Takes the layer's header off the packet.
    pub(super) enter: Enter,
}

/// What follows a header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// A layer by its `EtherType` (IEEE 802), or LLC below 0x0600.
    EtherType(u16),
    /// A layer by its IP protocol number (IANA protocol numbers, IPv6 extension headers among them).
    Protocol(u8),
    /// The transport's payload.
    Payload {
        /// Source and destination port.
        ports: (u16, u16),
        /// What the transport header says.
        header: Header,
    },
}

/// What both decoding paths find in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    /// Source → destination.
    pub(super) key: FlowKey,
    /// Transport header.
    pub(super) header: Header,
    /// VLAN tags on the way.
    pub(super) vlans: Vlans,
    /// The frame ahead of the payload.
    pub(super) head: &'a [u8],
    /// Captured payload bytes.
    pub(super) payload: &'a [u8],
    /// Payload bytes that the headers claim and the capture lacks.
    pub(super) missing: u32,
}

/// What is left of a frame below the headers passed so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// From the next header to the last captured byte of the frame.
    rest: &'a [u8],
    /// Bytes from the next header on, as the closest header with a length field counts them.
    length: usize,
    hosts: Option<Hosts>,
    vlans: Vlans,
    tags: u8,
}

impl<'a> Packet<'a> {
    /// The packet behind a link header; `payload` is the tail of `frame`.
    pub(super) fn new(frame: &Frame<'_>, payload: &'a [u8]) -> Self {
        let wire_len = usize::try_from(frame.wire_len).unwrap_or(usize::MAX);
        let cut = wire_len.saturating_sub(frame.bytes.len());
        let length = payload.len().saturating_add(cut);
        Self { rest: payload, length, hosts: None, vlans: Vlans::default(), tags: 0 }
    }

    /// The captured bytes that belong to the packet: no padding.
    pub(super) fn captured(&self) -> &'a [u8] {
        self.rest.get(..self.length).unwrap_or(self.rest)
    }

    /// Bytes from here on that were on the wire, as far as the headers tell.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Takes a header's word for the length from here on, that header included.
    pub(super) fn bound(&mut self, length: usize) {
        self.length = length;
    }

    /// Passes a header of `header_len` bytes, which must have been captured.
    pub(super) fn advance(&mut self, header_len: usize) {
        self.rest = self.rest.get(header_len..).unwrap_or_default();
        self.length = self.length.saturating_sub(header_len);
    }

    /// Why `needed` bytes are not there: cut off by the capture, or never in the packet.
    pub(super) fn lack(&self, needed: usize) -> Skip {
        if needed > self.length { Skip::BadHeader } else { Skip::TruncatedHeader }
    }

    /// Notes the addresses.
    pub(super) fn set_hosts(&mut self, hosts: Hosts) {
        self.hosts = Some(hosts);
    }

    /// The addresses of the IP header passed last.
    pub(super) fn hosts(&self) -> Option<Hosts> {
        self.hosts
    }

    /// Notes a VLAN tag: the first is the outer one, the second the inner one, more are only passed.
    ///
    /// # Errors
    /// [`Skip::BadHeader`] beyond [`MAX_VLAN_TAGS`].
    pub(super) fn add_vlan(&mut self, vid: u16) -> Result<(), Skip> {
        match self.tags {
            0 => self.vlans.outer = Some(vid),
            1 => self.vlans.inner = Some(vid),
            MAX_VLAN_TAGS.. => return Err(Skip::BadHeader),
            _ => {}
        }
        self.tags += 1;
        Ok(())
    }

    /// What stands behind the transport header is the payload of `frame`.
    pub(super) fn finish(
        &self,
        frame: &Frame<'a>,
        ports: (u16, u16),
        header: Header,
    ) -> Result<Found<'a>, Skip> {
        let hosts = self.hosts.ok_or(Skip::NotIp)?;
        let transport = match header {
            Header::Tcp { .. } => Transport::Tcp,
            Header::Udp => Transport::Udp,
        };
        let payload = self.captured();
        let head_len = frame.bytes.len().saturating_sub(self.rest.len());
        Ok(Found {
            key: FlowKey { hosts, ports, transport },
            header,
            vlans: self.vlans,
            head: frame.bytes.get(..head_len).unwrap_or_default(),
            payload,
            missing: u32::try_from(self.length - payload.len()).unwrap_or(u32::MAX),
        })
    }
}
