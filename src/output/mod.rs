//! Outputs: the sinks table, and opening what the user named.

pub mod sink;
