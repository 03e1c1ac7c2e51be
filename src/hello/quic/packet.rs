//! Headers of QUIC packets (RFC 9000 §17, RFC 9369 §3.2), one after another in a datagram.

use crate::hello::cursor::Cursor;
use crate::hello::quic::version::{self, Version};

/// Longest connection id of the versions that are known here (RFC 9000 §17.2).
const MAX_ID: usize = 20;
/// Bytes of a client's first Initial, at least: it holds a hello, or much of one.
const MIN_INITIAL: usize = 200;

/// A connection id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Id {
    bytes: [u8; MAX_ID],
    len: u8,
}

impl Id {
    /// The id in `bytes`; `None` where it is too long.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let mut id = Self { len: u8::try_from(bytes.len()).ok()?, ..Self::default() };
        id.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(id)
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Initial; its packet number begins at this place of [`Packet::bytes`].
    Initial {
        /// Bytes ahead of the packet number.
        number_at: usize,
        /// It carries a token: the client was here before, or was sent a Retry.
        token: bool,
    },
    /// 0-RTT: the client's early data.
    Early,
    /// Handshake: under keys that an onlooker does not have.
    Handshake,
    /// Retry; there is none behind it.
    Retry,
    /// Version negotiation; there is none behind it.
    Negotiation,
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'d> {
    /// All of it, as far as it was captured.
    pub(crate) bytes: &'d [u8],
    /// The version's number; 0 in a version negotiation.
    pub(crate) version: u32,
    /// Destination connection id.
    pub(crate) to: &'d [u8],
    /// Source connection id.
    pub(crate) from: &'d [u8],
    /// What it is.
    pub(crate) kind: Kind,
    /// True if not all of it is there.
    pub(crate) cut: bool,
}

/// One packet of a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next<'d> {
    /// With a long header.
    Long(Packet<'d>),
    /// With a short header, up to the datagram's end: under the connection's final keys. The bytes begin with
    /// the destination connection id, whose length only the two sides know.
    Short(&'d [u8]),
}

/// True for the first byte of a long header.
pub(crate) fn is_long(first: u8) -> bool {
    first & 0x80 != 0
}

/// Takes the next packet off the front of a datagram; `None` at its end, and where there is no header.
pub(crate) fn take<'d>(datagram: &mut &'d [u8]) -> Option<Next<'d>> {
    let whole = std::mem::take(datagram);
    let (first, rest) = whole.split_first().filter(|(first, _)| **first != 0)?;
    if !is_long(*first) {
        return Some(Next::Short(rest));
    }
    let packet = long(whole)?;
    *datagram = whole.get(packet.bytes.len()..)?;
    Some(Next::Long(packet))
}

/// Reads a long header, and finds the packet's end.
fn long(whole: &[u8]) -> Option<Packet<'_>> {
    let mut cursor = Cursor::new(whole);
    let first = cursor.u8()?;
    let number = u32::from_be_bytes(*cursor.array()?);
    let (to, from) = (cursor.vec8()?, cursor.vec8()?);
    let of = |kind| Packet { bytes: whole, version: number, to, from, kind, cut: false };
    if number == 0 {
        return Some(of(Kind::Negotiation));
    }
    let (mut kind, second) = (first >> 4 & 3, version::find(number).is_some_and(|version| version.second));
    if second {
        // the types are the first version's, and each one more
        kind = kind.wrapping_sub(1) & 3;
    }
    if kind == 3 {
        return Some(of(Kind::Retry));
    }
    let token = if kind == 0 {
        let len = varint(&mut cursor)?;
        !cursor.take(usize::try_from(len).ok()?)?.is_empty()
    } else {
        false
    };
    let len = usize::try_from(varint(&mut cursor)?).ok()?;
    let mut body = cursor;
    let number_at = whole.len() - body.rest().len();
    let end = number_at.checked_add(len)?;
    let kind = match kind {
        0 => Kind::Initial { number_at, token },
        1 => Kind::Early,
        _ => Kind::Handshake,
    };
    Some(match whole.get(..end) {
        Some(bytes) => Packet { bytes, ..of(kind) },
        None => Packet { cut: true, ..of(kind) },
    })
}

/// A variable-length integer (RFC 9000 §16).
pub(crate) fn varint(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.u8()?;
    let more = (1_usize << (first >> 6)) - 1;
    let start = u64::from(first & 0x3f);
    Some(cursor.take(more)?.iter().fold(start, |value, byte| value << 8 | u64::from(*byte)))
}

/// What an Initial that may open a connection looks like to its version: `None` where it is none.
pub(crate) fn opening(datagram: &[u8]) -> Option<(u32, Option<&'static Version>)> {
    let [first, number @ ..] = datagram.first_chunk::<5>()?;
    let number = u32::from_be_bytes(*number);
    if !is_long(*first) || number == 0 {
        return None;
    }
    let known = version::find(number);
    let kind = first >> 4 & 3;
    let second = known.is_some_and(|version| version.second);
    // an Initial, or early data with an Initial behind it
    let opens = if second { matches!(kind, 1 | 2) } else { kind < 2 };
    opens.then_some((number, known))
}

/// True for a whole Initial packet, of whatever version, whose lengths fit into each other.
pub(crate) fn is_plausible(datagram: &[u8]) -> bool {
    let Some(Next::Long(packet)) = take(&mut &*datagram) else { return false };
    let ids = (8..=MAX_ID).contains(&packet.to.len()) && packet.from.len() <= MAX_ID;
    ids && matches!(packet.kind, Kind::Initial { .. }) && !packet.cut && packet.bytes.len() >= MIN_INITIAL
}

/// A number for a connection (FNV-1a); never 0.
pub(crate) fn tag(version: u32, id: &[u8]) -> u32 {
    let bytes = version.to_be_bytes().into_iter().chain(id.iter().copied());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(first: u8, version: u32, to: &[u8], from: &[u8]) -> Vec<u8> {
        let ids = [to, from].map(|id| [&[u8::try_from(id.len()).unwrap()], id].concat()).concat();
        [&[first], &version.to_be_bytes()[..], &ids].concat()
    }

    fn only(datagram: &[u8]) -> (Packet<'_>, &[u8]) {
        let mut rest = datagram;
        let Some(Next::Long(packet)) = take(&mut rest) else { panic!("{datagram:?}") };
        (packet, rest)
    }

    #[test]
    fn coalesced_packets_come_one_after_another() {
        let initial = [header(0xc0, 1, b"to", b"fro"), vec![2, 7, 7, 0x40, 4, 1, 2, 3, 4]].concat();
        let early = [header(0xd0, 1, b"to", b"fro"), vec![2, 8, 8]].concat();
        let handshake = [header(0xe0, 1, b"to", b""), vec![1, 9]].concat();
        let datagram = [&initial[..], &early, &handshake, &[0x41, 5, 6]].concat();
        let (first, rest) = only(&datagram);
        assert_eq!((first.version, first.to, first.from), (1, &b"to"[..], &b"fro"[..]));
        assert_eq!(first.kind, Kind::Initial { number_at: initial.len() - 4, token: true });
        assert_eq!(first.bytes, initial);
        let (second, rest) = only(rest);
        assert_eq!((second.kind, second.bytes), (Kind::Early, &early[..]));
        let (third, mut rest) = only(rest);
        assert_eq!((third.kind, third.cut, third.from), (Kind::Handshake, false, &b""[..]));
        assert!(matches!(take(&mut rest), Some(Next::Short([5, 6]))));
        assert!(take(&mut &[0, 0, 0][..]).is_none(), "padding behind the last packet");
        assert!(take(&mut rest).is_none());
    }

    #[test]
    fn types_of_the_second_version() {
        for (first, kind) in [(0xd0, "Initial"), (0xe0, "Early"), (0xf0, "Handshake"), (0xc0, "Retry")] {
            let datagram = [header(first, 0x6b33_43cf, b"to", b""), vec![0, 1, 1]].concat();
            assert!(format!("{:?}", only(&datagram).0.kind).starts_with(kind), "{first:#x}");
        }
    }

    #[test]
    fn retry_and_negotiation_take_all_that_is_left() {
        let retry = [header(0xf5, 0xff00_001d, b"a", b"b"), vec![9; 40]].concat();
        assert_eq!((only(&retry).0.kind, only(&retry).1), (Kind::Retry, &[][..]));
        let negotiation = [header(0x80, 0, &[1; 60], b"b"), vec![9; 8]].concat();
        assert_eq!((only(&negotiation).0.kind, only(&negotiation).1), (Kind::Negotiation, &[][..]));
    }

    #[test]
    fn a_packet_that_is_cut_says_so_and_a_header_that_is_cut_is_none() {
        let whole = [header(0xc3, 1, b"destinat", b"source"), vec![0, 0x40, 50], vec![5; 50]].concat();
        for len in 0..whole.len() {
            let mut rest = &whole[..len];
            match take(&mut rest) {
                None => assert!(len < whole.len() - 50),
                Some(Next::Long(packet)) => assert!(packet.cut && len >= whole.len() - 50, "{len}"),
                Some(Next::Short(_)) => panic!("{len}"),
            }
        }
        assert!(!only(&whole).0.cut);
        let huge = [header(0xc3, 1, b"", b""), vec![0, 0xff, 255, 255, 255, 255, 255, 255, 255, 1]].concat();
        assert!(only(&huge).0.cut);
    }

    #[test]
    fn integers_of_all_lengths() {
        // RFC 9000 appendix A.1
        for (bytes, value) in [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            assert_eq!(varint(&mut Cursor::new(bytes)), Some(value));
            assert_eq!(varint(&mut Cursor::new(&bytes[..bytes.len() - 1])), None);
        }
    }

    #[test]
    fn ids_have_a_longest() {
        assert_eq!(Id::new(&[7; 20]).unwrap().as_bytes(), [7; 20]);
        assert_eq!(Id::new(b"").unwrap(), Id::default());
        assert!(Id::new(&[7; 21]).is_none());
    }

    #[test]
    fn an_unknown_version_must_fit_in_all_lengths() {
        let with = |to: &[u8], len: u16, body: usize| {
            [
                header(0xc0, 0x1a2a_3a4a, to, b"source"),
                vec![0],
                (len | 0x4000).to_be_bytes().to_vec(),
                vec![5; body],
            ]
            .concat()
        };
        assert!(is_plausible(&with(b"destinat", 1200, 1200)));
        assert!(is_plausible(&with(b"destinat", 1100, 1200)));
        assert!(!is_plausible(&with(b"destinat", 1201, 1200)));
        assert!(!is_plausible(&with(b"destina", 1200, 1200)));
        assert!(!is_plausible(&with(b"destinat", 100, 1200)));
    }

    #[test]
    fn tags_tell_version_and_id() {
        let tags = [tag(1, b"a"), tag(1, b"b"), tag(2, b"a"), tag(1, b"")];
        assert_eq!(tags.iter().collect::<std::collections::HashSet<_>>().len(), 4);
        assert_eq!(tag(1, b"a"), tags[0]);
        assert!(!tags.contains(&0));
    }

    #[test]
    fn what_may_open_a_connection() {
        let number = |bytes: &[u8]| opening(bytes).map(|(number, _)| number);
        assert_eq!(number(&[0xc0, 0, 0, 0, 1]), Some(1));
        assert_eq!(number(&[0x80, 0, 0, 0, 1]), Some(1), "the fixed bit may be greased");
        assert_eq!(number(&[0xd0, 0, 0, 0, 1]), Some(1), "early data first");
        assert_eq!(number(&[0xe0, 0, 0, 0, 1]), None, "a Handshake packet");
        assert_eq!(number(&[0xc0, 0, 0, 0, 0]), None, "version negotiation");
        assert_eq!(number(&[0x40, 0, 0, 0, 1]), None, "a short header");
        assert_eq!(number(&[0xd0, 0x6b, 0x33, 0x43, 0xcf]), Some(0x6b33_43cf));
        assert_eq!(number(&[0xc0, 0x6b, 0x33, 0x43, 0xcf]), None, "a Retry of the second version");
        assert!(opening(&[0xc0, 0x1a, 0x2a, 0x3a, 0x4a]).unwrap().1.is_none());
        assert_eq!(number(&[0xc0, 0, 0, 0]), None);
    }
}
