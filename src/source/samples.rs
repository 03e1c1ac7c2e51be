//! Captures built byte by byte, and what a source lends of them, for the tests of this folder.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::model::frame::OriginId;

use super::file::{File, from_reader};
use super::{BATCH, Progress, Source};

/// A frame as it was lent, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) time: u64,
    pub(super) link: u32,
    pub(super) origin: u16,
    pub(super) wire_len: u32,
    pub(super) bytes: Vec<u8>,
}

/// All that a source gave until its end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) frames: Vec<Kept>,
    pub(super) errors: Vec<String>,
}

impl Given {
    /// The frames, where no error was told.
    pub(super) fn sound(self) -> Vec<Kept> {
        assert_eq!(self.errors, Vec::<String>::new());
        self.frames
    }
}

/// Drives a source to its end, which must come and must stay.
pub(super) fn drain(source: &mut dyn Source) -> Given {
    let mut given = Given::default();
    for _ in 0..1_000_000 {
        let progress = source.drive(&mut |frames| {
            assert!((1..=BATCH).contains(&frames.len()));
            given.frames.extend(frames.iter().map(|frame| Kept {
                number: frame.number,
                time: frame.time.0,
                link: frame.link.0,
                origin: frame.origin.0,
                wire_len: frame.wire_len,
                bytes: frame.bytes.to_vec(),
            }));
            ControlFlow::Continue(())
        });
        match progress {
            Ok(Progress::End) => {
                let again = source.drive(&mut |_| panic!("a frame after the end"));
                assert_eq!(again.unwrap(), Progress::End);
                return given;
            }
            Ok(_) => {}
            Err(error) => given.errors.push(error.to_string()),
        }
    }
    panic!("the source does not end");
}

/// Opens bytes as the capture `x`, of origin 0.
pub(super) fn open(bytes: &[u8]) -> Result<File, Error> {
    from_reader(Box::new(io::Cursor::new(bytes.to_vec())), PathBuf::from("x"), OriginId(0))
}

/// What the capture in `bytes` gives; an error of opening it is one among the errors.
pub(super) fn read(bytes: &[u8]) -> Given {
    match open(bytes) {
        Ok(mut file) => drain(&mut file),
        Err(error) => Given { frames: Vec::new(), errors: vec![error.to_string()] },
    }
}

/// A stream that gives a few bytes at a time, as a pipe may.
pub(super) struct Trickle {
    pub(super) bytes: Vec<u8>,
    pub(super) position: usize,
    pub(super) step: usize,
}

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.position..];
        let count = left.len().min(into.len()).min(self.step);
        into[..count].copy_from_slice(&left[..count]);
        self.position += count;
        Ok(count)
    }
}

/// A number of up to 16 bytes in the byte order of the capture.
fn put(bytes: &mut Vec<u8>, big: bool, value: u64, width: usize) {
    if big {
        bytes.extend_from_slice(&u128::from(value).to_be_bytes()[16 - width..]);
    } else {
        bytes.extend_from_slice(&u128::from(value).to_le_bytes()[..width]);
    }
}

/// A classic capture in the making.
pub(super) struct PcapBytes {
    pub(super) bytes: Vec<u8>,
    pub(super) big: bool,
}

impl PcapBytes {
    pub(super) fn new(magic: u32, big: bool, minor: u16, network: u32) -> Self {
        let mut new = Self { bytes: Vec::new(), big };
        let widths =
            [(u64::from(magic), 4), (2, 2), (minor.into(), 2), (0, 8), (65535, 4), (network.into(), 4)];
        new.put(&widths);
        new
    }

    /// Microseconds, little-endian, Ethernet.
    pub(super) fn usual() -> Self {
        Self::new(0xa1b2_c3d4, false, 4, 1)
    }

    pub(super) fn put(&mut self, values: &[(u64, usize)]) {
        for &(value, width) in values {
            put(&mut self.bytes, self.big, value, width);
        }
    }

    /// A packet at so many units after so many seconds.
    pub(super) fn packet(mut self, (seconds, fraction): (u32, u32), bytes: &[u8]) -> Self {
        let len = bytes.len() as u64;
        self.put(&[(seconds.into(), 4), (fraction.into(), 4), (len, 4), (len, 4)]);
        self.bytes.extend_from_slice(bytes);
        self
    }
}

/// A pcapng capture in the making.
#[derive(Default)]
pub(super) struct PcapngBytes {
    pub(super) bytes: Vec<u8>,
    pub(super) big: bool,
}

/// A little-endian option.
pub(super) fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, false, code.into(), 2);
    put(&mut bytes, false, value.len() as u64, 2);
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

impl PcapngBytes {
    /// One little-endian section with one Ethernet interface.
    pub(super) fn usual() -> Self {
        Self::default().section(false).interface(1, 0, &[])
    }

    pub(super) fn block(mut self, kind: u32, values: &[(u64, usize)], tail: &[u8]) -> Self {
        let mut body = Vec::new();
        for &(value, width) in values {
            put(&mut body, self.big, value, width);
        }
        body.extend_from_slice(tail);
        body.resize(body.len().next_multiple_of(4), 0);
        let len = body.len() as u64 + 12;
        put(&mut self.bytes, self.big, kind.into(), 4);
        put(&mut self.bytes, self.big, len, 4);
        self.bytes.extend_from_slice(&body);
        put(&mut self.bytes, self.big, len, 4);
        self
    }

    /// A section of unknown length.
    pub(super) fn section(mut self, big: bool) -> Self {
        self.big = big;
        self.block(0x0a0d_0d0a, &[(0x1a2b_3c4d, 4), (1, 2), (0, 2), (u64::MAX, 8)], &[])
    }

    pub(super) fn interface(self, link: u16, snap_len: u32, options: &[u8]) -> Self {
        self.block(1, &[(link.into(), 2), (0, 2), (snap_len.into(), 4)], options)
    }

    pub(super) fn enhanced(self, interface: u32, units: u64, bytes: &[u8]) -> Self {
        let len = bytes.len() as u64;
        let values = [(interface.into(), 4), (units >> 32, 4), (units & 0xffff_ffff, 4), (len, 4), (len, 4)];
        self.block(6, &values, bytes)
    }

    pub(super) fn obsolete(self, interface: u16, units: u64, bytes: &[u8]) -> Self {
        let len = bytes.len() as u64;
        let values =
            [(interface.into(), 2), (9, 2), (units >> 32, 4), (units & 0xffff_ffff, 4), (len, 4), (len, 4)];
        self.block(2, &values, bytes)
    }

    pub(super) fn simple(self, original: u32, bytes: &[u8]) -> Self {
        self.block(3, &[(original.into(), 4)], bytes)
    }
}

/// An IPv4 TCP packet without Ethernet, from port 40000 to `port`.
pub(super) fn tcp(port: u16) -> Vec<u8> {
    let mut bytes = vec![
        0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, // IPv4, TCP
        10, 0, 0, 1, 10, 0, 0, 2, // addresses
        0x9c, 0x40, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0, // SYN
    ];
    bytes[22..24].copy_from_slice(&port.to_be_bytes());
    bytes
}

/// The same behind an Ethernet header.
pub(super) fn ethernet_tcp(port: u16) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    bytes.extend_from_slice(&tcp(port));
    bytes
}

/// A directory of a test's own, gone at its end.
pub(super) struct TempDir(PathBuf);

impl TempDir {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sni-watch-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
