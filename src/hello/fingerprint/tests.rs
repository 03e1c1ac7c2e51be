//! The published examples of both fingerprints, and what they leave out.

use super::*;

const RANDOM: [u8; 32] = [7; 32];

fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn list(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A handshake message with these ciphers and extensions.
fn message(ciphers: &[u16], extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let block: Vec<u8> =
        extensions.iter().flat_map(|(kind, body)| [&kind.to_be_bytes(), &*vec16(body)].concat()).collect();
    let body = [&[3, 3], &RANDOM[..], &[0], &vec16(&list(ciphers)), &[1, 0], &vec16(&block)].concat();
    [&[1, 0], &*vec16(&body)].concat()
}

fn hello<'a>(message: &'a [u8], sni: Sni<'a>, alpn: Option<&'a [u8]>, versions: (u16, u16)) -> Hello<'a> {
    Hello {
        message,
        wire_len: message.len() + 5,
        records: 1,
        random: &RANDOM,
        legacy_version: Version(versions.0),
        offered: Version(versions.1),
        session_id: &[],
        sni,
        alpn,
        ech: false,
    }
}

const NAMED: Sni<'static> = Sni::Name { bytes: b"a.example", more: false };

#[test]
fn ja3_of_its_published_example() {
    let extensions =
        [(SERVER_NAME, vec![]), (GROUPS, vec16(&list(&[23, 24, 25]))), (POINT_FORMATS, vec![1, 0])];
    let ciphers = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4];
    let message = message(&ciphers, &extensions);
    let found = fingerprints(&hello(&message, NAMED, None, (0x0301, 0x0301)), 't');
    assert_eq!(found.ja3, "ada70206e40642a3e4461f35503241d5");
}

/// Chrome's hello of the JA4 description, its lists in another order and with GREASE among them.
#[test]
fn ja4_of_its_published_example() {
    let ciphers = [
        0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
        0x009c, 0x009d, 0x002f, 0x0035,
    ];
    let signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
    let kinds = [
        0x5a5a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
        0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
    ];
    let body = |kind| if kind == SIGNATURE_ALGORITHMS { vec16(&list(&signatures)) } else { vec![] };
    let extensions: Vec<_> = kinds.into_iter().map(|kind| (kind, body(kind))).collect();
    let message = message(&ciphers, &extensions);
    let alpn = Some(&b"\x02h2\x08http/1.1"[..]);
    let named = hello(&message, NAMED, alpn, (0x0303, 0x0304));
    let ja4 = fingerprints(&named, 't').ja4;
    assert_eq!(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    let nameless = hello(&message, Sni::Absent, None, (0x0303, 0x0304));
    assert_eq!(fingerprints(&nameless, 'q').ja4, "q13i151600_8daaf6152771_e5627efa2ab1");
}

#[test]
fn empty_lists_are_zeros() {
    let bare = [&[1, 0, 0, 41, 3, 1], &RANDOM[..], &[0, 0, 2, 0x0a, 0x0a, 1, 0]].concat();
    let found = fingerprints(&hello(&bare, Sni::Absent, None, (0x0301, 0x0301)), 't');
    assert_eq!(found.ja4, "t10i000000_000000000000_000000000000");
    assert_eq!(found.ja3, hex(&Md5::digest("769,,,,")));
}

#[test]
fn odd_protocols_are_told_by_their_hexadecimal_form() {
    let ends = |list: &[u8]| {
        let mut text = String::new();
        alpn(&mut text, Some(list));
        text
    };
    assert_eq!(ends(b"\x02h2"), "h2");
    assert_eq!(ends(b"\x01x"), "xx");
    assert_eq!(ends(b"\x02\xab\xcd"), "ad");
    assert_eq!(ends(b"\x03a-\x01"), "61");
    assert_eq!(ends(b""), "00");
}

#[test]
fn cut_lists_never_panic() {
    let whole = message(&[1, 2], &[(GROUPS, vec16(&list(&[23]))), (POINT_FORMATS, vec![1, 0])]);
    for end in 0..whole.len() {
        let cut = hello(&whole[..end], NAMED, None, (0x0303, 0x0303));
        assert_eq!(fingerprints(&cut, 't').ja3.len(), 32);
    }
}

#[test]
fn ja3s_of_a_well_known_server_and_of_odd_layouts() {
    let answer = |version: u16, cipher: u16, extensions: Option<&[u16]>| {
        let block = extensions.map(|kinds| {
            vec16(&kinds.iter().flat_map(|kind| [kind.to_be_bytes(), [0, 0]].concat()).collect::<Vec<_>>())
        });
        let draft = is_early_draft(Version(version));
        let (session, compression): (&[u8], &[u8]) = if draft { (&[], &[]) } else { (&[2, 9, 9], &[0]) };
        [&version.to_be_bytes(), &RANDOM[..], session, &cipher.to_be_bytes(), compression]
            .into_iter()
            .chain(block.as_deref())
            .flatten()
            .copied()
            .collect::<Vec<u8>>()
    };
    let known = answer(0x0303, 49200, Some(&[65281, 11, 35]));
    assert_eq!(ja3s(&known).as_deref(), Some("e35df3e00ca4ef31d42b34bebaa2f86e"));
    for (body, text) in [
        (answer(0x0303, 49200, None), "771,49200,"),
        (answer(0x0303, 49200, Some(&[])), "771,49200,"),
        (answer(0x7f12, 0x1301, Some(&[40])), "32530,4865,40"),
        (answer(0x0303, 49200, Some(&[0x0a0a])), "771,49200,2570"),
    ] {
        assert_eq!(ja3s(&body), Some(hex(&Md5::digest(text))), "{text}");
    }
    assert_eq!((ja3s(&known[..38]), ja3s(&[])), (None, None));
}
