//! ERSPAN types II and III: mirrored frames in GRE.
//!
//! draft-foschiano-erspan-03. Type I has no header (see [`super::gre`]).

use super::layer::{Next, Packet};
use super::link::ETHERNET;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// `EtherType`s: type II (and I), type III.
pub(super) const ETHER_TYPES: [u16; 2] = [0x88be, 0x22eb];

/// Versions in the header's first nibble.
const TYPE_2: u16 = 1;
const TYPE_3: u16 = 2;
/// Identifier of the session, in the second two bytes.
const SESSION: u16 = 0x03ff;
/// Bytes of type III's time stamp and security group; of the subheader, where its flag is set.
const TIME_AND_GROUP: usize = 6;
const SUBHEADER_LEN: usize = 8;
const SUBHEADER: u16 = 0x0001;
/// Type of the frame in type III: Ethernet or IP.
const FRAME_TYPE: u16 = 0x7c00;
const IP_FRAME: u16 = 0x0800;

/// Either type: both are found under the number of the other.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let version = packet.take_u16()? >> 12;
    let session = packet.take_u16()? & SESSION;
    let mut ip = false;
    match version {
        TYPE_2 => packet.skip(4)?,
        TYPE_3 => {
            packet.skip(TIME_AND_GROUP)?;
            let flags = packet.take_u16()?;
            if flags & SUBHEADER != 0 {
                packet.skip(SUBHEADER_LEN)?;
            }
            ip = flags & FRAME_TYPE == IP_FRAME;
        }
        _ => return Err(Skip::BadHeader),
    }
    packet.add_tunnel(TunnelKind::Erspan, Some(session.into()));
    if ip { packet.by_version() } else { Ok(Next::Link(ETHERNET)) }
}
