//! A scenario: when it starts, what connects, and into which files it is written.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::value::Datetime;

use super::connection::Connection;
use super::link::Link;
use super::packet::Packet;
use super::{pcap, pcapng, play};

/// A scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The moment 0, UTC.
    pub start: Datetime,
    /// Stands for `<td>` wherever the text has it.
    #[serde(default)]
    pub trust_domain: String,
    /// Files to write; none means one pcap of Ethernet frames.
    #[serde(default)]
    pub capture: Vec<Capture>,
    /// Who connects.
    pub connection: Vec<Connection>,
}

/// One file; it holds all connections, but those that are seen elsewhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capture {
    /// The file is `NAME-SUFFIX.pcap`, or `NAME.pcap` without one.
    pub suffix: String,
    /// File format.
    pub format: Format,
    /// Byte order.
    pub endian: Endian,
    /// pcap: nanoseconds instead of microseconds.
    pub nanoseconds: bool,
    /// pcapng: which block holds a packet.
    pub blocks: Blocks,
    /// pcapng: blocks of unknown types and statistics between the packets.
    pub unknown_blocks: bool,
    /// pcapng: number of sections.
    pub sections: usize,
    /// Link type where no interface is listed.
    pub link: Link,
    /// How far its clock is ahead.
    pub clock_ms: f64,
    /// Snapshot length where no interface is listed.
    pub snap: u32,
    /// pcapng: the interfaces; a connection's `interface` picks one.
    pub interface: Vec<Interface>,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            suffix: String::new(),
            format: Format::Pcap,
            endian: Endian::Little,
            nanoseconds: false,
            blocks: Blocks::Enhanced,
            unknown_blocks: false,
            sections: 1,
            link: Link::Ethernet,
            clock_ms: 0.0,
            snap: SNAP,
            interface: Vec::new(),
        }
    }
}

/// Snapshot length of tcpdump.
const SNAP: u32 = 262_144;

/// File format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The classic one.
    Pcap,
    /// Its successor, in blocks.
    Pcapng,
}

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endian {
    /// Little-endian.
    Little,
    /// Big-endian.
    Big,
    /// pcapng: section by section, little-endian first.
    Alternate,
}

/// The pcapng block that holds a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blocks {
    /// Enhanced Packet Block.
    Enhanced,
    /// Simple Packet Block: no time, first interface.
    Simple,
    /// Packet Block, obsolete.
    Obsolete,
}

/// A pcapng interface.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Interface {
    /// `if_name`.
    pub name: Option<String>,
    /// Link type.
    pub link: Link,
    /// Snapshot length.
    pub snap: u32,
    /// `if_tsresol`: 10^-n, with the top bit set 2^-n; absent: microseconds.
    pub tsresol: Option<u8>,
    /// `if_tsoffset`: seconds to add to every time.
    pub tsoffset: Option<i64>,
}

impl Default for Interface {
    fn default() -> Self {
        Self { name: None, link: Link::Ethernet, snap: SNAP, tsresol: None, tsoffset: None }
    }
}

impl Interface {
    /// `time` (nanoseconds since 1970) in this interface's units.
    pub fn ticks(&self, time: u64) -> u64 {
        let offset = i128::from(self.tsoffset.unwrap_or(0)) * 1_000_000_000;
        let nanos = (i128::from(time) - offset) as u128;
        let per_second = match self.tsresol.unwrap_or(6) {
            binary @ 0x80.. => 1 << (binary & 0x7f),
            decimal => 10_u128.pow(u32::from(decimal)),
        };
        (nanos * per_second / 1_000_000_000) as u64
    }
}

impl Capture {
    /// The interfaces, at least one.
    pub fn interfaces(&self) -> Vec<Interface> {
        if self.interface.is_empty() {
            return vec![Interface { link: self.link, snap: self.snap, ..Interface::default() }];
        }
        self.interface.clone()
    }

    /// True if this section (from 0) is big-endian.
    pub fn big(&self, section: usize) -> bool {
        match self.endian {
            Endian::Little => false,
            Endian::Big => true,
            Endian::Alternate => section % 2 == 1,
        }
    }

    /// The file's bytes.
    pub fn file(&self, packets: &[Packet]) -> Vec<u8> {
        match self.format {
            Format::Pcap => pcap::file(self, packets),
            Format::Pcapng => pcapng::file(self, packets),
        }
    }

    fn name(&self, stem: &str) -> String {
        let dash = if self.suffix.is_empty() { "" } else { "-" };
        let format = if self.format == Format::Pcap { "pcap" } else { "pcapng" };
        format!("{stem}{dash}{}.{format}", self.suffix)
    }
}

impl Scenario {
    /// Reads a scenario's text.
    pub fn parse(text: &str) -> Self {
        let first: Self = toml::from_str(text).expect("the scenario is valid TOML with known keys");
        toml::from_str(&text.replace("<td>", &first.trust_domain)).expect("so is it with its trust domain")
    }

    /// Reads `fixtures/NAME.toml` of this crate.
    pub fn fixture(name: &str) -> Self {
        let path = fixtures().join(format!("{name}.toml"));
        Self::parse(&std::fs::read_to_string(path).expect("the fixture exists"))
    }

    /// The packets of all connections by time.
    pub fn packets(&self) -> Vec<Packet> {
        packets(&self.connection, self.start_nanos())
    }

    /// The moment 0, nanoseconds since 1970.
    pub fn start_nanos(&self) -> u64 {
        epoch_nanos(&self.start)
    }

    /// Name and bytes of each file; `stem` is the scenario's name.
    pub fn files(&self, stem: &str) -> Vec<(String, Vec<u8>)> {
        let default = [Capture::default()];
        let captures = if self.capture.is_empty() { &default } else { self.capture.as_slice() };
        captures.iter().map(|capture| (capture.name(stem), capture.file(&self.packets_at(capture)))).collect()
    }

    /// The packets that a capture holds, by its clock.
    pub fn packets_at(&self, capture: &Capture) -> Vec<Packet> {
        let mut packets = Vec::new();
        for connection in self.connection.iter().flat_map(Connection::expand) {
            let Some(wire) = connection.wire_at(&capture.suffix) else { continue };
            let shift = |ms: f64| (ms * 1e6).round() as i64;
            let played = play::play(&connection, self.start_nanos()).into_iter().map(|packet| {
                // what the client sends comes to the far end later, what the server sends was there before
                let wire = if packet.from_client { wire } else { -wire };
                let time = packet.time.checked_add_signed(shift(wire) + shift(capture.clock_ms)).unwrap();
                Packet { time, ..packet }
            });
            packets.extend(played);
        }
        packets.sort_by_key(|packet| packet.time);
        packets
    }

    /// How far the clock of the capture `suffix` is ahead, milliseconds.
    pub fn clock_ms(&self, suffix: &str) -> f64 {
        self.capture.iter().find(|capture| capture.suffix == suffix).map_or(0.0, |capture| capture.clock_ms)
    }
}

/// The packets of connections by time, `start` in nanoseconds since 1970; ties keep the order of writing.
pub fn packets(connections: &[Connection], start: u64) -> Vec<Packet> {
    let all = connections.iter().flat_map(Connection::expand);
    let mut packets: Vec<Packet> = all.flat_map(|connection| play::play(&connection, start)).collect();
    packets.sort_by_key(|packet| packet.time);
    packets
}

/// The folder of the fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Nanoseconds since 1970 of a UTC date and time (days by the civil calendar).
fn epoch_nanos(moment: &Datetime) -> u64 {
    let (date, time) = (moment.date.expect("start has a date"), moment.time.expect("start has a time"));
    let (year, month, day) = (u64::from(date.year), u64::from(date.month), u64::from(date.day));
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let leap = u64::from(leaps(year) > leaps(year - 1));
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month as usize - 1];
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + before + day - 1;
    let days = days + if month > 2 { leap } else { 0 };
    let seconds =
        u64::from(time.hour) * 3600 + u64::from(time.minute) * 60 + u64::from(time.second.unwrap_or(0));
    (days * 86_400 + seconds) * 1_000_000_000 + u64::from(time.nanosecond.unwrap_or(0))
}
