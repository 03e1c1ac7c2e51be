//! Inputs that may keep their reader waiting: a thread for each, and a channel to the collector.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Receiver;

use crate::error::Error;
use crate::model::frame::Timestamp;
use crate::model::stats::{RunStats, SourceStats};
use crate::run::collector::Collector;
use crate::run::files::counted;
use crate::run::order::Order;
use crate::run::report::say;
use crate::run::serve_signals;
use crate::run::stop::Stop;
use crate::run::worker::{Worker, Yield};
use crate::source::{Progress, Source};

mod channel;

pub(super) use self::channel::channel;
use self::channel::{Message, Sender, receive};

/// Records that a worker keeps while the channel is full; what comes on top is dropped and counted.
const MAX_WAITING: usize = 65_536;
/// How often the collector looks at signals, and a quiet input is told to the counters.
const LOOK: Duration = Duration::from_millis(100);
/// How often a source is asked for its counters: of an interface, each answer takes a dozen system calls.
const ASK: Duration = Duration::from_secs(1);
/// How long an interface is read on after a signal: a block of the ring may be open for 50 ms.
const DRAIN: Duration = Duration::from_millis(60);

/// A reading thread's side.
pub(super) struct Reader {
    /// Which input.
    pub(super) input: usize,
    /// What a person calls it.
    pub(super) name: String,
    /// Where frames come from.
    pub(super) source: Box<dyn Source>,
    /// Who inspects them.
    pub(super) worker: Worker,
    /// An interface: time goes on without packets, and it ends at once on an error.
    pub(super) live: bool,
}

/// Runs one source on a thread of its own, to the end or until a signal.
pub(super) fn run(
    source: Box<dyn Source>,
    worker: Worker,
    collector: &mut Collector,
    stop: &Stop,
    damaged: &mut bool,
) -> Result<ControlFlow<()>, Error> {
    let (sender, receiver) = channel();
    collector.alone = true;
    let name = "the input".to_owned();
    start(Reader { input: 0, name, source, worker, live: false }, sender, stop)?;
    collect(&receiver, 1, (collector, stop), damaged)
}

/// Starts a reader's thread.
pub(super) fn start(reader: Reader, sender: Sender, stop: &Stop) -> Result<(), Error> {
    let stop = stop.clone();
    let name = format!("input-{}", reader.input);
    let failed = |source| Error::Io { action: "cannot start a thread for", path: "the input".into(), source };
    let last_words = LastWords { input: reader.input, name: reader.name.clone(), sender: sender.clone() };
    let work = move || {
        let _last_words = last_words;
        read(reader, &sender, &stop);
    };
    thread::Builder::new().name(name).spawn(work).map_err(failed)?;
    Ok(())
}

/// Tells the collector of a reading thread that panics; the others go on.
struct LastWords {
    input: usize,
    name: String,
    sender: Sender,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let problem = "a reading thread failed, and what it watched is not watched any more".to_owned();
        let end = Some(Err(Error::Interface { name: std::mem::take(&mut self.name), problem }));
        // A collector that is gone needs no telling.
        self.sender.send(Message { input: self.input, found: Yield::default(), stats: None, end });
    }
}

/// What a reading thread counts beside its worker.
#[derive(Default)]
struct Tally {
    /// Records that nobody had time for.
    dropped: u64,
    /// When the source was asked, and what it said.
    asked: Option<(Instant, SourceStats)>,
}

impl Tally {
    /// All counters as of now.
    fn exact(&mut self, reader: &mut Reader) -> RunStats {
        self.asked = None;
        self.recent(reader)
    }

    /// The worker's counters as of now, the source's of [`ASK`] ago at most.
    fn recent(&mut self, reader: &mut Reader) -> RunStats {
        let kept = self.asked.filter(|(at, _)| at.elapsed() < ASK);
        let (_, source) = *self.asked.insert(kept.unwrap_or_else(|| (Instant::now(), reader.source.stats())));
        let mut stats = RunStats { dropped_by_app: self.dropped, ..counted(&reader.worker, source) };
        if reader.live {
            // what was inspected has been received, whatever the ring said before
            stats.source.received = stats.source.received.max(stats.packets);
        }
        stats
    }
}

fn read(mut reader: Reader, sender: &Sender, stop: &Stop) {
    let mut stopped: Option<Instant> = None;
    let mut tally = Tally::default();
    let mut last = Instant::now();
    let mut end = Ok(());
    loop {
        if stop.is_set() && stopped.get_or_insert_with(Instant::now).elapsed() >= DRAIN {
            break;
        }
        let driven = reader.source.drive(&mut |frames| reader.worker.frames(frames));
        reader.worker.out.opened.append(&mut reader.source.opened());
        match driven {
            Ok(Progress::Idle) if reader.live => reader.worker.tick_at(wall_clock()),
            Ok(Progress::More | Progress::Idle) => {}
            Ok(Progress::End) => break,
            Err(error) if reader.live => {
                end = Err(error);
                break;
            }
            // The wait for standard input ended with the run.
            Err(_) if stop.is_set() => break,
            // the other files go on: told at once, and once more in the exit code
            Err(error) => {
                let stats = tally.exact(&mut reader);
                let found = std::mem::take(&mut reader.worker.out);
                let (stats, end) = (Some(stats), Some(Err(error)));
                sender.send(Message { input: reader.input, found, stats, end });
            }
        }
        if let Some(news) = reader.source.notice() {
            say(format_args!("sni-watch: {news}"));
        }
        if !reader.worker.out.is_empty() || last.elapsed() >= LOOK {
            last = Instant::now();
            if send(&mut reader, sender, &mut tally).is_break() {
                return;
            }
        }
    }
    reader.worker.finish();
    let found = std::mem::take(&mut reader.worker.out);
    let stats = tally.exact(&mut reader);
    sender.send(Message { input: reader.input, found, stats: Some(stats), end: Some(end) });
}

/// Sends what was found. A file waits for the collector; an interface does not wait for anybody.
fn send(reader: &mut Reader, sender: &Sender, tally: &mut Tally) -> ControlFlow<()> {
    let stats = tally.recent(reader);
    let found = std::mem::take(&mut reader.worker.out);
    let message = Message { input: reader.input, found, stats: Some(stats), end: None };
    if !reader.live {
        return if sender.send(message) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    }
    if let Some(message) = sender.try_send(message)? {
        reader.worker.out = message.found;
        reader.worker.out.kept.bound();
        let waiting = &mut reader.worker.out.records;
        if waiting.len() > MAX_WAITING {
            tally.dropped += (waiting.len() - MAX_WAITING) as u64;
            waiting.truncate(MAX_WAITING);
            reader.worker.out.ticks.clear();
        }
    }
    ControlFlow::Continue(())
}

/// Takes messages until all `readers` have ended, an output has enough, or the readers do not answer a signal.
pub(super) fn collect(
    receiver: &Receiver<Message>,
    readers: usize,
    (collector, stop): (&mut Collector, &Stop),
    failed: &mut bool,
) -> Result<ControlFlow<()>, Error> {
    let mut stats = vec![RunStats::default(); readers];
    let mut left = readers;
    let mut deadline = None;
    let mut order = (readers > 1 && collector.followed == 0).then(Order::default);
    while left > 0 {
        serve_signals(stop, collector)?;
        if stop.is_set() && *deadline.get_or_insert(Instant::now() + 3 * LOOK) < Instant::now() {
            // a reader that waits for a slow disk cannot be woken
            break;
        }
        let pause = order.as_ref().map_or(LOOK, |order| order.pause(Instant::now(), LOOK));
        let ControlFlow::Continue(message) = receive(receiver, pause) else { break };
        let mut message = message.unwrap_or_else(|| Message::of(stats.len()));
        if let (Some(slot), Some(newer)) = (stats.get_mut(message.input), message.stats) {
            *slot = newer;
        }
        collector.stats = sum(&stats);
        message.found.kept.input = message.input;
        if let Some(order) = &mut order {
            order.pass(&mut message.found.records, Instant::now());
        }
        let flow = collector.take(&mut message.found)?;
        // the ticks among what was found may have brought older counters
        collector.stats = sum(&stats);
        if flow.is_break() {
            stop.stop();
            return Ok(ControlFlow::Break(()));
        }
        if collector.over {
            stop.stop();
        }
        if let Some(end) = message.end {
            left -= usize::from(ended((message.input, end), collector, failed)?);
        }
    }
    let mut rest = Yield { records: order.map(Order::finish).unwrap_or_default(), ..Yield::default() };
    collector.take(&mut rest)
}

/// An input has come to its end, or to a damaged place; true at its end.
fn ended(
    (input, end): (usize, Result<(), Error>),
    collector: &mut Collector,
    failed: &mut bool,
) -> Result<bool, Error> {
    if let Err(error) = end {
        collector.hide();
        say(format_args!("sni-watch: {error}"));
        *failed = true;
        if !is_fatal(&error) {
            return Ok(false);
        }
    }
    let _: ControlFlow<()> = collector.reader_ended(input)?;
    Ok(true)
}

/// An interface's error ends it; a damaged file's does not end the others.
fn is_fatal(error: &Error) -> bool {
    matches!(error, Error::Interface { .. })
}

fn sum(all: &[RunStats]) -> RunStats {
    all.iter().fold(RunStats::default(), |mut sum, one| {
        sum.add(one);
        sum
    })
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::new(since.as_secs(), u64::from(since.subsec_nanos()))
}

#[cfg(test)]
mod tests;
