//! What a record says of its input, as JSON.

use crate::model::frame::Origin;
use crate::output::text::{Text, serialize};

/// What a record says of its input, as JSON: made once.
pub(super) struct RenderedOrigin {
    observer: Vec<u8>,
    node: Vec<u8>,
    /// Empty for an interface.
    file: Vec<u8>,
}

impl RenderedOrigin {
    /// The forms of one input.
    pub(super) fn new(origin: &Origin) -> Self {
        let (mut observer, mut node, mut file) = (Vec::new(), Vec::new(), Vec::new());
        serialize(&mut node, &origin.node);
        let mut t = Text(&mut observer);
        t.lit(",\"observer\":{\"hostname\":");
        t.raw(&node);
        if origin.live {
            t.lit(",\"ingress\":{\"interface\":{\"name\":");
            t.string(&origin.name);
            t.lit("}}");
        } else {
            serialize(&mut file, &origin.name);
        }
        t.lit("}");
        Self { observer, node, file }
    }

    /// The `observer` member, with a comma in front.
    pub(super) fn observer(&self) -> &[u8] {
        &self.observer
    }

    /// The file's name; empty for an interface.
    pub(super) fn file(&self) -> &[u8] {
        &self.file
    }

    /// True for a capture file.
    pub(super) fn is_file(&self) -> bool {
        !self.file.is_empty()
    }

    /// The `capture` member with a comma in front, for a packet of a file.
    pub(super) fn packet(&self, t: &mut Text<'_>, packet: u64) {
        if self.is_file() {
            t.lit(",\"capture\":{\"file\":");
            t.raw(&self.file);
            t.lit(",\"packet\":");
            t.number(packet);
            t.lit("}");
        }
    }

    /// The vantage point's name.
    pub(super) fn node(&self) -> &[u8] {
        &self.node
    }
}
