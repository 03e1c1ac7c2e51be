//! Members of a configuration: by name whatever its case, or an account of what stands there instead.

use serde_json::{Map, Value};

/// What is wrong with a file, to stand behind its name.
pub(super) type Problem = String;

/// An object, and the way to it from the root.
#[derive(Clone)]
pub(super) struct Fields<'v> {
    map: &'v Map<String, Value>,
    path: String,
}

impl<'v> Fields<'v> {
    /// The object that a value is. `path` is what leads to it, for messages.
    pub(super) fn of(value: &'v Value, path: impl Into<String>) -> Result<Self, Problem> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self { map, path }),
            // a block in HCL is a list of one object to some writers of JSON
            Value::Array(list) => match list.as_slice() {
                [Value::Object(map)] => Ok(Self { map, path }),
                _ => Err(wrong(&path, "an object", value)),
            },
            _ => Err(wrong(&path, "an object", value)),
        }
    }

    /// Consul reads `ServiceSubset`, `service_subset` and `servicesubset` alike.
    fn get(&self, name: &str) -> Option<&'v Value> {
        let plain = |key: &str| {
            let letters = key.bytes().filter(|byte| *byte != b'_');
            letters
                .map(|byte| byte.to_ascii_lowercase())
                .eq(name.bytes().map(|byte| byte.to_ascii_lowercase()))
        };
        let found = self
            .map
            .get(name)
            .or_else(|| self.map.iter().find(|(key, _)| plain(key)).map(|(_, value)| value));
        found.filter(|value| !value.is_null())
    }

    fn path_to(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A text, lower-cased; empty where there is none.
    pub(super) fn text(&self, name: &str) -> Result<Box<str>, Problem> {
        match self.get(name) {
            None => Ok("".into()),
            Some(Value::String(text)) => Ok(text.to_lowercase().into()),
            Some(other) => Err(wrong(&self.path_to(name), "a text", other)),
        }
    }

    /// A text, lower-cased, or `other` where there is none.
    pub(super) fn text_or(&self, name: &str, other: &str) -> Result<Box<str>, Problem> {
        let text = self.text(name)?;
        Ok(if text.is_empty() { other.into() } else { text })
    }

    /// A list of texts, lower-cased; empty where there is none.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<Box<str>>, Problem> {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.to_lowercase().into()),
            other => Err(wrong(&self.path_to(name), "a list of texts", other)),
        };
        self.list(name)?.iter().map(text).collect()
    }

    /// A list; empty where there is none.
    pub(super) fn list(&self, name: &str) -> Result<&'v [Value], Problem> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(list)) => Ok(list),
            Some(other) => Err(wrong(&self.path_to(name), "a list", other)),
        }
    }

    /// The objects of a list.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, Problem> {
        self.list(name)?.iter().map(|value| Self::of(value, self.path_to(name))).collect()
    }

    /// An object, where there is one.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Problem> {
        self.get(name).map(|value| Self::of(value, self.path_to(name))).transpose()
    }

    /// The members of an object, each of which is an object; none where there is no such object.
    pub(super) fn members(&self, name: &str) -> Result<Vec<(&'v str, Self)>, Problem> {
        let Some(object) = self.object(name)? else { return Ok(Vec::new()) };
        let member =
            |(key, value): (&'v String, &'v Value)| Ok((key.as_str(), Self::of(value, object.path_to(key))?));
        object.map.iter().map(member).collect()
    }
}

/// `PATH: a text is due, a number stands there`.
fn wrong(path: &str, due: &str, found: &Value) -> Problem {
    let path = if path.is_empty() { String::new() } else { format!("{}: ", path.escape_debug()) };
    format!("{path}{due} is due, {} stands there", what(found))
}

/// What a value is.
pub(super) fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
