//! The order of several captures, and their damage.

use std::io;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::model::frame::OriginId;
use crate::source::file::from_reader;
use crate::source::samples::{Given, Kept, PcapBytes, PcapngBytes, Trickle, drain};

fn capture(times: &[u32]) -> Vec<u8> {
    let mut capture = PcapBytes::usual();
    for time in times {
        capture = capture.packet((*time, 0), &time.to_le_bytes());
    }
    capture.bytes
}

fn merge(captures: &[Vec<u8>]) -> Given {
    let files = captures.iter().enumerate().map(|(index, bytes)| {
        let reader = Box::new(io::Cursor::new(bytes.clone()));
        let name = PathBuf::from(format!("file{index}"));
        from_reader(reader, name, OriginId(u16::try_from(index).unwrap())).ok().unwrap()
    });
    drain(&mut Merge::new(files.collect()))
}

/// Origin, number and second of each frame.
fn brief(frames: &[Kept]) -> Vec<(u16, u64, u64)> {
    frames.iter().map(|frame| (frame.origin, frame.number, frame.time / 1_000_000_000)).collect()
}

#[test]
fn by_time_and_then_by_input() {
    let given = merge(&[capture(&[1, 3, 5]), capture(&[1, 2, 5, 5]), capture(&[0, 5])]);
    let expected =
        [(2, 1, 0), (0, 1, 1), (1, 1, 1), (1, 2, 2), (0, 2, 3), (0, 3, 5), (1, 3, 5), (1, 4, 5), (2, 2, 5)];
    assert_eq!(brief(&given.sound()), expected);
}

#[test]
fn a_clock_that_goes_backwards_stays_as_it_is() {
    let given = merge(&[capture(&[5, 2, 9]), capture(&[4, 6])]);
    assert_eq!(brief(&given.sound()), [(1, 1, 4), (0, 1, 5), (0, 2, 2), (1, 2, 6), (0, 3, 9)]);
}

#[test]
fn formats_and_link_types_may_differ() {
    let other =
        PcapngBytes::default().section(true).interface(113, 0, &[]).enhanced(0, 2_000_000, b"n").bytes;
    let frames = merge(&[capture(&[1, 3]), other]).sound();
    assert_eq!(frames.iter().map(|frame| frame.link).collect::<Vec<_>>(), [1, 113, 1]);
}

#[test]
fn nothing_and_empty_captures_end() {
    assert_eq!(merge(&[]), Given::default());
    assert_eq!(brief(&merge(&[capture(&[]), capture(&[1]), capture(&[])]).sound()), [(1, 1, 1)]);
}

#[test]
fn each_damaged_capture_gives_its_packets_and_one_error() {
    let mut cut = capture(&[1, 4]);
    cut.truncate(cut.len() - 1);
    let mut damaged = capture(&[2, 3]);
    let record = damaged.len() - 20;
    damaged[record + 8..record + 12].copy_from_slice(&[0xff; 4]);
    let header_only = PcapngBytes::usual().bytes[..40].to_vec();
    let given = merge(&[cut, capture(&[0, 3, 6]), damaged, header_only]);
    assert_eq!(brief(&given.frames), [(1, 1, 0), (0, 1, 1), (2, 1, 2), (1, 2, 3), (1, 3, 6)]);
    let mut errors = given.errors;
    errors.sort();
    assert_eq!(
        errors,
        [
            "file0: cut short in packet 2, at byte 44",
            "file2: damaged in packet 2, at byte 44: captured length 4294967295",
            "file3: cut short after packet 0, in the block at byte 28",
        ]
    );
}

#[test]
fn a_long_packet_ahead_of_a_short_rest() {
    let mut long = PcapBytes::usual().packet((0, 0), &vec![7; 300_000]);
    for time in 1..100 {
        long = long.packet((time, 0), &[0; 1000]);
    }
    let given = merge(&[long.bytes, capture(&[0, 50, 200])]).sound();
    assert_eq!(given.iter().filter(|frame| frame.origin == 0).count(), 100);
    assert_eq!(brief(&given)[51..53], [(0, 51, 50), (1, 2, 50)]);
}

#[test]
fn the_visitor_may_break_off() {
    let times: Vec<u32> = (0..40).collect();
    let files = [capture(&times), capture(&times)].map(|bytes| {
        from_reader(Box::new(io::Cursor::new(bytes)), PathBuf::from("x"), OriginId(0)).ok().unwrap()
    });
    let mut merge = Merge::new(files.into());
    let progress = merge.drive(&mut |_| ControlFlow::Break(()));
    assert_eq!(progress.unwrap(), Progress::End);
    assert_eq!(merge.stats().received, 32);
    assert_eq!(drain(&mut merge), Given::default());
}

#[test]
fn many_captures_take_smaller_blocks() {
    let merge =
        Merge::new((0..200).map(|_| crate::source::samples::open(&capture(&[1])).ok().unwrap()).collect());
    assert_eq!(merge.blocks.iter().map(Block::size).sum::<usize>() / 200, TOTAL_SIZE / 200);
}

proptest! {
    /// Merged is the same as all captures read and sorted by (time so far, input).
    #[test]
    fn as_a_stable_sort(
        captures in prop::collection::vec(prop::collection::vec(0u32..20, 0..60), 0..6),
        step in 1usize..200,
    ) {
        let mut expected = Vec::new();
        for (origin, times) in captures.iter().enumerate() {
            // A frame behind a later one of its own capture goes with that.
            let mut latest = 0;
            for (number, time) in times.iter().enumerate() {
                latest = latest.max(*time);
                expected.push((latest, origin, number as u64 + 1));
            }
        }
        expected.sort_unstable();
        let files = captures.iter().enumerate().map(|(origin, times)| {
            let reader = Trickle { bytes: capture(times), position: 0, step };
            from_reader(Box::new(reader), PathBuf::from("x"), OriginId(u16::try_from(origin).unwrap()))
                .ok()
                .unwrap()
        });
        let mut merge = Merge::new(files.collect());
        let given = drain(&mut merge).sound();
        let order: Vec<_> = given.iter().map(|frame| (usize::from(frame.origin), frame.number)).collect();
        let expected: Vec<_> = expected.iter().map(|(_, origin, number)| (*origin, *number)).collect();
        prop_assert_eq!(order, expected);
        prop_assert_eq!(merge.stats().received, given.len() as u64);
    }
}
