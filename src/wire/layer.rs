//! The contract of a layer: take one header off a packet and say what follows.
//!
//! [`Packet`] keeps two lengths apart: the bytes that were captured, and the bytes that the headers
//! passed so far say there are. Where the latter ends first, the rest of the frame is padding; where the
//! former does, bytes are missing.

use crate::model::frame::LinkType;
use crate::model::segment::{FlowKey, Header, Hosts, Transport, Tunnel, TunnelKind, Vlans};
use crate::model::skip::Skip;
use crate::wire::link::{IPV4, IPV6};

/// Tags of one frame that are passed; QinQ has two, hostile frames have more.
const MAX_VLAN_TAGS: u8 = 8;
/// Tunnels within each other that are passed.
pub(super) const MAX_TUNNELS: u8 = 8;

/// Takes one header off a packet; says what follows, or why nothing can.
pub(super) type Enter = fn(&mut Packet<'_>) -> Result<Next, Skip>;

/// One row of a layer table: `N` is `u16` for an `EtherType` or a UDP port, `u8` for an IP protocol.
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
    /// A frame of a link type.
    Link(LinkType),
    /// A layer by its `EtherType` (IEEE 802), or LLC below 0x0600.
    EtherType(u16),
    /// A layer by its IP protocol number (IANA protocol numbers, IPv6 extension headers among them).
    Protocol(u8),
    /// A UDP payload: a tunnel, or the end of the way.
    Datagram {
        /// Source and destination port.
        ports: (u16, u16),
    },
    /// The transport's payload.
    Payload {
        /// Source and destination port.
        ports: (u16, u16),
        /// What the transport header says.
        header: Header,
    },
    /// A part of an IP datagram.
    Fragment(Part),
}

/// What the header of an IP fragment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Identification of the datagram: 16 bits of IPv4, 32 of IPv6.
    pub(super) id: u32,
    /// Place in the datagram, bytes.
    pub(super) offset: usize,
    /// More fragments follow.
    pub(super) more: bool,
    /// IP protocol number or next header behind the fragment header.
    pub(super) protocol: u8,
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
    /// Tunnel on the way.
    pub(super) tunnel: Option<Tunnel>,
    /// The frame ahead of the payload.
    pub(super) head: &'a [u8],
    /// Captured payload bytes.
    pub(super) payload: &'a [u8],
    /// Payload bytes that the headers claim and the capture lacks.
    pub(super) missing: u32,
}

/// What was passed on the way to a packet, and holds for all that it carries.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    /// VLAN tags.
    pub(super) vlans: Vlans,
    /// The tunnel to report.
    pub(super) tunnel: Option<Tunnel>,
    tags: u8,
    tunnels: u8,
}

/// What is left of a frame below the headers passed so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    frame: &'a [u8],
    /// Bytes of `frame` ahead of the next header.
    passed: usize,
    /// From the next header to the last captured byte that can belong to it.
    rest: &'a [u8],
    /// Bytes from the next header on, as the closest header with a length field counts them.
    length: usize,
    /// `length` where a header told it: what is inside cannot be longer.
    limit: usize,
    hosts: Option<Hosts>,
    path: Path,
}

impl<'a> Packet<'a> {
    /// A frame of `wire_len` bytes on the wire, of which `frame` was captured.
    pub(super) fn new(frame: &'a [u8], wire_len: u32) -> Self {
        let wire_len = usize::try_from(wire_len).unwrap_or(usize::MAX);
        let length = wire_len.max(frame.len());
        Self { frame, passed: 0, rest: frame, length, limit: usize::MAX, hosts: None, path: Path::default() }
    }

    /// An IP datagram that was joined from parts which came by `path`.
    pub(super) fn joined(datagram: &'a [u8], path: Path) -> Self {
        Self { path, ..Self::new(datagram, 0) }
    }

    /// The captured bytes that belong to the packet: no padding.
    pub(super) fn captured(&self) -> &'a [u8] {
        self.rest.get(..self.length).unwrap_or(self.rest)
    }

    /// Bytes from here on that were on the wire, as far as the headers tell.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Takes a header's word for the length from here on, that header included: more than was captured
    /// is missing, more than a header around it says is not there.
    pub(super) fn bound(&mut self, length: usize) {
        self.length = length.min(self.limit);
        self.limit = self.length;
    }

    /// Takes a header's word for the length from here on where it can be true.
    ///
    /// # Errors
    /// [`Skip::BadHeader`] if the packet is shorter.
    pub(super) fn shorten(&mut self, length: usize) -> Result<(), Skip> {
        if length > self.length {
            return Err(Skip::BadHeader);
        }
        self.bound(length);
        Ok(())
    }

    /// Passes a header of `header_len` bytes, which must have been captured.
    pub(super) fn advance(&mut self, header_len: usize) {
        let header_len = header_len.min(self.rest.len());
        self.rest = self.rest.get(header_len..).unwrap_or_default();
        self.passed += header_len;
        self.length = self.length.saturating_sub(header_len);
        self.limit = self.limit.saturating_sub(header_len);
    }

    /// Passes `len` bytes.
    ///
    /// # Errors
    /// [`Packet::lack`] if they are not there.
    pub(super) fn skip(&mut self, len: usize) -> Result<(), Skip> {
        if self.captured().len() < len {
            return Err(self.lack(len));
        }
        self.advance(len);
        Ok(())
    }

    /// Passes `N` bytes and returns them.
    ///
    /// # Errors
    /// [`Packet::lack`] if they are not there.
    pub(super) fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Skip> {
        let header = self.captured().first_chunk().ok_or_else(|| self.lack(N))?;
        self.advance(N);
        Ok(header)
    }

    /// Passes a number of two bytes in network byte order.
    ///
    /// # Errors
    /// [`Packet::lack`] if they are not there.
    pub(super) fn take_u16(&mut self) -> Result<u16, Skip> {
        self.take().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Passes a number of four bytes in network byte order.
    ///
    /// # Errors
    /// [`Packet::lack`] if they are not there.
    pub(super) fn take_u32(&mut self) -> Result<u32, Skip> {
        self.take().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Why `needed` bytes are not there: cut off by the capture, or never in the packet.
    pub(super) fn lack(&self, needed: usize) -> Skip {
        if needed > self.length { Skip::BadHeader } else { Skip::TruncatedHeader }
    }

    /// IPv4 or IPv6, whichever the version in the next byte says.
    ///
    /// # Errors
    /// [`Skip::BadHeader`] for any other version, [`Packet::lack`] at the end of the packet.
    pub(super) fn by_version(&self) -> Result<Next, Skip> {
        match self.captured().first().ok_or_else(|| self.lack(1))? >> 4 {
            4 => Ok(Next::EtherType(IPV4)),
            6 => Ok(Next::EtherType(IPV6)),
            _ => Err(Skip::BadHeader),
        }
    }

    /// Notes the addresses.
    pub(super) fn set_hosts(&mut self, hosts: Hosts) {
        self.hosts = Some(hosts);
    }

    /// The addresses of the IP header passed last.
    pub(super) fn hosts(&self) -> Option<Hosts> {
        self.hosts
    }

    /// What was passed so far.
    pub(super) fn path(&self) -> Path {
        self.path
    }

    /// Notes a VLAN tag: the first is the outer one, the second the inner one, more are only passed.
    ///
    /// # Errors
    /// [`Skip::BadHeader`] beyond [`MAX_VLAN_TAGS`].
    pub(super) fn add_vlan(&mut self, vid: u16) -> Result<(), Skip> {
        let path = &mut self.path;
        match path.tags {
            0 => path.vlans.outer = Some(vid),
            1 => path.vlans.inner = Some(vid),
            MAX_VLAN_TAGS.. => return Err(Skip::BadHeader),
            _ => {}
        }
        path.tags += 1;
        Ok(())
    }

    /// Notes a tunnel, whose header was passed: what follows ends where the packet around it does.
    ///
    /// Of several, the innermost with an identifier is told, or the innermost where none has one.
    pub(super) fn add_tunnel(&mut self, kind: TunnelKind, id: Option<u32>) {
        self.rest = self.captured();
        self.hosts = None;
        let path = &mut self.path;
        path.tunnels = path.tunnels.saturating_add(1);
        if id.is_some() || path.tunnel.is_none_or(|tunnel| tunnel.id().is_none()) {
            path.tunnel = Some(Tunnel::new(kind, id));
        }
    }

    /// True if the packet stands in more than [`MAX_TUNNELS`] tunnels.
    pub(super) fn is_too_deep(&self) -> bool {
        self.path.tunnels > MAX_TUNNELS
    }

    /// What stands behind the transport header is the payload.
    pub(super) fn finish(&self, ports: (u16, u16), header: Header) -> Result<Found<'a>, Skip> {
        let hosts = self.hosts.ok_or(Skip::NotIp)?;
        let transport = match header {
            Header::Tcp { .. } => Transport::Tcp,
            Header::Udp => Transport::Udp,
        };
        let payload = self.captured();
        Ok(Found {
            key: FlowKey { hosts, ports, transport },
            header,
            vlans: self.path.vlans,
            tunnel: self.path.tunnel,
            head: self.frame.get(..self.passed).unwrap_or_default(),
            payload,
            missing: u32::try_from(self.length - payload.len()).unwrap_or(u32::MAX),
        })
    }
}
