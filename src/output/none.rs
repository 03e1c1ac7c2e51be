//! The output that writes nothing: for runs that only count.

use std::ops::ControlFlow;

use crate::error::Error;
use crate::model::observation::Observation;
use crate::output::sink::{Place, Sink, SinkSpec};

/// The row of the sinks table.
pub(super) const SPEC: SinkSpec = SinkSpec {
    name: "none",
    help: "nothing, only the counts at the end",
    open: |_, place: Place| match place {
        Place::Stdout => Ok(Box::new(NoneSink)),
        Place::File(_) => Err(Error::Usage("output `none` writes no file".to_owned())),
    },
};

struct NoneSink;

impl Sink for NoneSink {
    fn event(&mut self, _: &Observation) -> Result<ControlFlow<()>, Error> {
        Ok(ControlFlow::Continue(()))
    }
}
