use super::header::{Header, Kind};
use super::*;

fn padded(start: &[u8]) -> Vec<u8> {
    let mut bytes = start.to_vec();
    bytes.resize(1200, 0);
    bytes
}

const ID: &[u8; 8] = b"eight id";

#[test]
fn only_what_may_open_a_connection_is_accepted() {
    let yes = |start: &[u8]| Gquic.probe(&padded(start)) == Probe::Yes;
    assert!(yes(&[&[0x09][..], ID, b"Q043", &[1]].concat()));
    assert!(yes(&[&[0x0d][..], ID, b"Q024", &[1]].concat()));
    assert!(yes(&[&[0xc3][..], b"Q046", &[0x50], ID].concat()));
    assert!(yes(&[&[0xc3][..], b"Q050", &[8], ID].concat()), "sealed");
    assert!(!yes(&[&[0x08][..], ID, b"Q043", &[1]].concat()), "no version flag");
    assert!(!yes(&[&[0x0b][..], ID, b"Q043", &[1]].concat()), "a reset");
    assert!(!yes(&[&[0x09][..], ID, b"R043", &[1]].concat()));
    assert!(!yes(&[&[0xc3][..], b"Q043", &[0x50], ID].concat()), "version 43 has no long header");
    assert!(!yes(&[&[0xc3][..], &[0, 0, 0, 1], &[8], ID].concat()), "that is another row's");
    assert_eq!(Gquic.probe(&[&[0x09][..], ID, b"Q043", &[1]].concat()), Probe::No, "too short for a CHLO");
    assert_eq!(Gquic.probe(b""), Probe::No);
}

#[test]
fn a_tag_is_of_the_connections_id() {
    let one = padded(&[&[0x09][..], ID, b"Q043", &[1]].concat());
    let again = padded(&[&[0x09][..], ID, b"Q043", &[2]].concat());
    let other = padded(&[&[0x09][..], b"eight ID", b"Q043", &[1]].concat());
    assert_eq!(Gquic.tag(&one), Gquic.tag(&again));
    assert_ne!(Gquic.tag(&one), Gquic.tag(&other));
}

#[test]
fn headers_of_both_sides() {
    let read = |bytes: &[u8], from_client| Header::read(bytes, from_client).unwrap();
    let client = read(&[&[0x19][..], ID, b"Q039", &[1, 2]].concat(), true);
    assert_eq!((client.kind, client.version, client.id, client.len), (Kind::Plain, Some(39), Some(*ID), 15));
    let server = read(&[&[0x08][..], ID, &[1]].concat(), false);
    assert_eq!((server.kind, server.version, server.id, server.len), (Kind::Plain, None, Some(*ID), 10));
    assert_eq!(read(&[0x00, 1], false).id, None, "an id that was left out");
    assert_eq!(read(&[&[0x0c][..], ID, &[1]].concat(), false).kind, Kind::Encrypted, "with a nonce");
    assert_eq!(read(&[&[0x0a][..], ID].concat(), false).kind, Kind::Reset);
    assert_eq!(read(&[&[0x09][..], ID, b"Q039"].concat(), false).kind, Kind::Negotiation);
    assert_eq!(read(&[&[0xc3][..], b"Q046", &[5], ID, &[0, 0, 0, 1]].concat(), false).kind, Kind::Plain);
    assert_eq!(read(&[&[0xd3][..], b"Q046", &[5], ID, &[0, 0, 0, 1]].concat(), false).kind, Kind::Encrypted);
    assert_eq!(read(&[&[0x40][..], ID].concat(), true).id, Some(*ID));
    assert!(Header::read(&[0x09, 1, 2], true).is_none() && Header::read(&[], true).is_none());
}
