//! The thread of one input: a capture is inspected, records are read back; what comes of it goes to the queue.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use foldhash::fast::RandomState as Fast;

use crate::error::Error;
use crate::ingest::{Item as Line, Records};
use crate::inspector::Inspector;
use crate::inspector::legs::Vantage;
use crate::inspector::names::Names;
use crate::inspector::settings::Settings;
use crate::model::frame::{OriginId, Timestamp};
use crate::model::hello::Sni;
use crate::model::observation::{Action, Observation};
use crate::model::seed::Seed;
use crate::model::segment::FlowKey;
use crate::naming::Namer;
use crate::naming::custom::Pattern;
use crate::run::correlate::inputs::Input;
use crate::run::correlate::nodes::MAX_NODES;
use crate::run::correlate::timeline::HOLD;
use crate::run::plan::Watch;
use crate::run::stop::Stop;
use crate::run::worker::{Worker, Yield};
use crate::source::content::{self, Content};
use crate::source::file::File;
use crate::source::input::Signs;
use crate::source::merge::Merge;
use crate::source::{Progress, Source};
use crate::wire::Decoder;

/// Parcels that may wait: an input is ahead of the others by no more.
const CHANNEL: usize = 8;

/// One thing that an input says.
#[derive(Debug)]
pub(super) struct Item {
    /// Its time by the input's own clock.
    pub(super) time: Timestamp,
    /// The vantage point's name.
    pub(super) name: Arc<str>,
    /// The record; `None`: only the time went on.
    pub(super) seen: Option<Box<Observation>>,
}

/// What an input's thread sends. The channel's end is the input's end.
#[derive(Debug)]
pub(super) enum Parcel {
    /// In the order in which they came.
    Items(Vec<Item>),
    /// Something is wrong with the input; what follows is still good.
    Trouble(Error),
}

/// What the threads are made of.
pub(super) struct Kit {
    settings: Settings,
    pattern: Option<Pattern>,
    seed: Seed,
}

impl Kit {
    pub(super) fn new(watch: &Watch) -> Self {
        let random = RandomState::new();
        let settings = Settings {
            handshake_timeout: u64::try_from(watch.handshake_timeout.as_nanos()).unwrap_or(u64::MAX),
            max_flows: watch.max_flows,
            // what is never answered is told 10 s later: too late to judge a first sight
            emit_hello: true,
            ..Settings::default()
        };
        let seed = Seed(random.hash_one(1), random.hash_one(2));
        Self { settings, pattern: watch.name_pattern.clone(), seed }
    }

    fn worker(&self) -> Worker {
        let settings = Settings { vantage: Vantage::default(), ..self.settings.clone() };
        let inspector = Inspector::new(settings, Namer::new(self.pattern.clone()));
        Worker::new(Decoder::new(self.seed), inspector, None)
    }
}

/// Starts the thread of an input. Files are opened first: what cannot be opened ends the run before it begins.
pub(super) fn start(input: Input, kit: &Kit, stop: &Stop) -> Result<Receiver<Parcel>, Error> {
    let (sender, receiver) = bounded(CHANNEL);
    let (worker, pattern) = (kit.worker(), kit.pattern.clone());
    let opened = if input.pipe { Vec::new() } else { open(&input, stop)? };
    let feed = Feed {
        sender,
        stop: stop.clone(),
        host: input.node.as_deref().map(Arc::from),
        fallback: Arc::from(input.fallback.as_str()),
        hosts: Vec::new(),
    };
    let read = move || {
        let all = if input.pipe { open(&input, &feed.stop) } else { Ok(opened) };
        feed.read(all, worker, pattern.as_ref());
    };
    let failed = |source| Error::Io { action: "cannot start a thread for", path: "the input".into(), source };
    thread::Builder::new().name("feed".into()).spawn(read).map_err(failed)?;
    Ok(receiver)
}

fn open(input: &Input, stop: &Stop) -> Result<Vec<(PathBuf, Content)>, Error> {
    let signs = Signs { stop: Arc::clone(stop.flag()), ..Signs::default() };
    let open = |path: &PathBuf| Ok((path.clone(), content::open(path, OriginId(0), &signs)?));
    input.paths.iter().map(open).collect()
}

/// Hellos whose outcome is here too, and came so soon that it says all in time. One after a HelloRetryRequest does not:
/// the first hello was another packet.
fn answered(records: &[Observation]) -> HashSet<(FlowKey, Timestamp), Fast> {
    let soon = |it: &&Observation| {
        it.action == Action::Handshake
            && it.completed.since(it.time) < HOLD
            && it.hello.as_ref().is_some_and(|hello| hello.index == 0)
    };
    records.iter().filter(soon).map(|it| (it.flow, it.time)).collect()
}

/// An input's thread.
struct Feed {
    sender: Sender<Parcel>,
    stop: Stop,
    /// The name that was typed.
    host: Option<Arc<str>>,
    /// The name where nobody gives one.
    fallback: Arc<str>,
    /// The names in its records so far.
    hosts: Vec<Arc<str>>,
}

impl Feed {
    fn read(
        mut self,
        opened: Result<Vec<(PathBuf, Content)>, Error>,
        worker: Worker,
        pattern: Option<&Pattern>,
    ) {
        let (mut captures, mut texts) = (Vec::new(), Vec::new());
        match opened {
            // the wait for it ended with the run
            Err(_) if self.stop.is_set() => {}
            Err(error) => drop(self.sender.send(Parcel::Trouble(error))),
            Ok(all) => all.into_iter().for_each(|(path, opened)| match opened {
                Content::Capture(file) => captures.push(*file),
                Content::Text(text) => texts.push((path, text)),
            }),
        }
        if !captures.is_empty() {
            self.capture(captures, worker);
        }
        for (path, text) in texts {
            let names = Names::new(Namer::new(pattern.cloned()));
            let classify = Box::new(move |sni: Sni<'_>| names.get(sni));
            self.records(Records::new(text, path, classify));
        }
    }

    /// Captures of one vantage point, merged by time.
    fn capture(&self, mut files: Vec<File>, mut worker: Worker) {
        let several = files.len() > 1;
        let mut source: Box<dyn Source> = match (files.pop(), files.is_empty()) {
            (Some(only), true) => Box::new(only),
            (last, _) => {
                files.extend(last);
                Box::new(Merge::new(files))
            }
        };
        while !self.stop.is_set() {
            let driven = source.drive(&mut |frames| worker.frames(frames));
            if self.seen(&mut worker.out, several).is_break() {
                return;
            }
            match driven {
                Ok(Progress::End) => break,
                Ok(_) => {}
                Err(error) => {
                    if self.send(Parcel::Trouble(error)).is_break() {
                        return;
                    }
                }
            }
        }
        worker.finish();
        // nobody is left to be told that nobody listens
        let _: ControlFlow<()> = self.seen(&mut worker.out, several);
    }

    /// Sends what was found; of `several` files, a packet number alone says nothing.
    fn seen(&self, out: &mut Yield, several: bool) -> ControlFlow<()> {
        if out.is_empty() {
            return ControlFlow::Continue(());
        }
        let name = self.host.as_ref().unwrap_or(&self.fallback);
        let answered = answered(&out.records);
        let mut items = Vec::with_capacity(out.records.len() + out.ticks.len());
        let mut ticks = out.ticks.drain(..).peekable();
        let item = |time, seen| Item { time, name: Arc::clone(name), seen };
        for (index, mut record) in out.records.drain(..).enumerate() {
            while let Some(tick) = ticks.next_if(|tick| tick.after <= index) {
                items.push(item(tick.now, None));
            }
            if record.action == Action::Hello && answered.contains(&(record.flow, record.time)) {
                continue;
            }
            record.packet = if several { 0 } else { record.packet };
            items.push(item(record.time, Some(Box::new(record))));
        }
        items.extend(ticks.map(|tick| item(tick.now, None)));
        self.send(Parcel::Items(items))
    }

    /// Records of one or of several vantage points.
    fn records(&mut self, mut records: Records) {
        let mut lines = Vec::new();
        while !self.stop.is_set() {
            let read = records.read(&mut lines);
            let items: Vec<Item> = lines.drain(..).map(|line| self.item(line)).collect();
            if !items.is_empty() && self.send(Parcel::Items(items)).is_break() {
                return;
            }
            match read {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    if self.send(Parcel::Trouble(error)).is_break() {
                        return;
                    }
                }
            }
        }
    }

    fn item(&mut self, line: Line) -> Item {
        match line {
            Line::Time(host, time) => Item { time, name: self.name(&host), seen: None },
            Line::Record(host, record) => {
                Item { time: record.time, name: self.name(&host), seen: Some(record) }
            }
        }
    }

    fn name(&mut self, host: &str) -> Arc<str> {
        if let Some(typed) = &self.host {
            return Arc::clone(typed);
        }
        if host.is_empty() {
            return Arc::clone(&self.fallback);
        }
        if let Some(known) = self.hosts.iter().find(|known| &***known == host) {
            return Arc::clone(known);
        }
        let name: Arc<str> = Arc::from(host);
        if self.hosts.len() < MAX_NODES {
            self.hosts.push(Arc::clone(&name));
        }
        name
    }

    fn send(&self, parcel: Parcel) -> ControlFlow<()> {
        if self.sender.send(parcel).is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
