//! A service-resolver entry, as Consul's documentation of configuration entries describes its fields.

use serde_json::Value;

use crate::intent::fields::{Fields, Problem};
use crate::model::name::IMPLIED;

/// The kind of entry that is read.
pub(super) const KIND: &str = "service-resolver";

/// What a redirect or a failover puts in the place of a target's own; empty: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rewrite {
    pub(super) service: Box<str>,
    pub(super) subset: Box<str>,
    pub(super) namespace: Box<str>,
    pub(super) partition: Box<str>,
    pub(super) datacenter: Box<str>,
    pub(super) peer: Box<str>,
    /// A sameness group decides, which the entry only names.
    pub(super) sameness: bool,
}

impl Rewrite {
    fn read(fields: &Fields<'_>) -> Result<Self, Problem> {
        Ok(Self {
            service: fields.text("Service")?,
            subset: fields.text("ServiceSubset")?,
            namespace: fields.text("Namespace")?,
            partition: fields.text("Partition")?,
            datacenter: fields.text("Datacenter")?,
            peer: fields.text("Peer")?,
            sameness: !fields.text("SamenessGroup")?.is_empty(),
        })
    }

    /// The places that a failover goes to, in its order: it names datacenters, or targets, or only another service.
    fn failover(fields: &Fields<'_>) -> Result<Vec<Self>, Problem> {
        let base = Self::read(fields)?;
        let datacenters = fields.texts("Datacenters")?;
        let targets = fields.objects("Targets")?;
        if !datacenters.is_empty() {
            let there = |datacenter| Self { datacenter, ..base.clone() };
            Ok(datacenters.into_iter().map(there).collect())
        } else if !targets.is_empty() {
            targets.iter().map(Self::read).collect()
        } else {
            Ok(vec![base])
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolver {
    pub(super) service: Box<str>,
    pub(super) namespace: Box<str>,
    pub(super) partition: Box<str>,
    pub(super) default_subset: Box<str>,
    pub(super) subsets: Vec<Box<str>>,
    pub(super) redirect: Option<Rewrite>,
    /// By subset, `*` for all that have none of their own.
    pub(super) failover: Vec<(Box<str>, Vec<Rewrite>)>,
}

impl Resolver {
    /// Reads an entry.
    pub(super) fn read(value: &Value) -> Result<Self, Problem> {
        let fields = Fields::of(value, "")?;
        let kind = fields.text("Kind")?;
        if !fields.text("apiVersion")?.is_empty() {
            return Err("a Kubernetes resource; what `consul config read` prints of it is due".to_owned());
        }
        if &*kind != KIND {
            return Err(match &*kind {
                "" => format!("an object without Kind, where a {KIND} is due"),
                kind => format!("a {}, where a {KIND} is due", kind.escape_debug()),
            });
        }
        let service = fields.text("Name")?;
        if service.is_empty() {
            return Err(format!("a {KIND} without Name"));
        }
        let lower = |text: &str| text.to_lowercase().into();
        let mut failover = Vec::new();
        for (subset, fields) in fields.members("Failover")? {
            failover.push((lower(subset), Rewrite::failover(&fields)?));
        }
        Ok(Self {
            service,
            namespace: fields.text_or("Namespace", IMPLIED)?,
            partition: fields.text_or("Partition", IMPLIED)?,
            default_subset: fields.text("DefaultSubset")?,
            subsets: fields.members("Subsets")?.into_iter().map(|(subset, _)| lower(subset)).collect(),
            redirect: fields.object("Redirect")?.as_ref().map(Rewrite::read).transpose()?,
            failover,
        })
    }

    /// The failover of a subset: its own, else that of `*`.
    pub(super) fn failover_of(&self, subset: &str) -> &[Rewrite] {
        let of = |key: &str| self.failover.iter().find(|(name, _)| &**name == key);
        of(subset).or_else(|| of("*")).map(|(_, places)| places.as_slice()).unwrap_or_default()
    }
}
