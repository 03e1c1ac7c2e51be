//! Names of Nomad's own RPC: `server.<region>.nomad` and `client.<region>.nomad`.
//!
//! Source: Nomad `helper/tlsutil/config.go`. The region stands in the datacenter's place. Jobs that use
//! Consul's mesh carry Consul's names.

use crate::naming::scheme::{Field, Fields, Parts, Reading, Scheme};

/// The scheme.
pub struct Nomad;

impl Scheme for Nomad {
    fn name(&self) -> &'static str {
        "nomad"
    }

    fn help(&self) -> &'static str {
        "Nomad RPC: servers and clients of a region"
    }

    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>> {
        read(name)
    }

    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>> {
        read(name)
    }
}

fn read<'n, R: Reading<'n>>(name: &'n str) -> Option<R> {
    let (role, region) = name.strip_suffix(".nomad")?.split_once('.')?;
    let meaning = match role {
        "server" => "the region's Nomad servers",
        "client" => "the region's Nomad clients",
        _ => return None,
    };
    (!region.contains('.')).then(|| {
        R::new("nomad")
            .field(Field::Service, role, meaning)
            .field(Field::Datacenter, region, "Nomad region")
            .mark("nomad", "marker of Nomad's own traffic")
    })
}
