//! Who lives at the two ends of a flow, as a catalog tells it: in a record, and in a line.

use std::fmt;
use std::net::IpAddr;

use crate::model::directory::{Directory, Resident};
use crate::model::segment::FlowKey;
use crate::output::addresses::put;
use crate::output::escape::escape;
use crate::output::text::Text;

/// Client and server. A client's port is none that a service has.
fn ends<'d>(directory: &'d Directory, flow: &FlowKey) -> [Resident<'d>; 2] {
    let port = Some(flow.ports.1).filter(|port| *port > 0);
    [directory.resident(flow.source_ip(), None), directory.resident(flow.destination_ip(), port)]
}

/// Adds the members `service` and `node` to the endpoint that was just written; nothing where neither is known.
#[cold]
pub(super) fn members(t: &mut Text<'_>, directory: &Directory, ip: IpAddr, port: Option<u16>) {
    let Resident { service, node } = directory.resident(ip, port);
    if service.is_none() && node.is_none() || t.0.pop_if(|last| *last == b'}').is_none() {
        return;
    }
    for (key, name) in [(",\"service\":", service), (",\"node\":", node)] {
        if let Some(name) = name {
            t.lit(key);
            t.string(name);
        }
    }
    t.lit("}");
}

/// Appends `  [payments@node-3 > mesh-gateway@gw1]`; nothing where nobody is known.
pub(super) fn line(out: &mut Vec<u8>, directory: &Directory, flow: &FlowKey) {
    let [client, server] = ends(directory, flow);
    if client != Resident::default() || server != Resident::default() {
        put(out, format_args!("  [{} > {}]", Shown(client), Shown(server)));
    }
}

/// `service@node`, one of them, or `?`.
struct Shown<'d>(Resident<'d>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Resident { service: Some(service), node: Some(node) } => {
                write!(f, "{}@{}", escape(service), escape(node))
            }
            Resident { service: Some(service), node: None } => f.write_str(&escape(service)),
            Resident { service: None, node: Some(node) } => write!(f, "@{}", escape(node)),
            Resident { service: None, node: None } => f.write_str("?"),
        }
    }
}
