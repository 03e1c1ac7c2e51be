//! DTLS records in a datagram: headers in clear, sealed ones, and the unified header of DTLS 1.3.
//!
//! RFC 6347 §4.1, RFC 9146 §3, RFC 9147 §4. Record numbers are not looked at: they may jump, repeat and run
//! backwards. What cannot be a record ends the datagram.

use crate::hello::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEARTBEAT, MAX_BODY};

/// Bytes of a header: content type, version, epoch, sequence number, length.
pub(super) const HEADER: usize = 13;

/// `tls12_cid`, RFC 9146 §3.
const CONNECTION_ID: u8 = 25;
/// `ack`, RFC 9147 §7.
const ACK: u8 = 26;
/// Shortest record with a unified header: two bytes of header, and sixteen that a cipher makes at least
/// (RFC 9147 §4.2.3).
const MIN_UNIFIED: usize = 18;

/// What a record is, as far as an onlooker can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// In clear (epoch 0); its content type.
    Clear(u8),
    /// Encrypted, with the header of DTLS 1.2 and before.
    Sealed,
    /// Encrypted, with the header of DTLS 1.3.
    Unified {
        /// The two bits of its epoch are those of early data.
        early: bool,
    },
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'d> {
    pub(super) kind: Kind,
    /// Its captured body; empty where the header does not tell where it begins.
    pub(super) body: &'d [u8],
    /// All of its body was captured.
    pub(super) whole: bool,
}

impl<'d> Record<'d> {
    /// The record at the beginning of `bytes`, behind which the snapshot length cut `missing` bytes off, and
    /// what follows it; `None` where there is none.
    pub(super) fn read(bytes: &'d [u8], missing: u32) -> Option<(Self, &'d [u8])> {
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        let sealed = |kind| (Self { kind, body: &[], whole: true }, &[][..]);
        if let Some(first @ 0x20..=0x3f) = bytes.first() {
            // where a connection id is in use, its length is known to the two ends only
            let fits = bytes.len().saturating_add(missing) >= MIN_UNIFIED;
            return fits.then(|| sealed(Kind::Unified { early: first & 3 == 1 }));
        }
        let (&[content, major, minor, epoch @ .., high, low], rest) = bytes.split_first_chunk::<HEADER>()?;
        let [high_epoch, low_epoch, ..] = epoch;
        if !is_version(major, minor) {
            return None;
        }
        let clear = (high_epoch, low_epoch) == (0, 0);
        let kind = match content {
            CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | HEARTBEAT | ACK if clear => Kind::Clear(content),
            CONNECTION_ID if !clear => return Some(sealed(Kind::Sealed)),
            CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE | APPLICATION_DATA | HEARTBEAT if !clear => Kind::Sealed,
            _ => return None,
        };
        let len = u16::from_be_bytes([high, low]);
        if len > MAX_BODY || usize::from(len) > rest.len().saturating_add(missing) {
            return None;
        }
        let (body, after) = rest.split_at_checked(usize::from(len)).unwrap_or((rest, &[]));
        Some((Self { kind, body, whole: body.len() == usize::from(len) }, after))
    }
}

/// DTLS 1.0, 1.2 and 1.3, the number that was left out, and 0.9.
fn is_version(major: u8, minor: u8) -> bool {
    matches!((major, minor), (0xfe, 0xfc..) | (1, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: u8, version: u16, epoch: u16, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[content], &version.to_be_bytes()[..], &epoch.to_be_bytes(), &[0, 1, 2, 3, 4, 5], &len, body]
            .concat()
    }

    fn kind(bytes: &[u8]) -> Option<Kind> {
        Record::read(bytes, 0).map(|(record, _)| record.kind)
    }

    #[test]
    fn kinds_by_type_version_and_epoch() {
        for (content, version, epoch, expected) in [
            (20, 0xfeff, 0, Some(Kind::Clear(20))),
            (21, 0xfefd, 0, Some(Kind::Clear(21))),
            (22, 0x0100, 0, Some(Kind::Clear(22))),
            (22, 0xfefc, 0, Some(Kind::Clear(22))),
            (24, 0xfefd, 0, Some(Kind::Clear(24))),
            (26, 0xfefd, 0, Some(Kind::Clear(26))),
            (22, 0xfefd, 1, Some(Kind::Sealed)),
            (23, 0xfeff, 256, Some(Kind::Sealed)),
            (25, 0xfefd, 1, Some(Kind::Sealed)),
            (23, 0xfefd, 0, None),
            (25, 0xfefd, 0, None),
            (26, 0xfefd, 1, None),
            (19, 0xfefd, 0, None),
            (27, 0xfefd, 1, None),
            (22, 0x0303, 0, None),
            (22, 0xfefb, 0, None),
            (22, 0x0101, 0, None),
        ] {
            let bytes = record(content, version, epoch, &[7; 20]);
            assert_eq!(kind(&bytes), expected, "{content} {version:04x} {epoch}");
        }
    }

    #[test]
    fn records_follow_each_other_until_the_header_hides_its_length() {
        let bytes = [record(22, 0xfefd, 0, b"ab"), record(22, 0xfefd, 1, b"cde"), vec![0x2e; 18]].concat();
        let (first, rest) = Record::read(&bytes, 0).unwrap();
        assert_eq!(first, Record { kind: Kind::Clear(22), body: b"ab", whole: true });
        let (second, rest) = Record::read(rest, 0).unwrap();
        assert_eq!((second.kind, second.body), (Kind::Sealed, &b"cde"[..]));
        let (third, rest) = Record::read(rest, 0).unwrap();
        assert_eq!((third.kind, rest.len()), (Kind::Unified { early: false }, 0));
        let with_id = [record(25, 0xfefd, 1, b"id"), record(22, 0xfefd, 0, b"")].concat();
        assert_eq!(Record::read(&with_id, 0).unwrap().1, b"");
    }

    #[test]
    fn unified_headers_are_32_to_63_and_hold_a_cipher() {
        for (first, expected) in [
            (0x1f, None),
            (0x20, Some(false)),
            (0x21, Some(true)),
            (0x2e, Some(false)),
            (0x3d, Some(true)),
            (0x3f, Some(false)),
            (0x40, None),
        ] {
            let mut bytes = vec![first; 18];
            assert_eq!(kind(&bytes), expected.map(|early| Kind::Unified { early }), "{first:x}");
            bytes.pop();
            assert_eq!(kind(&bytes), None, "{first:x}");
            assert_eq!(Record::read(&bytes, 1).is_some(), expected.is_some(), "{first:x}");
        }
    }

    #[test]
    fn a_length_past_the_datagram_is_true_only_where_the_capture_was_cut() {
        let bytes = record(22, 0xfefd, 0, b"abcd");
        let cut = &bytes[..bytes.len() - 1];
        assert_eq!(kind(cut), None);
        let (record, rest) = Record::read(cut, 1).unwrap();
        assert_eq!((record.body, record.whole, rest.len()), (&b"abc"[..], false, 0));
        assert_eq!(kind(&bytes[..12]), None);
        let mut long = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0x48, 1];
        long.resize(20_000, 0);
        assert_eq!(kind(&long), None, "over the longest body");
    }
}
