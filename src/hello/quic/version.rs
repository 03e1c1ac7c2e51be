//! QUIC versions whose Initial packets anybody can open: their salts and what differs in their packets.
//!
//! Salts: RFC 9001 §5.2 (1, and drafts 33 and 34), RFC 9369 §3.3.1 (2, and its drafts), the same section of
//! the drafts of RFC 9001; Google's versions as Chromium has them; Facebook's follow drafts.

use std::sync::OnceLock;

use crate::hello::quic::hmac::Hmac;

/// What the keys of Initial packets are made of, with the connection id.
pub(crate) struct Salt {
    bytes: [u8; 20],
    state: OnceLock<Hmac>,
}

impl Salt {
    const fn new(bytes: [u8; 20]) -> Self {
        Self { bytes, state: OnceLock::new() }
    }

    /// The salt as a key: made once a run.
    pub(crate) fn hmac(&self) -> &Hmac {
        self.state.get_or_init(|| Hmac::new(&self.bytes))
    }
}

static SALT_DRAFT_22: Salt = Salt::new([
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a,
    0x02, 0x64, 0x4a,
]);
static SALT_DRAFT_23: Salt = Salt::new([
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe,
    0xf9, 0xf5, 0x02,
]);
static SALT_DRAFT_29: Salt = Salt::new([
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43,
    0x90, 0xa8, 0x99,
]);
static SALT_V1: Salt = Salt::new([
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
]);
static SALT_V2_DRAFT: Salt = Salt::new([
    0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d, 0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a,
    0xe3, 0xe5, 0xd3,
]);
static SALT_V2: Salt = Salt::new([
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
    0xbd, 0x2e, 0xd9,
]);
static SALT_Q050: Salt = Salt::new([
    0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3,
    0xb5, 0x6b, 0x45,
]);
static SALT_T050: Salt = Salt::new([
    0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60,
    0x48, 0x83, 0x10,
]);
static SALT_T051: Salt = Salt::new([
    0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda,
    0x6e, 0x03, 0x3d,
]);

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// RFC 9000 §19.
    Ietf,
    /// Google QUIC's own frames, with CRYPTO added.
    Google,
}

/// What is said in CRYPTO frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// TLS handshake messages.
    Tls,
    /// Google QUIC's own messages.
    Chlo,
}

/// How the packets of a version are to be read.
pub(crate) struct Version {
    /// Its salt.
    pub(crate) salt: &'static Salt,
    /// Labels and packet types are those of RFC 9369.
    pub(crate) second: bool,
    /// Its frames.
    pub(crate) dialect: Dialect,
    /// Its handshake.
    pub(crate) speech: Speech,
}

const fn like_v1(salt: &'static Salt) -> Version {
    Version { salt, second: false, dialect: Dialect::Ietf, speech: Speech::Tls }
}

const fn like_v2(salt: &'static Salt) -> Version {
    Version { second: true, ..like_v1(salt) }
}

const fn google(salt: &'static Salt, speech: Speech) -> Version {
    Version { dialect: Dialect::Google, speech, ..like_v1(salt) }
}

static DRAFT_22: Version = like_v1(&SALT_DRAFT_22);
static DRAFT_23: Version = like_v1(&SALT_DRAFT_23);
static DRAFT_29: Version = like_v1(&SALT_DRAFT_29);
static V1: Version = like_v1(&SALT_V1);
static V2_DRAFT: Version = like_v2(&SALT_V2_DRAFT);
static V2: Version = like_v2(&SALT_V2);
static Q050: Version = google(&SALT_Q050, Speech::Chlo);
static T050: Version = google(&SALT_T050, Speech::Tls);
static T051: Version = google(&SALT_T051, Speech::Tls);

/// The number of Google QUIC's last version with a handshake of its own.
pub(crate) const NUMBER_Q050: u32 = u32::from_be_bytes(*b"Q050");

/// The version with this number, where its keys are public.
pub(crate) fn find(number: u32) -> Option<&'static Version> {
    Some(match number {
        1 | 0xff00_0021..=0xff00_0022 => &V1,
        0x6b33_43cf => &V2,
        0x709a_50c4 | 0xff02_0000 => &V2_DRAFT,
        0xff00_001d..=0xff00_0020 => &DRAFT_29,
        0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => &DRAFT_23,
        0xff00_0016 | 0xface_b001 => &DRAFT_22,
        NUMBER_Q050 => &Q050,
        0x5430_3530 => &T050,
        0x5430_3531 => &T051,
        _ => return None,
    })
}

/// What a version that [`find`] does not know may be like, the likeliest first: one of the reserved numbers
/// that ask for version negotiation (RFC 9000 §15), or one of somebody's own. The packet's tag tells.
pub(crate) static UNKNOWN: [&Version; 3] = [&V1, &DRAFT_29, &DRAFT_23];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_their_salts() {
        for (number, first) in [
            (0x0000_0001, Some(0x38)),
            (0xff00_0015, None),
            (0xff00_0016, Some(0x7f)),
            (0xff00_0017, Some(0xc3)),
            (0xff00_001c, Some(0xc3)),
            (0xff00_001d, Some(0xaf)),
            (0xff00_0020, Some(0xaf)),
            (0xff00_0021, Some(0x38)),
            (0xff00_0022, Some(0x38)),
            (0xff00_0023, None),
            (0x6b33_43cf, Some(0x0d)),
            (0x709a_50c4, Some(0xa7)),
            (0xface_b001, Some(0x7f)),
            (0xface_b002, Some(0xc3)),
            (0x5130_3530, Some(0x50)),
            (0x5430_3530, Some(0x7f)),
            (0x5430_3531, Some(0x7a)),
            (0, None),
            (0x0a0a_0a0a, None),
        ] {
            assert_eq!(find(number).map(|version| version.salt.bytes[0]), first, "{number:#x}");
        }
    }
}
