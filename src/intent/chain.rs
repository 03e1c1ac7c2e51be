//! Consul's answer to `/v1/discovery-chain/SERVICE`: nodes that lead from one to the next, and targets with their names.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::intent::fields::{Fields, Problem};
use crate::intent::target::{Intent, Parts, Pattern, Role, Scope};
use crate::model::name::IMPLIED;

/// What such a file is called in records.
pub(super) const KIND: &str = "discovery-chain";

/// The member of the answer that holds the chain.
pub(super) const ROOT: &str = "Chain";

/// Reads an answer.
pub(super) fn read(file: &str, value: &Value) -> Result<Intent, Problem> {
    let chain = Fields::of(value, "")?.object(ROOT)?.ok_or("no Chain")?;
    let service = chain.text("ServiceName")?;
    if service.is_empty() {
        return Err("Chain.ServiceName is missing".to_owned());
    }
    let namespace = chain.text_or("Namespace", IMPLIED)?;
    let mut intent = Intent::new(file, KIND, Scope::Service { service, namespace });
    let lower = |(id, fields): (&str, _)| (id.to_lowercase().into(), fields);
    let targets: HashMap<Box<str>, Fields<'_>> = chain.members("Targets")?.into_iter().map(lower).collect();
    let [primary, failover] = ways(&chain)?;
    for (role, ids) in [(Role::Primary, primary), (Role::Failover, failover)] {
        for id in ids {
            let target = targets.get(&id).ok_or_else(|| {
                format!("the target {} is used, and is not in Chain.Targets", id.escape_debug())
            })?;
            intent.add(role, pattern(target)?);
        }
    }
    Ok(intent)
}

/// Identities of targets, lower-cased.
type Ids = Vec<Box<str>>;

/// The targets that the chain leads to, and those that take their place.
fn ways(chain: &Fields<'_>) -> Result<[Ids; 2], Problem> {
    let nodes = chain.members("Nodes")?;
    let order: Vec<&str> = nodes.iter().map(|(id, _)| *id).collect();
    let nodes: HashMap<Box<str>, Fields<'_>> =
        nodes.into_iter().map(|(id, node)| (id.to_lowercase().into(), node)).collect();
    let start = chain.text("StartNode")?;
    // without a start every node counts
    let mut open: Vec<Box<str>> = match &*start {
        "" => order.iter().rev().map(|id| id.to_lowercase().into()).collect(),
        _ => vec![start],
    };
    let mut seen = HashSet::new();
    let (mut primary, mut failover) = (Vec::new(), Vec::new());
    while let Some(id) = open.pop() {
        let node = nodes
            .get(&id)
            .ok_or_else(|| format!("the node {} is used, and is not in Chain.Nodes", id.escape_debug()))?;
        if !seen.insert(id) {
            continue;
        }
        // a router's routes and a splitter's splits say where to go on
        for list in ["Splits", "Routes"] {
            for way in node.objects(list)?.into_iter().rev() {
                open.push(way.text("NextNode")?);
            }
        }
        if let Some(resolver) = node.object("Resolver")? {
            primary.push(resolver.text("Target")?);
            if let Some(further) = resolver.object("Failover")? {
                failover.extend(further.texts("Targets")?);
            }
        }
    }
    Ok([primary, failover])
}

/// The name of a target; a peer's is not in the answer.
fn pattern(target: &Fields<'_>) -> Result<Pattern, Problem> {
    let sni = target.text("SNI")?;
    if !sni.is_empty() {
        return Ok(Pattern::Exact(sni));
    }
    let service = target.text("Service")?;
    let subset = target.text("ServiceSubset")?;
    let head = if subset.is_empty() { service.clone() } else { format!("{subset}.{service}").into() };
    Ok(Pattern::Parts(Parts {
        head,
        service,
        namespace: target.text_or("Namespace", IMPLIED)?,
        partition: target.text_or("Partition", IMPLIED)?,
        datacenter: Some(target.text("Datacenter")?).filter(|datacenter| !datacenter.is_empty()),
        peered: !target.text("Peer")?.is_empty(),
    }))
}
