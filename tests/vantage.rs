//! What a vantage point does to a connection's record: packets seen twice, or in one direction only.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code fails loudly")]

use sni_watch::inspector::Inspector;
use sni_watch::inspector::settings::Settings;
use sni_watch::model::frame::{Frame, LinkType, OriginId, Timestamp};
use sni_watch::model::observation::{Observation, Outcome, Peer};
use sni_watch::model::seed::Seed;
use sni_watch::naming::Namer;
use sni_watch::wire::Decoder;

mod support;

use support::link::Link;
use support::scenario::Scenario;

/// The records of one connection, whose packets are each seen at all of `delays` (nanoseconds).
fn watch(connection: &str, delays: &[u64]) -> Vec<Observation> {
    let text = format!(
        "start = 2026-01-01T00:00:00Z\n[[connection]]\nhello = {{ sni = ['name.example'] }}\n{connection}\n"
    );
    let decoder = Decoder::new(Seed(1, 2));
    let mut inspector = Inspector::new(Settings::default(), Namer::new(None));
    let mut out = Vec::new();
    let mut number = 0;
    for packet in Scenario::parse(&text).packets() {
        let bytes = Link::Ethernet.frame(&packet, false).unwrap();
        for delay in delays {
            number += 1;
            let frame = Frame {
                number,
                time: Timestamp(packet.time + delay),
                link: LinkType(1),
                origin: OriginId(0),
                wire_len: u32::try_from(bytes.len()).unwrap(),
                bytes: &bytes,
            };
            inspector.push(&decoder.decode(&frame).unwrap(), &mut out);
        }
    }
    inspector.tick(Timestamp(out_of_time(&text)), &mut out);
    inspector.finish(&mut out);
    out
}

/// A minute after the last packet: whatever is open by then has waited too long.
fn out_of_time(text: &str) -> u64 {
    Scenario::parse(text).packets().last().unwrap().time + 60_000_000_000
}

fn only(found: &[Observation]) -> (Outcome, Option<Peer>, u32) {
    assert_eq!(found.len(), 1, "{found:?}");
    let handshake = found[0].handshake.as_ref().unwrap();
    (handshake.result, handshake.by, handshake.retransmits)
}

#[test]
fn a_packet_that_passes_two_interfaces_is_no_retransmission() {
    // Of 40 and 80 µs: the time that forwarding takes.
    for delays in [&[0][..], &[0, 40_000], &[0, 40_000, 80_000]] {
        let found = only(&watch("close = 'fin'", delays));
        assert_eq!(found, (Outcome::Ok, Some(Peer::Server), 0), "{delays:?}");
    }
    let late = only(&watch("close = 'fin'", &[0, 3_000_000]));
    assert_eq!(late, (Outcome::Ok, Some(Peer::Server), 1), "after 3 ms it is one");
}

#[test]
fn how_a_client_closes_says_nothing_where_nobody_saw_the_answer() {
    for close in ["close = 'fin'", "close = 'reset'", "answer = 'client-close'", "answer = 'client-reset'"] {
        let found = only(&watch(&format!("direction = 'client'\n{close}"), &[0]));
        assert_eq!(found, (Outcome::NotSeen, None, 0), "{close}");
    }
    for (answer, outcome) in [("client-close", Outcome::Closed), ("client-reset", Outcome::Reset)] {
        let found = only(&watch(&format!("answer = '{answer}'"), &[0]));
        assert_eq!(found, (outcome, Some(Peer::Client), 0), "{answer}");
    }
}
