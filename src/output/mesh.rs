//! The `mesh` object: what a name means.

use crate::model::name::{Field, Flag, Name};
use crate::output::text::{Text, is_clean};

/// The object that a record with this name carries, as one line of JSON.
pub fn line(name: &Name) -> Vec<u8> {
    let mut out = Vec::new();
    let mut text = Text::new(&mut out);
    members(&mut text, name);
    text.lit("}\n");
    out
}

/// The object without its closing brace.
pub(super) fn members(t: &mut Text<'_>, name: &Name) {
    t.lit("{\"kind\":\"");
    t.raw(name.kind.as_bytes());
    t.lit("\",\"scheme\":\"");
    t.raw(name.scheme.as_bytes());
    t.lit("\"");
    let clean = name.text().is_none_or(is_clean);
    let mut field = |key, which| {
        if let Some(value) = name.field(which) {
            t.lit(key);
            if clean { t.clean(value) } else { t.escaped(value) }
        }
    };
    field(",\"service\":", Field::Service);
    field(",\"subset\":", Field::Subset);
    field(",\"namespace\":", Field::Namespace);
    field(",\"partition\":", Field::Partition);
    field(",\"datacenter\":", Field::Datacenter);
    field(",\"peer\":", Field::Peer);
    field(",\"trust_domain\":", Field::TrustDomain);
    if !name.flags.is_empty() {
        t.lit(",\"flags\":[");
        for (place, flag) in name.flags.iter().map(Flag::name).enumerate() {
            t.lit(if place > 0 { "," } else { "" });
            t.word(flag);
        }
        t.lit("]");
    }
}
