//! Fields of a ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2).
//!
//! The fixed part must be whole: version, random, session id, cipher suites, compression methods.
//! Extensions are read as far as they are sure: one broken extension spoils itself only, and a block
//! that contradicts the message's length is walked up to the first extension that is cut.

use tls_parser::parse_tls_handshake_client_hello;

use crate::hello::cursor::{Cursor, only_vec16};
use crate::hello::extensions::{
    ALPN, ECH, ECH_DRAFT, ESNI, Extension, Extensions, SERVER_NAME, SUPPORTED_VERSIONS, protocol_names,
};
use crate::hello::record::MESSAGE_HEADER;
use crate::model::digest::digest;
use crate::model::hello::{Hello, Sni, Version};

/// Handshake type of a ClientHello.
pub(crate) const CLIENT_HELLO: u8 = 1;

/// Largest body that is read, in bytes: 128 KiB with the message's header.
pub(crate) const MAX_BODY: u32 = 128 * 1024 - 4;

/// [`MAX_BODY`] with the header.
pub(crate) const MAX_MESSAGE: usize = MAX_BODY as usize + MESSAGE_HEADER;

/// Smallest body: version, random, and three empty vectors.
pub(crate) const MIN_BODY: u32 = 2 + 32 + 1 + 2 + 1;

/// Facts of a ClientHello that was not the stream's first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Again {
    /// The client random; after a HelloRetryRequest the same as the first time.
    pub random: [u8; 32],
    /// Highest version offered.
    pub offered: Version,
    /// ALPN `ProtocolNameList` body (length byte and name each); `None`: no such extension.
    pub alpn: Option<Box<[u8]>>,
    /// Handshake message length in bytes, with its four-byte header.
    pub bytes: u32,
    /// TLS records that carried it.
    pub records: u16,
    /// [`digest`] of its body.
    pub digest: u64,
    /// `encrypted_client_hello`, or the `encrypted_server_name` of its drafts, is there.
    pub ech: bool,
}

/// What a ClientHello's body says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) random: &'a [u8; 32],
    pub(crate) legacy_version: Version,
    pub(crate) offered: Version,
    pub(crate) session_id: &'a [u8],
    pub(crate) sni: Sni<'a>,
    pub(crate) alpn: Option<&'a [u8]>,
    pub(crate) ech: bool,
}

impl<'a> Fields<'a> {
    /// Reads the body of a message, its four-byte header taken off; `None` where the fixed part is broken.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let fixed = Fixed::regular(body).or_else(|| Fixed::any(body))?;
        let legacy_version = fixed.version;
        if legacy_version.0 >> 8 != 3 {
            return None;
        }
        Some(Self::new(&fixed))
    }

    /// Reads the body of a DTLS message, which has a cookie behind the session id (RFC 6347 §4.2.1).
    pub(crate) fn read_dtls(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = Version(cursor.u16()?);
        let random = cursor.array::<32>()?;
        let session_id = cursor.vec8().filter(|id| id.len() <= 32)?;
        cursor.vec8()?;
        cursor.vec16().filter(|ciphers| ciphers.len() % 2 == 0)?;
        cursor.vec8()?;
        if !version.is_dtls() {
            return None;
        }
        let mut rest = cursor;
        // without a vector the block's length reaches past the message, or there is no block
        let extensions = cursor.vec16().or_else(|| rest.rest().get(2..)).unwrap_or_default();
        Some(Self::new(&Fixed { version, random, session_id, extensions }))
    }

    fn new(fixed: &Fixed<'a>) -> Self {
        let found = Found::walk(fixed.extensions);
        let offered = found.versions.and_then(|e| highest(e.body?, fixed.version.is_dtls()));
        Self {
            random: fixed.random,
            legacy_version: fixed.version,
            offered: offered.unwrap_or(fixed.version),
            session_id: fixed.session_id,
            sni: found.sni.map_or(Sni::Absent, |e| e.body.map_or(Sni::Malformed, server_name)),
            alpn: found.alpn.and_then(|e| protocol_names(e.body?)),
            ech: found.ech,
        }
    }

    /// The hello, with the message that it was read from and the stream bytes and records it took.
    pub(crate) fn hello(self, message: &'a [u8], wire_len: usize, records: u16) -> Hello<'a> {
        Hello {
            message,
            wire_len,
            records,
            random: self.random,
            legacy_version: self.legacy_version,
            offered: self.offered,
            session_id: self.session_id,
            sni: self.sni,
            alpn: self.alpn,
            ech: self.ech,
        }
    }

    /// What outlives the bytes of `body`, which it was read from, with the records that it took.
    pub(crate) fn again(&self, body: &[u8], records: u16) -> Again {
        Again {
            random: *self.random,
            offered: self.offered,
            alpn: self.alpn.map(Into::into),
            bytes: u32::try_from(body.len()).unwrap_or(u32::MAX).saturating_add(4),
            records,
            digest: digest(body),
            ech: self.ech,
        }
    }
}

/// The part ahead of the extensions, and their block.
#[derive(Debug, PartialEq, Eq)]
struct Fixed<'a> {
    version: Version,
    random: &'a [u8; 32],
    session_id: &'a [u8],
    extensions: &'a [u8],
}

impl<'a> Fixed<'a> {
    /// Reads what nearly all hellos are like: all lists there, the block of extensions up to the very end.
    /// `None` is for [`Fixed::any`] to look at; a test holds the two to the same answers.
    #[inline]
    fn regular(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = Version(cursor.u16()?);
        let random = cursor.array::<32>()?;
        let session_id = cursor.vec8().filter(|id| id.len() <= 32)?;
        cursor.vec16().filter(|ciphers| ciphers.len() % 2 == 0)?;
        cursor.vec8()?;
        let extensions = only_vec16(cursor.rest())?;
        Some(Self { version, random, session_id, extensions })
    }

    /// Reads any body.
    fn any(body: &'a [u8]) -> Option<Self> {
        let (rest, fixed) = parse_tls_handshake_client_hello(body).ok()?;
        Some(Self {
            version: Version(fixed.version.0),
            random: fixed.random.try_into().ok()?,
            session_id: fixed.session_id.unwrap_or_default(),
            // Without `ext` the block's length reaches past the message, or there is no block.
            extensions: fixed.ext.or_else(|| rest.get(2..)).unwrap_or_default(),
        })
    }
}

/// Extensions of interest; of several with one number the first.
#[derive(Default)]
struct Found<'a> {
    sni: Option<Extension<'a>>,
    alpn: Option<Extension<'a>>,
    versions: Option<Extension<'a>>,
    ech: bool,
}

impl<'a> Found<'a> {
    fn walk(block: &'a [u8]) -> Self {
        let mut found = Self::default();
        for extension in Extensions::new(block) {
            let slot = match extension.kind {
                SERVER_NAME => &mut found.sni,
                ALPN => &mut found.alpn,
                SUPPORTED_VERSIONS => &mut found.versions,
                ECH_DRAFT..=ECH | ESNI => {
                    found.ech = true;
                    continue;
                }
                _ => continue,
            };
            slot.get_or_insert(extension);
        }
        found
    }
}

/// Reads the body of a `server_name` extension. A list without a `host_name` counts as empty.
fn server_name(body: &[u8]) -> Sni<'_> {
    if body.is_empty() {
        return Sni::Empty;
    }
    match only_vec16(body).and_then(host_names) {
        None => Sni::Malformed,
        Some((None | Some([]), _)) => Sni::Empty,
        Some((Some(bytes), more)) => Sni::Name { bytes, more },
    }
}

/// The first `host_name` of a list, and whether there are more; `None` where an entry is cut.
///
/// Entries of any type begin with a two-byte length (RFC 6066 §3), so unknown ones can be passed over.
fn host_names(list: &[u8]) -> Option<(Option<&[u8]>, bool)> {
    const HOST_NAME: u8 = 0;
    let mut entries = Cursor::new(list);
    let (mut first, mut more) = (None, false);
    while !entries.is_empty() {
        let kind = entries.u8()?;
        let name = entries.vec16()?;
        if kind == HOST_NAME {
            more = first.is_some();
            first.get_or_insert(name);
        }
    }
    Some((first, more))
}

/// The highest version of a `supported_versions` body; `None` where it is inconsistent or names none of TLS, or
/// of DTLS.
fn highest(body: &[u8], dtls: bool) -> Option<Version> {
    let mut cursor = Cursor::new(body);
    let list = cursor.vec8().filter(|list| cursor.is_empty() && list.len() % 2 == 0)?;
    let (pairs, _) = list.as_chunks::<2>();
    let versions = pairs.iter().map(|pair| Version(u16::from_be_bytes(*pair)));
    let versions = versions.filter(|version| version.is_dtls() == dtls);
    versions.filter_map(|version| Some((rank(version)?, version))).max().map(|(_, version)| version)
}

/// Orders versions: drafts and experiments of 1.3 between 1.2 and 1.3, DTLS's numbers downwards; `None` for
/// GREASE (RFC 8701) and for numbers that are no version.
fn rank(version: Version) -> Option<u32> {
    let number = u32::from(version.0);
    if version.is_dtls() {
        Some(u32::from(u16::MAX) - number)
    } else if version.0 >> 8 == 3 {
        Some(number << 16)
    } else if version.is_13() {
        Some((u32::from(Version::TLS12.0) << 16) + number)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
