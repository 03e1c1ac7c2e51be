//! How handshakes end: answered, retried, refused with an alert, reset, closed, never answered, not seen.

use super::*;
use support::tls::{APPLICATION_DATA, alert, change_cipher_spec, record};

fn asked(watch: &mut Watch, hello: &Hello) -> usize {
    watch.open(ONE);
    watch.says(ONE, 0, &hello.stream());
    hello.stream().len()
}

#[test]
fn silence_is_told_once_the_timeout_is_over() {
    let mut watch = Watch::new(Settings { handshake_timeout: 3 * SECOND, ..Settings::default() });
    let end = asked(&mut watch, &named("a.example"));
    watch.send(ONE, true, ACK, (S + 1, C + 1 + end as u32), &[]);
    watch.wait(3 * SECOND - MS);
    assert_eq!(watch.told(), [""; 0]);
    watch.wait(2 * MS);
    let told = watch.out[0].clone();
    assert_eq!(watch.told(), ["handshake a.example timeout"]);
    let handshake = told.handshake.unwrap();
    assert_eq!((handshake.latency, handshake.established), (None, Some(false)));
    assert_eq!(
        told.completed,
        told.time.plus(3 * SECOND),
        "the timeout decides, not the tick that noticed it"
    );
    watch.answers(ONE, 0, &choice(&named("a.example"), Version::Tls12).server_flight());
    watch.finish();
    assert_eq!(watch.told(), [""; 0], "a connection is told once");
}

#[test]
fn repetitions_of_the_hello_are_counted() {
    let mut watch = Watch::plain();
    let hello = named("a.example").stream();
    watch.open(ONE);
    watch.says(ONE, 0, &hello);
    watch.says(ONE, 0, &hello); // 0.1 ms later: the same packet, captured twice
    for pause in [1, 2, 4] {
        watch.wait(pause * SECOND);
        watch.says(ONE, 0, &hello);
    }
    watch.wait(10 * SECOND);
    let handshake = watch.only();
    assert_eq!((handshake.result, handshake.retransmits), (Outcome::Timeout, 3));
}

#[test]
fn a_syn_without_an_answer_is_an_attempt() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.wait(SECOND);
    watch.syn(ONE);
    watch.wait(9 * SECOND + MS);
    let handshake = watch.only();
    assert_eq!((handshake.result, handshake.by), (Outcome::Timeout, None));
    assert_eq!((handshake.attempts, handshake.retransmits), (Some(1), 1));
}

#[test]
fn a_syn_at_the_end_of_the_capture_is_told_only_if_it_was_repeated() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.syn((2, 2));
    watch.wait(SECOND);
    watch.syn((2, 2));
    watch.finish();
    assert_eq!(watch.told(), ["handshake - timeout"]);
    assert_eq!(watch.inspector.stats().unanswered, 2);
}

#[test]
fn one_direction_is_not_seen_whatever_the_client_does_last() {
    let hello = named("a.example");
    let end = hello.stream().len() as u32;
    for last in [None, Some(FIN), Some(RST)] {
        let mut watch = Watch::plain();
        watch.syn(ONE);
        watch.says(ONE, 0, &[]);
        watch.says(ONE, 0, &hello.stream());
        if let Some(last) = last {
            watch.send(ONE, false, last | ACK, (C + 1 + end, S + 1), &[]);
        }
        watch.wait(11 * SECOND);
        let handshake = watch.only();
        assert_eq!(
            (handshake.result, handshake.by, handshake.latency),
            (Outcome::NotSeen, None, None),
            "{last:?}"
        );
        assert_eq!(handshake.established, None);
    }
}

#[test]
fn a_hello_at_the_end_of_the_capture_is_not_seen() {
    let mut watch = Watch::plain();
    asked(&mut watch, &named("a.example"));
    watch.finish();
    assert_eq!(watch.told(), ["handshake a.example not_seen"]);
}

#[test]
fn an_answer_whose_beginning_is_missing_is_not_seen() {
    let mut watch = Watch::plain();
    let hello = named("a.example");
    asked(&mut watch, &hello);
    watch.answers(ONE, 100, &choice(&hello, Version::Tls12).server_flight()[100..]);
    watch.finish();
    assert!(watch.out[0].marks.gap);
    assert_eq!(watch.told(), ["handshake a.example not_seen"]);
}

#[test]
fn both_fins_close_and_the_first_says_who_and_when() {
    for server_first in [true, false] {
        let mut watch = Watch::plain();
        let end = asked(&mut watch, &named("a.example")) as u32;
        watch.now = watch.now.plus(SECOND);
        let fin = |watch: &mut Watch, back: bool| {
            let (client, server) = (C + 1 + end, S + 1);
            watch.send(ONE, back, FIN | ACK, if back { (server, client) } else { (client, server) }, &[]);
        };
        fin(&mut watch, server_first);
        assert_eq!(
            watch.out.len(),
            usize::from(server_first),
            "the server may still answer a client that is done"
        );
        watch.now = watch.now.plus(SECOND);
        fin(&mut watch, !server_first);
        let handshake = watch.only();
        let by = if server_first { Peer::Server } else { Peer::Client };
        assert_eq!((handshake.result, handshake.by), (Outcome::Closed, Some(by)));
        assert_eq!(handshake.latency, Some(SECOND + MS / 10));
        assert_eq!(handshake.established, Some(false));
    }
}

#[test]
fn a_client_that_closes_and_gets_no_answer_has_closed() {
    let mut watch = Watch::plain();
    let end = asked(&mut watch, &named("a.example")) as u32;
    watch.send(ONE, false, FIN | ACK, (C + 1 + end, S + 1), &[]);
    watch.wait(11 * SECOND);
    assert_eq!(watch.told(), ["handshake a.example closed by client"]);
}

#[test]
fn a_connection_that_closes_without_a_word_is_counted() {
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.send(ONE, true, FIN | ACK, (S + 1, C + 1), &[]);
    watch.send(ONE, false, FIN | ACK, (C + 1, S + 2), &[]);
    watch.finish();
    assert_eq!(watch.told(), [""; 0]);
    assert_eq!(watch.inspector.stats().no_hello, 1);
}

#[test]
fn half_a_hello_is_told_with_who_ended_it() {
    let hello = named("a.example").stream();
    for (ending, by) in [(Some(RST | ACK), Some(Peer::Server)), (None, None)] {
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.says(ONE, 0, &hello[..50]);
        if let Some(flags) = ending {
            watch.send(ONE, true, flags, (S + 1, C + 51), &[]);
        }
        watch.wait(11 * SECOND);
        let told = watch.out.remove(0);
        assert!(told.name.is_none() && told.hello.is_none());
        let handshake = told.handshake.unwrap();
        assert_eq!((handshake.result, handshake.by), (Outcome::IncompleteHello, by));
        assert_eq!(watch.inspector.stats().incomplete_hello, 1);
    }
}

#[test]
fn an_alert_in_clear_ends_the_handshake() {
    let mut watch = Watch::plain();
    let hello = named("a.example");
    asked(&mut watch, &hello);
    watch.answers(ONE, 0, &record(21, 0x0303, &[1, 112]));
    assert_eq!(watch.told(), [""; 0], "a warning ends nothing");
    watch.answers(ONE, 7, &alert(0x0303, 40));
    let handshake = watch.only();
    assert_eq!((handshake.result, handshake.by), (Outcome::Alert, Some(Peer::Server)));
    assert_eq!(handshake.alert.map(|alert| (alert.level, alert.code)), Some((2, 40)));
    assert_eq!(handshake.latency, Some(2 * MS / 10));
}

#[test]
fn an_alert_after_encryption_has_nothing_to_say() {
    let hello = named("a.example");
    let choice = choice(&hello, Version::Tls12);
    let flight = choice.server_flight();
    let mut watch = Watch::plain();
    let end = asked(&mut watch, &hello);
    watch.answers(ONE, 0, &flight);
    // the client's change_cipher_spec, then an encrypted alert that begins as a fatal one in clear does
    let alert = [&[2, 40][..], &[0; 24]].concat();
    let sealed = [change_cipher_spec(0x0303), record(21, 0x0303, &alert)].concat();
    watch.says(ONE, end, &sealed);
    watch.send(ONE, false, RST, (C + 1 + (end + sealed.len()) as u32, 0), &[]);
    let handshake = watch.only();
    assert_eq!((handshake.result, handshake.by), (Outcome::Ok, Some(Peer::Server)));
    assert_eq!((handshake.alert, handshake.established), (None, Some(false)));
}

#[test]
fn a_second_hello_after_a_retry_request_is_the_same_connection() {
    let mut watch = Watch::new(Settings { emit_hello: true, ..Settings::default() });
    let hello = Hello { session_id: 32, ..Hello::named("r", Version::Tls13, "retry.example") };
    let choice = choice(&hello, Version::Tls13);
    let (retry, second, flight) = (choice.retry(), hello.second_stream(), choice.server_flight());
    let end = asked(&mut watch, &hello);
    watch.answers(ONE, 0, &retry);
    watch.now = watch.now.plus(7 * MS);
    watch.says(ONE, end, &second);
    watch.now = watch.now.plus(3 * MS);
    watch.answers(ONE, retry.len(), &flight);
    watch.says(ONE, end + second.len(), &choice.client_flight());
    let indexes: Vec<u8> = watch.out.iter().map(|record| record.hello.as_ref().unwrap().index).collect();
    assert_eq!(indexes, [0, 1, 1]);
    let told = watch.out.pop().unwrap();
    assert_eq!(short(&told), "handshake retry.example ok by server");
    assert_eq!(told.hello.unwrap().bytes as usize, hello.message(true).len());
    let handshake = told.handshake.unwrap();
    assert!(handshake.hello_retry);
    assert_eq!(handshake.latency, Some(3 * MS + MS / 10), "from the second hello");
    assert_eq!(watch.inspector.stats().with_sni, 1);
}

/// Seen between two datacenters: a second hello that does not fit into one segment.
#[test]
fn the_segments_of_a_second_hello_are_its_own() {
    let mut watch = Watch::plain();
    let hello = Hello { session_id: 32, ..Hello::named("r", Version::Tls13, "retry.example") };
    let choice = choice(&hello, Version::Tls13);
    let (first, retry, second) = (hello.stream(), choice.retry(), hello.second_stream());
    watch.open(ONE);
    watch.says(ONE, 0, &first);
    watch.answers(ONE, 0, &retry);
    let (begin, rest) = second.split_at(second.len() / 2);
    watch.says(ONE, first.len(), begin);
    watch.says(ONE, first.len() + begin.len(), rest);
    watch.answers(ONE, retry.len(), &choice.server_flight());
    watch.finish();
    let hello = watch.out.remove(0).hello.unwrap();
    assert_eq!((hello.index, hello.segments), (1, 2));
}

#[test]
fn a_second_hello_without_a_retry_request_is_no_retry() {
    let mut watch = Watch::new(Settings { emit_hello: true, ..Settings::default() });
    let hello = Hello { session_id: 32, ..Hello::named("r", Version::Tls13, "retry.example") };
    let end = asked(&mut watch, &hello);
    watch.says(ONE, end, &hello.second_stream());
    watch.answers(ONE, 0, &choice(&hello, Version::Tls13).server_flight());
    watch.finish();
    assert_eq!(watch.out.last().unwrap().hello.as_ref().unwrap().index, 0);
    assert_eq!(watch.told(), ["hello retry.example", "handshake retry.example ok by server"]);
}

#[test]
fn early_data_is_neither_an_answer_nor_the_end() {
    let mut watch = Watch::plain();
    let hello =
        Hello { ticket: Some(64), session_id: 32, ..Hello::named("e", Version::Tls13, "early.example") };
    let choice = Choice { resumed: true, ..choice(&hello, Version::Tls13) };
    let end = asked(&mut watch, &hello);
    let early = [change_cipher_spec(0x0303), record(APPLICATION_DATA, 0x0303, &[7; 300])].concat();
    watch.says(ONE, end, &early);
    assert_eq!(watch.told(), [""; 0]);
    watch.answers(ONE, 0, &choice.server_flight());
    assert_eq!(watch.told(), [""; 0], "the client has not finished");
    watch.says(ONE, end + early.len(), &record(APPLICATION_DATA, 0x0303, &[8; 53]));
    let handshake = watch.only();
    assert_eq!((handshake.result, handshake.resumed), (Outcome::Ok, Some(true)));
    assert_eq!(handshake.established, Some(true));
}

#[test]
fn the_round_trip_is_from_the_syn_to_the_clients_next_segment() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.now = watch.now.plus(8 * MS);
    watch.send(ONE, true, SYN | ACK, (S, C + 1), &[]);
    watch.now = watch.now.plus(2 * MS);
    watch.says(ONE, 0, &[]);
    watch.says(ONE, 0, &named("a.example").stream());
    watch.send(ONE, true, RST | ACK, (S + 1, 0), &[]);
    assert_eq!(watch.only().tcp_rtt, Some(10 * MS + 2 * MS / 10));
}

#[test]
fn the_end_is_told_where_it_is_asked_for() {
    let mut watch = Watch::new(Settings { emit_end: true, ..Settings::default() });
    watch.handshake(ONE, "a.example");
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
    let (from_client, from_server) = (100_000, 200_000);
    watch.says(ONE, from_client, &[23; 500]);
    watch.answers(ONE, from_server, &[23; 900]);
    watch.send(ONE, true, RST, (S + 1, 0), &[]);
    let end = watch.out.remove(0);
    assert_eq!(short(&end), "end a.example ok by server");
    let (client, server) = end.traffic.unwrap();
    let hello = named("a.example");
    let choice = choice(&hello, Version::Tls12);
    let said = hello.stream().len() + choice.client_flight().len() + 500;
    let answered = choice.server_flight().len() + choice.server_end().len() + 900;
    assert_eq!((client.bytes, client.packets), (said as u64, 5));
    assert_eq!((server.bytes, server.packets), (answered as u64, 5));
    assert_eq!(end.completed, watch.now);
    watch.finish();
    assert_eq!(watch.told(), [""; 0]);
}

#[test]
fn the_end_of_the_capture_is_the_end_of_what_is_open() {
    let mut watch = Watch::new(Settings { emit_end: true, ..Settings::default() });
    watch.handshake(ONE, "a.example");
    watch.open((2, 2));
    watch.says((2, 2), 0, &named("b.example").stream());
    watch.finish();
    let mut told = watch.told();
    told.sort();
    let all = ["end a.example ok by server", "end b.example not_seen", "handshake a.example ok by server"];
    assert_eq!(told, [&all[..], &["handshake b.example not_seen"]].concat());
}

#[test]
fn the_hellos_bytes_are_kept_where_they_are_asked_for() {
    let hello = named("a.example").stream();
    for cut in [hello.len(), 60] {
        let mut watch = Watch::new(Settings { keep_bytes: true, ..Settings::default() });
        watch.open(ONE);
        watch.says(ONE, 0, &hello[..cut]);
        watch.says(ONE, cut, &hello[cut..]);
        watch.finish();
        let bytes = watch.out.remove(0).bytes.expect("bytes were asked for");
        assert_eq!((&*bytes.head, &*bytes.records), (&b"head"[..], &hello[..]));
    }
    let mut watch = Watch::plain();
    watch.handshake(ONE, "a.example");
    assert!(watch.out.remove(0).bytes.is_none());
}

/// The server's answer was lost in the capture, not on the wire: its FIN stands behind bytes that are missing.
#[test]
fn a_fin_behind_missing_bytes_is_no_close_without_an_answer() {
    let mut watch = Watch::plain();
    let end = asked(&mut watch, &named("a.example"));
    watch.send(ONE, true, FIN | ACK, (S + 1 + 500, C + 1 + end as u32), &[]);
    assert!(watch.out[0].marks.gap);
    assert_eq!(watch.told(), ["handshake a.example not_seen"]);
}

#[test]
fn a_syn_with_data_is_one_packet() {
    let mut watch = Watch::new(Settings { emit_end: true, ..Settings::default() });
    let hello = named("a.example").stream();
    watch.send(ONE, false, SYN, (C, 0), &hello);
    watch.send(ONE, true, RST | ACK, (S, C + 1 + hello.len() as u32), &[]);
    let (client, server) = watch.out.pop().unwrap().traffic.unwrap();
    assert_eq!((client.packets, client.bytes, server.packets), (1, hello.len() as u64, 1));
}
