//! One record about a connection as JSON, member after member in the order of `docs/schema/v1.json`.
//!
//! Neighbouring keys and words are one literal where they can be: a record is some forty appends.

use crate::model::directory::Directory;
use crate::model::observation::{Action, Observation, Outcome, Traffic};
use crate::output::certificate;
use crate::output::mesh;
use crate::output::origin::RenderedOrigin;
use crate::output::residents;
use crate::output::said::handshake;
use crate::output::shape::Shapes;
use crate::output::text::Text;
use crate::output::words::Reason;

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

/// The rest of a record, without its closing brace.
pub(super) fn flow(t: &mut Text<'_>, observation: &Observation, place: &Place<'_>, shapes: &mut Shapes) {
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
    shapes.put(t, observation, place.verbosity);
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
    let mut separator = "";
    if !ip.is_unspecified() {
        t.lit("\"ip\":");
        t.address(ip);
        separator = ",";
    }
    if port != 0 {
        t.lit(separator);
        t.lit("\"port\":");
        t.number(port);
        separator = ",";
    }
    if let Some(traffic) = traffic {
        t.lit(separator);
        t.lit("\"bytes\":");
        t.number(traffic.bytes);
        t.lit(",\"packets\":");
        t.number(traffic.packets);
    }
    t.lit("}");
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
    t.identity(hello.random.first_chunk().copied().unwrap_or_default());
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
    let mut separator = "";
    for (set, literal) in [
        (marks.truncated, "\"truncated\":true"),
        (marks.gap, "\"gap\":true"),
        (marks.conflict, "\"conflict\":true"),
    ] {
        if set {
            t.lit(separator);
            t.lit(literal);
            separator = ",";
        }
    }
    if let Some(file) = file {
        t.lit(separator);
        t.lit("\"file\":");
        t.raw(file.file());
        t.lit(",\"packet\":");
        t.number(observation.packet);
    }
    t.lit("}");
}
