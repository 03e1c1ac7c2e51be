//! Headers of TLS records in clear (RFC 8446 §5.1), and what of them is plausible.

/// Bytes of a record header.
pub(crate) const HEADER: usize = 5;

/// Longest body: 2^14 bytes and the 2048 that TLS 1.2 lets a cipher add (RFC 5246 §6.2.3).
pub(crate) const MAX_BODY: u16 = 16384 + 2048;

/// `change_cipher_spec`.
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
/// `alert`.
pub(crate) const ALERT: u8 = 21;
/// `handshake`.
pub(crate) const HANDSHAKE: u8 = 22;
/// `application_data`.
pub(crate) const APPLICATION_DATA: u8 = 23;
/// `heartbeat`, RFC 6520.
pub(crate) const HEARTBEAT: u8 = 24;

/// Bytes of a handshake message's header: the type, and a length in three bytes.
pub(crate) const MESSAGE_HEADER: usize = 4;

/// A plausible record header: type 20 to 24, major version 3, a body of at most [`MAX_BODY`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Content type.
    pub(crate) kind: u8,
    /// Body length in bytes.
    pub(crate) len: u16,
}

impl Header {
    /// Reads a header; `None` where it is not plausible.
    pub(crate) fn read([kind, major, _, high, low]: [u8; HEADER]) -> Option<Self> {
        let len = u16::from_be_bytes([high, low]);
        let plausible = matches!(kind, CHANGE_CIPHER_SPEC..=HEARTBEAT) && major == 3 && len <= MAX_BODY;
        plausible.then_some(Self { kind, len })
    }
}

/// Splits the body of a whole record off, and what follows it.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    rest.split_at_checked(usize::from(Header::read(*header)?.len))
}

/// Body length that a handshake message's header states.
pub(crate) fn message_len([_, high, mid, low]: [u8; MESSAGE_HEADER]) -> u32 {
    u32::from_be_bytes([0, high, mid, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plausible_headers() {
        assert_eq!(Header::read([22, 3, 1, 0, 5]), Some(Header { kind: 22, len: 5 }));
        assert_eq!(Header::read([20, 3, 0, 0, 0]).map(|header| header.len), Some(0));
        assert_eq!(Header::read([24, 3, 4, 0x48, 0]).map(|header| header.len), Some(18432));
        for bad in
            [[19, 3, 1, 0, 5], [25, 3, 1, 0, 5], [22, 2, 1, 0, 5], [22, 4, 1, 0, 5], [22, 3, 1, 0x48, 1]]
        {
            assert_eq!(Header::read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn split_takes_whole_records_only() {
        assert_eq!(split(&[22, 3, 1, 0, 2, 7, 8, 9]), Some((&[7, 8][..], &[9][..])));
        assert_eq!(split(&[22, 3, 1, 0, 2, 7]), None);
        assert_eq!(split(&[22, 3, 1, 0]), None);
    }

    #[test]
    fn message_length_is_three_bytes() {
        assert_eq!(message_len([0xff, 1, 2, 3]), 0x01_0203);
    }
}
