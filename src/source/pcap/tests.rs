//! Every variant of the classic format, and its damage.

use crate::source::samples::{Kept, PcapBytes, read};

fn kept(number: u64, time: u64, bytes: &[u8]) -> Kept {
    let wire_len = u32::try_from(bytes.len()).unwrap();
    Kept { number, time, link: 1, origin: 0, wire_len, bytes: bytes.to_vec() }
}

#[test]
fn both_units_in_both_orders() {
    for (magic, nanos) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
        for big in [false, true] {
            let capture = PcapBytes::new(magic, big, 4, 1).packet((7, 5), b"ab").packet((8, 6), b"");
            let expected =
                [kept(1, 7_000_000_000 + 5 * nanos, b"ab"), kept(2, 8_000_000_000 + 6 * nanos, b"")];
            assert_eq!(read(&capture.bytes).sound(), expected, "{magic:x} {big}");
        }
    }
}

#[test]
fn long_record_headers_of_the_modified_format() {
    for big in [false, true] {
        let mut capture = PcapBytes::new(0xa1b2_cd34, big, 4, 1);
        for byte in [3, 4] {
            capture.put(&[(1, 4), (2, 4), (1, 4), (9, 4), (u64::MAX, 8), (byte, 1)]);
        }
        let frames = read(&capture.bytes).sound();
        assert_eq!(frames.iter().map(|f| (f.bytes[0], f.wire_len)).collect::<Vec<_>>(), [(3, 9), (4, 9)]);
    }
}

#[test]
fn seconds_are_unsigned_and_microseconds_carry_over() {
    let capture = PcapBytes::usual().packet((u32::MAX, u32::MAX), b"");
    assert_eq!(read(&capture.bytes).sound()[0].time, 4_294_967_295_000_000_000 + 4_294_967_295_000);
}

#[test]
fn frame_check_sequence_flags_are_no_link_type() {
    // 4 bytes of FCS, flag set: bits 28 to 31 and 26.
    let capture = PcapBytes::new(0xa1b2_c3d4, false, 4, 0x2400_0071).packet((0, 0), b"x");
    assert_eq!(read(&capture.bytes).sound()[0].link, 0x71);
}

#[test]
fn lengths_in_the_order_of_the_version() {
    let lengths = |minor, first: u64, second: u64, bytes: &[u8]| {
        let mut capture = PcapBytes::new(0xa1b2_c3d4, false, minor, 1);
        capture.put(&[(0, 8), (first, 4), (second, 4)]);
        capture.bytes.extend_from_slice(bytes);
        let frames = read(&capture.bytes).sound();
        (frames[0].bytes.len(), frames[0].wire_len)
    };
    assert_eq!(lengths(4, 3, 100, b"abc"), (3, 100));
    assert_eq!(lengths(4, 3, 1, b"abc"), (3, 3));
    assert_eq!(lengths(3, 100, 3, b"abc"), (3, 100));
    assert_eq!(lengths(3, 3, 100, b"abc"), (3, 100));
    assert_eq!(lengths(2, 100, 3, b"abc"), (3, 100));
}

#[test]
fn no_packets_is_no_error() {
    assert_eq!(read(&PcapBytes::usual().bytes).sound(), []);
}

#[test]
fn packets_beyond_the_snapshot_length_and_the_block_are_whole() {
    let long: Vec<u8> = (0..700_000u32).map(|i| i.to_le_bytes()[1]).collect();
    let capture = PcapBytes::usual().packet((1, 0), b"a").packet((2, 0), &long).packet((3, 0), b"b");
    let frames = read(&capture.bytes).sound();
    assert_eq!(frames.len(), 3);
    assert_eq!(frames[1].bytes, long);
    assert_eq!(frames[2], kept(3, 3_000_000_000, b"b"));
}

#[test]
fn a_length_over_the_cap_is_damage() {
    let mut capture = PcapBytes::usual().packet((1, 0), b"abc");
    capture.put(&[(0, 8), (0xffff_ffff, 4), (0xffff_ffff, 4)]);
    let given = read(&capture.bytes);
    assert_eq!(given.frames, [kept(1, 1_000_000_000, b"abc")]);
    assert_eq!(given.errors, ["x: damaged in packet 2, at byte 43: captured length 4294967295"]);
}

#[test]
fn another_version_is_refused() {
    let mut capture = PcapBytes::usual();
    capture.bytes[4] = 7;
    assert_eq!(read(&capture.bytes).errors, ["x: not readable: pcap major version 7"]);
}
