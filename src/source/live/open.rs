//! Opening of captures: the filter, the cut and, of several rings, the group come on in this order.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use pcap::{Active, Capture, Linktype};

use super::options::{self, LiveOptions};
use super::{LAST_PAUSE, LAST_TRIES, LiveSource, fanout, unwatched};
use crate::error::Error;
use crate::model::frame::{LinkType, OriginId};
use crate::source::cut::{Classic, Cut, attach_classic, code, op};
use crate::source::{expression, failure, linktype};

impl LiveSource {
    /// Opens `interface` (`any` is all of them), whose frames then bear `origin`.
    ///
    /// # Errors
    /// [`Error::Interface`] with the remedy: no such interface, no permission, interface down.
    /// [`Error::Usage`] for a filter or a time stamp type that does not mean anything.
    pub fn open(interface: &str, origin: OriginId, options: &LiveOptions) -> Result<Self, Error> {
        let mut captures = [activate(interface, options)?];
        let cut = filter_and_cut(&mut captures, interface, options)?;
        let [capture] = captures;
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
        let cut = Arc::new(filter_and_cut(&mut captures, interface, options)?);
        let open = |capture| Self::new((interface, origin), capture, options, Arc::clone(&cut));
        let mut sources = captures.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        sources.iter_mut().skip(1).for_each(|source| source.up_down = None);
        Ok((sources, None))
    }
}

/// The filter that takes all.
const EVERYTHING: [Classic; 1] = [op(code::RET, options::SNAPLEN)];

/// A capture without filter.
fn activate(interface: &str, options: &LiveOptions) -> Result<Capture<Active>, Error> {
    let mut capture = options.activate(interface)?;
    prefer_interface_index(&mut capture);
    capture.direction(options.direction.into()).map_err(|error| failure::while_watched(interface, &error))?;
    Ok(capture)
}

/// Puts the user's filter and the best cut that goes with it onto all rings of an interface.
///
/// All have the same: of some that cut and some that do not nobody could say what was seen whole.
fn filter_and_cut(
    captures: &mut [Capture<Active>],
    interface: &str,
    options: &LiveOptions,
) -> Result<Cut, Error> {
    let filter = options.filter.as_deref().unwrap_or_default();
    let (mut wanted, mut refused) = (options.cut, Vec::new());
    loop {
        let (mut user, mut link) = (Vec::new(), LinkType(0));
        for capture in &mut *captures {
            user = attach(capture, interface, filter)?;
            link = linktype::from_live(capture.get_datalink().0);
        }
        let cut = Cut::choose(&user, link, &wanted);
        match cut.attach(captures) {
            Ok(()) => return Ok(cut.after(&refused)),
            Err(words) => refused.push(words),
        }
        wanted.best = cut.method().worse();
    }
}

/// Throws away what came before the filter was there; the kernel hands over its last block up to 50 ms later.
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
