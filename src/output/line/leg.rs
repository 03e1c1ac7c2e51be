//! The part of a line about a leg out, under its leg in.

use crate::model::observation::{HelloFacts, Observation, Outcome};
use crate::output::addresses::put;
use crate::output::line::Layout;
use crate::output::pairs::SameHello;

impl Layout {
    /// What a leg out has to say beside its leg in: how it went only where that is another story.
    pub(super) fn leg_out(&self, out: &mut Vec<u8>, observation: &Observation, hello: &HelloFacts) {
        if self.quiet {
            return;
        }
        put(out, format_args!("{}", SameHello(hello, observation.hop.and_then(|hop| hop.gateway))));
        let well = observation.handshake.as_ref().is_none_or(|it| it.result == Outcome::Ok);
        if let Some(handshake) = observation.handshake.as_ref().filter(|_| !well || self.verbosity > 0) {
            put(out, format_args!("   "));
            self.outcome(out, observation, handshake);
        }
        self.extras(out, observation);
    }
}
