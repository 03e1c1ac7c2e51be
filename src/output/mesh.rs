//! The `mesh` object: what a name means.

use crate::model::name::{Field, Flag, Name};
use crate::output::text::Text;

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
    field(t, ",\"service\":", name.field(Field::Service));
    field(t, ",\"subset\":", name.field(Field::Subset));
    field(t, ",\"namespace\":", name.field(Field::Namespace));
    field(t, ",\"partition\":", name.field(Field::Partition));
    field(t, ",\"datacenter\":", name.field(Field::Datacenter));
    field(t, ",\"peer\":", name.field(Field::Peer));
    field(t, ",\"trust_domain\":", name.field(Field::TrustDomain));
    if !name.flags.is_empty() {
        t.lit(",\"flags\":[");
        for (place, flag) in name.flags.iter().map(Flag::name).enumerate() {
            t.lit(if place > 0 { "," } else { "" });
            t.word(flag);
        }
        t.lit("]");
    }
}

#[inline]
fn field(t: &mut Text<'_>, key: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        t.lit(key);
        t.escaped(value);
    }
}
