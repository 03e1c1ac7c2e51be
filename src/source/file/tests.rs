//! Sniffing, compression, every truncation, any bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::source::samples::{Given, PcapBytes, PcapngBytes, TempDir, Trickle, drain, read};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn pcap() -> Vec<u8> {
    let capture = PcapBytes::usual().packet((1, 0), b"abc").packet((2, 0), b"").packet((3, 0), b"defgh");
    capture.bytes
}

fn pcapng() -> Vec<u8> {
    let capture = PcapngBytes::usual().enhanced(0, 1, b"abc").block(5, &[(0, 12)], &[]);
    capture.section(true).interface(1, 0, &[]).enhanced(0, 2, b"defgh").simple(4, b"ijkl").bytes
}

/// Where each packet of the samples ends, and where a cut is no damage.
const PCAP_ENDS: [usize; 3] = [43, 59, 80];
const PCAPNG_ENDS: [usize; 3] = [84, 196, 216];
const PCAPNG_SOUND: [usize; 7] = [28, 48, 84, 108, 136, 156, 196];

#[test]
fn every_truncation_of_a_pcap_lends_what_is_whole() {
    let whole = pcap();
    let frames = read(&whole).sound();
    assert_eq!(frames.len(), 3);
    for cut in 0..whole.len() {
        let given = read(&whole[..cut]);
        let packets = PCAP_ENDS.iter().filter(|end| **end <= cut).count();
        assert_eq!(given.frames, frames[..packets], "cut at {cut}");
        let expected = match cut {
            0 => vec!["x: empty file, not a capture".to_owned()],
            1..4 => vec![given.errors[0].clone()],
            4..24 => vec![format!("x: cut short in the file header, at byte {cut}")],
            24 | 43 | 59 => vec![],
            _ => {
                let start = if packets == 0 { 24 } else { PCAP_ENDS[packets - 1] };
                vec![format!("x: cut short in packet {}, at byte {start}", packets + 1)]
            }
        };
        assert_eq!(given.errors, expected, "cut at {cut}");
    }
}

#[test]
fn every_truncation_of_a_pcapng_lends_what_is_whole() {
    let whole = pcapng();
    let frames = read(&whole).sound();
    assert_eq!((frames.len(), whole.len()), (3, 216));
    for cut in 12..whole.len() {
        let given = read(&whole[..cut]);
        let packets = PCAPNG_ENDS.iter().filter(|end| **end <= cut).count();
        assert_eq!(given.frames, frames[..packets], "cut at {cut}");
        if PCAPNG_SOUND.contains(&cut) {
            assert_eq!(given.errors, Vec::<String>::new(), "cut at {cut}");
        } else {
            let start = PCAPNG_SOUND.iter().rfind(|start| **start < cut).unwrap_or(&0);
            let text = format!("x: cut short after packet {packets}, in the block at byte {start}");
            assert_eq!(given.errors, [text], "cut at {cut}");
        }
    }
}

#[test]
fn what_is_no_capture_is_named_by_its_first_bytes() {
    let error = |bytes: &[u8]| read(bytes).errors.join("|");
    assert_eq!(error(b""), "x: empty file, not a capture");
    assert_eq!(error(b"#!"), "x: not a capture file (first bytes 23 21)");
    assert_eq!(error(b"# not one\n"), "x: not a capture file (first bytes 23 20 6e 6f 74 20 6f 6e …)");
    assert_eq!(error(b"snoop\0\0\0"), "x: not a capture file (first bytes 73 6e 6f 6f 70 00 00 00)");
    assert_eq!(error(&gzip(b"")), "x: not a capture file (nothing in the gzip data)");
    assert_eq!(error(&zstd(b"text")), "x: not a capture file (first bytes 74 65 78 74)");
    let magic_only = [0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4];
    assert_eq!(error(&magic_only), "x: not a capture file (first bytes 0a 0d 0d 0a 1c 00 00 00 …)");
}

#[test]
fn packed_captures_are_known_by_their_bytes() {
    for whole in [pcap(), pcapng()] {
        let frames = read(&whole).sound();
        assert_eq!(read(&gzip(&whole)).sound(), frames);
        assert_eq!(read(&zstd(&whole)).sound(), frames);
        assert_eq!(read(&lz4(&whole)).sound(), frames);
        // Several members or frames one after another, a skippable one ahead.
        let (front, back) = whole.split_at(50);
        assert_eq!(read(&[gzip(front), gzip(back)].concat()).sound(), frames);
        assert_eq!(read(&[lz4(front), lz4(b""), lz4(back)].concat()).sound(), frames);
        let skippable = vec![0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0xff];
        assert_eq!(read(&[skippable, zstd(front), zstd(back)].concat()).sound(), frames);
    }
}

#[test]
fn every_truncation_of_a_packed_capture_is_told() {
    let whole = read(&pcap()).sound();
    for packed in [gzip(&pcap()), zstd(&pcap()), lz4(&pcap())] {
        for cut in 0..packed.len() {
            let given = read(&packed[..cut]);
            assert!(whole.starts_with(&given.frames), "cut at {cut}");
            assert_eq!(given.errors.len(), 1, "cut at {cut}");
        }
    }
    let mut spoilt = lz4(&pcap());
    spoilt[20] ^= 0x40;
    assert!(read(&spoilt).errors[0].contains("damaged lz4 data"));
    let given = read(&gzip(&pcap())[..50]);
    assert!(given.errors[0].contains("damaged gzip data"), "{:?}", given.errors);
}

#[test]
fn a_cut_capture_that_was_packed_tells_the_unpacked_place() {
    let given = read(&zstd(&pcap()[..70]));
    assert_eq!(given.frames.len(), 2);
    assert_eq!(given.errors, ["x: cut short in packet 3, at byte 59 of the uncompressed data"]);
}

#[test]
fn files_are_opened_and_missing_ones_named() {
    let directory = TempDir::new("open");
    let path = directory.write("a.txt", &gzip(&pcap()));
    let mut file = open(&path, OriginId(7)).ok().unwrap();
    let frames = drain(&mut file).sound();
    assert!(frames.len() == 3 && frames.iter().all(|frame| frame.origin == 7));
    let missing = open(Path::new("no/such.pcap"), OriginId(0)).err().unwrap();
    assert!(missing.to_string().starts_with("cannot open no/such.pcap: "), "{missing}");
    let unreadable = open(directory.path(), OriginId(0)).err().unwrap();
    assert!(unreadable.to_string().starts_with("cannot read "), "{unreadable}");
}

#[test]
fn the_visitor_may_break_off_at_any_batch() {
    let mut capture = PcapBytes::usual();
    for number in 0..100 {
        capture = capture.packet((number, 0), b"x");
    }
    let mut file = crate::source::samples::open(&capture.bytes).ok().unwrap();
    let mut lent = 0;
    let progress = file.drive(&mut |frames| {
        lent += frames.len();
        std::ops::ControlFlow::Break(())
    });
    assert_eq!((progress.unwrap(), lent), (Progress::End, 32));
    assert_eq!(file.stats().received, 32);
    assert_eq!(drain(&mut file), Given::default());
}

#[test]
fn one_drive_is_one_block() {
    let mut capture = PcapBytes::usual();
    for number in 0..1000 {
        capture = capture.packet((number, 0), &[0; 1000]);
    }
    let mut file = crate::source::samples::open(&capture.bytes).ok().unwrap();
    let mut lent = 0;
    let mut count = |frames: &[crate::model::frame::Frame<'_>]| {
        lent += frames.len();
        std::ops::ControlFlow::Continue(())
    };
    assert_eq!(file.drive(&mut count).unwrap(), Progress::More);
    assert_eq!(lent, 256 * 1024 / 1016);
    assert_eq!(file.stats().received, 256 * 1024 / 1016);
    assert_eq!(drain(&mut file).sound().len(), 1000 - 256 * 1024 / 1016);
}

/// Fails after its bytes.
struct Failing(io::Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(ErrorKind::ConnectionReset.into()),
            count => Ok(count),
        }
    }
}

#[test]
fn a_failing_disk_is_no_damage_of_the_capture() {
    let reader = Failing(io::Cursor::new(pcap()[..50].to_vec()));
    let mut file = from_reader(Box::new(reader), PathBuf::from("disk"), OriginId(0)).ok().unwrap();
    let given = drain(&mut file);
    assert_eq!(given.frames.len(), 1);
    assert_eq!(given.errors, ["cannot read disk: connection reset"]);
}

fn trickled(bytes: &[u8], step: usize) -> Given {
    let reader = Trickle { bytes: bytes.to_vec(), position: 0, step };
    match from_reader(Box::new(reader), PathBuf::from("x"), OriginId(0)) {
        Ok(mut file) => drain(&mut file),
        Err(error) => Given { frames: Vec::new(), errors: vec![error.to_string()] },
    }
}

#[test]
fn a_stream_in_pieces_is_the_same_capture() {
    for whole in [pcap(), pcapng()] {
        let expected = read(&whole);
        for step in 1..=whole.len() {
            assert_eq!(trickled(&whole, step), expected, "{step} bytes at a time");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_behind_any_magic(magic in 0usize..7, tail: Vec<u8>, step in 1usize..300) {
        let front: &[u8] = match magic {
            0 => &[],
            1 => &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0],
            2 => &[0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4],
            3 => &[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0],
            4 => &[0x1f, 0x8b, 8, 0],
            5 => &[0x28, 0xb5, 0x2f, 0xfd],
            _ => &[0x34, 0xcd, 0xb2, 0xa1, 2, 0, 4, 0],
        };
        let bytes = [front, &tail].concat();
        let given = read(&bytes);
        prop_assert!(given.errors.len() <= 1);
        if magic < 4 {
            let lent: usize = given.frames.iter().map(|frame| frame.bytes.len()).sum();
            prop_assert!(lent <= bytes.len());
            prop_assert_eq!(trickled(&bytes, step), given);
        }
    }

    #[test]
    fn a_changed_byte_never_panics_nor_harms_what_stands_before(at in 0usize..216, to: u8, ng: bool) {
        let whole = if ng { pcapng() } else { pcap() };
        let ends = if ng { PCAPNG_ENDS } else { PCAP_ENDS };
        let at = at % whole.len();
        let mut changed = whole.clone();
        changed[at] = to;
        let (before, given) = (read(&whole).sound(), read(&changed));
        let untouched = ends.iter().filter(|end| **end <= at).count();
        prop_assert!(given.errors.len() <= 1);
        prop_assert_eq!(&given.frames[..untouched], &before[..untouched]);
    }
}
