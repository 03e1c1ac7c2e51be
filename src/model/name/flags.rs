//! What is odd about a server name.

/// Something odd about a name: an element of `mesh.flags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Upper-case letters.
    Case,
    /// One dot at the end.
    TrailingDot,
    /// A label without bytes.
    EmptyLabel,
    /// More than 255 bytes.
    TooLong,
    /// Bytes outside printable ASCII, or a space.
    BadChars,
    /// An IP address (RFC 6066 §3 allows none).
    Ip,
    /// A label of more than 63 bytes (RFC 1035 §2.3.4).
    LongLabel,
    /// A trust domain that is no UUID.
    NotUuid,
    /// The form allows two readings; the likelier one is told.
    Ambiguous,
    /// Braces of a Kuma name that is cut or damaged.
    KumaTags,
    /// A name without bytes.
    Empty,
    /// Lengths in the extension that contradict each other.
    BadLength,
    /// Others followed it in the same hello (RFC 6066 §3 allows one).
    SeveralNames,
}

impl Flag {
    /// All flags, in the order in which records list them.
    pub const ALL: [Self; 13] = [
        Self::Case,
        Self::TrailingDot,
        Self::EmptyLabel,
        Self::TooLong,
        Self::BadChars,
        Self::Ip,
        Self::LongLabel,
        Self::NotUuid,
        Self::Ambiguous,
        Self::KumaTags,
        Self::Empty,
        Self::BadLength,
        Self::SeveralNames,
    ];

    /// The word in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::TrailingDot => "trailing_dot",
            Self::EmptyLabel => "empty_label",
            Self::TooLong => "too_long",
            Self::BadChars => "bad_chars",
            Self::Ip => "ip",
            Self::LongLabel => "long_label",
            Self::NotUuid => "not_uuid",
            Self::Ambiguous => "ambiguous",
            Self::KumaTags => "kuma_tags",
            Self::Empty => "empty",
            Self::BadLength => "bad_length",
            Self::SeveralNames => "several_names",
        }
    }
}

/// A set of [`Flag`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// Adds `flag` if `odd`.
    pub fn set_if(&mut self, odd: bool, flag: Flag) {
        self.0 |= u16::from(odd) << flag as u16;
    }

    /// True if `flag` is in the set.
    pub fn has(self, flag: Flag) -> bool {
        self.0 >> flag as u16 & 1 == 1
    }

    /// True if nothing is odd.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All that are in either set.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags, in the order of [`Flag::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |flag| self.has(*flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_keep_their_order_whatever_came_first() {
        let mut flags = Flags::default();
        assert!(flags.is_empty());
        for flag in Flag::ALL.into_iter().rev() {
            flags.set_if(true, flag);
            flags.set_if(false, flag);
        }
        assert!(flags.iter().eq(Flag::ALL));
        let names: std::collections::BTreeSet<_> = flags.iter().map(Flag::name).collect();
        assert_eq!(names.len(), Flag::ALL.len());
    }
}
