//! Walks a block of hello extensions (RFC 8446 §4.2) and survives a cut at its end.

use crate::hello::cursor::{Cursor, only_vec16};

/// `server_name`, RFC 6066 §3.
pub(crate) const SERVER_NAME: u16 = 0;
/// `application_layer_protocol_negotiation`, RFC 7301.
pub(crate) const ALPN: u16 = 16;
/// `key_share` of TLS 1.3 drafts before 23.
pub(crate) const KEY_SHARE_DRAFT: u16 = 40;
/// `pre_shared_key`, RFC 8446 §4.2.11.
pub(crate) const PRE_SHARED_KEY: u16 = 41;
/// `supported_versions`, RFC 8446 §4.2.1.
pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
/// `key_share`, RFC 8446 §4.2.8.
pub(crate) const KEY_SHARE: u16 = 51;
/// `encrypted_server_name` of the drafts before ECH (draft-ietf-tls-esni-01 to 06).
pub(crate) const ESNI: u16 = 0xffce;
/// First of the numbers that `encrypted_client_hello` had in its drafts (08 to 12).
pub(crate) const ECH_DRAFT: u16 = 0xfe08;
/// `encrypted_client_hello`, RFC 9849.
pub(crate) const ECH: u16 = 0xfe0d;

/// One extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extension<'a> {
    /// Type number.
    pub(crate) kind: u16,
    /// Its body; `None` where the block ends inside it.
    pub(crate) body: Option<&'a [u8]>,
}

/// The extensions of a block, one after another; ends at the first that is cut.
#[derive(Clone, Debug)]
pub(crate) struct Extensions<'a>(Cursor<'a>);

impl<'a> Extensions<'a> {
    /// Walks `block`, the bytes behind the two-byte length of all extensions.
    pub(crate) fn new(block: &'a [u8]) -> Self {
        Self(Cursor::new(block))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        let kind = self.0.u16()?;
        let body = self.0.vec16();
        if body.is_none() {
            self.0.rest();
        }
        Some(Extension { kind, body })
    }
}

/// Body of a `ProtocolNameList` (RFC 7301 §3.1) that is consistent: at least one name, none empty.
pub(crate) fn protocol_names(extension: &[u8]) -> Option<&[u8]> {
    let list = only_vec16(extension).filter(|list| !list.is_empty())?;
    let mut names = Cursor::new(list);
    while !names.is_empty() {
        names.vec8().filter(|name| !name.is_empty())?;
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walk_ends_at_the_extension_that_is_cut() {
        let block = [0, 5, 0, 1, 7, 0, 9, 0, 0, 0, 16, 0, 4, 1, 2, 3];
        let all: Vec<_> = Extensions::new(&block).collect();
        assert_eq!(
            all,
            [
                Extension { kind: 5, body: Some(&[7]) },
                Extension { kind: 9, body: Some(&[]) },
                Extension { kind: 16, body: None },
            ]
        );
    }

    #[test]
    fn walk_of_odd_ends() {
        assert_eq!(Extensions::new(&[]).count(), 0);
        assert_eq!(Extensions::new(&[0]).count(), 0);
        assert_eq!(Extensions::new(&[0, 5]).next(), Some(Extension { kind: 5, body: None }));
        assert_eq!(Extensions::new(&[0, 5, 0]).count(), 1);
    }

    #[test]
    fn protocol_names_must_be_consistent() {
        assert_eq!(protocol_names(&[0, 3, 2, b'h', b'2']), Some(&[2, b'h', b'2'][..]));
        assert_eq!(protocol_names(&[0, 0]), None, "empty list");
        assert_eq!(protocol_names(&[0, 1, 0]), None, "empty name");
        assert_eq!(protocol_names(&[0, 3, 3, b'h', b'2']), None, "name past the list");
        assert_eq!(protocol_names(&[0, 4, 2, b'h', b'2']), None, "list past the extension");
        assert_eq!(protocol_names(&[0, 3, 2, b'h', b'2', 0]), None, "bytes behind the list");
        assert_eq!(protocol_names(&[]), None);
    }
}
