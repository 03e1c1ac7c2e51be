use super::*;

const UTF8: u8 = 12;
const TELETEX: u8 = 20;
const IA5: u8 = 22;
const UNIVERSAL: u8 = 28;
const BMP: u8 = 30;

fn node(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = match u16::try_from(body.len()).unwrap() {
        len @ 0..=127 => vec![len.to_be_bytes()[1]],
        len => [&[0x82], &len.to_be_bytes()[..]].concat(),
    };
    [&[tag], &length[..], body].concat()
}

/// An attribute of an X.520 type, `2.5.4.number`.
fn attribute(number: u8, tag: u8, value: &[u8]) -> Vec<u8> {
    node(0x30, &[node(6, &[0x55, 4, number]), node(tag, value)].concat())
}

/// A name of one attribute a part.
fn name(attributes: &[Vec<u8>]) -> Vec<u8> {
    node(0x30, &attributes.iter().flat_map(|it| node(0x31, it)).collect::<Vec<_>>())
}

fn alternative(names: &[Vec<u8>]) -> Vec<u8> {
    let list = node(0x30, &names.concat());
    node(0x30, &[node(6, &[0x55, 0x1d, 0x11]), node(4, &list)].concat())
}

struct Made {
    serial: Vec<u8>,
    subject: Vec<u8>,
    validity: [Vec<u8>; 2],
    extensions: Vec<Vec<u8>>,
}

impl Default for Made {
    fn default() -> Self {
        let time = |text: &[u8]| node(0x17, text);
        Self {
            serial: vec![7],
            subject: name(&[attribute(3, UTF8, b"leaf")]),
            validity: [time(b"260101000000Z"), time(b"360101000000Z")],
            extensions: Vec::new(),
        }
    }
}

impl Made {
    fn der(&self) -> Vec<u8> {
        let algorithm = node(0x30, &node(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]));
        let curve = node(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
        let key = node(0x30, &[node(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), curve].concat());
        let key = node(0x30, &[key, node(3, &[&[0, 4], &[9; 64][..]].concat())].concat());
        let extensions = node(0xa3, &node(0x30, &self.extensions.concat()));
        let parts = [
            node(0xa0, &node(2, &[2])),
            node(2, &self.serial),
            algorithm.clone(),
            name(&[attribute(6, 19, b"DE"), attribute(10, UTF8, b"Made, Inc."), attribute(3, UTF8, b"CA")]),
            node(0x30, &self.validity.concat()),
            self.subject.clone(),
            key,
            if self.extensions.is_empty() { Vec::new() } else { extensions },
        ];
        node(0x30, &[node(0x30, &parts.concat()), algorithm, node(3, &[0, 0x30, 0])].concat())
    }

    fn facts(&self) -> Facts {
        read(&self.der()).unwrap()
    }
}

#[test]
fn a_certificate_is_read() {
    let facts = Made::default().facts();
    assert_eq!((&*facts.subject, &*facts.issuer), ("CN=leaf", "CN=CA, O=Made\\, Inc., C=DE"));
    assert_eq!(facts.subject_common_names, ["leaf".into()]);
    assert_eq!(facts.issuer_common_names, ["CA".into()]);
    assert_eq!((facts.not_before, facts.not_after), (1_767_225_600, 2_082_758_400));
    assert_eq!(&*facts.serial, "07");
    assert_eq!(facts.sha256, <[u8; 32]>::from(Sha256::digest(Made::default().der())));
    assert!(facts.names.is_empty());
}

#[test]
fn serial_numbers_have_no_sign_byte() {
    for (bytes, text) in [(vec![0], "00"), (vec![0, 0x80, 1], "8001"), (vec![0xff, 0], "FF00")] {
        assert_eq!(&*Made { serial: bytes, ..Made::default() }.facts().serial, text);
    }
}

#[test]
fn structure_in_a_value_is_escaped_and_nothing_else() {
    for (value, text) in [
        (&b"a+b"[..], "a\\+b"),
        (b"\"<;>\\\"", "\\\"\\<\\;\\>\\\\\\\""),
        (b" x ", "\\ x\\ "),
        (b"#x#", "\\#x#"),
        (b"a\0b", "a\\00b"),
        (b"\x1b[2J", "\x1b[2J"),
        (b"", ""),
    ] {
        let made = Made { subject: name(&[attribute(3, UTF8, value)]), ..Made::default() };
        assert_eq!(&*made.facts().subject, format!("CN={text}"));
    }
}

#[test]
fn every_string_type_has_its_letters() {
    for (tag, value, text) in [
        (UTF8, "Škoda".as_bytes(), "Škoda"),
        (UTF8, b"M\xfcller", "Müller"),
        (TELETEX, b"M\xfcller", "Müller"),
        (IA5, b"plain", "plain"),
        (BMP, b"\0M\0\xfc\xd8\x3d\xde\0x", "Mü😀"),
        (UNIVERSAL, b"\0\0\0M\0\x01\xf6\0\0\x11\0\0", "M😀\u{fffd}"),
        (4, b"\x01\xff", "\\#01ff"),
    ] {
        let made = Made { subject: name(&[attribute(3, tag, value)]), ..Made::default() };
        assert_eq!(&*made.facts().subject, format!("CN={text}"), "{tag} {value:?}");
    }
}

#[test]
fn names_of_several_parts_and_unknown_types() {
    let pair = [attribute(3, UTF8, b"a"), attribute(11, UTF8, b"b")].concat();
    let subject = node(0x30, &[node(0x31, &pair), node(0x31, &attribute(99, UTF8, b"c"))].concat());
    assert_eq!(&*Made { subject, ..Made::default() }.facts().subject, "2.5.4.99=c, CN=a+OU=b");
    assert_eq!(&*Made { subject: name(&[]), ..Made::default() }.facts().subject, "");
}

#[test]
fn alternative_names_of_all_kinds_in_their_order() {
    let uri = b"spiffe://td/ns/default/dc/dc1/svc/payments";
    let directory = node(0xa4, &name(&[attribute(3, UTF8, b"dir")]));
    let names = [
        node(0x82, b"a.example"),
        node(0x86, uri),
        node(0x87, &[192, 0, 2, 7]),
        node(0x87, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]),
        node(0x87, &[1, 2, 3]),
        node(0x81, b"me@a.example"),
        node(0x88, &[0x55, 4, 3]),
        directory,
        node(0x82, b"\xff.example"),
    ];
    let facts = Made { extensions: vec![alternative(&names)], ..Made::default() }.facts();
    let texts: Vec<&str> = facts.names.iter().map(AlternativeName::as_str).collect();
    let spiffe = std::str::from_utf8(uri).unwrap();
    let expected =
        ["a.example", spiffe, "192.0.2.7", "2001:db8::7", "me@a.example", "CN=dir", "\u{ff}.example"];
    assert_eq!(texts, expected);
    assert!(matches!(&facts.names[0], AlternativeName::Dns(_)));
    assert!(matches!(&facts.names[1], AlternativeName::Uri(_)));
    assert!(matches!(&facts.names[2], AlternativeName::Other(_)));
}

#[test]
fn a_broken_extension_spoils_the_names_only() {
    let broken = node(0x30, &[node(6, &[0x55, 0x1d, 0x11]), node(4, &[0x30, 9, 0x82, 1])].concat());
    let facts = Made { extensions: vec![broken], ..Made::default() }.facts();
    assert_eq!((&*facts.subject, facts.names.len()), ("CN=leaf", 0));
}

#[test]
fn times_of_both_kinds_and_none() {
    let validity = [node(0x18, b"20491231235959Z"), node(0x18, b"99991231235959Z")];
    let facts = Made { validity, ..Made::default() }.facts();
    assert_eq!((facts.not_before, facts.not_after), (2_524_607_999, 253_402_300_799));
    let validity = [node(0x17, b"991332000000Z"), node(0x17, b"")];
    assert_eq!(read(&Made { validity, ..Made::default() }.der()), None);
}

/// The entry of a fuzzer, on some thousand damaged certificates: it gives facts or nothing, and never panics.
#[test]
fn damage_gives_facts_or_nothing() {
    let names = [node(0x82, b"a.example"), node(0x87, &[192, 0, 2, 7]), node(0x86, b"spiffe://td/ns/a/sa/b")];
    let whole = Made { extensions: vec![alternative(&names)], ..Made::default() }.der();
    for end in 0..whole.len() {
        assert_eq!(read(&whole[..end]), None, "cut at {end}");
    }
    let mut read_anyway = 0;
    for at in 0..whole.len() {
        for byte in [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff, whole[at] ^ 1, whole[at] ^ 0x20] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            read_anyway += usize::from(read(&damaged).is_some());
        }
    }
    assert!(read_anyway > whole.len(), "{read_anyway}");
}
