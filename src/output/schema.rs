//! Which fields records can have: read out of `docs/schema/v1.json` itself, so that there is no second list.

use serde_json::Value;

/// The committed description of all records.
const SCHEMA: &str = include_str!("../../docs/schema/v1.json");

/// Where the schema's shared parts stand; a reference to one begins so.
const SHARED: &str = "#/$defs/";

/// The schema, read.
pub(super) struct Schema(Value);

impl Schema {
    /// Reads it; that it is well-formed is tested.
    pub(super) fn read() -> Self {
        Self(serde_json::from_str(SCHEMA).unwrap_or_default())
    }

    /// True if some record can have the member that `path` names: keys from the root, with dots between.
    pub(super) fn knows(&self, path: &str) -> bool {
        let records = self.0.get("oneOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        records.iter().any(|record| self.has(record, path))
    }

    fn has(&self, part: &Value, path: &str) -> bool {
        let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
        match self.resolved(part).get("properties").and_then(|members| members.get(key)) {
            Some(member) => rest.is_none_or(|rest| self.has(member, rest)),
            None => false,
        }
    }

    /// What a part that refers to a shared one stands for.
    fn resolved<'s>(&'s self, part: &'s Value) -> &'s Value {
        let name = part.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SHARED));
        name.and_then(|name| self.0.get("$defs")?.get(name)).unwrap_or(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_every_record_and_depth_are_known_and_others_are_not() {
        let schema = Schema::read();
        for path in [
            "@timestamp",
            "sni",
            "mesh",
            "mesh.service",
            "network.inner.vlan.id",
            "tls.client.ja4",
            "observer.ingress.interface.name",
            "capture.packet",
            "capture.dropped_by_kernel",
            "flows.evicted",
        ] {
            assert!(schema.knows(path), "{path}");
        }
        for path in [
            "",
            ".",
            "sn",
            "sni.",
            ".sni",
            "sni.x",
            "mesh.servce",
            "mesh..service",
            "$defs",
            "handshake.properties",
        ] {
            assert!(!schema.knows(path), "{path}");
        }
    }
}
