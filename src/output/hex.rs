//! A hello's bytes below its line, in tcpdump's layout.
//!
//! Text shows printable ASCII only: a line end in a stranger's bytes could otherwise forge a record.

use std::io::Write;

use crate::model::observation::HelloBytes;
use crate::output::context::HexMode;
use crate::output::escape::is_printable;

/// Bytes of one line.
const ROW: usize = 16;

/// Characters that a full line's hexadecimal part takes: eight groups of a space and four digits.
const HEX_WIDTH: usize = 40;

/// Appends what `mode` asks for.
pub(super) fn dump(out: &mut Vec<u8>, mode: HexMode, bytes: &HelloBytes) {
    let head: &[u8] = match mode {
        HexMode::LinkHex | HexMode::LinkHexAscii => &bytes.head,
        HexMode::Off | HexMode::Ascii | HexMode::Hex | HexMode::HexAscii => &[],
    };
    match mode {
        HexMode::Off => (),
        HexMode::Ascii => {
            out.extend(bytes.records.iter().copied().map(visible));
            out.push(b'\n');
        }
        HexMode::Hex | HexMode::LinkHex => rows(out, head, &bytes.records, false),
        HexMode::HexAscii | HexMode::LinkHexAscii => rows(out, head, &bytes.records, true),
    }
}

fn rows(out: &mut Vec<u8>, head: &[u8], records: &[u8], text: bool) {
    let mut bytes = head.iter().chain(records).copied();
    let mut row = Vec::with_capacity(ROW);
    let mut offset = 0;
    loop {
        row.clear();
        row.extend(bytes.by_ref().take(ROW));
        if row.is_empty() {
            return;
        }
        // Writing into memory cannot fail.
        let _ = write!(out, "\t0x{offset:04x}: ");
        let start = out.len();
        for group in row.chunks(2) {
            out.push(b' ');
            for byte in group {
                let _ = write!(out, "{byte:02x}");
            }
        }
        if text {
            out.resize(start + HEX_WIDTH, b' ');
            out.extend_from_slice(b"  ");
            out.extend(row.iter().copied().map(visible));
        }
        out.push(b'\n');
        offset += row.len();
    }
}

/// The byte itself where it is a printable character, else a dot.
fn visible(byte: u8) -> u8 {
    if is_printable(byte) { byte } else { b'.' }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(mode: HexMode) -> String {
        let head: Vec<u8> = (0x40..0x44).collect();
        let records = b"\x16\x03\x01\x00\x10\x01dc2.internal\r\n\x1b[2J~";
        let mut out = Vec::new();
        dump(&mut out, mode, &HelloBytes { head: head.into(), records: Box::from(&records[..]) });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hexadecimal_and_text_stand_as_tcpdump_prints_them() {
        assert_eq!(
            text(HexMode::HexAscii),
            concat!(
                "\t0x0000:  1603 0100 1001 6463 322e 696e 7465 726e  ......dc2.intern\n",
                "\t0x0010:  616c 0d0a 1b5b 324a 7e                   al...[2J~\n",
            )
        );
        assert_eq!(
            text(HexMode::Hex),
            "\t0x0000:  1603 0100 1001 6463 322e 696e 7465 726e\n\t0x0010:  616c 0d0a 1b5b 324a 7e\n"
        );
    }

    #[test]
    fn the_packets_headers_come_first_when_asked_for() {
        assert_eq!(
            text(HexMode::LinkHexAscii),
            concat!(
                "\t0x0000:  4041 4243 1603 0100 1001 6463 322e 696e  @ABC......dc2.in\n",
                "\t0x0010:  7465 726e 616c 0d0a 1b5b 324a 7e         ternal...[2J~\n",
            )
        );
        assert!(text(HexMode::LinkHex).starts_with("\t0x0000:  4041 4243 1603"));
    }

    #[test]
    fn text_alone_moves_no_cursor_and_ends_no_line() {
        assert_eq!(text(HexMode::Ascii), "......dc2.internal...[2J~\n");
        assert_eq!(text(HexMode::Off), "");
    }
}
