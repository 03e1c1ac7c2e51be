//! What a run knows of the mesh beyond one record: roles, causes, and the watch over services.

use crate::failover::cause::Causes;
use crate::failover::event::{News, Story};
use crate::failover::gateways::Roles;
use crate::failover::{Detector, Settings};
use crate::model::frame::Timestamp;
use crate::model::observation::Observation;
use crate::run::legs::SharedLegs;

/// The state that goes with all records of a run.
pub struct Mesh {
    roles: Option<Roles>,
    causes: Causes,
    /// The legs of connections that go in at one input and out at another.
    pub legs: Option<SharedLegs>,
    /// `None` where nobody asks for failovers.
    detector: Option<Detector>,
    /// What the detector has found and nobody was told yet.
    pub news: Vec<News>,
    /// An output has written the failovers at the end.
    pub told: bool,
}

impl Mesh {
    /// `local` is this place's datacenter; `watch` asks for failovers.
    pub fn new(local: Option<&str>, watch: bool, handshake_timeout: u64) -> Self {
        let roles = local.map(Roles::new);
        let local = roles.as_ref().map(|roles| roles.local().into());
        let detector = watch.then(|| Detector::new(Settings { local, handshake_timeout }));
        Self { roles, causes: Causes::default(), legs: None, detector, news: Vec::new(), told: false }
    }

    /// True if it looks for failovers.
    pub fn watches(&self) -> bool {
        self.detector.is_some()
    }

    /// Adds to a record what the mesh says of it, and looks for failovers; attempts come one by one.
    pub fn look(&mut self, record: &mut Observation) {
        if let Some(legs) = &mut self.legs {
            legs.tell(record);
        }
        if let (Some(roles), Some(name)) = (&mut self.roles, &record.name) {
            record.role = roles.of(&record.flow, name);
        }
        let cause = self.causes.of(record);
        if let (Some(_), Some(handshake)) = (cause, &mut record.handshake) {
            handshake.cause = cause;
        }
        if let Some(detector) = &mut self.detector {
            detector.observe(record, &mut self.news);
        }
    }

    /// The capture's time has come to `now`.
    pub fn tick(&mut self, now: Timestamp) {
        if let Some(detector) = &mut self.detector {
            detector.tick(now, &mut self.news);
        }
    }

    /// The end of the capture.
    pub fn finish(&mut self) {
        if let Some(detector) = &mut self.detector {
            detector.finish(&mut self.news);
        }
    }

    /// All events, as they look at the end.
    pub fn stories(&self) -> Vec<Story> {
        self.detector.as_ref().map(Detector::stories).unwrap_or_default()
    }
}
