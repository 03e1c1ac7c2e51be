//! One line of JSON: the members that matter, and the observation that they were written from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::hello::names;
use crate::ingest::Classify;
use crate::ingest::callers::Callers;
use crate::ingest::raw::{Capture, Endpoint, Hop as RawHop, Raw, Shake};
use crate::model::certificate::Shown;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::hello::{Alert, Sni, Version};
use crate::model::mesh::{Cause, Role};
use crate::model::name::Name;
use crate::model::observation::{Action, Handshake, HelloFacts, Hop, Leg, Marks, Observation, Outcome, Peer};
use crate::model::segment::{FlowKey, Hosts, Transport, Vlans};
use crate::naming::text;

/// What all lines of an input share.
pub(super) struct Tools {
    pub(super) classify: Classify,
    pub(super) callers: Callers,
}

/// What a line says.
pub(super) enum Line {
    /// A handshake, and the host that saw it.
    Record(String, Box<Observation>),
    /// Another record of that host, and its time.
    Other(String, Timestamp),
}

/// Why a line cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is no JSON, or not what a record holds.
    Broken(String),
    /// It is of another version of the schema, or of none.
    Version(Option<u64>),
    /// It has a hello, and no digest to join it by.
    WithoutDigest,
}

/// Reads a line.
pub(super) fn read(line: &[u8], tools: &mut Tools) -> Result<Line, Unusable> {
    let raw: Raw<'_> = serde_json::from_slice(line).map_err(|error| broken(&error.to_string()))?;
    if raw.schema_version != Some(1) {
        return Err(Unusable::Version(raw.schema_version));
    }
    let time = time(raw.timestamp.as_deref()).ok_or_else(|| broken("no @timestamp"))?;
    let host = raw.observer.as_ref().map(|observer| observer.hostname.to_string()).unwrap_or_default();
    if raw.event.as_ref().is_none_or(|event| &*event.action != "tls_handshake") {
        return Ok(Line::Other(host, time));
    }
    let record = observation(&raw, time, tools)?;
    Ok(Line::Record(host, Box::new(record)))
}

fn broken(why: &str) -> Unusable {
    Unusable::Broken(why.to_owned())
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text?.parse().ok()?;
    u64::try_from(instant.as_nanosecond()).ok().map(Timestamp)
}

fn observation(raw: &Raw<'_>, time: Timestamp, tools: &mut Tools) -> Result<Observation, Unusable> {
    let shake = raw.handshake.as_ref().ok_or_else(|| broken("no handshake"))?;
    let handshake = handshake(shake).ok_or_else(|| broken("no such handshake.result"))?;
    let hop = raw.mesh.as_ref().and_then(|mesh| mesh.hop.as_ref());
    let hello = hello(shake, hop)?;
    let name = hello.is_some().then(|| name(raw, &mut tools.classify));
    let known = handshake.latency.or(handshake.total).unwrap_or_default();
    let capture = raw.capture.as_ref();
    let mark = |of: fn(&Capture) -> bool| capture.is_some_and(of);
    Ok(Observation {
        action: Action::Handshake,
        time,
        completed: time.plus(known),
        origin: OriginId::default(),
        packet: capture.and_then(|capture| capture.packet).unwrap_or_default(),
        flow: flow(raw).ok_or_else(|| broken("no addresses"))?,
        protocol: protocol(raw),
        vlans: Vlans::default(),
        tunnel: None,
        role: raw.mesh.as_ref().and_then(|mesh| role(mesh.role.as_deref()?)),
        hop: hop.and_then(leg),
        hello,
        name,
        server: None,
        shown: Shown { client: raw.mesh.as_ref().and_then(|mesh| tools.callers.get(mesh)), server: None },
        handshake: Some(handshake),
        traffic: None,
        ahead: None,
        marks: Marks {
            truncated: mark(|it| it.truncated),
            gap: mark(|it| it.gap),
            conflict: mark(|it| it.conflict),
        },
        bytes: None,
    })
}

/// The name as it was on the wire, where the record has it so; else lower-cased.
fn name(raw: &Raw<'_>, classify: &mut Classify) -> Arc<Name> {
    let wire = raw.tls.as_ref().and_then(|tls| tls.client.as_ref()?.server_name.as_deref());
    let flagged =
        |word: &str| raw.mesh.as_ref().is_some_and(|mesh| mesh.flags.iter().any(|flag| flag.0 == word));
    match wire.or(raw.sni.as_deref()).map(text::unescape) {
        Some(bytes) => classify(Sni::Name { bytes: &bytes, more: false }),
        None if flagged("empty") => classify(Sni::Empty),
        None if flagged("bad_length") => classify(Sni::Malformed),
        None => classify(Sni::Absent),
    }
}

fn protocol(raw: &Raw<'_>) -> &'static str {
    let told = raw.network.as_ref().and_then(|network| network.protocol.as_deref());
    ["tls", "quic", "dtls"].into_iter().find(|known| Some(*known) == told).unwrap_or("tls")
}

fn flow(raw: &Raw<'_>) -> Option<FlowKey> {
    let network = raw.network.as_ref()?;
    let six = &*network.kind == "ipv6";
    let unknown: IpAddr = if six { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    // a record that stands for several has neither address nor port of these
    let end = |end: &Option<Endpoint<'_>>| -> Option<(IpAddr, u16)> {
        let Some(end) = end else { return Some((unknown, 0)) };
        let ip = end.ip.as_deref().map_or(Some(unknown), |ip| ip.parse().ok())?;
        Some((ip, end.port.unwrap_or_default()))
    };
    let (source, destination) = (end(&raw.source)?, end(&raw.destination)?);
    let hosts = match (source.0, destination.0) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Hosts::V4(a, b),
        (IpAddr::V6(a), IpAddr::V6(b)) => Hosts::V6(a, b),
        _ => return None,
    };
    let transport = if &*network.transport == "udp" { Transport::Udp } else { Transport::Tcp };
    Some(FlowKey { hosts, ports: (source.1, destination.1), transport })
}

/// The hello; none where the record has none, and an error where it cannot be told from others.
fn hello(shake: &Shake<'_>, hop: Option<&RawHop<'_>>) -> Result<Option<HelloFacts>, Unusable> {
    let Some(index) = shake.index else { return Ok(None) };
    let digest = shake.hello_digest.as_deref().ok_or(Unusable::WithoutDigest)?;
    let digest =
        u64::from_str_radix(digest, 16).map_err(|_| broken("handshake.hello_digest is no number"))?;
    let id = hop.map(|hop| &*hop.id);
    let mut random = [0; 32];
    let text = shake.random.as_deref().or(id).ok_or_else(|| broken("no mesh.hop.id"))?;
    hexadecimal(text, &mut random).ok_or_else(|| broken("mesh.hop.id is no number"))?;
    Ok(Some(HelloFacts {
        random,
        offered: Version::default(),
        alpn: None,
        bytes: shake.hello_bytes,
        segments: shake.hello_segments,
        records: shake.hello_records,
        index,
        digest,
        ech: shake.ech.as_deref().is_some_and(|ech| ech != "none"),
        fingerprints: None,
    }))
}

/// Fills the front of `bytes` with what `text` says: at least 8 bytes, at most all.
fn hexadecimal(text: &str, bytes: &mut [u8; 32]) -> Option<()> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || !(8..=bytes.len()).contains(&pairs.len()) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(())
}

fn role(name: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.name() == name)
}

fn cause(name: &str) -> Option<Cause> {
    Cause::ALL.into_iter().find(|cause| cause.name() == name)
}

fn leg(hop: &RawHop<'_>) -> Option<Hop> {
    let legs = [Leg::In, Leg::Out, Leg::Only];
    let leg = legs.into_iter().find(|leg| Some(leg.name()) == hop.leg.as_deref())?;
    Some(Hop { leg, gateway: hop.gateway_ms.map(nanos) })
}

fn handshake(shake: &Shake<'_>) -> Option<Handshake> {
    let result = shake.result.as_deref()?;
    let by = shake.by.as_deref();
    Some(Handshake {
        result: Outcome::ALL.into_iter().find(|outcome| outcome.name() == result)?,
        by: [Peer::Client, Peer::Server].into_iter().find(|peer| Some(peer.name()) == by),
        cause: shake.cause.as_deref().and_then(cause),
        latency: shake.latency_ms.map(nanos),
        tcp_rtt: shake.tcp_rtt_ms.map(nanos),
        total: shake.total_ms.map(nanos),
        // only what is fatal is told
        alert: shake.alert.as_ref().map(|it| Alert { level: 2, code: it.code, name: names::alert(it.code) }),
        hello_retry: shake.hello_retry,
        retransmits: shake.retransmits,
        attempts: shake.attempts,
        established: None,
        resumed: None,
    })
}

/// Milliseconds as records have them: exact to the nanosecond up to three months.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn nanos(millis: f64) -> u64 {
    (millis * 1e6).round() as u64
}
