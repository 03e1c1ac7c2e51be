//! Captures from interfaces.

use crate::error::{Error, ExitCode};
use crate::hello;
use crate::model::frame::{Origin, OriginId};
use crate::run::collector::Collector;
use crate::run::piped::{self, Reader};
use crate::run::plan::Plan;
use crate::run::report::say;
use crate::run::stop::Stop;
use crate::run::{Parts, conclude, ending, sinks};
use crate::source::live::LiveSource;
use crate::source::live::options::LiveOptions;
use crate::source::privileges;

/// Watches interfaces until a signal.
pub(super) fn run(
    mut plan: Plan,
    names: &[String],
    capture: &LiveOptions,
    stop: &Stop,
) -> Result<ExitCode, Error> {
    let mut parts = Parts::new(&plan);
    let filter = plan.filter.take().unwrap_or_else(hello::default_filter);
    let options = LiveOptions { filter: Some(filter.clone()), ..capture.clone() };
    let mut origins = Vec::new();
    let mut sources = Vec::new();
    for name in names {
        let id = OriginId(u16::try_from(origins.len()).unwrap_or(u16::MAX));
        let source = LiveSource::open(name, id, &options)?;
        if !plan.view.quiet {
            let link = crate::wire::link(source.link()).map_or("unknown", |link| link.name);
            let local = plan.watch.local_datacenter.as_deref();
            let place = local.map(|local| format!(", local dc {local}")).unwrap_or_default();
            say(format_args!("sni-watch: {name}, link {link}, filter \"{filter}\"{place}"));
        }
        let waker = source.wake_handle();
        stop.on_wake(Box::new(move || waker.wake()));
        origins.push(Origin { name: name.clone(), node: plan.node.clone(), live: true });
        sources.push(source);
    }
    if let Some(user) = &plan.user {
        privileges::drop_privileges(user)?;
    }
    let sinks = sinks(&plan, &origins, true)?;
    let mut collector = Collector::new(&mut plan, sinks, true, true);
    parts.watch_services(collector.watches_services());
    collector.origins = origins;
    collector.open_packets(&plan, sources.len())?;
    let (sender, receiver) = piped::channel();
    let readers = sources.len();
    for (input, source) in sources.into_iter().enumerate() {
        let reader = Reader { input, source: Box::new(source), worker: parts.worker(), live: true };
        piped::start(reader, sender.clone(), stop)?;
    }
    drop(sender);
    let mut failed = false;
    let flow = piped::collect(&receiver, readers, (&mut collector, stop), &mut failed)?;
    conclude(&mut collector, flow, (&plan, true, true))?;
    Ok(ending(&collector, failed))
}
