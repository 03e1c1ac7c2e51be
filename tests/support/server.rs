//! What both sides say after the ClientHello: server flights, the client's answer, HelloRetryRequest.

use super::connection::Chain;
use super::der;
use super::hello::{Hello, Version};
use super::random;
use super::tls::{
    APPLICATION_DATA, HANDSHAKE, change_cipher_spec, extension, handshake, prefixed, record, records,
};

/// What the server chooses.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// The hello that is answered.
    pub hello: &'a Hello,
    /// Negotiated version.
    pub version: Version,
    /// The session is resumed.
    pub resumed: bool,
    /// ALPN choice.
    pub alpn: Option<&'a str>,
    /// SPIFFE URI in the server's certificate.
    pub identity: &'a str,
    /// SPIFFE URI in the client's certificate; `None`: the server asks for none.
    pub client_identity: Option<&'a str>,
    /// How the server's certificate message looks.
    pub server_chain: Chain,
    /// How the client's does.
    pub client_chain: Chain,
}

/// The value of `random` that makes a ServerHello a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2,
    0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

impl Choice<'_> {
    /// The server's first flight, ServerHello first.
    pub fn server_flight(&self) -> Vec<u8> {
        let mut out = self.clear(&self.server_hello());
        if self.version == Version::Tls13 {
            out.extend(self.change());
            out.extend(self.sealed("extensions", if self.resumed { 80 } else { 900 }));
        } else if self.resumed {
            out.extend([self.change(), self.finished("server")].concat());
        } else {
            out.extend(self.certificates(self.identity, self.server_chain));
            out.extend(self.clear(&self.key_exchange()));
            if self.client_identity.is_some() {
                out.extend(self.clear(&self.certificate_request()));
            }
            out.extend(self.clear(&handshake(14, &[])));
        }
        out
    }

    /// The client's answer to it.
    pub fn client_flight(&self) -> Vec<u8> {
        if self.version == Version::Tls13 {
            return [self.change(), self.sealed("client finished", 53)].concat();
        }
        let mut out = Vec::new();
        if !self.resumed {
            if let Some(identity) = self.client_identity {
                out.extend(self.certificates(identity, self.client_chain));
            }
            out.extend(self.clear(&handshake(16, &prefixed(1, &self.bytes("client key", 32)))));
            if self.client_identity.is_some() {
                out.extend(self.clear(&handshake(15, &self.signed("verify"))));
            }
        }
        out.extend([self.change(), self.finished("client")].concat());
        out
    }

    /// The server's last word of a full handshake up to TLS 1.2; empty where there is none.
    pub fn server_end(&self) -> Vec<u8> {
        if self.version == Version::Tls13 || self.resumed {
            return Vec::new();
        }
        [self.change(), self.finished("server")].concat()
    }

    /// The ServerHello alone, without a record around it.
    pub fn server_hello_message(&self) -> Vec<u8> {
        self.server_hello()
    }

    /// A HelloRetryRequest, without a record around it.
    pub fn retry_message(&self) -> Vec<u8> {
        let cookie = random::bytes(&format!("{}/cookie", self.hello.label), 48);
        let block =
            [extension(51, &[0, 23]), extension(43, &[3, 4]), extension(44, &prefixed(2, &cookie))].concat();
        self.server_hello_with(&RETRY_RANDOM, 0x1301, &block)
    }

    /// A HelloRetryRequest with its `change_cipher_spec`.
    pub fn retry(&self) -> Vec<u8> {
        [self.clear(&self.retry_message()), self.change()].concat()
    }

    fn server_hello(&self) -> Vec<u8> {
        let random = self.bytes("server random", 32);
        let block = if self.version == Version::Tls13 {
            let share = [&[0, 29][..], &prefixed(2, &self.bytes("server share", 32))].concat();
            let psk = if self.resumed { extension(41, &[0, 0]) } else { Vec::new() };
            [extension(43, &[3, 4]), extension(51, &share), psk].concat()
        } else {
            let alpn = self.alpn.map(|name| extension(16, &prefixed(2, &prefixed(1, name.as_bytes()))));
            [extension(23, &[]), extension(0xff01, &[0]), alpn.unwrap_or_default()].concat()
        };
        self.server_hello_with(&random, self.cipher(), &block)
    }

    fn server_hello_with(&self, random: &[u8], cipher: u16, block: &[u8]) -> Vec<u8> {
        let echo = self.version == Version::Tls13 || self.resumed;
        let session = if echo { self.hello.session() } else { self.bytes("new session", 32) };
        let mut body = self.version.legacy().to_be_bytes().to_vec();
        body.extend(random);
        body.extend(prefixed(1, &session));
        body.extend(cipher.to_be_bytes());
        body.push(0);
        body.extend(prefixed(2, block));
        handshake(2, &body)
    }

    fn cipher(&self) -> u16 {
        match self.version {
            Version::Tls13 => 0x1301,
            Version::Tls12 => 0xc02b,
            Version::Tls10 | Version::Tls11 => 0xc00a,
        }
    }

    fn key_exchange(&self) -> Vec<u8> {
        let point = prefixed(1, &self.bytes("server key", 32));
        handshake(12, &[&[3, 0, 29][..], &point, &self.signed("exchange")].concat())
    }

    fn certificate_request(&self) -> Vec<u8> {
        let mut body = prefixed(1, &[1, 64]);
        if self.version == Version::Tls12 {
            body.extend(prefixed(2, &[4, 3, 8, 4, 4, 1]));
        }
        body.extend([0, 0]);
        handshake(13, &body)
    }

    /// A signature, behind its algorithm since TLS 1.2.
    fn signed(&self, what: &str) -> Vec<u8> {
        let algorithm: &[u8] = if self.version == Version::Tls12 { &[4, 3] } else { &[] };
        [algorithm, &prefixed(2, &der::signature(&format!("{}/{what}", self.hello.label)))].concat()
    }

    fn finished(&self, whose: &str) -> Vec<u8> {
        record(HANDSHAKE, self.version.legacy(), &self.bytes(&format!("{whose} finished"), 40))
    }

    fn sealed(&self, what: &str, len: usize) -> Vec<u8> {
        record(APPLICATION_DATA, self.version.legacy(), &self.bytes(what, len))
    }

    fn change(&self) -> Vec<u8> {
        change_cipher_spec(self.version.legacy())
    }

    fn clear(&self, message: &[u8]) -> Vec<u8> {
        records(self.version.legacy(), message, &[])
    }

    /// A certificate message in its records.
    fn certificates(&self, uri: &str, chain: Chain) -> Vec<u8> {
        let leaf = der::certificate(uri);
        let of = |list: &[&[u8]]| {
            let list: Vec<u8> = list.iter().flat_map(|der| prefixed(3, der)).collect();
            handshake(11, &prefixed(3, &list))
        };
        let message = match chain {
            Chain::Leaf => of(&[&leaf]),
            Chain::Long => of(&[&leaf, &der::certificate("urn:issuer"), &der::certificate("urn:root")]),
            Chain::Empty => of(&[]),
            Chain::Cut => of(&[&leaf[..leaf.len() / 2]]),
            Chain::Huge => of(&[&random::bytes("huge", 65_537)]),
            Chain::Lengths => {
                let long = (leaf.len() as u32 + 1).to_be_bytes();
                handshake(11, &prefixed(3, &[&long[1..], &leaf].concat()))
            }
        };
        let ends: Vec<usize> =
            if chain == Chain::Long { (200..message.len()).step_by(200).collect() } else { Vec::new() };
        records(self.version.legacy(), &message, &ends)
    }

    fn bytes(&self, what: &str, len: usize) -> Vec<u8> {
        random::bytes(&format!("{}/{what}", self.hello.label), len)
    }
}
