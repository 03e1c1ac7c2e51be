//! Writes every kind of ClientHello (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301, RFC 7685, RFC 8701, RFC 9849).

use serde::Deserialize;

use super::random;
use super::tls::{extension, handshake, prefixed, records};

/// What a ClientHello says. Bytes that nobody asked for follow from `label`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the scenario format")]
pub struct Hello {
    /// Seed of the random, session id, ticket and key shares: equal labels, equal bytes.
    pub label: String,
    /// Highest version offered: `1.0`, `1.1`, `1.2` or `1.3`.
    pub version: Version,
    /// `server_name`: no extension if absent, else its list of names; `\xNN` in a name is that byte.
    pub sni: Option<Vec<String>>,
    /// Body of `server_name` in hex, in the place of `sni`.
    pub sni_body: Option<String>,
    /// Offered protocols; none means no extension.
    pub alpn: Vec<String>,
    /// Pads the handshake message to this many bytes; 0 leaves it.
    pub size: usize,
    /// Length of `legacy_session_id`.
    pub session_id: usize,
    /// Length of the session ticket (up to TLS 1.2), or of the PSK identity (TLS 1.3); absent: none.
    pub ticket: Option<usize>,
    /// Key share X25519MLKEM768 (1,216 bytes) beside X25519.
    pub post_quantum: bool,
    /// GREASE in ciphers, groups, versions and extensions.
    pub grease: bool,
    /// An outer `encrypted_client_hello`.
    pub ech: bool,
    /// The `encrypted_server_name` that was there before ECH.
    pub esni: bool,
    /// False leaves the whole block of extensions out.
    pub extensions: bool,
    /// Offsets in the handshake message at which a record ends.
    pub records: Vec<usize>,
    /// In the format of SSL 2.0 (RFC 5246 appendix E.2), without session id and extensions.
    pub ssl2: bool,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            label: String::new(),
            version: Version::Tls12,
            sni: None,
            sni_body: None,
            alpn: Vec::new(),
            size: 0,
            session_id: 0,
            ticket: None,
            post_quantum: false,
            grease: false,
            ech: false,
            esni: false,
            extensions: true,
            records: Vec::new(),
            ssl2: false,
        }
    }
}

/// A TLS version by the name of its standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Version {
    /// RFC 2246.
    #[serde(rename = "1.0")]
    Tls10 = 0x0301,
    /// RFC 4346.
    #[serde(rename = "1.1")]
    Tls11 = 0x0302,
    /// RFC 5246.
    #[serde(rename = "1.2")]
    Tls12 = 0x0303,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    Tls13 = 0x0304,
}

impl Version {
    /// The number in `legacy_version` and record headers: never above TLS 1.2.
    pub fn legacy(self) -> u16 {
        self.min(Self::Tls12) as u16
    }
}

impl Hello {
    /// A hello with one server name.
    pub fn named(label: &str, version: Version, sni: &str) -> Self {
        Self { label: label.into(), version, sni: Some(vec![sni.into()]), ..Self::default() }
    }

    /// The client random.
    pub fn random(&self) -> Vec<u8> {
        self.bytes("random", 32)
    }

    /// The session id as sent.
    pub fn session(&self) -> Vec<u8> {
        self.bytes("session", self.session_id)
    }

    /// The stream's bytes of the first hello, record headers included.
    pub fn stream(&self) -> Vec<u8> {
        if self.ssl2 {
            let message = self.message(false);
            let length = message.len() as u16 | 0x8000;
            return [&length.to_be_bytes()[..], &message].concat();
        }
        records(Version::Tls10 as u16, &self.message(false), &self.records)
    }

    /// The stream's bytes of the hello that answers a HelloRetryRequest.
    pub fn second_stream(&self) -> Vec<u8> {
        records(Version::Tls12 as u16, &self.message(true), &self.records)
    }

    /// The handshake message with its four-byte header, which SSL 2.0 has none of.
    pub fn message(&self, second: bool) -> Vec<u8> {
        if self.ssl2 {
            return self.message_of_ssl2();
        }
        let bare = handshake(1, &self.body(second, None));
        match self.size.checked_sub(bare.len()) {
            Some(lack) if lack > 0 && self.extensions => {
                let padding = lack.checked_sub(4).expect("size lies closer than a padding extension");
                handshake(1, &self.body(second, Some(padding)))
            }
            _ => bare,
        }
    }

    fn message_of_ssl2(&self) -> Vec<u8> {
        let suites = self.ciphers();
        let ciphers: Vec<u8> = suites.chunks(2).flat_map(|suite| [&[0][..], suite].concat()).collect();
        let lengths = [ciphers.len() as u16, 0, 32].map(u16::to_be_bytes).concat();
        [&[1][..], &self.version.legacy().to_be_bytes(), &lengths, &ciphers, &self.random()].concat()
    }

    fn bytes(&self, what: &str, len: usize) -> Vec<u8> {
        random::bytes(&format!("{}/{what}", self.label), len)
    }

    fn body(&self, second: bool, padding: Option<usize>) -> Vec<u8> {
        let mut out = self.version.legacy().to_be_bytes().to_vec();
        out.extend(self.random());
        out.extend(prefixed(1, &self.session()));
        out.extend(prefixed(2, &self.ciphers()));
        out.extend(prefixed(1, &[0]));
        if self.extensions {
            out.extend(prefixed(2, &self.block(second, padding)));
        }
        out
    }

    fn ciphers(&self) -> Vec<u8> {
        let suites: &[u16] = match self.version {
            Version::Tls13 => &[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030],
            Version::Tls12 => &[0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc02c, 0xc030, 0x009c, 0x002f],
            Version::Tls10 | Version::Tls11 => &[0xc00a, 0xc014, 0xc009, 0xc013, 0x0035, 0x002f],
        };
        self.with_grease(suites)
    }

    /// Numbers of two bytes each, a GREASE value ahead of them where the hello greases.
    fn with_grease(&self, numbers: &[u16]) -> Vec<u8> {
        let grease = self.grease.then_some(0x2a2a);
        grease.iter().chain(numbers).flat_map(|number: &u16| number.to_be_bytes()).collect()
    }

    fn block(&self, second: bool, padding: Option<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        if self.grease {
            out.extend(extension(0x4a4a, &[]));
        }
        out.extend(self.server_name());
        out.extend(extension(23, &[]));
        out.extend(extension(11, &prefixed(1, &[0])));
        let groups: &[u16] = if self.post_quantum { &[0x11ec, 29, 23] } else { &[29, 23, 24] };
        out.extend(extension(10, &prefixed(2, &self.with_grease(groups))));
        out.extend(self.protocols());
        if self.version >= Version::Tls12 {
            out.extend(extension(13, &prefixed(2, &[4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1])));
        }
        if self.ech {
            out.extend(extension(0xfe0d, &self.encrypted_hello()));
        }
        if self.esni {
            out.extend(extension(0xffce, &self.encrypted_name()));
        }
        if self.version == Version::Tls13 {
            out.extend(self.block_of_13(second));
        } else if let Some(len) = self.ticket {
            out.extend(extension(35, &self.bytes("ticket", len)));
        }
        if self.grease {
            out.extend(extension(0x8a8a, &[0]));
        }
        if let Some(len) = padding {
            out.extend(extension(21, &vec![0; len]));
        }
        if let (Version::Tls13, Some(len)) = (self.version, self.ticket) {
            out.extend(extension(41, &self.pre_shared_key(len)));
        }
        out
    }

    fn server_name(&self) -> Vec<u8> {
        if let Some(hex) = &self.sni_body {
            return extension(0, &unhex(hex));
        }
        let Some(names) = &self.sni else { return Vec::new() };
        let list: Vec<u8> =
            names.iter().flat_map(|name| [&[0][..], &prefixed(2, &unescape(name))].concat()).collect();
        extension(0, &prefixed(2, &list))
    }

    fn protocols(&self) -> Vec<u8> {
        if self.alpn.is_empty() {
            return Vec::new();
        }
        let list: Vec<u8> = self.alpn.iter().flat_map(|name| prefixed(1, &unescape(name))).collect();
        extension(16, &prefixed(2, &list))
    }

    fn block_of_13(&self, second: bool) -> Vec<u8> {
        let mut shares = Vec::new();
        if self.grease {
            shares.extend([0x2a, 0x2a, 0, 1, 0]);
        }
        if second {
            let point = [&[4][..], &self.bytes("p256", 64)].concat();
            shares = [&[0, 23][..], &prefixed(2, &point)].concat();
        } else {
            if self.post_quantum {
                shares.extend([&[0x11, 0xec][..], &prefixed(2, &self.bytes("mlkem", 1216))].concat());
            }
            shares.extend([&[0, 29][..], &prefixed(2, &self.bytes("x25519", 32))].concat());
        }
        let mut out = extension(51, &prefixed(2, &shares));
        out.extend(extension(45, &prefixed(1, &[1])));
        out.extend(extension(43, &prefixed(1, &self.with_grease(&[0x0304, 0x0303]))));
        if second {
            out.extend(extension(44, &prefixed(2, &self.bytes("cookie", 48))));
        }
        out
    }

    fn pre_shared_key(&self, len: usize) -> Vec<u8> {
        let identity = [prefixed(2, &self.bytes("ticket", len)), self.bytes("age", 4)].concat();
        [prefixed(2, &identity), prefixed(2, &prefixed(1, &self.bytes("binder", 32)))].concat()
    }

    fn encrypted_hello(&self) -> Vec<u8> {
        let head = [0, 0, 1, 0, 1, 0x5c];
        [&head[..], &prefixed(2, &self.bytes("enc", 32)), &prefixed(2, &self.bytes("ech", 176))].concat()
    }
}

impl Hello {
    /// draft-ietf-tls-esni-02 §5: suite, key share, digest of the record, encrypted name.
    fn encrypted_name(&self) -> Vec<u8> {
        let share = [&[0, 29][..], &prefixed(2, &self.bytes("esni share", 32))].concat();
        let [digest, name] =
            [("digest", 32), ("esni", 292)].map(|(what, len)| prefixed(2, &self.bytes(what, len)));
        [&[0x13, 1][..], &share, &digest, &name].concat()
    }
}

/// The bytes of a text in which `\xNN` stands for one byte.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        out.extend(unhex(&part[..2]));
        out.extend(&part.as_bytes()[2..]);
    }
    out
}

/// The bytes that `hex` spells; blanks are passed over.
pub fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
