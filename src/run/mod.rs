//! Reader, inspectors and collector: the threads of a run and the channels between them.
//!
//! A capture file is read, inspected and told in place, on the calling thread. Interfaces and standard
//! input have a thread each, with an inspector of its own, and send what they find to the collector; so has
//! a file with `--jobs 2`.
//! Order at the start: open the inputs, drop privileges, open the outputs, start the threads.

pub mod collector;
pub mod correlate;
pub mod entries;
pub mod keep;
pub mod mesh;
pub mod plan;
mod progress;
pub mod report;
pub mod rules;
pub mod select;
pub mod stop;
pub mod window;
pub mod worker;

mod files;
mod followed;
pub mod legs;
mod live;
mod lookup;
mod order;
mod piped;
mod written;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::error::{Error, ExitCode};
use crate::inspector::Inspector;
use crate::inspector::legs::Vantage;
use crate::inspector::settings::Settings;
use crate::model::frame::Origin;
use crate::model::seed::Seed;
use crate::naming::Namer;
use crate::naming::custom::Pattern;
use crate::output;
use crate::output::context::{Context, HexMode};
use crate::output::sink::Sink;
use crate::run::collector::Collector;
use crate::run::keep::{Keep, Rule};
use crate::run::plan::{Input, Plan};
use crate::run::report::say;
use crate::run::stop::Stop;
use crate::run::worker::Worker;
use crate::run::written::Written;
use crate::tally::snapshot::Snapshot;
use crate::wire::Decoder;

/// Does what `plan` says, to the end of the input or until a signal.
///
/// # Errors
/// Whatever keeps the run from beginning, or its output from being written. A damaged input does not: it is
/// told, and shows in the exit code.
pub fn run(plan: Plan) -> Result<ExitCode, Error> {
    let stop = Stop::default();
    stop.install()?;
    match plan.input.clone() {
        Input::Files(typed) => files::run(plan, &typed, &stop),
        Input::Follow(typed) => followed::run(plan, &typed, &stop),
        Input::Live { interfaces, capture } => live::run(plan, &interfaces, &capture, &stop),
    }
}

/// What each worker of a run is made of.
struct Parts {
    settings: Settings,
    pattern: Option<Pattern>,
    seed: Seed,
    packets: Option<u64>,
    keep: Option<Rule>,
}

impl Parts {
    fn new(plan: &Plan) -> Self {
        let nanos = |span: std::time::Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let settings = Settings {
            handshake_timeout: nanos(plan.watch.handshake_timeout),
            max_flows: plan.watch.max_flows,
            emit_hello: plan.watch.emit.hello,
            emit_end: plan.watch.emit.end,
            keep_bytes: plan.view.hex != HexMode::Off,
            fingerprints: plan.view.detail() > 0,
            certificates: plan.view.detail() > 0,
            cut: false,
            cut_acknowledgements: false,
            names_unread: false,
            vantage: Vantage::default(),
        };
        let random = RandomState::new();
        let seed = Seed(random.hash_one(1), random.hash_one(2));
        let every_attempt = match plan.input {
            Input::Live { .. } => true,
            Input::Files(_) | Input::Follow(_) => {
                plan.filter.as_deref().is_some_and(|filter| !filter.is_empty())
            }
        };
        let keep = Rule::new(plan, every_attempt);
        Self { settings, pattern: plan.watch.name_pattern.clone(), seed, packets: plan.limits.packets, keep }
    }

    /// The collector looks for failovers, so each hello is told as soon as it is whole.
    fn watch_services(&mut self, watch: bool) {
        self.settings.emit_hello |= watch;
    }

    fn namer(&self) -> Namer {
        Namer::new(self.pattern.clone())
    }

    fn worker(&self) -> Worker {
        let inspector = Inspector::new(self.settings.clone(), self.namer());
        Worker::new(Decoder::new(self.seed), inspector, self.packets)
            .keeping(self.keep.clone().map(Keep::new))
    }
}

/// The files that a plan writes.
fn written(plan: &Plan) -> Result<Written, Error> {
    let mut written = Written::default();
    for spec in &plan.outputs {
        written.output(spec, output::find(spec)?.1)?;
    }
    if let Some(path) = plan.packets.as_ref().filter(|path| path.as_os_str() != "-") {
        written.add(format!("-w {}", path.display()), path.clone())?;
    }
    Ok(written)
}

/// Opens the outputs of a plan.
fn sinks(plan: &Plan, origins: &[Origin], live: bool) -> Result<Vec<Box<dyn Sink>>, Error> {
    let view = &plan.view;
    let context = Context {
        origins: Arc::from(origins),
        verbosity: view.verbosity,
        quiet: view.quiet,
        time_style: view.time_style,
        nano: view.nano,
        timezone: TimeZone::system(),
        color: view.color,
        hex: view.hex,
        fields: view.fields.clone(),
        live,
        emit_stats: plan.watch.emit.stats,
        emit_failover: plan.watch.emit.failover,
        local_datacenter: plan.watch.local_datacenter.as_deref().map(Into::into),
        last_stats: live || plan.watch.emit.stats,
    };
    plan.outputs.iter().map(|spec| output::open(spec, &context)).collect()
}

/// The counts that `--count` asks for: the one line on standard output that is no record.
fn print_count(collector: &Collector) -> Result<(), Error> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{}", collector.matched) {
        Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Output { name: "standard output".to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// What signals ask of a running collector.
fn serve_signals(stop: &Stop, collector: &mut Collector) -> Result<(), Error> {
    collector.look();
    if stop.wants_counts() {
        collector.hide();
        say(report::counts(&collector.snapshot()));
    }
    if stop.wants_reopen() {
        collector.reopen()?;
    }
    Ok(())
}

/// How a run ends. A damaged input comes first: what a rule found in half a capture says nothing.
fn ending(collector: &Collector, damaged: bool) -> ExitCode {
    let failures = collector.failed_rules();
    for failure in &failures {
        say(format_args!("sni-watch: {failure}"));
    }
    match (damaged, failures.is_empty()) {
        (true, _) => ExitCode::Runtime,
        (false, false) => ExitCode::Rules,
        (false, true) => ExitCode::Done,
    }
}

/// Says why records are missing that somebody may look for; the counts, where they were told, have the evicted ones.
fn say_what_is_missing(collector: &Collector, snapshot: &Snapshot, counts_told: bool) {
    let stats = &snapshot.stats;
    if stats.flows.evicted > 0 && !counts_told {
        say(report::crowded(stats.flows.evicted));
    }
    if collector.matched == 0
        && let Some(words) =
            report::nothing_found(stats).or_else(|| report::nothing_chosen(collector.left_out))
    {
        say(words);
    }
}

/// The end of a run: the outputs' last words, then the person's.
fn conclude(
    collector: &mut Collector,
    flow: ControlFlow<()>,
    (plan, live, signalled): (&Plan, bool, bool),
) -> Result<Snapshot, Error> {
    collector.hide();
    let snapshot = collector.finish(flow.is_continue())?;
    if plan.count_only {
        print_count(collector)?;
    }
    // Whoever read the output has gone: nobody waits for these words.
    if flow.is_break() && !collector.has_enough() {
        return Ok(snapshot);
    }
    if live || signalled {
        say(report::closing(&snapshot));
        let told = collector.last_words();
        if !told.is_empty() {
            say(told.trim_end());
        }
    } else if plan.view.verbosity > 0 && !plan.view.quiet {
        say(report::connections(&snapshot));
        let skipped = report::skipped(&snapshot.stats);
        if !skipped.is_empty() {
            say(skipped);
        }
    }
    collector.tell_elsewhere();
    if collector.lost_packets() > 0 {
        say(report::lost(collector.lost_packets()));
    }
    if flow.is_continue() && !live {
        say_what_is_missing(collector, &snapshot, signalled || plan.view.verbosity > 0);
    }
    Ok(snapshot)
}
