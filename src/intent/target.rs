//! Names that the mesh means to use, and what each is for.

use std::fmt;

use crate::model::name::{IMPLIED, Name};

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Where calls go while all is well.
    Primary,
    /// Where they go when that fails.
    Failover,
    /// A subset of the service, for those who ask for it by name: a router or splitter, or a caller.
    Subset,
    /// A gateway knows a way for it.
    Route,
    /// Nothing in the files speaks of it, though they speak of its service.
    Unexpected,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::Primary, Self::Failover, Self::Subset, Self::Route, Self::Unexpected];

    /// The name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Failover => "failover",
            Self::Subset => "subset",
            Self::Route => "route",
            Self::Unexpected => "unexpected",
        }
    }
}

/// A name as far as a service-resolver tells it: never the trust domain, and not always the datacenter. All values
/// are lower-cased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Subset and service as they stand in the name: `v1.web`.
    pub head: Box<str>,
    /// Service alone.
    pub service: Box<str>,
    /// Namespace.
    pub namespace: Box<str>,
    /// Admin partition; `default` is not written in a name.
    pub partition: Box<str>,
    /// Datacenter; `None`: any.
    pub datacenter: Option<Box<str>>,
    /// The service of a cluster peer: no datacenter, and partition and peer are called as its own side calls them.
    pub peered: bool,
}

impl Parts {
    fn fits(&self, name: &Name) -> bool {
        let kind = if self.peered { "consul-peered" } else { "consul-service" };
        let datacenter =
            self.peered || self.datacenter.is_none() || self.datacenter.as_deref() == name.datacenter();
        let partition = self.peered || name.partition() == Some(&self.partition);
        let same = name.kind == kind && name.namespace() == Some(&self.namespace);
        same && datacenter && partition && head_is(name, &self.head)
    }
}

/// True if subset and service of a name, as they stand in it, are `head`. So it does not matter whether a dot was
/// read as part of the service's name.
fn head_is(name: &Name, head: &str) -> bool {
    let service = name.service().unwrap_or_default();
    match name.subset() {
        None => service == head,
        Some(subset) => head
            .strip_prefix(subset)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| rest == service),
    }
}

/// Which names a target has. All text is lower-cased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This one.
    Exact(Box<str>),
    /// Those with these parts.
    Parts(Parts),
    /// Those that end in this text, which begins with a dot.
    Under(Box<str>),
}

impl Pattern {
    /// True for a name of the pattern.
    pub fn fits(&self, name: &Name) -> bool {
        let text = name.text().unwrap_or_default();
        match self {
            Self::Exact(exact) => text == &**exact,
            Self::Parts(parts) => parts.fits(name),
            Self::Under(end) => text.len() > end.len() && text.ends_with(&**end),
        }
    }

    /// How much of the name it says: of two that fit, the one that says more counts.
    pub(super) fn weight(&self) -> (u8, usize) {
        match self {
            Self::Exact(_) => (3, 0),
            Self::Parts(parts) if parts.datacenter.is_some() || parts.peered => (2, 0),
            Self::Parts(_) => (1, 0),
            Self::Under(end) => (0, end.len()),
        }
    }

    /// The whole name, where it is one.
    pub fn exact(&self) -> Option<&str> {
        if let Self::Exact(text) = self { Some(text) } else { None }
    }
}

/// The name, with `*` for what the file does not tell.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => f.write_str(text),
            Self::Under(end) => write!(f, "*{end}"),
            Self::Parts(Parts { head, namespace, peered: true, .. }) => {
                write!(f, "{head}.{namespace}.*.*.external.*")
            }
            Self::Parts(Parts { head, namespace, partition, datacenter, .. }) => {
                let datacenter = datacenter.as_deref().unwrap_or("*");
                match &**partition {
                    IMPLIED => write!(f, "{head}.{namespace}.{datacenter}.internal.*"),
                    _ => write!(f, "{head}.{namespace}.{partition}.{datacenter}.internal-v1.*"),
                }
            }
        }
    }
}

/// A name that the mesh means to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What for.
    pub role: Role,
    /// Which names.
    pub names: Pattern,
}

/// Of which names a file claims to know all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of one service.
    Service {
        /// Its name, lower-cased.
        service: Box<str>,
        /// Its namespace.
        namespace: Box<str>,
    },
    /// All names of the mesh: a gateway's.
    Mesh,
}

impl Scope {
    /// True for a name of the mesh that the scope takes in, be it expected or not.
    pub fn holds(&self, name: &Name) -> bool {
        if name.scheme != "consul" {
            return false;
        }
        match self {
            Self::Mesh => true,
            Self::Service { service, namespace } => {
                matches!(name.kind, "consul-service" | "consul-peered")
                    && name.namespace() == Some(namespace)
                    && (name.service() == Some(service) || head_is(name, service))
            }
        }
    }

    /// The service; `None` for all.
    pub fn service(&self) -> Option<&str> {
        if let Self::Service { service, .. } = self { Some(service) } else { None }
    }
}

/// What a file says of one service, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The file, as typed.
    pub file: Box<str>,
    /// What the file is: `service-resolver`, `discovery-chain` or `config_dump`.
    pub source: &'static str,
    /// Whose names these are.
    pub scope: Scope,
    /// The names, each once, in the order of the file.
    pub targets: Vec<Target>,
}

impl Intent {
    /// An intent without targets.
    pub fn new(file: &str, source: &'static str, scope: Scope) -> Self {
        Self { file: file.into(), source, scope, targets: Vec::new() }
    }

    /// Adds a target. What a name was first said to be, it stays.
    pub fn add(&mut self, role: Role, names: Pattern) {
        if !self.targets.iter().any(|target| target.names == names) {
            self.targets.push(Target { role, names });
        }
    }
}
