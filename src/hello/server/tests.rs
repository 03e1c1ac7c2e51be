use super::*;
use crate::hello::testing::{extension, server_hello, vec8, vec16};

fn hello(body: &[u8]) -> ServerHello {
    match read(body) {
        Some(Answer::Hello(hello)) => hello,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tls_13() {
    let extensions = [
        extension(43, &[3, 4]),
        extension(51, &[&[0x11, 0xec], &vec16(&[9; 1120])[..]].concat()),
        extension(41, &[0, 0]),
    ]
    .concat();
    let hello = hello(&server_hello(&[1; 32], 0x1302, &extensions));
    assert_eq!(hello.version, Version::TLS13);
    assert_eq!((hello.cipher, hello.cipher_name), (0x1302, Some("TLS_AES_256_GCM_SHA384")));
    assert_eq!(hello.curve, Some("X25519MLKEM768"));
    assert_eq!(hello.session_id.as_bytes(), b"sess");
    assert!(hello.psk);
    assert_eq!(hello.alpn, None);
}

#[test]
fn tls_12() {
    let extensions = [extension(16, &vec16(&vec8(b"h2"))), extension(51, &[0, 29]), extension(41, &[0, 0])];
    let hello = hello(&server_hello(&[1; 32], 0xc02f, &extensions.concat()));
    assert_eq!(hello.version, Version::TLS12);
    assert_eq!(hello.cipher_name, Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
    assert_eq!(hello.alpn.as_deref(), Some(&b"h2"[..]));
    assert_eq!((hello.curve, hello.psk), (None, false), "1.3's extensions mean nothing here");
}

#[test]
fn alpn_must_be_one_name() {
    let alpn = |list: &[u8]| {
        hello(&server_hello(&[1; 32], 0xc02f, &extension(16, &vec16(list)))).alpn.map(|name| name.to_vec())
    };
    assert_eq!(alpn(b"\x02h2"), Some(b"h2".to_vec()));
    assert_eq!(alpn(b"\x02h2\x02h3"), None);
    assert_eq!(alpn(b"\x03h2"), None);
}

#[test]
fn no_extensions_and_a_contradictory_block() {
    let whole = server_hello(&[1; 32], 5, &extension(16, &vec16(b"\x02h2")));
    let bare = whole.len() - 2 - 9;
    assert_eq!(hello(&whole[..bare]).version, Version::TLS12);
    let mut past = whole.clone();
    past[bare + 1] += 1;
    assert_eq!(hello(&past), hello(&whole));
}

#[test]
fn unknown_cipher_and_group() {
    let extensions = [extension(43, &[3, 4]), extension(51, &[0x3a, 0x3a, 0, 0])].concat();
    let hello = hello(&server_hello(&[1; 32], 0xfafa, &extensions));
    assert_eq!((hello.cipher, hello.cipher_name, hello.curve), (0xfafa, None, None));
}

#[test]
fn hello_retry_request() {
    let body = server_hello(&RETRY_RANDOM, 0x1301, &extension(51, &[0, 23]));
    assert_eq!(read(&body), Some(Answer::Retry));
}

#[test]
fn early_draft_has_neither_session_id_nor_compression() {
    for draft in [0x0e, 0x10, 0x12, 0x15] {
        let mut body = vec![0x7f, draft];
        body.extend([1; 32]);
        body.extend([0x13, 0x01]);
        body.extend(vec16(&extension(40, &[&[0, 29], &vec16(&[9; 32])[..]].concat())));
        let hello = hello(&body);
        assert_eq!(hello.version, Version(0x7f00 | u16::from(draft)));
        assert_eq!((hello.cipher, hello.curve), (0x1301, Some("x25519")));
        assert!(hello.session_id.is_empty());
    }
}

#[test]
fn late_draft_has_the_layout_of_1_3() {
    let extensions = [extension(43, &[0x7f, 0x1c]), extension(51, &[0, 29, 0, 0])].concat();
    let hello = hello(&server_hello(&[1; 32], 0x1301, &extensions));
    assert_eq!((hello.version, hello.curve), (Version(0x7f1c), Some("x25519")));
}

#[test]
fn broken_fixed_part_is_refused() {
    let body = server_hello(&[1; 32], 0x1301, &[]);
    for len in 0..body.len() - 2 {
        assert_eq!(read(&body[..len]), None, "cut at {len}");
    }
    let mut other_major = body.clone();
    other_major[0] = 0xfe;
    assert_eq!(read(&other_major), None);
    let mut long_session = body;
    long_session[34] = 33;
    long_session.extend([0; 40]);
    assert_eq!(read(&long_session), None);
}
