//! How a connection was carried, as JSON: the `network` member of a record.

use crate::model::observation::Observation;
use crate::model::segment::{FlowKey, Hosts, Transport, Vlans};
use crate::output::community;
use crate::output::text::Text;

/// The `network` member.
pub(super) fn network(t: &mut Text<'_>, observation: &Observation, verbosity: u8) {
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
