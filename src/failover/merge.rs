//! What several vantage points tell of one move, as one: their clocks' offsets taken off, each move told once.
//!
//! Two gateways see the same first hello, one as it leaves and one as it comes; a node of clients sees what the
//! gateways do not, the calls before. They tell of the same move if it is of the same service and target, and nothing
//! else happened to the service between the two.

use std::cmp::Reverse;

use super::event::{Also, Event, Heading, Rule, Story};
use crate::model::frame::Timestamp;
use crate::model::name::Name;

/// What is told of: a service, where it goes or falls silent, and which of the two.
type Subject<'a> = ([Option<&'a str>; 3], Option<&'a str>, bool);

impl Story {
    /// The same by a clock that is so many nanoseconds ahead of the one that it was told by.
    #[must_use]
    pub fn by_clock(mut self, ahead: i64) -> Self {
        let event = &mut self.event;
        let span = event.evidence.span.iter_mut().flat_map(|(first, last)| [first, last]);
        let times = [&mut event.time, &mut event.noticed, &mut event.first_seen, &mut self.last];
        let stale = event.stale.iter_mut().map(|stale| &mut stale.last);
        let times = times.into_iter().chain(&mut event.last_seen_old).chain(span).chain(stale);
        for time in times {
            *time = Timestamp(time.0.saturating_add_signed(ahead));
        }
        self
    }
}

/// Makes one of those that tell of the same; all times are by one clock.
pub fn merge(mut stories: Vec<Story>) -> Vec<Story> {
    stories.sort_by_key(|story| (story.event.time, story.event.origin));
    let left: Vec<bool> = stories.iter().map(|story| has_left(story, &stories)).collect();
    let mut left = left.into_iter();
    stories.retain(|_| left.next() != Some(true));
    let mut merged: Vec<Vec<Story>> = Vec::new();
    for story in stories {
        let service = service(&story.event.name);
        // what happened to it last
        let last = merged
            .iter_mut()
            .rev()
            .find(|told| told.first().is_some_and(|first| self::service(&first.event.name) == service));
        match last {
            Some(told) if is_same(told, &story) => told.push(story),
            _ => merged.push(vec![story]),
        }
    }
    merged.into_iter().filter_map(join).collect()
}

/// True for the silence of a target that was left for another one, as who saw both tells.
fn has_left(silence: &Story, stories: &[Story]) -> bool {
    let (event, place) = (&silence.event, &silence.event.from);
    if event.rule != Rule::Silence {
        return false;
    }
    let concerns = |other: &&Event| {
        other.rule != Rule::Silence
            && other.time <= event.noticed
            && (other.from == *place || other.to == *place)
            && service(&other.name) == service(&event.name)
    };
    let moves = stories.iter().map(|story| &story.event);
    moves.filter(concerns).max_by_key(|it| it.time).is_some_and(|last| last.from == *place)
}

/// A vantage point tells of a move once, so that a second story of its own is another one.
fn is_same(told: &[Story], story: &Story) -> bool {
    told.iter()
        .all(|one| one.event.origin != story.event.origin && subject(&one.event) == subject(&story.event))
}

fn service(name: &Name) -> [Option<&str>; 3] {
    let scopes = [name.namespace(), name.partition()].map(|scope| scope.filter(|scope| *scope != "default"));
    [name.service(), scopes[0], scopes[1]]
}

fn subject(event: &Event) -> Subject<'_> {
    let silent = event.rule == Rule::Silence;
    let place = if silent { &event.from } else { &event.to };
    (service(&event.name), place.as_deref(), silent)
}

/// Of what one vantage point tells in the order of time: without the silences that were none, and without the first
/// hellos after these. `asked`: someone else, who sees the same target, found it in use all the time.
#[must_use]
pub fn without_lulls(stories: Vec<Story>, mut asked: impl FnMut(&Event) -> bool) -> Vec<Story> {
    let mut lulls: Vec<Story> = Vec::new();
    let mut kept = Vec::new();
    for story in stories {
        let event = &story.event;
        let place = |event: &Event| event.to.clone().or_else(|| event.from.clone());
        let same =
            |it: &Story| service(&it.event.name) == service(&event.name) && place(&it.event) == place(event);
        if event.rule == Rule::Silence && asked(event) {
            lulls.push(story);
        } else if let Some(after) = lulls.iter().position(|it| event.rule == Rule::FirstSight && same(it)) {
            lulls.swap_remove(after);
        } else {
            kept.push(story);
        }
    }
    kept
}

/// One story of several: that of who saw most, with what only the others saw.
fn join(mut all: Vec<Story>) -> Option<Story> {
    let best = all.iter().enumerate().min_by_key(|(_, story)| {
        let event = &story.event;
        (Reverse(event.rule == Rule::LabelChange), event.heading == Heading::Ingress, event.time)
    });
    let best = best.map(|(place, _)| place)?;
    let mut story = all.remove(best);
    for other in all {
        let event = &other.event;
        story.also.push(Also { origin: event.origin, time: event.time, packet: event.packet });
        story.last = story.last.max(other.last);
        let own = &mut story.event;
        if own.evidence.is_empty() {
            own.evidence = other.event.evidence;
        }
        own.caller = own.caller.take().or(other.event.caller);
        for stale in other.event.stale {
            if own.stale.iter().all(|known| known.client != stale.client) {
                own.stale.push(stale);
            }
        }
    }
    story.event.stale.sort_by_key(|stale| stale.client);
    Some(story)
}

#[cfg(test)]
mod tests;
