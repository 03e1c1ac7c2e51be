//! Finds `ClientHellos` at the beginning of a stream, and reads what both sides say until they encrypt.
//!
//! [`PROTOCOLS`] is the table: what carries a hello is one row of it. A row's reader turns a stream's
//! prefix into a hello; [`flight::Flight`] reads what either side says afterwards. What comes in datagrams
//! has a table of its own, [`DATAGRAMS`], whose readers read all of a connection. [`preface::PREFACES`] are the
//! dialogues that may stand ahead of a stream's hello.

pub mod certificate;
pub mod client;
mod cursor;
pub mod datagram;
pub mod dtls;
pub mod entries;
mod extensions;
pub mod fingerprint;
pub mod flight;
mod gather;
pub mod gquic;
mod messages;
pub mod names;
pub mod preface;
pub mod protocol;
pub mod quic;
mod record;
mod server;
pub mod sslv2;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod x509;

use crate::hello::datagram::DatagramProtocol;
use crate::hello::dtls::Dtls;
use crate::hello::gquic::Gquic;
use crate::hello::protocol::{Probe, Protocol};
use crate::hello::quic::Quic;
use crate::hello::sslv2::SslV2;
use crate::hello::tls::Tls;
use crate::model::segment::Transport;

/// All protocols that carry a ClientHello.
pub static PROTOCOLS: &[&dyn Protocol] = &[&Tls, &SslV2];

/// All protocols that carry a ClientHello in datagrams.
pub static DATAGRAMS: &[&dyn DatagramProtocol] = &[&Quic, &Gquic, &Dtls];

/// What the table makes of a stream's or datagram's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The row of [`PROTOCOLS`] with this index.
    Row(usize),
    /// Too few bytes to tell.
    NotYet,
    /// No row knows it.
    Nothing,
}

/// Asks each row of `transport`; the first that does not say no wins.
///
/// Nearly all hellos are the first row's, which is therefore asked on a path of its own.
#[inline]
pub fn probe(transport: Transport, prefix: &[u8]) -> Found {
    match ask(0, transport, prefix) {
        Found::Nothing => probe_others(transport, prefix),
        found => found,
    }
}

#[cold]
fn probe_others(transport: Transport, prefix: &[u8]) -> Found {
    let mut others = (1..PROTOCOLS.len()).map(|row| ask(row, transport, prefix));
    others.find(|found| *found != Found::Nothing).unwrap_or(Found::Nothing)
}

#[inline]
fn ask(index: usize, transport: Transport, prefix: &[u8]) -> Found {
    let Some(row) = PROTOCOLS.get(index).filter(|row| row.carrier().0 == transport) else {
        return Found::Nothing;
    };
    match row.probe(prefix) {
        Probe::Yes => Found::Row(index),
        Probe::NotYet => Found::NotYet,
        Probe::No => Found::Nothing,
    }
}

/// The live filter where the user gives none, in pcap-filter(7) words: each row's transport and ports.
pub fn default_filter() -> String {
    let mut terms: Vec<String> = Vec::new();
    let datagrams = DATAGRAMS.iter().map(|row| (Transport::Udp, row.carrier()));
    for (transport, ports) in PROTOCOLS.iter().map(|row| row.carrier()).chain(datagrams) {
        let word = match transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        for port in ports {
            let term = format!("{word} port {port}");
            if !terms.contains(&term) {
                terms.push(term);
            }
        }
    }
    terms.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::testing::Builder;
    use crate::model::hello::Reading;

    #[test]
    fn rows_have_unique_names_and_ports_in_the_filter() {
        let filter = default_filter();
        let streams = PROTOCOLS.iter().map(|row| (row.name(), row.carrier()));
        let datagrams = DATAGRAMS.iter().map(|row| (row.name(), (Transport::Udp, row.carrier())));
        let mut names = std::collections::HashSet::new();
        for (name, (transport, ports)) in streams.chain(datagrams) {
            assert!(names.insert(name), "{name} is there twice");
            let word = if transport == Transport::Tcp { "tcp" } else { "udp" };
            assert!(!ports.is_empty());
            for port in ports {
                assert!(filter.split(" or ").any(|term| term == format!("{word} port {port}")));
            }
        }
    }

    #[test]
    fn filter_names_tls_once() {
        assert_eq!(default_filter().matches("tcp port 443").count(), 1);
    }

    #[test]
    fn probe_picks_the_row_whose_reader_reads_the_hello() {
        let stream = Builder::new().sni("a.example").records(&[]);
        let Found::Row(index) = probe(Transport::Tcp, &stream) else { panic!("not found") };
        let row = PROTOCOLS[index];
        assert_eq!(row.name(), "tls");
        assert!(matches!(row.reader().read(&stream), Reading::Hello(_)));
    }

    #[test]
    fn probe_tells_not_yet_from_nothing() {
        assert_eq!(probe(Transport::Tcp, b""), Found::NotYet);
        assert_eq!(probe(Transport::Tcp, &[0x16, 3]), Found::NotYet);
        assert_eq!(probe(Transport::Tcp, b"GET /"), Found::Nothing);
    }

    #[test]
    fn probe_asks_rows_of_the_same_transport_only() {
        let stream = Builder::new().records(&[]);
        assert!(!matches!(probe(Transport::Udp, &stream), Found::Row(i) if PROTOCOLS[i].name() == "tls"));
    }
}
