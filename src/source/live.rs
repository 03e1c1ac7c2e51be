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
mod updown;

use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use pcap::{Active, Capture, Linktype, Packet, Precision};

use crate::error::Error;
use crate::model::frame::{Frame, LinkType, OriginId, Timestamp};
use crate::model::stats::SourceStats;
use crate::source::cut::{Classic, Cut, Method, attach_classic, code, op};
use crate::source::live::counters::Counters;
use crate::source::live::options::LiveOptions;
use crate::source::live::updown::UpDown;
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
    /// Opens `interface` (`any` is all of them), whose frames then bear `origin`.
    ///
    /// # Errors
    /// [`Error::Interface`] with the remedy: no such interface, no permission, interface down.
    /// [`Error::Usage`] for a filter or a time stamp type that does not mean anything.
    pub fn open(interface: &str, origin: OriginId, options: &LiveOptions) -> Result<Self, Error> {
        let mut capture = activate(interface, options)?;
        let user = attach(&mut capture, interface, options.filter.as_deref().unwrap_or_default())?;
        let mut cut = Cut::choose(&user, linktype::from_live(capture.get_datalink().0), &options.cut);
        cut.attach(&capture);
        Self::new((interface, origin), capture, options, Arc::new(cut))
    }

    /// Opens so many rings on one interface: each connection comes to one of them.
    ///
    /// Where the kernel knows no such group, there is one ring, and the second value says why.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_rings(
        interface: &str,
        origin: OriginId,
        options: &LiveOptions,
        rings: usize,
    ) -> Result<(Vec<Self>, Option<String>), Error> {
        if rings < 2 {
            return Ok((vec![Self::open(interface, origin, options)?], None));
        }
        let mut captures = Vec::with_capacity(rings);
        for _ in 0..rings {
            let capture = activate(interface, options)?;
            // Until they are joined, each would take every packet.
            attach_classic(&capture, &[op(code::RET, 0)]).map_err(|error| unwatched(interface, &error))?;
            captures.push(capture);
        }
        if let Err(error) = fanout::join(&captures) {
            drop(captures);
            return Ok((vec![Self::open(interface, origin, options)?], Some(error.to_string())));
        }
        discard(&mut captures);
        let mut cut = None;
        for capture in &mut captures {
            let user = attach(capture, interface, options.filter.as_deref().unwrap_or_default())?;
            let link = linktype::from_live(capture.get_datalink().0);
            cut.get_or_insert_with(|| Cut::choose(&user, link, &options.cut)).attach(capture);
        }
        let cut = Arc::new(cut.unwrap_or_else(|| Cut::choose(&[], LinkType(0), &options.cut)));
        let open = |capture| Self::new((interface, origin), capture, options, Arc::clone(&cut));
        let mut sources = captures.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        sources.iter_mut().skip(1).for_each(|source| source.up_down = None);
        Ok((sources, None))
    }

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
        // The ring comes first: readiness is told once, and a call may have left frames behind.
        let mut progress = self.drain(visit);
        if matches!(progress, Ok(Progress::Idle)) {
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

/// A capture without filter.
fn activate(interface: &str, options: &LiveOptions) -> Result<Capture<Active>, Error> {
    let mut capture = options.activate(interface)?;
    prefer_interface_index(&mut capture);
    capture.direction(options.direction.into()).map_err(|error| failure::while_watched(interface, &error))?;
    Ok(capture)
}

/// Throws away what came before the filter was there; the kernel hands over its last block up to 20 ms later.
fn discard(captures: &mut [Capture<Active>]) {
    let end = Instant::now() + LAST_TRIES * LAST_PAUSE;
    while Instant::now() < end {
        for capture in &mut *captures {
            while capture.next_packet().is_ok() {}
        }
        thread::sleep(LAST_PAUSE);
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

/// Compiles and attaches the best of what `expression` can mean on this link type; the program.
fn attach(capture: &mut Capture<Active>, interface: &str, expression: &str) -> Result<Vec<Classic>, Error> {
    let mut refused = None;
    for candidate in expression::candidates(expression) {
        match capture.compile(&candidate, true) {
            Ok(program) => {
                capture
                    .filter(&candidate, true)
                    .map_err(|error| failure::while_watched(interface, &error))?;
                let code = program.get_instructions().iter().map(|one| one.to_string().parse());
                // One that cannot be read is joined with no cut.
                return Ok(code.collect::<Result<_, _>>().unwrap_or_default());
            }
            Err(error) => refused = Some(error),
        }
    }
    if let Some(error) = refused {
        return Err(failure::in_filter(expression.trim(), &error));
    }
    attach_classic(capture, &EVERYTHING).map_err(|error| unwatched(interface, &error))?;
    Ok(EVERYTHING.to_vec())
}

/// The filter that takes all.
const EVERYTHING: [Classic; 1] = [op(code::RET, options::SNAPLEN)];

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
