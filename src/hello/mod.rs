//! Finds `ClientHellos` at the beginning of a stream, and reads what both sides say until they encrypt.

pub mod protocol;
