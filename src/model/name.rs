//! A server name and what it means to the mesh: pieces of one text, found once.

mod flags;

pub use self::flags::{Flag, Flags};

/// A field of the `mesh` object that a piece of a name can fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Service, or what stands in its place (see SNI-FORMATS: a node, a service account, an identity).
    Service,
    /// Service-resolver subset, version or section.
    Subset,
    /// Namespace.
    Namespace,
    /// Admin partition.
    Partition,
    /// The datacenter that the name reaches, region or zone.
    Datacenter,
    /// Cluster peer, as the exporting cluster calls it.
    Peer,
    /// Trust domain.
    TrustDomain,
}

impl Field {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All fields, in the order of the `mesh` object.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Service,
        Self::Subset,
        Self::Namespace,
        Self::Partition,
        Self::Datacenter,
        Self::Peer,
        Self::TrustDomain,
    ];

    /// The key in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Subset => "subset",
            Self::Namespace => "namespace",
            Self::Partition => "partition",
            Self::Datacenter => "datacenter",
            Self::Peer => "peer",
            Self::TrustDomain => "trust_domain",
        }
    }
}

/// Where a field's value stands in the name's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    begin: u16,
    end: u16,
}

/// A value that the form of a name implies without writing it: Consul's default partition.
pub const IMPLIED: &str = "default";

/// The span of [`IMPLIED`], which no text has.
const IMPLIED_SPAN: Span = Span { begin: u16::MAX, end: u16::MAX };

/// The scheme of a name that nobody has read yet.
const UNREAD: &str = "";

/// A server name, decoded once.
///
/// Every text has bytes outside printable ASCII, and the backslash, as `\xNN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// What the name names, such as `consul-service`; `other` where no scheme knows it.
    pub kind: &'static str,
    /// The scheme that recognised it: a name in the schemes table.
    pub scheme: &'static str,
    /// What is odd about it.
    pub flags: Flags,
    spans: [Span; Field::COUNT],
    text: Option<Box<str>>,
    /// `None` where it is the same as `text`.
    wire: Option<Box<str>>,
}

impl Name {
    /// A hello's name that is none: absent, empty, malformed.
    pub fn none(kind: &'static str, scheme: &'static str, flags: Flags) -> Self {
        Self { kind, scheme, flags, spans: [Span::default(); Field::COUNT], text: None, wire: None }
    }

    /// A name of no meaning yet: `text` lower-cased and without a trailing dot, for grouping; `wire` with its
    /// case and dot, `None` where that is the same.
    pub fn new(text: Box<str>, wire: Option<Box<str>>) -> Self {
        Self { text: Some(text), wire, ..Self::none("other", "plain", Flags::default()) }
    }

    /// A name as it stands in the hello, of which somebody else is to work out everything but that it is there.
    pub fn unread(wire: Box<str>, several: bool) -> Self {
        let mut name = Self { scheme: UNREAD, ..Self::new(wire, None) };
        name.flags.set_if(several, Flag::SeveralNames);
        name
    }

    /// True for what [`Name::unread`] made.
    pub fn is_unread(&self) -> bool {
        self.scheme == UNREAD
    }

    /// Says what the name means. Each value is empty (absent), a piece of the text itself, or [`IMPLIED`]; any
    /// other is left out.
    #[must_use]
    pub fn meaning(mut self, kind: &'static str, scheme: &'static str, values: &Values) -> Self {
        (self.kind, self.scheme) = (kind, scheme);
        self.spans = *values.spans();
        self
    }

    /// For grouping: lower-cased, without a trailing dot. `None` where the hello has no name, or an empty or
    /// malformed one.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// As on the wire, with its case and dot.
    pub fn wire(&self) -> Option<&str> {
        self.wire.as_deref().or(self.text())
    }

    /// The value of one field.
    pub fn field(&self, field: Field) -> Option<&str> {
        let span = *self.spans.get(field as usize)?;
        if span == IMPLIED_SPAN {
            return Some(IMPLIED);
        }
        let value = self.text.as_deref()?.get(usize::from(span.begin)..usize::from(span.end))?;
        (!value.is_empty()).then_some(value)
    }

    /// [`Field::Service`].
    pub fn service(&self) -> Option<&str> {
        self.field(Field::Service)
    }

    /// [`Field::Subset`].
    pub fn subset(&self) -> Option<&str> {
        self.field(Field::Subset)
    }

    /// [`Field::Namespace`].
    pub fn namespace(&self) -> Option<&str> {
        self.field(Field::Namespace)
    }

    /// [`Field::Partition`].
    pub fn partition(&self) -> Option<&str> {
        self.field(Field::Partition)
    }

    /// [`Field::Datacenter`].
    pub fn datacenter(&self) -> Option<&str> {
        self.field(Field::Datacenter)
    }

    /// [`Field::Peer`].
    pub fn peer(&self) -> Option<&str> {
        self.field(Field::Peer)
    }

    /// [`Field::TrustDomain`].
    pub fn trust_domain(&self) -> Option<&str> {
        self.field(Field::TrustDomain)
    }
}

/// The values that a scheme read in a text, as places in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values([Span; Field::COUNT]);

impl Values {
    fn spans(&self) -> &[Span; Field::COUNT] {
        &self.0
    }

    /// Fills `field` with bytes `begin..end` of the text; an empty piece leaves it as it is.
    pub fn set(&mut self, field: Field, begin: usize, end: usize) {
        if let (Ok(begin), Ok(end), Some(span)) =
            (u16::try_from(begin), u16::try_from(end), self.0.get_mut(field as usize))
            && begin < end
        {
            *span = Span { begin, end };
        }
    }

    /// Fills `field` with `value`, a piece of `text`; an empty piece, or one from elsewhere, leaves it as it is.
    pub fn set_piece(&mut self, field: Field, text: &str, value: &str) {
        let begin = value.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        let end = begin.wrapping_add(value.len());
        if end <= text.len() {
            self.set(field, begin, end);
        }
    }

    /// Fills `field` with [`IMPLIED`].
    pub fn imply(&mut self, field: Field) {
        if let Some(span) = self.0.get_mut(field as usize) {
            *span = IMPLIED_SPAN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pieces_of_the_text() {
        let text = "web.shop.svc";
        let mut values = Values::default();
        values.set_piece(Field::Service, text, &text[..3]);
        values.set_piece(Field::Namespace, text, &text[4..8]);
        values.set_piece(Field::Subset, text, &text[3..3]);
        values.set_piece(Field::Peer, text, "elsewhere");
        values.imply(Field::Partition);
        let name = Name::new(text.into(), Some("Web.shop.svc.".into())).meaning("k", "s", &values);
        assert_eq!((name.service(), name.namespace()), (Some("web"), Some("shop")));
        assert_eq!((name.subset(), name.peer(), name.partition()), (None, None, Some("default")));
        assert_eq!((name.text(), name.wire()), (Some(text), Some("Web.shop.svc.")));
    }

    #[test]
    fn a_name_is_small() {
        assert!(size_of::<Name>() <= 104);
    }
}
