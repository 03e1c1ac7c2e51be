//! Sources lend frames in place, a block of a file or a ring's content at a time.
//!
//! The contract is [`Source`]. A frame lent to a visitor lives for that visit only; nothing is copied.

pub mod cut;
pub mod expression;
mod failure;
pub mod interfaces;
pub mod linktype;
pub mod live;
pub mod privileges;

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::error::Error;
use crate::model::frame::{Frame, OriginId};
use crate::model::stats::SourceStats;

mod batch;
mod block;
pub mod content;
mod cursor;
pub mod file;
pub mod filter;
pub mod follow;
pub mod input;
pub mod inputs;
mod interface;
pub mod merge;

mod pcap;
mod pcapng;
mod records;
#[cfg(test)]
mod samples;
mod stdin;

/// A file that a source has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The number that its frames bear; another file may have borne it, long ago.
    pub origin: OriginId,
    /// The file.
    pub path: PathBuf,
}

/// How a [`Source::drive`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Frames were lent; call again.
    More,
    /// Nothing arrived for up to 50 ms (live only); call again.
    Idle,
    /// The input has ended, or the visitor broke off.
    End,
}

/// Receives frames in batches of 1 to [`BATCH`], in the order of the capture.
pub type Visitor<'v> = dyn FnMut(&[Frame<'_>]) -> ControlFlow<()> + 'v;

/// The most frames that a batch holds.
pub const BATCH: usize = 32;

/// Something that frames come from.
pub trait Source: Send {
    /// Lends the frames of one block of a file, or what the ring holds now.
    ///
    /// # Errors
    /// A damaged input or an interface that failed; every frame ahead of the damage was lent before. An
    /// `Err` tells of one input, once: `drive` may be called again, lends what the other inputs still
    /// hold, tells of the next damaged one, and at last answers [`Progress::End`].
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error>;

    /// What a person should be told, once: that an interface went down, or came up again.
    fn notice(&mut self) -> Option<String> {
        None
    }

    /// The source's own counters, as far as it has any.
    fn stats(&mut self) -> SourceStats {
        SourceStats::default()
    }

    /// Files that the source has begun since it was last asked, where it opens them by itself.
    fn opened(&mut self) -> Vec<Opened> {
        Vec::new()
    }
}

impl<S: Source + ?Sized> Source for Box<S> {
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        (**self).drive(visit)
    }

    fn notice(&mut self) -> Option<String> {
        (**self).notice()
    }

    fn stats(&mut self) -> SourceStats {
        (**self).stats()
    }

    fn opened(&mut self) -> Vec<Opened> {
        (**self).opened()
    }
}
