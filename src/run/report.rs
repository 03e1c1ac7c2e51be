//! What a run says to the person at the terminal: standard error only, never a record.

use std::fmt::Display;
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::model::stats::RunStats;
use crate::output::escape;
use crate::tally::snapshot::Snapshot;

/// Writes a line to standard error; nobody is there to be told if that fails.
pub fn say(text: impl Display) {
    drop(writeln!(io::stderr().lock(), "{}", escape::words(&text.to_string())));
}

/// `1 packet`, `2 packets`.
fn many(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// tcpdump's three lines, and one about connections.
pub fn closing(snapshot: &Snapshot) -> String {
    let stats = &snapshot.stats;
    let mut text = format!(
        "{} captured\n{} received by filter\n{} dropped by kernel\n",
        many(stats.packets, "packet"),
        many(stats.source.received, "packet"),
        many(stats.source.dropped_by_kernel, "packet")
    );
    if stats.source.dropped_by_interface > 0 {
        _ = writeln!(text, "{} dropped by interface", many(stats.source.dropped_by_interface, "packet"));
    }
    if stats.dropped_by_app > 0 {
        let dropped = many(stats.dropped_by_app, "record");
        _ = writeln!(text, "{dropped} dropped by sni-watch: the output is too slow");
    }
    text + &connections(snapshot)
}

/// `159 connections (318 legs), 311 hellos with SNI, 5 without, 2 incomplete`, and what else is worth a word.
pub fn connections(snapshot: &Snapshot) -> String {
    let flows = &snapshot.stats.flows;
    let mut text = format!(
        "{} ({}), {} with SNI, {} without, {} incomplete",
        many(snapshot.connections, "connection"),
        many(snapshot.legs, "leg"),
        many(flows.with_sni, "hello"),
        flows.without_sni,
        flows.incomplete_hello
    );
    for (count, what) in [
        (flows.open_before, "open before the watch began"),
        (flows.unanswered, "refused or never answered"),
        (flows.no_hello, "without a hello"),
        (flows.evicted, "dropped because the table was full"),
        (flows.conflicts, "with contradictory bytes in the hello"),
        (
            snapshot.stats.source.cut.unwrap_or_default().packets,
            "packets cut off in the kernel, which is no loss",
        ),
    ] {
        if count > 0 {
            _ = write!(text, ", {count} {what}");
        }
    }
    text
}

/// Says how many packets the file of `-w` lacks.
pub fn lost(packets: u64) -> String {
    let packets = many(packets, "packet");
    format!("{packets} of connections in the -w file let go: held no longer than the outcome took")
}

/// Says why nothing was found, if nothing was.
pub fn nothing_found(stats: &RunStats) -> Option<String> {
    let flows = &stats.flows;
    if flows.with_sni + flows.without_sni + flows.incomplete_hello > 0 {
        return None;
    }
    let mut text =
        format!("no ClientHello in {} ({} TCP, {} UDP)", many(stats.packets, "packet"), stats.tcp, stats.udp);
    if flows.open_before > 0 {
        _ = write!(text, ": {} open before the capture began", many(flows.open_before, "connection"));
    }
    Some(text + ": is this the right filter?")
}

/// Says that the filters let nothing through, if they held something back.
pub fn nothing_chosen(left_out: u64) -> Option<String> {
    (left_out > 0).then(|| format!("none of {} passes the filters", many(left_out, "record")))
}

/// Says that connections were given up for others.
pub fn crowded(evicted: u64) -> String {
    let connections = many(evicted, "connection");
    format!("{connections} dropped because the table was full, and told as far as seen: raise --max-flows")
}

/// Packets that were passed over, by reason; empty if none were.
pub fn skipped(stats: &RunStats) -> String {
    let reasons = crate::model::skip::Skip::ALL.iter().filter_map(|skip| {
        let count = stats.skips.get(*skip);
        (count > 0).then(|| format!("{count} {}", skip.label()))
    });
    let list = reasons.collect::<Vec<_>>().join(", ");
    if list.is_empty() { list } else { format!("passed over: {list}") }
}

/// All counts on one line, for SIGUSR1.
pub fn counts(snapshot: &Snapshot) -> String {
    closing(snapshot).lines().collect::<Vec<_>>().join(", ")
}
