//! One datagram in parts: what of it is there, and whether it fits together.

use super::super::layer::Part;
use super::{IPV4_LEN, MAX_PIECES};
use crate::model::frame::Timestamp;
use crate::model::segment::Hosts;

/// Bytes that a datagram and a piece cost beside the payload: at least what their bookkeeping takes.
const DATAGRAM_COST: usize = 256;
const PIECE_COST: usize = 48;

/// Hop limit of the header that is written.
const HOPS: u8 = 64;

/// What a further fragment makes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// More is lacking.
    Partial,
    /// All is there.
    Whole,
    /// It contradicts itself.
    Void,
}

/// Bytes without a hole.
#[derive(Debug)]
struct Run {
    start: usize,
    bytes: Box<[u8]>,
}

impl Run {
    fn end(&self) -> usize {
        self.start + self.bytes.len()
    }
}

/// A datagram that waits for fragments.
#[derive(Debug)]
pub(super) struct Datagram {
    /// Number of the datagram, in the order of their first fragments.
    pub(super) serial: u64,
    /// When its first fragment came.
    pub(super) first: Timestamp,
    /// By their start, without overlap.
    runs: Vec<Run>,
    /// Bytes in `runs`.
    filled: usize,
    /// Where it ends, once the last fragment is there.
    end: Option<usize>,
    /// As the fragment with the first byte says.
    protocol: Option<u8>,
    void: bool,
    arrived: u64,
}

impl Datagram {
    /// A datagram of which nothing is there.
    pub(super) fn new(serial: u64, first: Timestamp) -> Self {
        Self {
            serial,
            first,
            runs: Vec::new(),
            filled: 0,
            end: None,
            protocol: None,
            void: false,
            arrived: 0,
        }
    }

    /// Fragments taken, those that brought nothing new among them.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Bytes that it holds, bookkeeping included.
    pub(super) fn cost(&self) -> usize {
        DATAGRAM_COST + self.filled + PIECE_COST * self.runs.capacity()
    }

    /// Takes a fragment; `lenient` allows overlaps of equal bytes.
    pub(super) fn add(&mut self, part: &Part, bytes: &[u8], lenient: bool) -> Fit {
        self.arrived += 1;
        if self.void {
            return Fit::Void;
        }
        if !self.set_end(part, bytes.len()) || !self.fill(part.offset, bytes, lenient) {
            self.void = true;
            self.runs = Vec::new();
            self.filled = 0;
            return Fit::Void;
        }
        if part.offset == 0 {
            self.protocol = Some(part.protocol);
        }
        if self.end == Some(self.filled) { Fit::Whole } else { Fit::Partial }
    }

    /// Notes where the datagram ends; false if a fragment lies beyond it, or has another end.
    fn set_end(&mut self, part: &Part, len: usize) -> bool {
        let end = part.offset + len;
        if !part.more {
            let last = self.runs.last().map_or(0, Run::end);
            if last > end || self.end.is_some_and(|known| known != end) {
                return false;
            }
            self.end = Some(end);
        }
        self.end.is_none_or(|known| end <= known)
    }

    /// Puts `bytes` where nothing is yet; false if they overlap what is there, other than as allowed.
    fn fill(&mut self, start: usize, bytes: &[u8], lenient: bool) -> bool {
        let end = start + bytes.len();
        let first = self.runs.partition_point(|run| run.end() <= start);
        let last = self.runs.partition_point(|run| run.start < end);
        let mut holes = Vec::new();
        let mut at = start;
        for run in self.runs.get(first..last).unwrap_or_default() {
            if !lenient && (run.start, run.end()) != (start, end) {
                return false;
            }
            let (from, to) = (start.max(run.start), end.min(run.end()));
            if run.bytes.get(from - run.start..to - run.start) != bytes.get(from - start..to - start) {
                return false;
            }
            holes.push((at, run.start));
            at = run.end();
        }
        holes.push((at, end));
        holes.into_iter().all(|(from, to)| from >= to || self.put(from, bytes.get(from - start..to - start)))
    }

    /// Puts `bytes` into a hole; false if there are too many pieces.
    fn put(&mut self, start: usize, bytes: Option<&[u8]>) -> bool {
        if self.runs.len() == MAX_PIECES {
            return false;
        }
        let bytes: Box<[u8]> = bytes.unwrap_or_default().into();
        self.filled += bytes.len();
        let place = self.runs.partition_point(|run| run.start < start);
        self.runs.insert(place, Run { start, bytes });
        true
    }

    /// Writes the whole datagram into `out`: an IP header without options or extension headers, and the
    /// payload.
    pub(super) fn write(&self, hosts: &Hosts, out: &mut Vec<u8>) {
        out.clear();
        let protocol = self.protocol.unwrap_or_default();
        match hosts {
            Hosts::V4(source, destination) => {
                let [high, low] = u16::try_from(IPV4_LEN + self.filled).unwrap_or(u16::MAX).to_be_bytes();
                out.extend_from_slice(&[0x45, 0, high, low, 0, 0, 0, 0, HOPS, protocol, 0, 0]);
                out.extend_from_slice(&source.octets());
                out.extend_from_slice(&destination.octets());
            }
            Hosts::V6(source, destination) => {
                let [high, low] = u16::try_from(self.filled).unwrap_or(u16::MAX).to_be_bytes();
                out.extend_from_slice(&[0x60, 0, 0, 0, high, low, protocol, HOPS]);
                out.extend_from_slice(&source.octets());
                out.extend_from_slice(&destination.octets());
            }
        }
        for run in &self.runs {
            out.extend_from_slice(&run.bytes);
        }
    }
}
