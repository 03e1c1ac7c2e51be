//! QUIC packets sealed as clients and servers seal them (RFC 9000 §17, RFC 9001 §5, RFC 9369 §3): with `ring`,
//! not with what the program opens them with.

use ring::aead::quic::{AES_128, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use serde::Deserialize;

use super::super::hello::unhex;
use super::super::random;

/// A version by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Version {
    /// RFC 9000.
    #[default]
    #[serde(rename = "v1")]
    V1,
    /// RFC 9369.
    #[serde(rename = "v2")]
    V2,
    /// Drafts, by their first number with a salt of its own.
    #[serde(rename = "draft-22")]
    Draft22,
    #[serde(rename = "draft-28")]
    Draft28,
    #[serde(rename = "draft-29")]
    Draft29,
    #[serde(rename = "draft-34")]
    Draft34,
    /// Facebook's, after draft 27.
    #[serde(rename = "mvfst")]
    Mvfst,
    /// A reserved number, sealed like version 1.
    #[serde(rename = "reserved")]
    Reserved,
    /// Google's with TLS.
    T051,
    /// Google's with its own handshake, sealed.
    Q050,
    /// Google's with its own handshake in clear: public header, long header.
    Q043,
    Q046,
}

impl Version {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 0x6b33_43cf,
            Self::Draft22 => 0xff00_0016,
            Self::Draft28 => 0xff00_001c,
            Self::Draft29 => 0xff00_001d,
            Self::Draft34 => 0xff00_0022,
            Self::Mvfst => 0xface_b002,
            Self::Reserved => 0x1a2a_3a4a,
            Self::T051 => u32::from_be_bytes(*b"T051"),
            Self::Q050 => u32::from_be_bytes(*b"Q050"),
            Self::Q043 => u32::from_be_bytes(*b"Q043"),
            Self::Q046 => u32::from_be_bytes(*b"Q046"),
        }
    }

    /// Google's frames.
    pub fn is_google(self) -> bool {
        matches!(self, Self::T051 | Self::Q050)
    }

    /// Google's handshake.
    pub fn is_chlo(self) -> bool {
        matches!(self, Self::Q050 | Self::Q043 | Self::Q046)
    }

    fn salt(self) -> Vec<u8> {
        unhex(match self {
            Self::V1 | Self::Draft34 | Self::Reserved => "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
            Self::V2 => "0dede3def700a6db819381be6e269dcbf9bd2ed9",
            Self::Draft22 => "7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a",
            Self::Draft28 | Self::Mvfst => "c3eef712c72ebb5a11a7d2432bb46365bef9f502",
            Self::Draft29 => "afbfec289993d24c9e9786f19c6111e04390a899",
            Self::T051 => "7a4edef4e7ccee5fa4506c19124fc8ccda6e033d",
            Self::Q050 => "504574efd066fe2f9d945cfcdbd3a7f0d3b56b45",
            Self::Q043 | Self::Q046 => "",
        })
    }

    /// The bits of a packet type in the first byte: 0 Initial, 1 0-RTT, 2 Handshake, 3 Retry.
    fn kind(self, kind: u8) -> u8 {
        if self == Self::V2 { (kind + 1) & 3 } else { kind }
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(secret: &Prk, label: &str, len: usize) -> Vec<u8> {
    let label = format!("tls13 {label}");
    let info = [&[0, len as u8, label.len() as u8], label.as_bytes(), &[0]].concat();
    let mut out = vec![0; len];
    secret.expand(&[&info], Length(len)).unwrap().fill(&mut out).unwrap();
    out
}

/// Keys of one side's Initial packets.
pub struct Keys {
    packet: LessSafeKey,
    iv: Vec<u8>,
    header: HeaderProtectionKey,
}

impl Keys {
    /// The keys that follow from a client's first destination connection id.
    pub fn new(version: Version, original: &[u8], of_client: bool) -> Self {
        let initial = Salt::new(HKDF_SHA256, &version.salt()).extract(original);
        let side = expand(&initial, if of_client { "client in" } else { "server in" }, 32);
        let side = Prk::new_less_safe(HKDF_SHA256, &side);
        let quic = if version == Version::V2 { "quicv2" } else { "quic" };
        let of = |what, len| expand(&side, &format!("{quic} {what}"), len);
        Self {
            packet: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &of("key", 16)).unwrap()),
            iv: of("iv", 12),
            header: HeaderProtectionKey::new(&AES_128, &of("hp", 16)).unwrap(),
        }
    }
}

/// Where a packet goes, from whom, and how its number is written.
#[derive(Clone, Debug)]
pub struct Header<'h> {
    pub version: Version,
    pub to: &'h [u8],
    pub from: &'h [u8],
    pub token: &'h [u8],
    pub number: u32,
    /// Bytes of the number, 1 to 4.
    pub width: usize,
    /// The fixed bit is 0 (RFC 9287).
    pub greased: bool,
}

impl Header<'_> {
    /// First byte, version and connection ids.
    fn begin(&self, kind: u8) -> Vec<u8> {
        let fixed = if self.greased { 0x80 } else { 0xc0 };
        let mut out = vec![fixed | self.version.kind(kind) << 4 | (self.width - 1) as u8];
        out.extend(self.version.number().to_be_bytes());
        out.extend([&[self.to.len() as u8], self.to, &[self.from.len() as u8], self.from].concat());
        out
    }

    /// An Initial with these frames.
    pub fn initial(&self, keys: &Keys, frames: &[u8]) -> Vec<u8> {
        let mut out = self.begin(0);
        out.extend(varint(self.token.len() as u64));
        out.extend(self.token);
        // header protection takes a sample that begins four bytes behind the number's first
        let mut frames = frames.to_vec();
        frames.resize(frames.len().max(4), 0);
        out.extend((0x4000 | (self.width + frames.len() + 16) as u16).to_be_bytes());
        let at = out.len();
        out.extend(&self.number.to_be_bytes()[4 - self.width..]);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&keys.iv);
        for (to, from) in nonce.iter_mut().rev().zip(self.number.to_be_bytes().iter().rev()) {
            *to ^= from;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.packet.seal_in_place_append_tag(nonce, Aad::from(&out), &mut frames).unwrap();
        out.extend(frames);
        let mask = keys.header.new_mask(&out[at + 4..at + 20]).unwrap();
        out[0] ^= mask[0] & 0x0f;
        for (byte, mask) in out[at..at + self.width].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        out
    }

    /// A packet under keys that nobody else has: 1 0-RTT, 2 Handshake.
    pub fn secret(&self, kind: u8, label: &str, len: usize) -> Vec<u8> {
        let mut out = self.begin(kind);
        out.extend((0x4000 | len as u16).to_be_bytes());
        out.extend(random::bytes(label, len));
        out
    }

    /// A Retry; its integrity tag is of no interest to an onlooker.
    pub fn retry(&self) -> Vec<u8> {
        [self.begin(3), self.token.to_vec(), random::bytes("integrity", 16)].concat()
    }
}

/// A packet with a short header.
pub fn short(to: &[u8], label: &str, len: usize) -> Vec<u8> {
    [&[0x40 | (random::number(label) & 0x3f) as u8], to, &random::bytes(label, len)].concat()
}

/// A version negotiation.
pub fn negotiation(to: &[u8], from: &[u8], versions: &[Version]) -> Vec<u8> {
    let mut out = [&[0x80, 0, 0, 0, 0, to.len() as u8], to, &[from.len() as u8], from].concat();
    out.extend(versions.iter().flat_map(|version| version.number().to_be_bytes()));
    out
}

/// A variable-length integer, as short as it can be.
pub fn varint(value: u64) -> Vec<u8> {
    match value {
        0..0x40 => vec![value as u8],
        0x40..0x4000 => (0x4000 | value as u16).to_be_bytes().to_vec(),
        _ => (0x8000_0000 | value as u32).to_be_bytes().to_vec(),
    }
}

/// A CRYPTO frame.
pub fn crypto(version: Version, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let kind = if version.is_google() { 8 } else { 6 };
    [&[kind][..], &varint(offset as u64), &varint(bytes.len() as u64), bytes].concat()
}
