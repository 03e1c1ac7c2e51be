//! One record about a connection as JSON, member after member in the order of `docs/schema/v1.json`.
//!
//! Neighbouring keys and words are one literal where they can be: a record is some forty appends.

use crate::model::directory::Directory;
use crate::model::frame::Timestamp;
use crate::model::observation::{Action, Observation, Outcome, Traffic};
use crate::model::segment::{FlowKey, Hosts, Transport, Vlans};
use crate::output::certificate;
use crate::output::origin::RenderedOrigin;
use crate::output::said::{handshake, tls};
use crate::output::text::Text;
use crate::output::words::Reason;
use crate::output::{community, mesh, residents};

/// What a record needs besides the observation.
pub(super) struct Place<'o> {
    /// Where it was seen.
    pub(super) origin: Option<&'o RenderedOrigin>,
    /// How often `-v` was given.
    pub(super) verbosity: u8,
    /// The record's number.
    pub(super) sequence: u64,
    /// The member `local_datacenter` with a comma in front, or nothing.
    pub(super) local: &'o [u8],
    /// Who lives where, with `--catalog`.
    pub(super) directory: Option<&'o Directory>,
}

/// The member `local_datacenter` with a comma in front; nothing where it is not known.
pub(super) fn local(datacenter: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(datacenter) = datacenter {
        let mut t = Text(&mut out);
        t.lit(",\"local_datacenter\":");
        t.string(datacenter);
    }
    out
}

/// The members that every record begins with; the version rises only when a field is renamed, retyped,
/// removed or changes its meaning.
pub(super) fn moment(t: &mut Text<'_>, date: &str, time: Timestamp) {
    t.lit("{\"@timestamp\":\"");
    t.raw(date.as_bytes());
    t.lit(".");
    t.digits(time.subsec_nanos(), 9);
    t.lit("Z\",\"ts\":");
    t.number(time.seconds());
    t.lit(".");
    t.digits(time.subsec_nanos() / 1000, 6);
    t.lit(",\"schema_version\":1");
}

/// The rest of a record, without its closing brace.
pub(super) fn flow(t: &mut Text<'_>, observation: &Observation, place: &Place<'_>) {
    if let Some(name) = &observation.name {
        t.lit(",\"sni\":");
        match name.text() {
            Some(text) => t.escaped(text),
            None => t.lit("null"),
        }
    }
    event(t, observation, place.sequence);
    if let Some(origin) = place.origin {
        t.raw(origin.observer());
    }
    endpoints(t, observation, place.directory);
    network(t, observation, place.verbosity);
    tls(t, observation, place.verbosity);
    handshake(t, observation, place.verbosity);
    aim(t, observation, place.local);
    capture(t, observation, place.origin);
}

/// ECS: a peer that said no is `denied`; an answer that nobody could see is `unknown`, no failure.
fn event(t: &mut Text<'_>, observation: &Observation, sequence: u64) {
    let handshake = observation.handshake.as_ref();
    let result = handshake.map(|handshake| handshake.result);
    t.lit(",\"event\":{\"kind\":\"event\",\"category\":[\"network\"],\"type\":[\"connection\",");
    t.lit(match (observation.action, result) {
        (Action::Hello, _) => "\"start\"],\"action\":\"tls_client_hello\",\"outcome\":",
        (Action::End, _) => "\"end\"],\"action\":\"tls_flow_end\",\"outcome\":",
        (Action::Handshake, Some(Outcome::Alert | Outcome::Refused)) => {
            "\"protocol\",\"denied\"],\"action\":\"tls_handshake\",\"outcome\":"
        }
        (Action::Handshake, _) => "\"protocol\"],\"action\":\"tls_handshake\",\"outcome\":",
    });
    t.lit(match result {
        Some(Outcome::Ok) => "\"success\"",
        None | Some(Outcome::NotSeen) => "\"unknown\"",
        Some(_) => "\"failure\"",
    });
    if let Some(failed) = handshake.filter(|handshake| handshake.result != Outcome::Ok) {
        t.lit(",\"reason\":");
        t.display(&Reason(observation, failed));
    }
    if let Some(total) = handshake.and_then(|handshake| handshake.total) {
        t.lit(",\"duration\":");
        t.number(total);
    }
    t.lit(",\"sequence\":");
    t.number(sequence);
    t.lit("}");
}

/// Client and server, with their traffic at the end of a connection.
fn endpoints(t: &mut Text<'_>, observation: &Observation, directory: Option<&Directory>) {
    let flow = &observation.flow;
    let (client, server) = observation.traffic.unzip();
    endpoint(t, ",\"source\":{", (flow.source_ip(), flow.ports.0), client);
    if let Some(ahead) = &observation.ahead {
        address(t, ahead.source.as_deref());
    }
    if let Some(directory) = directory {
        residents::members(t, directory, flow.source_ip(), None);
    }
    endpoint(t, ",\"destination\":{", (flow.destination_ip(), flow.ports.1), server);
    if let Some(ahead) = &observation.ahead {
        address(t, ahead.destination.as_deref());
    }
    if let Some(directory) = directory {
        residents::members(t, directory, flow.destination_ip(), Some(flow.ports.1));
    }
}

/// Puts what a preface names into the endpoint that was just written.
#[cold]
fn address(t: &mut Text<'_>, named: Option<&str>) {
    if let Some(named) = named {
        t.0.pop();
        t.lit(",\"address\":");
        t.string(named);
        t.lit("}");
    }
}

/// An unspecified address and port 0 stand for several, and are left out.
fn endpoint(
    t: &mut Text<'_>,
    key: &'static str,
    (ip, port): (std::net::IpAddr, u16),
    traffic: Option<Traffic>,
) {
    if ip.is_unspecified() && port == 0 && traffic.is_none() {
        return;
    }
    t.lit(key);
    let begun = t.0.len();
    if !ip.is_unspecified() {
        t.lit(",\"ip\":");
        t.address(ip);
    }
    if port != 0 {
        t.lit(",\"port\":");
        t.number(port);
    }
    if let Some(traffic) = traffic {
        t.lit(",\"bytes\":");
        t.number(traffic.bytes);
        t.lit(",\"packets\":");
        t.number(traffic.packets);
    }
    // the comma ahead of the first member
    t.0.remove(begun);
    t.lit("}");
}

fn network(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
    let flow: &FlowKey = &observation.flow;
    t.lit(match (flow.transport, flow.hosts) {
        (Transport::Tcp, Hosts::V4(..)) => ",\"network\":{\"transport\":\"tcp\",\"type\":\"ipv4\"",
        (Transport::Tcp, Hosts::V6(..)) => ",\"network\":{\"transport\":\"tcp\",\"type\":\"ipv6\"",
        (Transport::Udp, Hosts::V4(..)) => ",\"network\":{\"transport\":\"udp\",\"type\":\"ipv4\"",
        (Transport::Udp, Hosts::V6(..)) => ",\"network\":{\"transport\":\"udp\",\"type\":\"ipv6\"",
    });
    t.lit(",\"protocol\":");
    t.word(observation.protocol);
    // The identifier is of one flow: a record without a source port stands for several.
    if verbosity >= 1 && flow.ports.0 != 0 {
        t.lit(",\"community_id\":");
        t.string(community::id(flow, &mut [0; 30]));
    }
    vlans(t, observation.vlans);
    if let Some(tunnel) = observation.tunnel {
        t.lit(",\"tunnel\":{\"type\":");
        t.word(tunnel.kind.name());
        if let Some(id) = tunnel.id() {
            t.lit(",\"id\":");
            t.number(id);
        }
        t.lit("}");
    }
    t.lit("}");
}

fn vlans(t: &mut Text<'_>, vlans: Vlans) {
    if let Some(outer) = vlans.outer {
        t.lit(",\"vlan\":{\"id\":");
        t.number(outer);
        t.lit("}");
    }
    if let Some(inner) = vlans.inner {
        t.lit(",\"inner\":{\"vlan\":{\"id\":");
        t.number(inner);
        t.lit("}}");
    }
}

/// What the name means to the mesh, and the hello's identity on every hop; a hello that is not TLS has none.
fn aim(t: &mut Text<'_>, observation: &Observation, local: &[u8]) {
    let Some(name) = &observation.name else { return };
    t.lit(",\"mesh\":");
    mesh::members(t, name);
    if let Some(role) = observation.role {
        t.raw(local);
        t.lit(",\"role\":");
        t.word(role.name());
    }
    certificate::source(t, observation);
    let Some(hello) = &observation.hello else { return t.lit("}") };
    t.lit(",\"hop\":{\"id\":");
    t.hexadecimal(hello.random.first_chunk::<8>().map_or(&[], |start| start));
    if let Some(hop) = observation.hop {
        t.lit(",\"leg\":");
        t.word(hop.leg.name());
        if let Some(gateway) = hop.gateway {
            t.lit(",\"gateway_ms\":");
            t.millis(gateway);
        }
    }
    t.lit("}}");
}

fn capture(t: &mut Text<'_>, observation: &Observation, origin: Option<&RenderedOrigin>) {
    let marks = observation.marks;
    let file = origin.filter(|origin| origin.is_file());
    if file.is_none() && !(marks.truncated || marks.gap || marks.conflict) {
        return;
    }
    t.lit(",\"capture\":{");
    let begun = t.0.len();
    for (set, literal) in [
        (marks.truncated, ",\"truncated\":true"),
        (marks.gap, ",\"gap\":true"),
        (marks.conflict, ",\"conflict\":true"),
    ] {
        if set {
            t.lit(literal);
        }
    }
    if let Some(file) = file {
        t.lit(",\"file\":");
        t.raw(file.file());
        t.lit(",\"packet\":");
        t.number(observation.packet);
    }
    t.0.remove(begun);
    t.lit("}");
}
