//! Cutting off bulk in the kernel: what nobody reads is dropped ahead of its copy.
//!
//! A name and an outcome stand in a connection's first kilobytes and in its end. [`Cut::choose`] joins the user's
//! filter with the best cut that the kernel takes: one that knows each connection ([`depth`], eBPF), one without
//! state ([`bare`], classic BPF), or none. What is cut is counted apart, and is no drop.

mod bare;
mod classic;
mod datagram;
mod depth;
mod ebpf;
mod kernel;
mod link;
mod object;
mod packet;
mod segment;
#[cfg(test)]
mod tests;
mod translate;

use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

pub(super) use self::classic::{Classic, Code, NET, PROTOCOL, code, op};
use self::kernel::Loaded;
pub(super) use self::kernel::{Compiled, attach_classic};
use self::link::Layout;
use crate::model::frame::LinkType;
use crate::model::stats::CutStats;

/// Directions of connections that are known at once unless said otherwise: 7 MiB of kernel memory.
pub const ENTRIES: u32 = 65_536;

/// Which cut is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOptions {
    /// Bytes of each direction that pass in any case; `None`: all.
    pub depth: Option<u32>,
    /// The best cut that may be chosen.
    pub best: Method,
    /// Directions that are known at once.
    pub entries: u32,
}

impl Default for CutOptions {
    fn default() -> Self {
        Self { depth: None, best: Method::Stateful, entries: ENTRIES }
    }
}

/// How the kernel cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It knows each connection, and cuts what is deeper than the depth.
    Stateful,
    /// It cuts bare acknowledgements.
    Stateless,
    /// It cuts nothing.
    Nothing,
}

impl Method {
    /// What is left to try where this one is refused.
    pub(super) fn worse(self) -> Self {
        match self {
            Self::Stateful => Self::Stateless,
            Self::Stateless | Self::Nothing => Self::Nothing,
        }
    }
}

/// The cut in force on the rings of one interface.
pub(super) struct Cut {
    program: Joined,
    /// Why it is not a better one.
    reasons: Vec<String>,
    depth: u32,
    /// What has been counted so far.
    told: Mutex<(u64, u64)>,
}

enum Joined {
    Stateful(Box<Loaded>),
    Stateless(Vec<Classic>),
    Nothing,
}

impl Cut {
    /// The best cut for a capture whose filter is `user`.
    pub(super) fn choose(user: &[Classic], link: LinkType, options: &CutOptions) -> Self {
        let mut reasons = Vec::new();
        let program = options.depth.map_or(Joined::Nothing, |depth| {
            let Some(layout) = Layout::of(link) else {
                reasons.push(format!("link type {} is not cut", link.0));
                return Joined::Nothing;
            };
            let Some(user) = layout.adapted(user) else {
                reasons.push("the filter asks for what only libpcap knows".to_owned());
                return Joined::Nothing;
            };
            if options.best == Method::Stateful {
                match stateful(&user, layout, depth, options.entries) {
                    Ok(loaded) => return Joined::Stateful(Box::new(loaded)),
                    Err(words) => reasons.push(words),
                }
            }
            if options.best == Method::Nothing {
                return Joined::Nothing;
            }
            let Some(joined) = bare::with_cut(&user, layout) else {
                reasons.push("classic BPF: the filter is too long".to_owned());
                return Joined::Nothing;
            };
            Joined::Stateless(joined)
        });
        Self { program, reasons, depth: options.depth.unwrap_or_default(), told: Mutex::new((0, 0)) }
    }

    /// Puts it onto all rings of an interface, in the place of the user's filter.
    ///
    /// # Errors
    /// A refusal, in words: some rings have it then and some have not, so that the user's filter has to be put back.
    pub(super) fn attach(&self, rings: &[impl AsFd]) -> Result<(), String> {
        rings.iter().try_for_each(|ring| match &self.program {
            Joined::Stateful(loaded) => loaded.attach(ring),
            Joined::Stateless(program) => {
                attach_classic(ring, program).map_err(|error| format!("classic BPF: {error}"))
            }
            Joined::Nothing => Ok(()),
        })
    }

    /// The same, known to be chosen after a better one was refused for these reasons.
    pub(super) fn after(mut self, refused: &[String]) -> Self {
        self.reasons.splice(0..0, refused.iter().cloned());
        self
    }

    /// The method in force.
    pub(super) fn method(&self) -> Method {
        match self.program {
            Joined::Stateful(_) => Method::Stateful,
            Joined::Stateless(_) => Method::Stateless,
            Joined::Nothing => Method::Nothing,
        }
    }

    /// The choice in words, and why it is no better one.
    pub(super) fn words(&self) -> String {
        let kib = self.depth / 1024;
        let mut words = match self.program {
            Joined::Stateful(_) => format!("the kernel cuts off each direction after {kib} KiB (eBPF)"),
            Joined::Stateless(_) => "the kernel cuts off bare acknowledgements (classic BPF)".to_owned(),
            Joined::Nothing => "nothing is cut off in the kernel".to_owned(),
        };
        if !self.reasons.is_empty() {
            words = format!("{words}; {}", self.reasons.join("; "));
        }
        words
    }

    /// What was cut since the last call, on any ring; `None` where nobody counts.
    pub(super) fn news(&self) -> Option<CutStats> {
        let Joined::Stateful(loaded) = &self.program else { return None };
        let now = loaded.counts()?;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let news = CutStats { packets: now.0.saturating_sub(told.0), bytes: now.1.saturating_sub(told.1) };
        // Two rings may ask at once, the later with the older answer.
        *told = (now.0.max(told.0), now.1.max(told.1));
        Some(news)
    }
}

fn stateful(user: &[Classic], layout: Layout, depth: u32, entries: u32) -> Result<Loaded, String> {
    let program = depth::program(user, layout, depth).ok_or("eBPF: the filter cannot be carried over")?;
    Loaded::new(&program, entries).map_err(|words| format!("eBPF: {words}"))
}
