//! Reading threads that end in other ways than well.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::model::frame::{Origin, OriginId};
use crate::model::observation::Observation;
use crate::output::context::TimeStyle;
use crate::output::sink::Sink;
use crate::run::Parts;
use crate::run::plan::{Emit, Input, Limits, Plan, View, Watch};
use crate::run::rules::Rules;
use crate::run::select::Select;
use crate::source::live::options::LiveOptions;
use crate::source::{Visitor, file};

#[test]
fn a_reading_thread_that_fails_says_so_and_one_that_ends_does_not() {
    let (sender, receiver) = channel();
    let last_words = |input| LastWords { input, name: "ens4".to_owned(), sender: sender.clone() };
    let (failing, ending) = (last_words(1), last_words(0));
    let failed = thread::spawn(move || {
        let _failing = failing;
        panic!("on purpose");
    });
    assert!(failed.join().is_err());
    thread::spawn(move || drop(ending)).join().unwrap();
    let message = receiver.try_recv().unwrap();
    assert_eq!(message.input, 1);
    assert!(message.stats.is_none(), "what it counted stays counted");
    let Some(Err(error)) = message.end else { panic!("it ended well") };
    assert!(is_fatal(&error) && error.to_string().starts_with("ens4: a reading thread failed"), "{error}");
    assert!(receiver.try_recv().is_err());
}

/// How a source ends that is not its capture's end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Panic,
    Error,
}

/// A ring that fails.
struct Faulty(Fault);

impl Source for Faulty {
    fn drive(&mut self, _: &mut Visitor<'_>) -> Result<Progress, Error> {
        assert!(self.0 != Fault::Panic, "on purpose");
        Err(Error::Interface { name: "ens4".to_owned(), problem: "it is gone".to_owned() })
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats { received: 7, ..SourceStats::default() }
    }
}

/// Keeps the names.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<String>>>);

impl Sink for Names {
    fn event(&mut self, record: &Observation) -> Result<ControlFlow<()>, Error> {
        let name = record.name.as_ref().map(|name| format!("{name:?}"));
        self.0.lock().unwrap().push(name.unwrap_or_default());
        Ok(ControlFlow::Continue(()))
    }

    fn finish(&mut self, _: &crate::tally::snapshot::Snapshot) -> Result<(), Error> {
        Ok(())
    }
}

fn plan() -> Plan {
    let emit = Emit { hello: false, handshake: true, end: false, failover: false, stats: false };
    Plan {
        input: Input::Live { interfaces: vec!["ens4".to_owned()], capture: LiveOptions::default() },
        filter: None,
        user: None,
        watch: Watch {
            handshake_timeout: Duration::from_secs(10),
            max_flows: 1000,
            emit,
            name_pattern: None,
            local_datacenter: None,
        },
        select: Select::default(),
        rules: Rules::default(),
        expect: Vec::new(),
        catalog: None,
        limits: Limits::default(),
        outputs: Vec::new(),
        packets: None,
        view: View { time_style: TimeStyle::default(), ..View::default() },
        by: Vec::new(),
        top: None,
        interval: Duration::from_secs(10),
        tell_counts: false,
        count_only: false,
        jobs: 2,
        node: "gw1".to_owned(),
    }
}

/// What rings find of these captures, some of which meet with a fault at once: names, counters, and whether the run
/// failed.
fn watched(rings: &[(&str, Option<Fault>)]) -> (Vec<String>, RunStats, bool) {
    let mut plan = plan();
    let parts = Parts::new(&plan);
    let (names, stop) = (Names::default(), Stop::default());
    let mut collector = Collector::new(&mut plan, vec![Box::new(names.clone())], true, true);
    collector.origins = vec![Origin { name: "ens4".to_owned(), node: "gw1".to_owned(), live: true }];
    let (sender, receiver) = channel();
    for (input, (capture, fault)) in rings.iter().enumerate() {
        let source = file::open(Path::new(capture), OriginId(0)).unwrap();
        let source: Box<dyn Source> = match fault {
            Some(fault) => Box::new(Faulty(*fault)),
            None => Box::new(source),
        };
        let reader = Reader { input, name: "ens4".to_owned(), source, worker: parts.worker(), live: true };
        start(reader, sender.clone(), &stop).unwrap();
    }
    drop(sender);
    let mut failed = false;
    assert!(collect(&receiver, rings.len(), (&mut collector, &stop), &mut failed).unwrap().is_continue());
    let mut names = names.0.lock().unwrap().clone();
    names.sort();
    (names, collector.stats, failed)
}

#[test]
fn one_ring_that_ends_takes_nothing_from_the_others() {
    let (outcomes, segments) = ("fixtures/outcomes.pcap", "fixtures/segments.pcap");
    let (both, _, failed) = watched(&[(outcomes, None), (segments, None)]);
    assert!(!failed);
    let (names, alone, failed) = watched(&[(segments, None)]);
    assert!(!failed && !names.is_empty() && names.len() < both.len(), "{names:?}");
    for fault in [Fault::Panic, Fault::Error] {
        let (left, stats, failed) = watched(&[(outcomes, Some(fault)), (segments, None)]);
        assert!(failed, "the exit code tells it");
        assert_eq!((&left, stats.packets), (&names, alone.packets), "{fault:?}");
        // a source that fails is asked once more, one that panics is not
        let received = alone.source.received + if fault == Fault::Error { 7 } else { 0 };
        assert_eq!(stats.source.received, received, "{fault:?}");
    }
}
