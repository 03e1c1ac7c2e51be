//! Which flows are still worth watching, and where the rest of their state is.

pub mod limits;
pub mod slab;
pub mod stream;
pub mod table;
