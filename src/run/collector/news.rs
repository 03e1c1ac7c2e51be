//! What the watch over services found, on its way to the outputs.

use std::ops::ControlFlow;

use jiff::tz::TimeZone;

use crate::failover::event::{Event, News, Story};
use crate::output::story::Teller;
use crate::run::collector::{Collector, Flow};

impl Collector {
    /// Tells what the watch over services has found.
    pub(super) fn news(&mut self) -> Flow {
        if self.mesh.news.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        for news in std::mem::take(&mut self.mesh.news) {
            let (News::Noticed(event) | News::Settled(event) | News::Withdrawn(event)) = &news;
            if !self.holds(event) {
                continue;
            }
            for sink in &mut self.sinks {
                if sink.failover(&news)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// True if the filters by name, client and time let an event through: of its two targets, one is enough.
    fn holds(&self, event: &Event) -> bool {
        let mut names = std::iter::once(&event.name).chain(&event.old_name);
        let chosen = self.select.as_ref().is_none_or(|select| {
            select.accepts_client(event.client) && names.any(|name| select.accepts_name(Some(name)))
        });
        chosen && self.window.holds(event.time)
    }

    /// The events of the run as they look now, as far as the filters let them through.
    pub fn stories(&self) -> Vec<Story> {
        let mut stories = self.mesh.stories();
        stories.retain(|story| self.holds(&story.event));
        stories
    }

    /// The failovers for the person at the terminal, at the end; empty where an output has written them.
    pub fn last_words(&self) -> String {
        if self.mesh.told {
            String::new()
        } else {
            Teller::new(&self.origins, TimeZone::system()).tell(&self.stories())
        }
    }
}
