//! Writes pcap files (draft-ietf-opsawg-pcap): microseconds or nanoseconds, either byte order.

use super::packet::Packet;
use super::scenario::Capture;

/// A whole file.
pub fn file(capture: &Capture, packets: &[Packet]) -> Vec<u8> {
    let big = capture.big(0);
    let word = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let magic = if capture.nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let version = if big { [0, 2, 0, 4] } else { [2, 0, 4, 0] };
    let interface = &capture.interfaces()[0];
    let mut out = word(magic).to_vec();
    out.extend(version);
    out.extend([0; 8]);
    out.extend([word(interface.snap), word(interface.link as u32)].concat());
    for packet in packets {
        let Some(frame) = interface.link.frame(packet, big) else { continue };
        let kept = frame.len().min(interface.snap as usize);
        let fraction = packet.time % 1_000_000_000 / if capture.nanoseconds { 1 } else { 1000 };
        let seconds = (packet.time / 1_000_000_000) as u32;
        for number in [seconds, fraction as u32, kept as u32, frame.len() as u32] {
            out.extend(word(number));
        }
        out.extend(&frame[..kept]);
    }
    out
}
