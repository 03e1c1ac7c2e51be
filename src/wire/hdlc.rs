//! Serial lines: Cisco HDLC, and Frame Relay with IP.
//!
//! Cisco HDLC has no specification but its use: address, control, `EtherType`. Frame Relay: ITU-T Q.922
//! Annex A (address) and RFC 2427 (network layer protocol identifiers).

use super::layer::{Next, Packet};
use super::link::{IPV4, IPV6, LLC};
use crate::model::skip::Skip;

/// Addresses of Cisco HDLC: unicast and broadcast.
pub(super) const ADDRESSES: [u8; 2] = [0x0f, 0x8f];

/// Unnumbered information, which may have a padding byte of 0 behind it.
const CONTROL: u8 = 0x03;
/// Network layer protocol identifiers of RFC 2427.
const NLPID_IPV4: u8 = 0xcc;
const NLPID_IPV6: u8 = 0x8e;
const NLPID_SNAP: u8 = 0x80;
/// SNAP's organisation for `EtherType`s.
const ORGANISATION: [u8; 3] = [0; 3];
/// Bytes of the longest address, and the bit that ends it.
const MAX_ADDRESS: usize = 4;
const LAST: u8 = 1;

/// `LINKTYPE_C_HDLC`.
pub(super) fn cisco(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[_address, _control] = packet.take()?;
    packet.take_u16().map(ether_type)
}

/// `LINKTYPE_FRELAY`: RFC 2427, or Cisco's own way, an `EtherType` at once.
pub(super) fn frame_relay(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    for _ in 0..MAX_ADDRESS {
        let &[byte] = packet.take()?;
        if byte & LAST != 0 {
            return behind_address(packet);
        }
    }
    Err(Skip::BadHeader)
}

fn behind_address(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[control] = packet.take()?;
    let &[mut identifier] = packet.take()?;
    if control != CONTROL {
        return Ok(ether_type(u16::from_be_bytes([control, identifier])));
    }
    if identifier == 0 {
        [identifier] = *packet.take()?;
    }
    match identifier {
        NLPID_IPV4 => Ok(Next::EtherType(IPV4)),
        NLPID_IPV6 => Ok(Next::EtherType(IPV6)),
        NLPID_SNAP if *packet.take()? == ORGANISATION => packet.take_u16().map(ether_type),
        _ => Err(Skip::NotIp),
    }
}

/// On these lines, numbers below the `EtherType`s are no 802.3 lengths.
fn ether_type(number: u16) -> Next {
    Next::EtherType(if number < super::FIRST_ETHER_TYPE { u16::MAX } else { number })
}

/// `LINKTYPE_ATM_RFC1483`: an LLC header at once.
#[expect(clippy::unnecessary_wraps, reason = "the contract of a row")]
pub(super) fn llc(_packet: &mut Packet<'_>) -> Result<Next, Skip> {
    Ok(Next::EtherType(LLC))
}
