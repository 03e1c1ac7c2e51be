//! Reads one connection: whose packet it is, and which ones are worth opening.
//!
//! Keys belong to the version and the connection id that the client first wrote to (the original one). The
//! client goes over to the server's own id with its second flight, and the keys stay; a Retry or a version
//! negotiation begins anew, with new keys and an empty CRYPTO stream. Packets are opened until the hello and
//! the answer to it are known, and afterwards only where an end of the connection may be in them.

use std::collections::VecDeque;

use crate::hello::datagram::{Datagram, DatagramReader, Retry, Said};
use crate::hello::messages::Wanted;
use crate::hello::quic::keys::{Keys, Secret};
use crate::hello::quic::packet::{self, Id, Kind, Next, Packet};
use crate::hello::quic::speech::{Client, Server};
use crate::hello::quic::step::Step;
use crate::hello::quic::version::{self, Speech, Version};

/// What the keys of a connection follow from, and who its two sides are.
struct Path {
    number: u32,
    version: &'static Version,
    /// The id that the client's first packet was sent to.
    original: Id,
    secret: Secret,
    client_keys: Keys,
    /// The id that the client chose for itself.
    client: Id,
    /// The id that the server chose for itself, once it has.
    server: Option<Id>,
}

/// Reader of one connection.
pub(crate) struct Reader {
    speech: Speech,
    wanted: Wanted,
    /// `None` until the first packet was opened.
    path: Option<Path>,
    /// With the number of the version that the server speaks.
    server_keys: Option<(u32, Keys)>,
    /// The id that a Retry gave.
    retry: Option<Id>,
    /// The server does not speak the version.
    negotiation: bool,
    client: Client,
    server: Server,
    /// Handshake or application keys are in use: the client, the server.
    encrypted: (bool, bool),
    /// The datagram at hand belongs here.
    mine: bool,
    /// What is still to be said of it.
    queue: VecDeque<Step>,
}

impl Reader {
    /// A reader of a connection whose handshake is written so.
    pub(crate) fn new(speech: Speech) -> Self {
        Self {
            speech,
            wanted: Wanted::default(),
            path: None,
            server_keys: None,
            retry: None,
            negotiation: false,
            client: Client::default(),
            server: Server::default(),
            encrypted: (false, false),
            mine: false,
            queue: VecDeque::new(),
        }
    }

    /// Reads packets until one says something.
    fn walk(&mut self, datagram: &mut Datagram<'_>, scratch: &mut Vec<u8>) -> Option<Step> {
        while let Some(next) = packet::take(&mut datagram.bytes) {
            let step = match next {
                Next::Short(bytes) => self.short(bytes, datagram),
                Next::Long(packet) if datagram.forth => self.hear_client(&packet, datagram, scratch),
                Next::Long(packet) => self.hear_server(&packet, datagram, scratch),
            };
            self.mine |= step.is_some();
            let said = step.filter(|step| *step != Step::Nothing).or_else(|| self.queue.pop_front());
            if said.is_some() {
                return said;
            }
        }
        (!std::mem::take(&mut self.mine)).then_some(Step::NotMine)
    }

    /// A packet of the client's; `None` where it is not of this connection.
    fn hear_client(
        &mut self,
        packet: &Packet<'_>,
        datagram: &Datagram<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<Step> {
        let Some(path) = &self.path else { return self.open(packet, scratch) };
        let original = packet.to == path.original.as_bytes();
        let known = original || path.server.is_some_and(|id| packet.to == id.as_bytes());
        match packet.kind {
            Kind::Initial { .. } => {}
            Kind::Early if known => return Some(Step::Nothing),
            Kind::Handshake if known || (path.server.is_none() && datagram.alone) => {
                self.encrypted.0 = true;
                return Some(Step::Encrypted);
            }
            _ => return None,
        }
        if packet.version != path.number {
            let agreed = self.server_keys.as_ref().is_some_and(|(number, _)| *number == packet.version);
            return if known && agreed { Some(Step::Nothing) } else { self.restart(packet, scratch) };
        }
        if known && !self.is_worth_opening(self.encrypted.0, datagram.bytes) {
            return Some(Step::Nothing);
        }
        if known || path.server.is_none() {
            // where the server was not seen, any other id may be the one that it chose
            if let Some(payload) = unseal(packet, &path.client_keys, scratch) {
                let dialect = path.version.dialect;
                return Some(self.client.read(payload, dialect, self.speech, &mut self.queue));
            }
        }
        if known { None } else { self.restart(packet, scratch) }
    }

    /// True unless a packet can only hold acknowledgements: once the answer is known and `encrypted`, or
    /// ahead of a Handshake packet.
    fn is_worth_opening(&self, encrypted: bool, behind: &[u8]) -> bool {
        if !self.server.is_answered() || !self.client.is_whole() {
            return true;
        }
        let handshake = |next| matches!(next, Next::Long(Packet { kind: Kind::Handshake, .. }));
        !encrypted && !packet::take(&mut &*behind).is_some_and(handshake)
    }

    /// The first packet of the connection.
    fn open(&mut self, packet: &Packet<'_>, scratch: &mut Vec<u8>) -> Option<Step> {
        if !matches!(packet.kind, Kind::Initial { .. }) || packet.cut {
            return None;
        }
        let known = version::find(packet.version);
        let candidates: &[&'static Version] = match &known {
            Some(version) => std::slice::from_ref(version),
            None => &version::UNKNOWN,
        };
        candidates.iter().find_map(|version| self.begin(version, packet, scratch))
    }

    /// Takes a packet for the first one, if the keys of `version` open it.
    fn begin(
        &mut self,
        version: &'static Version,
        packet: &Packet<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<Step> {
        if version.speech != self.speech {
            return None;
        }
        let (original, client) = (Id::new(packet.to)?, Id::new(packet.from)?);
        let secret = Secret::new(version, packet.to);
        let client_keys = secret.keys(version, true);
        let payload = unseal(packet, &client_keys, scratch)?;
        self.client = Client::default();
        let step = self.client.read(payload, version.dialect, self.speech, &mut self.queue);
        let number = packet.version;
        self.path = Some(Path { number, version, original, secret, client_keys, client, server: None });
        (self.server, self.server_keys) = (Server::new(self.wanted), None);
        (self.retry, self.negotiation, self.encrypted) = (None, false, (false, false));
        Some(step)
    }

    /// An Initial to another id or of another version: the connection's again after a Retry or a version
    /// negotiation, else somebody else's.
    fn restart(&mut self, packet: &Packet<'_>, scratch: &mut Vec<u8>) -> Option<Step> {
        let path = self.path.as_ref()?;
        let same = packet.version == path.number;
        let retried = same && self.retry.is_some_and(|id| packet.to == id.as_bytes());
        if retried || (!same && self.negotiation) { self.open(packet, scratch) } else { None }
    }

    /// A packet of the server's; `None` where it is not of this connection.
    fn hear_server(
        &mut self,
        packet: &Packet<'_>,
        datagram: &Datagram<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<Step> {
        let path = self.path.as_mut()?;
        if packet.to != path.client.as_bytes() {
            return None;
        }
        match packet.kind {
            Kind::Initial { .. } => self.answer(packet, datagram.bytes, scratch),
            Kind::Handshake => {
                // to a client without an id it may be anybody's
                let known = path.server.is_some_and(|id| packet.from == id.as_bytes());
                if !known && packet.to.is_empty() && !datagram.alone {
                    return None;
                }
                path.server = path.server.or(Id::new(packet.from));
                self.encrypted.1 = true;
                Some(self.server.encrypts(self.speech, &mut self.queue))
            }
            Kind::Retry if packet.version == path.number && !self.server.is_answered() => {
                let news = self.retry.is_none();
                self.retry = self.retry.or(Id::new(packet.from));
                Some(if news { Step::Retry(Retry::Address) } else { Step::Nothing })
            }
            Kind::Negotiation if packet.from == path.original.as_bytes() && !self.server.is_answered() => {
                let news = !std::mem::replace(&mut self.negotiation, true);
                Some(if news { Step::Retry(Retry::Version) } else { Step::Nothing })
            }
            _ => None,
        }
    }

    /// An Initial of the server's: it may speak another version than the client began with (RFC 9368 §2).
    fn answer(&mut self, packet: &Packet<'_>, behind: &[u8], scratch: &mut Vec<u8>) -> Option<Step> {
        if !self.is_worth_opening(self.encrypted.1, behind) {
            return Some(Step::Nothing);
        }
        let path = self.path.as_mut()?;
        let same = packet.version == path.number;
        let version = if same { path.version } else { version::find(packet.version)? };
        let (_, keys) = match self.server_keys.take() {
            Some((number, keys)) if number == packet.version => self.server_keys.insert((number, keys)),
            _ => {
                let other = || Secret::new(version, path.original.as_bytes());
                let secret = if same { path.secret } else { other() };
                self.server_keys.insert((packet.version, secret.keys(version, false)))
            }
        };
        let payload = unseal(packet, keys, scratch)?;
        path.server = path.server.or(Id::new(packet.from));
        let step = self.server.read(payload, version.dialect, self.speech, &mut self.queue);
        if self.server.wants_hello() {
            self.queue.extend(self.client.expect_another(self.speech));
        }
        Some(step)
    }

    /// A packet with a short header: its sender has all keys.
    fn short(&mut self, bytes: &[u8], datagram: &Datagram<'_>) -> Option<Step> {
        let path = self.path.as_ref()?;
        if !datagram.forth {
            // without an id it may be anybody's
            let named = !path.client.as_bytes().is_empty() || datagram.alone;
            if !named || !bytes.starts_with(path.client.as_bytes()) {
                return None;
            }
            self.encrypted.1 = true;
            return Some(self.server.encrypts(self.speech, &mut self.queue));
        }
        let named = path.server.filter(|id| !id.as_bytes().is_empty());
        if !named.map_or(datagram.alone, |id| bytes.starts_with(id.as_bytes())) {
            return None;
        }
        let heard = self.server.is_answered() || self.encrypted.1;
        self.encrypted.0 = true;
        Some(if heard { Step::Established } else { Step::Encrypted })
    }
}

impl DatagramReader for Reader {
    fn next<'a, 'd: 'a>(
        &'a mut self,
        datagram: &mut Datagram<'d>,
        scratch: &'a mut Vec<u8>,
    ) -> Option<Said<'a>> {
        self.client.settle();
        let step = match self.queue.pop_front() {
            Some(step) => step,
            None => self.walk(datagram, scratch)?,
        };
        self.client.say(step, scratch)
    }

    fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.server = Server::new(wanted);
    }

    fn held(&self) -> usize {
        self.client.held() + self.server.held()
    }

    fn tag(&self) -> u32 {
        self.path.as_ref().map_or(0, |path| packet::tag(path.number, path.original.as_bytes()))
    }
}

/// Opens an Initial; `None` where it is cut, or the keys do not fit.
fn unseal<'s>(packet: &Packet<'_>, keys: &Keys, scratch: &'s mut Vec<u8>) -> Option<&'s [u8]> {
    match packet.kind {
        Kind::Initial { number_at, .. } if !packet.cut => keys.open(packet.bytes, number_at, scratch),
        _ => None,
    }
}
