//! Envoy's `/config_dump`: the names that a proxy's clusters send, and those that a gateway's listeners let through.
//!
//! A sidecar's cluster sends the `sni` of its transport socket. An aggregate cluster goes through others in order: the
//! first is where calls go, the rest is failover. Where there is none, Consul leaves the cluster the name of its first
//! choice and gives it the `sni` of the one that is healthy. A gateway's clusters send nothing: the name of each is
//! one that it passes on, and so is what its filter chains match.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::intent::fields::Problem;
use crate::intent::target::{Intent, Pattern, Role, Scope, Target};
use crate::model::hello::Sni;
use crate::model::name::Name;
use crate::naming::Namer;

/// What such a file is called in records.
pub(super) const KIND: &str = "config_dump";

/// The member of the answer that holds everything.
pub(super) const ROOT: &str = "configs";

/// A cluster: its name, the names that it sends, and the clusters that it stands for.
struct Cluster {
    name: Box<str>,
    sends: Vec<Box<str>>,
    members: Vec<Box<str>>,
}

/// What a dump holds.
#[derive(Default)]
struct Found {
    clusters: Vec<Cluster>,
    /// Names that filter chains match, `*.` in front of those that match all names under them.
    matched: Vec<Box<str>>,
    /// A chain takes the name itself for the cluster's.
    sni_cluster: bool,
}

/// Reads an answer: one intent a service, or one for all names of a gateway.
pub(super) fn read(file: &str, value: &Value) -> Result<Vec<Intent>, Problem> {
    let mut found = Found::default();
    found.walk(value);
    if found.clusters.is_empty() && found.matched.is_empty() {
        return Err("a config_dump without clusters and listeners".to_owned());
    }
    if found.sni_cluster || !found.matched.is_empty() {
        return Ok(vec![found.gateway(file)]);
    }
    let intents = found.proxy(file);
    if intents.is_empty() {
        return Err("a config_dump whose clusters send no server name".to_owned());
    }
    Ok(intents)
}

impl Found {
    /// Looks for clusters and listeners, wherever they stand. The JSON reader has bounded the depth.
    fn walk(&mut self, value: &Value) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.walk(value)),
            Value::Object(map) => {
                self.object(map);
                map.values().for_each(|value| self.walk(value));
            }
            _ => (),
        }
    }

    fn object(&mut self, map: &Map<String, Value>) {
        if let Some(Value::Object(cluster)) = map.get("cluster")
            && let Some(name) = text(cluster, "name")
        {
            let mut sends = Vec::new();
            cluster
                .iter()
                .filter(|(key, _)| key.starts_with('t'))
                .for_each(|(_, value)| sent(value, &mut sends));
            let aggregate = map_at(cluster, &["cluster_type", "typed_config"]);
            let members = aggregate.map(|config| texts(config, "clusters")).unwrap_or_default();
            self.clusters.push(Cluster { name, sends, members });
        }
        if let Some(Value::Object(matching)) = map.get("filter_chain_match") {
            self.matched.extend(texts(matching, "server_names"));
        }
        self.sni_cluster |=
            text(map, "name").is_some_and(|name| name.ends_with("filters.network.sni_cluster"));
    }

    /// What a gateway lets through.
    fn gateway(&self, file: &str) -> Intent {
        let mut intent = Intent::new(file, KIND, Scope::Mesh);
        let passes = |cluster: &&Cluster| self.sni_cluster && service(base(&cluster.name)).is_some();
        let clusters = self.clusters.iter().filter(passes).map(|cluster| base(&cluster.name));
        let mut told = HashSet::new();
        for name in self.matched.iter().map(|name| &**name).chain(clusters).filter(|name| told.insert(*name))
        {
            let names = match name.strip_prefix('*') {
                Some(end) => Pattern::Under(end.into()),
                None => Pattern::Exact(name.into()),
            };
            intent.targets.push(Target { role: Role::Route, names });
        }
        intent
    }

    /// What a proxy sends, by service.
    fn proxy(&self, file: &str) -> Vec<Intent> {
        let by_name: HashMap<&str, &Cluster> = self.clusters.iter().map(|it| (&*it.name, it)).collect();
        let aggregates = || self.clusters.iter().filter(|cluster| !cluster.members.is_empty());
        let members: HashSet<&str> =
            aggregates().flat_map(|it| it.members.iter().map(|name| &**name)).collect();
        let mut intents = Intents { file, all: Vec::new(), index: HashMap::new() };
        for cluster in aggregates() {
            let owner = base(&cluster.name);
            let sent = cluster.members.iter().filter_map(|member| by_name.get(&**member));
            for (place, member) in sent.enumerate() {
                let role = if place == 0 { Role::Primary } else { Role::Failover };
                member.sends.iter().for_each(|sni| intents.add(owner, role, sni));
            }
        }
        for cluster in self.clusters.iter().filter(|it| !members.contains(&*it.name)) {
            let owner = base(&cluster.name);
            for sni in &cluster.sends {
                let elsewhere = **sni != *owner && service(owner).is_some() && service(sni).is_some();
                if elsewhere {
                    intents.add(owner, Role::Primary, owner);
                }
                intents.add(owner, if elsewhere { Role::Failover } else { Role::Primary }, sni);
            }
        }
        intents.all
    }
}

/// The intents of a proxy, by service and namespace.
struct Intents<'f> {
    file: &'f str,
    all: Vec<Intent>,
    index: HashMap<(Box<str>, Box<str>), usize>,
}

impl Intents<'_> {
    /// Adds a name to the service of its cluster; where that tells none, of the name itself.
    fn add(&mut self, cluster: &str, role: Role, sni: &str) {
        let named = service(cluster).or_else(|| service(sni));
        let key = named.unwrap_or_else(|| (sni.into(), Box::default()));
        let place = *self.index.entry(key.clone()).or_insert(self.all.len());
        if place == self.all.len() {
            let scope = Scope::Service { service: key.0, namespace: key.1 };
            self.all.push(Intent::new(self.file, KIND, scope));
        }
        if let Some(intent) = self.all.get_mut(place) {
            intent.add(role, Pattern::Exact(sni.into()));
        }
    }
}

/// Service and namespace of a name in one of Consul's forms for services.
fn service(name: &str) -> Option<(Box<str>, Box<str>)> {
    let name: Name = Namer::default().classify(Sni::Name { bytes: name.as_bytes(), more: false });
    let is_service = matches!(name.kind, "consul-service" | "consul-peered");
    is_service.then(|| Some((name.service()?.into(), name.namespace()?.into()))).flatten()
}

/// A cluster's name without what Consul puts in front: `hash~`, `exported~`, `failover-target~0~`.
fn base(cluster: &str) -> &str {
    cluster.rsplit('~').next().unwrap_or(cluster)
}

/// Every `sni` below a value: of the transport socket, of those that are chosen by the endpoint, of `tls_context`.
fn sent(value: &Value, found: &mut Vec<Box<str>>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| sent(value, found)),
        Value::Object(map) => {
            if let Some(sni) = text(map, "sni").filter(|sni| !found.contains(sni)) {
                found.push(sni);
            }
            map.values().for_each(|value| sent(value, found));
        }
        _ => (),
    }
}

/// A member that is a text with something in it, lower-cased.
fn text(map: &Map<String, Value>, key: &str) -> Option<Box<str>> {
    map.get(key)?.as_str().filter(|text| !text.is_empty()).map(|text| text.to_lowercase().into())
}

/// The texts of a member that is a list, lower-cased.
fn texts(map: &Map<String, Value>, key: &str) -> Vec<Box<str>> {
    let list = map.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(|text| text.to_lowercase().into()).collect()
}

/// The object at the end of a path.
fn map_at<'v>(map: &'v Map<String, Value>, path: &[&str]) -> Option<&'v Map<String, Value>> {
    path.iter().try_fold(map, |map, key| map.get(*key)?.as_object())
}
