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
    /// PPP without framing.
    Ppp = 9,
    /// FDDI with LLC.
    Fddi = 10,
    /// PPPoE.
    Pppoe = 51,
    /// LLC over ATM.
    Atm = 100,
    /// IPv4 or IPv6 without a link header.
    Raw = 101,
    /// Cisco HDLC.
    Hdlc = 104,
    /// 802.11, from and to an access point.
    Wifi = 105,
    /// Frame Relay, RFC 2427.
    FrameRelay = 107,
    /// OpenBSD loopback, address family in network order.
    Loop = 108,
    /// IPsec on the BSDs, decrypted.
    Enc = 109,
    /// Linux cooked, version 1.
    Sll = 113,
    /// OpenBSD's packet filter.
    Pflog = 117,
    /// 802.11 behind a Prism header.
    Prism = 119,
    /// 802.11 behind a radiotap header.
    Radiotap = 127,
    /// PPP with a direction in the place of the address.
    Pppd = 166,
    /// Per-packet information around 802.11.
    Ppi = 192,
    /// PPP behind a direction.
    PppWithDirection = 204,
    /// IPv4 without a link header.
    Ipv4 = 228,
    /// IPv6 without a link header.
    Ipv6 = 229,
    /// Linux netfilter log.
    Nflog = 239,
    /// Apple's packet tap around Ethernet.
    Pktap = 258,
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
            Self::Ppp => ppp(packet),
            Self::Pppoe => pppoe(packet),
            Self::Pppd => [vec![u8::from(!packet.from_client), 3], ppp(packet)].concat(),
            Self::PppWithDirection => [vec![u8::from(packet.from_client), 0xff, 3], ppp(packet)].concat(),
            Self::Hdlc => [vec![0x0f, 0], tagged(packet)].concat(),
            Self::FrameRelay => vec![0x18, 0x41, 3, if packet.is_v6() { 0x8e } else { 0xcc }],
            Self::Atm => snap(packet),
            Self::Fddi => [vec![0x50], mac(packet.destination), mac(packet.source), snap(packet)].concat(),
            Self::Wifi => wifi(packet),
            Self::Prism => [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136], &wifi(packet)].concat(),
            // A time stamp, flags and a rate.
            Self::Radiotap => [&[0, 0, 18, 0, 7, 0, 0, 0][..], &[0; 9], &[2], &wifi(packet)].concat(),
            Self::Ppi => [&[0, 0, 8, 0, 105, 0, 0, 0][..], &wifi(packet)].concat(),
            Self::Pktap => {
                let start = [108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
                return Some([&start[..], b"en0", &[0; 93], &ethernet(packet)].concat());
            }
            Self::Nflog => return Some(nflog(packet)),
            Self::Pflog => [&[61, if packet.is_v6() { 24 } else { 2 }][..], &[0; 62]].concat(),
            Self::Enc => [&family.to_le_bytes()[..], &[0, 0, 1, 0, 0, 0, 0, 3]].concat(),
        };
        Some([head, packet.ip.clone()].concat())
    }
}

fn ppp(packet: &Packet) -> Vec<u8> {
    vec![0, if packet.is_v6() { 0x57 } else { 0x21 }]
}

/// A session's header (RFC 2516), and PPP's.
fn pppoe(packet: &Packet) -> Vec<u8> {
    let length = packet.ip.len() as u16 + 2;
    [&[0x11, 0, 0x0f, 0x07][..], &length.to_be_bytes(), &ppp(packet)].concat()
}

/// LLC and SNAP (RFC 1042).
fn snap(packet: &Packet) -> Vec<u8> {
    [vec![0xaa, 0xaa, 3, 0, 0, 0], tagged(packet)].concat()
}

/// A data frame with quality of service, the client's to its access point, the server's from there.
fn wifi(packet: &Packet) -> Vec<u8> {
    let (from, to) = (mac(packet.source), mac(packet.destination));
    let point = vec![2, 0, 0, 0, 0, 99];
    let (control, addresses) =
        if packet.from_client { (1, [point, from, to]) } else { (2, [to, point, from]) };
    [vec![0x88, control, 0, 0], addresses.concat(), vec![0; 4], snap(packet)].concat()
}

/// A prefix and the packet, as attributes in little-endian order, the last padded to four bytes.
fn nflog(packet: &Packet) -> Vec<u8> {
    let length = packet.ip.len() as u16 + 4;
    let start = [if packet.is_v6() { 10 } else { 2 }, 0, 0, 1, 7, 0, 10, 0, b't', b'l', b's', 0];
    let mut out = [&start[..], &length.to_le_bytes(), &[9, 0], &packet.ip].concat();
    out.resize(out.len().next_multiple_of(4), 0);
    out
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
