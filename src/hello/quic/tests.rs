use super::*;

fn datagram(first: u8, version: u32, len: usize) -> Vec<u8> {
    let mut bytes = [&[first][..], &version.to_be_bytes(), &[8], b"original", &[0, 0]].concat();
    let body = u16::try_from(len - bytes.len() - 2).unwrap();
    bytes.extend((0x4000 | body).to_be_bytes());
    bytes.resize(len, 7);
    bytes
}

#[test]
fn only_what_may_open_a_connection_is_accepted() {
    let yes = |payload: &[u8]| Quic.probe(payload) == Probe::Yes;
    assert!(yes(&datagram(0xc0, 1, 1200)));
    assert!(yes(&datagram(0xc0, 1, 300)), "the tag tells");
    assert!(yes(&datagram(0xd0, 0x6b33_43cf, 1200)));
    assert!(!yes(&datagram(0xe0, 1, 1200)), "a Handshake packet");
    assert!(!yes(&datagram(0x40, 1, 1200)), "a short header");
    assert!(yes(&datagram(0xc0, 0x1a2a_3a4a, 1200)));
    assert!(!yes(&datagram(0xc0, 0x1a2a_3a4a, 1199)), "an unknown version must have all the looks");
    assert!(!yes(&datagram(0xd0, 0x1a2a_3a4a, 1200)));
    assert!(!yes(&datagram(0xc0, version::NUMBER_Q050, 1200)), "that is another row's");
    assert!(!yes(b"") && !yes(&[0xc0]));
}

#[test]
fn a_tag_is_of_version_and_first_id() {
    let one = datagram(0xc0, 1, 1200);
    let mut other_id = one.clone();
    other_id[6] ^= 1;
    let mut other_body = one.clone();
    other_body[900] ^= 1;
    assert_eq!(Quic.tag(&one), Quic.tag(&other_body));
    assert_ne!(Quic.tag(&one), Quic.tag(&other_id));
    assert_ne!(Quic.tag(&one), Quic.tag(&datagram(0xc0, 2, 1200)));
    assert_eq!(tag(b"no packet"), 0);
}

#[test]
fn what_does_not_open_is_not_mine() {
    let bytes = datagram(0xc0, 1, 1200);
    let mut reader = Quic.reader();
    let mut scratch = Vec::new();
    let mut payload =
        crate::hello::datagram::Datagram { bytes: &bytes, missing: 0, forth: true, alone: true };
    let said = reader.next(&mut payload, &mut scratch);
    assert!(matches!(said, Some(crate::hello::datagram::Said::NotMine)));
    assert!(
        reader
            .next(&mut payload, &mut scratch)
            .is_some_and(|said| matches!(said, crate::hello::datagram::Said::NotMine))
    );
    assert_eq!((reader.held(), reader.tag()), (0, 0));
}
