//! How a stretch of a stream is cut into TCP segments, and in which order these are sent.

use serde::Deserialize;

/// Rules of the cut; the first that is given holds: `pieces`, `split`, `each`, else the segment size 1,448.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cutting {
    /// The segments themselves, in the order of sending; may overlap, repeat or leave gaps.
    pub pieces: Vec<Piece>,
    /// Offsets at which a segment ends.
    pub split: Vec<usize>,
    /// Bytes of every segment.
    pub each: Option<usize>,
    /// Order of sending, segments counted from 1.
    pub order: Vec<usize>,
    /// Segments, counted from 1, that are sent twice in a row.
    pub duplicate: Vec<usize>,
    /// Only this many bytes of the hello are ever sent.
    pub stop: Option<usize>,
    /// Time between two segments, microseconds.
    pub gap_us: u64,
}

/// Bytes `from..to` of the stream in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// First byte, counted from 0.
    pub from: usize,
    /// The byte after the last one.
    pub to: usize,
    /// Sends this byte in the place of every byte of the stream.
    pub fill: Option<u8>,
}

/// Payload of a full segment on Ethernet with TCP timestamps.
pub const SEGMENT: usize = 1448;

impl Cutting {
    /// The segments of `stream` in the order of sending.
    pub fn pieces(&self, stream: &[u8]) -> Vec<Piece> {
        let len = stream.len();
        if !self.pieces.is_empty() {
            return self.pieces.iter().map(|piece| Piece { to: piece.to.min(len), ..*piece }).collect();
        }
        let len = self.stop.map_or(len, |stop| stop.min(len));
        let cut: Vec<Piece> = if self.split.is_empty() {
            even(len, self.each.unwrap_or(SEGMENT))
        } else {
            between(&self.split, len)
        };
        let order: Vec<usize> =
            if self.order.is_empty() { (1..=cut.len()).collect() } else { self.order.clone() };
        let times = |n: &usize| if self.duplicate.contains(n) { 2 } else { 1 };
        order.iter().flat_map(|n| std::iter::repeat_n(cut[n - 1], times(n))).collect()
    }
}

impl Piece {
    /// The payload that this piece sends.
    pub fn bytes(&self, stream: &[u8]) -> Vec<u8> {
        match self.fill {
            Some(fill) => vec![fill; self.to - self.from],
            None => stream[self.from..self.to].to_vec(),
        }
    }
}

fn even(len: usize, each: usize) -> Vec<Piece> {
    (0..len).step_by(each).map(|from| Piece { from, to: (from + each).min(len), fill: None }).collect()
}

fn between(split: &[usize], len: usize) -> Vec<Piece> {
    let ends = split.iter().copied().filter(|&end| end < len).chain([len]);
    let mut from = 0;
    ends.map(|to| Piece { from: std::mem::replace(&mut from, to), to, fill: None }).collect()
}
