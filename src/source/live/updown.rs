//! Whether an interface is up, and what to say when that changes.

use std::time::{Duration, Instant};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

/// How often an interface is looked at while nothing comes: one that is up, and one that is down.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_DOWN: Duration = Duration::from_millis(200);

/// What is known of one interface.
#[derive(Debug)]
pub(super) struct UpDown {
    looked: Instant,
    down: bool,
    notice: Option<String>,
}

impl UpDown {
    /// An interface that is up.
    pub(super) fn new() -> Self {
        Self { looked: Instant::now(), down: false, notice: None }
    }

    /// Takes note of a wait that ended; `failed`: the socket reported an error, as it does once when the interface
    /// goes down.
    pub(super) fn look(&mut self, interface: &str, failed: bool) {
        let pause = if self.down { PAUSE_DOWN } else { PAUSE };
        if !failed && self.looked.elapsed() < pause {
            return;
        }
        self.looked = Instant::now();
        let Some(is_up) = is_up(interface) else { return };
        if self.down == is_up {
            self.down = !is_up;
            let news = if is_up { "is up again" } else { "went down; the watch goes on when it is up again" };
            self.notice = Some(format!("{interface}: the interface {news}"));
        }
    }

    /// What to say, once.
    pub(super) fn notice(&mut self) -> Option<String> {
        self.notice.take()
    }
}

/// `None` where there is no such interface, or the system does not tell.
fn is_up(interface: &str) -> Option<bool> {
    let mut all = getifaddrs().ok()?;
    let found = all.find(|one| one.interface_name == interface)?;
    Some(found.flags.contains(InterfaceFlags::IFF_UP))
}
