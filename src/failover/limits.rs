//! The times and bounds of failover detection; all times are nanoseconds of the capture's clock.

/// One second.
pub(super) const SECOND: u64 = 1_000_000_000;

/// A first hello after a watch of at least this long is news at once.
pub(super) const BASELINE: u64 = 5 * SECOND;

/// A first hello this soon is never news: the inputs of a watch do not begin at the same moment.
pub(super) const BEGIN: u64 = SECOND / 4;

/// After a shorter watch than [`BASELINE`], hellos are counted for this long before a first hello is judged.
pub(super) const LEARN: u64 = 10 * SECOND;

/// A client has left a datacenter at the earliest when it has not asked for it for this long.
pub(super) const LEFT: u64 = 5 * SECOND;

/// Hellos of a run that its chance is worked out from; a longer one has a lesser chance still.
pub(super) const LONGEST: u64 = 256;

/// Silence is told after this long at the earliest. A gateway that was down for some seconds is asked again with
/// Consul's next check, which comes every 10 s: no service has moved then.
pub(super) const QUIET: u64 = 17 * SECOND;

/// A pause must be this many times as long as the longest before it to be silence.
pub(super) const LONGER: u64 = 3;

/// A time without any packet at all counts as watched up to this long: a capture may have a hole.
pub(super) const BLIND: u64 = 12 * SECOND;

/// The window before a move in which failures are its evidence.
pub(super) const EVIDENCE: u64 = 30 * SECOND;

/// Beyond the handshake timeout, how long after a move its record is written: who else moved, who did not, and
/// which SYNs before it were never answered is known only then.
pub(super) const SETTLE: u64 = 5 * SECOND;

/// The span over which a rate is taken.
pub(super) const RATE: u64 = 600 * SECOND;

/// Below this confidence nothing is told.
pub(super) const CONFIDENCE: f64 = 0.9;

/// Hellos a second that a service is taken to send at least where nothing more is known, ln 10 ÷ 5 s: with it,
/// [`BASELINE`] of silence has the confidence [`CONFIDENCE`].
pub(super) const SLOWEST: f64 = std::f64::consts::LN_10 / 5.0;

/// Hellos that a rate needs at least.
pub(super) const FEW: u64 = 4;

/// Seconds with a hello that must have been seen before a pause can be silence.
pub(super) const ACTIVE: u64 = 5;

/// Services at once. A new one takes the place of one that was not asked for in [`FORGET`]; while there is
/// none, new services are not watched, and counted.
pub(super) const MAX_SERVICES: usize = 4096;

/// See [`MAX_SERVICES`].
pub(super) const FORGET: u64 = RATE;

/// Slots that one new service looks at for a place.
pub(super) const LOOK: usize = 64;

/// Datacenters of one service; further ones are not watched.
pub(super) const MAX_PLACES: usize = 8;

/// Clients of one service; further ones count for the service, and are not followed.
pub(super) const MAX_CLIENTS: usize = 1024;

/// Clients of all services together.
pub(super) const ALL_CLIENTS: usize = 32_768;

/// Failures that are remembered; the oldest makes room.
pub(super) const MAX_FAILURES: usize = 4096;

/// Of these, how many are looked at when a client goes elsewhere.
pub(super) const NEWEST: usize = 256;

/// Packet numbers in one event's evidence.
pub(super) const MAX_PACKETS: usize = 64;

/// Addresses in one event's lists.
pub(super) const MAX_ADDRESSES: usize = 64;

/// Destinations whose services are known; once full, no more are learnt.
pub(super) const MAX_DESTINATIONS: usize = 16_384;

/// Services of one destination that are known; a gateway may have more.
pub(super) const MAX_SHARED: usize = 4;

/// Hellos that are remembered, so that a further leg is known; the oldest makes room.
pub(super) const MAX_HELLOS: usize = 16_384;

/// Names whose service is known without reading them; emptied when full.
pub(super) const MAX_NAMES: usize = 16_384;

/// Addresses whose service is known.
pub(super) const MAX_CALLERS: usize = 32_768;

/// Services of moved clients in one event.
pub(super) const MAX_MOVED: usize = 16;

/// Gateways that are remembered.
pub(super) const MAX_GATEWAYS: usize = 1024;

/// Events whose story is told at the end; later ones are told when they happen, and not again.
pub(super) const MAX_STORIES: usize = 1024;

/// Nanoseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a statistic needs no more than 53 bits")]
pub(super) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / SECOND as f64
}

/// A count as a real number.
#[expect(clippy::cast_precision_loss, reason = "a statistic needs no more than 53 bits")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// A count as an exponent.
pub(super) fn power(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
