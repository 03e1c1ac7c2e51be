//! The binary: parse, plan, run, one error line, exit code.

fn main() {}
