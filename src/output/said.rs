//! What both sides said, as JSON: the `tls` and `handshake` members of a record.

use crate::model::hello::{Alert, ServerHello, Version};
use crate::model::name::Name;
use crate::model::observation::{Handshake, HelloFacts, Observation};
use crate::output::certificate;
use crate::output::escape::Printable;
use crate::output::network::network;
use crate::output::text::Text;
use crate::output::words::{Cipher, VersionNumber, protocols, version_number, version_protocol};

/// A version, as a number where it has one.
fn version(t: &mut Text<'_>, version: Version) {
    match version_number(version) {
        Some(number) => t.word(number),
        None => t.display(&VersionNumber(version)),
    }
}

/// The members `network` and `tls`, and `handshake` as far as its verdict.
pub(super) fn carried(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
    network(t, observation, verbosity);
    tls(t, observation, verbosity);
    let Some(handshake) = &observation.handshake else { return };
    t.lit(",\"handshake\":{\"result\":");
    t.word(handshake.result.name());
    if let Some(peer) = handshake.by {
        t.lit(",\"by\":");
        t.word(peer.name());
    }
    if let Some(cause) = handshake.cause {
        t.lit(",\"cause\":");
        t.word(cause.name());
    }
}

/// The `tls` member; nothing where neither side's choice is known or asked for.
fn tls(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
    let hello = observation.hello.as_ref().filter(|_| verbosity >= 1);
    let server = observation.server.as_ref();
    if let Some(server) = server {
        server_hello(t, server, observation.handshake.as_ref());
    }
    if let Some(hello) = hello {
        t.lit(if server.is_some() { ",\"client\":{" } else { ",\"tls\":{\"client\":{" });
        client(t, observation.name.as_deref(), hello);
        if let Some(certificate) = &observation.shown.client {
            certificate::members(t, certificate, verbosity);
        }
        t.lit("}");
        self::server(t, observation, verbosity);
    }
    if server.is_some() || hello.is_some() {
        t.lit("}");
    }
}

/// The `tls.server` member; nothing where nothing is known of it.
fn server(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
    let before = t.0.len();
    t.lit(",\"server\":{");
    let begun = t.0.len();
    if let Some(ja3s) = observation.server.as_ref().and_then(|server| server.ja3s.as_ref()) {
        t.lit(",\"ja3s\":");
        t.string(ja3s);
    }
    if let Some(certificate) = &observation.shown.server {
        certificate::members(t, certificate, verbosity);
    }
    if t.0.len() == begun {
        t.0.truncate(before);
        return;
    }
    // the comma ahead of the first member
    t.0.remove(begun);
    t.lit("}");
}

fn client(t: &mut Text<'_>, name: Option<&Name>, hello: &HelloFacts) {
    if let Some(name) = name.and_then(Name::wire) {
        t.lit("\"server_name\":");
        t.escaped(name);
        t.lit(",");
    }
    t.lit("\"version\":");
    version(t, hello.offered);
    if let Some(list) = &hello.alpn {
        t.lit(",\"alpn\":[");
        for (place, protocol) in protocols(list).enumerate() {
            if place > 0 {
                t.lit(",");
            }
            t.display(&protocol);
        }
        t.lit("]");
    }
    if let Some(found) = &hello.fingerprints {
        t.lit(",\"ja3\":");
        t.string(&found.ja3);
        t.lit(",\"ja4\":");
        t.string(&found.ja4);
    }
}

/// What the server chose.
fn server_hello(t: &mut Text<'_>, server: &ServerHello, handshake: Option<&Handshake>) {
    t.lit(",\"tls\":{\"version\":");
    version(t, server.version);
    t.lit(",\"version_protocol\":");
    t.word(version_protocol(server.version));
    t.lit(",\"cipher\":");
    match server.cipher_name {
        Some(name) => t.word(name),
        None => t.display(&Cipher(server)),
    }
    if let Some(curve) = server.curve {
        t.lit(",\"curve\":");
        t.word(curve);
    }
    if let Some(alpn) = &server.alpn {
        t.lit(",\"next_protocol\":");
        t.display(&Printable(alpn));
    }
    if let Some(established) = handshake.and_then(|handshake| handshake.established) {
        t.lit(",\"established\":");
        t.boolean(established);
    }
    if let Some(resumed) = handshake.and_then(|handshake| handshake.resumed) {
        t.lit(",\"resumed\":");
        t.boolean(resumed);
    }
}

/// The `handshake` member behind its verdict.
pub(super) fn handshake(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
    if let Some(handshake) = &observation.handshake {
        outcome(t, handshake);
    }
    if let Some(hello) = &observation.hello {
        t.lit(if observation.handshake.is_some() { ",\"index\":" } else { ",\"handshake\":{\"index\":" });
        t.number(hello.index);
        t.lit(",\"hello_bytes\":");
        t.number(hello.bytes);
        t.lit(",\"hello_segments\":");
        t.number(hello.segments);
        t.lit(",\"hello_records\":");
        t.number(hello.records);
        t.lit(",\"hello_digest\":");
        t.identity(hello.digest.to_be_bytes());
        t.lit(if hello.ech { ",\"ech\":\"grease_or_real\"" } else { ",\"ech\":\"none\"" });
        if verbosity >= 2 {
            t.lit(",\"random\":");
            t.hexadecimal(&hello.random);
        }
    }
    if let Some(ahead) = &observation.ahead {
        prefaces(t, &ahead.prefaces);
    }
    if observation.handshake.is_some() || observation.hello.is_some() {
        t.lit("}");
    }
}

/// What went ahead of TLS, behind the members of a hello or of an outcome.
#[cold]
fn prefaces(t: &mut Text<'_>, names: &[&'static str]) {
    t.lit(",\"preface\":[");
    for (place, name) in names.iter().enumerate() {
        t.lit(if place > 0 { "," } else { "" });
        t.word(name);
    }
    t.lit("]");
}

/// How the handshake went, behind its verdict.
fn outcome(t: &mut Text<'_>, handshake: &Handshake) {
    let times = [
        (",\"latency_ms\":", handshake.latency),
        (",\"tcp_rtt_ms\":", handshake.tcp_rtt),
        (",\"total_ms\":", handshake.total),
    ];
    for (key, nanos) in times {
        if let Some(nanos) = nanos {
            t.lit(key);
            t.millis(nanos);
        }
    }
    if let Some(Alert { level, code, name }) = handshake.alert {
        t.lit(match level {
            1 => ",\"alert\":{\"level\":\"warning\",\"description\":",
            2 => ",\"alert\":{\"level\":\"fatal\",\"description\":",
            _ => ",\"alert\":{\"level\":\"unknown\",\"description\":",
        });
        t.word(name);
        t.lit(",\"code\":");
        t.number(code);
        t.lit("}");
    }
    if handshake.hello_retry {
        t.lit(",\"hello_retry\":true");
    }
    t.lit(",\"retransmits\":");
    t.number(handshake.retransmits);
    if let Some(attempts) = handshake.attempts {
        t.lit(",\"attempts\":");
        t.number(attempts);
    }
}
