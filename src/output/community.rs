//! Community ID version 1: one identifier for both directions of a flow, as Zeek and Suricata print it.
//!
//! Source: the specification at github.com/corelight/community-id-spec, with seed 0.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::model::segment::{FlowKey, Transport};

/// Seed, the smaller end's address, the greater one's, protocol, padding, ports.
const INPUT: usize = 2 + 2 * 16 + 2 + 2 * 2;

/// `1:` and 28 characters of base64, in `text`.
pub(super) fn id<'t>(flow: &FlowKey, text: &'t mut [u8; 30]) -> &'t str {
    let (source, destination) = ((flow.source_ip(), flow.ports.0), (flow.destination_ip(), flow.ports.1));
    let (low, high) = if source <= destination { (source, destination) } else { (destination, source) };
    let mut digest = Sha1::new();
    let mut input = [0; INPUT];
    let mut length = 2;
    let mut put = |bytes: &[u8]| {
        if let Some(room) = input.get_mut(length..length + bytes.len()) {
            room.copy_from_slice(bytes);
            length += bytes.len();
        }
    };
    for (ip, _) in [low, high] {
        match ip {
            IpAddr::V4(ip) => put(&ip.octets()),
            IpAddr::V6(ip) => put(&ip.octets()),
        }
    }
    let protocol = match flow.transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
    };
    put(&[protocol, 0]);
    put(&low.1.to_be_bytes());
    put(&high.1.to_be_bytes());
    digest.update(input.get(..length).unwrap_or_default());
    let [one, colon, code @ ..] = text;
    (*one, *colon) = (b'1', b':');
    // 20 bytes are 28 characters: the slice is exactly as long.
    let _ = STANDARD.encode_slice(digest.finalize(), code);
    std::str::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::segment::Hosts;

    fn of(hosts: Hosts, ports: (u16, u16), transport: Transport) -> (String, String) {
        let flow = FlowKey { hosts, ports, transport };
        (id(&flow, &mut [0; 30]).to_owned(), id(&flow.reversed(), &mut [0; 30]).to_owned())
    }

    #[test]
    fn the_published_reference_values_come_out_in_both_directions() {
        let both = |text: &str| (text.to_owned(), text.to_owned());
        let v4 = |a: &str, b: &str| Hosts::V4(a.parse().unwrap(), b.parse().unwrap());
        let tcp = of(v4("128.232.110.120", "66.35.250.204"), (34855, 80), Transport::Tcp);
        assert_eq!(tcp, both("1:LQU9qZlK+B5F3KDmev6m5PMibrg="));
        let udp = of(v4("192.168.1.52", "8.8.8.8"), (54585, 53), Transport::Udp);
        assert_eq!(udp, both("1:d/FP5EW3wiY1vCndhwleRRKHowQ="));
        let (a, b) = ("2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a");
        let v6 = of(Hosts::V6(a.parse().unwrap(), b.parse().unwrap()), (63943, 25), Transport::Tcp);
        assert_eq!(v6, both("1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="));
    }
}
