//! What a rule speaks of: comparisons with commas between, such as `service=currency,dc=dc2,count>=1`.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::mesh::{Cause, Role};
use crate::model::name::{Field, Name};
use crate::model::observation::{Observation, Outcome, Peer};
use crate::run::select::{Matcher, network};

/// What a key reads out of a record.
enum Read {
    /// A text, compared with a pattern as `--sni` takes it.
    Text(fn(&Observation) -> Option<&str>),
    /// A word out of a fixed list.
    Word(fn(&Observation) -> Option<&'static str>, fn() -> Vec<&'static str>),
    /// An address, compared with a network.
    Address(fn(&Observation) -> IpAddr),
    /// A port.
    Port(fn(&Observation) -> u16),
}

/// All keys but `count` and `legs`: name, and what is read.
const KEYS: [(&str, Read); 16] = [
    ("sni", Read::Text(|record| record.name.as_deref().and_then(Name::text))),
    ("service", Read::Text(|record| field(record, Field::Service))),
    ("subset", Read::Text(|record| field(record, Field::Subset))),
    ("namespace", Read::Text(|record| field(record, Field::Namespace))),
    ("partition", Read::Text(|record| field(record, Field::Partition))),
    ("dc", Read::Text(|record| field(record, Field::Datacenter))),
    ("peer", Read::Text(|record| field(record, Field::Peer))),
    ("kind", Read::Text(|record| record.name.as_deref().map(|name| name.kind))),
    ("protocol", Read::Text(|record| Some(record.protocol))),
    ("role", Read::Word(|record| record.role.map(Role::name), || Role::ALL.map(Role::name).to_vec())),
    ("result", Read::Word(result, || Outcome::ALL.map(Outcome::name).to_vec())),
    ("cause", Read::Word(cause, || Cause::ALL.map(Cause::name).to_vec())),
    ("by", Read::Word(by, || [Peer::Client, Peer::Server].map(Peer::name).to_vec())),
    ("client", Read::Address(|record| record.flow.source_ip())),
    ("server", Read::Address(|record| record.flow.destination_ip())),
    ("port", Read::Port(|record| record.flow.ports.1)),
];

fn field(record: &Observation, field: Field) -> Option<&str> {
    record.name.as_deref().and_then(|name| name.field(field))
}

fn result(record: &Observation) -> Option<&'static str> {
    record.handshake.as_ref().map(|handshake| handshake.result.name())
}

fn cause(record: &Observation) -> Option<&'static str> {
    record.handshake.as_ref().and_then(|handshake| handshake.cause).map(Cause::name)
}

fn by(record: &Observation) -> Option<&'static str> {
    record.handshake.as_ref().and_then(|handshake| handshake.by).map(Peer::name)
}

/// Comparisons by the longest sign first, so that `>=` is not read as `>`.
const SIGNS: [(&str, Sign); 6] = [
    (">=", Sign::AtLeast),
    ("<=", Sign::AtMost),
    ("!=", Sign::Other),
    ("=", Sign::Same),
    (">", Sign::Above),
    ("<", Sign::Below),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Same,
    Other,
    AtLeast,
    AtMost,
    Above,
    Below,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Connections, whatever the number of legs.
    Connections,
    /// Legs.
    Legs,
}

impl Unit {
    /// One of it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Connections => "connection",
            Self::Legs => "leg",
        }
    }
}

/// A number that is compared with what was found.
#[derive(Clone, Copy, Debug)]
struct Bound {
    unit: Unit,
    sign: Sign,
    number: u64,
}

/// A value that a record's is compared with.
#[derive(Debug)]
enum Value {
    Text(fn(&Observation) -> Option<&str>, Matcher),
    Word(fn(&Observation) -> Option<&'static str>, &'static str),
    Address(fn(&Observation) -> IpAddr, IpNet),
    Port(fn(&Observation) -> u16, u16),
}

/// One comparison with a record.
#[derive(Debug)]
struct Term {
    /// `!=`; what a record does not have is unequal to everything.
    other: bool,
    value: Value,
}

/// A whole expression: all comparisons must hold.
#[derive(Debug)]
pub(super) struct Expression {
    terms: Vec<Term>,
    /// At least one connection, where nothing was typed.
    bound: Bound,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with which word.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        let mut bound = None;
        let mut rest = text;
        loop {
            let (key, sign, value, after) = comparison(rest)?;
            if let Some(unit) = [Unit::Connections, Unit::Legs].into_iter().find(|unit| unit.key() == key) {
                let number = value.parse().map_err(|_| format!("'{value}' is no number"))?;
                if bound.replace(Bound { unit, sign, number }).is_some() {
                    return Err(format!("a second number, '{key}'"));
                }
            } else {
                terms.push(Term::new(key, sign, value)?);
            }
            match after {
                Some(after) => rest = after,
                None => break,
            }
        }
        let one = Bound { unit: Unit::Connections, sign: Sign::AtLeast, number: 1 };
        Ok(Self { terms, bound: bound.unwrap_or(one) })
    }

    /// True if a record is one of those that the rule speaks of.
    pub(super) fn fits(&self, record: &Observation) -> bool {
        self.terms.iter().all(|term| term.value.is_of(record) != term.other)
    }

    /// What is counted.
    pub(super) fn unit(&self) -> Unit {
        self.bound.unit
    }

    /// True if so many are as the rule says.
    pub(super) fn holds(&self, found: u64) -> bool {
        let number = self.bound.number;
        match self.bound.sign {
            Sign::Same => found == number,
            Sign::Other => found != number,
            Sign::AtLeast => found >= number,
            Sign::AtMost => found <= number,
            Sign::Above => found > number,
            Sign::Below => found < number,
        }
    }
}

impl Unit {
    fn key(self) -> &'static str {
        match self {
            Self::Connections => "count",
            Self::Legs => "legs",
        }
    }
}

/// The comparison at the front of `text`: key, sign, value, and what follows its comma.
fn comparison(text: &str) -> Result<(&str, Sign, &str, Option<&str>), String> {
    let end = text.find(|c| "=!<>,".contains(c)).unwrap_or(text.len());
    let (key, behind) = text.split_at_checked(end).unwrap_or((text, ""));
    let found = SIGNS.iter().find_map(|(sign, which)| behind.strip_prefix(sign).map(|value| (*which, value)));
    let Some((sign, rest)) = found else {
        let word = text.split(',').next().unwrap_or(text);
        return Err(format!("'{word}' is no comparison such as service=currency or count>=1"));
    };
    let end = value_end(rest);
    let (value, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if value.is_empty() {
        return Err(format!("'{key}' is compared with nothing"));
    }
    Ok((key.trim(), sign, value.trim(), after.strip_prefix(',')))
}

/// Where a value ends: at a comma, but in a regular expression at the comma behind its last slash.
fn value_end(text: &str) -> usize {
    match text.strip_prefix('/').and_then(|expression| expression.find("/,")) {
        Some(slash) => slash + 2,
        None if text.starts_with('/') => text.len(),
        None => text.find(',').unwrap_or(text.len()),
    }
}

impl Term {
    fn new(key: &str, sign: Sign, value: &str) -> Result<Self, String> {
        let Some((_, read)) = KEYS.iter().find(|(name, _)| *name == key) else {
            let keys: Vec<&str> = KEYS.iter().map(|(name, _)| *name).collect();
            return Err(format!("no such key '{key}': use one of {}, count, legs", keys.join(", ")));
        };
        let other = match sign {
            Sign::Same => false,
            Sign::Other => true,
            _ => return Err(format!("'{key}' takes = or !=")),
        };
        Ok(Self { other, value: Value::new(read, value)? })
    }
}

impl Value {
    fn new(read: &Read, text: &str) -> Result<Self, String> {
        match read {
            Read::Text(get) => {
                let pattern = Matcher::new(text).map_err(|reason| format!("'{text}': {reason}"))?;
                Ok(Self::Text(*get, pattern))
            }
            Read::Word(get, words) => match words().into_iter().find(|word| *word == text) {
                Some(word) => Ok(Self::Word(*get, word)),
                None => Err(format!("'{text}' is none of {}", words().join(", "))),
            },
            Read::Address(get) => {
                Ok(Self::Address(*get, network(text).map_err(|why| format!("'{text}': {why}"))?))
            }
            Read::Port(get) => {
                let port = text.parse().map_err(|_| format!("'{text}' is no port"))?;
                Ok(Self::Port(*get, port))
            }
        }
    }

    fn is_of(&self, record: &Observation) -> bool {
        match self {
            Self::Text(get, pattern) => get(record).is_some_and(|text| pattern.is_match(text)),
            Self::Word(get, word) => get(record) == Some(word),
            Self::Address(get, network) => network.contains(&get(record)),
            Self::Port(get, port) => get(record) == *port,
        }
    }
}

#[cfg(test)]
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(name, _)| *name)
}
