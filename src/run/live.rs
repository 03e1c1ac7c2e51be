//! Captures from interfaces.

use crate::error::{Error, ExitCode};
use crate::hello;
use crate::inspector::legs::Vantage;
use crate::inspector::settings::Settings;
use crate::model::frame::{Origin, OriginId};
use crate::run::collector::Collector;
use crate::run::legs::SharedLegs;
use crate::run::piped::{self, Reader};
use crate::run::plan::Plan;
use crate::run::report::say;
use crate::run::stop::Stop;
use crate::run::{Parts, conclude, ending, sinks, written};
use crate::source::cut::Method;
use crate::source::live::LiveSource;
use crate::source::live::options::{HAND_OVER, HAND_OVER_OF_SEVERAL, LiveOptions};
use crate::source::privileges;

/// Watches interfaces until a signal.
pub(super) fn run(
    mut plan: Plan,
    names: &[String],
    capture: &LiveOptions,
    stop: &Stop,
) -> Result<ExitCode, Error> {
    written(&plan)?;
    let mut parts = Parts::new(&plan);
    // `--packets` counts on one ring only
    let rings = if plan.limits.packets.is_some() { 1 } else { plan.jobs };
    let filter = plan.filter.take().unwrap_or_else(hello::default_filter);
    let hand_over = if names.len() * rings > 1 { HAND_OVER_OF_SEVERAL } else { HAND_OVER };
    let options = LiveOptions { filter: Some(filter.clone()), hand_over, ..capture.clone() };
    let mut origins = Vec::new();
    let mut sources = Vec::new();
    for name in names {
        let id = OriginId(u16::try_from(origins.len()).unwrap_or(u16::MAX));
        let (opened, refused) = LiveSource::open_rings(name, id, &options, rings)?;
        if let (Some(first), false) = (opened.first(), plan.view.quiet) {
            introduce(name, first, &filter, plan.watch.local_datacenter.as_deref());
            if plan.view.verbosity > 0 {
                say(format_args!("sni-watch: {name}: {}, {}", rings_of(&opened), first.cut_words()));
            }
        }
        if let Some(refused) = refused {
            say(format_args!("sni-watch: {name}: one ring only, the system refuses {rings}: {refused}"));
        }
        for source in &opened {
            let waker = source.wake_handle();
            stop.on_wake(Box::new(move || waker.wake()));
            parts.settings.cut |= source.cut() != Method::Nothing;
            parts.settings.cut_acknowledgements |= source.cut() == Method::Stateless;
        }
        origins.push(Origin { name: name.clone(), node: plan.node.clone(), live: true });
        sources.extend(opened.into_iter().map(|source| (name, source)));
    }
    parts.settings.max_flows = (plan.watch.max_flows / rings.max(1)).max(1);
    if let Some(user) = &plan.user {
        privileges::drop_privileges(user)?;
    }
    let sinks = sinks(&plan, &origins, true)?;
    let mut collector = Collector::new(&mut plan, sinks, true, true);
    join_legs(&mut parts.settings, &mut collector, Vantage::of(&origins, sources.len() > 1), sources.len());
    parts.watch_services(collector.watches_services());
    collector.origins = origins;
    collector.open_packets(&plan, sources.len())?;
    let (sender, receiver) = piped::channel();
    let readers = sources.len();
    for (input, (name, source)) in sources.into_iter().enumerate() {
        let name = name.clone();
        let reader = Reader { input, name, source: Box::new(source), worker: parts.worker(), live: true };
        piped::start(reader, sender.clone(), stop)?;
    }
    drop(sender);
    let mut failed = false;
    let flow = piped::collect(&receiver, readers, (&mut collector, stop), &mut failed)?;
    conclude(&mut collector, flow, (&plan, true, true))?;
    Ok(ending(&collector, failed))
}

/// A leg may go out where another inspector sees it: the collector is told of every hello then.
fn join_legs(settings: &mut Settings, collector: &mut Collector, vantage: Vantage, inspectors: usize) {
    settings.vantage = vantage;
    if inspectors > 1 {
        settings.emit_hello = true;
        collector.mesh.legs = Some(SharedLegs::new(settings.vantage.clone()));
    }
}

/// Says what is watched.
fn introduce(name: &str, source: &LiveSource, filter: &str, local: Option<&str>) {
    let link = crate::wire::link(source.link()).map_or("unknown", |link| link.name);
    let place = local.map(|local| format!(", local dc {local}")).unwrap_or_default();
    say(format_args!("sni-watch: {name}, link {link}, filter \"{filter}\"{place}"));
}

fn rings_of(opened: &[LiveSource]) -> String {
    match opened.len() {
        1 => "1 ring".to_owned(),
        rings => format!("{rings} rings"),
    }
}
