//! TZSP: frames that sniffers, wireless and others, send over UDP.
//!
//! The TaZmen Sniffer Protocol has no published standard; its header is version, type, link type, and
//! tagged fields up to an end tag (as Wireshark documents it).

use super::layer::{Next, Packet};
use super::link::{ETHERNET, WIFI};
use crate::model::frame::LinkType;
use crate::model::segment::TunnelKind;
use crate::model::skip::Skip;

/// Port of TZSP.
pub(super) const PORTS: [u16; 1] = [37008];

const VERSION: u8 = 1;
/// Highest type that carries a frame: received, to be sent.
const MAX_TYPE: u8 = 1;
/// Tags without a length: padding, and the end.
const PADDING: u8 = 0;
const END: u8 = 1;
/// Tags that are passed.
const MAX_TAGS: usize = 64;

/// A packet that carries a frame.
pub(super) fn enter(packet: &mut Packet<'_>) -> Result<Next, Skip> {
    let &[version, kind, high, low] = packet.take()?;
    if version != VERSION || kind > MAX_TYPE {
        return Err(Skip::BadHeader);
    }
    let link = match u16::from_be_bytes([high, low]) {
        1 => ETHERNET,
        18 => WIFI,
        number @ (119 | 127) => LinkType(number.into()),
        _ => return Err(Skip::BadHeader),
    };
    tags(packet)?;
    packet.add_tunnel(TunnelKind::Tzsp, None);
    Ok(Next::Link(link))
}

fn tags(packet: &mut Packet<'_>) -> Result<(), Skip> {
    for _ in 0..MAX_TAGS {
        match *packet.take()? {
            [END] => return Ok(()),
            [PADDING] => {}
            [_] => {
                let &[length] = packet.take()?;
                packet.skip(length.into())?;
            }
        }
    }
    Err(Skip::BadHeader)
}
