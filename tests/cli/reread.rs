//! Reads what `-w` wrote, by itself: no code of the program is in it.

use std::fs;

/// A packet as a pcapng file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub interface: usize,
    pub time: u64,
    pub wire_len: u32,
    pub bytes: Vec<u8>,
    pub comment: Option<String>,
}

/// What `-w` wrote: link type, snapshot length and name of each interface, then the packets; sections apart.
#[derive(Debug, Default)]
pub struct File {
    pub sections: usize,
    pub interfaces: Vec<(u32, u32, String)>,
    pub packets: Vec<Written>,
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The text of an option.
fn option(mut options: &[u8], code: u16) -> Option<String> {
    while options.len() >= 4 {
        let (kind, length) = (
            u16::from_le_bytes([options[0], options[1]]),
            usize::from(options[2]) + 256 * usize::from(options[3]),
        );
        if kind == code {
            return Some(String::from_utf8(options[4..4 + length].to_vec()).unwrap());
        }
        options = &options[4 + length.next_multiple_of(4)..];
    }
    None
}

pub fn read(bytes: &[u8]) -> File {
    let (mut file, mut rest) = (File::default(), bytes);
    while !rest.is_empty() {
        let length = number(rest, 4) as usize;
        let (block, after) = rest.split_at(length);
        let body = &block[8..length - 4];
        match number(block, 0) {
            0x0a0d_0d0a => file.sections += 1,
            1 => file.interfaces.push((number(body, 0), number(body, 4), option(&body[8..], 2).unwrap())),
            6 => {
                let captured = number(body, 12) as usize;
                file.packets.push(Written {
                    interface: number(body, 0) as usize,
                    time: u64::from(number(body, 4)) << 32 | u64::from(number(body, 8)),
                    wire_len: number(body, 16),
                    bytes: body[20..20 + captured].to_vec(),
                    comment: option(&body[20 + captured.next_multiple_of(4)..], 1),
                });
            }
            other => panic!("block {other}"),
        }
        rest = after;
    }
    assert!(file.packets.is_sorted_by_key(|packet| packet.time), "in the order of their times");
    file
}

pub fn at(path: &str) -> File {
    read(&fs::read(path).unwrap())
}

/// What stands whole at the front.
pub fn read_as_far(bytes: &[u8]) -> File {
    let mut end = 0;
    while bytes.len() >= end + 8 && bytes.len() >= end + number(bytes, end + 4) as usize {
        end += number(bytes, end + 4) as usize;
    }
    read(&bytes[..end])
}
