//! The contract of a capture format: walk the records that stand in a block.

use crate::model::frame::{LinkType, Timestamp};

use super::pcap::Pcap;
use super::pcapng::Pcapng;

/// The longest record in bytes; a longer one is damage. The largest captured packets in use (USB, D-Bus)
/// are half of it.
pub(super) const MAX_RECORD: u32 = 256 << 20;

/// A packet as its record tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    pub(super) bytes: &'a [u8],
}

/// What is wrong with a record: a few words and the number that they speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) what: &'static str,
    pub(super) value: u32,
}

/// What stood at the front.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// A packet; the front has moved behind it.
    Packet(Packet<'a>),
    /// Something that is no packet; the front has moved behind it.
    Skip,
    /// The record at the front is not whole: that many bytes are needed to go on.
    Need(usize),
    /// The record at the front makes no sense, and so nothing behind it does.
    Damage(Damage),
}

/// Walks the records of one format.
pub(super) trait Records {
    /// Takes the record at the front of `rest`. Taking the same packet again gives the same.
    fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Step<'a>;
}

/// The format of a capture, with what its headers told so far.
#[derive(Debug)]
pub(super) enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

impl Records for Format {
    fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Step<'a> {
        match self {
            Self::Pcap(pcap) => pcap.next(rest),
            Self::Pcapng(pcapng) => pcapng.next(rest),
        }
    }
}

/// The order of bytes that the writer of a capture had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    #[inline]
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }
}
