//! The `mesh` object by itself, for `explain --json`.

use crate::model::name::Target;

/// The object that a record with this target carries, as one line of JSON.
pub fn line(target: &Target) -> Vec<u8> {
    let mut text = serde_json::to_vec(target).unwrap_or_default();
    text.push(b'\n');
    text
}
