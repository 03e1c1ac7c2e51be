//! Entries for whoever tries the program with any bytes: fuzzers, tests, `examples/mutate`.
//!
//! [`ENTRIES`] is the table: every decoder of hostile bytes is reached by a row of it. A row is a plain function that
//! takes what a stranger might send, and gives how many things it found in there. It panics where the program would,
//! and where an output says what no reader of it could bear ([`told`]).
//!
//! To add one: a function, a row, and a target in `fuzz/`.

mod packets;
mod streams;
mod texts;
mod told;

use crate::hello::entries::{datagrams, quic_frames};

/// Takes any bytes; gives how many things it found.
pub type Run = fn(&[u8]) -> usize;

/// One row of [`ENTRIES`].
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name, and that of its target in `fuzz/`.
    pub name: &'static str,
    /// What it reads, in one short line.
    pub help: &'static str,
    /// Reads.
    pub run: Run,
}

const fn row(name: &'static str, help: &'static str, run: Run) -> Entry {
    Entry { name, help, run }
}

/// All entries.
pub static ENTRIES: &[Entry] = &[
    row("capture", "a file: pcap, pcapng, compressed or not", packets::capture),
    row("frames", "link type, then frames of it", packets::frames),
    row("fragments", "parts of IP datagrams", packets::fragments),
    row("segments", "both directions of a TCP connection, in any order", streams::segments),
    row("hello", "the beginning of a stream: a hello in TLS records, or SSL 2.0's", streams::hello),
    row("flight", "what a side says in TLS records, certificates too", streams::flight),
    row("dialogue", "what goes ahead of TLS that starts late", streams::dialogue),
    row("datagrams", "QUIC, Google QUIC and DTLS, both directions", datagrams),
    row("quic_frames", "frames of QUIC packets that were opened", quic_frames),
    row("certificate", "an X.509 certificate", texts::certificate),
    row("name", "a server name", texts::name),
    row("records", "this program's own records", texts::records),
    row("paths", "records of two vantage points, to be joined", texts::paths),
];

/// The row with this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.name == name)
}

/// The next chunk of `bytes`: `N` bytes, a length in two (big-endian), and so many bytes, or as many as there are.
fn chunk<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<([u8; N], &'a [u8])> {
    let (head, rest) = bytes.split_first_chunk::<N>()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let len = usize::from(u16::from_be_bytes(*len));
    let (body, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
    *bytes = rest;
    Some((*head, body))
}

#[cfg(test)]
mod tests;
