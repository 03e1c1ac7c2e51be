//! Counters of the run as JSON: a `capture_stats` record.

use crate::model::stats::RunStats;

use crate::output::origin::RenderedOrigin;
use crate::output::text::Text;

/// The rest of a `capture_stats` record, without its closing brace.
pub(super) fn stats(t: &mut Text<'_>, stats: &RunStats, sequence: u64, first: Option<&RenderedOrigin>) {
    t.lit(",\"event\":{\"kind\":\"metric\",\"category\":[\"network\"],\"type\":[\"info\"],");
    t.lit("\"action\":\"capture_stats\",\"sequence\":");
    t.number(sequence);
    t.lit("}");
    if let Some(first) = first {
        t.lit(",\"observer\":{\"hostname\":");
        t.raw(first.node());
        t.lit("}");
    }
    let flows = &stats.flows;
    let counts = [
        (",\"capture\":{\"packets\":", stats.packets),
        (",\"bytes\":", stats.bytes),
        (",\"received_by_filter\":", stats.source.received),
        (",\"dropped_by_kernel\":", stats.source.dropped_by_kernel),
        (",\"dropped_by_interface\":", stats.source.dropped_by_interface),
        (",\"dropped_by_app\":", stats.dropped_by_app),
    ];
    for (key, count) in counts {
        t.lit(key);
        t.number(count);
    }
    if let Some(cut) = stats.source.cut {
        t.lit(",\"cut_packets\":");
        t.number(cut.packets);
        t.lit(",\"cut_bytes\":");
        t.number(cut.bytes);
    }
    let counts = [
        ("},\"flows\":{\"active\":", flows.active),
        (",\"total\":", flows.total),
        (",\"with_sni\":", flows.with_sni),
        (",\"without_sni\":", flows.without_sni),
        (",\"ech\":", flows.ech),
        (",\"incomplete_hello\":", flows.incomplete_hello),
        (",\"evicted\":", flows.evicted),
    ];
    for (key, count) in counts {
        t.lit(key);
        t.number(count);
    }
    t.lit("}");
}
