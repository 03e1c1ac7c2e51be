//! Captures from files: in place on the calling thread, unless standard input is among them.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

use crate::error::{Error, ExitCode};
use crate::inspector::legs::Vantage;
use crate::model::frame::{Origin, OriginId};
use crate::model::stats::SourceStats;
use crate::run::collector::Collector;
use crate::run::plan::Plan;
use crate::run::progress::Bar;
use crate::run::report::say;
use crate::run::stop::Stop;
use crate::run::{Parts, conclude, ending, piped, serve_signals, sinks, written};
use crate::source::file::{self, File};
use crate::source::filter::{Filtered, PacketFilter};
use crate::source::input::Signs;
use crate::source::inputs::{self, CaptureFile};
use crate::source::merge::Merge;
use crate::source::{Progress, Source, privileges};

/// Reads the captures that were typed.
pub(super) fn run(mut plan: Plan, typed: &[String], stop: &Stop) -> Result<ExitCode, Error> {
    let mut parts = Parts::new(&plan);
    let filter =
        plan.filter.as_deref().filter(|text| !text.is_empty()).map(PacketFilter::compile).transpose()?;
    let mut damaged = false;
    let captures = captures(typed, &mut damaged)?;
    let piped = captures.iter().any(|capture| capture.path == Path::new("-"));
    let signs = Signs { stop: Arc::clone(stop.flag()), ..Signs::default() };
    let progress = Bar::of(&plan, &captures, &signs);
    let written = written(&plan)?;
    let reserve = inputs::reserve();
    let mut origins = Vec::new();
    let mut files: Vec<File> = Vec::new();
    for capture in captures {
        let id = OriginId(u16::try_from(origins.len()).unwrap_or(u16::MAX));
        match file::open_until(&capture.path, id, &signs) {
            Ok(file) => files.push(file),
            // Standard input said nothing yet.
            Err(_) if stop.is_set() => {}
            Err(error) => damaged |= told(&error),
        }
        let node = capture.node.unwrap_or_else(|| plan.node.clone());
        written.spare(&capture.path)?;
        origins.push(Origin { name: capture.path.display().to_string(), node, live: false });
    }
    drop(reserve);
    parts.settings.vantage = Vantage::of(&origins, false);
    if let Some(user) = &plan.user {
        privileges::drop_privileges(user)?;
    }
    let sinks = sinks(&plan, &origins, false)?;
    let every_attempt = filter.is_some();
    let mut collector = Collector::new(&mut plan, sinks, every_attempt, piped);
    parts.watch_services(collector.watches_services());
    collector.origins = origins;
    collector.progress = progress;
    collector.open_packets(&plan, 1)?;
    let Some(source) = source(files, filter) else {
        if stop.is_set() {
            conclude(&mut collector, ControlFlow::Continue(()), (&plan, false, true))?;
        }
        return Ok(ending(&collector, damaged));
    };
    // a reader on a thread of its own would be ahead of the moment at which `--duration` ends
    let apart = piped || (plan.jobs > 1 && plan.limits.duration.is_none());
    let flow = if apart {
        // the reader has more to do than the collector; but what `-w` writes, it has to name by itself
        parts.settings.names_unread = plan.packets.is_none();
        collector.namer = Some(parts.namer());
        piped::run(source, parts.worker(), &mut collector, stop, &mut damaged)?
    } else {
        in_place(source, &parts, &mut collector, stop, &mut damaged)?
    };
    conclude(&mut collector, flow, (&plan, false, stop.by_signal()))?;
    Ok(ending(&collector, damaged))
}

/// Says what is wrong with an input; the others go on, and the exit code shows it.
fn told(error: &Error) -> bool {
    say(format_args!("sni-watch: {error}"));
    true
}

/// The captures that the typed inputs mean; a directory that gives none is told and passed over.
fn captures(typed: &[String], damaged: &mut bool) -> Result<Vec<CaptureFile>, Error> {
    let mut typed: Vec<PathBuf> = typed.iter().map(PathBuf::from).collect();
    typed.retain(|one| match inputs::resolve(slice::from_ref(one)) {
        Ok(_) | Err(Error::Usage(_)) => true,
        Err(error) => {
            *damaged |= told(&error);
            false
        }
    });
    inputs::resolve(&typed)
}

/// One source out of all files; `None` if there is none left.
fn source(mut files: Vec<File>, filter: Option<PacketFilter>) -> Option<Box<dyn Source>> {
    let merged: Box<dyn Source> = match files.len() {
        0 => return None,
        1 => Box::new(files.pop()?),
        _ => Box::new(Merge::new(files)),
    };
    Some(match filter {
        Some(filter) => Box::new(Filtered::new(merged, filter)),
        None => merged,
    })
}

fn in_place(
    mut source: Box<dyn Source>,
    parts: &Parts,
    collector: &mut Collector,
    stop: &Stop,
    damaged: &mut bool,
) -> Result<ControlFlow<()>, Error> {
    let mut worker = parts.worker();
    let mut flow = ControlFlow::Continue(());
    collector.alone = true;
    while !stop.is_set() {
        // what a block holds is inspected first and told then: the code of each stage stays in the cache
        let driven = source.drive(&mut |frames| worker.frames(frames));
        flow = collector.take(&mut worker.out)?;
        collector.stats = counted(&worker, source.stats());
        serve_signals(stop, collector)?;
        match driven {
            Ok(Progress::End) => break,
            Ok(_) => {}
            Err(error) => {
                collector.hide();
                *damaged |= told(&error);
            }
        }
        if flow.is_break() {
            return Ok(flow);
        }
        if collector.over {
            break;
        }
    }
    if flow.is_continue() {
        worker.finish();
        flow = collector.take(&mut worker.out)?;
        collector.stats = counted(&worker, source.stats());
    }
    Ok(flow)
}

/// A worker's counters with those of its source.
pub(super) fn counted(
    worker: &crate::run::worker::Worker,
    source: SourceStats,
) -> crate::model::stats::RunStats {
    crate::model::stats::RunStats { source, ..worker.stats() }
}
