//! The objects inside a JSON record that depend on the observation alone.

use crate::model::hello::{Alert, ServerHello};
use crate::model::observation::{Action, Handshake, Observation, Outcome, Peer};
use crate::output::escape::Printable;
use crate::output::object::{Object, millis, serialize};
use crate::output::words::{Cipher, Reason, VersionNumber, protocols, version_protocol};

/// ECS: a peer that said no is `denied`; an answer that nobody could see is `unknown`, no failure.
pub(super) fn event(o: &mut Object<'_>, observation: &Observation, sequence: u64) {
    let handshake = observation.handshake.as_ref();
    let result = handshake.map(|handshake| handshake.result);
    o.value("kind", "event");
    o.value("category", &["network"]);
    let (types, action): (&[&str], _) = match (observation.action, result) {
        (Action::Hello, _) => (&["connection", "start"], "tls_client_hello"),
        (Action::End, _) => (&["connection", "end"], "tls_flow_end"),
        (Action::Handshake, Some(Outcome::Alert | Outcome::Refused)) => {
            (&["connection", "protocol", "denied"], "tls_handshake")
        }
        (Action::Handshake, _) => (&["connection", "protocol"], "tls_handshake"),
    };
    o.value("type", types);
    o.value("action", action);
    o.value(
        "outcome",
        match result {
            Some(Outcome::Ok) => "success",
            None | Some(Outcome::NotSeen) => "unknown",
            Some(_) => "failure",
        },
    );
    if let Some(failed) = handshake.filter(|handshake| handshake.result != Outcome::Ok) {
        o.display("reason", &Reason(observation, failed));
    }
    o.optional("duration", handshake.and_then(|handshake| handshake.total));
    o.value("sequence", &sequence);
}

/// Client and server, with their traffic at the end of a connection.
pub(super) fn endpoints(o: &mut Object<'_>, observation: &Observation) {
    let flow = &observation.flow;
    let (client, server) = observation.traffic.unzip();
    let ends = [
        ("source", flow.source_ip(), flow.ports.0, client),
        ("destination", flow.destination_ip(), flow.ports.1, server),
    ];
    for (key, ip, port, traffic) in ends {
        o.object(key, |o| {
            o.value("ip", &ip);
            o.optional("port", Some(port).filter(|port| *port != 0));
            if let Some(traffic) = traffic {
                o.value("bytes", &traffic.bytes);
                o.value("packets", &traffic.packets);
            }
        });
    }
}

/// What the server chose.
pub(super) fn server_hello(o: &mut Object<'_>, server: &ServerHello, handshake: Option<&Handshake>) {
    o.display("version", &VersionNumber(server.version));
    o.value("version_protocol", version_protocol(server.version));
    o.display("cipher", &Cipher(server));
    o.optional("curve", server.curve);
    if let Some(alpn) = &server.alpn {
        o.display("next_protocol", &Printable(alpn));
    }
    o.optional("established", handshake.and_then(|handshake| handshake.established));
    o.optional("resumed", handshake.and_then(|handshake| handshake.resumed));
}

/// How the handshake went.
pub(super) fn outcome(o: &mut Object<'_>, handshake: &Handshake) {
    o.value("result", handshake.result.name());
    o.optional("by", handshake.by.map(Peer::name));
    let times =
        [("latency_ms", handshake.latency), ("tcp_rtt_ms", handshake.tcp_rtt), ("total_ms", handshake.total)];
    for (key, nanos) in times {
        if let Some(nanos) = nanos {
            o.raw(key, |out| millis(out, nanos));
        }
    }
    if let Some(Alert { level, code, name }) = handshake.alert {
        o.object("alert", |o| {
            o.value(
                "level",
                match level {
                    1 => "warning",
                    2 => "fatal",
                    _ => "unknown",
                },
            );
            o.value("description", name);
            o.value("code", &code);
        });
    }
    o.flag("hello_retry", handshake.hello_retry);
    o.value("retransmits", &handshake.retransmits);
    o.optional("attempts", handshake.attempts);
}

/// What the name means to the mesh, and the hello's identity on every hop.
pub(super) fn mesh(o: &mut Object<'_>, observation: &Observation) {
    let (Some(name), Some(hello)) = (&observation.name, &observation.hello) else { return };
    o.members(&name.target);
    let start = hello.random.first_chunk::<8>();
    o.object("hop", |o| o.raw("id", |out| hexadecimal(out, start.map_or(&[], |start| start))));
}

/// Appends the offered protocols as an array of strings.
pub(super) fn alpn(out: &mut Vec<u8>, list: &[u8]) {
    out.push(b'[');
    for (place, name) in protocols(list).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        serialize(out, &format_args!("{name}"));
    }
    out.push(b']');
}

/// Appends bytes as a string of hexadecimal digits.
pub(super) fn hexadecimal(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    out.push(b'"');
}
