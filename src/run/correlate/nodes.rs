//! The vantage points by name, and the words about what could not be joined.

use crate::error::Error;
use crate::model::frame::Timestamp;
use crate::path::Node;
use crate::path::clock::Offset;
use crate::path::doubts::Doubts;
use crate::path::join::Joiner;

/// The most vantage points.
pub(super) const MAX_NODES: usize = 64;
/// From here on clocks are said to be apart, nanoseconds.
const FAR_APART: u64 = 60_000_000_000;

/// The vantage points, in the order in which they were first heard.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    names: Vec<String>,
    /// Of each, the earliest and the latest record, if it has any.
    spans: Vec<Option<(Timestamp, Timestamp)>>,
}

/// What is to be said at the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Line by line.
    pub(super) lines: Vec<String>,
    /// An input is not what it should be.
    pub(super) wrong: bool,
}

impl Nodes {
    /// The names, by number.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of a vantage point.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn number(&mut self, name: &str, joiner: &mut Joiner) -> Result<Node, Error> {
        let known = self.names.iter().position(|known| known == name);
        let place = known.unwrap_or(self.names.len());
        if known.is_none() {
            if place >= MAX_NODES {
                return Err(Error::Usage(format!("more than {MAX_NODES} vantage points")));
            }
            self.names.push(name.to_owned());
            self.spans.push(None);
            joiner.add_node();
        }
        Ok(Node(u16::try_from(place).unwrap_or(u16::MAX)))
    }

    /// A vantage point has a record of this time.
    pub(super) fn heard(&mut self, node: Node, time: Timestamp) {
        if let Some(span) = self.spans.get_mut(usize::from(node.0)) {
            let (first, last) = span.unwrap_or((time, time));
            *span = Some((first.min(time), last.max(time)));
        }
    }

    fn name(&self, node: Node) -> &str {
        self.names.get(usize::from(node.0)).map_or("?", String::as_str)
    }

    /// What could not be joined, in words.
    pub(super) fn words(&self, doubts: &Doubts, offsets: &[Offset]) -> Words {
        let mut lines = Vec::new();
        for ((one, other), count) in &doubts.same {
            let (one, other) = (self.name(*one), self.name(*other));
            let times = if *count == 1 { "leg" } else { "legs" };
            lines.push(format!(
                "{one} and {other} hold the same packets ({count} {times} at the same nanosecond): one capture, \
                 given twice? Each counts once"
            ));
        }
        let wrong = !lines.is_empty();
        if self.names.len() > 1 && offsets.is_empty() && !wrong && self.spans.iter().any(Option::is_some) {
            lines.push(format!("no answered leg was seen by two vantage points: {}", self.ranges()));
        }
        for offset in offsets.iter().filter(|offset| offset.nanos.unsigned_abs() >= FAR_APART) {
            let (from, to) = (self.name(offset.from), self.name(offset.to));
            let (from, to) = if offset.nanos < 0 { (to, from) } else { (from, to) };
            lines.push(format!(
                "the clock of {to} is {} ahead of {from}'s",
                long(offset.nanos.unsigned_abs())
            ));
        }
        for (node, count) in &doubts.twice {
            lines.push(format!(
                "{}: {} twice: they count once",
                self.name(*node),
                many(*count, "leg came", "legs came")
            ));
        }
        for (node, count) in &doubts.late {
            let records = many(*count, "record came", "records came");
            lines.push(format!("{}: {records} too late to be joined: see --window", self.name(*node)));
        }
        if doubts.early > 0 {
            let paths = many(doubts.early, "connection was", "connections were");
            lines.push(format!("{paths} told before the window was over: too many were open at once"));
        }
        if doubts.without_hello > 0 {
            let records = many(doubts.without_hello, "record has", "records have");
            lines.push(format!("{records} no hello, and no path: connections refused, or never answered"));
        }
        Words { lines, wrong }
    }

    fn ranges(&self) -> String {
        let time = |time: Timestamp| {
            let instant = jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap_or_default();
            instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
        };
        let range = |(name, span): (&String, &Option<(Timestamp, Timestamp)>)| match span {
            Some((first, last)) => format!("{name} has {} to {}", time(*first), time(*last)),
            None => format!("{name} has nothing"),
        };
        self.names.iter().zip(&self.spans).map(range).collect::<Vec<_>>().join(", ")
    }
}

fn many(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// `2 h 0 min`, `1 min 30 s`, to the nearest second.
fn long(nanos: u64) -> String {
    let seconds = nanos.saturating_add(500_000_000) / 1_000_000_000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::join::Settings;

    fn nodes(names: &[&str]) -> Nodes {
        let mut joiner = Joiner::new(Settings { window: 1, max_open: 1, eager: false });
        let mut nodes = Nodes::default();
        for (place, name) in names.iter().enumerate() {
            let time = Timestamp::new(1_700_000_000 + 3600 * place as u64, 0);
            let node = nodes.number(name, &mut joiner).unwrap();
            assert_eq!((usize::from(node.0), nodes.number(name, &mut joiner).unwrap()), (place, node));
            nodes.heard(node, time.plus(60_000_000_000));
            nodes.heard(node, time);
        }
        nodes
    }

    #[test]
    fn names_have_numbers_up_to_a_bound() {
        let many: Vec<String> = (0..MAX_NODES).map(|n| n.to_string()).collect();
        let mut nodes = nodes(&many.iter().map(String::as_str).collect::<Vec<_>>());
        let mut joiner = Joiner::new(Settings { window: 1, max_open: 1, eager: false });
        assert!(nodes.number("one more", &mut joiner).is_err());
    }

    #[test]
    fn words_for_every_doubt() {
        let nodes = nodes(&["dc1", "dc2"]);
        let offset = |nanos| Offset {
            from: Node(0),
            to: Node(1),
            nanos,
            error: 0,
            bound: 0,
            round_trip: 0,
            shared: 1,
        };
        let near = [offset(5)];
        assert_eq!(nodes.words(&Doubts::default(), &near), Words::default());
        let doubts = Doubts {
            late: vec![(Node(1), 1)],
            same: vec![((Node(0), Node(1)), 70)],
            twice: vec![(Node(0), 2)],
            early: 3,
            without_hello: 4,
        };
        let words = nodes.words(&doubts, &near);
        assert!(words.wrong);
        assert_eq!(
            words.lines,
            [
                "dc1 and dc2 hold the same packets (70 legs at the same nanosecond): one capture, given twice? Each \
                 counts once",
                "dc1: 2 legs came twice: they count once",
                "dc2: 1 record came too late to be joined: see --window",
                "3 connections were told before the window was over: too many were open at once",
                "4 records have no hello, and no path: connections refused, or never answered",
            ]
        );
        let words = nodes.words(&Doubts::default(), &[]);
        assert_eq!(
            words.lines,
            [
                "no answered leg was seen by two vantage points: dc1 has 2023-11-14 22:13:20 UTC to 2023-11-14 22:14:20 \
              UTC, dc2 has 2023-11-14 23:13:20 UTC to 2023-11-14 23:14:20 UTC"
            ]
        );
        let apart = |nanos| nodes.words(&Doubts::default(), &[offset(nanos)]).lines;
        assert_eq!(apart(7_200_000_000_000), ["the clock of dc2 is 2 h 0 min ahead of dc1's"]);
        assert_eq!(apart(7_199_999_990_000), ["the clock of dc2 is 2 h 0 min ahead of dc1's"]);
        assert_eq!(apart(-90_000_000_000), ["the clock of dc1 is 1 min 30 s ahead of dc2's"]);
    }
}
