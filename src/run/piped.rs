//! Inputs that may keep their reader waiting: a thread for each, and a channel to the collector.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::error::Error;
use crate::model::frame::Timestamp;
use crate::model::stats::RunStats;
use crate::run::collector::Collector;
use crate::run::files::counted;
use crate::run::report::say;
use crate::run::serve_signals;
use crate::run::stop::Stop;
use crate::run::worker::{Worker, Yield};
use crate::source::{Progress, Source};

/// Messages that may wait for the collector.
const CHANNEL: usize = 256;
/// Records that a worker keeps while the channel is full; what comes on top is dropped and counted.
const MAX_WAITING: usize = 65_536;
/// How often the collector looks at signals, and a quiet input is told to the counters.
const LOOK: Duration = Duration::from_millis(100);
/// How long an interface is read on after a signal: a block of the ring may be open for 20 ms.
const DRAIN: Duration = Duration::from_millis(30);

/// What a reading thread sends.
pub(super) struct Message {
    input: usize,
    found: Yield,
    /// `None`: as before.
    stats: Option<RunStats>,
    /// The input's end: `Err` with what went wrong.
    end: Option<Result<(), Error>>,
}

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
    let (sender, receiver) = bounded(CHANNEL);
    collector.alone = true;
    let name = "the input".to_owned();
    start(Reader { input: 0, name, source, worker, live: false }, sender, stop)?;
    collect(&receiver, 1, (collector, stop), damaged)
}

/// Channel for the messages of all readers.
pub(super) fn channel() -> (Sender<Message>, Receiver<Message>) {
    bounded(CHANNEL)
}

/// Starts a reader's thread.
pub(super) fn start(reader: Reader, sender: Sender<Message>, stop: &Stop) -> Result<(), Error> {
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
    sender: Sender<Message>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let problem = "a reading thread failed, and what it watched is not watched any more".to_owned();
        let end = Some(Err(Error::Interface { name: std::mem::take(&mut self.name), problem }));
        // A collector that is gone needs no telling.
        drop(self.sender.send(Message { input: self.input, found: Yield::default(), stats: None, end }));
    }
}

fn read(mut reader: Reader, sender: &Sender<Message>, stop: &Stop) {
    let mut stopped: Option<Instant> = None;
    let mut dropped = 0;
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
                let stats = counted(&reader.worker, reader.source.stats());
                let found = std::mem::take(&mut reader.worker.out);
                let (stats, end) = (Some(stats), Some(Err(error)));
                drop(sender.send(Message { input: reader.input, found, stats, end }));
            }
        }
        if let Some(news) = reader.source.notice() {
            say(format_args!("sni-watch: {news}"));
        }
        if !reader.worker.out.is_empty() || last.elapsed() >= LOOK {
            last = Instant::now();
            if send(&mut reader, sender, &mut dropped).is_break() {
                return;
            }
        }
    }
    reader.worker.finish();
    let found = std::mem::take(&mut reader.worker.out);
    let stats = RunStats { dropped_by_app: dropped, ..counted(&reader.worker, reader.source.stats()) };
    drop(sender.send(Message { input: reader.input, found, stats: Some(stats), end: Some(end) }));
}

/// Sends what was found. A file waits for the collector; an interface does not wait for anybody.
fn send(reader: &mut Reader, sender: &Sender<Message>, dropped: &mut u64) -> ControlFlow<()> {
    let stats = RunStats { dropped_by_app: *dropped, ..counted(&reader.worker, reader.source.stats()) };
    let found = std::mem::take(&mut reader.worker.out);
    let message = Message { input: reader.input, found, stats: Some(stats), end: None };
    if !reader.live {
        return if sender.send(message).is_err() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        };
    }
    match sender.try_send(message) {
        Ok(()) => ControlFlow::Continue(()),
        Err(TrySendError::Disconnected(_)) => ControlFlow::Break(()),
        Err(TrySendError::Full(message)) => {
            reader.worker.out = message.found;
            reader.worker.out.kept.bound();
            let waiting = &mut reader.worker.out.records;
            if waiting.len() > MAX_WAITING {
                *dropped += (waiting.len() - MAX_WAITING) as u64;
                waiting.truncate(MAX_WAITING);
                reader.worker.out.ticks.clear();
            }
            ControlFlow::Continue(())
        }
    }
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
    while left > 0 {
        serve_signals(stop, collector)?;
        if stop.is_set() && *deadline.get_or_insert(Instant::now() + 3 * LOOK) < Instant::now() {
            // a reader that waits for a slow disk cannot be woken
            break;
        }
        let mut message = match receiver.recv_timeout(LOOK) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let (Some(slot), Some(newer)) = (stats.get_mut(message.input), message.stats) {
            *slot = newer;
        }
        collector.stats = sum(&stats);
        message.found.kept.input = message.input;
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
        match message.end {
            Some(Ok(())) => {
                left -= 1;
                let _: ControlFlow<()> = collector.reader_ended(message.input)?;
            }
            Some(Err(error)) => {
                collector.hide();
                say(format_args!("sni-watch: {error}"));
                *failed = true;
                if is_fatal(&error) {
                    left -= 1;
                    let _: ControlFlow<()> = collector.reader_ended(message.input)?;
                }
            }
            None => {}
        }
    }
    Ok(ControlFlow::Continue(()))
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
mod tests {
    use super::*;

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
        assert!(
            is_fatal(&error) && error.to_string().starts_with("ens4: a reading thread failed"),
            "{error}"
        );
        assert!(receiver.try_recv().is_err());
    }
}
