//! A byte stream that begins like a capture: a file or standard input, unpacked where it is packed.
//!
//! What a stream is tells its first bytes, never its name.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use zstd::stream::read::Decoder;

use crate::error::Error;

use super::block::BLOCK;
use super::pcap;
use super::pcapng::{self, SECTION};
use super::stdin::Stdin;

/// How many bytes are looked at: the header of a classic capture.
pub(super) const HEAD: usize = pcap::HEADER;

/// What a run and its inputs tell each other while they read.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    /// Set by the run: no input is waited for any longer.
    pub stop: Arc<AtomicBool>,
    /// Counted by the inputs: bytes of files read so far, as they stand on the disk.
    pub read: Arc<AtomicU64>,
}

/// A file whose bytes are counted.
struct Counted {
    file: fs::File,
    /// Bytes read from it so far.
    offset: u64,
    read: Arc<AtomicU64>,
}

impl Counted {
    /// An end ahead of what was read is none: what stood between has gone.
    fn has_shrunk(&self) -> bool {
        self.file.metadata().is_ok_and(|about| about.is_file() && about.len() < self.offset)
    }
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.offset += count as u64;
        if count == 0 && !into.is_empty() && self.has_shrunk() {
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A stream whose end is an error: the LZ4 decoder takes one between two blocks for the end of the frame.
struct Endless<R>(R);

impl<R: Read> Read for Endless<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into) {
            Ok(0) if !into.is_empty() => Err(io::Error::other("cut short")),
            read => read,
        }
    }
}

/// LZ4 frames one after another: the decoder stops at the end of each.
struct Lz4<R: BufRead>(FrameDecoder<Endless<R>>);

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.0.read(into)?;
            if count > 0 || into.is_empty() || self.0.get_mut().0.fill_buf()?.is_empty() {
                return Ok(count);
            }
        }
    }
}

/// A stream and what stands at its front.
pub(super) struct Input {
    /// The stream behind `head`.
    pub(super) reader: Box<dyn Read + Send>,
    /// Its first [`HEAD`] bytes; fewer where it is shorter.
    pub(super) head: Vec<u8>,
    /// The name of the compression that was taken off.
    pub(super) compression: Option<&'static str>,
}

/// What the first bytes of a stream announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pcap,
    Pcapng,
    /// No capture.
    Other,
}

impl Input {
    /// Opens a file, or standard input where `path` is `-`; [`Signs::stop`] ends a wait for the latter.
    pub(super) fn open(path: &Path, signs: &Signs) -> Result<Self, Error> {
        let failed = |source| Error::Io { action: "cannot open", path: path.to_path_buf(), source };
        if path.as_os_str() == "-" {
            return Self::new(Box::new(Stdin::open(Arc::clone(&signs.stop)).map_err(failed)?), path);
        }
        let file = fs::File::open(path).map_err(failed)?;
        Self::new(Box::new(Counted { file, offset: 0, read: Arc::clone(&signs.read) }), path)
    }

    /// Looks at the front of `reader`; `path` is for errors.
    pub(super) fn new(mut reader: Box<dyn Read + Send>, path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { action: "cannot read", path: path.to_path_buf(), source };
        let mut head = Vec::with_capacity(HEAD);
        read_up_to(&mut reader, &mut head, 4).map_err(failed)?;
        let Some(name) = compression(&head) else {
            read_up_to(&mut reader, &mut head, HEAD).map_err(failed)?;
            return Ok(Self { reader, head, compression: None });
        };
        let problem = |source: io::Error| Error::Capture {
            path: path.to_path_buf(),
            problem: format!("damaged {name} data: {source}"),
        };
        let mut reader = unpack(name, Cursor::new(head).chain(reader)).map_err(problem)?;
        let mut head = Vec::with_capacity(HEAD);
        read_up_to(&mut reader, &mut head, HEAD).map_err(problem)?;
        Ok(Self { reader, head, compression: Some(name) })
    }

    /// What the stream is.
    pub(super) fn kind(&self) -> Kind {
        let Some((&magic, rest)) = self.head.split_first_chunk::<4>() else {
            return Kind::Other;
        };
        if pcap::is_magic(magic) {
            return Kind::Pcap;
        }
        let order = rest.get(4..8).and_then(|bytes| bytes.first_chunk()).copied();
        let section = magic == SECTION && order.is_none_or(|bytes| pcapng::byte_order(bytes).is_some());
        if section { Kind::Pcapng } else { Kind::Other }
    }

    /// The error of a stream that is no capture.
    pub(super) fn not_a_capture(&self, path: &Path) -> Error {
        let problem = match (self.head.as_slice(), self.compression) {
            ([], None) => "empty file, not a capture".to_owned(),
            ([], Some(name)) => format!("not a capture file (nothing in the {name} data)"),
            (head, _) => {
                let mut problem = String::from("not a capture file (first bytes");
                for byte in head.iter().take(8) {
                    // Writing into a String cannot fail.
                    let _ = write!(problem, " {byte:02x}");
                }
                problem + if head.len() > 8 { " …)" } else { ")" }
            }
        };
        Error::Capture { path: path.to_path_buf(), problem }
    }
}

/// The name of the compression that bytes begin with: gzip (RFC 1952 2.3.1), zstd (RFC 8878 3.1), LZ4 frames
/// (lz4 frame format 1.6.4).
fn compression(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [0x04, 0x22, 0x4d, 0x18] => Some("lz4"),
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some("zstd"),
        _ => None,
    }
}

fn unpack(name: &str, reader: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let reader = BufReader::with_capacity(BLOCK, reader);
    Ok(match name {
        "gzip" => Box::new(MultiGzDecoder::new(reader)),
        "lz4" => Box::new(Lz4(FrameDecoder::new(Endless(reader)))),
        _ => Box::new(Decoder::with_buffer(reader)?),
    })
}

/// Reads until `head` holds `len` bytes or the stream ends.
fn read_up_to(reader: &mut dyn Read, head: &mut Vec<u8>, len: usize) -> io::Result<()> {
    let mut buffer = [0; HEAD];
    while let Some(room) = buffer.get_mut(head.len()..len).filter(|room| !room.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(count) => head.extend_from_slice(room.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
