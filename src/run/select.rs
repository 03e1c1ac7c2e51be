//! Which records count: `--sni`, `--not-sni`, `--service`, `--dc`, `--peer`, `--client`, `--result`.
//!
//! A pattern is a glob over the whole text, whose `*` crosses dots, or a `/regular expression/` that may
//! match anywhere in it. Case never matters. Patterns meet the escaped form of a name
//! ([`Name::text`](crate::model::name::Name)), so a backslash in a glob is just a backslash, and other bytes
//! than printable ASCII are escaped in a glob before it is compiled.

use std::fmt::Write;
use std::net::IpAddr;

use globset::{GlobBuilder, GlobMatcher};
use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use crate::error::Error;
use crate::model::name::{Field, Name};
use crate::model::observation::{Observation, Outcome};

/// The filters as typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patterns<'a> {
    /// `--sni`.
    pub sni: &'a [String],
    /// `--not-sni`.
    pub not_sni: &'a [String],
    /// `--service`.
    pub service: &'a [String],
    /// `--dc`.
    pub dc: &'a [String],
    /// `--peer`.
    pub peer: &'a [String],
    /// `--client`: networks, or plain addresses.
    pub client: &'a [String],
    /// `--result`.
    pub result: &'a [Outcome],
}

/// The filters of one run; all that are set must hold, and of one kind any may.
#[derive(Clone, Debug, Default)]
pub struct Select {
    sni: Vec<Matcher>,
    not_sni: Vec<Matcher>,
    service: Vec<Matcher>,
    dc: Vec<Matcher>,
    peer: Vec<Matcher>,
    client: Vec<IpNet>,
    result: Vec<Outcome>,
}

impl Select {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// [`Error::Usage`] with the first bad pattern, its option and the reason.
    pub fn new(patterns: &Patterns<'_>) -> Result<Self, Error> {
        Ok(Self {
            sni: compile("--sni", patterns.sni)?,
            not_sni: compile("--not-sni", patterns.not_sni)?,
            service: compile("--service", patterns.service)?,
            dc: compile("--dc", patterns.dc)?,
            peer: compile("--peer", patterns.peer)?,
            client: patterns.client.iter().map(client).collect::<Result<_, _>>()?,
            result: patterns.result.to_vec(),
        })
    }

    /// True if every record counts.
    pub fn is_empty(&self) -> bool {
        let patterns = [&self.sni, &self.not_sni, &self.service, &self.dc, &self.peer];
        patterns.iter().all(|list| list.is_empty()) && self.client.is_empty() && self.result.is_empty()
    }

    /// True if the record counts. What a record does not have matches no filter, `--not-sni` included.
    pub fn matches(&self, record: &Observation) -> bool {
        self.accepts_name(record.name.as_deref())
            && self.accepts_client(record.flow.source_ip())
            && self.accepts_result(record)
    }

    /// True if the filters of names let this one through.
    pub fn accepts_name(&self, name: Option<&Name>) -> bool {
        let sni = name.and_then(Name::text);
        let label = |field| name.and_then(|name| name.field(field));
        accepts(&self.sni, sni)
            && !matches_any(&self.not_sni, sni)
            && accepts(&self.service, label(Field::Service))
            && accepts(&self.dc, label(Field::Datacenter))
            && accepts(&self.peer, label(Field::Peer))
    }

    /// True if the filters of clients let this one through.
    pub fn accepts_client(&self, client: IpAddr) -> bool {
        self.client.is_empty() || self.client.iter().any(|network| network.contains(&client))
    }

    fn accepts_result(&self, record: &Observation) -> bool {
        let result = record.handshake.as_ref().map(|handshake| handshake.result);
        self.result.is_empty() || result.is_some_and(|result| self.result.contains(&result))
    }
}

fn accepts(list: &[Matcher], text: Option<&str>) -> bool {
    list.is_empty() || matches_any(list, text)
}

fn matches_any(list: &[Matcher], text: Option<&str>) -> bool {
    text.is_some_and(|text| list.iter().any(|matcher| matcher.is_match(text)))
}

/// One compiled pattern.
#[derive(Clone, Debug)]
pub(super) enum Matcher {
    Glob(GlobMatcher),
    Regex(Regex),
}

impl Matcher {
    /// Compiles a pattern, or says what is wrong with it.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        if let Some(expression) = pattern.strip_prefix('/') {
            return Self::regex(expression);
        }
        // Names carry no trailing dot.
        let glob = pattern.strip_suffix('.').unwrap_or(pattern);
        if glob.is_empty() {
            return Err("empty pattern".to_string());
        }
        let glob = GlobBuilder::new(&escape(glob))
            .case_insensitive(true)
            .literal_separator(false)
            .backslash_escape(false)
            .build()
            .map_err(|error| error.kind().to_string())?;
        Ok(Self::Glob(glob.compile_matcher()))
    }

    fn regex(expression: &str) -> Result<Self, String> {
        match expression.strip_suffix('/') {
            None => Err("a regular expression ends with a slash".to_string()),
            Some("") => Err("empty pattern".to_string()),
            Some(text) => RegexBuilder::new(text)
                .case_insensitive(true)
                .build()
                .map(Self::Regex)
                .map_err(|error| error.to_string()),
        }
    }

    /// True if the pattern fits a text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.is_match(text),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Writes bytes outside printable ASCII as names do: `\xNN`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte == b' ' || byte.is_ascii_graphic() {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

fn compile(option: &str, patterns: &[String]) -> Result<Vec<Matcher>, Error> {
    let compiled = patterns.iter().map(|pattern| {
        Matcher::new(pattern).map_err(|reason| Error::Usage(format!("{option} '{pattern}': {reason}")))
    });
    compiled.collect()
}

/// Reads a network, or a plain address.
pub(super) fn network(text: &str) -> Result<IpNet, &'static str> {
    let bad = "not an address or a network such as 10.42.0.0/16";
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from).map_err(|_| bad))
}

fn client(text: &String) -> Result<IpNet, Error> {
    network(text).map_err(|reason| Error::Usage(format!("--client '{text}': {reason}")))
}

#[cfg(test)]
mod tests;
