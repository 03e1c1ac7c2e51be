//! The contract of a naming scheme: it splits a name into parts that have a meaning.
//!
//! A scheme says once what each part is; the `mesh` object of a record ([`Reading::into_target`]) and the
//! words of `explain` both come from that, so that they cannot disagree.

use crate::model::name::Target;

/// A grammar of server names.
pub trait Scheme: Send + Sync {
    /// Name in `mesh.scheme`, unique in the table.
    fn name(&self) -> &'static str;

    /// What it is, in one short line, for `--help` and the documentation.
    fn help(&self) -> &'static str;

    /// Splits `name`: lower-cased, without a trailing dot, no empty label, at most 255 bytes before bytes
    /// outside printable ASCII became `\xNN`. `None`: not a name of this scheme.
    fn read<'n>(&self, name: &'n str) -> Option<Reading<'n>>;

    /// What [`Scheme::read`] found, as a record carries it.
    fn parse(&self, name: &str) -> Option<Target> {
        self.read(name).map(|reading| reading.into_target(self.name()))
    }
}

/// The fields of [`Target`] that a part of a name can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// [`Target::service`].
    Service,
    /// [`Target::subset`].
    Subset,
    /// [`Target::namespace`].
    Namespace,
    /// [`Target::partition`].
    Partition,
    /// [`Target::datacenter`].
    Datacenter,
    /// [`Target::peer`].
    Peer,
    /// [`Target::trust_domain`].
    TrustDomain,
}

/// A piece of a name, one label or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'n> {
    /// The piece as it stands in the name; empty where the name only implies the value.
    pub label: &'n str,
    /// What it says of the target: the field and its value.
    pub value: Option<(Field, &'n str)>,
    /// What it means, in words.
    pub meaning: &'static str,
}

/// What a scheme reads in a name: its parts from left to right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading<'n> {
    /// [`Target::kind`].
    pub kind: &'static str,
    /// The parts in the order of the name.
    pub parts: Vec<Part<'n>>,
    /// What the scheme finds odd about the name: [`Target::flags`].
    pub flags: Vec<&'static str>,
}

impl<'n> Reading<'n> {
    /// A reading without parts.
    pub fn new(kind: &'static str) -> Self {
        Self { kind, parts: Vec::with_capacity(8), flags: Vec::new() }
    }

    /// Adds a piece whose text is the field's value. An empty piece is left out.
    #[must_use]
    pub fn field(self, field: Field, label: &'n str, meaning: &'static str) -> Self {
        if label.is_empty() { self } else { self.valued(label, field, label, meaning) }
    }

    /// Adds a piece that carries the field's value among other characters.
    #[must_use]
    pub fn valued(mut self, label: &'n str, field: Field, value: &'n str, meaning: &'static str) -> Self {
        self.parts.push(Part { label, value: Some((field, value)), meaning });
        self
    }

    /// Adds a value that follows from the form of the name without standing in it.
    #[must_use]
    pub fn implied(self, field: Field, value: &'static str) -> Self {
        self.valued("", field, value, "")
    }

    /// Adds a piece that fills no field. An empty piece is left out.
    #[must_use]
    pub fn mark(mut self, label: &'n str, meaning: &'static str) -> Self {
        if !label.is_empty() {
            self.parts.push(Part { label, value: None, meaning });
        }
        self
    }

    /// Adds `flag` if `odd`.
    #[must_use]
    pub fn flag_if(mut self, odd: bool, flag: &'static str) -> Self {
        if odd {
            self.flags.push(flag);
        }
        self
    }

    /// The record's form. Empty values are absent ones.
    pub fn into_target(self, scheme: &'static str) -> Target {
        let mut target = Target { kind: self.kind, scheme, flags: self.flags, ..Target::default() };
        for (field, value) in self.parts.iter().filter_map(|part| part.value) {
            set(&mut target, field, value);
        }
        target
    }
}

/// Fills one field; an empty value leaves it as it is.
pub fn set(target: &mut Target, field: Field, value: &str) {
    if value.is_empty() {
        return;
    }
    let slot = match field {
        Field::Service => &mut target.service,
        Field::Subset => &mut target.subset,
        Field::Namespace => &mut target.namespace,
        Field::Partition => &mut target.partition,
        Field::Datacenter => &mut target.datacenter,
        Field::Peer => &mut target.peer,
        Field::TrustDomain => &mut target.trust_domain,
    };
    *slot = Some(value.into());
}
