//! Rules for tests and pipelines: `--require` and `--forbid`, and how often what they speak of was seen.
//!
//! `count` counts connections: one that was seen on several legs (the same hello on another flow, or past
//! another place) counts once, with the leg whose hello came first, which is the one nearest to the client.
//! `legs` counts every leg that fits. A record of several attempts counts as that many of both.

mod expression;
mod window;

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::model::observation::Observation;
use crate::run::rules::expression::{Expression, Unit};
use crate::run::rules::window::{Sight, Window};

/// The most rules of a run: one bit of a word each.
const MAX_RULES: usize = 64;

/// Whether something must or must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Require,
    Forbid,
}

impl Kind {
    fn option(self) -> &'static str {
        match self {
            Self::Require => "--require",
            Self::Forbid => "--forbid",
        }
    }
}

/// One rule, and what was found of it.
#[derive(Debug)]
struct Rule {
    kind: Kind,
    text: String,
    expression: Expression,
    connections: u64,
    legs: u64,
}

impl Rule {
    fn new(kind: Kind, text: &str) -> Result<Self, Error> {
        let expression = Expression::parse(text)
            .map_err(|reason| Error::Usage(format!("{} '{text}': {reason}", kind.option())))?;
        Ok(Self { kind, text: text.to_owned(), expression, connections: 0, legs: 0 })
    }

    fn found(&self) -> u64 {
        match self.expression.unit() {
            Unit::Connections => self.connections,
            Unit::Legs => self.legs,
        }
    }

    /// What to say of it if it failed.
    fn failure(&self) -> Option<String> {
        let found = self.found();
        let holds = self.expression.holds(found);
        if holds == (self.kind == Kind::Require) {
            return None;
        }
        let plural = if found == 1 { "" } else { "s" };
        let unit = self.expression.unit().name();
        Some(format!("rule failed: {} '{}': found {found} {unit}{plural}", self.kind.option(), self.text))
    }
}

/// All rules of a run.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    window: Window,
}

impl Rules {
    /// Rules as typed.
    ///
    /// # Errors
    /// [`Error::Usage`] with the first bad rule and the word in it, and where there are more than 64.
    pub fn new(require: &[String], forbid: &[String]) -> Result<Self, Error> {
        let required = require.iter().map(|text| Rule::new(Kind::Require, text));
        let forbidden = forbid.iter().map(|text| Rule::new(Kind::Forbid, text));
        let rules: Vec<Rule> = required.chain(forbidden).collect::<Result<_, _>>()?;
        if rules.len() > MAX_RULES {
            return Err(Error::Usage(format!("more than {MAX_RULES} rules")));
        }
        Ok(Self { rules, window: Window::default() })
    }

    /// True without any rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Looks at the outcome of a handshake, or of attempts.
    #[cold]
    #[inline(never)]
    pub(super) fn observe(&mut self, record: &Observation) {
        let weight = record.handshake.as_ref().and_then(|handshake| handshake.attempts).unwrap_or(1).max(1);
        let mut fits = 0;
        for (place, rule) in self.rules.iter_mut().enumerate() {
            if rule.expression.fits(record) {
                fits |= 1_u64 << place;
                rule.legs += weight;
            }
        }
        match self.window.look(record, fits) {
            Sight::New => self.add(fits, weight),
            Sight::Leg => {}
            Sight::Earlier { instead_of } => {
                self.add(fits, 1);
                self.take_back(instead_of);
            }
        }
    }

    fn add(&mut self, fits: u64, weight: u64) {
        self.of(fits).for_each(|rule| rule.connections += weight);
    }

    fn take_back(&mut self, fits: u64) {
        self.of(fits).for_each(|rule| rule.connections -= 1);
    }

    /// The rules whose bits are set.
    fn of(&mut self, fits: u64) -> impl Iterator<Item = &mut Rule> {
        self.rules
            .iter_mut()
            .enumerate()
            .filter(move |(place, _)| fits >> place & 1 == 1)
            .map(|(_, rule)| rule)
    }

    /// A line for each rule that failed, in the order typed, `--require` first.
    pub(super) fn failures(&self) -> Vec<String> {
        self.rules.iter().filter_map(Rule::failure).collect()
    }
}
