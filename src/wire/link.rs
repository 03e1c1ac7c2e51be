//! The contract of a link type: strip what stands ahead of the network layer.

use crate::model::frame::LinkType;
use crate::model::segment::Vlans;
use crate::model::skip::Skip;

/// What a link header leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripped<'a> {
    /// `EtherType` of the payload (IEEE 802), 0x0800 IPv4 and 0x86dd IPv6.
    pub ether_type: u16,
    /// What follows the link header and its VLAN tags.
    pub payload: &'a [u8],
    /// VLAN tags that were passed.
    pub vlans: Vlans,
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
