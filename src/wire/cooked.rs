//! Linux cooked captures: what `any` and devices without a link header of their own give.
//!
//! `LINKTYPE_LINUX_SLL` and `LINKTYPE_LINUX_SLL2` (tcpdump.org/linktypes). Both carry the protocol as
//! the kernel gave it: an `EtherType` but for a few device types, which mean something else by it.

use super::link::Stripped;
use crate::model::skip::Skip;

/// Length of an SLL header.
const SLL_LEN: usize = 16;
/// Length of an SLL2 header.
const SLL2_LEN: usize = 20;

/// Device types (`ARPHRD_…`, Linux `if_arp.h`) whose protocol field is no `EtherType`: Frame Relay,
/// 802.11 with radiotap, netlink.
const OTHER_PROTOCOLS: [u16; 3] = [770, 803, 824];

/// SLL: packet type, device type, address length, address, protocol.
pub(super) fn strip_v1(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    let (header, payload) = frame.split_first_chunk::<SLL_LEN>().ok_or(Skip::TruncatedHeader)?;
    let &[_, _, device_high, device_low, .., high, low] = header;
    stripped([device_high, device_low], [high, low], payload)
}

/// SLL2: protocol, reserved, interface index, device type, packet type, address length, address.
pub(super) fn strip_v2(frame: &[u8]) -> Result<Stripped<'_>, Skip> {
    let (header, payload) = frame.split_first_chunk::<SLL2_LEN>().ok_or(Skip::TruncatedHeader)?;
    let &[high, low, _, _, _, _, _, _, device_high, device_low, ..] = header;
    stripped([device_high, device_low], [high, low], payload)
}

fn stripped(device: [u8; 2], protocol: [u8; 2], payload: &[u8]) -> Result<Stripped<'_>, Skip> {
    if OTHER_PROTOCOLS.contains(&u16::from_be_bytes(device)) {
        return Err(Skip::NotIp);
    }
    Ok(Stripped { ether_type: u16::from_be_bytes(protocol), payload })
}
