//! Frames as they pass an interface, lent straight from the kernel's ring through libpcap.
//!
//! The capture never blocks in libpcap: [`LiveSource::drive`] lends what the ring holds, and where it
//! holds nothing it waits in `poll` for up to 50 ms, from which a [`WakeHandle`] gets it at once.
//!
//! An interface that is taken down is waited for (libpcap 1.10 and newer; older ones fail), one that is
//! removed is an error.

pub mod options;

mod counters;

use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use pcap::{Active, Capture, Linktype, Packet, Precision};

use crate::error::Error;
use crate::model::frame::{Frame, LinkType, OriginId, Timestamp};
use crate::model::stats::SourceStats;
use crate::source::live::counters::Counters;
use crate::source::live::options::LiveOptions;
use crate::source::{Progress, Source, Visitor, expression, failure, linktype};

/// How long an idle interface is waited for.
const IDLE: Duration = Duration::from_millis(50);

/// The most frames lent by one call, so that a flood leaves the caller in control.
const MOST: usize = 1024;

/// How often, and how far apart, a failed capture is asked for frames that it still holds: 60 ms, three
/// times as long as the kernel keeps a block.
const LAST_TRIES: u32 = 6;
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
    counters: Counters,
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
    /// Opens `interface` (`any` is all of them), whose frames then bear `origin`.
    ///
    /// # Errors
    /// [`Error::Interface`] with the remedy: no such interface, no permission, interface down.
    /// [`Error::Usage`] for a filter or a time stamp type that does not mean anything.
    pub fn open(interface: &str, origin: OriginId, options: &LiveOptions) -> Result<Self, Error> {
        let mut capture = options.activate(interface)?;
        prefer_interface_index(&mut capture);
        capture
            .direction(options.direction.into())
            .map_err(|error| failure::while_watched(interface, &error))?;
        attach(&mut capture, interface, options.filter.as_deref().unwrap_or_default())?;
        let (poll, waker) = watch(&capture).map_err(|error| unwatched(interface, &error))?;
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
            counters: Counters::new(),
        })
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
                Err(pcap::Error::TimeoutExpired) if lent == 0 => return Ok(Progress::Idle),
                Err(pcap::Error::TimeoutExpired) => return Ok(Progress::More),
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
            _ => Ok(()),
        }
    }
}

impl Source for LiveSource {
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        // The ring comes first: readiness is told once, and a call may have left frames behind.
        let mut progress = self.drain(visit);
        if matches!(progress, Ok(Progress::Idle)) {
            self.wait()?;
            progress = self.drain(visit);
        }
        progress.or_else(|error| self.drain_rest(visit, error))
    }

    fn stats(&mut self) -> SourceStats {
        match self.capture.stats() {
            Ok(now) => self.counters.update(now),
            Err(_) => self.counters.sum(),
        }
    }
}

/// On `any`, asks for the header that tells the interface (SLL2) where this libpcap has it.
fn prefer_interface_index(capture: &mut Capture<Active>) {
    if capture.get_datalink() != Linktype::LINUX_SLL {
        return;
    }
    if capture.list_datalinks().is_ok_and(|links| links.contains(&Linktype::LINUX_SLL2)) {
        // The header that the capture has is decoded as well.
        let _ = capture.set_datalink(Linktype::LINUX_SLL2);
    }
}

/// Compiles and attaches the best of what `expression` can mean on this link type.
fn attach(capture: &mut Capture<Active>, interface: &str, expression: &str) -> Result<(), Error> {
    let mut refused = None;
    for candidate in expression::candidates(expression) {
        match capture.compile(&candidate, true) {
            Ok(_) => {
                return capture
                    .filter(&candidate, true)
                    .map_err(|error| failure::while_watched(interface, &error));
            }
            Err(error) => refused = Some(error),
        }
    }
    refused.map_or(Ok(()), |error| Err(failure::in_filter(expression.trim(), &error)))
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
