//! `sni-watch`: who asks whom for which name, and how it ends, on the wire or in a capture.
//!
//! Data goes one way: frame → segment → hello → observation → snapshot → output; each module is one
//! stage, in that order. What travels stands in [`model`].

pub mod assemble;
pub mod catalog;
pub mod cli;
pub mod error;
pub mod failover;
pub mod flow;
pub mod hello;
pub mod ingest;
pub mod inspector;
pub mod intent;
pub mod model;
pub mod naming;
pub mod output;
pub mod path;
pub mod run;
pub mod source;
pub mod tally;
pub mod wire;

#[cfg(test)]
#[path = "../tests/support/sample.rs"]
mod sample;
