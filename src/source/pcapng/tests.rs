//! Every block of pcapng, in both byte orders, and hostile ones.

use crate::source::samples::{PcapngBytes, option, read};

/// Number, link type, seconds and bytes of the frames of a sound capture.
fn frames(capture: &PcapngBytes) -> Vec<(u64, u32, u64, Vec<u8>)> {
    let frames = read(&capture.bytes).sound().into_iter();
    frames.map(|frame| (frame.number, frame.link, frame.time / 1_000_000_000, frame.bytes)).collect()
}

#[test]
fn sections_of_both_orders_count_on_and_have_their_own_interfaces() {
    let capture = PcapngBytes::default()
        .section(true)
        .interface(1, 96, &[])
        .enhanced(0, 1_000_000, b"one")
        .section(false)
        .interface(113, 0, &[])
        .interface(101, 0, &option(9, &[0]))
        .enhanced(1, 2, b"two")
        .enhanced(0, 3_000_000, b"three");
    let expected = [(1, 1, 1, b"one".to_vec()), (2, 101, 2, b"two".to_vec()), (3, 113, 3, b"three".to_vec())];
    assert_eq!(frames(&capture), expected);
}

#[test]
fn interfaces_of_an_earlier_section_are_gone() {
    let capture = PcapngBytes::usual().enhanced(0, 0, b"a").section(false).enhanced(0, 0, b"b");
    let given = read(&capture.bytes);
    assert_eq!(given.frames.len(), 1);
    assert_eq!(given.errors, ["x: damaged after packet 1, in the block at byte 112: no interface 0"]);
}

#[test]
fn original_length_is_kept_and_never_the_smaller() {
    let capture = PcapngBytes::usual().block(6, &[(0, 12), (3, 4), (1500, 4)], b"cut").block(
        6,
        &[(0, 12), (3, 4), (0, 4)],
        b"odd",
    );
    let lengths: Vec<_> = read(&capture.bytes).sound().iter().map(|f| (f.bytes.len(), f.wire_len)).collect();
    assert_eq!(lengths, [(3, 1500), (3, 3)]);
}

#[test]
fn simple_packets_have_interface_0_its_snapshot_length_and_the_time_before() {
    let capture = PcapngBytes::default()
        .section(false)
        .interface(113, 5, &[])
        .interface(1, 0, &[])
        .simple(3, b"abc")
        .enhanced(1, 4_000_000, b"x")
        .simple(9, b"12345");
    assert_eq!(
        frames(&capture),
        [(1, 113, 0, b"abc".to_vec()), (2, 1, 4, b"x".to_vec()), (3, 113, 4, b"12345".to_vec())]
    );
    assert_eq!(read(&capture.bytes).frames[2].wire_len, 9);
}

#[test]
fn a_simple_packet_without_an_interface_or_longer_than_its_block_is_damage() {
    let none = PcapngBytes::default().section(false).simple(1, b"a");
    assert_eq!(
        read(&none.bytes).errors,
        ["x: damaged after packet 0, in the block at byte 28: no interface 0"]
    );
    let long = PcapngBytes::usual().simple(9, b"12345678");
    assert_eq!(
        read(&long.bytes).errors,
        ["x: damaged after packet 0, in the block at byte 48: captured length 9"]
    );
}

#[test]
fn obsolete_packets_and_unknown_blocks() {
    for big in [false, true] {
        let capture = PcapngBytes::default()
            .section(big)
            .interface(1, 0, &[])
            .block(5, &[(0, 12)], &[])
            .obsolete(0, 2_000_000, b"old")
            .block(0x8000_0001, &[], b"what")
            .block(0xbad, &[], &[])
            .enhanced(0, 3_000_000, b"new");
        assert_eq!(frames(&capture), [(1, 1, 2, b"old".to_vec()), (2, 1, 3, b"new".to_vec())]);
    }
}

#[test]
fn options_behind_a_packet_are_not_its_bytes() {
    let capture = PcapngBytes::usual().block(6, &[(0, 12), (2, 4), (2, 4)], b"ab\0\0\x01\0\xff\xff");
    assert_eq!(frames(&capture), [(1, 1, 0, b"ab".to_vec())]);
}

/// The errors of a capture in which the block behind one packet was changed at `at`.
fn broken(at: usize, bytes: &[u8]) -> String {
    let mut capture = PcapngBytes::usual().enhanced(0, 0, b"good");
    let start = capture.bytes.len();
    capture = capture.enhanced(0, 0, b"fine").enhanced(0, 0, b"more");
    capture.bytes[start + at..start + at + bytes.len()].copy_from_slice(bytes);
    let mut given = read(&capture.bytes);
    assert_eq!((given.frames.len(), given.errors.len()), (1, 1), "{:?}", given.errors);
    let prefix = "x: damaged after packet 1, in the block at byte 84: ";
    given.errors.remove(0).strip_prefix(prefix).unwrap().to_owned()
}

#[test]
fn hostile_lengths_end_the_capture_with_their_place() {
    assert_eq!(broken(4, &0u32.to_le_bytes()), "block length 0");
    assert_eq!(broken(4, &8u32.to_le_bytes()), "block length 8");
    assert_eq!(broken(4, &38u32.to_le_bytes()), "block length 38");
    assert_eq!(broken(4, &u32::MAX.to_le_bytes()), "block length 4294967295");
    assert_eq!(broken(4, &0xffff_fffcu32.to_le_bytes()), "block length 4294967292");
    assert_eq!(broken(32, &40u32.to_le_bytes()), "trailing block length 40");
    assert_eq!(broken(20, &5u32.to_le_bytes()), "captured length 5");
    assert_eq!(broken(20, &u32::MAX.to_le_bytes()), "captured length 4294967295");
    assert_eq!(broken(8, &7u32.to_le_bytes()), "no interface 7");
}

#[test]
fn blocks_too_short_for_their_kind_are_damage() {
    let error = |capture: PcapngBytes| read(&capture.bytes).errors.join("|");
    for kind in [2, 6] {
        let text = error(PcapngBytes::usual().block(kind, &[(0, 16)], &[]));
        assert_eq!(text, "x: damaged after packet 0, in the block at byte 48: packet block of length 16");
    }
    let text = error(PcapngBytes::usual().block(3, &[], &[]));
    assert_eq!(text, "x: damaged after packet 0, in the block at byte 48: packet block of length 0");
    let text = error(PcapngBytes::usual().block(1, &[(0, 4)], &[]));
    assert_eq!(text, "x: damaged after packet 0, in the block at byte 48: interface description length 4");
    let text = error(PcapngBytes::usual().block(0x0a0d_0d0a, &[(0x1a2b_3c4d, 4)], &[]));
    assert_eq!(text, "x: damaged after packet 0, in the block at byte 48: section header length 4");
}

#[test]
fn sections_of_another_version_or_order_are_damage() {
    let later = PcapngBytes::usual().block(0x0a0d_0d0a, &[(0x1a2b_3c4d, 4), (2, 2), (0, 2), (0, 8)], &[]);
    let text = read(&later.bytes).errors.join("|");
    assert_eq!(text, "x: damaged after packet 0, in the block at byte 48: pcapng major version 2");
    let odd = PcapngBytes::usual().block(0x0a0d_0d0a, &[(0, 16)], &[]);
    let text = read(&odd.bytes).errors.join("|");
    assert_eq!(text, "x: damaged after packet 0, in the block at byte 48: byte-order magic 0");
}

#[test]
fn the_number_of_interfaces_is_bounded() {
    let mut capture = PcapngBytes::default().section(false);
    for _ in 0..=65_536 {
        capture = capture.interface(1, 0, &[]);
    }
    let errors = read(&capture.bytes).errors.join("|");
    assert!(errors.ends_with("interfaces in this section, over 65536"), "{errors}");
}

#[test]
fn a_capture_of_blocks_without_packets_is_no_error() {
    assert_eq!(frames(&PcapngBytes::usual().block(5, &[(0, 12)], &[])), []);
    assert_eq!(frames(&PcapngBytes::default().section(true)), []);
}
