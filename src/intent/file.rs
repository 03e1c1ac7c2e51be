//! Which of the three kinds a file is, decided by its content.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::Value;

use crate::error::Error;
use crate::intent::fields::{Problem, what};
use crate::intent::resolver::Resolver;
use crate::intent::target::Intent;
use crate::intent::{chain, dump, outline};

/// Largest file in bytes: a dump of a proxy with thousands of upstreams.
const MAX_BYTES: u64 = 128 << 20;

/// Largest file in HCL in bytes: entries are written by hand.
const MAX_HCL: usize = 64 << 10;

/// What was due.
const DUE: &str = "a service-resolver, a /v1/discovery-chain answer or an Envoy /config_dump is due";

/// What a file says.
#[derive(Debug)]
pub(super) enum Read {
    /// Service-resolvers, which are understood together.
    Resolvers(Vec<Resolver>),
    /// Names by service.
    Intents(Vec<Intent>),
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Read, Error> {
    let failed =
        |source: io::Error| Error::Io { action: "cannot read --expect", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(refused(path, &format!("larger than {} MiB", MAX_BYTES >> 20)));
    }
    understand(&path.to_string_lossy(), &bytes).map_err(|problem| refused(path, &problem))
}

/// Says which file means nothing, and why.
pub(super) fn refused(path: &Path, problem: &str) -> Error {
    Error::Usage(format!("--expect {}: {problem}", path.display()))
}

/// Reads the content of a file. `name` is what it is called later.
pub(super) fn understand(name: &str, bytes: &[u8]) -> Result<Read, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("not text; {DUE}"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii();
    let value = match text.bytes().next() {
        None => return Err(format!("empty; {DUE}")),
        Some(b'{' | b'[') => json(text)?,
        Some(_) => hcl(text)?,
    };
    match &value {
        Value::Array(list) if list.is_empty() => Err(format!("an empty list; {DUE}")),
        Value::Array(list) => list.iter().map(Resolver::read).collect::<Result<_, _>>().map(Read::Resolvers),
        Value::Object(map) if map.contains_key(dump::ROOT) => dump::read(name, &value).map(Read::Intents),
        Value::Object(map) if map.contains_key(chain::ROOT) => {
            chain::read(name, &value).map(|intent| Read::Intents(vec![intent]))
        }
        Value::Object(map) if map.keys().any(|key| key.eq_ignore_ascii_case("kind")) => {
            Resolver::read(&value).map(|entry| Read::Resolvers(vec![entry]))
        }
        Value::Object(map) => Err(format!("an object {}; {DUE}", members(map))),
        other => Err(format!("{}; {DUE}", what(other))),
    }
}

/// Names the first members of an object that is none of ours.
fn members(map: &serde_json::Map<String, Value>) -> String {
    let short = |key: &String| key.chars().take(40).collect::<String>().escape_debug().to_string();
    let keys: Vec<String> = map.keys().take(3).map(short).collect();
    match map.len() {
        0 => "without members".to_owned(),
        len if len > keys.len() => format!("with {} and others", keys.join(", ")),
        _ => format!("with {}", keys.join(", ")),
    }
}

fn json(text: &str) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))
}

/// Consul's own reader knows an older HCL: what entries are written in is the same in both.
fn hcl(text: &str) -> Result<Value, Problem> {
    let neither = |reason: &str| format!("neither JSON nor HCL: {reason}; {DUE}");
    if text.len() > MAX_HCL {
        return Err(neither(&format!("more than {} KiB", MAX_HCL >> 10)));
    }
    outline::check(text).map_err(|problem| neither(&problem))?;
    hcl::from_str(text).map_err(|error| match &error {
        hcl::Error::Parse(error) => {
            let (at, words) = (error.location(), error.message().trim().replace('\n', ", "));
            neither(&format!("line {}, column {}: {}", at.line(), at.column(), words.escape_debug()))
        }
        other => neither(&other.to_string().escape_debug().to_string()),
    })
}
