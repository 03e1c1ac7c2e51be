//! TCP streams, and what is read in their bytes.

use std::net::Ipv4Addr;

use crate::hello::flight::{Flight, Wanted};
use crate::hello::preface;
use crate::hello::{Found, PROTOCOLS, fingerprint, probe};
use crate::model::frame::{OriginId, Timestamp};
use crate::model::hello::Reading;
use crate::model::segment::{FlowKey, Header, Hosts, Segment, TcpFlags, Transport, Vlans};
use crate::run::entries::{chunk, told};

/// Segments of one connection, each behind five bytes: its way in the lowest bit, and FIN, SYN, RST and ACK in the
/// second, third, fourth and fifth; the exponent of the nanoseconds that it comes later; in two, how far it stands
/// ahead of where its direction has come to, or behind; how many bytes were cut off it.
pub(super) fn segments(mut bytes: &[u8]) -> usize {
    let (mut inspector, decoder) = (told::inspector(), told::decoder());
    let forth = FlowKey {
        hosts: Hosts::V4(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)),
        ports: (40000, 443),
        transport: Transport::Tcp,
    };
    // close to where numbers begin anew
    let mut come = [u32::MAX - 500, 77_u32];
    let (mut records, mut packet, mut time) = (Vec::new(), 0, Timestamp::default());
    while let Some(([way, later, high, low, cut], payload)) = chunk::<5>(&mut bytes) {
        packet += 1;
        time = time.plus(1 << (later & 63));
        let [client, server] = &mut come;
        let (key, mine, other) =
            if way & 1 == 0 { (forth, client, server) } else { (forth.reversed(), server, client) };
        let flags = TcpFlags(way >> 1 & 7 | (way & 16));
        let jump = i32::from(i16::from_be_bytes([high, low]));
        let seq = mine.wrapping_add_signed(jump);
        let missing = u32::from(cut);
        let segment = Segment {
            packet,
            time,
            origin: OriginId(0),
            key,
            hash: decoder.hash(&key),
            header: Header::Tcp { seq, ack: *other, flags },
            vlans: Vlans::default(),
            tunnel: None,
            head: &[],
            payload,
            missing,
        };
        inspector.push(&segment, &mut records);
        let room = u32::try_from(payload.len()).unwrap_or_default() + missing + u32::from(way >> 2 & 1);
        if jump == 0 {
            *mine = mine.wrapping_add(room);
        }
    }
    inspector.finish(&mut records);
    told::tell(&records)
}

/// A stream's beginning.
pub(super) fn hello(bytes: &[u8]) -> usize {
    let Found::Row(row) = probe(Transport::Tcp, bytes) else { return 0 };
    let Some(row) = PROTOCOLS.get(row) else { return 0 };
    let mut reader = row.reader();
    let Reading::Hello(hello) = reader.read(bytes) else { return 0 };
    _ = fingerprint::fingerprints(&hello, 't');
    1
}

/// One direction, cut into pieces whose length the first byte says.
pub(super) fn flight(bytes: &[u8]) -> usize {
    let Some((piece, rest)) = bytes.split_first() else { return 0 };
    let mut flight = Flight::new();
    flight.want(Wanted { certificate: true, fingerprint: true });
    let mut said = 0;
    for mut piece in rest.chunks(usize::from(*piece).max(1)) {
        while flight.next(&mut piece).is_some() {
            said += 1;
        }
        assert!(flight.held() <= 256 * 1024, "what is held is bounded");
    }
    said + usize::from(flight.take_leaf().is_some())
}

/// A client's words, and what is left of them as a server's: whole, and one by one.
pub(super) fn dialogue(bytes: &[u8]) -> usize {
    preface::fuzz_dialogue(bytes, false);
    preface::fuzz_dialogue(bytes, true);
    _ = (preface::is_sure(bytes), preface::is_brief(bytes));
    usize::from(preface::opening(bytes) != preface::Opening::Nothing)
}
