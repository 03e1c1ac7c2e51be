//! A capture file as a source: pcap or pcapng, plain or packed, a file or standard input.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::frame::OriginId;
use crate::model::stats::SourceStats;

use super::block::Block;
use super::cursor::{Cursor, Stop};
use super::input::{Input, Kind, Signs};
use super::pcap::{HEADER, Pcap};
use super::pcapng::Pcapng;
use super::records::Format;
use super::{Progress, Source, Visitor};

#[cfg(test)]
mod tests;

/// A capture whose front was read and is sound. One `drive` lends one block of up to 256 KiB.
pub struct File {
    block: Block,
    cursor: Cursor,
}

/// Opens a capture; `-` is standard input. Waits for its first 24 bytes.
///
/// # Errors
/// The file cannot be opened or read, is no capture, or ends inside its header.
pub fn open(path: &Path, origin: OriginId) -> Result<File, Error> {
    open_until(path, origin, &Signs::default())
}

/// [`open`], with an end to every wait for standard input, here and in `drive`, once [`Signs::stop`] is set, and a
/// count of what was read.
///
/// # Errors
/// As [`open`], and where `stop` ended the wait.
pub fn open_until(path: &Path, origin: OriginId, signs: &Signs) -> Result<File, Error> {
    start(Input::open(path, signs)?, path.to_path_buf(), origin)
}

/// Reads a capture from any stream; `name` stands for it in errors.
///
/// # Errors
/// As [`open`].
pub fn from_reader(reader: Box<dyn Read + Send>, name: PathBuf, origin: OriginId) -> Result<File, Error> {
    start(Input::new(reader, &name)?, name, origin)
}

pub(super) fn start(input: Input, path: PathBuf, origin: OriginId) -> Result<File, Error> {
    let (format, head, offset) = match input.kind() {
        Kind::Other => return Err(input.not_a_capture(&path)),
        Kind::Pcapng => (Format::Pcapng(Pcapng::new()), input.head, 0),
        Kind::Pcap => {
            let format =
                read_header(&input.head).map_err(|problem| Error::Capture { path: path.clone(), problem })?;
            (format, Vec::new(), HEADER as u64)
        }
    };
    let block = Block::new(input.reader, head, offset);
    Ok(File { block, cursor: Cursor::new(format, origin, path, input.compression) })
}

fn read_header(head: &[u8]) -> Result<Format, String> {
    let Some(header) = head.first_chunk() else {
        return Err(format!("cut short in the file header, at byte {}", head.len()));
    };
    Pcap::new(header)
        .map(Format::Pcap)
        .map_err(|damage| format!("not readable: {} {}", damage.what, damage.value))
}

impl File {
    /// The bytes and the place in them, for a reader of several captures.
    pub(super) fn into_parts(self) -> (Block, Cursor) {
        (self.block, self.cursor)
    }
}

impl Source for File {
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        if !self.cursor.load(&mut self.block)? {
            return Ok(Progress::End);
        }
        let stop = self.cursor.lend(&self.block, visit);
        let broke = matches!(stop, Stop::Broke);
        self.cursor.stopped(&stop, &self.block)?;
        Ok(if broke { Progress::End } else { Progress::More })
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats { received: self.cursor.taken(), ..SourceStats::default() }
    }
}
