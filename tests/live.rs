//! The program watches real traffic: needs root, `ip netns`, `openssl` and `curl`, and says so where it has
//! not got them.
//!
//! Each test has network namespaces of its own. The watched end of their link is named `ens4`. Servers and
//! clients are real ones wherever a real one can be made to do what is wanted.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "test code fails loudly"
)]

#[path = "live/cut.rs"]
mod cut;
#[path = "live/dtls.rs"]
mod dtls;
#[path = "live/endings.rs"]
mod endings;
#[path = "live/frames.rs"]
mod frames;
#[path = "live/interfaces.rs"]
mod interfaces;
#[path = "live/names.rs"]
mod names;
#[path = "support/netns.rs"]
mod netns;
#[path = "live/outcomes.rs"]
mod outcomes;
#[path = "live/packets.rs"]
mod packets;
#[path = "live/rings.rs"]
mod rings;
mod support;
#[path = "live/traffic.rs"]
mod traffic;
#[path = "live/watch.rs"]
mod watch;
