//! What a collector does beside its records: the packets of `-w`, and the bar that shows how far it is.

use std::ops::ControlFlow;

use crate::error::Error;
use crate::model::frame::{Origin, Timestamp};
use crate::output::context::with_origin;
use crate::run::collector::{Collector, Flow};
use crate::run::keep::Kept;
use crate::run::keep::file::PacketFile;
use crate::run::plan::{Input, Plan};
use crate::run::report::{self, say};
use crate::source::Opened;
use crate::source::live::options::SNAPLEN;
use crate::tally::snapshot::Snapshot;

impl Collector {
    /// Opens the file of `-w`, if there is one, for what so many readers keep.
    ///
    /// # Errors
    /// It could not be opened.
    pub fn open_packets(&mut self, plan: &Plan, readers: usize) -> Result<(), Error> {
        let Some(path) = &plan.packets else { return Ok(()) };
        let snaplen = match &plan.input {
            Input::Live { capture, .. } if capture.snaplen > 0 => capture.snaplen,
            _ => SNAPLEN,
        };
        self.packets = Some(PacketFile::open(path, &self.origins, readers, snaplen)?);
        Ok(())
    }

    /// Another file has begun in a followed input: records and packets name it from now on.
    #[cold]
    pub(super) fn begin_file(&mut self, opened: &Opened) {
        let place = usize::from(opened.origin.0);
        let input = place % self.followed.max(1);
        let node = self.origins.get(input).map(|origin| origin.node.clone()).unwrap_or_default();
        let origin = Origin { name: opened.path.display().to_string(), node, live: false };
        self.origins = with_origin(&self.origins, opened.origin, &origin).to_vec();
        for sink in &mut self.sinks {
            sink.origin(opened.origin, &origin);
        }
        if let Some(file) = &mut self.packets {
            file.origin(opened.origin, &origin);
        }
    }

    /// Takes what a worker kept.
    pub(super) fn keep(&mut self, kept: &mut Kept) -> Flow {
        let Some(file) = &mut self.packets else { return Ok(ControlFlow::Continue(())) };
        if kept.packets.is_empty() && kept.safe == Timestamp::default() {
            return Ok(ControlFlow::Continue(()));
        }
        let flow = file.take(kept)?;
        if flow.is_continue() && self.flush { file.flush() } else { Ok(flow) }
    }

    /// A reader has ended.
    ///
    /// # Errors
    /// What it kept could not be written.
    pub fn reader_ended(&mut self, input: usize) -> Flow {
        match &mut self.packets {
            Some(file) => file.ended(input),
            None => Ok(ControlFlow::Continue(())),
        }
    }

    /// Writes out what the outputs have buffered.
    ///
    /// # Errors
    /// An output could not be written.
    pub fn flush_sinks(&mut self) -> Flow {
        for sink in &mut self.sinks {
            if sink.flush()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Opens output files anew (SIGHUP).
    ///
    /// # Errors
    /// A file could not be opened.
    pub fn reopen(&mut self) -> Result<(), Error> {
        self.packets.iter_mut().try_for_each(PacketFile::reopen)?;
        self.sinks.iter_mut().try_for_each(|sink| sink.reopen())
    }

    /// Packets that are missing in the file of `-w`.
    pub fn lost_packets(&self) -> u64 {
        self.packets.as_ref().map_or(0, PacketFile::lost)
    }

    /// Tells the counts where `--stats` asks for it.
    #[cold]
    pub(super) fn tell_counts(&mut self, snapshot: &Snapshot) {
        if self.counts_told {
            self.hide();
            say(report::counts(snapshot));
        }
    }

    /// Shows how far the files were read.
    pub fn look(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.look(self.stats.flows.with_sni);
        }
    }

    /// Leaves the terminal to what is said there next.
    pub fn hide(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.hide();
        }
    }
}
