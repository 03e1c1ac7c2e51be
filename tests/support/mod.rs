//! Turns readable scenarios into captures.
//!
//! A scenario is TOML (`fixtures/NAME.toml`, see `fixtures/README.md`) or the same structs filled in Rust.
//! The way through: [`scenario`] (text to structs) → [`play`] (a connection to packets) → [`packet`] (TCP
//! and IP) → [`link`] (link headers) → [`pcap`] or [`pcapng`] (files). [`hello`], [`server`] and [`tls`]
//! write the TLS messages, [`dtls`] says the same in datagrams. Nothing here uses the crate under test: it is an independent witness.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test file and bench mounts this module and uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::missing_panics_doc,
    reason = "test code: a scenario's numbers are small and written by us"
)]

pub mod connection;
pub mod damage;
pub mod der;
pub mod dtls;
pub mod hello;
pub mod link;
pub mod packet;
pub mod pcap;
pub mod pcapng;
pub mod pieces;
pub mod play;
pub mod quic;
pub mod random;
pub mod scenario;
pub mod server;
pub mod tls;
pub mod workload;
