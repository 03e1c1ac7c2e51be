//! Link headers ahead of an IP packet (tcpdump.org/linktypes.html, IEEE 802.1Q).

use std::net::IpAddr;

use serde::Deserialize;

use super::packet::Packet;

/// A link type; the number is the one in capture files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// BSD loopback, address family in the order of the capturing machine.
    Null = 0,
    /// Ethernet.
    #[default]
    Ethernet = 1,
    /// IPv4 or IPv6 without a link header.
    Raw = 101,
    /// OpenBSD loopback, address family in network order.
    Loop = 108,
    /// Linux cooked, version 1.
    Sll = 113,
    /// IPv4 without a link header.
    Ipv4 = 228,
    /// IPv6 without a link header.
    Ipv6 = 229,
    /// Linux cooked, version 2.
    Sll2 = 276,
}

impl Link {
    /// The frame of `packet`; `None` where this link cannot carry it. `big`: the machine's byte order.
    pub fn frame(self, packet: &Packet, big: bool) -> Option<Vec<u8>> {
        let family: u32 = if packet.is_v6() { 30 } else { 2 };
        let head = match self {
            Self::Ethernet => return Some(ethernet(packet)),
            Self::Ipv4 if packet.is_v6() => return None,
            Self::Ipv6 if !packet.is_v6() => return None,
            Self::Raw | Self::Ipv4 | Self::Ipv6 => Vec::new(),
            Self::Null if !big => family.to_le_bytes().to_vec(),
            Self::Null | Self::Loop => family.to_be_bytes().to_vec(),
            Self::Sll => cooked(packet),
            Self::Sll2 => cooked2(packet),
        };
        Some([head, packet.ip.clone()].concat())
    }
}

fn ethernet(packet: &Packet) -> Vec<u8> {
    let mut out = [mac(packet.destination), mac(packet.source)].concat();
    out.extend(tagged(packet));
    out.extend(&packet.ip);
    if packet.shape.padding && out.len() < 60 {
        out.resize(60, 0);
    }
    out
}

/// VLAN tags and the EtherType of the payload; the outer one of two tags is a service tag (0x88a8).
fn tagged(packet: &Packet) -> Vec<u8> {
    let mut out = Vec::new();
    let count = packet.shape.vlan.len();
    for (i, id) in packet.shape.vlan.iter().enumerate() {
        let kind: u16 = if i + 1 < count { 0x88a8 } else { 0x8100 };
        out.extend(kind.to_be_bytes());
        out.extend(id.to_be_bytes());
    }
    out.extend(if packet.is_v6() { [0x86, 0xdd] } else { [0x08, 0x00] });
    out
}

fn cooked(packet: &Packet) -> Vec<u8> {
    let kind = if packet.from_client { 0 } else { 4 };
    let mut out = vec![0, kind, 0, 1, 0, 6];
    out.extend(mac(packet.source));
    out.extend([0, 0]);
    out.extend(tagged(packet));
    out
}

fn cooked2(packet: &Packet) -> Vec<u8> {
    let tags = tagged(packet);
    let mut out = tags[..2].to_vec();
    out.extend([0, 0, 0, 0, 0, 2 + packet.interface as u8, 0, 1]);
    out.extend([if packet.from_client { 0 } else { 4 }, 6]);
    out.extend(mac(packet.source));
    out.extend([0, 0]);
    out.extend(&tags[2..]);
    out
}

/// A locally administered address made of the last four bytes of an IP address.
fn mac(ip: IpAddr) -> Vec<u8> {
    let octets = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets()[12..].to_vec(),
    };
    [vec![2, 0], octets].concat()
}
