//! Certificates, names, and this program's own records.

use crate::hello::x509;
use crate::ingest::Item;
use crate::model::hello::Sni;
use crate::naming::Namer;
use crate::naming::explain::explain;
use crate::output::paths::{PATH_SINKS, PathSink, View};
use crate::path::Node;
use crate::path::join::{Joiner, Settings};
use crate::path::window::Feed;
use crate::run::entries::{chunk, told};

/// A certificate in DER.
pub(super) fn certificate(der: &[u8]) -> usize {
    usize::from(x509::read(der).is_some())
}

/// What a `server_name` extension held.
pub(super) fn name(bytes: &[u8]) -> usize {
    let name = Namer::default().classify(Sni::Name { bytes, more: false });
    explain(&name).len()
}

/// Lines of JSON.
pub(super) fn records(bytes: &[u8]) -> usize {
    told::read_back(bytes).0.len()
}

/// Lines of JSON in chunks: each behind a byte that says which vantage point's.
pub(super) fn paths(mut bytes: &[u8]) -> usize {
    let mut table = Table::new();
    while let Some(([which], lines)) = chunk::<1>(&mut bytes) {
        table.take(which, lines);
    }
    table.end()
}

/// Vantage points, their joiner, and the outputs of what is joined.
struct Table {
    joiner: Joiner,
    points: Vec<(Feed, Node)>,
    names: Vec<String>,
    sinks: Vec<Box<dyn PathSink>>,
    told: usize,
}

impl Table {
    fn new() -> Self {
        let mut joiner = Joiner::new(Settings { window: 1_000_000_000, max_open: 64, eager: false });
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let points = names.iter().map(|_| (joiner.add_feed(), joiner.add_node())).collect();
        let (context, paper) = (told::context(), told::Paper::default());
        let sinks = PATH_SINKS.iter().map(|row| row.make(paper.writer(), &context)).collect();
        Self { joiner, points, names, sinks, told: 0 }
    }

    fn take(&mut self, which: u8, lines: &[u8]) {
        let Some((feed, node)) = self.points.get(usize::from(which) % self.points.len()) else { return };
        for item in told::read_back(lines).0 {
            match item {
                Item::Record(_, record) => self.joiner.observe(*feed, *node, &record),
                Item::Time(_, time) => self.joiner.advance(*feed, time),
            }
        }
        self.tell();
    }

    fn tell(&mut self) {
        while let Some(path) = self.joiner.pop() {
            let offsets = self.joiner.clocks.offsets();
            let view = View { names: &self.names, offsets: &offsets, stories: &[], origins: &[] };
            let mut sinks = self.sinks.iter_mut();
            assert!(sinks.all(|sink| sink.path(&path, &view).is_ok()), "memory takes all");
            self.told += 1;
        }
    }

    fn end(mut self) -> usize {
        self.joiner.finish();
        self.tell();
        let offsets = self.joiner.clocks.offsets();
        let view = View { names: &self.names, offsets: &offsets, stories: &[], origins: &[] };
        assert!(self.sinks.iter_mut().all(|sink| sink.finish(&view).is_ok()), "memory takes all");
        self.told
    }
}
