//! FDDI: frame control, two addresses, and LLC.
//!
//! ANSI X3.139 (MAC), RFC 1390 (IP); `LINKTYPE_FDDI` of tcpdump.org/linktypes.

use super::layer::{Next, Packet};
use super::link::LLC;
use crate::model::skip::Skip;

/// Frame control of asynchronous LLC frames; the low bits are a priority.
const LLC_FRAME: u8 = 0x50;
const LLC_MASK: u8 = 0xf8;
/// Destination and source.
const ADDRESSES_LEN: usize = 12;

/// `LINKTYPE_FDDI`.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[control] = packet.take()?;
    if control & LLC_MASK != LLC_FRAME {
        return Err(Skip::NotIp);
    }
    packet.skip(ADDRESSES_LEN)?;
    Ok(Next::EtherType(LLC))
}
