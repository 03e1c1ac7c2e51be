//! Google QUIC's own handshake messages: a tag, and a list of tagged values. The client's is `CHLO`.

use crate::hello::cursor::Cursor;
use crate::model::hello::Sni;

/// Bytes of a message's tag, count and padding.
const HEAD: usize = 8;
/// Bytes of an entry of the list: a tag, and the end of its value.
const ENTRY: usize = 8;
/// Most entries that a message may have.
const MAX_ENTRIES: u16 = 128;

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// `REJ`: the client is to say more, and to show its address.
    Rejection,
    /// `SHLO`: the server agreed.
    Hello,
}

/// Length of the client's message that `bytes` begin with, as far as it is known; `None` where it is none.
pub(crate) fn measure(bytes: &[u8]) -> Option<usize> {
    if !b"CHLO".starts_with(bytes.get(..4).unwrap_or(bytes)) {
        return None;
    }
    let Some(head) = bytes.get(..HEAD) else { return Some(HEAD) };
    let list = HEAD + ENTRY * usize::from(entries(head)?);
    let Some(list_bytes) = bytes.get(HEAD..list) else { return Some(list) };
    let mut end = 0;
    for (_, next) in walk(list_bytes) {
        if next < end {
            return None;
        }
        end = next;
    }
    list.checked_add(end)
}

/// The server name in a whole message; `None` where it is no client's.
fn server_name(message: &[u8]) -> Option<Sni<'_>> {
    let head = message.get(..HEAD).filter(|head| head.starts_with(b"CHLO"))?;
    let (list, values) = message.get(HEAD..)?.split_at_checked(ENTRY * usize::from(entries(head)?))?;
    let mut start = 0;
    for (tag, end) in walk(list) {
        if tag == b"SNI\0" {
            return Some(match values.get(start..end) {
                Some([]) => Sni::Empty,
                Some(bytes) => Sni::Name { bytes, more: false },
                None => Sni::Malformed,
            });
        }
        start = end;
    }
    Some(Sni::Absent)
}

/// The same, where there is a name: a CHLO without one has nothing to tell.
pub(crate) fn named(message: &[u8]) -> Option<Sni<'_>> {
    server_name(message).filter(|sni| matches!(sni, Sni::Name { .. }))
}

/// What a server's message begins with.
pub(crate) fn answer(bytes: &[u8]) -> Option<Answer> {
    match bytes.first_chunk()? {
        b"REJ\0" | b"SREJ" => Some(Answer::Rejection),
        b"SHLO" => Some(Answer::Hello),
        _ => None,
    }
}

fn entries(head: &[u8]) -> Option<u16> {
    let count = u16::from_le_bytes(*head.get(4..)?.first_chunk()?);
    (count <= MAX_ENTRIES).then_some(count)
}

/// Tags, and where their values end.
fn walk(list: &[u8]) -> impl Iterator<Item = (&[u8; 4], usize)> {
    let mut cursor = Cursor::new(list);
    std::iter::from_fn(move || {
        let tag = cursor.array::<4>()?;
        let end = u32::from_le_bytes(*cursor.array()?);
        Some((tag, usize::try_from(end).unwrap_or(usize::MAX)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(values: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut bytes = b"CHLO".to_vec();
        bytes.extend(u16::try_from(values.len()).unwrap().to_le_bytes());
        bytes.extend([0, 0]);
        let mut end = 0_u32;
        for (tag, value) in values {
            end += u32::try_from(value.len()).unwrap();
            bytes.extend(*tag);
            bytes.extend(end.to_le_bytes());
        }
        bytes.extend(values.iter().flat_map(|(_, value)| *value));
        bytes
    }

    #[test]
    fn a_name_among_other_values() {
        let whole = message(&[(b"PAD\0", &[b'-'; 300]), (b"SNI\0", b"a.example"), (b"VER\0", b"Q043")]);
        for len in 0..whole.len() {
            assert!(measure(&whole[..len]).unwrap() > len, "{len}");
        }
        assert_eq!(measure(&whole), Some(whole.len()));
        assert!(matches!(server_name(&whole), Some(Sni::Name { bytes: b"a.example", more: false })));
        assert_eq!(server_name(&message(&[(b"SNI\0", b"")])), Some(Sni::Empty));
        assert_eq!(server_name(&message(&[(b"VER\0", b"Q043")])), Some(Sni::Absent));
        assert_eq!(server_name(&whole[..310]), Some(Sni::Malformed));
        assert_eq!(server_name(b"SHLO\0\0\0\0"), None);
        assert!(named(&whole).is_some() && named(&whole[..310]).is_none());
        assert_eq!(named(&message(&[(b"VER\0", b"Q043")])), None);
    }

    #[test]
    fn what_contradicts_itself_is_none() {
        assert_eq!(measure(b"SHLO\0\0\0\0"), None);
        assert_eq!(measure(b"CHLO\x81\0\0\0"), None, "too many entries");
        let mut back = message(&[(b"PAD\0", b"abc"), (b"SNI\0", b"")]);
        back[20] = 1;
        assert_eq!(measure(&back), None, "a value ends before it begins");
    }

    #[test]
    fn answers() {
        assert_eq!(answer(b"REJ\0..."), Some(Answer::Rejection));
        assert_eq!(answer(b"SHLO"), Some(Answer::Hello));
        assert_eq!(answer(b"SHL"), None);
    }
}
