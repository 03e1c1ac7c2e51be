//! The PROXY protocol of `HAProxy`, versions 1 and 2: who the client behind a proxy is, ahead of all its bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::hello::cursor::Cursor;
use crate::hello::preface::row::{Memory, Named, Preface, Step, line, name, starts};

/// Longest header of version 1 with its end (specification §2.1).
const MAX_LINE: usize = 107;
/// Longest header of version 2 that is read, in bytes; its extensions are some hundred.
const MAX_HEADER: usize = 16 * 1024;
/// What version 2 begins with (§2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version 1: a line of text.
pub(super) struct ProxyV1;

impl Preface for ProxyV1 {
    fn name(&self) -> &'static str {
        "proxy_v1"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        if memory.phase > 0 || starts(bytes, b"PROXY ").is_none() {
            return Step::No;
        }
        match line(bytes, MAX_LINE) {
            Ok((text, len)) => match std::str::from_utf8(text).ok().and_then(ends) {
                Some(named) => {
                    *memory = Memory { phase: 1, named };
                    Step::Ask(len)
                }
                None => Step::No,
            },
            Err(step) => step,
        }
    }

    fn carries(&self) -> bool {
        true
    }
}

/// The ends that a line of version 1 names.
fn ends(text: &str) -> Option<Named> {
    let mut words = text.split(' ').skip(1);
    let family = words.next()?;
    if family == "UNKNOWN" {
        return Some(Named::default());
    }
    let mut next = || words.next()?.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv4() == (family == "TCP4"));
    let (source, destination) = (next()?, next()?);
    let ports = [words.next()?, words.next()?];
    let whole = ports.iter().all(|port| port.parse::<u16>().is_ok()) && words.next().is_none();
    (whole && matches!(family, "TCP4" | "TCP6")).then(|| of(source, destination))
}

fn of(source: IpAddr, destination: IpAddr) -> Named {
    let text = |ip: IpAddr| Some(ip.to_string().into_boxed_str());
    Named { source: text(source), destination: text(destination) }
}

/// Version 2: binary.
pub(super) struct ProxyV2;

impl Preface for ProxyV2 {
    fn name(&self) -> &'static str {
        "proxy_v2"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        match starts(bytes, SIGNATURE) {
            _ if memory.phase > 0 => return Step::No,
            None => return Step::No,
            Some(false) => return Step::More,
            Some(true) => {}
        }
        let mut rest = Cursor::new(bytes.get(SIGNATURE.len()..).unwrap_or_default());
        let (Some([command, family]), Some(len)) = (rest.array(), rest.u16()) else { return Step::More };
        let total = SIGNATURE.len() + 4 + usize::from(len);
        if command >> 4 != 2 || command & 0x0f > 1 || total > MAX_HEADER {
            return Step::No;
        }
        let Some(body) = rest.take(usize::from(len)) else { return Step::More };
        let proxied = command & 0x0f == 1;
        let named = proxied.then(|| addresses(*family, body)).flatten().unwrap_or_default();
        *memory = Memory { phase: 1, named };
        Step::Ask(total)
    }

    fn carries(&self) -> bool {
        true
    }
}

/// The ends in the address block of version 2; `None` where the family has none or the block is too short.
fn addresses(family: u8, body: &[u8]) -> Option<Named> {
    let mut body = Cursor::new(body);
    match family >> 4 {
        1 => {
            let [source, destination] = [body.array::<4>()?, body.array()?].map(|ip| Ipv4Addr::from(*ip));
            Some(of(source.into(), destination.into()))
        }
        2 => {
            let [source, destination] = [body.array::<16>()?, body.array()?].map(|ip| Ipv6Addr::from(*ip));
            Some(of(source.into(), destination.into()))
        }
        3 => {
            let [source, destination] = [body.array::<108>()?, body.array()?].map(|path| {
                let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
                name(path.get(..end).unwrap_or_default())
            });
            Some(Named { source, destination })
        }
        _ => None,
    }
}
