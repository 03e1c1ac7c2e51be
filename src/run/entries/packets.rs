//! Files, frames, and parts of datagrams.

use std::io::Cursor;
use std::ops::ControlFlow;

use crate::model::frame::{Frame, LinkType, OriginId, Timestamp};
use crate::run::entries::{chunk, told};
use crate::run::worker::Worker;
use crate::source::{Progress, Source, file};
use crate::wire::LINKS;

/// Wrong things that a file may have at most.
const MAX_TROUBLES: usize = 1;
/// IPv4 (RFC 791), without the header's checksum.
const RAW: LinkType = LinkType(101);

/// A file.
pub(super) fn capture(bytes: &[u8]) -> usize {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let Ok(mut source) = file::from_reader(reader, "memory".into(), OriginId(0)) else { return 0 };
    let (mut worker, mut troubles) = (told::worker(), 0);
    loop {
        let driven = source.drive(&mut |frames| {
            _ = worker.frames(frames);
            ControlFlow::Continue(())
        });
        match driven {
            Ok(Progress::End) => break,
            Ok(_) => {}
            Err(_) => troubles += 1,
        }
        assert!(troubles <= MAX_TROUBLES, "a file has one damage");
    }
    end(worker)
}

/// Two bytes that choose a row of [`LINKS`]; then frames, each behind the exponent of the nanoseconds that it comes
/// later, and how many bytes were cut off it.
pub(super) fn frames(mut bytes: &[u8]) -> usize {
    let Some((choice, rest)) = bytes.split_first_chunk::<2>() else { return 0 };
    bytes = rest;
    let row = usize::from(u16::from_be_bytes(*choice)) % LINKS.len();
    let ids = LINKS.get(row).map_or(&[][..], |link| link.ids);
    let link = ids.first().copied().unwrap_or(RAW);
    let mut worker = told::worker();
    let (mut time, mut number) = (Timestamp::default(), 0);
    while let Some(([later, cut], body)) = chunk::<2>(&mut bytes) {
        number += 1;
        time = time.plus(1 << (later & 63));
        take(&mut worker, number, time, link, u32::from(cut), body);
    }
    end(worker)
}

/// Parts of datagrams: each a byte for the way, one for the protocol, one of whether there are more and whether it is
/// IPv6, one for the offset in units of eight bytes, and the part.
pub(super) fn fragments(mut bytes: &[u8]) -> usize {
    let mut worker = told::worker();
    let mut number = 0;
    while let Some(([way, protocol, more, offset], body)) = chunk::<4>(&mut bytes) {
        number += 1;
        let packet = part(way, protocol, more, offset, body);
        take(&mut worker, number, Timestamp(number << 20), RAW, 0, &packet);
    }
    end(worker)
}

/// A part under an IP header.
fn part(way: u8, protocol: u8, more: u8, offset: u8, body: &[u8]) -> Vec<u8> {
    let body = body.get(..body.len().min(2000)).unwrap_or_default();
    let (from, to) = if way & 1 == 0 { (1, 2) } else { (2, 1) };
    let len = u16::try_from(body.len()).unwrap_or_default();
    let id = [0, way >> 1];
    if more & 2 == 0 {
        let [high, low] = (u16::from(more & 1) << 13 | u16::from(offset)).to_be_bytes();
        let [len_high, len_low] = (len + 20).to_be_bytes();
        let head = [0x45, 0, len_high, len_low, id[0], id[1], high, low, 64, protocol, 0, 0];
        return [&head[..], &[10, 0, 0, from, 10, 0, 0, to], body].concat();
    }
    let [high, low] = (u16::from(offset) << 3 | u16::from(more & 1)).to_be_bytes();
    let [len_high, len_low] = (len + 8).to_be_bytes();
    let address = |end: u8| [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end];
    let head = [0x60, 0, 0, 0, len_high, len_low, 44, 64];
    let extension = [protocol, 0, high, low, 0, 0, id[0], id[1]];
    [&head[..], &address(from), &address(to), &extension, body].concat()
}

fn take(worker: &mut Worker, number: u64, time: Timestamp, link: LinkType, cut: u32, bytes: &[u8]) {
    let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_add(cut);
    let frame = Frame { number, time, link, origin: OriginId(0), wire_len, bytes };
    _ = worker.frames(&[frame]);
}

fn end(mut worker: Worker) -> usize {
    worker.finish();
    _ = worker.stats();
    told::tell(&worker.out.records)
}
