//! What a run knows of the mesh from elsewhere: the names that it means to use, and who lives where.

use jiff::tz::TimeZone;

use crate::error::Error;
use crate::intent::watch::Watch;
use crate::model::observation::Observation;
use crate::output::expect;
use crate::run::collector::Collector;
use crate::run::lookup::Lookup;
use crate::run::plan::{Input, Plan};
use crate::run::progress::Bar;
use crate::run::report::say;

/// Both, as far as they were asked for.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// `None` without `--expect`.
    expect: Option<Box<Watch>>,
    /// An output has told a person what was seen of it.
    told: bool,
    /// `None` without `--catalog`.
    lookup: Option<Lookup>,
}

impl Elsewhere {
    /// `piped`: the input is no file, or one that grows.
    pub(super) fn new(plan: &mut Plan, piped: bool) -> Self {
        let intents = std::mem::take(&mut plan.expect);
        let wait = matches!(plan.input, Input::Files(_)) && !piped;
        Self {
            expect: (!intents.is_empty()).then(|| Box::new(Watch::new(intents))),
            told: false,
            lookup: plan.catalog.take().map(|catalog| Lookup::start(catalog, wait)),
        }
    }

    /// Holds the outcome of a handshake against what is expected.
    pub(super) fn observe(&mut self, record: &Observation) {
        if let Some(expect) = &mut self.expect {
            expect.observe(record);
        }
    }
}

impl Collector {
    /// Hands the newest catalog to the outputs.
    pub(super) fn look_up(&mut self) {
        let Some(lookup) = &mut self.elsewhere.lookup else { return };
        let progress = &mut self.progress;
        let hide = || progress.iter_mut().for_each(Bar::hide);
        if let Some(directory) = lookup.newest(hide) {
            self.sinks.iter_mut().for_each(|sink| sink.directory(&directory));
        }
    }

    /// Tells the outputs what was seen of the names that are expected.
    pub(super) fn tell_expectations(&mut self) -> Result<(), Error> {
        let Some(watch) = &self.elsewhere.expect else { return Ok(()) };
        let expectations = watch.report();
        for sink in &mut self.sinks {
            self.elsewhere.told |= sink.expectations(&expectations, self.now)?;
        }
        Ok(())
    }

    /// Tells the person at the terminal what no output has told.
    pub fn tell_elsewhere(&self) {
        if let Some(watch) = &self.elsewhere.expect {
            if !self.elsewhere.told {
                say(expect::tell(&watch.report(), TimeZone::system()).trim_end());
            }
            if watch.uncounted > 0 {
                say(format_args!(
                    "EXPECT: {} connections of clients too many to tell apart",
                    watch.uncounted
                ));
            }
        }
        if let Some(words) = self.elsewhere.lookup.as_ref().and_then(Lookup::last_words) {
            say(words);
        }
    }
}
