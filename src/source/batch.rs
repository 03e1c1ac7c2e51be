//! A batch on the stack: frames gather here and are lent together.

use std::ops::ControlFlow;

use crate::model::frame::{Frame, LinkType, OriginId, Timestamp};

use super::{BATCH, Visitor};

const EMPTY: Frame<'static> =
    Frame { number: 0, time: Timestamp(0), link: LinkType(0), origin: OriginId(0), wire_len: 0, bytes: &[] };

/// Up to [`BATCH`] frames that were not lent yet.
pub(super) struct Batch<'a> {
    frames: [Frame<'a>; BATCH],
    len: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new() -> Self {
        Self { frames: [EMPTY; BATCH], len: 0 }
    }

    /// Adds a frame, and lends the batch once it is full.
    #[inline]
    pub(super) fn push(&mut self, frame: Frame<'a>, visit: &mut Visitor<'_>) -> ControlFlow<()> {
        if let Some(slot) = self.frames.get_mut(self.len) {
            *slot = frame;
            self.len += 1;
        }
        if self.len == BATCH { self.flush(visit) } else { ControlFlow::Continue(()) }
    }

    /// Lends what has gathered; a visitor is never called with nothing.
    pub(super) fn flush(&mut self, visit: &mut Visitor<'_>) -> ControlFlow<()> {
        let len = std::mem::take(&mut self.len);
        match self.frames.get(..len) {
            Some(frames) if len > 0 => visit(frames),
            _ => ControlFlow::Continue(()),
        }
    }
}
