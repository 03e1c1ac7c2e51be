//! Says of a way where and how it ended, and what of it is missing.

use std::net::IpAddr;

use crate::model::observation::{Leg, Outcome, Peer};
use crate::path::order::Way;
use crate::path::places::Places;
use crate::path::{End, Missing, Node, Party, Step};

/// Where and how the way ended.
pub(super) fn end(way: &Way, places: &Places) -> End {
    let (Some(first), Some(last)) = (way.steps.first(), way.steps.last()) else { return End::Unseen };
    match first.sighting.result {
        Outcome::Ok => End::Answered { here: Some(last).filter(|last| ends(way, last, places)).map(node) },
        Outcome::NotSeen => End::Unseen,
        _ => died(way, places),
    }
}

/// True if a gateway let the hello in, and it was not seen going on.
fn ends(way: &Way, last: &Step, places: &Places) -> bool {
    let at_work = || places.is_gateway(node(last), last.sighting.flow.destination_ip());
    last.leg == Leg::Only && (way.steps.len() > 1 || at_work())
}

fn node(step: &Step) -> Node {
    step.sighting.node
}

/// The gateway that the way begins at.
pub(super) fn begins(way: &Way, places: &Places) -> Option<Node> {
    let first = way.steps.first().filter(|step| step.leg == Leg::Only)?;
    let sender = places.is_sender(node(first), first.sighting.flow.source_ip());
    sender.then_some(node(first))
}

/// It died at the last leg with an ending that its server's side, or nobody, brought about: a gateway that lost its
/// client gives up its leg out, and one that lost its server gives up its leg in.
fn died(way: &Way, places: &Places) -> End {
    let failed = |step: &Step| !matches!(step.sighting.result, Outcome::Ok | Outcome::NotSeen);
    let by_server = |step: &Step| failed(step) && step.sighting.by != Some(Peer::Client);
    let step = way.steps.iter().rposition(by_server).unwrap_or_default();
    let Some(at) = way.steps.get(step) else { return End::Unseen };
    let (node, flow) = (at.sighting.node, &at.sighting.flow);
    let (ip, port) = (flow.destination_ip(), flow.ports.1);
    let gateway = owner(way, step, ip, places);
    let by = match (at.sighting.by, gateway) {
        (None, _) => Party::Nobody,
        (Some(Peer::Client), _) => Party::Client,
        (Some(Peer::Server), Some(gateway)) => Party::Gateway(gateway),
        (Some(Peer::Server), None) => Party::Server(ip, port),
    };
    let stayed = at.leg == Leg::Only && gateway == Some(node) && at.sighting.by != Some(Peer::Client);
    End::Died { step, by, never_left: Some(node).filter(|_| stayed) }
}

/// The vantage point whose gateway has the address that a step goes to.
fn owner(way: &Way, step: usize, ip: IpAddr, places: &Places) -> Option<Node> {
    let at = way.steps.get(step)?;
    let node = at.sighting.node;
    match at.leg {
        Leg::In => Some(node),
        Leg::Only if places.is_gateway(node, ip) => Some(node),
        // the other end of the same leg
        _ => places.after(node, ip),
    }
}

/// What of the way is missing.
pub(super) fn missing(way: &Way, places: &Places) -> Vec<Missing> {
    let mut missing = Vec::new();
    let passed = |node| way.nodes.iter().any(|it| it.node == node);
    if let Some(first) = way.steps.first().map(|step| &step.sighting)
        && let Some(node) = places.before(first.node, first.flow.source_ip()).filter(|node| !passed(*node))
    {
        missing.push(Missing::Before(node));
    }
    for (start, next) in way.starts.iter().zip(way.starts.iter().skip(1)) {
        let leg = way.steps.get(*start..*next).unwrap_or_default();
        let further = way.steps.get(*next..).unwrap_or_default();
        let goes_on = |step: &Step| further.iter().any(|it| it.sighting.node == step.sighting.node);
        // where a gateway sent it on and the next one saw it come, addresses were translated on the way
        let lone = leg.iter().find(|step| step.leg == Leg::Only);
        if let Some(step) = lone.filter(|_| !leg.iter().any(goes_on)) {
            missing.push(Missing::LegAt(step.sighting.node));
        }
    }
    if let Some(last) = way.steps.last().map(|step| &step.sighting)
        && let Some(node) = places.after(last.node, last.flow.destination_ip()).filter(|node| !passed(*node))
    {
        missing.push(Missing::After(node));
    }
    if way.contradiction {
        missing.push(Missing::Order);
    }
    missing
}
