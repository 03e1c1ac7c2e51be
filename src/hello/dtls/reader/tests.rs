use super::*;
use crate::hello::datagram::DatagramProtocol;
use crate::hello::dtls::Dtls;
use crate::hello::dtls::testing::{fragment, hello, named, part, record, sealed, whole};
use crate::hello::protocol::Probe;
use crate::hello::server::RETRY_RANDOM;
use crate::hello::testing::{Builder, extension, server_hello, vec8};
use crate::model::hello::Sni;

/// Gives a reader datagrams, and puts what it says into words.
#[derive(Default)]
struct Ear {
    reader: DtlsReader,
    missing: u32,
}

impl Ear {
    fn hear(&mut self, forth: bool, payload: &[u8]) -> String {
        let mut datagram =
            Datagram { bytes: payload, missing: std::mem::take(&mut self.missing), forth, alone: true };
        let mut words = Vec::new();
        let mut scratch = Vec::new();
        while let Some(said) = self.reader.next(&mut datagram, &mut scratch) {
            words.push(word(&said));
            assert!(words.len() < 100, "it never ends: {words:?}");
            if matches!(said, Said::NotMine) {
                assert_eq!(words.len(), 1, "the only thing said");
                break;
            }
        }
        words.join(" ")
    }

    /// What is said to a datagram of the client.
    fn client(&mut self, payload: &[u8]) -> String {
        self.hear(true, payload)
    }

    fn server(&mut self, payload: &[u8]) -> String {
        self.hear(false, payload)
    }

    /// After a hello of [`named`] with seed 1.
    fn after_hello() -> Self {
        let mut ear = Self::default();
        assert_eq!(ear.client(&whole(1, 0, &named(1, b""))), "hello");
        ear
    }
}

fn word(said: &Said<'_>) -> String {
    match said {
        Said::NotMine => "not-mine".to_owned(),
        Said::Part { first } => if *first { "first" } else { "part" }.to_owned(),
        Said::ClientHello(_) => "hello".to_owned(),
        Said::Again => "again".to_owned(),
        Said::Retry(Retry::Hello) => "retry".to_owned(),
        Said::ServerHello(hello) => format!("server:{:04x}", hello.version.0),
        Said::Alert(alert) => format!("alert:{}:{}", alert.level, alert.name),
        Said::Closed => "closed".to_owned(),
        Said::Handshake(kind) => format!("message:{kind}"),
        Said::Encrypted => "encrypted".to_owned(),
        Said::Certificate(leaf) => format!("{leaf:?}"),
        Said::Passed(skip) => format!("{skip:?}"),
        other => panic!("{other:?}"),
    }
}

/// A ServerHello's body; with extensions.
fn answer(version: u16, random: &[u8; 32], extensions: &[u8]) -> Vec<u8> {
    let mut body = server_hello(random, 0xc02b, extensions);
    body[..2].copy_from_slice(&version.to_be_bytes());
    body
}

fn verify() -> Vec<u8> {
    whole(3, 0, &[&[0xfe, 0xff], &vec8(b"cookie")[..]].concat())
}

#[test]
fn a_hello_in_one_record() {
    let body = named(1, b"");
    let payload = whole(1, 0, &body);
    assert_eq!(Dtls.probe(&payload), Probe::Yes);
    let mut reader = DtlsReader::default();
    let mut scratch = Vec::new();
    let mut datagram = Datagram { bytes: &payload, missing: 0, forth: true, alone: true };
    let Some(Said::ClientHello(hello)) = reader.next(&mut datagram, &mut scratch) else { panic!("no hello") };
    assert_eq!(hello.message, [&[1, 0, 0, u8::try_from(body.len()).unwrap()], &body[..]].concat());
    assert_eq!((hello.records, hello.wire_len), (1, payload.len()));
    assert_eq!(
        (hello.random, hello.legacy_version, hello.offered),
        (&[1; 32], Version(0xfefd), Version(0xfefd))
    );
    assert_eq!(hello.sni, Sni::Name { bytes: b"a.example", more: false });
    assert_eq!(hello.alpn, Some(&b"\x04coap"[..]));
    assert!(reader.next(&mut datagram, &mut scratch).is_none());
    assert_eq!((reader.held(), reader.conflict()), (body.len() + 4, false));
}

#[test]
fn every_version_opens_a_connection() {
    let builder = || Builder::new().sni("a.example");
    for (record_version, version, versions, offered) in [
        (0x0100_u16, 0x0100_u16, &[][..], 0x0100),
        (0xfeff, 0xfeff, &[], 0xfeff),
        (0xfeff, 0xfefd, &[], 0xfefd),
        (0xfefd, 0xfefd, &[], 0xfefd),
        (0xfefd, 0xfefd, &[0x2a2a, 0xfefd, 0xfefc], 0xfefc),
        (0xfeff, 0xfefd, &[0xfefc], 0xfefc),
        (0xfefd, 0xfefd, &[0x0304], 0xfefd),
        (0xfefd, 0xfefd, &[0xfeff, 0xfefd], 0xfefd),
    ] {
        let mut made = builder().version(version);
        if !versions.is_empty() {
            made = made.versions(versions);
        }
        let mut payload = whole(1, 0, &hello(&made, 1, b""));
        payload[1..3].copy_from_slice(&record_version.to_be_bytes());
        assert_eq!(Dtls.probe(&payload), Probe::Yes, "{record_version:04x}");
        let mut reader = DtlsReader::default();
        let mut datagram = Datagram { bytes: &payload, missing: 0, forth: true, alone: true };
        let mut scratch = Vec::new();
        let Some(Said::ClientHello(hello)) = reader.next(&mut datagram, &mut scratch) else {
            panic!("no hello")
        };
        assert_eq!(hello.offered, Version(offered), "{record_version:04x} {version:04x} {versions:04x?}");
    }
}

#[test]
fn what_is_not_a_hello_of_dtls_opens_nothing() {
    let body = named(1, b"");
    let tls = Builder::new().sni("a.example").records(&[]);
    let odd = |at: usize, byte: u8| {
        let mut payload = whole(1, 0, &body);
        payload[at] = byte;
        payload
    };
    for (name, payload) in [
        ("nothing", vec![]),
        ("TLS", tls),
        ("a server's message", whole(2, 0, &body)),
        ("an encrypted record", sealed(22, 1, &body)),
        ("a message over the cap", odd(14, 2)),
        ("a fragment past the message", odd(21, 1)),
        ("application data", record(23, &body)),
        ("STUN", [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42], &[7; 40][..]].concat()),
        ("RTP", [&[0x80, 96], &[7; 40][..]].concat()),
    ] {
        assert_eq!(Dtls.probe(&payload), Probe::No, "{name}");
    }
    let long_id = Builder::new().version(0xfefd).session_id(&[7; 33]);
    for (name, payload, words) in [
        ("a record past its datagram", whole(1, 0, &body)[..60].to_vec(), "not-mine"),
        ("a TLS hello in a DTLS record", whole(1, 0, &Builder::new().body()), "BadHello"),
        ("a session id too long", whole(1, 0, &hello(&long_id, 1, b"")), "BadHello"),
    ] {
        let mut ear = Ear::default();
        assert_eq!(ear.client(&payload), words, "{name}");
        assert_eq!(ear.client(&whole(1, 0, &body)), "hello", "the reader stayed as it was");
    }
}

#[test]
fn fragments_in_any_order_over_datagrams_and_records() {
    let body = named(1, b"");
    let piece = |from, to| part(1, 0, &body, from, to);
    let end = body.len();
    for (name, datagrams, words) in [
        ("in order", vec![piece(0, 40), piece(40, end)], "first|hello"),
        ("backwards", vec![piece(40, end), piece(0, 40)], "part|hello"),
        ("in one datagram", vec![[piece(0, 40), piece(40, end)].concat()], "first hello"),
        (
            "in one record",
            vec![record(
                22,
                &[fragment(1, 0, end, 30, &body[30..]), fragment(1, 0, end, 0, &body[..30])].concat(),
            )],
            "part hello",
        ),
        ("overlapping", vec![piece(0, 40), piece(20, 60), piece(50, end)], "first|part|hello"),
        (
            "repeated",
            vec![piece(0, 40), piece(0, 40), piece(40, end), piece(40, end)],
            "first|again|hello|again",
        ),
        ("the random in pieces", vec![piece(0, 9), piece(20, end), piece(9, 20)], "first|part|hello"),
        ("an empty one", vec![piece(0, 40), piece(40, 40), piece(40, end)], "first||hello"),
    ] {
        let mut ear = Ear::default();
        let said: Vec<String> = datagrams.iter().map(|datagram| ear.client(datagram)).collect();
        assert_eq!(said.join("|"), words, "{name}");
        assert_eq!(ear.reader.hellos.get(0).unwrap().body(), body, "{name}");
    }
}

#[test]
fn two_messages_may_be_under_way_at_a_time() {
    let (first, second) = (named(1, b""), named(1, b"cookie"));
    let mut ear = Ear::default();
    assert_eq!(ear.client(&part(1, 1, &second, 0, 50)), "first");
    assert_eq!(ear.client(&part(1, 0, &first, 0, 50)), "first");
    assert_eq!(ear.client(&part(1, 1, &second, 50, second.len())), "hello");
    assert_eq!(ear.client(&part(1, 0, &first, 50, first.len())), "hello", "told again, by its random");
}

#[test]
fn the_cookie_exchange_is_one_connection() {
    for (first, second) in [(named(1, b""), named(1, b"cookie")), (named(1, b""), named(2, b"cookie"))] {
        let mut ear = Ear::default();
        assert_eq!(ear.client(&whole(1, 0, &first)), "hello");
        assert_eq!(ear.server(&verify()), "retry");
        assert_eq!(ear.server(&verify()), "", "captured twice");
        assert_eq!(ear.client(&part(1, 1, &second, 0, 50)), "first");
        assert_eq!(ear.client(&part(1, 1, &second, 50, second.len())), "hello");
        assert_eq!(ear.client(&whole(1, 0, &first)), "again");
        assert_eq!(ear.client(&part(1, 0, &first, 50, first.len())), "again");
        assert_eq!(ear.server(&whole(2, 1, &answer(0xfefd, &[9; 32], &[]))), "server:fefd");
        assert!(Dtls.repeats(&whole(1, 1, &second), ear.reader.tag()));
    }
}

#[test]
fn a_second_hello_tells_of_a_retry_that_was_not_captured() {
    let mut ear = Ear::after_hello();
    let second = named(1, b"cookie");
    assert_eq!(ear.client(&part(1, 1, &second, 0, 50)), "retry first");
    assert_eq!(ear.client(&part(1, 1, &second, 50, second.len())), "hello");
    assert_eq!(ear.server(&verify()), "retry", "late");
}

#[test]
fn hello_retry_request_of_dtls_13() {
    let offer = |cookie: &[u8]| {
        let versions = Builder::new().version(0xfefd).sni("a.example").versions(&[0xfefc, 0xfefd]);
        hello(&versions.extension(44, &[&[0, 2], cookie].concat()), 1, b"")
    };
    let versions = extension(43, &[0xfe, 0xfc]);
    let mut ear = Ear::default();
    assert_eq!(ear.client(&whole(1, 0, &offer(b"no"))), "hello");
    let retry = whole(2, 0, &answer(0xfefd, &RETRY_RANDOM, &versions));
    assert_eq!(ear.server(&retry), "retry");
    assert_eq!(ear.server(&retry), "");
    assert_eq!(ear.client(&whole(1, 1, &offer(b"co"))), "hello");
    let unified = |first: u8| [&[first], &[7; 30][..]].concat();
    let flight = [whole(2, 1, &answer(0xfefd, &[9; 32], &versions)), unified(0x2e)].concat();
    assert_eq!(ear.client(&unified(0x2d)), "", "early data");
    assert_eq!(ear.server(&flight), "server:fefc encrypted");
    assert_eq!(ear.client(&unified(0x3e)), "encrypted", "with a connection id");
    assert_eq!(ear.client(&record(26, &[0; 18])), "", "an ACK in clear");
}

#[test]
fn a_server_s_flight_of_dtls_12() {
    let mut ear = Ear::after_hello();
    let hello = answer(0xfefd, &[9; 32], &extension(16, &[0, 3, 2, b'h', b'2']));
    let cut = hello.len() - 10;
    assert_eq!(ear.server(&part(2, 0, &hello, cut, hello.len())), "message:2");
    let rest = [part(2, 0, &hello, 0, cut), part(11, 1, &[5; 900], 0, 300)].concat();
    assert_eq!(ear.server(&rest), "server:fefd message:11");
    assert_eq!(ear.server(&whole(2, 0, &hello)), "", "again");
    let messages = [fragment(12, 2, 3, 0, b"key"), fragment(14, 3, 0, 0, b"")].concat();
    assert_eq!(ear.server(&record(22, &messages)), "message:12 message:14");
    let end = [whole(16, 1, b"key"), record(20, &[1]), sealed(22, 1, &[7; 40])].concat();
    assert_eq!(ear.client(&end), "message:16 encrypted");
    assert_eq!(ear.server(&[record(20, &[1]), sealed(22, 1, &[7; 40])].concat()), "encrypted");
    assert_eq!(ear.client(&sealed(25, 1, b"id and all")), "encrypted", "RFC 9146");
    assert_eq!(ear.client(&[0x2e; 40]), "not-mine", "no unified headers before 1.3");
}

#[test]
fn certificates_and_fingerprints_are_told_where_they_are_wanted() {
    let list = [0, 0, 8, 0, 0, 5, 7, 7, 7, 7, 7];
    let mut ear = Ear::after_hello();
    ear.reader.want(Wanted { certificate: true, fingerprint: true });
    let mut datagram = Datagram {
        bytes: &whole(2, 0, &answer(0xfefd, &[9; 32], &[])),
        missing: 0,
        forth: false,
        alone: true,
    };
    match ear.reader.next(&mut datagram, &mut Vec::new()) {
        Some(Said::ServerHello(hello)) => assert!(hello.ja3s.is_some()),
        other => panic!("{other:?}"),
    }
    assert!(ear.reader.next(&mut datagram, &mut Vec::new()).is_none());
    assert_eq!(ear.server(&part(11, 1, &list, 6, 11)), "message:11");
    assert_eq!(ear.server(&part(11, 1, &list, 0, 6)), "Der([7, 7, 7, 7, 7])");
    assert_eq!(ear.server(&whole(11, 1, &list)), "message:11", "told once");
    assert_eq!(ear.client(&whole(11, 1, &[0, 0, 0])), "Empty");
    let mut ear = Ear::after_hello();
    ear.reader.want(Wanted { certificate: true, fingerprint: false });
    assert_eq!(ear.server(&whole(11, 1, &list[..9])), "Broken");
    let mut ear = Ear::after_hello();
    ear.reader.want(Wanted { certificate: true, fingerprint: false });
    ear.server(&whole(2, 0, &answer(0xfefd, &[9; 32], &extension(43, &[0xfe, 0xfc]))));
    assert_eq!(ear.server(&whole(11, 1, &list)), "message:11", "since 1.3 it is none");
}

#[test]
fn the_server_hello_of_dtls_09() {
    let mut ear = Ear::after_hello();
    let mut payload = [whole(2, 1, &answer(0x0100, &[9; 32], &[])), record(20, &[1, 0, 2])].concat();
    payload[1..3].copy_from_slice(&[1, 0]);
    assert_eq!(ear.server(&payload), "server:0100");
}

#[test]
fn alerts_in_clear() {
    for (body, words) in [
        (&[2, 40][..], "alert:2:handshake_failure"),
        (&[1, 90], "alert:1:user_canceled"),
        (&[1, 0], "closed"),
        (&[3, 40], ""),
        (&[2], ""),
        (&[0; 7], ""),
    ] {
        assert_eq!(Ear::after_hello().server(&record(21, body)), words, "{body:?}");
    }
    assert_eq!(Ear::after_hello().server(&sealed(21, 1, &[7; 26])), "encrypted");
}

#[test]
fn connections_with_the_same_ports_are_told_apart() {
    let (one, other) = (named(1, b""), named(2, b""));
    let mut ear = Ear::after_hello();
    assert_eq!(ear.client(&whole(1, 0, &one)), "again");
    for (name, foreign) in [
        ("another random", whole(1, 0, &other)),
        ("its beginning", part(1, 0, &other, 0, 34)),
        ("another random and number, without a retry", whole(1, 1, &other)),
        ("a part of another message", part(1, 0, &hello(&Builder::new().version(0xfefd), 2, b"x"), 30, 43)),
        ("behind a record of anyone", [sealed(23, 1, &[7; 30]), whole(1, 0, &other)].concat()),
    ] {
        assert_eq!(ear.client(&foreign), "not-mine", "{name}");
    }
    let mut odd = one.clone();
    odd[50] ^= 1;
    assert_eq!(ear.client(&part(1, 0, &odd, 40, one.len())), "not-mine", "the same place, other bytes");
    assert_eq!(ear.client(&part(1, 0, &one, 40, one.len())), "again");
}

#[test]
fn each_side_says_its_own() {
    for (forth, kinds) in [(true, &SERVER_ONLY[..]), (false, &CLIENT_ONLY)] {
        for kind in kinds {
            let mut ear = Ear::after_hello();
            assert_eq!(ear.hear(forth, &whole(*kind, 0, &named(1, b""))), "not-mine", "{kind}");
            let behind = [record(20, &[1]), whole(*kind, 0, b"what")].concat();
            assert_eq!(ear.hear(forth, &behind), "", "{kind}");
        }
    }
}

#[test]
fn other_datagrams_of_the_same_ports_belong_to_nobody() {
    let mut ear = Ear::after_hello();
    for payload in [&b""[..], b"\x00\x01\x00\x00stun", b"\x80\x60rtp", b"\x16\xfe", b"\x2e short"] {
        assert_eq!(ear.client(payload), "not-mine", "{payload:?}");
    }
}

#[test]
fn what_the_snapshot_length_cut_is_a_part() {
    let body = named(1, b"");
    let payload = whole(1, 0, &body);
    for end in 0..payload.len() {
        let mut ear = Ear { missing: u32::try_from(payload.len() - end).unwrap(), ..Ear::default() };
        let header = end >= 25;
        assert_eq!(Dtls.probe(&payload[..end]) == Probe::Yes, header, "cut after {end}");
        if header {
            assert_eq!(ear.client(&payload[..end]), "first", "cut after {end}");
            assert_eq!(ear.client(&payload), "again", "nothing takes the place of what was cut");
        }
    }
    let mut ear = Ear { missing: 3, ..Ear::default() };
    let cut = [payload.clone(), record(22, b"abc")[..13].to_vec()].concat();
    assert_eq!(ear.client(&cut), "hello");
}

#[test]
fn a_contradiction_is_marked_and_the_reading_that_is_a_hello_wins() {
    let body = named(1, b"");
    let mut wrong = body.clone();
    wrong[34] = 0xff; // a session id that is longer than any
    for (first, second) in [(&body, &wrong), (&wrong, &body)] {
        let mut ear = Ear::default();
        assert_eq!(ear.client(&part(1, 0, first, 0, 50)), "first");
        assert_eq!(ear.client(&part(1, 0, second, 0, 50)), "again");
        assert_eq!(ear.client(&part(1, 0, &body, 50, body.len())), "hello");
        assert!(ear.reader.conflict());
        assert_eq!(ear.reader.hellos.get(0).unwrap().body(), body);
    }
    let mut ear = Ear::default();
    assert_eq!(ear.client(&part(1, 0, &wrong, 0, 50)), "first");
    assert_eq!(ear.client(&part(1, 0, &wrong, 50, body.len())), "BadHello", "neither can be read");
    assert_eq!(ear.client(&whole(1, 0, &body)), "hello");
}

#[test]
fn a_late_repetition_is_known_by_the_tag() {
    let (one, other) = (named(1, b""), named(2, b""));
    let ear = Ear::after_hello();
    let tag = ear.reader.tag();
    assert_eq!(tag, Dtls.tag(&whole(1, 0, &one)));
    for (payload, repeats) in [
        (whole(1, 0, &one), true),
        (part(1, 0, &one, 0, 50), true),
        (part(1, 0, &one, 50, 60), true),
        (whole(1, 1, &named(1, b"cookie")), true),
        (whole(1, 0, &other), false),
        (part(1, 0, &other, 0, 50), false),
        (record(22, b"nothing"), false),
    ] {
        assert_eq!(Dtls.repeats(&payload, tag), repeats, "{payload:?}");
    }
    assert!(!Dtls.repeats(&part(1, 0, &one, 50, 60), 0), "none was told");
}

#[test]
fn what_is_held_is_bounded() {
    let mut ear = Ear::default();
    let mut body = vec![7; 16_000];
    for seq in 0..50 {
        for offset in (0..120_000).step_by(16_000) {
            body[..2].copy_from_slice(&[0xfe, 0xfd]);
            ear.client(&record(22, &fragment(1, seq, 131_000, offset, &body)));
            ear.server(&record(22, &fragment(2, seq, 16_384, 0, &body)));
        }
    }
    assert!(ear.reader.held() <= 4 * (131_000 + 16_384), "{}", ear.reader.held());
}

mod property {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    /// Cuts of a body into fragments, some of them twice or overlapping, in any order and over any datagrams.
    fn fragments(len: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
        let cuts = proptest::collection::vec(1..len, 0..6);
        let extra = proptest::collection::vec((0..len, 1..len), 0..4);
        (cuts, extra).prop_flat_map(move |(mut cuts, extra)| {
            cuts.extend([0, len]);
            cuts.sort_unstable();
            cuts.dedup();
            let mut all: Vec<_> = cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
            all.extend(extra.into_iter().map(|(from, size)| (from, (from + size).min(len))));
            Just(all).prop_shuffle()
        })
    }

    proptest! {
        #[test]
        fn any_order_and_overlap_gives_the_same_hello(
            pieces in fragments(named(1, b"").len()),
            breaks in proptest::collection::vec(any::<bool>(), 12),
        ) {
            let body = named(1, b"");
            let (mut ear, mut datagram, mut hellos) = (Ear::default(), Vec::new(), 0);
            for (at, (from, to)) in pieces.iter().enumerate() {
                datagram.extend(part(1, 0, &body, *from, *to));
                if at + 1 == pieces.len() || breaks[at % breaks.len()] {
                    let words = ear.client(&datagram);
                    prop_assert!(!words.contains("not-mine"), "{words}");
                    hellos += words.matches("hello").count();
                    datagram.clear();
                }
            }
            prop_assert_eq!(hellos, 1);
            prop_assert_eq!(ear.reader.hellos.get(0).unwrap().body(), &body[..]);
            prop_assert!(!ear.reader.conflict());
        }

        /// Whatever is done to a handshake's datagrams: no panic, no loop, and no datagram is two hellos.
        #[test]
        fn damage_is_survived(
            damage in proptest::collection::vec((any::<Index>(), any::<Index>(), any::<u8>(), 0..4_u8), 1..6),
        ) {
            let hello = named(1, b"cookie");
            let mut datagrams = vec![
                (true, part(1, 0, &hello, 0, 60)),
                (true, part(1, 0, &hello, 60, hello.len())),
                (false, verify()),
                (true, whole(1, 1, &hello)),
                (false, [whole(2, 1, &answer(0xfefd, &[9; 32], &[])), whole(14, 2, b"")].concat()),
                (true, [record(20, &[1]), sealed(22, 1, &[7; 40])].concat()),
                (false, [sealed(22, 1, &[7; 40]), record(21, &[2, 40])].concat()),
            ];
            for (which, place, byte, how) in damage {
                let (_, bytes) = &mut datagrams[which.index(7)];
                if bytes.is_empty() {
                    continue;
                }
                let place = place.index(bytes.len());
                match how {
                    0 => bytes[place] = byte,
                    1 => bytes.truncate(place),
                    2 => bytes.insert(place, byte),
                    _ => datagrams.swap(0, which.index(7)),
                }
            }
            let mut ear = Ear::default();
            for (forth, datagram) in &datagrams {
                let words = ear.hear(*forth, datagram);
                prop_assert!(words.matches("hello").count() <= 1);
            }
            let log: Vec<u8> = datagrams
                .iter()
                .flat_map(|(forth, bytes)| {
                    let len = u16::try_from(bytes.len()).unwrap().to_be_bytes();
                    [&[u8::from(!*forth)], &len[..], bytes].concat()
                })
                .collect();
            prop_assert!(crate::hello::entries::datagrams(&log) <= 4);
            for end in (0..log.len()).step_by(7) {
                crate::hello::entries::datagrams(&log[..end]);
            }
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            crate::hello::entries::datagrams(&bytes);
            for start in [&[22, 0xfe, 0xfd, 0, 0][..], &[0x2e], &[0, 0x16], &[0x40]] {
                let payload = [start, &bytes].concat();
                if Dtls.probe(&payload) == Probe::Yes {
                    let mut ear = Ear { missing: 9, ..Ear::default() };
                    ear.client(&payload);
                }
            }
        }
    }
}
