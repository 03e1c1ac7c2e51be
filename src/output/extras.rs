//! What `-v` and `-vv` add to a line.

use crate::model::observation::{HelloFacts, Observation};
use crate::output::certificate::{self, name_notes};
use crate::output::community;
use crate::output::words::{Cipher, Hexadecimal, Span, VersionName, protocols};

/// Adds words to a line.
pub(super) type Add<'a> = dyn FnMut(std::fmt::Arguments<'_>) + 'a;

/// `-v`: the hello, and the version that came of it.
pub(super) fn hello(add: &mut Add<'_>, hello: &HelloFacts, observation: &Observation) {
    add(format_args!("hello {} B in {} seg", hello.bytes, hello.segments));
    match &observation.server {
        Some(server) => add(format_args!("{}", VersionName(server.version))),
        None => add(format_args!("offers {}", VersionName(hello.offered))),
    }
    if let Some(list) = &hello.alpn {
        let names: Vec<String> = protocols(list).map(|name| name.to_string()).collect();
        add(format_args!("ALPN {}", names.join(" ")));
    }
    for note in name_notes(observation) {
        add(format_args!("{note}"));
    }
    if let Some(handshake) = &observation.handshake {
        if handshake.hello_retry {
            add(format_args!("hello retried"));
        }
        if handshake.resumed == Some(true) {
            add(format_args!("resumed"));
        }
    }
}

/// `-vv`: what joins the line to other tools.
pub(super) fn details(add: &mut Add<'_>, observation: &Observation) {
    if let Some(server) = &observation.server {
        add(format_args!("{}", Cipher(server)));
    }
    if let Some(rtt) = observation.handshake.as_ref().and_then(|handshake| handshake.tcp_rtt) {
        add(format_args!("rtt {}", Span(rtt)));
    }
    if let Some(tag) = observation.vlans.outer {
        add(format_args!("vlan {tag}"));
    }
    if let Some(tunnel) = observation.tunnel {
        match (tunnel.kind.name(), tunnel.id()) {
            (kind, Some(id)) => add(format_args!("{kind} {id}")),
            (kind, None) => add(format_args!("{kind}")),
        }
    }
    certificate::tell(add, observation);
    add(format_args!("packet {}", observation.packet));
    if observation.flow.ports.0 != 0 {
        add(format_args!("community {}", community::id(&observation.flow, &mut [0; 30])));
    }
    if let Some(hello) = &observation.hello {
        add(format_args!("random {}", Hexadecimal(&hello.random)));
    }
}
