//! The program as it is typed: standard output, standard error and exit code of every ending.
#![allow(clippy::print_stdout, reason = "a test says why it is skipped")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code fails loudly")]
#![allow(clippy::indexing_slicing, reason = "test code fails loudly")]
#![allow(unreachable_pub, reason = "the modules below share their helpers")]

mod support;

#[path = "cli/captures.rs"]
mod captures;
#[path = "cli/catalog.rs"]
mod catalog;
#[path = "cli/damage.rs"]
mod damage;
#[path = "cli/endings.rs"]
mod endings;
#[path = "cli/expected.rs"]
mod expected;
#[path = "cli/failures.rs"]
mod failures;
#[path = "cli/follow.rs"]
mod follow;
#[path = "cli/merged.rs"]
mod merged;
#[path = "cli/packets.rs"]
mod packets;
#[path = "cli/progress.rs"]
mod progress;
#[path = "cli/questions.rs"]
mod questions;
#[path = "cli/recipes.rs"]
mod recipes;
#[path = "cli/reread.rs"]
mod reread;
#[path = "cli/rows.rs"]
mod rows;
#[path = "cli/rules.rs"]
mod rules;
#[path = "support/run.rs"]
mod run;
#[path = "cli/selections.rs"]
mod selections;
#[path = "cli/signals.rs"]
mod signals;
#[path = "cli/views.rs"]
mod views;
#[path = "cli/written.rs"]
mod written;
