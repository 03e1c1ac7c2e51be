//! Several vantage points at once: each input is read and inspected by a thread of its own, and what they saw is
//! taken in the order of its time and joined.
//!
//! Order: look at the inputs, open the output, start the threads. A vantage point has a name: the one that was typed,
//! else what its records say, else the file's.

mod feed;
mod inputs;
mod nodes;
mod queue;
mod timeline;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::error::{Error, ExitCode};
use crate::model::frame::Origin;
use crate::model::observation::Observation;
use crate::output::context::Context;
use crate::output::paths::{self, PathSink, View};
use crate::path::join::{Joiner, Settings};
use crate::path::window::Feed;
use crate::run::correlate::feed::{Item, Kit};
use crate::run::correlate::nodes::Nodes;
use crate::run::correlate::queue::{Next, Queues};
use crate::run::correlate::timeline::Timeline;
use crate::run::plan::{View as Look, Watch};
use crate::run::report::say;
use crate::run::stop::Stop;
use crate::run::written::Written;

/// A whole run of `correlate`.
#[derive(Debug)]
pub struct Correlation {
    /// Inputs as typed: captures and record files, `NODE=` in front where the name is given.
    pub inputs: Vec<String>,
    /// `--window`.
    pub window: Duration,
    /// How the connections of captures are watched.
    pub watch: Watch,
    /// Outputs, each `NAME` or `NAME:WHERE`, none twice.
    pub outputs: Vec<String>,
    /// How outputs look.
    pub view: Look,
    /// Name of this host, which says so in records.
    pub node: String,
}

/// Connections that are open at once, at most: about 600 bytes each.
const MAX_OPEN: usize = 500_000;

/// Joins what the inputs of `plan` show, to their end or until a signal.
///
/// # Errors
/// Whatever keeps the run from beginning, or its output from being written. A damaged input does not: it is told, and
/// shows in the exit code.
pub fn run(plan: &Correlation) -> Result<ExitCode, Error> {
    let stop = Stop::default();
    stop.install()?;
    let inputs = inputs::look(&plan.inputs)?;
    let mut written = Written::default();
    for spec in &plan.outputs {
        written.output(spec, paths::find(spec)?.1)?;
    }
    inputs.iter().flat_map(|input| &input.paths).try_for_each(|path| written.spare(path))?;
    let live = inputs.iter().any(|input| input.pipe);
    let mut run = Run {
        sinks: sinks(plan, live)?,
        joiner: Joiner::new(Settings {
            window: u64::try_from(plan.window.as_nanos()).unwrap_or(u64::MAX),
            max_open: MAX_OPEN,
            eager: live,
        }),
        nodes: Nodes::default(),
        timeline: Timeline::new(plan.watch.handshake_timeout),
        damaged: false,
        told: 0,
    };
    let mut queues = Queues::default();
    let kit = Kit::new(&plan.watch);
    for input in inputs {
        if let Some(name) = &input.node {
            run.nodes.number(name, &mut run.joiner)?;
        }
        let feed = run.joiner.add_feed();
        let pipe = input.pipe;
        queues.add(feed, pipe, feed::start(input, &kit, &stop)?);
    }
    let flow = run.all(&mut queues, &stop)?;
    run.finish(flow, plan.view.quiet)
}

fn sinks(plan: &Correlation, live: bool) -> Result<Vec<Box<dyn PathSink>>, Error> {
    let look = &plan.view;
    let context = Context {
        origins: Arc::from([Origin { name: String::new(), node: plan.node.clone(), live }]),
        verbosity: look.verbosity,
        color: look.color,
        timezone: TimeZone::system(),
        live,
        ..Context::default()
    };
    plan.outputs.iter().map(|spec| paths::open(spec, &context)).collect()
}

/// A vantage point as an input: its packets have the numbers of its capture.
fn origin(name: &str) -> Origin {
    Origin { name: name.to_owned(), node: name.to_owned(), live: false }
}

struct Run {
    sinks: Vec<Box<dyn PathSink>>,
    joiner: Joiner,
    nodes: Nodes,
    timeline: Timeline,
    damaged: bool,
    /// Paths that were told.
    told: u64,
}

impl Run {
    /// Takes everything in the order of its time.
    fn all(&mut self, queues: &mut Queues, stop: &Stop) -> Result<ControlFlow<()>, Error> {
        while !stop.is_set() {
            if stop.wants_reopen() {
                self.sinks.iter_mut().try_for_each(|sink| sink.reopen())?;
            }
            match queues.next() {
                // vantage points have their numbers in the order of the inputs, not of their times
                Next::Begin(names) => {
                    for name in names {
                        self.nodes.number(&name, &mut self.joiner)?;
                    }
                }
                Next::Item(feed, Item { time, name, seen: None }) => {
                    self.timeline.tick(&name, time);
                    self.joiner.advance(feed, time);
                }
                Next::Item(feed, Item { name, seen: Some(record), .. }) => {
                    self.record(feed, &name, record)?;
                }
                Next::Trouble(error) => {
                    say(format_args!("sni-watch: {error}"));
                    self.damaged = true;
                }
                Next::Rests(feed) => self.joiner.rest(feed),
                Next::Nothing => {}
                Next::End => break,
            }
            if self.tell()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Every record of every input passes here once, in the order of time.
    fn record(&mut self, feed: Feed, name: &Arc<str>, record: Box<Observation>) -> Result<(), Error> {
        let node = self.nodes.number(name, &mut self.joiner)?;
        self.nodes.heard(node, record.time);
        self.joiner.observe(feed, node, &record);
        self.timeline.observe(name, record);
        Ok(())
    }

    /// Hands the paths that are ready to the outputs.
    fn tell(&mut self) -> Result<ControlFlow<()>, Error> {
        let mut offsets = None;
        while let Some(path) = self.joiner.pop() {
            let offsets = offsets.get_or_insert_with(|| self.joiner.clocks.offsets());
            let view = View { names: self.nodes.names(), offsets, stories: &[], origins: &[] };
            self.told += 1;
            for sink in &mut self.sinks {
                if sink.path(&path, &view)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(&mut self, flow: ControlFlow<()>, quiet: bool) -> Result<ExitCode, Error> {
        if flow.is_break() {
            return Ok(ExitCode::Done);
        }
        self.joiner.finish();
        if self.tell()?.is_break() {
            return Ok(ExitCode::Done);
        }
        let offsets = self.joiner.clocks.offsets();
        let names = self.nodes.names();
        let stories = self.timeline.stories(names, &mut self.joiner.clocks);
        let origins: Vec<Origin> = names.iter().map(|name| origin(name)).collect();
        let view = View { names, offsets: &offsets, stories: &stories, origins: &origins };
        for sink in &mut self.sinks {
            sink.finish(&view)?;
        }
        if self.told == 0 && !quiet {
            let text = "no connection with a ClientHello: a healthy gateway may be silent; else, is this the right filter?";
            say(text);
        }
        let doubts = self.nodes.words(self.joiner.doubts(), &offsets);
        self.damaged |= doubts.wrong;
        for line in doubts.lines.iter().filter(|_| !quiet) {
            say(format_args!("sni-watch: {line}"));
        }
        Ok(if self.damaged { ExitCode::Runtime } else { ExitCode::Done })
    }
}
