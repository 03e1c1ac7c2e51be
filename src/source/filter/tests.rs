//! Expressions, their link types, and their errors.

use super::*;
use crate::source::samples::{PcapBytes, PcapngBytes, drain, ethernet_tcp, open, tcp};

fn filter(expression: &str) -> PacketFilter {
    PacketFilter::compile(expression).ok().unwrap()
}

#[test]
fn a_typo_is_told_before_the_first_packet() {
    let error = PacketFilter::compile("tcp prot 443").err().unwrap();
    let text = error.to_string();
    assert!(matches!(error, Error::Usage(_)));
    assert!(text.starts_with("filter `tcp prot 443`: ") && text.contains("syntax error"), "{text}");
    assert!(PacketFilter::compile("port 443\0").is_err());
}

#[test]
fn an_expression_for_other_links_than_ethernet_is_fine() {
    assert!(PacketFilter::compile("wlan type mgt").is_ok());
}

#[test]
fn only_what_passes_is_lent_with_its_own_number() {
    let mut capture = PcapBytes::usual();
    for number in 0..100u16 {
        capture = capture.packet((number.into(), 0), &ethernet_tcp(if number % 3 == 0 { 443 } else { 80 }));
    }
    let mut source = Filtered::new(open(&capture.bytes).ok().unwrap(), filter("tcp port 443"));
    let frames = drain(&mut source).sound();
    assert_eq!(frames.iter().map(|f| f.number).collect::<Vec<_>>(), (1..=100).step_by(3).collect::<Vec<_>>());
    assert_eq!(source.stats().received, 34);
}

#[test]
fn each_link_type_has_its_own_program() {
    let capture = PcapngBytes::default()
        .section(false)
        .interface(1, 0, &[])
        .interface(101, 0, &[])
        .enhanced(0, 0, &ethernet_tcp(443))
        .enhanced(1, 0, &tcp(443))
        .enhanced(1, 0, &tcp(80))
        .enhanced(0, 0, &ethernet_tcp(80));
    let mut source = Filtered::new(open(&capture.bytes).ok().unwrap(), filter("dst port 443"));
    assert_eq!(drain(&mut source).sound().iter().map(|f| f.number).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_link_type_that_does_not_fit_is_told_once_and_the_others_go_on() {
    let capture = PcapngBytes::default()
        .section(false)
        .interface(1, 0, &[])
        .interface(101, 0, &[])
        .enhanced(1, 0, &tcp(443))
        .enhanced(0, 0, &ethernet_tcp(443))
        .enhanced(1, 0, &tcp(443));
    let mut source = Filtered::new(open(&capture.bytes).ok().unwrap(), filter("ether host 2:0:0:0:0:1"));
    let given = drain(&mut source);
    assert_eq!(given.frames.iter().map(|f| f.number).collect::<Vec<_>>(), [2]);
    assert_eq!(given.errors.len(), 1);
    let text = &given.errors[0];
    assert!(
        text.starts_with("filter `ether host 2:0:0:0:0:1`: ") && text.ends_with("(link type 101)"),
        "{text}"
    );
}

#[test]
fn damage_of_the_source_and_of_the_filter_are_both_told() {
    let mut capture =
        PcapBytes::new(0xa1b2_c3d4, false, 4, 101).packet((0, 0), &tcp(443)).packet((0, 0), b"x");
    capture.put(&[(0, 8), (u64::MAX, 8)]);
    let mut source = Filtered::new(open(&capture.bytes).ok().unwrap(), filter("ether host 2:0:0:0:0:1"));
    let errors = drain(&mut source).errors;
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].starts_with("x: damaged in packet 3") && errors[1].starts_with("filter `"));
}

#[test]
fn truncated_and_empty_frames_do_not_pass() {
    let full = ethernet_tcp(443);
    let mut filter = filter("tcp port 443");
    for len in 0..=full.len() {
        let frame = Frame {
            number: 1,
            time: crate::model::frame::Timestamp(0),
            link: LinkType(1),
            origin: crate::model::frame::OriginId(0),
            wire_len: 54,
            bytes: &full[..len],
        };
        // The ports end at byte 38.
        assert_eq!(filter.matches(&frame).unwrap(), len >= 38, "{len}");
    }
}

#[test]
fn may_move_to_another_thread() {
    let capture = PcapBytes::usual().packet((0, 0), &ethernet_tcp(443));
    let mut source = Filtered::new(open(&capture.bytes).ok().unwrap(), filter("tcp"));
    let count = std::thread::spawn(move || drain(&mut source).sound().len()).join().unwrap();
    assert_eq!(count, 1);
}

#[test]
fn tagged_frames_pass_a_filter_that_says_nothing_of_tags() {
    let plain = ethernet_tcp(443);
    let (addresses, rest) = plain.split_at(12);
    let tagged = [addresses, &[0x81, 0, 0, 7], rest].concat();
    let capture = PcapBytes::usual().packet((1, 0), &plain).packet((2, 0), &tagged);
    let mut source = Filtered::new(open(&capture.bytes).ok().unwrap(), filter("tcp port 443"));
    assert_eq!(drain(&mut source).sound().len(), 2);
}
