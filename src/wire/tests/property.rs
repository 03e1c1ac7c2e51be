//! Properties over generated and damaged frames: both paths say the same, and nothing leaves the frame.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::SEED;
use super::packets::{AUTHENTICATION, FRAGMENT, Shape, frame};
use crate::model::frame::Frame;
use crate::wire::layer::Found;
use crate::wire::{Decoder, LINKS, fast, layers};

/// What the fast path makes of a frame.
pub(super) fn fast_path<'a>(frame: &Frame<'a>) -> Option<Found<'a>> {
    let (hash, glance) = fast::glance(frame.bytes, SEED)?;
    let found = glance.found(frame.bytes)?;
    assert_eq!(hash, found.key.hash(SEED));
    Some(found)
}

/// Holds the fast path, where it answers, to the general one; returns whether it answered.
pub(super) fn paths_agree(frame: &Frame<'_>) -> Result<bool, TestCaseError> {
    let Some(fast) = fast_path(frame) else { return Ok(false) };
    let Ok(general) = layers(frame) else {
        return Err(TestCaseError::fail(format!("only the fast path answers: {fast:?}")));
    };
    prop_assert_eq!(fast.key, general.key);
    prop_assert_eq!(fast.header, general.header);
    prop_assert_eq!(fast.vlans, general.vlans);
    prop_assert_eq!(fast.tunnel, general.tunnel);
    prop_assert_eq!(fast.head.as_ptr_range(), general.head.as_ptr_range());
    prop_assert_eq!(fast.payload.as_ptr_range(), general.payload.as_ptr_range());
    prop_assert_eq!(fast.missing, general.missing);
    Ok(true)
}

/// Decodes whatever `frame` is; a segment lies inside it, payload behind head.
pub(super) fn stays_inside(frame: &Frame<'_>) -> Result<(), TestCaseError> {
    let Ok(segment) = Decoder::new(SEED).decode(frame) else { return Ok(()) };
    prop_assert_eq!(segment.head.as_ptr(), frame.bytes.as_ptr());
    prop_assert_eq!(segment.head.as_ptr_range().end, segment.payload.as_ptr());
    prop_assert!(segment.head.len() + segment.payload.len() <= frame.bytes.len());
    prop_assert_eq!(segment.hash, segment.key.hash(SEED));
    Ok(())
}

fn link_type() -> impl Strategy<Value = u32> {
    let ids: Vec<u32> = LINKS.iter().flat_map(|link| link.ids).map(|id| id.0).collect();
    prop_oneof![proptest::sample::select(ids), Just(1_u32)]
}

fn tags() -> impl Strategy<Value = Vec<(u16, u16)>> {
    let number = proptest::sample::select(vec![0x8100, 0x88a8, 0x9100, 0x9200]);
    vec((number, 0..4096_u16), 0..4)
}

/// Links that carry an `EtherType` can carry tags; the others have none.
fn shape() -> impl Strategy<Value = Shape> {
    let extension = proptest::sample::select(vec![0, 43, 60, 135, 139, 140, FRAGMENT, AUTHENTICATION]);
    let ip = (any::<bool>(), 0..11_u8, prop_oneof![Just(vec![]), vec(extension, 0..5)]);
    let transport = (any::<bool>(), 0..11_u8, vec(any::<u8>(), 0..80));
    let rest = (any::<bool>(), any::<bool>(), 0..50_usize);
    (link_type(), tags(), ip, transport, rest).prop_map(
        |(
            link,
            tags,
            (v6, ip_options, extensions),
            (udp, tcp_options, payload),
            (snap, zero_length, padding),
        )| {
            let v6 = (v6 || link == 229) && link != 228;
            let ether_type = matches!(link, 1 | 113 | 276);
            Shape {
                link,
                snap: snap && ether_type && tags.len() % 2 == 1,
                tags: if ether_type { tags } else { Vec::new() },
                v6,
                ip_options,
                extensions: extensions.into_iter().filter(|e| v6 || *e == AUTHENTICATION).collect(),
                udp,
                tcp_options,
                payload,
                zero_length,
                padding: if zero_length { 0 } else { padding },
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_well_formed_packet_decodes_to_its_shape_wherever_it_is_cut(
        shape in shape(),
        at in any::<proptest::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let bytes = shape.bytes();
        let cut = if whole { bytes.len() } else { at.index(bytes.len() + 1) };
        let frame = frame(shape.link, &bytes[..cut], bytes.len());
        let head = shape.head();
        let result = Decoder::new(SEED).decode(&frame);
        if shape.link == 1 {
            paths_agree(&frame)?;
        }
        if cut < head.len() {
            prop_assert!(result.is_err());
            return Ok(());
        }
        let segment = result.map_err(|skip| TestCaseError::fail(format!("{skip:?}")))?;
        let end = cut.min(head.len() + shape.payload.len());
        prop_assert_eq!(segment.key, shape.key());
        prop_assert_eq!(segment.header, shape.header());
        prop_assert_eq!(segment.vlans, shape.vlans());
        prop_assert_eq!(segment.head, &head);
        prop_assert_eq!(segment.payload, &bytes[head.len()..end]);
        prop_assert_eq!(segment.missing as usize, head.len() + shape.payload.len() - end);
    }

    #[test]
    fn the_fast_path_says_what_the_layers_say_on_damaged_frames(
        shape in shape(),
        damage in vec((0..90_usize, any::<u8>()), 0..4),
        cut in any::<proptest::sample::Index>(),
        snap_len in any::<bool>(),
        extra in 0..100_usize,
    ) {
        let mut bytes = Shape { link: 1, ..shape }.bytes();
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let wire_len = bytes.len() + extra;
        if snap_len {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        let frame = frame(1, &bytes, wire_len);
        paths_agree(&frame)?;
        stays_inside(&frame)?;
    }

    #[test]
    fn a_damaged_packet_on_any_link_stays_inside_its_frame(
        shape in shape(),
        damage in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        wire_len in 0..2000_usize,
    ) {
        let mut bytes = shape.bytes();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        stays_inside(&frame(shape.link, &bytes, wire_len))?;
    }

    #[test]
    fn any_bytes_on_any_link_stay_inside_their_frame(
        link in link_type(),
        bytes in vec(any::<u8>(), 0..200),
        ether_type in proptest::sample::select(vec![0x0800_u16, 0x86dd, 0x8100, 0x88a8, 100]),
        version in proptest::sample::select(vec![0x45_u8, 0x46, 0x4f, 0x60]),
        wire_len in any::<u32>(),
    ) {
        stays_inside(&Frame { wire_len, ..frame(link, &bytes, 0) })?;
        // The same bytes behind a header that leads to IP, so that they get past the first check.
        let header = [&[0; 12][..], &ether_type.to_be_bytes(), &[version]].concat();
        let bytes = [header, bytes].concat();
        let ethernet = Frame { wire_len, ..frame(1, &bytes, 0) };
        paths_agree(&ethernet)?;
        stays_inside(&ethernet)?;
    }
}

#[test]
fn the_property_of_the_two_paths_is_not_empty() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut answered = 0;
    for _ in 0..500 {
        let shape = shape().new_tree(&mut runner).unwrap().current();
        let bytes = Shape { link: 1, ..shape }.bytes();
        answered += u32::from(paths_agree(&frame(1, &bytes, bytes.len())).unwrap());
    }
    assert!(answered > 50, "the fast path answered {answered} of 500");
}
