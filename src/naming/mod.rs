//! What a server name means: the schemes table, first to recognise a name wins, `plain` is last.

pub mod scheme;
