//! Packets in a pcapng file (`-w`): an interface block for each input and link type, nanoseconds, and a comment
//! where a hello is whole.

mod blocks;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use crate::error::Error;
use crate::model::frame::{LinkType, Origin, OriginId, Timestamp};
use crate::model::observation::{Observation, Outcome};
use crate::output::context::with_origin;
use crate::output::packets::blocks::Interface;
use crate::output::sink::Place;
use crate::output::words::{Aim, Reason, Span};
use crate::output::writer::Writer;

/// The program as the file names it.
const PROGRAM: &str = concat!("sni-watch ", env!("CARGO_PKG_VERSION"));

/// A captured packet that outlives its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When it was captured.
    pub time: Timestamp,
    /// Where it came from.
    pub origin: OriginId,
    /// How `bytes` begin.
    pub link: LinkType,
    /// Length on the wire in bytes.
    pub wire_len: u32,
    /// The captured bytes.
    pub bytes: Box<[u8]>,
    /// What to say with it.
    pub comment: Option<Box<str>>,
}

/// A pcapng file under way.
pub struct PacketWriter {
    writer: Writer,
    origins: Vec<Origin>,
    /// Longest packet that an interface captured whole.
    snaplen: u32,
    /// Interfaces in the section so far.
    interfaces: u32,
    numbers: HashMap<(OriginId, LinkType), u32>,
}

impl PacketWriter {
    /// Opens the file and begins it: without any packet it is a capture too.
    ///
    /// # Errors
    /// The file could not be opened or written.
    pub fn open(place: Place, origins: Vec<Origin>, snaplen: u32) -> Result<Self, Error> {
        Self::new(Writer::open(place, false)?, origins, snaplen)
    }

    /// Begins a capture in `writer`.
    ///
    /// # Errors
    /// It could not be written.
    pub fn new(writer: Writer, origins: Vec<Origin>, snaplen: u32) -> Result<Self, Error> {
        let mut it = Self { writer, origins, snaplen, interfaces: 0, numbers: HashMap::new() };
        it.begin()?;
        Ok(it)
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.interfaces = 0;
        self.numbers.clear();
        // A reader that went away is seen again at the first packet.
        let _: ControlFlow<()> = self.writer.record(|out| blocks::section(out, PROGRAM))?;
        Ok(())
    }

    /// Writes a packet; ahead of the first one of an input and link type, its interface.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn packet(&mut self, packet: &Packet) -> Result<ControlFlow<()>, Error> {
        let Self { writer, origins, snaplen, interfaces, numbers } = self;
        writer.record(|out| {
            let interface = *numbers.entry((packet.origin, packet.link)).or_insert_with(|| {
                let origin = origins.get(usize::from(packet.origin.0));
                let described = Interface {
                    // Every link type that is decoded has a number of 16 bits.
                    link: u16::try_from(packet.link.0).unwrap_or(u16::MAX),
                    snaplen: if origin.is_some_and(|origin| origin.live) { *snaplen } else { 0 },
                    name: origin.map_or("", |origin| &origin.name),
                    node: origin.map_or("", |origin| &origin.node),
                };
                blocks::interface(out, &described);
                *interfaces += 1;
                *interfaces - 1
            });
            let (wire_len, comment) = (packet.wire_len, packet.comment.as_deref());
            let time = packet.time.0;
            blocks::packet(out, &blocks::Packet { interface, time, wire_len, bytes: &packet.bytes, comment });
        })
    }

    /// Another input bears this number from now on: its packets get an interface of their own.
    pub fn origin(&mut self, id: OriginId, origin: &Origin) {
        self.origins = with_origin(&self.origins, id, origin).to_vec();
        self.numbers.retain(|(known, _), _| *known != id);
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn flush(&mut self) -> Result<ControlFlow<()>, Error> {
        self.writer.flush()
    }

    /// Opens the file again (SIGHUP) with a section of its own.
    ///
    /// # Errors
    /// It could not be opened.
    pub fn reopen(&mut self) -> Result<(), Error> {
        if self.writer.is_file() {
            self.writer.reopen()?;
            self.begin()?;
        }
        Ok(())
    }
}

/// What is said with a hello's packet: name, target, result.
pub fn comment(record: &Observation) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _: std::fmt::Result = (|| {
        if let Some(name) = &record.name {
            text.write_str(name.text().unwrap_or("no server name"))?;
            if let Some(aim) = Aim::of(name) {
                write!(text, ": {aim}")?;
            }
            text.write_str(", ")?;
        }
        match &record.handshake {
            Some(handshake) if handshake.result == Outcome::Ok => {
                text.write_str("ok")?;
                handshake.latency.map_or(Ok(()), |latency| write!(text, " {}", Span(latency)))
            }
            Some(handshake) => {
                let (result, reason) = (handshake.result.name(), Reason(record, handshake).to_string());
                if reason.starts_with(result) {
                    text.write_str(&reason)
                } else {
                    write!(text, "{result}: {reason}")
                }
            }
            None => Ok(()),
        }
    })();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_comment_says_name_target_and_result() {
        assert_eq!(
            comment(&sample::ok()),
            "currency.default.dc2.internal.c0ffee00-5a1d-4b6e-9a77-0dc1dc2f00d5.consul: currency → dc2, ok 4.6 ms"
        );
        let reset = comment(&sample::failed(Outcome::Reset));
        assert!(reset.ends_with(".consul: currency → dc2, reset by server 0.6 ms after hello"), "{reset}");
        assert_eq!(comment(&sample::failed(Outcome::Refused)), "refused by server, 9 attempts");
        let plain = Observation { name: Some(sample::foreign_name("www.example.org")), ..sample::ok() };
        assert_eq!(comment(&plain), "www.example.org, ok 4.6 ms");
        let timeout = comment(&sample::failed(Outcome::Timeout));
        assert!(timeout.ends_with(", timeout: no answer in 10 s, 3 retransmits"), "{timeout}");
        let none = Observation { name: Some(sample::no_name()), ..sample::ok() };
        assert_eq!(comment(&none), "no server name, ok 4.6 ms");
    }
}
