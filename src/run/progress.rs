//! How far files have been read: a bar on standard error, for a person who waits.
//!
//! It appears after a second, on a terminal only, and not where the records themselves go to the terminal: those show
//! well enough that it goes on.

use std::io::{IsTerminal, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;
use crate::output::sink::Place;
use crate::run::plan::Plan;
use crate::source::input::Signs;
use crate::source::inputs::CaptureFile;

/// Shorter runs show nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two changes of the bar.
const STEP: Duration = Duration::from_millis(100);

const TEMPLATE: &str = "[{bar:24}] {binary_bytes} of {binary_total_bytes}, {msg}";

/// The outputs that write nothing before the end.
const SILENT: [&str; 3] = ["table", "timeline", "none"];

/// A bar that may appear.
pub struct Bar {
    read: Arc<AtomicU64>,
    total: u64,
    begun: Instant,
    next: Instant,
    shown: Option<ProgressBar>,
}

impl Bar {
    /// The bar of a run over these captures; `None` where nobody would look at it, or where a capture has no
    /// length.
    pub(super) fn of(plan: &Plan, captures: &[CaptureFile], signs: &Signs) -> Option<Self> {
        if plan.view.quiet || !stderr().is_terminal() || (stdout().is_terminal() && prints(plan)) {
            return None;
        }
        let mut total = 0;
        for capture in captures {
            let file = capture.path.metadata().ok().filter(std::fs::Metadata::is_file)?;
            total += file.len();
        }
        let begun = Instant::now();
        Some(Self { read: Arc::clone(&signs.read), total, begun, next: begun + PATIENCE, shown: None })
    }

    /// Shows what was read and found so far, if it is time.
    pub(super) fn look(&mut self, names: u64) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + STEP;
        let read = self.read.load(Ordering::Relaxed);
        let millis = now.duration_since(self.begun).as_millis().max(1);
        let rate = u64::try_from(u128::from(read) * 1000 / millis).unwrap_or(u64::MAX);
        let plural = if names == 1 { "" } else { "s" };
        let message = format!("{}/s, {names} name{plural}", BinaryBytes(rate));
        let bar = self.shown.get_or_insert_with(|| bar(self.total, read));
        bar.set_message(message);
        bar.set_position(read);
    }

    /// Takes the bar away; it comes again at the next look.
    pub(super) fn hide(&mut self) {
        if let Some(bar) = self.shown.take() {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: u64, read: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_position(read);
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// True if records are printed as they come.
fn prints(plan: &Plan) -> bool {
    plan.outputs.iter().any(|spec| {
        output::find(spec).is_ok_and(|(row, place)| place == Place::Stdout && !SILENT.contains(&row.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_well_formed_and_the_silent_outputs_are_outputs() {
        ProgressStyle::with_template(TEMPLATE).unwrap();
        for name in SILENT {
            output::find(name).unwrap();
        }
    }
}
