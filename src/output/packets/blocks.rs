//! The blocks of a pcapng file (draft-ietf-opsawg-pcapng): section, interface, packet. Little-endian.

const SECTION: u32 = 0x0a0d_0d0a;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Options of every block (3.5).
const COMMENT: u16 = 1;
/// `shb_userappl` (4.1).
const PROGRAM: u16 = 4;
/// `if_name`, `if_description`, `if_tsresol` (4.2).
const NAME: u16 = 2;
const DESCRIPTION: u16 = 3;
const RESOLUTION: u16 = 9;

/// Nanoseconds: units of 10⁻⁹ seconds.
const NANOSECONDS: u8 = 9;

/// The longest option text: its length is 16 bits, and a reader shows no more than a line.
const MAX_TEXT: usize = 4096;

/// A block under way, at the end of a buffer.
pub(super) struct Block<'b> {
    out: &'b mut Vec<u8>,
    begin: usize,
}

impl<'b> Block<'b> {
    fn new(out: &'b mut Vec<u8>, kind: u32) -> Self {
        let begin = out.len();
        out.extend_from_slice(&kind.to_le_bytes());
        // The length, once it is known.
        out.extend_from_slice(&[0; 4]);
        Self { out, begin }
    }

    fn number(&mut self, number: u32) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    /// Bytes, filled up to a multiple of four.
    fn padded(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        let fill = bytes.len().next_multiple_of(4) - bytes.len();
        self.out.extend_from_slice([0; 4].get(..fill).unwrap_or_default());
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        let Ok(length) = u16::try_from(value.len()) else { return };
        self.out.extend_from_slice(&code.to_le_bytes());
        self.out.extend_from_slice(&length.to_le_bytes());
        self.padded(value);
    }

    /// Text as an option; what is beyond [`MAX_TEXT`] is cut off.
    fn text(&mut self, code: u16, text: &str) {
        let end = (0..=MAX_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let text = text.get(..end).unwrap_or_default();
        if !text.is_empty() {
            self.option(code, text.as_bytes());
        }
    }

    /// The end of the options, and of the block.
    fn end(mut self, options: bool) {
        if options {
            self.number(0);
        }
        let length = u32::try_from(self.out.len() + 4 - self.begin).unwrap_or(u32::MAX);
        self.number(length);
        let place = self.out.get_mut(self.begin + 4..self.begin + 8);
        if let Some(place) = place {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }
}

/// The section header: what follows was written by `program`.
pub(super) fn section(out: &mut Vec<u8>, program: &str) {
    let mut block = Block::new(out, SECTION);
    block.number(BYTE_ORDER);
    // Version 1.0, and a section of unknown length.
    block.number(1);
    block.number(u32::MAX);
    block.number(u32::MAX);
    block.text(PROGRAM, program);
    block.end(true);
}

/// What an interface block says.
pub(super) struct Interface<'a> {
    /// Number of the link type.
    pub(super) link: u16,
    /// Longest packet that was captured whole; 0: not known.
    pub(super) snaplen: u32,
    /// The interface, or the file that its packets were read from.
    pub(super) name: &'a str,
    /// The vantage point.
    pub(super) node: &'a str,
}

/// An interface; it is known by how many came before it in the section.
pub(super) fn interface(out: &mut Vec<u8>, interface: &Interface<'_>) {
    let mut block = Block::new(out, INTERFACE);
    block.number(interface.link.into());
    block.number(interface.snaplen);
    block.text(NAME, interface.name);
    block.text(DESCRIPTION, interface.node);
    block.option(RESOLUTION, &[NANOSECONDS]);
    block.end(true);
}

/// What a packet block says.
pub(super) struct Packet<'a> {
    /// The interface's number.
    pub(super) interface: u32,
    /// Nanoseconds since the Unix epoch.
    pub(super) time: u64,
    /// Length on the wire.
    pub(super) wire_len: u32,
    /// What was captured.
    pub(super) bytes: &'a [u8],
    /// What a reader shows with the packet.
    pub(super) comment: Option<&'a str>,
}

/// A packet.
pub(super) fn packet(out: &mut Vec<u8>, packet: &Packet<'_>) {
    let mut block = Block::new(out, PACKET);
    block.number(packet.interface);
    let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0);
    block.number(half(packet.time >> 32));
    block.number(half(packet.time));
    block.number(u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX));
    block.number(packet.wire_len);
    block.padded(packet.bytes);
    if let Some(comment) = packet.comment {
        block.text(COMMENT, comment);
    }
    block.end(packet.comment.is_some());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_stand_at_both_ends_and_are_multiples_of_four() {
        let mut out = Vec::new();
        section(&mut out, "x");
        interface(&mut out, &Interface { link: 113, snaplen: 96, name: "ens4", node: "gw1" });
        for comment in [None, Some("c"), Some("four"), Some("")] {
            let bytes = &[1, 2, 3, 4, 5];
            packet(&mut out, &Packet { interface: 0, time: 5, wire_len: 9, bytes, comment });
        }
        let mut rest = out.as_slice();
        let mut kinds = Vec::new();
        while let Some((head, _)) = rest.split_first_chunk::<8>() {
            kinds.push(head[0]);
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
            assert_eq!(length % 4, 0);
            let (block, after) = rest.split_at(length);
            assert_eq!(block[length - 4..], head[4..]);
            rest = after;
        }
        assert!(rest.is_empty());
        assert_eq!(kinds, [0x0a, 1, 6, 6, 6, 6]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let mut out = Vec::new();
        let long = "é".repeat(40_000);
        packet(&mut out, &Packet { interface: 0, time: 0, wire_len: 0, bytes: &[], comment: Some(&long) });
        let text = &out[32..32 + MAX_TEXT];
        assert_eq!(u16::from_le_bytes([out[30], out[31]]) as usize, MAX_TEXT);
        assert_eq!(std::str::from_utf8(text).unwrap(), "é".repeat(MAX_TEXT / 2));
    }
}
