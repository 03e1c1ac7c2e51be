//! What could not be joined, and why: counted, so that it can be told.

use crate::path::Node;

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Records whose connection was told already, or that are older than the window; by vantage point.
    pub late: Vec<(Node, u64)>,
    /// Legs that two vantage points saw at the same nanosecond: the same packets, captured once.
    pub same: Vec<((Node, Node), u64)>,
    /// Legs that one vantage point told twice.
    pub twice: Vec<(Node, u64)>,
    /// Connections that were given early, because too many were open.
    pub early: u64,
    /// Records without a whole hello.
    pub without_hello: u64,
}

impl Doubts {
    /// A leg of `one` and `other` with the same addresses at the same nanosecond.
    pub(super) fn seen_again(&mut self, one: Node, other: Node) {
        if one == other {
            count(&mut self.twice, one);
        } else {
            count(&mut self.same, (one.min(other), one.max(other)));
        }
    }

    /// A record of `node` that comes too late.
    pub(super) fn came_late(&mut self, node: Node) {
        count(&mut self.late, node);
    }
}

fn count<T: PartialEq>(counts: &mut Vec<(T, u64)>, what: T) {
    match counts.iter_mut().find(|(of, _)| *of == what) {
        Some((_, count)) => *count += 1,
        None => counts.push((what, 1)),
    }
}
