//! Live capture for real: needs root and `ip netns`, and says so where it has not got them.
//!
//! Each test has two network namespaces of its own, joined by a pair of virtual Ethernet interfaces, both
//! named `ens4`. VLAN tags are sent by hand, since not every kernel has VLAN interfaces.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::unistd::{Uid, User, getgroups, setuid};
use sni_watch::error::{Error, ExitCode};
use sni_watch::model::frame::{Frame, LinkType, OriginId, Timestamp};
use sni_watch::model::stats::SourceStats;
use sni_watch::source::interfaces;
use sni_watch::source::live::options::{Direction, LiveOptions};
use sni_watch::source::live::{LiveSource, WakeHandle};
use sni_watch::source::privileges::drop_privileges;
use sni_watch::source::{Progress, Source};

#[path = "support/netns.rs"]
mod netns;

use netns::{FAR, Lab, inside, ip, run, send};

const ETHERNET: LinkType = LinkType(1);
const RAW: LinkType = LinkType(101);
const SLL2: LinkType = LinkType(276);

impl Lab {
    /// Sends `text` over TCP from the near end to `port` of the far end; returns when it has come.
    fn talk(&self, port: u16, text: &'static str) {
        let (tell, ready) = mpsc::channel();
        let server = inside(&self.far, move || {
            let listener = TcpListener::bind((FAR, port)).unwrap();
            tell.send(()).unwrap();
            let mut come = String::new();
            listener.accept().unwrap().0.read_to_string(&mut come).unwrap();
            come
        });
        ready.recv().unwrap();
        inside(&self.near, move || {
            TcpStream::connect((FAR, port)).unwrap().write_all(text.as_bytes()).unwrap();
        })
        .join()
        .unwrap();
        assert_eq!(server.join().unwrap(), text);
    }

    /// Watches `interface` of the near end until the watch is stopped or fails.
    fn watch(&self, interface: &'static str, options: LiveOptions) -> Watch {
        let (tell, ready) = mpsc::channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (frames, stop) = (Arc::clone(&seen), Arc::clone(&is_stopped));
        let thread = inside(&self.near, move || {
            let mut source = LiveSource::open(interface, OriginId(3), &options).unwrap();
            tell.send(source.wake_handle()).unwrap();
            let mut ended = Ok(Progress::Idle);
            while ended.is_ok() && !stop.load(Ordering::Relaxed) {
                ended = source.drive(&mut |batch| {
                    frames.lock().unwrap().extend(batch.iter().map(Seen::new));
                    ControlFlow::Continue(())
                });
            }
            (ended.map(|_| source.link()), source.stats())
        });
        Watch { seen, is_stopped, wake: ready.recv().unwrap(), thread }
    }

    /// Tries to open `interface` of the near end.
    fn open(&self, interface: &'static str, options: LiveOptions) -> Result<LiveSource, Error> {
        inside(&self.near, move || LiveSource::open(interface, OriginId(3), &options)).join().unwrap()
    }
}

/// A frame that was lent, with what the visit knew.
#[derive(Debug)]
struct Seen {
    number: u64,
    link: LinkType,
    origin: OriginId,
    time: Timestamp,
    /// From the frame's time to its visit.
    delay: Duration,
    wire_len: u32,
    bytes: Vec<u8>,
}

impl Seen {
    fn new(frame: &Frame<'_>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self {
            number: frame.number,
            link: frame.link,
            origin: frame.origin,
            time: frame.time,
            delay: now.saturating_sub(Duration::from_nanos(frame.time.0)),
            wire_len: frame.wire_len,
            bytes: frame.bytes.to_vec(),
        }
    }

    fn has(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// A capture in a thread of its own.
struct Watch {
    seen: Arc<Mutex<Vec<Seen>>>,
    is_stopped: Arc<AtomicBool>,
    wake: WakeHandle,
    thread: JoinHandle<(Result<LinkType, Error>, SourceStats)>,
}

impl Watch {
    /// Waits until a frame holds `text`; false after five seconds.
    fn sees(&self, text: &str) -> bool {
        self.comes_to(|seen| seen.iter().any(|frame| frame.has(text)))
    }

    /// Waits until `is_enough` of all the frames; false after five seconds.
    fn comes_to(&self, is_enough: impl Fn(&[Seen]) -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            if is_enough(&self.seen.lock().unwrap()) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Ends it: all frames, and how it ended.
    fn stop(self) -> (Vec<Seen>, Result<LinkType, Error>, SourceStats) {
        self.is_stopped.store(true, Ordering::Relaxed);
        self.wake.wake();
        let (ended, stats) = self.thread.join().unwrap();
        (self.seen.lock().unwrap().drain(..).collect(), ended, stats)
    }
}

fn filtered(expression: &str) -> LiveOptions {
    LiveOptions { filter: Some(expression.to_owned()), ..LiveOptions::default() }
}

fn problem(opened: Result<LiveSource, Error>) -> (ExitCode, String) {
    let error = opened.err().unwrap();
    (error.exit_code(), error.to_string())
}

#[test]
fn frames_come_in_order_with_their_time_within_100_ms() {
    let Some(lab) = Lab::new() else { return };
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let watch = lab.watch("ens4", filtered("tcp"));
    lab.talk(443, "first of all");
    assert!(watch.sees("first of all"));
    let (seen, ended, stats) = watch.stop();
    assert_eq!(ended.unwrap(), ETHERNET);
    assert!(seen.iter().map(|frame| frame.number).eq(1..=seen.len() as u64));
    assert!(seen.iter().all(|frame| frame.link == ETHERNET && frame.origin == OriginId(3)));
    assert!(seen.iter().all(|frame| frame.wire_len as usize == frame.bytes.len()));
    assert!(seen.iter().all(|frame| Duration::from_nanos(frame.time.0) >= before));
    assert!(seen.iter().any(|frame| frame.time.0 % 1000 != 0), "nanoseconds");
    // The median: single frames may be late on a machine that is busy with other tests.
    let mut delays: Vec<_> = seen.iter().map(|frame| frame.delay).collect();
    delays.sort();
    assert!(delays[delays.len() / 2] < Duration::from_millis(100), "{delays:?}");
    assert!(stats.received >= seen.len() as u64, "{stats:?}");
    assert_eq!(stats.dropped_by_kernel, 0);
}

#[test]
fn microseconds_are_scaled() {
    let Some(lab) = Lab::new() else { return };
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let watch = lab.watch("ens4", LiveOptions { nano: false, ..filtered("tcp") });
    lab.talk(443, "of an hour");
    assert!(watch.sees("of an hour"));
    let (seen, ..) = watch.stop();
    // Microseconds are cut, so the first may seem to be up to one before its time.
    let earliest = before.saturating_sub(Duration::from_micros(1));
    let latest = before + Duration::from_secs(10);
    for frame in &seen {
        assert_eq!(frame.time.0 % 1000, 0);
        assert!((earliest..latest).contains(&Duration::from_nanos(frame.time.0)), "{:?}", frame.time);
    }
}

#[test]
fn a_filter_includes_tagged_frames_and_nothing_else() {
    let Some(lab) = Lab::new() else { return };
    let watch = lab.watch("ens4", filtered("port 443"));
    lab.talk(80, "another port");
    send(&lab.far, vec![tagged(80, "another tagged port")]);
    lab.talk(443, "without a tag");
    // The kernel takes the tag out of a received frame and libpcap puts it back; of a sent one it stays.
    send(&lab.far, vec![tagged(443, "received in a VLAN")]);
    send(&lab.near, vec![tagged(443, "sent into a VLAN")]);
    for text in ["without a tag", "received in a VLAN", "sent into a VLAN"] {
        assert!(watch.sees(text), "{text}");
    }
    let (seen, ..) = watch.stop();
    assert!(!seen.iter().any(|frame| frame.has("another")));
    for frame in &seen {
        let is_tagged = frame.bytes.get(12..16) == Some(&[0x81, 0, 0, 7]);
        assert_eq!(is_tagged, frame.has("VLAN"), "{frame:?}");
    }
}

/// A UDP datagram to `port` in VLAN 7, as bytes of an Ethernet frame.
fn tagged(port: u16, text: &str) -> Vec<u8> {
    let udp_len = 8 + u16::try_from(text.len()).unwrap();
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 1, 0x81, 0, 0, 7, 0x08, 0]);
    frame.extend([0x45, 0]);
    frame.extend((20 + udp_len).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 78, 0, 1, 10, 78, 0, 2]);
    frame.extend(40_000_u16.to_be_bytes());
    frame.extend(port.to_be_bytes());
    frame.extend(udp_len.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(text.as_bytes());
    frame
}

#[test]
fn any_tells_the_interface_and_takes_tagged_frames_with_the_plain_filter() {
    let Some(lab) = Lab::new() else { return };
    let watch = lab.watch("any", filtered("port 443"));
    lab.talk(80, "another port");
    lab.talk(443, "without a tag");
    send(&lab.far, vec![tagged(443, "received in a VLAN")]);
    assert!(watch.sees("without a tag"));
    assert!(watch.sees("received in a VLAN"));
    let to_self = inside(&lab.near, || {
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"on the loopback", "127.0.0.1:443").unwrap()
    });
    to_self.join().unwrap();
    assert!(watch.sees("on the loopback"));
    let (seen, ended, _) = watch.stop();
    assert_eq!(ended.unwrap(), SLL2);
    assert!(seen.iter().all(|frame| frame.link == SLL2 && !frame.has("another port")));
    // The header's interface index, at offset 4.
    let index = |text: &str| seen.iter().find(|frame| frame.has(text)).unwrap().bytes[4..8].to_vec();
    assert_eq!(index("without a tag"), index("received in a VLAN"));
    assert_ne!(index("without a tag"), index("on the loopback"));
}

#[test]
fn a_tunnel_without_link_header_takes_the_plain_filter() {
    let Some(lab) = Lab::new() else { return };
    if !ip(&["-n", &lab.near, "tuntap", "add", "tun0", "mode", "tun"]) {
        println!("skipped: needs tun");
        return;
    }
    run(&format!("-n {} link set tun0 up", lab.near));
    let source = lab.open("tun0", filtered("port 443")).unwrap();
    assert_eq!(source.link(), RAW);
}

#[test]
fn one_direction_if_asked_for() {
    let Some(lab) = Lab::new() else { return };
    let [sent, received] = [Direction::Out, Direction::In]
        .map(|direction| lab.watch("ens4", LiveOptions { direction, ..filtered("tcp port 443") }));
    lab.talk(443, "one way");
    assert!(sent.sees("one way"));
    assert!(received.comes_to(|seen| seen.len() >= 2));
    let ((sent, ..), (received, ..)) = (sent.stop(), received.stop());
    let is_to_server = |frame: &Seen| frame.bytes[36..38] == 443_u16.to_be_bytes();
    assert!(sent.iter().all(is_to_server), "{sent:?}");
    assert!(!received.iter().any(is_to_server), "{received:?}");
}

#[test]
fn a_snap_length_cuts_and_the_wire_length_stays() {
    let Some(lab) = Lab::new() else { return };
    let watch = lab.watch("ens4", LiveOptions { snaplen: 70, ..filtered("tcp[tcpflags] & tcp-push != 0") });
    lab.talk(443, "much is cut off here, but the first words are not");
    assert!(watch.sees("much"));
    let (seen, ..) = watch.stop();
    let cut = seen.iter().find(|frame| frame.has("much")).unwrap();
    assert_eq!((cut.bytes.len(), cut.wire_len), (70, 14 + 20 + 32 + 49));
}

#[test]
fn an_idle_interface_gives_control_back_and_a_wake_up_does_so_at_once() {
    let Some(lab) = Lab::new() else { return };
    let mut source = lab.open("ens4", filtered("udp port 9")).unwrap();
    let handle = source.wake_handle();
    let mut timed = |before: &dyn Fn()| {
        before();
        let start = Instant::now();
        let progress = source.drive(&mut |_| panic!("no frame was sent")).unwrap();
        assert_eq!(progress, Progress::Idle);
        start.elapsed()
    };
    let mut quiet: Vec<_> = (0..5).map(|_| timed(&|| ())).collect();
    quiet.sort();
    assert!(quiet[2] >= Duration::from_millis(40) && quiet[2] < Duration::from_millis(400), "{quiet:?}");
    let mut woken: Vec<_> = (0..5).map(|_| timed(&|| handle.wake())).collect();
    woken.sort();
    assert!(woken[2] < Duration::from_millis(40), "{woken:?}");
}

#[test]
fn a_wake_up_from_another_thread_ends_an_idle_watch() {
    let Some(lab) = Lab::new() else { return };
    let watch = lab.watch("ens4", filtered("udp port 9"));
    thread::sleep(Duration::from_millis(120));
    let start = Instant::now();
    let (seen, ended, _) = watch.stop();
    assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
    assert!(seen.is_empty() && ended.is_ok());
}

#[test]
fn a_visitor_that_breaks_off_gets_no_more_and_a_later_one_the_rest() {
    let Some(lab) = Lab::new() else { return };
    let mut source = lab.open("ens4", filtered("tcp")).unwrap();
    lab.talk(443, "to be continued");
    thread::sleep(Duration::from_millis(100));
    let mut numbers = Vec::new();
    let first = source.drive(&mut |batch| {
        numbers.push(batch[0].number);
        ControlFlow::Break(())
    });
    assert_eq!((first.unwrap(), numbers.as_slice()), (Progress::End, [1].as_slice()));
    let rest = source.drive(&mut |batch| {
        numbers.push(batch[0].number);
        ControlFlow::Continue(())
    });
    assert_eq!(rest.unwrap(), Progress::More);
    assert!(numbers.len() > 3 && numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
}

#[test]
fn a_flood_leaves_the_caller_in_control_and_drops_are_counted() {
    let Some(lab) = Lab::new() else { return };
    let options = LiveOptions { buffer_kib: Some(1024), ..filtered("udp port 9") };
    let mut source = lab.open("ens4", options).unwrap();
    inside(&lab.near, || {
        let socket = UdpSocket::bind("10.77.0.1:0").unwrap();
        for _ in 0..20_000 {
            socket.send_to(&[7; 400], (FAR, 9)).unwrap();
        }
    })
    .join()
    .unwrap();
    let mut lent = 0;
    let progress = source.drive(&mut |batch| {
        lent += batch.len();
        ControlFlow::Continue(())
    });
    assert_eq!(progress.unwrap(), Progress::More);
    assert_eq!(lent, 1024);
    let stats = source.stats();
    assert!(stats.dropped_by_kernel > 10_000, "{stats:?}");
    assert_eq!(source.stats().dropped_by_kernel, stats.dropped_by_kernel);
}

#[test]
fn an_interface_that_vanishes_is_an_error_after_all_its_frames() {
    let Some(lab) = Lab::new() else { return };
    let watch = lab.watch("ens4", filtered("tcp"));
    lab.talk(443, "the last words");
    run(&format!("-n {} link delete ens4", lab.near));
    let start = Instant::now();
    while !watch.thread.is_finished() && start.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(5));
    }
    let (seen, ended, _) = watch.stop();
    let error = ended.unwrap_err();
    assert_eq!(error.to_string(), "ens4: The interface disappeared");
    assert_eq!(error.exit_code(), ExitCode::Runtime);
    assert!(seen.iter().any(|frame| frame.has("the last words")));
}

#[test]
fn an_interface_that_goes_down_and_comes_back_is_watched_on() {
    let Some(lab) = Lab::new() else { return };
    let watch = lab.watch("ens4", filtered("tcp"));
    lab.talk(443, "before the break");
    run(&format!("-n {} link set ens4 down", lab.near));
    thread::sleep(Duration::from_millis(200));
    run(&format!("-n {} link set ens4 up", lab.near));
    lab.talk(443, "after the break");
    assert!(watch.sees("after the break"));
    let (seen, ended, _) = watch.stop();
    assert!(ended.is_ok() && seen.iter().any(|frame| frame.has("before the break")));
}

#[test]
fn what_cannot_be_opened_says_why_and_what_to_do() {
    let Some(lab) = Lab::new() else { return };
    run(&format!("-n {} link add asleep type veth peer name other", lab.near));
    let down = problem(lab.open("asleep", LiveOptions::default()));
    let remedy = "asleep: the interface is down: sudo ip link set asleep up";
    assert_eq!(down, (ExitCode::Runtime, remedy.to_owned()));
    let (code, told) = problem(lab.open("ens5", LiveOptions::default()));
    assert_eq!(code, ExitCode::Runtime);
    assert!(told.starts_with("ens5: no such interface; there are: "), "{told}");
    let names: Vec<_> = told.split(": ").last().unwrap().split(", ").collect();
    assert!(["ens4", "asleep", "lo", "any"].iter().all(|name| names.contains(name)), "{told}");
    assert!(!names.iter().any(|name| name.starts_with("nf") || name.starts_with("usbmon")), "{told}");
}

#[test]
fn a_filter_that_means_nothing_is_a_usage_error_about_the_words_as_typed() {
    let Some(lab) = Lab::new() else { return };
    for (words, told) in [
        ("prot 443", "syntax error"),
        ("tcp) or (udp", "syntax error"),
        ("port no-such-service", "no-such-service"),
    ] {
        let (code, text) = problem(lab.open("ens4", filtered(words)));
        assert_eq!(code, ExitCode::Usage);
        assert!(text.starts_with(&format!("filter '{words}': ")) && text.contains(told), "{text}");
    }
}

#[test]
fn link_types_begin_with_the_interfaces_own() {
    let Some(lab) = Lab::new() else { return };
    let of = |name: &'static str| {
        let found = inside(&lab.near, move || interfaces::link_types(name)).join().unwrap().unwrap();
        found.into_iter().map(|link| link.name).collect::<Vec<_>>()
    };
    assert_eq!(of("ens4")[0], "EN10MB");
    assert_eq!(of("any"), ["LINUX_SLL", "LINUX_SLL2"]);
}

#[test]
fn interfaces_have_their_addresses_and_flags() {
    let Some(lab) = Lab::new() else { return };
    run(&format!("-n {} link add asleep type veth peer name other", lab.near));
    let found = inside(&lab.near, interfaces::list).join().unwrap().unwrap();
    let of = |name: &str| found.iter().find(|interface| interface.name == name).unwrap();
    assert!(of("ens4").up && of("ens4").running && !of("ens4").loopback && !of("ens4").wireless);
    assert!(of("ens4").addresses.contains(&"10.77.0.1".parse().unwrap()));
    assert!(of("lo").loopback);
    assert!(!of("asleep").up);
}

/// Privileges do not come back, so this happens in a process of its own: the test, run once more.
#[test]
fn a_capture_outlives_roots_privileges_and_none_can_be_opened_after() {
    const CHILD: &str = "SNI_WATCH_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        watch_as_nobody();
        return;
    }
    if !Uid::effective().is_root() {
        println!("skipped: needs root");
        return;
    }
    let name = "a_capture_outlives_roots_privileges_and_none_can_be_opened_after";
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

fn watch_as_nobody() {
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let mut source = LiveSource::open("lo", OriginId(0), &filtered("udp")).unwrap();
    drop_privileges("nobody").unwrap();

    assert_eq!((Uid::current(), Uid::effective()), (nobody.uid, nobody.uid));
    assert_eq!(getgroups().unwrap(), [nobody.gid]);
    assert!(setuid(Uid::from_raw(0)).is_err());

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"still watching", socket.local_addr().unwrap()).unwrap();
    let end = Instant::now() + Duration::from_secs(5);
    let mut is_seen = false;
    while !is_seen && Instant::now() < end {
        source
            .drive(&mut |batch| {
                is_seen |= batch.iter().any(|frame| Seen::new(frame).has("still watching"));
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    assert!(is_seen);

    let (code, told) = problem(LiveSource::open("lo", OriginId(0), &LiveOptions::default()));
    let binary = std::env::current_exe().unwrap();
    assert_eq!(code, ExitCode::Runtime);
    let remedy = format!("sudo setcap cap_net_raw=ep {}", binary.display());
    assert_eq!(told, format!("lo: no permission to capture: {remedy} (or run it as root)"));
}
