//! The addresses of a flow, and text into a byte buffer.

use std::fmt::Arguments;
use std::io::Write;
use std::net::SocketAddr;

use crate::model::segment::FlowKey;

/// `10.42.0.17:41022 > 10.128.0.10:443`; without a port where it stands for several.
pub(super) fn endpoints(out: &mut Vec<u8>, flow: &FlowKey) {
    for (ip, port, before) in
        [(flow.source_ip(), flow.ports.0, ""), (flow.destination_ip(), flow.ports.1, " > ")]
    {
        match port {
            0 => put(out, format_args!("{before}{ip}")),
            _ => put(out, format_args!("{before}{}", SocketAddr::new(ip, port))),
        }
    }
}

/// Appends text.
pub(super) fn put(out: &mut Vec<u8>, arguments: Arguments<'_>) {
    // Writing into memory cannot fail.
    let _ = out.write_fmt(arguments);
}
