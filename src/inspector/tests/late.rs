//! TLS that starts late: the same record as of plain TLS, however the dialogue is cut, ordered or captured.

use super::*;

/// Who says what, in order; the hello follows.
type Words = &'static [(bool, &'static [u8])];

const SMTP: Words = &[
    (true, b"220 mx.example ESMTP\r\n"),
    (false, b"EHLO a.example\r\n"),
    (true, b"250-mx.example\r\n250 STARTTLS\r\n"),
    (false, b"STARTTLS\r\n"),
    (true, b"220 2.0.0 Ready to start TLS\r\n"),
];
const POP3: Words = &[(true, b"+OK\r\n"), (false, b"STLS\r\n"), (true, b"+OK\r\n")];
const CONNECT: Words = &[
    (false, b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    (true, b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"),
];
const SOCKS: Words = &[
    (false, b"\x05\x01\x00"),
    (true, b"\x05\x00"),
    (false, b"\x05\x01\x00\x03\x09a.example\x01\xbb"),
    (true, b"\x05\x00\x00\x01\0\0\0\0\0\0"),
];
const POSTGRESQL: Words = &[(false, b"\0\0\0\x08\x04\xd2\x16\x2f"), (true, b"S")];
const PROXY: Words = &[(false, b"PROXY TCP4 192.0.2.7 198.51.100.1 4660 443\r\n")];
const RPC: Words = &[(false, b"\x03")];
const NATS: Words = &[(true, b"INFO {\"tls_required\":true}\r\n")];

const ALL: [(&str, Words); 8] = [
    ("smtp", SMTP),
    ("pop3", POP3),
    ("http_connect", CONNECT),
    ("socks5", SOCKS),
    ("postgresql", POSTGRESQL),
    ("proxy_v1", PROXY),
    ("consul_rpc", RPC),
    ("nats", NATS),
];

/// One segment of a connection.
#[derive(Clone, Debug)]
struct Part {
    back: bool,
    at: usize,
    ack: usize,
    bytes: Vec<u8>,
}

/// The dialogue and a whole handshake of TLS 1.2, a segment each; and where the hello is.
fn parts(words: Words, hello: &Hello) -> (Vec<Part>, usize) {
    let choice = choice(hello, Version::Tls12);
    let tls = [
        (false, hello.stream()),
        (true, choice.server_flight()),
        (false, choice.client_flight()),
        (true, choice.server_end()),
    ];
    let said = words.iter().map(|(back, bytes)| (*back, bytes.to_vec())).chain(tls);
    let (mut client, mut server) = (0, 0);
    let parts = said.map(|(back, bytes)| {
        let (at, ack) = if back { (server, client) } else { (client, server) };
        if back {
            server += bytes.len();
        } else {
            client += bytes.len();
        }
        Part { back, at, ack, bytes }
    });
    (parts.collect(), words.len())
}

/// Cuts a segment in two.
fn cut(parts: &mut Vec<Part>, which: usize, at: usize) {
    let (first, second) = parts[which].bytes.split_at(at);
    let second = Part { at: parts[which].at + at, bytes: second.to_vec(), ..parts[which].clone() };
    parts[which].bytes = first.to_vec();
    parts.insert(which + 1, second);
}

impl Watch {
    fn play(&mut self, parts: &[Part]) {
        for part in parts {
            let (mine, other) = if part.back { (S, C) } else { (C, S) };
            let seq = (mine + 1 + part.at as u32, other + 1 + part.ack as u32);
            self.send(ONE, part.back, ACK, seq, &part.bytes);
        }
    }

    /// The only record: what `short` says, what went ahead, segments of the hello and retransmissions.
    fn late(&mut self) -> String {
        assert_eq!(self.out.len(), 1, "{:?}", self.out);
        let record = self.out.remove(0);
        let prefaces = record.ahead.as_ref().map(|ahead| ahead.prefaces.join("+")).unwrap_or_default();
        let (segments, again) = (
            record.hello.as_ref().map_or(0, |hello| hello.segments),
            record.handshake.as_ref().map_or(0, |handshake| handshake.retransmits),
        );
        format!("{} after {prefaces}, {segments} segments, {again} again", short(&record))
    }
}

fn whole(name: &str) -> String {
    format!("handshake a.example ok by server after {name}, 1 segments, 0 again")
}

#[test]
fn a_hello_behind_a_dialogue_is_told_like_any_other() {
    for (name, words) in ALL {
        let hello = named("a.example");
        let (parts, at) = parts(words, &hello);
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.play(&parts);
        let record = watch.out.first().cloned();
        assert_eq!(watch.late(), whole(name));
        let record = record.unwrap();
        let packet = 3 + at as u64 + 1;
        assert_eq!((record.packet, record.time), (packet, START.plus(packet * MS / 10)), "{name}");
        let handshake = record.handshake.unwrap();
        assert_eq!((handshake.latency, handshake.established), (Some(MS / 10), Some(true)), "{name}");
        assert!(record.marks == crate::model::observation::Marks::default());
        assert_eq!(watch.inspector.stats().with_sni, 1);
    }
}

#[test]
fn without_syn_and_with_one_direction_too() {
    for (name, words) in ALL {
        let hello = named("a.example");
        let (parts, _) = parts(words, &hello);
        let mut client: Vec<Part> = parts.iter().filter(|part| !part.back).cloned().collect();
        if name != "nats" {
            let mut watch = Watch::plain();
            watch.play(&parts);
            assert_eq!(watch.late(), whole(name), "{name} without SYN");
        }
        let known = if name == "nats" { "" } else { name };
        for opened in [true, false] {
            let mut watch = Watch::plain();
            if opened {
                watch.syn(ONE);
            }
            watch.play(&client);
            watch.finish();
            let record = watch.late();
            let expected = format!("handshake a.example not_seen after {known}, 1 segments, 0 again");
            assert_eq!(record, expected, "{name}, client only, opened: {opened}");
        }
        // all of it in one segment
        let joined: Vec<u8> = client.drain(..).flat_map(|part| part.bytes).collect();
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.says(ONE, 0, &joined);
        watch.finish();
        assert!(watch.late().starts_with("handshake a.example"), "{name}");
    }
}

#[test]
fn cut_anywhere_it_is_the_same() {
    for (name, words) in ALL {
        let hello = named("a.example");
        let (whole_parts, at) = parts(words, &hello);
        for which in 0..=at + 1 {
            for place in 1..whole_parts[which].bytes.len().min(300) {
                let mut parts = whole_parts.clone();
                cut(&mut parts, which, place);
                let mut watch = Watch::plain();
                watch.open(ONE);
                watch.play(&parts);
                let segments = if which == at { 2 } else { 1 };
                let expected =
                    format!("handshake a.example ok by server after {name}, {segments} segments, 0 again");
                assert_eq!(watch.late(), expected, "{name}: part {which} cut at {place}");
            }
        }
    }
}

#[test]
fn byte_by_byte_and_joined_with_what_went_ahead() {
    for (name, words) in ALL {
        let hello = named("a.example");
        let (mut parts, _) = parts(words, &hello);
        let single: Vec<Part> = parts
            .iter()
            .flat_map(|part| {
                let bytes = part.bytes.iter().enumerate();
                bytes
                    .map(|(i, byte)| Part { at: part.at + i, bytes: vec![*byte], ..part.clone() })
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.play(&single);
        let segments = hello.stream().len();
        let expected = format!("handshake a.example ok by server after {name}, {segments} segments, 0 again");
        assert_eq!(watch.late(), expected);
        // a client that does not wait: its last word and the hello in one segment, the answer after it
        let Some(last) = words.iter().rposition(|(back, _)| !back) else { continue };
        let hello_part = parts.remove(words.len());
        parts[last].bytes.extend(hello_part.bytes);
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.play(&parts);
        let record = watch.late();
        let impatient = matches!(name, "http_connect" | "socks5" | "postgresql" | "smtp" | "pop3");
        assert!(impatient || words.len() == 1);
        assert_eq!(record, whole(name), "{name}, not waiting");
    }
}

#[test]
fn segments_out_of_order_or_twice() {
    for (name, words) in ALL {
        let hello = named("a.example");
        let (whole_parts, at) = parts(words, &hello);
        // the hello overtakes what went ahead of it
        // (behind a server's greeting alone it is the stream's first byte, which needs no greeting)
        for first in (0..at).filter(|_| name != "nats") {
            let mut parts = whole_parts.clone();
            let moved = parts.remove(at);
            parts.insert(first, moved);
            let mut watch = Watch::plain();
            watch.open(ONE);
            watch.play(&parts);
            assert_eq!(watch.late(), whole(name), "{name}: the hello ahead of {first}");
        }
        // the answer overtakes the hello
        let mut parts = whole_parts.clone();
        parts.swap(at, at + 1);
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.play(&parts);
        assert_eq!(watch.late(), whole(name), "{name}: the answer first");
        // the hello in two segments, the second one first, and each part twice
        let mut parts = whole_parts.clone();
        cut(&mut parts, at, 40);
        parts.swap(at, at + 1);
        let mut watch = Watch::plain();
        watch.open(ONE);
        for part in &parts {
            watch.play(&[part.clone(), part.clone()]);
        }
        let expected = format!("handshake a.example ok by server after {name}, 2 segments, 0 again");
        assert_eq!(watch.late(), expected, "{name}: the hello reversed");
    }
}

#[test]
fn lost_and_repeated_hellos_count_as_in_plain_tls() {
    for (name, words) in ALL {
        let hello = named("a.example");
        let (parts, at) = parts(words, &hello);
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.play(&parts[..=at]);
        for _ in 0..3 {
            watch.wait(SECOND);
            watch.play(&parts[at..=at]);
        }
        watch.wait(10 * SECOND);
        let expected = format!("handshake a.example timeout after {name}, 1 segments, 3 again");
        assert_eq!(watch.late(), expected);
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.play(&parts[..at]);
        let mut begun = parts[at].clone();
        begun.bytes.truncate(90);
        watch.play(&[begun]);
        watch.send(ONE, true, RST, (S + 1 + parts[at].ack as u32, 0), &[]);
        let record = watch.out[0].clone();
        assert_eq!(watch.told(), ["handshake - incomplete_hello by server"], "{name}");
        assert_eq!(record.ahead.unwrap().prefaces[..], [name]);
    }
}

#[test]
fn a_reset_an_alert_and_a_close_are_told() {
    let hello = named("a.example");
    let (parts, at) = parts(SMTP, &hello);
    let end = parts[at + 1].at as u32;
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.play(&parts[..=at]);
    watch.send(ONE, true, RST | ACK, (S + 1 + end, 0), &[]);
    assert_eq!(watch.told(), ["handshake a.example reset by server"]);
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.play(&parts[..=at]);
    watch.play(&[Part { bytes: support::tls::alert(0x0303, 40), ..parts[at + 1].clone() }]);
    assert_eq!(watch.told(), ["handshake a.example alert by server"]);
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.play(&parts[..=at]);
    watch.send(ONE, true, FIN | ACK, (S + 1 + end, 0), &[]);
    assert_eq!(watch.told(), ["handshake a.example closed by server"]);
}

#[test]
fn a_second_hello_is_read_behind_a_dialogue_too() {
    let hello = Hello::named("a.example", Version::Tls13, "a.example");
    let choice = choice(&hello, Version::Tls13);
    let (mut parts, at) = parts(CONNECT, &hello);
    parts.truncate(at + 1);
    let (mut client, mut server) = (parts[at].at + parts[at].bytes.len(), parts[at].ack);
    for (back, bytes) in [
        (true, choice.retry()),
        (false, hello.second_stream()),
        (true, choice.server_flight()),
        (false, choice.client_flight()),
    ] {
        let (at, ack) = if back { (server, client) } else { (client, server) };
        if back {
            server += bytes.len();
        } else {
            client += bytes.len();
        }
        parts.push(Part { back, at, ack, bytes });
    }
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.play(&parts);
    assert_eq!(watch.out[0].hello.as_ref().unwrap().index, 1);
    assert_eq!(watch.late(), whole("http_connect"));
}

#[test]
fn a_dialogue_may_last_a_minute_between_two_words() {
    let hello = named("a.example");
    let (parts, at) = parts(SMTP, &hello);
    let mut watch = Watch::plain();
    watch.open(ONE);
    for part in &parts[..=at] {
        watch.wait(55 * SECOND);
        watch.play(std::slice::from_ref(part));
    }
    watch.play(&parts[at + 1..]);
    assert_eq!(watch.late(), whole("smtp"));
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.play(&parts[..at]);
    watch.wait(55 * SECOND);
    let mut begun = parts[at].clone();
    begun.bytes.truncate(90);
    watch.play(&[begun]);
    watch.wait(9 * SECOND);
    assert_eq!(watch.told(), [""; 0]);
    watch.wait(2 * SECOND);
    assert_eq!(watch.told(), ["handshake - incomplete_hello"], "a hello has no more time than any other");
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.play(&parts[..2]);
    watch.wait(61 * SECOND);
    assert_eq!((watch.inspector.stats().no_hello, watch.told()), (1, vec![]));
}

#[test]
fn other_talk_is_left_at_once_and_holds_nothing() {
    for (back, words) in [
        (false, &b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"[..]),
        (true, b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"),
        (false, b"\x13BitTorrent protocol"),
        (false, b"CONNECT a.example:22 HTTP/1.1\r\n\r\nSSH-2.0-x\r\n"),
        (false, b"EHLO a\r\nMAIL FROM:<a@b.example>\r\n"),
    ] {
        let mut watch = Watch::plain();
        watch.open(ONE);
        if back {
            watch.answers(ONE, 0, words);
        } else {
            watch.says(ONE, 0, words);
        }
        assert_eq!(watch.inspector.stats().no_hello, 1, "{words:?}");
        assert_eq!((watch.inspector.open.len(), watch.inspector.held), (0, 0), "{words:?}");
        watch.says(ONE, words.len(), &named("late.example").stream());
        watch.finish();
        assert_eq!(watch.told(), [""; 0], "{words:?}");
    }
}

#[test]
fn a_hello_in_a_message_is_none() {
    let hello = named("mail.example").stream();
    for ahead in [
        &b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSTARTTLS\r\n"[..],
        b"STLS\r\nUSER me\r\n",
        b"CONNECT a.example:80 HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n\r\n",
        b"EHLO a\r\n",
    ] {
        for syn in [true, false] {
            let mut watch = Watch::plain();
            if syn {
                watch.open(ONE);
            }
            watch.says(ONE, 0, &[ahead, &hello].concat());
            watch.finish();
            assert_eq!(watch.told(), [""; 0], "{:?}, SYN: {syn}", ahead.escape_ascii().to_string());
        }
    }
}

#[test]
fn a_hello_in_the_place_of_an_answer_to_a_greeting_is_plain_tls() {
    let hello = named("a.example");
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.play(&parts(&[(true, b"220 either.example\r\n")], &hello).0);
    assert_eq!(watch.late(), whole(""));
}

#[test]
fn a_server_that_answers_a_hello_in_its_own_words_takes_nothing_from_it() {
    let hello = named("a.example").stream();
    for words in [&b"<?xml version='1.0'?><stream:stream id='1'>"[..], b"220 mx.example ESMTP\r\n"] {
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.says(ONE, 0, &hello[..60]);
        watch.answers(ONE, 0, words);
        watch.says(ONE, 60, &hello[60..]);
        watch.finish();
        assert!(watch.told()[0].starts_with("handshake a.example"), "{words:?}");
    }
}

#[test]
fn a_server_that_says_too_much_is_no_dialogue() {
    let mut watch = Watch::plain();
    watch.open(ONE);
    for i in 0..20 {
        watch.answers(ONE, i * 1000, &[b"220-".as_slice(), &[b'x'; 996]].concat());
    }
    assert_eq!((watch.inspector.stats().no_hello, watch.inspector.open.len()), (1, 0));
}

#[test]
fn ends_that_a_proxy_names_are_told() {
    let hello = named("a.example");
    for (words, source, destination) in [
        (PROXY, Some("192.0.2.7"), Some("198.51.100.1")),
        (CONNECT, None, Some("a.example")),
        (SOCKS, None, Some("a.example")),
        (SMTP, None, None),
    ] {
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.play(&parts(words, &hello).0);
        let ahead = watch.out.remove(0).ahead.unwrap();
        assert_eq!((ahead.source.as_deref(), ahead.destination.as_deref()), (source, destination));
    }
}

#[test]
fn a_hello_in_the_old_format_has_a_random_and_no_name() {
    let challenge: Vec<u8> = (0..16).collect();
    let body = [&[1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0x39][..], &challenge].concat();
    let record = [&[0x80, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let hello = named("a.example");
    let choice = choice(&hello, Version::Tls12);
    let mut watch = Watch::new(Settings { fingerprints: true, ..Settings::default() });
    watch.open(ONE);
    watch.says(ONE, 0, &record);
    watch.answers(ONE, 0, &choice.server_flight());
    watch.finish();
    let told = watch.out.remove(0);
    assert_eq!((short(&told), told.protocol), ("handshake - ok by server".to_owned(), "sslv2"));
    let facts = told.hello.unwrap();
    assert_eq!((facts.offered.0, facts.records, facts.fingerprints), (0x0301, 1, None));
    assert_eq!(facts.random[16..], challenge);
}

/// Segments lost, repeated, cut, swapped and damaged by chance: never a panic, never two records, never another name
/// than the hello's unless its own bytes were damaged, and nothing stays held.
#[test]
fn whatever_arrives_is_read_or_left() {
    let hello = named("a.example");
    let mut found = 0;
    for round in 0..4000_u64 {
        let mut state = support::random::number(&format!("late {round}"));
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let (_, words) = ALL[random(ALL.len())];
        let (mut parts, _) = parts(words, &hello);
        let mut damaged = false;
        for _ in 0..random(6) {
            let which = random(parts.len());
            match random(6) {
                0 if parts.len() > 1 => drop(parts.remove(which)),
                1 => parts.insert(which, parts[which].clone()),
                2 if which > 0 => parts.swap(which - 1, which),
                3 => {
                    let len = parts[which].bytes.len();
                    cut(&mut parts, which, random(len + 1));
                }
                4 => parts[which].back = !parts[which].back,
                _ if parts[which].bytes.is_empty() => {}
                _ => {
                    let at = random(parts[which].bytes.len());
                    parts[which].bytes[at] ^= 1 << random(8);
                    damaged = true;
                }
            }
        }
        let mut watch = Watch::plain();
        if random(2) == 0 {
            watch.open(ONE);
        }
        watch.play(&parts);
        watch.wait(100 * SECOND);
        watch.finish();
        assert!(watch.out.len() <= 1, "{round}: {:?}", watch.out);
        let name = watch.out.first().and_then(|record| record.name.as_ref()?.text().map(str::to_owned));
        assert!(damaged || name.as_deref().is_none_or(|name| name == "a.example"), "{round}: {name:?}");
        assert_eq!((watch.inspector.held, watch.inspector.open.len()), (0, 0), "{round}");
        found += usize::from(name.is_some());
    }
    assert!(found > 2000, "only {found} were found");
}
