//! Decodes a frame down to its transport segment: the links table and the way through it.

pub mod link;
