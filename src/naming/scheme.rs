//! The contract of a naming scheme: it splits a name into parts that have a meaning.
//!
//! A scheme says once what each part is, to whatever [`Reading`] listens: [`Fields`] keeps what a record's
//! `mesh` object carries, [`Parts`] the words of `explain`. So the two cannot disagree, and a record costs no
//! list of parts.

use crate::model::name::{Flag, Flags, Values};

pub use crate::model::name::Field;

/// A grammar of server names.
pub trait Scheme: Send + Sync {
    /// Name in `mesh.scheme`, unique in the table.
    fn name(&self) -> &'static str;

    /// What it is, in one short line, for `--help` and the documentation.
    fn help(&self) -> &'static str;

    /// Splits `name`: lower-cased, without a trailing dot, no empty label, at most 255 bytes before bytes
    /// outside printable ASCII became `\xNN`. `None`: not a name of this scheme.
    fn fields<'n>(&self, name: &'n str) -> Option<Fields<'n>>;

    /// The same, with every part and what it means.
    fn parts<'n>(&self, name: &'n str) -> Option<Parts<'n>>;
}

/// Listens to a scheme as it goes through a name from left to right.
pub trait Reading<'n>: Sized {
    /// Nothing read yet of a name of this kind: `mesh.kind`.
    fn new(kind: &'static str) -> Self;

    /// Takes a piece of the name, one label or several: what it says of the target, and what it means.
    #[must_use]
    fn part(self, label: &'n str, value: Option<(Field, &'n str)>, meaning: &'static str) -> Self;

    /// A field whose value follows from the form of the name without standing in it: always
    /// [`crate::model::name::IMPLIED`].
    #[must_use]
    fn implied(self, field: Field) -> Self;

    /// Adds `flag` if `odd`.
    #[must_use]
    fn flag_if(self, odd: bool, flag: Flag) -> Self;

    /// Adds a piece whose text is the field's value. An empty piece is left out.
    #[must_use]
    #[inline]
    fn field(self, field: Field, label: &'n str, meaning: &'static str) -> Self {
        if label.is_empty() { self } else { self.valued(label, field, label, meaning) }
    }

    /// Adds a piece that carries the field's value among other characters.
    #[must_use]
    #[inline]
    fn valued(self, label: &'n str, field: Field, value: &'n str, meaning: &'static str) -> Self {
        self.part(label, Some((field, value)), meaning)
    }

    /// Adds a piece that fills no field. An empty piece is left out.
    #[must_use]
    #[inline]
    fn mark(self, label: &'n str, meaning: &'static str) -> Self {
        if label.is_empty() { self } else { self.part(label, None, meaning) }
    }
}

/// What a record carries of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'n> {
    /// `mesh.kind`.
    pub kind: &'static str,
    /// What the scheme finds odd about the name.
    pub flags: Flags,
    values: [&'n str; Field::COUNT],
    implied: Option<Field>,
}

impl<'n> Fields<'n> {
    /// The value of one field: empty where the name has none, and where it is only implied.
    pub fn value(&self, field: Field) -> &'n str {
        self.values.get(field as usize).copied().unwrap_or_default()
    }

    /// Where the values stand in `text`, which is what was read.
    pub fn places(&self, text: &'n str) -> Values {
        let mut values = Values::default();
        for (field, value) in Field::ALL.into_iter().zip(self.values) {
            values.set_piece(field, text, value);
        }
        if let Some(field) = self.implied {
            values.imply(field);
        }
        values
    }
}

impl<'n> Reading<'n> for Fields<'n> {
    #[inline]
    fn new(kind: &'static str) -> Self {
        Self { kind, flags: Flags::default(), values: [""; Field::COUNT], implied: None }
    }

    #[inline]
    fn part(mut self, _label: &'n str, value: Option<(Field, &'n str)>, _meaning: &'static str) -> Self {
        if let Some((field, value)) = value
            && let Some(slot) = self.values.get_mut(field as usize)
        {
            *slot = value;
        }
        self
    }

    #[inline]
    fn implied(mut self, field: Field) -> Self {
        self.implied = Some(field);
        self
    }

    #[inline]
    fn flag_if(mut self, odd: bool, flag: Flag) -> Self {
        self.flags.set_if(odd, flag);
        self
    }
}

/// A piece of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'n> {
    /// The piece as it stands in the name.
    pub label: &'n str,
    /// What it means, in words.
    pub meaning: &'static str,
}

/// What `explain` says of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts<'n>(pub Vec<Part<'n>>);

impl<'n> Reading<'n> for Parts<'n> {
    fn new(_kind: &'static str) -> Self {
        Self(Vec::new())
    }

    fn part(mut self, label: &'n str, _value: Option<(Field, &'n str)>, meaning: &'static str) -> Self {
        self.0.push(Part { label, meaning });
        self
    }

    fn implied(self, _field: Field) -> Self {
        self
    }

    fn flag_if(self, _odd: bool, _flag: Flag) -> Self {
        self
    }
}
