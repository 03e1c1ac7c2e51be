use proptest::prelude::*;

use super::*;
use crate::hello::server::{self, RETRY_RANDOM};
use crate::hello::testing::{Builder, RANDOM, extension, message, record, records, server_hello};
use crate::model::digest::digest;
use crate::model::hello::Version;

const CHANGE: [u8; 6] = [20, 3, 3, 0, 1, 1];

/// All that is said, fed in chunks of `size` bytes.
fn said_in(stream: &[u8], size: usize) -> Vec<Said> {
    let mut flight = Flight::new();
    let mut all = Vec::new();
    for mut chunk in stream.chunks(size) {
        while let Some(said) = flight.next(&mut chunk) {
            all.push(said);
        }
        assert!(chunk.is_empty());
    }
    all
}

/// The same however the stream is cut.
fn said(parts: &[&[u8]]) -> Vec<Said> {
    let stream = parts.concat();
    let whole = said_in(&stream, stream.len().max(1));
    for size in [1, 2, 3, 5, 7, 64] {
        assert_eq!(said_in(&stream, size), whole, "chunks of {size}");
    }
    whole
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    record(22, &message(kind, body))
}

fn hello_12() -> Vec<u8> {
    server_hello(&[1; 32], 0xc02f, &extension(16, &[0, 3, 2, b'h', b'2']))
}

fn hello_13() -> Vec<u8> {
    server_hello(&[1; 32], 0x1301, &extension(43, &[3, 4]))
}

fn retry() -> Vec<u8> {
    handshake(2, &server_hello(&RETRY_RANDOM, 0x1301, &extension(43, &[3, 4])))
}

fn server(body: &[u8]) -> Said {
    match server::read(body) {
        Some(Answer::Hello(hello)) => Said::ServerHello(hello),
        other => panic!("{other:?}"),
    }
}

fn again(builder: &Builder, records: u16) -> Said {
    let bytes = u32::try_from(builder.message().len()).unwrap();
    Said::ClientHello(Again {
        random: RANDOM,
        offered: Version::TLS13,
        alpn: Some(b"\x02h2".as_slice().into()),
        bytes,
        records,
        digest: digest(&builder.body()),
        ech: true,
    })
}

fn second_hello() -> Builder {
    Builder::new().sni("a.example").alpn(&["h2"]).versions(&[0x0304]).extension(0xfe0d, &[0])
}

fn alert(level: u8, code: u8, name: &'static str) -> Said {
    Said::Alert(Alert { level, code, name })
}

#[test]
fn is_small() {
    assert!(size_of::<Flight>() < 128, "{}", size_of::<Flight>());
}

#[test]
fn tls_12_server() {
    let said = said(&[
        &handshake(2, &hello_12()),
        &handshake(11, &[9; 3000]),
        &handshake(14, &[]),
        &handshake(4, &[9; 200]),
        &CHANGE,
        &record(22, &[0xaa; 40]),
        &record(23, &[0xbb; 100]),
        &record(21, &[0xcc; 26]),
    ]);
    let expected = [
        server(&hello_12()),
        Said::Handshake(11),
        Said::Handshake(14),
        Said::Handshake(4),
        Said::ChangeCipherSpec,
        Said::Encrypted,
        Said::Encrypted,
        Said::Encrypted,
    ];
    assert_eq!(said, expected);
}

#[test]
fn tls_12_client() {
    let said = said(&[&handshake(16, &[9; 66]), &CHANGE, &record(22, &[0; 40])]);
    assert_eq!(said, [Said::Handshake(16), Said::ChangeCipherSpec, Said::Encrypted]);
}

#[test]
fn tls_13_server() {
    let said = said(&[&handshake(2, &hello_13()), &CHANGE, &record(23, &[9; 50])]);
    assert_eq!(said, [server(&hello_13()), Said::ChangeCipherSpec, Said::Encrypted]);
}

#[test]
fn several_messages_in_one_record_and_over_many() {
    let flight =
        [message(2, &hello_12()), message(11, &[9; 500]), message(12, &[9; 80]), message(14, &[])].concat();
    let expected = [server(&hello_12()), Said::Handshake(11), Said::Handshake(12), Said::Handshake(14)];
    assert_eq!(said(&[&record(22, &flight)]), expected);
    for size in [1, 3, 50, 90] {
        assert_eq!(said(&[&records(&flight, &vec![size; flight.len()])]), expected, "records of {size}");
    }
    assert_eq!(said(&[&record(22, &[]), &record(22, &flight)]), expected, "empty record");
}

#[test]
fn retry_then_compatibility_change_then_hello() {
    let said = said(&[&retry(), &CHANGE, &handshake(2, &hello_13()), &record(23, &[9; 50])]);
    assert_eq!(said, [Said::HelloRetry, Said::ChangeCipherSpec, server(&hello_13()), Said::Encrypted]);
}

#[test]
fn retry_of_old_drafts() {
    let said = said(&[&handshake(6, &[0x7f, 0x12, 0, 0]), &handshake(2, &hello_13())]);
    assert_eq!(said, [Said::HelloRetry, server(&hello_13())]);
}

#[test]
fn alert_after_retry_is_in_clear() {
    let said = said(&[&retry(), &CHANGE, &record(21, &[2, 47])]);
    assert_eq!(said, [Said::HelloRetry, Said::ChangeCipherSpec, alert(2, 47, "illegal_parameter")]);
}

#[test]
fn second_hello_with_and_without_change() {
    let hello = second_hello();
    let data = record(23, &[9; 30]);
    assert_eq!(said(&[&hello.records(&[]), &data]), [again(&hello, 1), Said::Encrypted]);
    let changed = said(&[&CHANGE, &hello.records(&[]), &data]);
    assert_eq!(changed, [Said::ChangeCipherSpec, again(&hello, 1), Said::Encrypted]);
    let early = said(&[&CHANGE, &data, &hello.records(&[]), &data]);
    assert_eq!(early, [Said::ChangeCipherSpec, Said::Encrypted, again(&hello, 1), Said::Encrypted]);
}

#[test]
fn second_hello_over_records() {
    let hello = second_hello();
    assert_eq!(said(&[&hello.records(&[2, 40])]), [again(&hello, 3)]);
    let changed = said(&[&CHANGE, &hello.records(&[6, 40, 9]), &record(23, &[9; 30])]);
    assert_eq!(changed, [Said::ChangeCipherSpec, again(&hello, 4), Said::Encrypted]);
}

#[test]
fn encrypted_records_are_not_taken_for_a_second_hello() {
    let body = second_hello().message();
    let with = |at: usize, byte: u8| {
        let mut body = body.clone();
        body[at] = byte;
        said(&[&CHANGE, &record(22, &body), &record(23, &[1])])
    };
    let encrypted = [Said::ChangeCipherSpec, Said::Encrypted, Said::Encrypted];
    assert_eq!(with(0, 2), encrypted, "type");
    assert_eq!(with(1, 3), encrypted, "too large");
    assert_eq!(with(3, body[3] - 1), encrypted, "shorter than the record");
    assert_eq!(with(4, 0xfe), encrypted, "major version");
    assert_eq!(with(5, 5), encrypted, "minor version");
    assert_eq!(with(38, 33), encrypted, "session id");
    let short = said(&[&CHANGE, &record(22, &body[..5]), &record(23, &[1])]);
    assert_eq!(short, encrypted);
}

#[test]
fn alerts() {
    assert_eq!(said(&[&record(21, &[2, 48])]), [alert(2, 48, "unknown_ca")]);
    assert_eq!(said(&[&record(21, &[1, 0])]), [alert(1, 0, "close_notify")]);
    assert_eq!(said(&[&record(21, &[2, 200])]), [alert(2, 200, "unknown")]);
    let warned = said(&[&record(21, &[1, 112]), &handshake(2, &hello_12())]);
    assert_eq!(warned, [alert(1, 112, "unrecognized_name"), server(&hello_12())]);
    let between = [&message(11, &[9; 90])[..40], &[]].concat();
    let between = said(&[&record(22, &between), &record(21, &[2, 80])]);
    assert_eq!(between, [Said::Handshake(11), alert(2, 80, "internal_error")]);
}

#[test]
fn two_byte_alert_after_change_is_in_clear() {
    let said = said(&[&CHANGE, &record(21, &[2, 50]), &record(21, &[9; 19])]);
    assert_eq!(said, [Said::ChangeCipherSpec, alert(2, 50, "decode_error"), Said::Encrypted]);
}

#[test]
fn what_is_not_tls_ends_it() {
    let hello = handshake(2, &hello_12());
    for bad in [
        b"HTTP/1.1 400 Bad".to_vec(),
        record(21, &[3, 40]),
        record(21, &[2, 40, 0]),
        record(21, &[]),
        record(20, &[2]),
        record(20, &[1, 1]),
        record(25, &[1]),
        [22, 2, 0, 0, 1, 0].to_vec(),
        [22, 3, 3, 0x48, 1, 0].to_vec(),
        handshake(2, &[]),
        handshake(2, &hello_12()[..30]),
        record(22, &[2, 0, 0x40, 1]),
        record(22, &[1, 2, 0, 0]),
        handshake(1, &[3, 3, 0]),
    ] {
        assert_eq!(said(&[&bad, &hello, &hello]), [Said::NotTls], "{bad:?}");
    }
}

#[test]
fn server_hello_up_to_its_cap() {
    let mut body = hello_13();
    body.resize(16 * 1024, 0);
    assert_eq!(said(&[&records(&message(2, &body), &[])]), [server(&body)]);
}

#[test]
fn early_data_then_nothing_in_clear() {
    assert_eq!(said(&[&record(23, &[]), &record(24, &[1; 19])]), [Said::Encrypted, Said::Encrypted]);
    assert_eq!(said(&[&record(24, &[1; 19]), &record(21, &[1, 0])]), [alert(1, 0, "close_notify")]);
    let changed = said(&[&CHANGE, &record(20, &[7; 17]), &record(22, &[])]);
    assert_eq!(changed, [Said::ChangeCipherSpec, Said::Encrypted, Said::Encrypted]);
}

#[test]
fn change_drops_a_partial_message() {
    let part = &message(2, &hello_12())[..20];
    let said = said(&[&record(22, part), &CHANGE, &record(22, &[9; 40])]);
    assert_eq!(said, [Said::ChangeCipherSpec, Said::Encrypted]);
}

#[test]
fn nothing_is_said_of_a_partial_hello() {
    let stream = handshake(2, &hello_12());
    for len in 0..stream.len() {
        assert_eq!(said_in(&stream[..len], 16), [], "cut at {len}");
    }
}

/// A record of any kind, or bytes of none.
fn any_record() -> impl Strategy<Value = Vec<u8>> {
    let hello = second_hello();
    prop_oneof![
        Just(CHANGE.to_vec()),
        Just(retry()),
        Just(handshake(2, &hello_13())),
        Just(hello.records(&[3, 20])),
        Just(record(21, &[2, 40])),
        (20..25_u8, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(kind, body)| record(kind, &body)),
        (0..30_u8, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(kind, body)| handshake(kind, &body)),
        prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_same_however_it_is_cut(parts in prop::collection::vec(any_record(), 0..8), cuts in prop::collection::vec(1..40_usize, 1..30)) {
        let stream = parts.concat();
        let whole = said_in(&stream, stream.len().max(1));
        let (mut flight, mut rest, mut all) = (Flight::new(), &stream[..], Vec::new());
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (mut chunk, after) = rest.split_at((*size).min(rest.len()));
            rest = after;
            while let Some(said) = flight.next(&mut chunk) {
                all.push(said);
            }
            prop_assert!(chunk.is_empty());
        }
        prop_assert_eq!(all, whole);
    }
}
