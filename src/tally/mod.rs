//! Counts connections by what the user asks: service, datacenter, name, addresses. Bounded.

pub mod snapshot;
