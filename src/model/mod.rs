//! The types that travel from stage to stage; they import nothing, and every stage imports them.
//!
//! `'a` on a type always means "captured bytes": such a value ends in the inspector. What leaves the
//! inspector ([`observation::Observation`]) is owned and `'static`.

pub mod certificate;
pub mod digest;
pub mod directory;
pub mod frame;
pub mod hello;
pub mod mesh;
pub mod name;
pub mod observation;
pub mod seed;
pub mod segment;
pub mod skip;
pub mod stats;
