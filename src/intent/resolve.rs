//! From service-resolvers to names, in the order in which Consul compiles a chain: redirect, default subset, failover.
//!
//! Source: Consul `agent/consul/discoverychain/compile.go`. A chain is compiled with the entries of the datacenter
//! that it is for, whatever datacenter its targets are in. A service without an entry here is taken to have none.

use std::collections::HashMap;
use std::path::Path;

use crate::error::Error;
use crate::intent::fields::Problem;
use crate::intent::file::refused;
use crate::intent::resolver::{KIND, Resolver, Rewrite};
use crate::intent::target::{Intent, Parts, Pattern, Role, Scope};

/// The most redirects in a row: Consul refuses circles, a file need not.
const MAX_HOPS: usize = 16;

/// A service somewhere.
#[derive(Clone, Debug)]
struct At {
    service: Box<str>,
    subset: Box<str>,
    namespace: Box<str>,
    partition: Box<str>,
    datacenter: Option<Box<str>>,
    peer: Box<str>,
    sameness: bool,
}

impl At {
    /// Puts what a redirect or failover says in its place.
    fn rewritten(&self, by: &Rewrite) -> Self {
        let or = |new: &str, old: &str| -> Box<str> { if new.is_empty() { old.into() } else { new.into() } };
        // the subset of another service says nothing of this one's
        let same = by.service.is_empty() || by.service == self.service;
        Self {
            service: or(&by.service, &self.service),
            subset: or(&by.subset, if same { &self.subset } else { "" }),
            namespace: or(&by.namespace, &self.namespace),
            partition: or(&by.partition, &self.partition),
            datacenter: Some(by.datacenter.clone())
                .filter(|new| !new.is_empty())
                .or_else(|| self.datacenter.clone()),
            peer: or(&by.peer, &self.peer),
            sameness: by.sameness || self.sameness,
        }
    }

    fn pattern(&self) -> Pattern {
        let head = match &*self.subset {
            "" => self.service.clone(),
            subset => format!("{subset}.{}", self.service).into(),
        };
        Pattern::Parts(Parts {
            head,
            service: self.service.clone(),
            namespace: self.namespace.clone(),
            partition: self.partition.clone(),
            datacenter: self.datacenter.clone().filter(|_| self.peer.is_empty() && !self.sameness),
            peered: !self.peer.is_empty(),
        })
    }
}

/// The entries of all files.
#[derive(Debug)]
pub(super) struct Resolvers {
    local: Option<Box<str>>,
    entries: Vec<(Box<str>, Resolver)>,
    /// By service, namespace and partition.
    index: HashMap<[Box<str>; 3], usize>,
}

impl Resolvers {
    /// Entries of this datacenter; `None`: not known.
    pub(super) fn new(local: Option<&str>) -> Self {
        Self { local: local.map(Into::into), entries: Vec::new(), index: HashMap::new() }
    }

    /// Adds the entries of a file.
    pub(super) fn add(&mut self, path: &Path, entries: Vec<Resolver>) -> Result<(), Error> {
        for entry in entries {
            let key = [&entry.service, &entry.namespace, &entry.partition].map(Clone::clone);
            if self.index.insert(key, self.entries.len()).is_some() {
                let again = format!("a second {KIND} of {}", entry.service.escape_debug());
                return Err(refused(path, &again));
            }
            self.entries.push((path.to_string_lossy().into(), entry));
        }
        Ok(())
    }

    /// What each entry means.
    pub(super) fn intents(&self) -> Result<Vec<Intent>, Error> {
        let intent = |(file, entry): &(Box<str>, Resolver)| {
            self.intent(file, entry).map_err(|problem| refused(Path::new(&**file), &problem))
        };
        self.entries.iter().map(intent).collect()
    }

    fn intent(&self, file: &str, entry: &Resolver) -> Result<Intent, Problem> {
        let scope = Scope::Service { service: entry.service.clone(), namespace: entry.namespace.clone() };
        let mut intent = Intent::new(file, KIND, scope);
        let start = At {
            service: entry.service.clone(),
            subset: Box::default(),
            namespace: entry.namespace.clone(),
            partition: entry.partition.clone(),
            datacenter: self.local.clone(),
            peer: Box::default(),
            sameness: false,
        };
        self.chain(&mut intent, Role::Primary, &start)?;
        if entry.redirect.is_none() {
            for subset in &entry.subsets {
                self.chain(&mut intent, Role::Subset, &At { subset: subset.clone(), ..start.clone() })?;
            }
        }
        Ok(intent)
    }

    /// Adds where a call goes, and where it goes when that fails.
    fn chain(&self, intent: &mut Intent, role: Role, start: &At) -> Result<(), Problem> {
        let (target, resolver) = self.target(start)?;
        intent.add(role, target.pattern());
        let Some(resolver) = resolver else { return Ok(()) };
        for place in resolver.failover_of(&target.subset) {
            // its own failover is not looked at
            let (place, _) = self.target(&target.rewritten(place))?;
            intent.add(Role::Failover, place.pattern());
        }
        Ok(())
    }

    /// Where a call ends up after redirects, and the entry that had the last word.
    fn target(&self, start: &At) -> Result<(At, Option<&Resolver>), Problem> {
        let mut at = start.clone();
        for _ in 0..MAX_HOPS {
            let Some(resolver) = self.entry(&at) else { return Ok((at, None)) };
            if let Some(redirect) = &resolver.redirect {
                let next = at.rewritten(redirect);
                let moved = (&next.service, &next.namespace, &next.partition, &next.peer)
                    != (&at.service, &at.namespace, &at.partition, &at.peer);
                at = next;
                if moved {
                    continue;
                }
            }
            if at.subset.is_empty() {
                at.subset.clone_from(&resolver.default_subset);
            }
            return Ok((at, Some(resolver)));
        }
        Err(format!("redirects of {} that go round in a circle", start.service.escape_debug()))
    }

    /// The entry of a service; a peer's are not ours.
    fn entry(&self, at: &At) -> Option<&Resolver> {
        if !at.peer.is_empty() {
            return None;
        }
        let key = [&at.service, &at.namespace, &at.partition].map(Clone::clone);
        self.index.get(&key).and_then(|place| self.entries.get(*place)).map(|(_, entry)| entry)
    }
}
