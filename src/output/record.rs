//! One record about a connection as JSON, member after member in the order of `docs/schema/v1.json`.
//!
//! Neighbouring keys and words are one literal where they can be: a record is some forty appends.

use crate::model::frame::{Origin, Timestamp};
use crate::model::hello::{Alert, ServerHello, Version};
use crate::model::name::{Name, Parts};
use crate::model::observation::{Action, Handshake, HelloFacts, Observation, Outcome, Traffic};
use crate::model::segment::{FlowKey, Hosts, Transport, Vlans};
use crate::model::stats::RunStats;
use crate::output::community;
use crate::output::escape::Printable;
use crate::output::text::{Text, serialize};
use crate::output::words::{Cipher, Reason, VersionNumber, protocols, version_number, version_protocol};

/// What a record needs besides the observation.
pub(super) struct Place<'o> {
    /// Where it was seen.
    pub(super) origin: Option<&'o RenderedOrigin>,
    /// How often `-v` was given.
    pub(super) verbosity: u8,
    /// The record's number.
    pub(super) sequence: u64,
}

/// What a record says of its input, as JSON: made once.
pub(super) struct RenderedOrigin {
    observer: Vec<u8>,
    node: Vec<u8>,
    /// Empty for an interface.
    file: Vec<u8>,
}

impl RenderedOrigin {
    /// The forms of one input.
    pub(super) fn new(origin: &Origin) -> Self {
        let (mut observer, mut node, mut file) = (Vec::new(), Vec::new(), Vec::new());
        serialize(&mut node, &origin.node);
        let mut t = Text(&mut observer);
        t.lit(",\"observer\":{\"hostname\":");
        t.raw(&node);
        if origin.live {
            t.lit(",\"ingress\":{\"interface\":{\"name\":");
            t.string(&origin.name);
            t.lit("}}");
        } else {
            serialize(&mut file, &origin.name);
        }
        t.lit("}");
        Self { observer, node, file }
    }
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
        t.raw(rendered(name).sni);
    }
    event(t, observation, place.sequence);
    if let Some(origin) = place.origin {
        t.raw(&origin.observer);
    }
    endpoints(t, observation);
    network(t, observation, place.verbosity);
    tls(t, observation, place.verbosity);
    handshake(t, observation, place.verbosity);
    mesh(t, observation);
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
fn endpoints(t: &mut Text<'_>, observation: &Observation) {
    let flow = &observation.flow;
    let (client, server) = observation.traffic.unzip();
    endpoint(t, ",\"source\":{", (flow.source_ip(), flow.ports.0), client);
    endpoint(t, ",\"destination\":{", (flow.destination_ip(), flow.ports.1), server);
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
    t.lit(",\"protocol\":\"tls\"");
    // The identifier is of one flow: a record without a source port stands for several.
    if verbosity >= 1 && flow.ports.0 != 0 {
        t.lit(",\"community_id\":");
        t.string(community::id(flow, &mut [0; 30]));
    }
    vlans(t, observation.vlans);
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

/// A version, as a number where it has one.
fn version(t: &mut Text<'_>, version: Version) {
    match version_number(version) {
        Some(number) => t.word(number),
        None => t.display(&VersionNumber(version)),
    }
}

fn tls(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
    let hello = observation.hello.as_ref().filter(|_| verbosity >= 1);
    let server = observation.server.as_ref();
    if let Some(server) = server {
        server_hello(t, server, observation.handshake.as_ref());
    }
    if let Some(hello) = hello {
        t.lit(if server.is_some() { ",\"client\":{" } else { ",\"tls\":{\"client\":{" });
        client(t, observation.name.as_deref(), hello);
        t.lit("}");
    }
    if server.is_some() || hello.is_some() {
        t.lit("}");
    }
}

fn client(t: &mut Text<'_>, name: Option<&Name>, hello: &HelloFacts) {
    if let Some(name) = name.filter(|name| name.wire.is_some()) {
        t.lit("\"server_name\":");
        t.raw(rendered(name).server_name);
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

fn handshake(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
    let mut separator = ",\"handshake\":{";
    if let Some(handshake) = &observation.handshake {
        t.lit(separator);
        outcome(t, handshake);
        separator = ",";
    }
    if let Some(hello) = &observation.hello {
        t.lit(separator);
        t.lit("\"index\":");
        t.number(hello.index);
        t.lit(",\"hello_bytes\":");
        t.number(hello.bytes);
        t.lit(",\"hello_segments\":");
        t.number(hello.segments);
        t.lit(",\"hello_records\":");
        t.number(hello.records);
        t.lit(if hello.ech { ",\"ech\":\"grease_or_real\"" } else { ",\"ech\":\"none\"" });
        if verbosity >= 2 {
            t.lit(",\"random\":");
            t.hexadecimal(&hello.random);
        }
    }
    if observation.handshake.is_some() || observation.hello.is_some() {
        t.lit("}");
    }
}

/// How the handshake went.
fn outcome(t: &mut Text<'_>, handshake: &Handshake) {
    t.lit("\"result\":");
    t.word(handshake.result.name());
    if let Some(peer) = handshake.by {
        t.lit(",\"by\":");
        t.word(peer.name());
    }
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

/// What the name means to the mesh, and the hello's identity on every hop.
fn mesh(t: &mut Text<'_>, observation: &Observation) {
    let (Some(name), Some(hello)) = (&observation.name, &observation.hello) else { return };
    t.lit(",\"mesh\":");
    let members = rendered(name).mesh;
    t.raw(members.strip_suffix(b"}").unwrap_or(members));
    t.lit(",\"hop\":{\"id\":");
    t.hexadecimal(hello.random.first_chunk::<8>().map_or(&[], |start| start));
    t.lit("}}");
}

fn capture(t: &mut Text<'_>, observation: &Observation, origin: Option<&RenderedOrigin>) {
    let marks = observation.marks;
    let file = origin.filter(|origin| !origin.file.is_empty());
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
        t.raw(&file.file);
        t.lit(",\"packet\":");
        t.number(observation.packet);
    }
    t.0.remove(begun);
    t.lit("}");
}

/// A name's JSON forms.
struct Forms<'n> {
    /// `sni`.
    sni: &'n [u8],
    /// `tls.client.server_name`.
    server_name: &'n [u8],
    /// The `mesh` object.
    mesh: &'n [u8],
}

/// A name's JSON forms: made once, for a mesh uses few names again and again.
fn rendered(name: &Name) -> Forms<'_> {
    let parts = name.rendered.0.get_or_init(|| {
        let mut bytes = Vec::with_capacity(512);
        let length = |bytes: &Vec<u8>| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        serialize(&mut bytes, &name.text);
        let first = length(&bytes);
        serialize(&mut bytes, &name.wire);
        let second = length(&bytes);
        serialize(&mut bytes, &name.target);
        Parts { bytes: bytes.into_boxed_slice(), cuts: [first, second] }
    });
    let [first, second] = parts.cuts.map(|cut| cut as usize);
    Forms {
        sni: parts.bytes.get(..first).unwrap_or(b"null"),
        server_name: parts.bytes.get(first..second).unwrap_or(b"null"),
        mesh: parts.bytes.get(second..).unwrap_or(b"{}"),
    }
}

/// The rest of a `capture_stats` record, without its closing brace.
pub(super) fn stats(t: &mut Text<'_>, stats: &RunStats, sequence: u64, first: Option<&RenderedOrigin>) {
    t.lit(",\"event\":{\"kind\":\"metric\",\"category\":[\"network\"],\"type\":[\"info\"],");
    t.lit("\"action\":\"capture_stats\",\"sequence\":");
    t.number(sequence);
    t.lit("}");
    if let Some(first) = first {
        t.lit(",\"observer\":{\"hostname\":");
        t.raw(&first.node);
        t.lit("}");
    }
    let flows = &stats.flows;
    let counts = [
        (",\"capture\":{\"packets\":", stats.packets),
        (",\"bytes\":", stats.bytes),
        (",\"received_by_filter\":", stats.source.received),
        (",\"dropped_by_kernel\":", stats.source.dropped_by_kernel),
        (",\"dropped_by_interface\":", stats.source.dropped_by_interface),
        (",\"dropped_by_app\":", stats.dropped_by_app),
        ("},\"flows\":{\"active\":", flows.active),
        (",\"total\":", flows.total),
        (",\"with_sni\":", flows.with_sni),
        (",\"without_sni\":", flows.without_sni),
        (",\"ech\":", flows.ech),
        (",\"incomplete_hello\":", flows.incomplete_hello),
        (",\"evicted\":", flows.evicted),
    ];
    for (key, count) in counts {
        t.lit(key);
        t.number(count);
    }
    t.lit("}");
}
