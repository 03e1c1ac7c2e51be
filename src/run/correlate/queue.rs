//! Takes what the inputs say in the order of its time, each by its own clock.
//!
//! An input that has nothing yet is waited for. A file will have something, or end; a pipe may be silent for hours, so
//! that after a while the others go on without it, until it says something again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};

use crate::error::Error;
use crate::model::frame::Timestamp;
use crate::path::window::Feed;
use crate::run::correlate::feed::{Item, Parcel};

/// How long a wait for an input lasts at once: between two, signals are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// How long a pipe is waited for before it has said anything: a connection to its host is made.
const FIRST: Duration = Duration::from_secs(5);
/// And later.
const SILENCE: Duration = Duration::from_secs(1);

/// What comes next.
pub(super) enum Next {
    /// Every input has said something, or is not waited for: the names of the vantage points so far, in the order of
    /// the inputs. Once, before the first item.
    Begin(Vec<Arc<str>>),
    /// The earliest item of all inputs.
    Item(Feed, Item),
    /// Something is wrong with an input.
    Trouble(Error),
    /// An input is silent, or has ended: it is not waited for.
    Rests(Feed),
    /// Nothing yet: look at signals and ask again.
    Nothing,
    /// All inputs have ended.
    End,
}

struct Queue {
    feed: Feed,
    pipe: bool,
    receiver: Receiver<Parcel>,
    items: VecDeque<Item>,
    /// Newest time that was taken: times of records do not always rise.
    newest: Timestamp,
    ended: bool,
    rests: bool,
    /// When it last said something; `None`: never.
    heard: Option<Instant>,
}

/// All inputs.
pub(super) struct Queues {
    all: Vec<Queue>,
    begun: bool,
    since: Instant,
}

impl Default for Queues {
    fn default() -> Self {
        Self { all: Vec::new(), begun: false, since: Instant::now() }
    }
}

impl Queues {
    /// Another input; `pipe`: it may be silent.
    pub(super) fn add(&mut self, feed: Feed, pipe: bool, receiver: Receiver<Parcel>) {
        let items = VecDeque::new();
        let newest = Timestamp::default();
        self.all.push(Queue { feed, pipe, receiver, items, newest, ended: false, rests: false, heard: None });
    }

    /// What comes next.
    pub(super) fn next(&mut self) -> Next {
        for queue in self.all.iter_mut().filter(|queue| queue.items.is_empty() && !queue.ended) {
            let next = queue.listen(Duration::ZERO);
            if !matches!(next, Next::Nothing) {
                return next;
            }
            if queue.items.is_empty() && !queue.rests {
                return queue.wait(self.since);
            }
        }
        if !std::mem::replace(&mut self.begun, true) {
            let seen = |item: &Item| item.seen.as_ref().map(|_| Arc::clone(&item.name));
            let name = |queue: &Queue| queue.items.iter().find_map(seen);
            return Next::Begin(self.all.iter().filter_map(name).collect());
        }
        let first =
            self.all.iter_mut().filter(|queue| !queue.items.is_empty()).min_by_key(|queue| queue.head());
        if let Some(queue) = first {
            queue.newest = queue.head();
            return queue.items.pop_front().map_or(Next::Nothing, |item| Next::Item(queue.feed, item));
        }
        match self.all.iter_mut().find(|queue| !queue.ended) {
            Some(queue) => queue.listen(LOOK),
            None => Next::End,
        }
    }
}

impl Queue {
    /// The time of the next item, not before those ahead of it.
    fn head(&self) -> Timestamp {
        self.items.front().map_or(self.newest, |item| item.time.max(self.newest))
    }

    /// Takes what was sent; waits for it no longer than `limit`.
    fn listen(&mut self, limit: Duration) -> Next {
        let received = if limit.is_zero() {
            self.receiver.try_recv().map_err(|error| error == TryRecvError::Disconnected)
        } else {
            self.receiver.recv_timeout(limit).map_err(|error| error == RecvTimeoutError::Disconnected)
        };
        match received {
            Ok(Parcel::Items(items)) => {
                self.items.extend(items);
                (self.rests, self.heard) = (false, Some(Instant::now()));
                Next::Nothing
            }
            Ok(Parcel::Trouble(error)) => Next::Trouble(error),
            Err(false) => Next::Nothing,
            Err(true) => {
                self.ended = true;
                Next::Rests(self.feed)
            }
        }
    }

    /// Waits a little; a pipe that is silent for too long is not waited for any more.
    fn wait(&mut self, since: Instant) -> Next {
        let patience = if self.heard.is_some() { SILENCE } else { FIRST };
        if self.pipe && self.heard.unwrap_or(since).elapsed() > patience {
            self.rests = true;
            return Next::Rests(self.feed);
        }
        self.listen(LOOK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::{Sender, bounded};

    fn queues(pipes: &[bool]) -> (Queues, Vec<Sender<Parcel>>) {
        let mut queues = Queues::default();
        let add = |(place, pipe): (usize, &bool)| {
            let (sender, receiver) = bounded(8);
            queues.add(Feed(place), *pipe, receiver);
            sender
        };
        let senders = pipes.iter().enumerate().map(add).collect();
        (queues, senders)
    }

    fn say(sender: &Sender<Parcel>, times: &[u64]) {
        let item = |time: &u64| Item { time: Timestamp(*time), name: Arc::from("gw"), seen: None };
        sender.send(Parcel::Items(times.iter().map(item).collect())).unwrap();
    }

    /// Input and time of all items, to the end.
    fn all(queues: &mut Queues) -> Vec<(usize, u64)> {
        let mut all = Vec::new();
        loop {
            match queues.next() {
                Next::Item(feed, item) => all.push((feed.0, item.time.0)),
                Next::End => return all,
                Next::Trouble(error) => panic!("{error}"),
                Next::Rests(_) | Next::Nothing | Next::Begin(_) => {}
            }
        }
    }

    #[test]
    fn items_come_by_time_and_each_input_in_its_own_order() {
        let (mut queues, senders) = queues(&[false, false]);
        say(&senders[0], &[10, 30, 20, 50]);
        say(&senders[1], &[15, 25]);
        say(&senders[1], &[40]);
        drop(senders);
        let expected = [(0, 10), (1, 15), (1, 25), (0, 30), (0, 20), (1, 40), (0, 50)];
        assert_eq!(all(&mut queues), expected);
    }

    #[test]
    fn a_file_is_waited_for_and_a_silent_pipe_is_not() {
        let (mut queues, senders) = queues(&[false, true]);
        say(&senders[0], &[10]);
        assert!(matches!(queues.next(), Next::Nothing), "the pipe may still say something");
        // as if the time had gone by
        queues.since = queues.since.checked_sub(FIRST + LOOK).unwrap();
        assert!(matches!(queues.next(), Next::Rests(Feed(1))));
        assert!(matches!(queues.next(), Next::Begin(_)));
        assert!(matches!(queues.next(), Next::Item(Feed(0), _)));
        say(&senders[1], &[5]);
        say(&senders[0], &[20]);
        let mut senders = senders;
        drop(senders.remove(1));
        assert_eq!(
            {
                drop(senders);
                all(&mut queues)
            },
            [(1, 5), (0, 20)]
        );
    }

    #[test]
    fn trouble_comes_after_what_was_good() {
        let (mut queues, senders) = queues(&[false]);
        say(&senders[0], &[1]);
        senders[0].send(Parcel::Trouble(Error::Usage("bad".into()))).unwrap();
        let mut said = Vec::new();
        loop {
            match queues.next() {
                Next::Item(..) => said.push("item"),
                Next::Trouble(_) => break,
                _ => {}
            }
        }
        assert_eq!(said, ["item"]);
    }
}
