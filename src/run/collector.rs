//! Takes what the workers found, in order, and hands it to the tally and to the outputs.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::error::Error;
use crate::inspector::attempts::Attempts;
use crate::model::frame::{Origin, Timestamp};
use crate::model::observation::{Action, Observation};
use crate::model::stats::{RunStats, SourceStats};
use crate::naming::Namer;
use crate::output::sink::Sink;
use crate::run::collector::elsewhere::Elsewhere;
use crate::run::keep::file::PacketFile;
use crate::run::mesh::Mesh;
use crate::run::plan::{Emit, Plan};
use crate::run::progress::Bar;
use crate::run::rules::Rules;
use crate::run::select::Select;
use crate::run::window::Window;
use crate::run::worker::{Tick, Yield};
use crate::tally::Tally;
use crate::tally::snapshot::Snapshot;

mod beside;
mod elsewhere;
mod news;

/// Groups that a summary holds at most.
const MAX_GROUPS: usize = 10_000;

/// Whether the run goes on.
pub type Flow = Result<ControlFlow<()>, Error>;

/// The one place where records come together.
#[expect(clippy::struct_excessive_bools, reason = "each is a decision by itself")]
pub struct Collector {
    sinks: Vec<Box<dyn Sink>>,
    tally: Tally,
    attempts: Attempts,
    pub(super) mesh: Mesh,
    /// The run's inputs.
    pub origins: Vec<Origin>,
    /// Inputs that are followed, each with files one after another.
    pub followed: usize,
    /// `None`: every record counts.
    select: Option<Select>,
    window: Window,
    rules: Rules,
    elsewhere: Elsewhere,
    emit: Emit,
    top: Option<usize>,
    left: Option<u64>,
    interval: u64,
    next_tick: Option<Timestamp>,
    now: Timestamp,
    /// Records that passed the filters.
    pub matched: u64,
    /// Outcomes that did not.
    pub left_out: u64,
    /// Newest counters of the run.
    pub stats: RunStats,
    flush: bool,
    /// Counts go to the person at the terminal too.
    counts_told: bool,
    /// The file of `-w`.
    packets: Option<PacketFile>,
    /// How far the files were read, where somebody looks.
    pub progress: Option<Bar>,
    /// `--duration` is over: the input has ended, and what is still open is told.
    pub over: bool,
    /// Reads the names that workers leave unread.
    pub namer: Option<Namer>,
    /// One worker does all: its counters are the run's.
    pub alone: bool,
}

impl Collector {
    /// A collector for `plan` that writes to `sinks`; `flush`: each record at once.
    pub fn new(plan: &mut Plan, sinks: Vec<Box<dyn Sink>>, every_attempt: bool, flush: bool) -> Self {
        let groups = if sinks.iter().any(|sink| sink.reads_rows()) { MAX_GROUPS } else { 0 };
        let nanos = |span: std::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let interval = nanos(plan.interval);
        let watch = sinks.iter().any(|sink| sink.tells_failovers());
        let (local, timeout) = (plan.watch.local_datacenter.as_deref(), plan.watch.handshake_timeout);
        Self {
            sinks,
            tally: Tally::new(std::mem::take(&mut plan.by), groups),
            attempts: Attempts::new(interval, every_attempt),
            mesh: Mesh::new(local, watch, nanos(timeout)),
            origins: Vec::new(),
            followed: 0,
            select: Some(std::mem::take(&mut plan.select)).filter(|select| !select.is_empty()),
            window: Window::new(&plan.limits),
            rules: std::mem::take(&mut plan.rules),
            elsewhere: Elsewhere::new(plan, flush),
            emit: plan.watch.emit,
            top: plan.top,
            left: plan.limits.records,
            interval,
            next_tick: None,
            now: Timestamp::default(),
            matched: 0,
            left_out: 0,
            stats: RunStats::default(),
            flush,
            counts_told: plan.tell_counts,
            packets: None,
            progress: None,
            over: false,
            namer: None,
            alone: false,
        }
    }

    /// True if the collector looks for failovers, and so wants each hello at once.
    pub fn watches_services(&self) -> bool {
        self.mesh.watches()
    }

    /// Takes what a worker found; leaves `found` empty for the next time.
    ///
    /// # Errors
    /// An output could not be written.
    pub fn take(&mut self, found: &mut Yield) -> Flow {
        for opened in found.opened.drain(..) {
            self.begin_file(&opened);
        }
        self.look_up();
        if self.keep(&mut found.kept)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let mut ticks = found.ticks.iter();
        let mut tick = ticks.next();
        for (index, record) in found.records.iter_mut().enumerate() {
            while let Some(due) = tick.filter(|tick| tick.after <= index) {
                if self.tick(due)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                tick = ticks.next();
            }
            if let (Some(namer), Some(name)) = (&self.namer, &mut record.name)
                && name.is_unread()
            {
                namer.complete(Arc::make_mut(name));
            }
            self.mesh.look(record);
            if self.news()?.is_break() || (!self.attempts.takes(record) && self.record(record)?.is_break()) {
                return Ok(ControlFlow::Break(()));
            }
        }
        for due in tick.into_iter().chain(ticks) {
            if self.tick(due)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        found.records.clear();
        found.ticks.clear();
        if self.flush { self.flush_sinks() } else { Ok(ControlFlow::Continue(())) }
    }

    fn record(&mut self, record: &Observation) -> Flow {
        if record.action == Action::Hello && !self.emit.hello {
            return Ok(ControlFlow::Continue(()));
        }
        let chosen = self.select.as_ref().is_none_or(|select| select.matches(record));
        if !self.window.holds(record.time) || !chosen {
            self.left_out += u64::from(record.action == Action::Handshake && self.emit.handshake);
            return Ok(ControlFlow::Continue(()));
        }
        if record.action == Action::Handshake {
            self.tally.observe(record);
            if !self.rules.is_empty() {
                self.rules.observe(record);
            }
            self.elsewhere.observe(record);
        }
        let wanted = match record.action {
            Action::Hello => self.emit.hello,
            Action::Handshake => self.emit.handshake,
            Action::End => self.emit.end,
        };
        if !wanted {
            return Ok(ControlFlow::Continue(()));
        }
        self.matched += 1;
        for sink in &mut self.sinks {
            if sink.event(record)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn tick(&mut self, tick: &Tick) -> Flow {
        let now = tick.now;
        if self.alone {
            self.stats = RunStats {
                source: SourceStats { received: tick.stats.packets, ..self.stats.source },
                ..tick.stats
            };
        }
        self.now = self.now.max(now);
        self.window.first(now);
        self.mesh.tick(now);
        if self.news()?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let mut told = Vec::new();
        self.attempts.flush(now, &mut told);
        for record in told {
            if self.record(&record)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        for sink in &mut self.sinks {
            if sink.time(now)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let due = *self.next_tick.get_or_insert(now.plus(self.interval));
        if now >= due && self.emit.stats {
            self.next_tick = Some(now.plus(self.interval));
            let snapshot = self.snapshot();
            for sink in &mut self.sinks {
                if sink.tick(&snapshot)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            self.tell_counts(&snapshot);
        }
        self.over |= self.window.is_over(now);
        Ok(ControlFlow::Continue(()))
    }

    /// True once as many records were told as `-c` asks for.
    pub fn has_enough(&self) -> bool {
        self.left == Some(0)
    }

    /// The state of the run.
    pub fn snapshot(&mut self) -> Snapshot {
        let mut snapshot = self.tally.snapshot(&self.stats, self.now);
        if let Some(top) = self.top {
            snapshot.truncate(top);
        }
        snapshot
    }

    /// What there is to say of each rule that failed.
    pub fn failed_rules(&self) -> Vec<String> {
        self.rules.failures()
    }

    /// The end: tells what is left, and closes the outputs. `complete` is false after `-c`, when the rest
    /// is not wanted.
    ///
    /// # Errors
    /// An output could not be written.
    pub fn finish(&mut self, complete: bool) -> Result<Snapshot, Error> {
        if complete {
            let mut told = Vec::new();
            self.attempts.finish(&mut told);
            for record in told {
                if self.record(&record)?.is_break() {
                    break;
                }
            }
        }
        if complete {
            self.mesh.finish();
            let _: ControlFlow<()> = self.news()?;
        }
        let stories = self.stories();
        let snapshot = self.snapshot();
        self.tell_expectations()?;
        for sink in &mut self.sinks {
            self.mesh.told |= sink.stories(&stories);
            sink.finish(&snapshot)?;
        }
        self.packets.iter_mut().try_for_each(PacketFile::finish)?;
        Ok(snapshot)
    }
}
