//! Brings the legs of one connection into the order in which its hello travelled.
//!
//! What is sure comes first: at one vantage point the clock tells which leg was earlier, and a leg that two of them
//! saw has the same addresses at both. Where that leaves a choice, the leg whose client waited longer for the answer
//! lies nearer to the client, whatever the clocks say; only then do the clocks decide.

use std::cmp::Reverse;

use crate::model::observation::Leg;
use crate::path::clock::Clocks;
use crate::path::{Node, Passed, Sighting, Step};

/// The way, in order.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) steps: Vec<Step>,
    pub(super) nodes: Vec<Passed>,
    /// For each leg, the range of its steps begins here.
    pub(super) starts: Vec<usize>,
    /// The vantage points contradict each other.
    pub(super) contradiction: bool,
}

/// A leg: indices of its sightings.
type Group = Vec<usize>;

/// Puts the sightings of one hello in order.
pub(super) fn order(sightings: &[Sighting], clocks: &mut Clocks) -> Way {
    let ranks = ranks(sightings);
    let mut left = groups(sightings);
    let mut way = Way::default();
    while !left.is_empty() {
        let free: Vec<usize> =
            (0..left.len()).filter(|group| is_first(&left, *group, sightings, &ranks)).collect();
        way.contradiction |= free.is_empty();
        let choice: Vec<usize> = if free.is_empty() { (0..left.len()).collect() } else { free };
        let nearest = choice.into_iter().min_by_key(|group| {
            let members = left.get(*group).map(Vec::as_slice).unwrap_or_default();
            nearness(members, sightings, clocks)
        });
        let mut group = left.swap_remove(nearest.unwrap_or_default());
        group.sort_by_key(|index| {
            let rank = ranks.get(*index).copied().unwrap_or_default();
            (rank.place == 0, sightings.get(*index).map(|it| (Reverse(it.latency), it.node)))
        });
        way.starts.push(way.steps.len());
        for index in group {
            let (Some(sighting), Some(rank)) = (sightings.get(index), ranks.get(index)) else { continue };
            way.steps.push(Step { sighting: sighting.clone(), leg: rank.leg(), since: None });
        }
    }
    way.nodes = nodes(&way.steps);
    way
}

/// The place of a sighting among those of its vantage point.
#[derive(Clone, Copy, Debug, Default)]
struct Rank {
    place: usize,
    of: usize,
}

impl Rank {
    fn leg(self) -> Leg {
        match self {
            Self { of: 1, .. } => Leg::Only,
            Self { place: 0, .. } => Leg::In,
            _ => Leg::Out,
        }
    }
}

fn ranks(sightings: &[Sighting]) -> Vec<Rank> {
    let key = |it: &Sighting, index: usize| (it.time, Reverse(it.latency), index);
    let rank = |(index, it): (usize, &Sighting)| {
        let same = || sightings.iter().enumerate().filter(|(_, other)| other.node == it.node);
        let before = same().filter(|(at, other)| key(other, *at) < key(it, index)).count();
        Rank { place: before, of: same().count() }
    };
    sightings.iter().enumerate().map(rank).collect()
}

/// Sightings with the same addresses are one leg.
fn groups(sightings: &[Sighting]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, it) in sightings.iter().enumerate() {
        let same = |group: &&mut Group| {
            let flow = group.first().and_then(|first| sightings.get(*first)).map(|first| first.flow);
            flow == Some(it.flow)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

/// True if no vantage point saw another one of the legs that are left before this one.
fn is_first(left: &[Group], group: usize, sightings: &[Sighting], ranks: &[Rank]) -> bool {
    let of = |index: &usize| Some((sightings.get(*index)?.node, ranks.get(*index)?.place));
    let mine: Vec<(Node, usize)> = left.get(group).into_iter().flatten().filter_map(of).collect();
    let others = left.iter().enumerate().filter(|(at, _)| *at != group).flat_map(|(_, other)| other);
    !others.filter_map(of).any(|(node, place)| mine.iter().any(|(at, mine)| *at == node && place < *mine))
}

/// Least for the leg that is nearest to the client: long waits go first, then early times by one clock.
fn nearness(group: &[usize], sightings: &[Sighting], clocks: &mut Clocks) -> (Reverse<Option<u64>>, i64) {
    let members = || group.iter().filter_map(|index| sightings.get(*index));
    let wait = members().filter_map(|it| it.latency).max();
    let reference = sightings.first().map(|it| (it.node, it.time.0));
    let at = |it: &Sighting| {
        let (node, zero) = reference?;
        let offset = clocks.between(node, it.node).unwrap_or_default();
        Some(super::clock::difference(it.time.0, zero).saturating_sub(offset))
    };
    (Reverse(wait), members().filter_map(at).min().unwrap_or(i64::MAX))
}

/// The vantage points by their first steps, and the time that the hello spent at each.
fn nodes(steps: &[Step]) -> Vec<Passed> {
    let mut nodes: Vec<Passed> = Vec::new();
    for step in steps {
        let node = step.sighting.node;
        if nodes.iter().all(|passed| passed.node != node) {
            nodes.push(Passed { node, gateway: gateway(steps, node) });
        }
    }
    nodes
}

fn gateway(steps: &[Step], node: Node) -> Option<u64> {
    let own = || steps.iter().map(|step| &step.sighting).filter(|it| it.node == node);
    let first = own().min_by_key(|it| it.time)?;
    let last = own().max_by_key(|it| it.time).filter(|_| own().count() > 1)?;
    let told = last.gateway.filter(|_| own().count() == 2);
    Some(told.unwrap_or(last.time.since(first.time)))
}
