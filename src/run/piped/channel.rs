//! The way of messages from the reading threads to the collector.

use std::ops::ControlFlow;
use std::thread::{self, Thread};
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, TrySendError, bounded};

use crate::error::Error;
use crate::model::stats::RunStats;
use crate::run::worker::Yield;

/// Messages that may wait for the collector.
const MESSAGES: usize = 256;

/// What a reading thread sends.
pub(in crate::run) struct Message {
    /// Which input.
    pub(super) input: usize,
    /// What was found there.
    pub(super) found: Yield,
    /// `None`: as before.
    pub(super) stats: Option<RunStats>,
    /// The input's end: `Err` with what went wrong.
    pub(super) end: Option<Result<(), Error>>,
}

impl Message {
    /// One that says nothing.
    pub(super) fn of(input: usize) -> Self {
        Self { input, found: Yield::default(), stats: None, end: None }
    }
}

/// Where readers put their messages.
#[derive(Clone)]
pub(in crate::run) struct Sender {
    messages: crossbeam_channel::Sender<Message>,
    /// Sleeps until there is one: to wait in the channel costs more than most messages, for it spins first.
    collector: Thread,
}

impl Sender {
    /// Waits for room; false where nobody listens any more.
    pub(super) fn send(&self, message: Message) -> bool {
        let sent = self.messages.send(message).is_ok();
        self.collector.unpark();
        sent
    }

    /// Waits for nobody: gives the message back where there is no room; breaks off where nobody listens any more.
    pub(super) fn try_send(&self, message: Message) -> ControlFlow<(), Option<Message>> {
        let sent = self.messages.try_send(message);
        self.collector.unpark();
        match sent {
            Ok(()) => ControlFlow::Continue(None),
            Err(TrySendError::Full(message)) => ControlFlow::Continue(Some(message)),
            Err(TrySendError::Disconnected(_)) => ControlFlow::Break(()),
        }
    }
}

/// Channel for the messages of all readers, to be received by the thread that calls.
pub(in crate::run) fn channel() -> (Sender, Receiver<Message>) {
    let (messages, receiver) = bounded(MESSAGES);
    (Sender { messages, collector: thread::current() }, receiver)
}

/// The next message, or none within `pause`; breaks off when all readers are gone.
pub(super) fn receive(receiver: &Receiver<Message>, pause: Duration) -> ControlFlow<(), Option<Message>> {
    let mut next = receiver.try_recv();
    if matches!(next, Err(TryRecvError::Empty)) {
        thread::park_timeout(pause);
        next = receiver.try_recv();
    }
    match next {
        Ok(message) => ControlFlow::Continue(Some(message)),
        Err(TryRecvError::Empty) => ControlFlow::Continue(None),
        Err(TryRecvError::Disconnected) => ControlFlow::Break(()),
    }
}
