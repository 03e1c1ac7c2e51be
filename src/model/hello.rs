//! A decoded ClientHello, borrowed from the captured bytes, and what the server said to it.

use std::borrow::Cow;

use super::skip::Skip;

/// A TLS version number as on the wire: 0x0301 is TLS 1.0, 0x0304 is TLS 1.3, 0x7fXX a draft of 1.3,
/// 0x0300 SSL 3.0, 0x0002 SSL 2.0; 0xfeff is DTLS 1.0, 0xfefd DTLS 1.2, 0xfefc DTLS 1.3, 0x0100 what OpenSSL spoke before
/// the standard. Unknown numbers survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u16);

impl Version {
    /// TLS 1.2, RFC 5246.
    pub const TLS12: Self = Self(0x0303);
    /// TLS 1.3, RFC 8446.
    pub const TLS13: Self = Self(0x0304);

    /// DTLS 1.3, RFC 9147.
    pub const DTLS13: Self = Self(0xfefc);
    /// DTLS before its standard, as OpenSSL up to 0.9.8e and Cisco `AnyConnect` speak it: "0.9".
    pub const DTLS09: Self = Self(0x0100);

    /// True for 1.3 of TLS and DTLS, its drafts (0x7fXX) and its experiments (0x7eXX of `BoringSSL`, 0xfbXX of
    /// Facebook).
    pub fn is_13(self) -> bool {
        matches!(self, Self::TLS13 | Self::DTLS13) || matches!(self.0 >> 8, 0x7e | 0x7f | 0xfb)
    }

    /// True for DTLS's numbers, which count down (RFC 6347 §4.1), and the one from before its standard.
    pub fn is_dtls(self) -> bool {
        self == Self::DTLS09 || self.0 >> 8 == 0xfe
    }

    /// The version's number as ECS `tls.version` has it: `1.2`, `1.3-draft23`, `1.3-fb1a`, `2.0` and
    /// `3.0` for SSL (see [`Version::protocol`]); an unknown one in hexadecimal, as `0x0305`.
    pub fn name(self) -> Cow<'static, str> {
        let [high, low] = self.0.to_be_bytes();
        Cow::Borrowed(match (high, low) {
            (0, 2) => "2.0",
            (3, 0) => "3.0",
            (3, 1) | (0xfe, 0xff) => "1.0",
            (3, 2) => "1.1",
            (3, 3) | (0xfe, 0xfd) => "1.2",
            (3, 4) | (0xfe, 0xfc) => "1.3",
            (1, 0) => "0.9",
            (0x7e, _) => "1.3-exp",
            (0x7f, _) => return Cow::Owned(format!("1.3-draft{low}")),
            (0xfb, _) => return Cow::Owned(format!("1.3-fb{low:02x}")),
            _ => return Cow::Owned(format!("0x{:04x}", self.0)),
        })
    }

    /// The protocol that the number belongs to, as ECS `tls.version_protocol` has it: `ssl`, `tls` or `dtls`.
    pub fn protocol(self) -> &'static str {
        match self.0 {
            0x0002 | 0x0300 => "ssl",
            _ if self.is_dtls() => "dtls",
            _ => "tls",
        }
    }
}

/// The `server_name` extension (RFC 6066 §3). Absent, odd and invalid are different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sni<'a> {
    /// No such extension.
    Absent,
    /// The first `host_name` of the list, at least one byte; `more` says that others follow.
    Name {
        /// Bytes of the name as sent, neither lower-cased nor checked.
        bytes: &'a [u8],
        /// The list holds more than one name.
        more: bool,
    },
    /// An empty extension, an empty list or an empty name.
    Empty,
    /// Lengths that contradict each other.
    Malformed,
}

/// A whole ClientHello (RFC 8446 §4.1.2), borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Hello<'a> {
    /// The handshake message with its four-byte header, as joined from its records. In DTLS, which has a longer
    /// header, the same four bytes stand for it; a cookie (RFC 6347 §4.2.1) stands behind the session id.
    pub message: &'a [u8],
    /// Bytes of the stream that it took, record headers included.
    pub wire_len: usize,
    /// TLS records that it came in, in datagrams the pieces, at least 1.
    pub records: u16,
    /// The client random.
    pub random: &'a [u8; 32],
    /// `legacy_version`.
    pub legacy_version: Version,
    /// The highest version offered: of `supported_versions` without GREASE, else `legacy_version`.
    pub offered: Version,
    /// `legacy_session_id`, 0 to 32 bytes.
    pub session_id: &'a [u8],
    /// `server_name`.
    pub sni: Sni<'a>,
    /// Body of the ALPN extension's `ProtocolNameList` (RFC 7301 §3.1): one length byte and a name each.
    /// `None`: no such extension.
    pub alpn: Option<&'a [u8]>,
    /// `encrypted_client_hello` (RFC 9849), or the `encrypted_server_name` of its first drafts, is there:
    /// real or GREASE, nobody outside can tell.
    pub ech: bool,
}

/// Fingerprints of a ClientHello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// JA3: 32 hexadecimal digits.
    pub ja3: String,
    /// JA4: 36 characters.
    pub ja4: String,
}

/// What a reader makes of the beginning of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'a> {
    /// Undecided: call again when the stream's prefix holds at least this many bytes.
    Need(usize),
    /// A whole hello.
    Hello(Hello<'a>),
    /// No hello here, and more bytes will not change that.
    Skip(Skip),
}

/// A session id, 0 to 32 bytes (RFC 8446 §4.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionId {
    bytes: [u8; 32],
    len: u8,
}

impl SessionId {
    /// The id in `bytes`; what is beyond 32 bytes is cut off.
    pub fn new(bytes: &[u8]) -> Self {
        let mut id = Self::default();
        let len = bytes.len().min(id.bytes.len());
        if let (Some(to), Some(from)) = (id.bytes.get_mut(..len), bytes.get(..len)) {
            to.copy_from_slice(from);
            id.len = u8::try_from(len).unwrap_or_default();
        }
        id
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// True without any bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// What the server chose (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerHello {
    /// The negotiated version: `supported_versions`', else the legacy field.
    pub version: Version,
    /// Cipher suite number (IANA).
    pub cipher: u16,
    /// Its IANA name, where known.
    pub cipher_name: Option<&'static str>,
    /// `key_share`'s group in TLS 1.3 (IANA name), where there is one.
    pub curve: Option<&'static str>,
    /// The server's ALPN choice where it is in clear (TLS 1.2 and before).
    pub alpn: Option<Box<[u8]>>,
    /// Session id that the server sent: in TLS 1.2 an echo of the client's means a resumed session.
    pub session_id: SessionId,
    /// TLS 1.3: the server took the offered pre-shared key.
    pub psk: bool,
    /// JA3S: 32 hexadecimal digits, where it was asked for.
    pub ja3s: Option<Box<str>>,
}

/// A TLS alert in clear (RFC 8446 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// 1 warning, 2 fatal.
    pub level: u8,
    /// Description code.
    pub code: u8,
    /// The code's name (RFC 8446 appendix B.2), `"unknown"` where it has none.
    pub name: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_names() {
        for (number, protocol, name) in [
            (0x0002, "ssl", "2.0"),
            (0x0300, "ssl", "3.0"),
            (0x0301, "tls", "1.0"),
            (0x0302, "tls", "1.1"),
            (0x0303, "tls", "1.2"),
            (0x0304, "tls", "1.3"),
            (0x0305, "tls", "0x0305"),
            (0x7e01, "tls", "1.3-exp"),
            (0x7f0e, "tls", "1.3-draft14"),
            (0x7f17, "tls", "1.3-draft23"),
            (0xfb1a, "tls", "1.3-fb1a"),
            (0x0a0a, "tls", "0x0a0a"),
            (0x0100, "dtls", "0.9"),
            (0xfeff, "dtls", "1.0"),
            (0xfefd, "dtls", "1.2"),
            (0xfefc, "dtls", "1.3"),
            (0xfefe, "dtls", "0xfefe"),
        ] {
            let version = Version(number);
            assert_eq!((version.protocol(), version.name().as_ref()), (protocol, name));
        }
    }

    #[test]
    fn drafts_and_experiments_are_1_3() {
        assert!([0x0304, 0x7e01, 0x7f17, 0xfb1a, 0xfefc].into_iter().all(|n| Version(n).is_13()));
        assert!(![0x0303, 0x0305, 0x0a0a, 0xfefd].into_iter().any(|n| Version(n).is_13()));
    }
}
