//! XMPP: `<starttls/>` in an XML stream (RFC 6120 §5).

use crate::hello::preface::row::{Memory, Preface, Step, starts};

/// Longest tag, in bytes.
const MAX_TAG: usize = 4096;
/// The namespace without which `starttls` is another word.
const NAMESPACE: &[u8] = b"urn:ietf:params:xml:ns:xmpp-tls";

/// An XML stream of client or server to server.
pub(super) struct Xmpp;

/// Phases: the stream is open; `<starttls>` is.
const STREAM: u8 = 1;
const STARTTLS: u8 = 2;

impl Preface for Xmpp {
    fn name(&self) -> &'static str {
        "xmpp"
    }

    fn step(&self, memory: &mut Memory, bytes: &[u8]) -> Step {
        let opens = [&b"<?xml "[..], b"<stream:stream ", b"<starttls "];
        if memory.phase == 0 && opens.iter().all(|open| starts(bytes, open).is_none()) {
            return Step::No;
        }
        let space = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if space > 0 {
            return Step::Take(space);
        }
        if bytes.first() != Some(&b'<') {
            return Step::No;
        }
        let within = bytes.get(..bytes.len().min(MAX_TAG)).unwrap_or_default();
        let Some(end) = within.iter().position(|byte| *byte == b'>') else {
            return if bytes.len() < MAX_TAG { Step::More } else { Step::No };
        };
        tag(memory, within.get(1..end).unwrap_or_default(), end + 1)
    }
}

/// A tag without its brackets, and its length with them.
fn tag(memory: &mut Memory, tag: &[u8], len: usize) -> Step {
    let (closes, tag) = tag.strip_prefix(b"/").map_or((false, tag), |tag| (true, tag));
    let word = tag.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').next().unwrap_or_default();
    let local = word.rsplit(|byte| *byte == b':').next().unwrap_or_default();
    match (local, closes) {
        (b"?xml" | b"stream", false) => {
            memory.phase = STREAM;
            Step::Take(len)
        }
        (b"starttls", false) if tag.windows(NAMESPACE.len()).any(|part| part == NAMESPACE) => {
            let empty = tag.ends_with(b"/");
            memory.phase = if empty { STREAM } else { STARTTLS };
            if empty { Step::Ask(len) } else { Step::Take(len) }
        }
        (b"required", false) if memory.phase == STARTTLS => Step::Take(len),
        (b"starttls", true) if memory.phase == STARTTLS => {
            memory.phase = STREAM;
            Step::Ask(len)
        }
        _ => Step::No,
    }
}
