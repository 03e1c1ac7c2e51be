//! Writes a JSON object straight into a byte buffer: no tree, no allocation.
//!
//! Keys are literals of this program and need no escaping; values go through serde, which escapes them.
//! A nested object that stays empty leaves no trace.

use std::fmt;

use serde::Serialize;

/// An object being written.
pub(super) struct Object<'b> {
    out: &'b mut Vec<u8>,
    empty: bool,
}

impl<'b> Object<'b> {
    /// Writes one object, filled by `fill`.
    pub(super) fn write(out: &'b mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        let mut object = Object { out, empty: true };
        object.out.push(b'{');
        fill(&mut object);
        object.out.push(b'}');
    }

    /// A nested object; nothing where `fill` adds nothing.
    pub(super) fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        let (before, was_empty) = (self.out.len(), self.empty);
        self.key(key);
        self.out.push(b'{');
        let mut inner = Object { out: self.out, empty: true };
        fill(&mut inner);
        if inner.empty {
            self.out.truncate(before);
            self.empty = was_empty;
        } else {
            self.out.push(b'}');
        }
    }

    /// Any value that serde knows.
    #[inline]
    pub(super) fn value<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) {
        self.key(key);
        serialize(self.out, value);
    }

    /// A word of this program or of its tables: it has nothing to escape.
    #[inline]
    pub(super) fn word(&mut self, key: &'static str, word: &'static str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }

    /// A value that may be absent.
    pub(super) fn optional<T: Serialize>(&mut self, key: &'static str, value: Option<T>) {
        if let Some(value) = value {
            self.value(key, &value);
        }
    }

    /// A member that is there only where it is true.
    pub(super) fn flag(&mut self, key: &'static str, value: bool) {
        if value {
            self.value(key, &true);
        }
    }

    /// A string made by `Display`.
    pub(super) fn display(&mut self, key: &'static str, value: &dyn fmt::Display) {
        self.value(key, &format_args!("{value}"));
    }

    /// Text that is JSON already: a number, or a literal of this program.
    #[inline]
    pub(super) fn raw(&mut self, key: &'static str, fill: impl FnOnce(&mut Vec<u8>)) {
        self.key(key);
        fill(self.out);
    }

    /// The members of an object that is JSON already and has at least one, into this one while it is empty.
    pub(super) fn rendered_members(&mut self, object: &[u8]) {
        let [b'{', members @ .., b'}'] = object else { return };
        self.out.extend_from_slice(members);
        self.empty = false;
    }

    #[expect(clippy::inline_always, reason = "a literal of known length is a few moves, not a call to copy")]
    #[inline(always)]
    fn key(&mut self, key: &'static str) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// Appends any value that serde knows.
pub(super) fn serialize<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let before = out.len();
    // Neither a buffer in memory nor these values can fail; a document stays whole even so.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

/// Appends `number` with exactly `width` digits (its last ones), zeros in front.
pub(super) fn digits(out: &mut Vec<u8>, mut number: u32, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for place in out.iter_mut().skip(start).rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Appends nanoseconds as a number of milliseconds, exact, without trailing zeros.
pub(super) fn millis(out: &mut Vec<u8>, nanos: u64) {
    serialize(out, &(nanos / 1_000_000));
    let rest = u32::try_from(nanos % 1_000_000).unwrap_or(0);
    if rest != 0 {
        out.push(b'.');
        digits(out, rest, 6);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(fill: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = Vec::new();
        Object::write(&mut out, fill);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_are_separated_and_empty_objects_vanish() {
        let written = text(|o| {
            o.object("nothing", |inner| inner.object("deeper", |_| ()));
            o.value("a", "quote\" \\x1b");
            o.object("b", |b| {
                b.optional("c", Some(1_u8));
                b.optional("d", None::<u8>);
                b.object("e", |_| ());
                b.flag("f", true);
                b.flag("g", false);
            });
            o.display("h", &format_args!("{}\\", 7));
        });
        assert_eq!(written, r#"{"a":"quote\" \\x1b","b":{"c":1,"f":true},"h":"7\\"}"#);
    }

    #[test]
    fn rendered_members_and_more_stand_in_one_object() {
        let written = text(|o| {
            o.object("m", |m| {
                m.rendered_members(br#"{"x":1,"y":2}"#);
                m.value("z", &3);
            });
        });
        assert_eq!(written, r#"{"m":{"x":1,"y":2,"z":3}}"#);
    }

    #[test]
    fn milliseconds_are_exact() {
        let number = |nanos| {
            let mut out = Vec::new();
            millis(&mut out, nanos);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(number(612_000), "0.612");
        assert_eq!(number(10_000_000_000), "10000");
        assert_eq!(number(1), "0.000001");
        assert_eq!(number(4_600_100), "4.6001");
        assert_eq!(number(0), "0");
        assert_eq!(number(u64::MAX), "18446744073709.551615");
    }
}
