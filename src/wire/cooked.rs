//! Linux cooked captures: what `any` and devices without a link header of their own give.
//!
//! `LINKTYPE_LINUX_SLL` and `LINKTYPE_LINUX_SLL2` (tcpdump.org/linktypes). Both carry the protocol as
//! the kernel gave it: an `EtherType` but for a few device types, which mean something else by it.

use super::layer::{Next, Packet};
use crate::model::skip::Skip;

/// Length of an SLL header.
const SLL_LEN: usize = 16;
/// Length of an SLL2 header.
const SLL2_LEN: usize = 20;

/// Device types (`ARPHRD_…`, Linux `if_arp.h`) whose protocol field is no `EtherType`: Frame Relay,
/// 802.11 with radiotap, netlink.
const OTHER_PROTOCOLS: [u16; 3] = [770, 803, 824];

/// SLL: packet type, device type, address length, address, protocol.
pub(super) fn v1(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[_, _, device_high, device_low, .., high, low] = packet.take::<SLL_LEN>()?;
    protocol([device_high, device_low], [high, low])
}

/// SLL2: protocol, reserved, interface index, device type, packet type, address length, address.
pub(super) fn v2(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[high, low, _, _, _, _, _, _, device_high, device_low, ..] = packet.take::<SLL2_LEN>()?;
    protocol([device_high, device_low], [high, low])
}

fn protocol(device: [u8; 2], protocol: [u8; 2]) -> Result<Next, Skip> {
    if OTHER_PROTOCOLS.contains(&u16::from_be_bytes(device)) {
        return Err(Skip::NotIp);
    }
    Ok(Next::EtherType(u16::from_be_bytes(protocol)))
}
