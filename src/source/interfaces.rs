//! What can be captured on: the interfaces of this host and their link types.

use std::net::IpAddr;

use pcap::{Capture, Device};

use crate::error::Error;
use crate::source::failure;

/// The Linux pseudo-interface that stands for all others.
pub const ANY: &str = "any";

/// Beginnings of the names under which libpcap lists what carries no network frames (pcap-filter and
/// D-Bus message logs, USB and Bluetooth buses): nothing that a TLS connection could be read from.
const NO_NETWORK: [&str; 5] = ["nflog", "nfqueue", "usbmon", "bluetooth", "dbus-"];

/// An interface, as libpcap tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent flags, as pcap_findalldevs(3PCAP) has them")]
pub struct Interface {
    /// What `-i` takes.
    pub name: String,
    /// What it is, where the system says.
    pub description: Option<String>,
    /// IPv4 and IPv6 addresses.
    pub addresses: Vec<IpAddr>,
    /// Switched on by the administrator.
    pub up: bool,
    /// Ready to carry frames: also has its cable, or its peer.
    pub running: bool,
    /// A loopback interface.
    pub loopback: bool,
    /// A radio interface.
    pub wireless: bool,
}

/// One way in which an interface can deliver its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkTypeName {
    /// Name without prefix, as in `EN10MB`; `DLT` and the number where libpcap has no name.
    pub name: String,
    /// What it is, as in `Ethernet`; may be empty.
    pub description: String,
}

/// All interfaces that network frames can be captured on, the likeliest first (libpcap's order).
///
/// # Errors
/// [`Error::Interface`] if the system refuses to list them.
pub fn list() -> Result<Vec<Interface>, Error> {
    let devices = Device::list().map_err(|error| Error::Interface {
        name: "interfaces".to_owned(),
        problem: format!("cannot list them: {}", failure::words(&error)),
    })?;
    Ok(devices.into_iter().filter(|device| carries_frames(&device.name)).map(Interface::from).collect())
}

/// The link types that `interface` offers, its own first.
///
/// # Errors
/// [`Error::Interface`] if it cannot be opened: this needs the same permission as to capture.
pub fn link_types(interface: &str) -> Result<Vec<LinkTypeName>, Error> {
    let capture = Capture::from_device(interface)
        .and_then(Capture::open)
        .map_err(|error| cannot_open(interface, &error))?;
    let own = capture.get_datalink();
    let mut found = capture.list_datalinks().map_err(|error| failure::while_watched(interface, &error))?;
    found.sort_by_key(|&link| link != own);
    Ok(found.into_iter().map(LinkTypeName::from).collect())
}

/// Why `interface` could not be opened.
pub(super) fn cannot_open(interface: &str, error: &pcap::Error) -> Error {
    let is_missing = Device::list()
        .is_ok_and(|list| interface != ANY && !list.iter().any(|device| device.name == interface));
    let problem = if is_missing {
        let usable = list().unwrap_or_default();
        failure::missing(usable.iter().map(|interface| interface.name.as_str()))
    } else {
        failure::refused(interface, &failure::words(error), std::env::current_exe().ok().as_deref())
    };
    Error::Interface { name: interface.to_owned(), problem }
}

/// Whether the interface of this name is one, and not a log or a bus.
fn carries_frames(name: &str) -> bool {
    !NO_NETWORK.iter().any(|beginning| name.starts_with(beginning))
}

impl From<Device> for Interface {
    fn from(device: Device) -> Self {
        Self {
            up: device.flags.is_up(),
            running: device.flags.is_running(),
            loopback: device.flags.is_loopback(),
            wireless: device.flags.is_wireless(),
            addresses: device.addresses.into_iter().map(|address| address.addr).collect(),
            name: device.name,
            description: device.desc,
        }
    }
}

impl From<pcap::Linktype> for LinkTypeName {
    fn from(link: pcap::Linktype) -> Self {
        Self {
            name: link.get_name().unwrap_or_else(|_| format!("DLT {}", link.0)),
            description: link.get_description().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use pcap::{Device, Linktype};

    use super::{Interface, LinkTypeName, cannot_open, carries_frames, list};
    use crate::error::{Error, ExitCode};

    #[test]
    fn the_loopback_interface_is_listed_with_its_flags() {
        let found = list().unwrap();
        let loopback = found.iter().find(|interface| interface.loopback).unwrap();
        assert!(loopback.name.starts_with("lo"), "{loopback:?}");
        assert!(!loopback.wireless);
    }

    #[test]
    fn logs_and_buses_are_no_interfaces() {
        for name in ["nflog", "nfqueue", "usbmon0", "bluetooth-monitor", "dbus-system"] {
            assert!(!carries_frames(name), "{name}");
        }
        for name in ["any", "lo", "ens4", "wlan0", "bond0"] {
            assert!(carries_frames(name), "{name}");
        }
    }

    #[test]
    fn a_device_without_flags_is_down() {
        let interface = Interface::from(Device::from("ens4"));
        assert_eq!(interface.name, "ens4");
        assert!(!interface.up && !interface.running && !interface.loopback && !interface.wireless);
    }

    #[test]
    fn link_types_have_names() {
        let ethernet = LinkTypeName::from(Linktype::ETHERNET);
        assert_eq!((&*ethernet.name, &*ethernet.description), ("EN10MB", "Ethernet"));
        assert_eq!(LinkTypeName::from(Linktype(9999)).name, "DLT 9999");
    }

    #[test]
    fn whether_an_interface_exists_comes_before_libpcaps_words() {
        let error = pcap::Error::PcapError("socket: Operation not permitted".to_owned());
        let error = cannot_open("no-such-if0", &error);
        let Error::Interface { name, problem } = &error else { panic!("{error:?}") };
        assert_eq!(name, "no-such-if0");
        assert!(problem.starts_with("no such interface; there are: "), "{problem}");
        assert_eq!(error.exit_code(), ExitCode::Runtime);
    }
}
