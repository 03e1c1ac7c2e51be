//! A BPF expression applied to the frames of a capture, as libpcap compiles it.
//!
//! An expression means other instructions for each link type, so it is compiled when a link type is first
//! seen. It sees the captured bytes only: `len`, `greater` and `less` speak of the captured length.

use pcap::{BpfProgram, Capture, Linktype};

use crate::error::Error;
use crate::model::frame::{Frame, LinkType};
use crate::model::stats::SourceStats;

use super::batch::Batch;
use super::expression;
use super::{Opened, Progress, Source, Visitor};

#[cfg(test)]
mod tests;

/// Link types that an expression is tried on before the first packet: one must accept it. Ethernet is
/// first, for its error is the one told; then raw IP, Linux cooked v1 and v2, null, 802.11 with radiotap.
const TRIED: [LinkType; 6] =
    [LinkType(1), LinkType(101), LinkType(113), LinkType(276), LinkType(0), LinkType(127)];

/// Numbers in files that differ from libpcap's own (`DLT_…`): ATM, raw IP, BSD/OS SLIP and PPP, ATM CLIP.
const DLT: [(u32, i32); 5] = [(100, 11), (101, 12), (102, 15), (103, 16), (106, 19)];

/// A BPF expression and its programs so far.
pub struct PacketFilter {
    expression: String,
    /// `None` for a link type that the expression does not fit.
    programs: Vec<(LinkType, Option<BpfProgram>)>,
}

impl PacketFilter {
    /// Checks an expression.
    ///
    /// # Errors
    /// [`Error::Usage`] with libpcap's words, where it makes sense for none of the common link types.
    pub fn compile(expression: &str) -> Result<Self, Error> {
        let mut first = None;
        for link in TRIED {
            match program(expression, link) {
                Ok(program) => {
                    let programs = vec![(link, Some(program))];
                    return Ok(Self { expression: expression.to_owned(), programs });
                }
                Err(words) => first = first.or(Some(words)),
            }
        }
        Err(Error::Usage(format!("filter `{expression}`: {}", first.unwrap_or_default())))
    }

    /// Whether the frame passes.
    ///
    /// # Errors
    /// [`Error::Usage`] at the first frame of a link type that the expression does not fit. Its further
    /// frames do not pass.
    pub fn matches(&mut self, frame: &Frame<'_>) -> Result<bool, Error> {
        let known = self.programs.iter().find(|(link, _)| *link == frame.link);
        if let Some((_, program)) = known {
            return Ok(program.as_ref().is_some_and(|program| program.filter(frame.bytes)));
        }
        match program(&self.expression, frame.link) {
            Ok(program) => {
                let pass = program.filter(frame.bytes);
                self.programs.push((frame.link, Some(program)));
                Ok(pass)
            }
            Err(words) => {
                self.programs.push((frame.link, None));
                let text = format!("filter `{}`: {words} (link type {})", self.expression, frame.link.0);
                Err(Error::Usage(text))
            }
        }
    }
}

fn program(expression: &str, link: LinkType) -> Result<BpfProgram, String> {
    let differing = DLT.iter().find(|(file, _)| *file == link.0).map(|(_, dlt)| *dlt);
    let dlt = differing.or(i32::try_from(link.0).ok()).unwrap_or(i32::MAX);
    let capture = Capture::dead(Linktype(dlt)).map_err(words)?;
    // the plain expression is the last, and its error the one that the user understands
    let mut refused = Err("no expression".to_owned());
    for candidate in expression::candidates(expression) {
        refused = capture.compile(&candidate, true).map_err(words);
        if refused.is_ok() {
            break;
        }
    }
    refused
}

fn words(error: pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(words) => words,
        other => other.to_string(),
    }
}

/// A source that lends only the frames that pass a filter.
pub struct Filtered<S> {
    source: S,
    filter: PacketFilter,
    passed: u64,
    /// An error of the filter that waits behind one of the source.
    failure: Option<Error>,
}

impl<S: Source> Filtered<S> {
    /// Lends what passes `filter` of what `source` lends.
    pub fn new(source: S, filter: PacketFilter) -> Self {
        Self { source, filter, passed: 0, failure: None }
    }
}

impl<S: Source> Source for Filtered<S> {
    fn drive(&mut self, visit: &mut Visitor<'_>) -> Result<Progress, Error> {
        let Self { source, filter, passed, failure } = self;
        if let Some(error) = failure.take() {
            return Err(error);
        }
        let progress = source.drive(&mut |frames| {
            let mut batch = Batch::new();
            for frame in frames {
                match filter.matches(frame) {
                    Ok(false) => {}
                    Ok(true) => {
                        *passed += 1;
                        // Not fuller than the batch it comes from: lent here only if all of that passed.
                        batch.push(*frame, visit)?;
                    }
                    Err(error) => *failure = failure.take().or(Some(error)),
                }
            }
            batch.flush(visit)
        });
        match failure.take() {
            Some(error) if progress.is_ok() => return Err(error),
            waiting => *failure = waiting,
        }
        progress
    }

    fn stats(&mut self) -> SourceStats {
        SourceStats { received: self.passed, ..self.source.stats() }
    }

    fn opened(&mut self) -> Vec<Opened> {
        self.source.opened()
    }
}
