//! Files as accidents leave them: cut short, with absurd lengths, or no capture at all; and compressed ones.

use std::io::Write;

/// Size of a pcap file's header.
const PCAP_HEADER: usize = 24;
/// Size of a pcap record's header.
const RECORD_HEADER: usize = 16;

/// A pcap that ends within its file header.
pub fn cut_in_file_header(pcap: &[u8]) -> Vec<u8> {
    pcap[..PCAP_HEADER / 2].to_vec()
}

/// A little-endian pcap that ends within the record header of packet `n`, counted from 1.
pub fn cut_in_record_header(pcap: &[u8], n: usize) -> Vec<u8> {
    pcap[..record_offset(pcap, n) + RECORD_HEADER / 2].to_vec()
}

/// A little-endian pcap that ends within the bytes of packet `n`, counted from 1.
pub fn cut_in_packet(pcap: &[u8], n: usize) -> Vec<u8> {
    pcap[..record_offset(pcap, n) + RECORD_HEADER + 10].to_vec()
}

/// A little-endian pcap whose packet `n`, counted from 1, says that it has `length` bytes.
pub fn packet_length(pcap: &[u8], n: usize, length: u32) -> Vec<u8> {
    let mut out = pcap.to_vec();
    let at = record_offset(pcap, n) + 8;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    out
}

/// A little-endian pcapng that ends within block `n`, counted from 1.
pub fn cut_in_block(pcapng: &[u8], n: usize) -> Vec<u8> {
    pcapng[..block_offset(pcapng, n) + 10].to_vec()
}

/// A little-endian pcapng whose block `n`, counted from 1, says that it has `length` bytes.
pub fn block_length(pcapng: &[u8], n: usize, length: u32) -> Vec<u8> {
    let mut out = pcapng.to_vec();
    let at = block_offset(pcapng, n) + 4;
    out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    out
}

/// A text file.
pub fn text() -> Vec<u8> {
    b"This is a note about a capture, not the capture.\n".repeat(4)
}

/// The same bytes under gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

/// The same bytes under Zstandard.
pub fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory takes all")
}

fn record_offset(pcap: &[u8], n: usize) -> usize {
    let step = |at: usize| at + RECORD_HEADER + word(pcap, at + 8);
    (1..n).fold(PCAP_HEADER, |at, _| step(at))
}

fn block_offset(pcapng: &[u8], n: usize) -> usize {
    (1..n).fold(0, |at, _| at + word(pcapng, at + 4))
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}
