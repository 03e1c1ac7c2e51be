//! The JSON of a record, as far as it matters here: borrowed from the line.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;

/// A record, as far as it matters here. Members that are not named are passed over.
#[derive(Deserialize)]
pub(super) struct Raw<'a> {
    pub(super) schema_version: Option<u64>,
    #[serde(rename = "@timestamp", borrow)]
    pub(super) timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) sni: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) event: Option<Event<'a>>,
    #[serde(borrow)]
    pub(super) observer: Option<Observer<'a>>,
    #[serde(borrow)]
    pub(super) source: Option<Endpoint<'a>>,
    #[serde(borrow)]
    pub(super) destination: Option<Endpoint<'a>>,
    #[serde(borrow)]
    pub(super) network: Option<Network<'a>>,
    #[serde(borrow)]
    pub(super) tls: Option<Tls<'a>>,
    #[serde(borrow)]
    pub(super) handshake: Option<Shake<'a>>,
    #[serde(borrow)]
    pub(super) mesh: Option<Mesh<'a>>,
    pub(super) capture: Option<Capture>,
}

/// A text, borrowed where it has no escapes: within an `Option`, serde borrows no bare `Cow`.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) action: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Observer<'a> {
    #[serde(borrow)]
    pub(super) hostname: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Endpoint<'a> {
    #[serde(borrow)]
    pub(super) ip: Option<Text<'a>>,
    pub(super) port: Option<u16>,
}

#[derive(Deserialize)]
pub(super) struct Network<'a> {
    #[serde(borrow)]
    pub(super) transport: Text<'a>,
    #[serde(borrow)]
    pub(super) protocol: Option<Text<'a>>,
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
}

#[derive(Deserialize)]
pub(super) struct Tls<'a> {
    #[serde(borrow)]
    pub(super) client: Option<Client<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Client<'a> {
    #[serde(borrow)]
    pub(super) server_name: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Shake<'a> {
    #[serde(borrow)]
    pub(super) result: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) by: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) cause: Option<Text<'a>>,
    pub(super) latency_ms: Option<f64>,
    pub(super) tcp_rtt_ms: Option<f64>,
    pub(super) total_ms: Option<f64>,
    pub(super) alert: Option<Warning>,
    #[serde(default)]
    pub(super) hello_retry: bool,
    #[serde(default)]
    pub(super) retransmits: u32,
    pub(super) attempts: Option<u64>,
    pub(super) index: Option<u8>,
    #[serde(default)]
    pub(super) hello_bytes: u32,
    #[serde(default)]
    pub(super) hello_segments: u16,
    #[serde(default)]
    pub(super) hello_records: u16,
    #[serde(borrow)]
    pub(super) hello_digest: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ech: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) random: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Warning {
    pub(super) code: u8,
}

#[derive(Deserialize)]
pub(super) struct Mesh<'a> {
    #[serde(default, borrow)]
    pub(super) flags: Vec<Text<'a>>,
    #[serde(borrow)]
    pub(super) source_service: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source_datacenter: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source_namespace: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source_partition: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) role: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) hop: Option<Hop<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Hop<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow)]
    pub(super) leg: Option<Text<'a>>,
    pub(super) gateway_ms: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct Capture {
    pub(super) packet: Option<u64>,
    #[serde(default)]
    pub(super) truncated: bool,
    #[serde(default)]
    pub(super) gap: bool,
    #[serde(default)]
    pub(super) conflict: bool,
}
