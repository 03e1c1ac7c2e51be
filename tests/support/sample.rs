//! Hand-made observations for tests of outputs and of the tally; each takes `model` from its parent.
#![allow(dead_code, reason = "each test uses some of these")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::model::certificate::{AlternativeName, Certificate, Facts, Identity, Shown};
use super::model::frame::{Origin, OriginId, Timestamp};
use super::model::hello::{Alert, ServerHello, Version};
use super::model::name::{Field, Flags, Name, Values};
use super::model::observation::{
    Action, Handshake, HelloBytes, HelloFacts, Hop, Leg, Marks, Observation, Outcome, Peer, Traffic,
};
use super::model::segment::{FlowKey, Hosts, Transport, Tunnel, TunnelKind, Vlans};

/// 2026-10-09 10:31:07.402118 UTC.
pub(crate) const T0: Timestamp = Timestamp(1_791_541_867_402_118_000);

/// The trust domain of the sample names.
pub(crate) const TRUST_DOMAIN: &str = "c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul";

/// One interface, `ens4` of gateway `gw1`.
pub(crate) fn interface() -> Arc<[Origin]> {
    Arc::from([Origin { name: "ens4".into(), node: "gw1".into(), live: true }])
}

/// One file, `gw1.pcap`.
pub(crate) fn file() -> Arc<[Origin]> {
    Arc::from([Origin { name: "gw1.pcap".into(), node: "gw1".into(), live: false }])
}

/// A flow over IPv4.
pub(crate) fn flow(source: &str, ports: (u16, u16), destination: &str) -> FlowKey {
    let hosts = Hosts::V4(source.parse().unwrap(), destination.parse().unwrap());
    FlowKey { hosts, ports, transport: Transport::Tcp }
}

/// `service.default.dc.internal.<trust domain>` as Consul's naming scheme reads it.
pub(crate) fn mesh_name(service: &str, datacenter: &str) -> Arc<Name> {
    let text = format!("{service}.default.{datacenter}.internal.{TRUST_DOMAIN}");
    let mut values = Values::default();
    let pieces = [
        (Field::Service, service),
        (Field::Namespace, "default"),
        (Field::Datacenter, datacenter),
        (Field::TrustDomain, TRUST_DOMAIN),
    ];
    let mut begin = 0;
    for (field, piece) in pieces {
        let at = begin + text[begin..].find(piece).unwrap();
        begin = at + piece.len();
        values.set(field, at, begin);
    }
    values.imply(Field::Partition);
    Arc::new(Name::new(text.into(), None).meaning("consul-service", "consul", &values))
}

/// A name that no scheme knows.
pub(crate) fn foreign_name(text: &str) -> Arc<Name> {
    Arc::new(Name::new(text.into(), None))
}

/// A hello without a name.
pub(crate) fn no_name() -> Arc<Name> {
    Arc::new(Name::none("none", "plain", Flags::default()))
}

/// A hello whose random is 32 bytes that begin with `first` and go up by one.
pub(crate) fn hello(first: u8) -> HelloFacts {
    let mut random = [0; 32];
    for (place, byte) in random.iter_mut().zip(first..=u8::MAX) {
        *place = byte;
    }
    HelloFacts {
        random,
        offered: Version::TLS13,
        alpn: Some(Box::from(&b"\x02h2\x08http/1.1"[..])),
        bytes: 1742,
        segments: 2,
        records: 1,
        index: 0,
        digest: 0x00d1_9e57_00d1_9e57 + u64::from(first),
        ech: false,
        fingerprints: None,
    }
}

/// A TLS 1.3 answer.
pub(crate) fn server_hello() -> ServerHello {
    ServerHello {
        version: Version::TLS13,
        cipher: 0x1301,
        cipher_name: Some("TLS_AES_128_GCM_SHA256"),
        curve: Some("x25519"),
        ..ServerHello::default()
    }
}

/// The certificate of a service in Consul's mesh, valid for three days from [`T0`].
pub(crate) fn certificate(service: &str, datacenter: &str) -> Arc<Certificate> {
    let uri = format!("spiffe://{TRUST_DOMAIN}/ns/default/dc/{datacenter}/svc/{service}");
    let facts = Facts {
        subject: format!("CN={service}.svc.default.c0ffee00.consul").into(),
        subject_common_names: vec![format!("{service}.svc.default.c0ffee00.consul").into()],
        issuer: "CN=pri-1dzqe1ju.consul.ca.c0ffee00.consul".into(),
        issuer_common_names: vec!["pri-1dzqe1ju.consul.ca.c0ffee00.consul".into()],
        not_before: 1_791_541_867,
        not_after: 1_791_801_067,
        serial: "0B".into(),
        names: vec![AlternativeName::Uri(uri.into())],
        sha256: [0xa5; 32],
    };
    let identity = Identity {
        service: Some(service.into()),
        namespace: Some("default".into()),
        partition: None,
        datacenter: Some(datacenter.into()),
    };
    Arc::new(Certificate { facts: Some(facts), identity, ..Certificate::default() })
}

/// A certificate of a stranger who means no good.
pub(crate) fn hostile_certificate() -> Arc<Certificate> {
    let evil: Box<str> = "\u{1b}[2J\u{202e}\"\\".into();
    let facts = Facts {
        subject: evil.clone(),
        subject_common_names: vec![evil.clone(), evil.clone()],
        names: vec![AlternativeName::Dns(evil.clone()), AlternativeName::Other(evil)],
        not_before: i64::MIN,
        not_after: i64::MAX,
        ..Facts::default()
    };
    let identity = Identity {
        service: Some("\\x1b[2j".into()),
        namespace: Some("shop".into()),
        partition: Some("ops".into()),
        datacenter: None,
    };
    Arc::new(Certificate { facts: Some(facts), identity, ..Certificate::default() })
}

/// A handshake with this result after 4.6 ms.
pub(crate) fn handshake(result: Outcome) -> Handshake {
    Handshake {
        result,
        by: Some(Peer::Server),
        cause: None,
        latency: Some(4_600_000),
        tcp_rtt: Some(540_000),
        total: Some(5_212_345),
        alert: None,
        hello_retry: false,
        retransmits: 0,
        attempts: None,
        established: Some(result == Outcome::Ok),
        resumed: Some(false),
    }
}

/// `currency` in `dc2`, well answered, seen on the only origin.
pub(crate) fn ok() -> Observation {
    Observation {
        action: Action::Handshake,
        time: T0,
        completed: T0.plus(4_600_000),
        origin: OriginId(0),
        packet: 4,
        protocol: "tls",
        flow: flow("10.42.0.17", (41022, 443), "10.128.0.10"),
        vlans: Vlans::default(),
        tunnel: None,
        ahead: None,
        hello: Some(hello(0xb1)),
        name: Some(mesh_name("currency", "dc2")),
        role: None,
        hop: Some(Hop { leg: Leg::In, gateway: None }),
        server: Some(server_hello()),
        shown: Shown::default(),
        handshake: Some(handshake(Outcome::Ok)),
        traffic: None,
        marks: Marks::default(),
        bytes: None,
    }
}

/// The same hello without an answer of the server: `outcome` is how it went instead.
pub(crate) fn failed(outcome: Outcome) -> Observation {
    let mut it = ok();
    it.server = None;
    let mut how = handshake(outcome);
    how.latency = Some(612_000);
    match outcome {
        Outcome::Ok => {
            it.server = Some(server_hello());
        }
        Outcome::Alert => {
            how.by = Some(Peer::Client);
            how.alert = Some(Alert { level: 2, code: 48, name: "unknown_ca" });
        }
        Outcome::Timeout => {
            (how.by, how.latency, how.total, how.retransmits) = (None, None, None, 3);
            it.completed = T0.plus(10_000_000_000);
        }
        Outcome::Refused => {
            (it.hello, it.name) = (None, None);
            it.flow = flow("10.42.0.17", (0, 443), "10.132.0.9");
            (how.latency, how.attempts) = (Some(300_000), Some(9));
            (how.established, how.resumed) = (None, None);
        }
        Outcome::IncompleteHello => (it.hello, it.name, how.by, how.latency) = (None, None, None, None),
        Outcome::NotSeen => (how.by, how.latency, how.total, how.established) = (None, None, None, None),
        Outcome::Reset | Outcome::Closed => (),
    }
    it.handshake = Some(how);
    it
}

/// The record of a hello alone.
pub(crate) fn hello_record() -> Observation {
    Observation { action: Action::Hello, server: None, handshake: None, ..ok() }
}

/// The record of a connection's end.
pub(crate) fn end_record(outcome: Outcome) -> Observation {
    let traffic = (Traffic { bytes: 2100, packets: 12 }, Traffic { bytes: 5240, packets: 9 });
    Observation { action: Action::End, traffic: Some(traffic), ..failed(outcome) }
}

/// An observation with everything that is rare: IPv6, QinQ, a tunnel, marks, a hello retry, hostile bytes.
pub(crate) fn rare() -> Observation {
    let mut it = ok();
    let (client, server) = ("2001:db8::17", "2001:db8:1::a");
    it.flow.hosts = Hosts::V6(client.parse().unwrap(), server.parse().unwrap());
    it.vlans = Vlans { outer: Some(100), inner: Some(7) };
    it.tunnel = Some(Tunnel::new(TunnelKind::VxlanGpe, Some(5001)));
    it.marks = Marks { truncated: true, gap: true, conflict: true };
    let hello = it.hello.as_mut().unwrap();
    (hello.index, hello.ech, hello.alpn) = (1, true, Some(Box::from(&b"\x03a\xff\"\x02\x0d\x0a"[..])));
    it.name = Some(foreign_name("\u{1b}[2j\u{202e}.example"));
    it.server.as_mut().unwrap().alpn = Some(Box::from(&b"h2"[..]));
    it.handshake.as_mut().unwrap().hello_retry = true;
    let bytes = HelloBytes { head: Box::from(&b"head"[..]), records: Box::from(&b"\x16\x03\x01dc2"[..]) };
    it.bytes = Some(Box::new(bytes));
    it
}

/// A hello with a name that is not TLS, over UDP.
pub(crate) fn not_tls(action: Action) -> Observation {
    let flow = FlowKey { transport: Transport::Udp, ..ok().flow };
    let handshake = ok().handshake.filter(|_| action == Action::Handshake);
    Observation { action, protocol: "gquic", flow, hello: None, server: None, handshake, ..ok() }
}

/// A TLS 1.2 handshake in which these certificates crossed.
pub(crate) fn mutual(client: Option<Arc<Certificate>>, server: Option<Arc<Certificate>>) -> Observation {
    let mut it = ok();
    let answer = it.server.as_mut().unwrap();
    (answer.version, answer.curve) = (Version::TLS12, None);
    answer.ja3s = Some("0debd3853f330c574b05e0b6d882dc27".into());
    it.shown = Shown { client, server };
    it
}

/// Memory that a sink writes to and a test reads.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    /// What was written so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
