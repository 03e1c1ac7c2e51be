//! Reader, inspectors and collector: the threads of a run and the channels between them.

pub mod plan;
pub mod select;
