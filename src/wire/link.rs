//! The contract of a link type: strip what stands ahead of the network layer.
//!
//! A row says only what its own header is; VLAN tags, LLC and everything above are layers, found by
//! `EtherType`, and thus work on every link.

use crate::model::frame::LinkType;
use crate::model::skip::Skip;

/// `EtherType` of IPv4.
pub const IPV4: u16 = 0x0800;
/// `EtherType` of IPv6.
pub const IPV6: u16 = 0x86dd;

/// What a link header leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripped<'a> {
    /// `EtherType` of the payload (IEEE 802), as [`IPV4`]. A number below 0x0600 is an IEEE 802.3
    /// length, and an LLC header follows.
    pub ether_type: u16,
    /// What follows the link header, down to the last captured byte of the frame.
    pub payload: &'a [u8],
}

/// One row of the links table.
#[derive(Debug)]
pub struct Link {
    /// Numbers in capture files (`LINKTYPE_…`).
    pub ids: &'static [LinkType],
    /// Name as tcpdump prints it (`EN10MB`).
    pub name: &'static str,
    /// What it is, in a few words, for documentation.
    pub help: &'static str,
    /// Removes the link header.
    pub strip: fn(&[u8]) -> Result<Stripped<'_>, Skip>,
}
