//! Network namespaces for tests of live captures: made for one test, and removed with it.
//!
//! They need root and `ip netns`; where these are missing, a test says so and passes.
#![allow(dead_code, unreachable_pub, reason = "every test file mounts this module and uses a part of it")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "test code fails loudly")]

use std::fmt;
use std::fs::File;
use std::ops::Deref;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use nix::sched::{CloneFlags, setns};
use nix::unistd::Uid;

/// Address of the near end.
pub const NEAR: &str = "10.77.0.1";
/// Address of the far end.
pub const FAR: &str = "10.77.0.2";

/// A namespace with a name that no other test has; derefs to the name.
pub struct Namespace(String);

impl Namespace {
    /// None, and the reason printed, where this cannot be had.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        if !Uid::effective().is_root() {
            println!("skipped: needs root");
            return None;
        }
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = Self(format!("snw-{}-{id}", std::process::id()));
        if !ip(&["netns", "add", &namespace]) {
            println!("skipped: needs ip netns");
            return None;
        }
        if !ip(&["-n", &namespace, "link", "set", "lo", "up"]) {
            println!("skipped: ip cannot enter a namespace here, as in a chroot");
            return None;
        }
        Some(namespace)
    }
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&["netns", "delete", &self.0]);
    }
}

/// Two namespaces, joined by a pair of virtual Ethernet interfaces that are both named `ens4`.
pub struct Lab {
    /// The watched one.
    pub near: Namespace,
    /// Its peer.
    pub far: Namespace,
}

impl Lab {
    /// None, and the reason printed, where this cannot be had.
    pub fn new() -> Option<Self> {
        let lab = Self { near: Namespace::new()?, far: Namespace::new()? };
        join((&lab.near, "ens4", NEAR), (&lab.far, "ens4", FAR));
        Some(lab)
    }
}

/// Joins two namespaces: of each its name, its new interface and that one's address (of 256).
pub fn join(one: (&Namespace, &str, &str), other: (&Namespace, &str, &str)) {
    run(&format!("-n {} link add {} type veth peer name {} netns {}", one.0, one.1, other.1, other.0));
    for (namespace, interface, address) in [one, other] {
        run(&format!("-n {namespace} link set {interface} up"));
        run(&format!("-n {namespace} address add {address}/24 dev {interface}"));
    }
}

/// Runs `work` in a thread inside the namespace; a process that it starts is inside too.
pub fn inside<T: Send + 'static>(
    namespace: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let namespace = File::open(format!("/run/netns/{namespace}")).unwrap();
    thread::spawn(move || {
        setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
        work()
    })
}

/// Whether `ip` with these words succeeds.
pub fn ip(words: &[&str]) -> bool {
    Command::new("ip").args(words).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// `ip` with these words, which has to succeed.
pub fn run(words: &str) {
    assert!(ip(&words.split(' ').collect::<Vec<_>>()), "ip {words}");
}

/// Sends frames as they are out of `ens4` of the namespace.
pub fn send(namespace: &str, frames: Vec<Vec<u8>>) {
    inside(namespace, move || {
        let mut sender = pcap::Capture::from_device("ens4").unwrap().open().unwrap();
        for frame in frames {
            sender.sendpacket(frame).unwrap();
        }
    })
    .join()
    .unwrap();
}
