//! Short binary prefaces: remote desktops, RPC of Consul and Nomad, Telnet, AMQP, and NATS' greeting.

use crate::hello::preface::row::{Memory, Preface, Step, starts};

/// X.224 Connection Request that offers TLS (MS-RDPBCGR §2.2.1.1).
pub(super) struct Rdp;

/// Longest request, in bytes.
const MAX_REQUEST: u16 = 1024;
/// Bytes ahead of the cookie: TPKT header (RFC 1006 §6) and the fixed part of the request.
const REQUEST_HEAD: usize = 11;
/// Any of TLS, `CredSSP`, `RDSTLS`, `CredSSP` with early authorisation, Azure.
const SECURE: u8 = 0x1f;

impl Preface for Rdp {
    fn name(&self) -> &'static str {
        "rdp"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        if memory.phase > 0 || starts(bytes, &[3, 0]).is_none() {
            return Step::No;
        }
        let [_, _, high, low, ref rest @ ..] = *bytes else { return Step::More };
        let total = u16::from_be_bytes([high, low]);
        let plausible = (19..=MAX_REQUEST).contains(&total);
        // the indicator of the request's own length, then its code and class
        let head = match *rest {
            [len, code, ..] => u16::from(len) + 5 == total && code & 0xf0 == 0xe0,
            [len] => u16::from(len) + 5 == total,
            [] => true,
        };
        if !plausible || !head {
            return Step::No;
        }
        let total = usize::from(total);
        let Some(request) = bytes.get(REQUEST_HEAD..total) else { return Step::More };
        memory.phase = 1;
        if offers_tls(request) { Step::Ask(total) } else { Step::No }
    }
}

/// Looks for the negotiation request behind a cookie or a routing token.
fn offers_tls(request: &[u8]) -> bool {
    let end = request.windows(2).position(|pair| pair == b"\r\n").map_or(0, |at| at + 2);
    match request.get(end..) {
        Some([1, _, 8, 0, protocols, _, _, _, ..]) => protocols & SECURE != 0,
        _ => false,
    }
}

/// One byte ahead of TLS that says so: 3 and 7 of Consul's servers (port 8300), 4 of Nomad's (port 4647).
pub(super) struct Rpc {
    name: &'static str,
    kinds: &'static [u8],
}

/// `RPCTLS` and `RPCTLSInsecure`.
pub(super) static CONSUL: Rpc = Rpc { name: "consul_rpc", kinds: &[3, 7] };
/// `RpcTLS`.
pub(super) static NOMAD: Rpc = Rpc { name: "nomad_rpc", kinds: &[4] };

impl Preface for Rpc {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_brief(&self, bytes: &[u8]) -> bool {
        matches!(bytes, [kind] if self.kinds.contains(kind))
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        match bytes {
            [kind, rest @ ..] if memory.phase == 0 && self.kinds.contains(kind) => {
                memory.phase = 1;
                // the byte alone says too little
                match starts(rest, &[22, 3]) {
                    Some(true) => Step::Ask(1),
                    Some(false) => Step::More,
                    None => Step::No,
                }
            }
            _ => Step::No,
        }
    }
}

/// The option `START_TLS`, 46, of several Telnet clients.
pub(super) struct Telnet;

const IAC: u8 = 255;
const SB: u8 = 250;
/// Longest subnegotiation, in bytes.
const MAX_OPTION: usize = 512;
/// `IAC SB START_TLS FOLLOWS IAC SE`.
const FOLLOWS: &[u8] = &[IAC, SB, 46, 1, IAC, 240];

impl Telnet {
    fn unit(bytes: &[u8]) -> Step {
        match *bytes {
            [] | [IAC] | [IAC, 251..=254] => Step::More,
            [IAC, 251..=254, _, ..] => Step::Take(3),
            [IAC, SB, ..] => {
                let within = bytes.get(..bytes.len().min(MAX_OPTION)).unwrap_or_default();
                match within.windows(2).position(|pair| pair == [IAC, 240]) {
                    Some(at) => Step::Take(at + 2),
                    None if bytes.len() < MAX_OPTION => Step::More,
                    None => Step::No,
                }
            }
            _ => Step::No,
        }
    }
}

impl Preface for Telnet {
    fn name(&self) -> &'static str {
        "telnet"
    }

    fn step(&self, _: &mut Memory, bytes: &[u8]) -> Step {
        match Self::unit(bytes) {
            Step::Take(len) if bytes.get(..len) == Some(FOLLOWS) => Step::Ask(len),
            step => step,
        }
    }

    fn greets(&self, bytes: &[u8]) -> bool {
        matches!(bytes, [IAC, 251..=254, _, ..])
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        Self::unit(bytes)
    }
}

/// AMQP 1.0's own TLS layer (OASIS AMQP §5.2.1).
pub(super) struct Amqp;

/// `AMQP`, protocol 2 (TLS), version 1.0.0.
const AMQP_TLS: &[u8] = b"AMQP\x02\x01\x00\x00";

impl Preface for Amqp {
    fn name(&self) -> &'static str {
        "amqp"
    }

    fn step(&self, _: &mut Memory, bytes: &[u8]) -> Step {
        match starts(bytes, AMQP_TLS) {
            Some(true) => Step::Ask(AMQP_TLS.len()),
            Some(false) => Step::More,
            None => Step::No,
        }
    }

    fn reply(&self, bytes: &[u8]) -> Step {
        match starts(bytes, AMQP_TLS) {
            Some(true) => Step::Take(AMQP_TLS.len()),
            Some(false) => Step::More,
            None => Step::No,
        }
    }
}

/// NATS: the server speaks first, in clear; a client that wants TLS begins with its hello.
pub(super) struct Nats;

impl Preface for Nats {
    fn name(&self) -> &'static str {
        "nats"
    }

    fn step(&self, _: &mut Memory, _: &[u8]) -> Step {
        Step::No
    }

    fn greets(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(b"INFO {")
    }
}
