//! Chosen fields of a record: `-e`, by their path in the JSON that the record would be.
//!
//! The value is taken out of that JSON, so that a column and the field of its name never differ.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::output::schema::Schema;

/// The columns where the user chooses none.
pub const DEFAULT: [&str; 10] = [
    "network.transport",
    "source.ip",
    "source.port",
    "destination.ip",
    "destination.port",
    "sni",
    "mesh.service",
    "mesh.datacenter",
    "handshake.result",
    "handshake.latency_ms",
];

/// Checks fields that were typed.
///
/// # Errors
/// [`Error::Usage`] with the first one that no record can have.
pub fn check(typed: &[String]) -> Result<(), Error> {
    if typed.is_empty() {
        return Ok(());
    }
    let schema = Schema::read();
    match typed.iter().find(|path| !schema.knows(path)) {
        Some(path) => {
            Err(Error::Usage(format!("-e {path}: no such field; docs/schema/v1.json describes them all")))
        }
        None => Ok(()),
    }
}

/// Chosen fields, in the order of their columns.
pub(super) struct Fields {
    paths: Vec<String>,
    root: Node,
}

/// What is wanted of a member: its own value, and members of it.
#[derive(Default)]
struct Node {
    columns: Vec<usize>,
    members: Vec<(String, Node)>,
}

impl Fields {
    /// These fields, or the default ones where there are none.
    pub(super) fn new(typed: &[String]) -> Self {
        let paths: Vec<String> =
            if typed.is_empty() { DEFAULT.map(str::to_owned).to_vec() } else { typed.to_vec() };
        let mut root = Node::default();
        for (column, path) in paths.iter().enumerate() {
            root.want(path, column);
        }
        Self { paths, root }
    }

    /// Their names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Gives the text of each column of the record `json`, in order; a field that is null or not there is
    /// empty.
    pub(super) fn of(&self, json: &str, mut give: impl FnMut(&str)) {
        let mut values = vec!["null"; self.paths.len()];
        self.root.pick(json, &mut values);
        for value in values {
            give(&text(value));
        }
    }
}

impl Node {
    fn want(&mut self, path: &str, column: usize) {
        let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
        let at = self.members.iter().position(|(name, _)| name == key).unwrap_or(self.members.len());
        if at == self.members.len() {
            self.members.push((key.to_owned(), Self::default()));
        }
        let Some((_, member)) = self.members.get_mut(at) else { return };
        match rest {
            Some(rest) => member.want(rest, column),
            None => member.columns.push(column),
        }
    }

    /// Notes the JSON of each wanted member; what is no object has none.
    fn pick<'j>(&self, json: &'j str, values: &mut [&'j str]) {
        let object = Members { node: self, values };
        // What could not be read stays empty; the program's own records can be.
        drop(serde_json::Deserializer::from_str(json).deserialize_map(object));
    }
}

/// Walks the members of an object.
struct Members<'n, 'v, 'j> {
    node: &'n Node,
    values: &'v mut [&'j str],
}

impl<'j> Visitor<'j> for Members<'_, '_, 'j> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some((key, value)) = members.next_entry::<&str, &RawValue>()? {
            let Some((_, wanted)) = self.node.members.iter().find(|(name, _)| name == key) else { continue };
            for column in &wanted.columns {
                if let Some(place) = self.values.get_mut(*column) {
                    *place = value.get();
                }
            }
            if !wanted.members.is_empty() {
                wanted.pick(value.get(), self.values);
            }
        }
        Ok(())
    }
}

/// A value as a cell: a string without its quotes, a list with commas between, nothing for null; numbers
/// and objects as they stand.
fn text(json: &str) -> Cow<'_, str> {
    match json.as_bytes() {
        [b'"', .., b'"'] if !json.contains('\\') => Cow::Borrowed(json.trim_matches('"')),
        [b'"', ..] => Cow::Owned(serde_json::from_str(json).unwrap_or_default()),
        b"null" => Cow::Borrowed(""),
        [b'[', ..] => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            let texts: Vec<_> = items.iter().map(|item| text(item.get())).collect();
            Cow::Owned(texts.join(","))
        }
        _ => Cow::Borrowed(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str, paths: &[&str]) -> Vec<String> {
        let typed: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let mut cells = Vec::new();
        Fields::new(&typed).of(json, |cell| cells.push(cell.to_owned()));
        cells
    }

    #[test]
    fn values_are_found_at_every_depth_and_as_written() {
        let json = r#"{"ts":1791541867.400000,"sni":null,"a":{"b":{"c":"x\ty\\z\"\u00e9"},"d":[]},"list":["h2","http/1.1",3],"yes":true,"s":""}"#;
        for (path, expected) in [
            ("ts", "1791541867.400000"),
            ("sni", ""),
            ("a.b.c", "x\ty\\z\"é"),
            ("a.d", ""),
            ("list", "h2,http/1.1,3"),
            ("yes", "true"),
            ("s", ""),
            ("absent", ""),
            ("a.absent.c", ""),
            ("ts.a", ""),
            ("a.b", r#"{"c":"x\ty\\z\"\u00e9"}"#),
        ] {
            assert_eq!(of(json, &[path]), [expected], "{path}");
        }
        assert_eq!(of(json, &["yes", "a.b", "a.b.c", "yes"])[2..], ["x\ty\\z\"é", "true"]);
    }

    #[test]
    fn what_is_no_record_has_no_values() {
        for json in ["", "{", "[]", "7", "{\"sni\":"] {
            assert_eq!(of(json, &["sni"]), [""], "{json}");
        }
    }

    #[test]
    fn an_unknown_field_is_named() {
        let typed = ["sni".to_owned(), "mesh.servce".to_owned(), "nor.this".to_owned()];
        let error = check(&typed).unwrap_err().to_string();
        assert_eq!(error, "-e mesh.servce: no such field; docs/schema/v1.json describes them all");
        check(&DEFAULT.map(str::to_owned)).unwrap();
        check(&[]).unwrap();
    }
}
