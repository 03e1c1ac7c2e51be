//! Runs captures in memory through the library: source, wire, inspector. No process, no output.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test and bench that mounts this module uses a part of it"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code fails loudly")]

use std::collections::BTreeSet;
use std::io::Cursor;
use std::ops::ControlFlow;

use sni_watch::inspector::Inspector;
use sni_watch::inspector::settings::Settings;
use sni_watch::model::frame::OriginId;
use sni_watch::model::observation::{Handshake, Observation};
use sni_watch::model::seed::Seed;
use sni_watch::model::stats::RunStats;
use sni_watch::naming::Namer;
use sni_watch::run::worker::Worker;
use sni_watch::source::{Progress, Source, file};
use sni_watch::wire::Decoder;

use crate::support::packet::Packet;
use crate::support::scenario::Capture;

/// What was found in a capture.
#[derive(Debug, Default)]
pub struct Watched {
    /// The records in order.
    pub records: Vec<Observation>,
    /// The counters at the end.
    pub stats: RunStats,
    /// What was wrong with the file.
    pub errors: Vec<String>,
}

/// A name in a record, and between whom it was seen.
pub type Named = (String, String);

impl Watched {
    /// Server name of each record that has one, with the addresses and ports.
    pub fn names(&self) -> BTreeSet<Named> {
        let named = self.records.iter().filter_map(|record| {
            let wire = record.name.as_ref()?.wire()?;
            Some((format!("{:?} {:?}", record.flow.hosts, record.flow.ports), wire.to_string()))
        });
        named.collect()
    }
}

/// A worker as a run has it.
pub fn worker(settings: Settings) -> Worker {
    Worker::new(Decoder::new(Seed(7, 11)), Inspector::new(settings, Namer::default()), None)
}

/// Watches a capture file's bytes to their end.
pub fn capture(bytes: Vec<u8>) -> Watched {
    let mut watched = Watched::default();
    let mut source = match file::from_reader(Box::new(Cursor::new(bytes)), "memory".into(), OriginId(0)) {
        Ok(source) => source,
        Err(error) => {
            watched.errors.push(error.to_string());
            return watched;
        }
    };
    let mut worker = worker(Settings::default());
    loop {
        let driven = source.drive(&mut |frames| {
            assert!(worker.frames(frames).is_continue());
            ControlFlow::Continue(())
        });
        match driven {
            Ok(Progress::End) => break,
            Ok(_) => {}
            Err(error) => watched.errors.push(error.to_string()),
        }
        assert!(watched.errors.len() < 2, "a file has one damage: {:?}", watched.errors);
    }
    worker.finish();
    watched.stats = worker.stats();
    watched.records = std::mem::take(&mut worker.out.records);
    watched
}

/// Watches packets, in the order given, as a capture with nanoseconds.
pub fn packets(packets: &[Packet]) -> Vec<Observation> {
    let watched = capture(Capture { nanoseconds: true, ..Capture::default() }.file(packets));
    assert!(watched.errors.is_empty(), "{:?}", watched.errors);
    watched.records
}

/// Records without what may differ where the same stream was cut and sent in another way: frame numbers, times, and
/// the numbers of segments and repetitions.
pub fn essence(records: Vec<Observation>) -> Vec<Observation> {
    let strip = |mut record: Observation| {
        (record.packet, record.time, record.completed) = Default::default();
        if let Some(hello) = &mut record.hello {
            hello.segments = 0;
        }
        record.handshake = record.handshake.map(|handshake| Handshake {
            latency: None,
            tcp_rtt: None,
            total: None,
            retransmits: 0,
            ..handshake
        });
        record
    };
    records.into_iter().map(strip).collect()
}
