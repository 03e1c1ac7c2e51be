//! The contract of what may stand ahead of TLS in a connection.
//!
//! A preface is known by what the client says, for that alone must be there: the other direction may not be
//! captured. It is read in units, a line or a message each, and TLS can begin behind a unit that asks for it,
//! nowhere else.

/// What a row makes of the client's bytes at the beginning of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So far it may be a unit of this row; its end is not there.
    More,
    /// A unit of this many bytes, at least one, behind which the dialogue goes on in clear.
    Take(usize),
    /// A unit of this many bytes, at least one, that asks for TLS: the hello may begin right behind it.
    Ask(usize),
    /// Not this row's, or no TLS will come any more.
    No,
}

/// What a row remembers from one unit to the next.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Where in its dialogue the row is; 0 at the beginning. Each row has its own numbers.
    pub phase: u8,
    /// What the client says of who it stands for.
    pub named: Named,
}

/// Ends of a connection that a preface names, each at most [`MAX_NAME`] bytes of printable ASCII.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The client that a proxy stands for.
    pub source: Option<Box<str>>,
    /// Where the proxy is to connect to, or where the client did.
    pub destination: Option<Box<str>>,
}

/// Longest name of an end, in bytes.
pub const MAX_NAME: usize = 255;

/// `bytes` as the name of an end; `None` unless they are 1 to [`MAX_NAME`] bytes of printable ASCII.
pub fn name(bytes: &[u8]) -> Option<Box<str>> {
    let fits = !bytes.is_empty() && bytes.len() <= MAX_NAME && bytes.iter().all(u8::is_ascii_graphic);
    fits.then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// One row of the prefaces table.
pub trait Preface: Send + Sync {
    /// Name in `handshake.preface`.
    fn name(&self) -> &'static str;

    /// Reads the unit that `bytes` begin with. To be strict early: any stream is asked with its first bytes,
    /// and `More` keeps its connection waiting. Where it does not say `Take` or `Ask`, `memory` is not used
    /// again.
    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step;

    /// True where `bytes`, as few as they are, are all that goes ahead of the hello.
    fn is_brief(&self, bytes: &[u8]) -> bool {
        let _ = bytes;
        false
    }

    /// True for the first bytes of a server that speaks first.
    fn greets(&self, bytes: &[u8]) -> bool {
        let _ = bytes;
        false
    }

    /// Reads the unit of the server's dialogue that `bytes` begin with; [`Step::Ask`] is never said. Needed
    /// only where a client may send its hello without waiting for the answer to what went ahead of it.
    fn reply(&self, bytes: &[u8]) -> Step {
        let _ = bytes;
        Step::No
    }

    /// True where anything may follow in the place of TLS, another preface too.
    fn carries(&self) -> bool {
        false
    }
}

/// `Yes` where `bytes` begin with `start`, `NotYet` where they are too few to tell, in the words of a step.
pub fn starts(bytes: &[u8], start: &[u8]) -> Option<bool> {
    let len = bytes.len().min(start.len());
    let same = bytes.get(..len) == start.get(..len);
    same.then_some(bytes.len() >= start.len())
}

/// The line that `bytes` begin with, without its end, and its length with it.
///
/// # Errors
/// What a row is to say where the end is not there: [`Step::More`], or [`Step::No`] from `limit` bytes on.
pub fn line(bytes: &[u8], limit: usize) -> Result<(&[u8], usize), Step> {
    let within = bytes.get(..bytes.len().min(limit)).unwrap_or_default();
    let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
        return Err(if bytes.len() < limit { Step::More } else { Step::No });
    };
    let text = within.get(..end).unwrap_or_default();
    Ok((text.strip_suffix(b"\r").unwrap_or(text), end + 1))
}
