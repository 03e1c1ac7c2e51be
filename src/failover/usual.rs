//! First hellos that were told at once, and turn out to be usual: of a service that is asked for so seldom that a pause
//! as long as the one before them means nothing.
//!
//! Nothing is known of a service at its first hello. Once there are some more, its rate says what the pause was
//! worth; below the confidence at which things are told, there is no record of it.

use super::Detector;
use super::event::Rule;
use super::limits::{BASELINE, FEW, SETTLE};
use super::service::{Place, State};
use super::tell::{Found, Told};
use crate::model::frame::Timestamp;

impl Detector {
    /// A slow service is looked at for twice as long: until then.
    pub(super) fn needs_more(&self, told: &Told) -> Option<Timestamp> {
        let place = self.at_once(&told.found)?;
        let few = (1..FEW - 1).contains(&place.activity.further());
        let settle = self.settings.handshake_timeout.saturating_add(SETTLE);
        let later = told.found.first.time.plus(settle.saturating_mul(2));
        (few && later > self.now).then_some(later)
    }

    /// The target of a first hello that was told at once, before its rate was known.
    pub(super) fn at_once(&self, found: &Found) -> Option<&Place> {
        let told = found.rule == Rule::FirstSight
            && found.from.is_none()
            && found.beside.is_none()
            && found.baseline >= BASELINE;
        self.services.place(found.target).filter(|_| told)
    }

    /// Events that were none leave no trace.
    pub(super) fn forget_usual(&mut self) {
        let mut usual = Vec::new();
        self.told.retain(|told| {
            if told.usual {
                usual.push(told.found.target);
            }
            !told.usual
        });
        for target in usual {
            if let Some(place) = self.services.place_mut(target)
                && matches!(place.state, State::Told)
            {
                place.state = State::Known;
            }
        }
    }
}
