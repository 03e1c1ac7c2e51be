//! libpcap's link type numbers for live captures, as the numbers that capture files use.
//!
//! Most are equal. Those that systems number differently have a number of their own in files, so that a
//! file means the same everywhere (tcpdump.org/linktypes.html; pcap-linktype(7)).

use crate::model::frame::LinkType;

/// `LINKTYPE_ATM_RFC1483`.
const ATM_RFC1483: u32 = 100;
/// `LINKTYPE_RAW`: IPv4 or IPv6 without a link header.
const RAW: u32 = 101;
/// `LINKTYPE_LOOP`: `OpenBSD`'s loopback header, in network byte order.
const LOOP: u32 = 108;
/// `LINKTYPE_PKTAP`: Apple's, where the live number is that of a user-defined type.
const PKTAP: u32 = 258;

/// The number in files of the live link type `dlt` of this system.
pub fn from_live(dlt: i32) -> LinkType {
    translate(dlt, std::env::consts::OS)
}

/// The same for a live capture on `os`, as in [`std::env::consts::OS`].
fn translate(dlt: i32, os: &str) -> LinkType {
    LinkType(match (dlt, os) {
        (11, _) => ATM_RFC1483,
        (12, "openbsd") => LOOP,
        (14, "openbsd") | (12, _) => RAW,
        (149, "macos" | "ios") => PKTAP,
        // Libpcap numbers no link type below 0; a number that no decoder has is counted as such.
        _ => u32::try_from(dlt).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::translate;
    use crate::model::frame::LinkType;

    #[test]
    fn most_numbers_are_the_same() {
        for dlt in [0, 1, 101, 108, 113, 228, 229, 276] {
            assert_eq!(translate(dlt, "linux"), LinkType(dlt.unsigned_abs()));
        }
    }

    #[test]
    fn raw_ip_has_a_number_of_its_own() {
        assert_eq!(translate(12, "linux"), LinkType(101));
        assert_eq!(translate(12, "freebsd"), LinkType(101));
        assert_eq!(translate(14, "openbsd"), LinkType(101));
        assert_eq!(translate(14, "linux"), LinkType(14));
    }

    #[test]
    fn what_means_raw_elsewhere_is_loopback_on_openbsd() {
        assert_eq!(translate(12, "openbsd"), LinkType(108));
    }

    #[test]
    fn other_systems_numbers() {
        assert_eq!(translate(11, "linux"), LinkType(100));
        assert_eq!(translate(149, "macos"), LinkType(258));
        assert_eq!(translate(149, "linux"), LinkType(149));
    }

    #[test]
    fn a_number_below_zero_is_none_that_a_decoder_has() {
        assert_eq!(translate(-1, "linux"), LinkType(u32::MAX));
    }
}
