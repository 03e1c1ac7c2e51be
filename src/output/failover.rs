//! A failover as JSON: an `event.action` of `failover`, member after member in the order of `docs/schema/v1.json`.

use std::sync::Arc;

use crate::failover::event::{Event, Evidence, Rule};
use crate::model::certificate::Identity;
use crate::model::frame::Timestamp;
use crate::output::certificate::{self, Who};
use crate::output::mesh;
use crate::output::origin::RenderedOrigin;
use crate::output::reason::Reason;
use crate::output::text::Text;

/// What the record needs besides the event.
pub(super) struct Place<'o> {
    /// All inputs.
    pub(super) origins: &'o [RenderedOrigin],
    /// The member `local_datacenter` with a comma in front, or nothing.
    pub(super) local: &'o [u8],
    /// The record's number.
    pub(super) sequence: u64,
}

/// The rest of a `failover` record, without its closing brace.
pub(super) fn failover(t: &mut Text<'_>, event: &Event, place: &Place<'_>) {
    t.lit(",\"event\":{\"kind\":\"event\",\"category\":[\"network\"],\"type\":[\"change\"],");
    t.lit("\"action\":\"failover\",\"reason\":");
    t.display(&Reason(event));
    t.lit(",\"sequence\":");
    t.number(place.sequence);
    t.lit("}");
    let origin = place.origins.get(usize::from(event.origin.0));
    if let Some(origin) = origin {
        t.raw(origin.observer());
    }
    t.lit(",\"mesh\":");
    mesh::members(t, &event.name);
    t.raw(place.local);
    if let Some(role) = event.role {
        t.lit(",\"role\":");
        t.word(role.name());
    }
    if let Some(caller) = &event.caller {
        certificate::identity(t.0, caller);
    }
    t.lit("},\"failover\":{\"rule\":");
    t.word(event.rule.name());
    what(t, event);
    t.lit(",\"evidence\":");
    evidence(t, event, origin.is_some_and(RenderedOrigin::is_file));
    t.lit("}");
    if let Some(origin) = origin {
        origin.packet(t, event.packet);
    }
}

fn what(t: &mut Text<'_>, event: &Event) {
    for (key, place) in [(",\"from\":", &event.from), (",\"to\":", &event.to)] {
        t.lit(key);
        match place {
            Some(place) => t.string(place),
            None => t.lit("null"),
        }
    }
    t.lit(",\"first_seen_ts\":");
    moment(t, event.first_seen);
    t.lit(",\"last_seen_old_ts\":");
    match event.last_seen_old {
        Some(time) => moment(t, time),
        None => t.lit("null"),
    }
    t.lit(",\"gap_ms\":");
    match event.gap {
        Some(gap) => t.millis(gap),
        None => t.lit("null"),
    }
    t.lit(",\"baseline_ms\":");
    t.millis(event.baseline);
    t.lit(",\"confidence\":");
    confidence(t, event.confidence);
    if event.rule == Rule::Silence {
        // nobody moves to silence
        t.lit(",\"clients_moved\":0,\"clients_stale\":0,\"stale\":[]");
        return;
    }
    t.lit(",\"clients_moved\":");
    t.number(event.moved);
    callers(t, ",\"moved_callers\":[", &event.moved_callers);
    t.lit(",\"clients_stale\":");
    t.number(event.stale.len() as u64);
    t.lit(",\"stale\":[");
    for (place, stale) in event.stale.iter().enumerate() {
        if place > 0 {
            t.lit(",");
        }
        t.address(stale.client);
    }
    t.lit("]");
    let mut known: Vec<_> = event.stale.iter().filter_map(|stale| stale.caller.clone()).collect();
    known.dedup();
    callers(t, ",\"stale_callers\":[", &known);
}

/// Services that certificates name; nothing where none does.
fn callers(t: &mut Text<'_>, key: &'static str, callers: &[Arc<Identity>]) {
    if callers.is_empty() {
        return;
    }
    t.lit(key);
    for (place, caller) in callers.iter().enumerate() {
        if place > 0 {
            t.lit(",");
        }
        t.display(&Who(caller));
    }
    t.lit("]");
}

/// Packet numbers are of the event's own capture.
fn evidence(t: &mut Text<'_>, event: &Event, is_file: bool) {
    let Evidence { refused, reset, alert, timeout, resets_by, packets, .. } = &event.evidence;
    let counts = [
        ("{\"refused\":", refused),
        (",\"reset\":", reset),
        (",\"alert\":", alert),
        (",\"timeout\":", timeout),
    ];
    for (key, count) in counts {
        t.lit(key);
        t.number(*count);
    }
    t.lit(",\"reset_by\":[");
    for (place, (ip, _)) in resets_by.iter().enumerate() {
        if place > 0 {
            t.lit(",");
        }
        t.address(*ip);
    }
    t.lit("],\"packets\":[");
    let own = packets.iter().filter(|(origin, _)| is_file && *origin == event.origin);
    for (place, (_, packet)) in own.enumerate() {
        if place > 0 {
            t.lit(",");
        }
        t.number(*packet);
    }
    t.lit("]}");
}

/// Seconds since 1970 with six decimals, as `ts`.
fn moment(t: &mut Text<'_>, time: Timestamp) {
    t.number(time.seconds());
    t.lit(".");
    t.digits(time.subsec_nanos() / 1000, 6);
}

/// Four decimals, cut: what is not certain never reads as 1.
fn confidence(t: &mut Text<'_>, confidence: f64) {
    t.lit("0.");
    t.digits(ten_thousandths(confidence), 4);
}

/// The confidence in ten-thousandths, cut, 9999 at most.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes an integer by saturation"
)]
pub(super) fn ten_thousandths(confidence: f64) -> u32 {
    ((confidence * 1e4) as u32).min(9999)
}
