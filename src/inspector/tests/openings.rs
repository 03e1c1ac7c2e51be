//! How connections begin: refused, tried again, on ports used before, with data in the SYN, seen from the middle.

use super::*;

#[test]
fn a_syn_that_is_refused_may_be_tried_again() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.send(ONE, true, RST | ACK, (0, C + 1), &[]);
    let refused = watch.only();
    assert_eq!(
        (refused.result, refused.by, refused.attempts),
        (Outcome::Refused, Some(Peer::Server), Some(1))
    );
    assert_eq!(refused.latency, Some(MS / 10));
    watch.syn(ONE);
    watch.send(ONE, true, RST | ACK, (0, C + 1), &[]);
    assert_eq!(watch.told(), [""; 0], "the same SYN again is the same attempt");
    watch.handshake(ONE, "a.example");
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
    assert_eq!(watch.inspector.stats().unanswered, 1);
}

#[test]
fn a_new_syn_after_a_refused_one_is_another_attempt() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.send(ONE, true, RST | ACK, (0, C + 1), &[]);
    watch.send(ONE, false, SYN, (C + 77, 0), &[]);
    watch.send(ONE, true, RST | ACK, (0, C + 78), &[]);
    assert_eq!(watch.told(), ["handshake - refused by server", "handshake - refused by server"]);
    assert_eq!(watch.inspector.stats().unanswered, 2);
}

/// A server that still knows an older connection with these ports answers the SYN with an ACK of that one, and the
/// client's RST is of that one too (RFC 9293 §3.5.1). A capture showed just this.
#[test]
fn a_challenge_and_its_rst_do_not_end_the_new_connection() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.send(ONE, true, ACK, (900_000, 700_000), &[]);
    watch.send(ONE, false, RST, (700_000, 0), &[]);
    watch.handshake(ONE, "a.example");
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
    assert_eq!(watch.inspector.stats().total, 1);
}

/// The same with a client that waits long: the challenged SYN was no attempt in vain, for its peer is there.
#[test]
fn a_challenged_syn_is_not_told_as_unanswered() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.send(ONE, true, ACK, (900_000, 700_000), &[]);
    watch.send(ONE, false, RST, (700_000, 0), &[]);
    watch.wait(13_000 * MS);
    assert_eq!(watch.told(), [""; 0]);
    watch.handshake(ONE, "a.example");
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
    assert_eq!(watch.inspector.stats().unanswered, 0);
}

#[test]
fn a_rst_of_another_connection_refuses_nothing() {
    let mut watch = Watch::plain();
    watch.syn(ONE);
    watch.send(ONE, true, RST | ACK, (0, C + 500), &[]);
    watch.send(ONE, true, RST, (900_000, 0), &[]);
    assert_eq!(watch.told(), [""; 0]);
    watch.handshake(ONE, "a.example");
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
}

#[test]
fn a_rst_of_another_connection_does_not_end_a_handshake() {
    let mut watch = Watch::plain();
    let hello = named("a.example");
    watch.open(ONE);
    watch.says(ONE, 0, &hello.stream());
    watch.send(ONE, true, RST, (S + (1 << 30), 0), &[]);
    assert_eq!(watch.told(), [""; 0]);
    watch.answers(ONE, 0, &choice(&hello, Version::Tls12).server_flight());
    watch.finish();
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
}

#[test]
fn the_same_ports_are_used_again() {
    let mut watch = Watch::plain();
    watch.handshake(ONE, "first.example");
    // a repeated SYN of the old connection begins nothing
    watch.syn(ONE);
    watch.says(ONE, 0, &named("first.example").stream());
    assert_eq!(watch.told(), ["handshake first.example ok by server"]);
    let hello = named("second.example");
    watch.send(ONE, false, SYN, (77_000, 0), &[]);
    watch.send(ONE, true, SYN | ACK, (S + 9, 77_001), &[]);
    watch.send(ONE, false, ACK, (77_001, S + 10), &hello.stream());
    watch.send(ONE, true, RST | ACK, (S + 10, 0), &[]);
    assert_eq!(watch.told(), ["handshake second.example reset by server"]);
    assert_eq!(watch.inspector.stats().total, 2);
}

#[test]
fn the_same_ports_are_used_again_before_the_answer() {
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.says(ONE, 0, &named("first.example").stream());
    watch.send(ONE, false, SYN, (77_000, 0), &[]);
    assert_eq!(watch.told(), ["handshake first.example not_seen"]);
    watch.send(ONE, true, SYN | ACK, (S, 77_001), &[]);
    watch.send(ONE, false, ACK, (77_001, S + 1), &named("second.example").stream());
    watch.answers(ONE, 0, &choice(&named("second.example"), Version::Tls12).server_flight());
    watch.finish();
    assert_eq!(watch.told(), ["handshake second.example ok by server"]);
}

#[test]
fn a_hello_in_the_syn_is_read() {
    let mut watch = Watch::plain();
    let hello = named("fast-open.example");
    watch.send(ONE, false, SYN, (C, 0), &hello.stream());
    watch.send(ONE, true, SYN | ACK, (S, C + 1 + hello.stream().len() as u32), &[]);
    watch.answers(ONE, 0, &choice(&hello, Version::Tls12).server_flight());
    watch.finish();
    assert_eq!(watch.told(), ["handshake fast-open.example ok by server"]);
}

#[test]
fn a_hello_that_begins_in_the_syn_goes_on_behind_it() {
    let mut watch = Watch::plain();
    let hello = named("fast-open.example");
    let stream = hello.stream();
    watch.send(ONE, false, SYN, (C, 0), &stream[..40]);
    watch.send(ONE, true, SYN | ACK, (S, C + 41), &[]);
    watch.says(ONE, 40, &stream[40..]);
    watch.answers(ONE, 0, &choice(&hello, Version::Tls12).server_flight());
    watch.finish();
    assert_eq!(watch.told(), ["handshake fast-open.example ok by server"]);
}

#[test]
fn the_syn_may_stand_behind_its_answer_in_the_capture() {
    let mut watch = Watch::plain();
    let hello = named("a.example");
    watch.send(ONE, true, SYN | ACK, (S, C + 1), &[]);
    watch.syn(ONE);
    watch.says(ONE, 0, &hello.stream());
    watch.answers(ONE, 0, &choice(&hello, Version::Tls12).server_flight());
    watch.finish();
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
    assert_eq!(watch.inspector.stats().total, 1);
}

#[test]
fn the_server_may_stand_ahead_of_the_hello_in_the_capture() {
    for with_syn in [true, false] {
        let mut watch = Watch::plain();
        let hello = named("a.example");
        let choice = choice(&hello, Version::Tls12);
        let flight = choice.server_flight();
        if with_syn {
            watch.open(ONE);
        }
        watch.answers(ONE, 0, &flight[..200]);
        watch.answers(ONE, 200, &flight[200..]);
        watch.says(ONE, 0, &hello.stream());
        watch.says(ONE, hello.stream().len(), &choice.client_flight());
        watch.answers(ONE, flight.len(), &choice.server_end());
        let told = watch.out.remove(0);
        assert_eq!(short(&told), "handshake a.example ok by server", "with SYN: {with_syn}");
        assert_eq!(told.flow.ports, (ONE.1, 443));
        assert_eq!(told.handshake.unwrap().established, Some(true));
    }
}

#[test]
fn what_was_open_before_is_counted_and_not_told() {
    let mut watch = Watch::plain();
    let data = support::random::bytes("data", 1400);
    let record = [&[23, 3, 3, 0x40, 0][..], &data].concat();
    for at in 0..40 {
        watch.says(ONE, at * record.len(), &record);
        watch.answers(ONE, at * record.len(), &record);
    }
    watch.finish();
    assert_eq!(watch.told(), [""; 0]);
    let stats = watch.inspector.stats();
    assert_eq!((stats.total, stats.open_before, stats.no_hello), (1, 1, 0));
}

#[test]
fn another_protocol_is_counted_and_not_told() {
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.says(ONE, 0, b"GET / HTTP/1.1\r\nhost: plain.example\r\n\r\n");
    watch.answers(ONE, 0, b"HTTP/1.1 200 OK\r\n\r\n");
    watch.finish();
    assert_eq!(watch.told(), [""; 0]);
    assert_eq!(watch.inspector.stats().no_hello, 1);
    assert_eq!(watch.inspector.skips().get(crate::model::skip::Skip::NotTls), 1);
}

#[test]
fn two_bytes_of_padding_are_not_the_beginning_of_a_stream() {
    let mut watch = Watch::plain();
    let hello = named("a.example");
    watch.open(ONE);
    watch.says(ONE, 0, &[0, 0]);
    watch.says(ONE, 0, &hello.stream());
    watch.answers(ONE, 0, &choice(&hello, Version::Tls12).server_flight());
    watch.finish();
    assert!(watch.out[0].marks.conflict);
    assert_eq!(watch.told(), ["handshake a.example ok by server"]);
    assert_eq!(watch.inspector.stats().conflicts, 1);
}

/// What the snapshot length cut off is unknown: neither other bytes nor a hole may take its place.
#[test]
fn bytes_that_were_cut_off_are_not_made_up_of_others() {
    let hello = named("a.example").stream();
    let (kept, rest) = hello.split_at(hello.len() - 4);
    for at in [0, kept.len()] {
        let mut watch = Watch::plain();
        watch.open(ONE);
        watch.missing = 4;
        watch.says(ONE, 0, kept);
        watch.says(ONE, at, &[&hello[at..kept.len()], b"evil"].concat());
        watch.says(ONE, hello.len(), rest);
        watch.finish();
        assert!(watch.out[0].marks.truncated);
        assert_eq!(watch.told(), ["handshake - incomplete_hello"], "again at {at}");
    }
    let mut watch = Watch::plain();
    watch.open(ONE);
    watch.missing = hello.len() as u32;
    watch.says(ONE, 0, &[]);
    watch.says(ONE, 0, &hello);
    watch.finish();
    assert_eq!(watch.told(), [""; 0], "not a byte of the stream is known");
}
