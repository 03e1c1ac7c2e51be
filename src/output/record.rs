//! The objects inside a JSON record that depend on the observation alone.

use std::net::IpAddr;

use crate::model::hello::{Alert, ServerHello, Version};
use crate::model::name::Name;
use crate::model::observation::{Action, Handshake, Observation, Outcome};
use crate::output::escape::Printable;
use crate::output::object::{Object, digits, millis, serialize};
use crate::output::words::{Cipher, Reason, VersionNumber, protocols, version_number, version_protocol};

/// ECS: a peer that said no is `denied`; an answer that nobody could see is `unknown`, no failure.
pub(super) fn event(o: &mut Object<'_>, observation: &Observation, sequence: u64) {
    let handshake = observation.handshake.as_ref();
    let result = handshake.map(|handshake| handshake.result);
    o.word("kind", "event");
    o.raw("category", |out| out.extend_from_slice(br#"["network"]"#));
    let (types, action) = match (observation.action, result) {
        (Action::Hello, _) => (r#"["connection","start"]"#, "tls_client_hello"),
        (Action::End, _) => (r#"["connection","end"]"#, "tls_flow_end"),
        (Action::Handshake, Some(Outcome::Alert | Outcome::Refused)) => {
            (r#"["connection","protocol","denied"]"#, "tls_handshake")
        }
        (Action::Handshake, _) => (r#"["connection","protocol"]"#, "tls_handshake"),
    };
    o.raw("type", |out| out.extend_from_slice(types.as_bytes()));
    o.word("action", action);
    o.word(
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
            // unspecified: several of them
            if !ip.is_unspecified() {
                o.raw("ip", |out| address(out, ip));
            }
            o.optional("port", Some(port).filter(|port| *port != 0));
            if let Some(traffic) = traffic {
                o.value("bytes", &traffic.bytes);
                o.value("packets", &traffic.packets);
            }
        });
    }
}

/// A version, as a number where it has one.
pub(super) fn version(o: &mut Object<'_>, version: Version) {
    match version_number(version) {
        Some(number) => o.word("version", number),
        None => o.display("version", &VersionNumber(version)),
    }
}

/// What the server chose.
pub(super) fn server_hello(o: &mut Object<'_>, server: &ServerHello, handshake: Option<&Handshake>) {
    version(o, server.version);
    o.word("version_protocol", version_protocol(server.version));
    match server.cipher_name {
        Some(name) => o.word("cipher", name),
        None => o.display("cipher", &Cipher(server)),
    }
    if let Some(curve) = server.curve {
        o.word("curve", curve);
    }
    if let Some(alpn) = &server.alpn {
        o.display("next_protocol", &Printable(alpn));
    }
    o.optional("established", handshake.and_then(|handshake| handshake.established));
    o.optional("resumed", handshake.and_then(|handshake| handshake.resumed));
}

/// How the handshake went.
pub(super) fn outcome(o: &mut Object<'_>, handshake: &Handshake) {
    o.word("result", handshake.result.name());
    if let Some(peer) = handshake.by {
        o.word("by", peer.name());
    }
    let times =
        [("latency_ms", handshake.latency), ("tcp_rtt_ms", handshake.tcp_rtt), ("total_ms", handshake.total)];
    for (key, nanos) in times {
        if let Some(nanos) = nanos {
            o.raw(key, |out| millis(out, nanos));
        }
    }
    if let Some(Alert { level, code, name }) = handshake.alert {
        o.object("alert", |o| {
            o.word(
                "level",
                match level {
                    1 => "warning",
                    2 => "fatal",
                    _ => "unknown",
                },
            );
            o.word("description", name);
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
    o.rendered_members(rendered(name, MESH));
    let start = hello.random.first_chunk::<8>();
    o.object("hop", |o| o.raw("id", |out| hexadecimal(out, start.map_or(&[], |start| start))));
}

/// Place of the `sni` value among a name's rendered parts.
pub(super) const SNI: usize = 0;
/// Place of `tls.client.server_name`.
pub(super) const SERVER_NAME: usize = 1;
/// Place of the `mesh` object's members.
const MESH: usize = 2;

/// One JSON form of a name: made once, for a mesh uses few names again and again.
pub(super) fn rendered(name: &Name, part: usize) -> &[u8] {
    let parts = name.rendered.0.get_or_init(|| {
        let form = |fill: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            fill(&mut out);
            out.into_boxed_slice()
        };
        let sni = form(&|out| serialize(out, &name.text));
        let server_name = form(&|out| serialize(out, &name.wire));
        let mesh = form(&|out| serialize(out, &name.target));
        Box::new([sni, server_name, mesh])
    });
    parts.get(part).map_or(b"null", |part| part)
}

/// Appends an address as a string.
pub(super) fn address(out: &mut Vec<u8>, ip: IpAddr) {
    let IpAddr::V4(v4) = ip else {
        serialize(out, &ip);
        return;
    };
    out.push(b'"');
    for (place, octet) in v4.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        let width = 1 + usize::from(octet > 9) + usize::from(octet > 99);
        digits(out, u32::from(octet), width);
    }
    out.push(b'"');
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
