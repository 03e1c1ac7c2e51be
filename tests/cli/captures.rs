//! Captures that the tests of this folder share.

use crate::support::connection::{Answer, Connection, Repeat};
use crate::support::hello::{Hello, Version};
use crate::support::packet::Packet;
use crate::support::scenario::{self, Capture, Format};

/// 2026-03-04T10:30:00Z in nanoseconds since 1970.
pub const START: u64 = 1_772_620_200_000_000_000;

/// Where `fixtures/failover.pcap` is, from the crate's folder.
pub const FAILOVER: &str = "fixtures/failover.pcap";

/// Its bytes.
pub fn failover() -> Vec<u8> {
    std::fs::read(scenario::fixtures().join("failover.pcap")).unwrap()
}

/// A connection to `name.example`, `at` seconds after [`START`], well answered.
pub fn connection(at: u16, name: &str) -> Connection {
    let mut it = Connection { at: at.into(), answer: Answer::Resumed, ..Connection::default() };
    it.client.set_port(40_000 + at * 10);
    it.hello = Some(Hello::named(name, Version::Tls12, &format!("{name}.example")));
    it
}

/// The line of such a connection.
pub fn line(at: u16, name: &str) -> String {
    let port = 40_000 + at * 10;
    format!("10:30:{at:02}.000000  10.0.0.1:{port} > 10.0.0.2:443   {name}.example   ok       2.0 ms\n")
}

/// Three connections a second apart: a, b, c.
pub fn three() -> Vec<Packet> {
    scenario::packets(&[connection(1, "a"), connection(2, "b"), connection(3, "c")], START)
}

/// The lines of [`three`].
pub fn three_lines() -> [String; 3] {
    [line(1, "a"), line(2, "b"), line(3, "c")]
}

/// Far more connections than a pipe holds as lines.
pub fn many() -> Vec<u8> {
    let mut it = connection(1, "many");
    it.repeat = Some(Repeat { count: 2000, every: 0.01, clients: Vec::new() });
    pcap(&scenario::packets(&[it], START))
}

pub fn pcap(packets: &[Packet]) -> Vec<u8> {
    Capture::default().file(packets)
}

pub fn pcapng(packets: &[Packet]) -> Vec<u8> {
    Capture { format: Format::Pcapng, ..Capture::default() }.file(packets)
}
