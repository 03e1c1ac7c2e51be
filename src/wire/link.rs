//! The contract of a link type: take what stands ahead of the network layer off a packet.
//!
//! A row says only what its own header is; VLAN tags, LLC and everything above are layers, found by
//! `EtherType`, and thus work on every link. A row may lead to another link type, as captures do that
//! carry one inside a header of their own.

use super::layer::Enter;
use crate::model::frame::LinkType;

/// `EtherType` of IPv4.
pub(super) const IPV4: u16 = 0x0800;
/// `EtherType` of IPv6.
pub(super) const IPV6: u16 = 0x86dd;
/// What stands in the place of an `EtherType` where an LLC header follows: an 802.3 length.
pub(super) const LLC: u16 = 0;

/// `LINKTYPE_ETHERNET`, which has the fast path, and which tunnels carry.
pub(super) const ETHERNET: LinkType = LinkType(1);
/// `LINKTYPE_PPP`, which PPPoE, L2TP and PPTP carry.
pub(super) const PPP: LinkType = LinkType(9);
/// `LINKTYPE_IEEE802_11`, which CAPWAP and TZSP carry.
pub(super) const WIFI: LinkType = LinkType(105);

/// One row of the links table.
#[derive(Debug)]
pub struct Link {
    /// Numbers in capture files (`LINKTYPE_…`).
    pub ids: &'static [LinkType],
    /// Name as tcpdump prints it (`EN10MB`).
    pub name: &'static str,
    /// What it is, in a few words, for documentation.
    pub help: &'static str,
    /// Takes the link header off the packet.
    pub(super) enter: Enter,
}
