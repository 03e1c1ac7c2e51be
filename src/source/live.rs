//! Frames as they pass an interface, lent straight from the kernel's ring through libpcap.
//!
//! The capture never blocks in libpcap: [`LiveSource::drive`] lends what the ring holds, and where it
//! holds nothing it waits in `poll` for up to 50 ms, from which a [`WakeHandle`] gets it at once.
//!
//! An interface that is taken down is waited for (libpcap 1.10 and newer; older ones fail), one that is
//! removed is an error.

pub mod options;

mod counters;
mod fanout;
mod open;
mod updown;

use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use pcap::{Active, Capture, Packet, Precision};

use crate::error::Error;
use crate::model::frame::{Frame, LinkType, OriginId, Timestamp};
use crate::model::stats::SourceStats;
use crate::source::cut::{Cut, Method};
use crate::source::live::counters::Counters;
use crate::source::live::options::LiveOptions;
use crate::source::live::updown::UpDown;
use crate::source::{Progress, Source, Visitor, failure, linktype};

/// How long an idle interface is waited for.
const IDLE: Duration = Duration::from_millis(50);

/// The most frames lent by one call, so that a flood leaves the caller in control.
const MOST: usize = 1024;

/// How often, and how far apart, a failed capture is asked for frames that it still holds: 80 ms, longer than the
/// kernel keeps a block.
const LAST_TRIES: u32 = 8;
const LAST_PAUSE: Duration = Duration::from_millis(10);

const RING: Token = Token(0);
const WAKE: Token = Token(1);

/// An open capture on one interface.
pub struct LiveSource {
    interface: String,
    capture: Capture<Active>,
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    link: LinkType,
    origin: OriginId,
    precision: Precision,
    number: u64,
    /// The last look found the ring empty.
    empty: bool,
    counters: Counters,
    /// Of all rings of this interface.
    cut: Arc<Cut>,
    /// Of several rings one speaks for the interface.
    up_down: Option<UpDown>,
}

/// Ends an idle capture's wait at once, from any thread.
#[derive(Clone, Debug)]
pub struct WakeHandle(Arc<Waker>);

impl WakeHandle {
    /// Makes the [`LiveSource::drive`] that waits now, or else the next that would, return without waiting.
    pub fn wake(&self) {
        // Should the system refuse, the wait ends by itself after 50 ms.
        let _ = self.0.wake();
    }
}

impl LiveSource {
    fn new(
        (interface, origin): (&str, OriginId),
        mut capture: Capture<Active>,
        options: &LiveOptions,
        cut: Arc<Cut>,
    ) -> Result<Self, Error> {
        let (poll, waker) = watch(&capture).map_err(|error| unwatched(interface, &error))?;
        let mut counters = Counters::new();
        if let Ok(now) = capture.stats() {
            counters.begin_at(now);
        }
        Ok(Self {
            interface: interface.to_owned(),
            link: linktype::from_live(capture.get_datalink().0),
            capture,
            poll,
            events: Events::with_capacity(2),
            waker: Arc::new(waker),
            origin,
            precision: options.precision(),
            number: 0,
            empty: false,
            counters,
            cut,
            up_down: Some(UpDown::new()),
        })
    }

    /// How the kernel cuts off bulk.
    pub fn cut(&self) -> Method {
        self.cut.method()
    }

    /// The same in words, and why it is no better way.
    pub fn cut_words(&self) -> String {
        self.cut.words()
    }

    /// How the frames begin.
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// A handle that ends this source's waits.
    pub fn wake_handle(&self) -> WakeHandle {
        WakeHandle(Arc::clone(&self.waker))
    }

    /// Lends what the ring holds now, up to [`MOST`] frames.
    fn drain(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        for lent in 0..MOST {
            let packet = match self.capture.next_packet() {
                Ok(packet) => packet,
                Err(pcap::Error::TimeoutExpired) => {
                    self.empty = true;
                    return Ok(if lent == 0 { Progress::Idle } else { Progress::More });
                }
                Err(error) => return Err(failure::while_watched(&self.interface, &error)),
            };
            self.number += 1;
            let frame = Frame {
                number: self.number,
                time: time(&packet, self.precision),
                link: self.link,
                origin: self.origin,
                wire_len: packet.header.len,
                bytes: packet.data,
            };
            if visit(&[frame]) == ControlFlow::Break(()) {
                return Ok(Progress::End);
            }
        }
        Ok(Progress::More)
    }

    /// Lends what was captured before `error`: the kernel hands over its last block later than the
    /// bad news.
    fn drain_rest(&mut self, visit: &mut Visitor<'_>, error: Error) -> Result<Progress, Error> {
        for _ in 0..LAST_TRIES {
            while let Ok(progress) = self.drain(visit) {
                match progress {
                    Progress::More => {}
                    Progress::Idle => break,
                    Progress::End => return Ok(Progress::End),
                }
            }
            thread::sleep(LAST_PAUSE);
        }
        Err(error)
    }

    /// Waits for a frame, a wake-up, or [`IDLE`].
    fn wait(&mut self) -> Result<(), Error> {
        match self.poll.poll(&mut self.events, Some(IDLE)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Err(unwatched(&self.interface, &error))
            }
            _ => {
                let failed = self.events.iter().any(|event| event.token() == RING && event.is_error());
                if let Some(up_down) = &mut self.up_down {
                    up_down.look(&self.interface, failed);
                }
                Ok(())
            }
        }
    }
}

impl Source for LiveSource {
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        // Readiness is told once: what a call has left behind comes first. What came since the ring was empty is told
        // by the next wait.
        let mut progress = if self.empty { Ok(Progress::Idle) } else { self.drain(visit) };
        if matches!(progress, Ok(Progress::Idle)) {
            self.empty = false;
            self.wait()?;
            progress = self.drain(visit);
        }
        progress.or_else(|error| self.drain_rest(visit, error))
    }

    fn notice(&mut self) -> Option<String> {
        self.up_down.as_mut()?.notice()
    }

    fn stats(&mut self) -> SourceStats {
        if let Some(news) = self.cut.news() {
            self.counters.cut(news);
        }
        match self.capture.stats() {
            Ok(now) => self.counters.update(now),
            Err(_) => self.counters.sum(),
        }
    }
}

/// What the capture is waited for with.
fn watch(capture: &Capture<Active>) -> io::Result<(Poll, Waker)> {
    let poll = Poll::new()?;
    poll.registry().register(&mut SourceFd(&capture.as_raw_fd()), RING, Interest::READABLE)?;
    let waker = Waker::new(poll.registry(), WAKE)?;
    Ok((poll, waker))
}

fn unwatched(interface: &str, error: &io::Error) -> Error {
    Error::Interface { name: interface.to_owned(), problem: format!("cannot wait for frames: {error}") }
}

/// The frame's time; libpcap puts nanoseconds where microseconds used to be if asked to.
fn time(packet: &Packet<'_>, precision: Precision) -> Timestamp {
    let seconds = u64::try_from(packet.header.ts.tv_sec).unwrap_or(0);
    let fraction = u64::try_from(packet.header.ts.tv_usec).unwrap_or(0);
    let unit = if precision == Precision::Nano { 1 } else { 1000 };
    Timestamp::new(seconds, fraction.saturating_mul(unit))
}
