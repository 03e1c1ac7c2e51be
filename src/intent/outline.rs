//! The outline of a text in HCL, looked at ahead of its reader, which recurses: how deep are its brackets?
//!
//! What would make the outline doubtful, templates and here-documents, is refused: an entry has none.

use crate::intent::fields::Problem;

/// Deepest brackets: an entry has five.
const MAX_DEPTH: usize = 16;

/// Where in the text the walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Code,
    Quotes,
    Line,
    Block,
}

/// Refuses what the reader should not see.
pub(super) fn check(text: &str) -> Result<(), Problem> {
    let mut place = In::Code;
    let mut depth = 0_usize;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let next = bytes.peek().copied();
        place = match (place, byte, next) {
            (In::Code, b'"', _) => In::Quotes,
            (In::Code, b'#', _) | (In::Code, b'/', Some(b'/')) => In::Line,
            (In::Code, b'/', Some(b'*')) => {
                bytes.next();
                In::Block
            }
            (In::Code, b'<', Some(b'<')) => return Err("a here-document".to_owned()),
            (In::Quotes, b'$' | b'%', Some(b'{')) => return Err("a template".to_owned()),
            (In::Quotes, b'\\', _) => {
                bytes.next();
                place
            }
            (In::Quotes, b'"', _) | (In::Line, b'\n', _) => In::Code,
            (In::Block, b'*', Some(b'/')) => {
                bytes.next();
                In::Code
            }
            _ => place,
        };
        match byte {
            b'(' | b'[' | b'{' if place == In::Code => depth += 1,
            b')' | b']' | b'}' if place == In::Code => depth = depth.saturating_sub(1),
            _ => (),
        }
        if depth > MAX_DEPTH {
            return Err(format!("brackets nested deeper than {MAX_DEPTH}"));
        }
    }
    Ok(())
}
