//! Captures that grow (`--follow`): a thread for each, until a signal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, ExitCode};
use crate::inspector::legs::Vantage;
use crate::model::frame::Origin;
use crate::run::collector::Collector;
use crate::run::piped::{self, Reader};
use crate::run::plan::Plan;
use crate::run::stop::Stop;
use crate::run::{Parts, conclude, ending, sinks, written};
use crate::source::filter::{Filtered, PacketFilter};
use crate::source::follow::Follow;
use crate::source::input::Signs;
use crate::source::{Source, inputs, privileges};

/// Follows what was typed.
pub(super) fn run(mut plan: Plan, typed: &[String], stop: &Stop) -> Result<ExitCode, Error> {
    let mut parts = Parts::new(&plan);
    let filter = plan.filter.clone().filter(|text| !text.is_empty());
    let signs = Signs { stop: Arc::clone(stop.flag()), ..Signs::default() };
    let written = written(&plan)?;
    let (mut origins, mut sources) = (Vec::new(), Vec::new());
    for (input, one) in typed.iter().enumerate() {
        let inputs::CaptureFile { node, path } = inputs::typed(Path::new(one));
        written.spare(&path)?;
        let node = node.unwrap_or_else(|| plan.node.clone());
        origins.push(Origin { name: path.display().to_string(), node, live: false });
        sources.push(source(path, (input, typed.len()), &signs, filter.as_deref())?);
    }
    if let Some(user) = &plan.user {
        privileges::drop_privileges(user)?;
    }
    let sinks = sinks(&plan, &origins, true)?;
    let mut collector = Collector::new(&mut plan, sinks, filter.is_some(), true);
    parts.watch_services(collector.watches_services());
    parts.settings.vantage = Vantage::of(&origins, sources.len() > 1);
    collector.origins = origins;
    collector.followed = sources.len();
    collector.open_packets(&plan, sources.len())?;
    let (sender, receiver) = piped::channel();
    let readers = sources.len();
    for (input, source) in sources.into_iter().enumerate() {
        let name = collector.origins.get(input).map(|origin| origin.name.clone()).unwrap_or_default();
        let reader = Reader { input, name, source, worker: parts.worker(), live: false };
        piped::start(reader, sender.clone(), stop)?;
    }
    drop(sender);
    let mut damaged = false;
    let flow = piped::collect(&receiver, readers, (&mut collector, stop), &mut damaged)?;
    conclude(&mut collector, flow, (&plan, false, stop.by_signal()))?;
    Ok(ending(&collector, damaged))
}

fn source(
    path: PathBuf,
    place: (usize, usize),
    signs: &Signs,
    filter: Option<&str>,
) -> Result<Box<dyn Source>, Error> {
    let follow = Follow::new(path, place, signs.clone())?;
    Ok(match filter {
        Some(filter) => Box::new(Filtered::new(follow, PacketFilter::compile(filter)?)),
        None => Box::new(follow),
    })
}
