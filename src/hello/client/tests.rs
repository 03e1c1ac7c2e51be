use proptest::prelude::*;

use super::*;
use crate::hello::testing::{Builder, RANDOM, extension, vec16};

/// Reads a hello that must be one, and keeps it alive for the test.
fn read(builder: &Builder) -> Fields<'static> {
    Fields::read(builder.body().leak()).unwrap()
}

fn sni_of(body: &[u8]) -> Sni<'static> {
    read(&Builder::new().extension(0, body)).sni
}

fn entry(kind: u8, name: &[u8]) -> Vec<u8> {
    [&[kind], &vec16(name)[..]].concat()
}

#[test]
fn all_fields() {
    let fields = read(
        &Builder::new()
            .session_id(&[7; 32])
            .sni("Currency.Example")
            .alpn(&["h2", "http/1.1"])
            .versions(&[0x0304, 0x0303])
            .extension(0xfe0d, &[0]),
    );
    assert_eq!(fields.random, &RANDOM);
    assert_eq!(fields.legacy_version, Version::TLS12);
    assert_eq!(fields.offered, Version::TLS13);
    assert_eq!(fields.session_id, [7; 32]);
    assert_eq!(fields.sni, Sni::Name { bytes: b"Currency.Example", more: false });
    assert_eq!(fields.alpn, Some(&b"\x02h2\x08http/1.1"[..]));
    assert!(fields.ech);
}

#[test]
fn no_extensions_block_is_legal() {
    for version in [0x0300, 0x0301, 0x0303] {
        let fields = read(&Builder::new().version(version));
        assert_eq!(fields.sni, Sni::Absent);
        assert_eq!(fields.offered, Version(version));
        assert_eq!((fields.alpn, fields.ech), (None, false));
        assert!(fields.session_id.is_empty());
    }
}

#[test]
fn empty_extensions_block_is_legal() {
    assert_eq!(read(&Builder::new().raw(&[])).sni, Sni::Absent);
}

#[test]
fn legacy_version_must_have_major_3() {
    for (version, fine) in
        [(0x0002, false), (0x02ff, false), (0x0300, true), (0x0304, true), (0x0400, false), (0xfefd, false)]
    {
        let body = Builder::new().version(version).body();
        assert_eq!(Fields::read(&body).is_some(), fine, "{version:04x}");
    }
}

#[test]
fn broken_fixed_part_is_refused() {
    let body = Builder::new().body();
    for len in 0..body.len() {
        assert!(Fields::read(&body[..len]).is_none(), "cut at {len}");
    }
    let mut long_session = body.clone();
    long_session[34] = 33;
    long_session.extend([0; 40]);
    assert!(Fields::read(&long_session).is_none());
    let mut odd_ciphers = body.clone();
    odd_ciphers[36] = 1;
    assert!(Fields::read(&odd_ciphers).is_none());
    assert_eq!(body.len(), usize::try_from(MIN_BODY).unwrap() + 3, "one suite and one method");
}

#[test]
fn sni_forms() {
    assert_eq!(sni_of(&[]), Sni::Empty);
    assert_eq!(sni_of(&[0, 0]), Sni::Empty);
    assert_eq!(sni_of(&vec16(&entry(0, b""))), Sni::Empty);
    assert_eq!(sni_of(&vec16(&entry(7, b"x"))), Sni::Empty, "no host_name");
    assert_eq!(sni_of(&vec16(&entry(0, b"a"))), Sni::Name { bytes: b"a", more: false });
    let two = [entry(0, b"a"), entry(0, b"b")].concat();
    assert_eq!(sni_of(&vec16(&two)), Sni::Name { bytes: b"a", more: true });
    let other_first = [entry(9, b"zz"), entry(0, b"a"), entry(9, b"zz")].concat();
    assert_eq!(sni_of(&vec16(&other_first)), Sni::Name { bytes: b"a", more: false });
}

#[test]
fn sni_with_contradictory_lengths_is_malformed() {
    let list = entry(0, b"abc");
    assert_eq!(sni_of(&[0]), Sni::Malformed, "half a length");
    assert_eq!(sni_of(&[&[0, 7], &list[..]].concat()), Sni::Malformed, "list past the extension");
    assert_eq!(sni_of(&[&[0, 5], &list[..]].concat()), Sni::Malformed, "list short of the extension");
    assert_eq!(sni_of(&vec16(&[0, 0, 4, b'a'])), Sni::Malformed, "name past the list");
    assert_eq!(sni_of(&vec16(&[&list[..], &[0]].concat())), Sni::Malformed, "second entry is cut");
}

#[test]
fn sni_bytes_are_as_sent() {
    let name = "a".repeat(300);
    assert_eq!(
        sni_of(&vec16(&entry(0, name.as_bytes()))),
        Sni::Name { bytes: name.leak().as_bytes(), more: false }
    );
    assert_eq!(sni_of(&vec16(&entry(0, b"\0\xff"))), Sni::Name { bytes: b"\0\xff", more: false });
}

#[test]
fn first_of_duplicate_extensions_wins() {
    let fields = read(
        &Builder::new()
            .sni("first")
            .sni("second")
            .alpn(&["a"])
            .alpn(&["b"])
            .versions(&[0x0303])
            .versions(&[0x0304]),
    );
    assert_eq!(fields.sni, Sni::Name { bytes: b"first", more: false });
    assert_eq!(fields.alpn, Some(&b"\x01a"[..]));
    assert_eq!(fields.offered, Version::TLS12);
    let broken_first = read(&Builder::new().extension(0, &[1]).sni("second"));
    assert_eq!(broken_first.sni, Sni::Malformed);
}

#[test]
fn one_broken_extension_spoils_itself_only() {
    let fields = read(&Builder::new().extension(16, &[9]).extension(43, &[9]).sni("a"));
    assert_eq!(fields.sni, Sni::Name { bytes: b"a", more: false });
    assert_eq!(fields.alpn, None);
    assert_eq!(fields.offered, Version::TLS12);
}

#[test]
fn extensions_before_a_cut_are_used() {
    let cut_padding = read(&Builder::new().sni("a").raw(&[0, 21, 0, 9, 0, 0]));
    assert_eq!(cut_padding.sni, Sni::Name { bytes: b"a", more: false });
    let name = extension(0, &vec16(&entry(0, b"abc")));
    let cut_name = read(&Builder::new().alpn(&["h2"]).raw(&name[..name.len() - 1]));
    assert_eq!(cut_name.sni, Sni::Malformed);
    assert_eq!(cut_name.alpn, Some(&b"\x02h2"[..]));
    let odd_end = read(&Builder::new().sni("a").raw(&[0, 43, 0]));
    assert_eq!(odd_end.sni, Sni::Name { bytes: b"a", more: false });
    assert_eq!(odd_end.offered, Version::TLS12);
}

#[test]
fn block_length_that_contradicts_the_message() {
    let builder = Builder::new().sni("a");
    let at = Builder::new().body().len();
    let mut past = builder.body();
    past[at + 1] += 5;
    let sni = |body: &[u8]| Fields::read(body).map(|fields| fields.sni == read(&builder).sni);
    assert_eq!(sni(&past), Some(true), "block reaches past the message");
    let mut behind = builder.body();
    behind.extend([1, 2, 3]);
    assert_eq!(sni(&behind), Some(true), "bytes behind the block");
    assert_eq!(Fields::read(&behind[..=at]).map(|fields| fields.sni), Some(Sni::Absent));
}

#[test]
fn offered_version() {
    let offered = |versions: &[u16]| read(&Builder::new().versions(versions)).offered.0;
    assert_eq!(offered(&[0x0301, 0x0304, 0x0303]), 0x0304);
    assert_eq!(offered(&[0x0302]), 0x0302, "the list rules, not legacy_version");
    assert_eq!(offered(&[0xfafa, 0x0a0a, 0x0304, 0x0303]), 0x0304, "GREASE");
    assert_eq!(offered(&[0xfafa]), 0x0303, "GREASE alone");
    assert_eq!(offered(&[0x7f17, 0x0303, 0x0302]), 0x7f17, "draft above 1.2");
    assert_eq!(offered(&[0x7f1c, 0x0304]), 0x0304, "draft below 1.3");
    assert_eq!(offered(&[0x7f12, 0x7f17]), 0x7f17);
    assert_eq!(offered(&[0xfb1a, 0x0303]), 0xfb1a);
    assert_eq!(offered(&[0x0304, 0xfb1a]), 0x0304);
    assert_eq!(offered(&[0x7e01, 0x0303]), 0x7e01);
    assert_eq!(offered(&[0xfefc, 0x0303]), 0x0303, "no TLS number");
    assert_eq!(offered(&[]), 0x0303);
    let inconsistent = |body: &[u8]| read(&Builder::new().extension(43, body)).offered.0;
    assert_eq!(inconsistent(&[3, 3, 4, 3]), 0x0303, "odd list");
    assert_eq!(inconsistent(&[4, 3, 4]), 0x0303, "list past the extension");
    assert_eq!(inconsistent(&[2, 3, 4, 0]), 0x0303, "list short of the extension");
}

#[test]
fn ech_numbers() {
    let ech = |kind| read(&Builder::new().extension(kind, &[])).ech;
    assert!([0xfe08, 0xfe09, 0xfe0a, 0xfe0d, 0xffce].into_iter().all(ech));
    assert!(![0xfe07, 0xfe0e, 0xffcd].into_iter().any(ech));
}

proptest! {
    /// Whatever the quick reading answers is what the parser says.
    #[test]
    fn regular_hellos_are_read_as_the_parser_reads_them(
        id in proptest::collection::vec(any::<u8>(), 0..40),
        lists in (0..8_u8, 0..4_u8),
        extensions in proptest::collection::vec(any::<u8>(), 0..40),
        damage in proptest::collection::vec((0..160_usize, any::<u8>()), 0..3),
        cut in 0..200_usize,
    ) {
        let mut body = vec![3, 3];
        body.extend(RANDOM);
        body.push(u8::try_from(id.len()).unwrap());
        body.extend(&id);
        body.extend([0, lists.0]);
        body.extend(vec![0x13; lists.0.into()]);
        body.push(lists.1);
        body.extend(vec![0; lists.1.into()]);
        body.extend(vec16(&extensions));
        for (at, byte) in damage {
            let at = at % body.len();
            body[at] = byte;
        }
        body.truncate(cut);
        if let Some(quick) = Fixed::regular(&body) {
            prop_assert_eq!(Some(quick), Fixed::any(&body));
        }
    }
}
