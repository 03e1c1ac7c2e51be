//! Rotations in every order, one step at a time: what a source gives after each.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::*;
use crate::source::samples::TempDir;

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The header of a classic capture, Ethernet.
fn header() -> Vec<u8> {
    [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 8], &[0, 0, 4, 0, 1, 0, 0, 0]].concat()
}

/// A packet of one byte.
fn packet(byte: u8) -> Vec<u8> {
    [&[0; 8][..], &[1, 0, 0, 0, 1, 0, 0, 0, byte]].concat()
}

fn capture(bytes: &[u8]) -> Vec<u8> {
    header().into_iter().chain(bytes.iter().flat_map(|byte| packet(*byte))).collect()
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// What a source gives: packets with their number in the file and the file's number, files, errors.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Packet(u8, u64, u16),
    Opened(String),
    Error(String),
}

use Event::{Error as Told, Opened as Begun, Packet};

/// A source on a thread of its own.
struct Run {
    events: Receiver<Event>,
    signs: Signs,
    thread: Option<JoinHandle<()>>,
}

impl Run {
    fn new(path: &Path) -> Self {
        let (sender, events) = channel();
        let signs = Signs::default();
        let mut follow = Follow::new(path.to_owned(), (0, 1), signs.clone()).ok().unwrap();
        let drive = move || loop {
            let mut found = Vec::new();
            let driven = follow.drive(&mut |frames| {
                found.extend(frames.iter().map(|it| Packet(it.bytes[0], it.number, it.origin.0)));
                ControlFlow::Continue(())
            });
            let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            let opened = follow.opened();
            let mut events: Vec<Event> = opened.iter().map(|it| Begun(name(&it.path))).collect();
            events.extend(found);
            let ended = matches!(driven, Ok(Progress::End));
            if let Err(error) = driven {
                if follow.signs.stop.load(Ordering::Relaxed) {
                    return;
                }
                events.push(Told(error.to_string().rsplit('/').next().unwrap().to_owned()));
            }
            for event in events {
                drop(sender.send(event));
            }
            if ended {
                return;
            }
        };
        Self { events, signs, thread: Some(thread::spawn(drive)) }
    }

    #[track_caller]
    fn gives(&self, expected: &[Event]) {
        for event in expected {
            assert_eq!(&self.events.recv_timeout(PATIENCE).expect("something happens"), event);
        }
    }

    /// Stops it; nothing more was given.
    #[track_caller]
    fn stops(mut self) {
        self.signs.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        assert_eq!(self.events.try_iter().collect::<Vec<_>>(), []);
    }
}

#[test]
fn a_file_is_read_on_as_it_grows_even_within_a_packet() {
    let folder = TempDir::new("follow-grow");
    let path = folder.path().join("a.pcap");
    let run = Run::new(&path);
    fs::write(&path, &header()[..10]).unwrap();
    append(&path, &header()[10..]);
    append(&path, &packet(1));
    run.gives(&[Begun("a.pcap".into()), Packet(1, 1, 0)]);
    append(&path, &packet(2)[..7]);
    append(&path, &packet(2)[7..]);
    append(&path, &packet(3));
    run.gives(&[Packet(2, 2, 0), Packet(3, 3, 0)]);
    run.stops();
}

#[test]
fn a_name_is_followed_over_a_rotation() {
    let folder = TempDir::new("follow-rotate");
    let path = folder.path().join("a.pcap");
    fs::write(&path, capture(&[1])).unwrap();
    let run = Run::new(&path);
    run.gives(&[Begun("a.pcap".into()), Packet(1, 1, 0)]);
    // logrotate: moved, and a new file that is empty at first. The writer goes on with the old one for a while.
    let moved = folder.path().join("a.pcap.1");
    fs::rename(&path, &moved).unwrap();
    append(&moved, &packet(2));
    fs::write(&path, b"").unwrap();
    append(&moved, &packet(3));
    run.gives(&[Packet(2, 2, 0), Packet(3, 3, 0)]);
    append(&moved, &packet(4));
    fs::write(&path, capture(&[5])).unwrap();
    run.gives(&[Packet(4, 4, 0), Begun("a.pcap".into()), Packet(5, 1, 1)]);
    // Removed, and made anew.
    fs::remove_file(&path).unwrap();
    fs::write(&path, capture(&[6])).unwrap();
    run.gives(&[Begun("a.pcap".into()), Packet(6, 1, 2)]);
    // Emptied in place.
    fs::write(&path, header()).unwrap();
    run.gives(&[Begun("a.pcap".into())]);
    append(&path, &packet(7));
    run.gives(&[Packet(7, 1, 3)]);
    run.stops();
}

/// Sets when a file was written last, in seconds; file systems tell moments apart less finely than tests.
fn written(path: &Path, seconds: u64) {
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn a_directory_gives_its_captures_in_the_order_of_their_writing() {
    let folder = TempDir::new("follow-directory");
    let at = |name: &str| folder.path().join(name);
    // The newest has the first name, as logrotate leaves it.
    fs::write(at("a.pcap"), capture(&[3])).unwrap();
    fs::write(at("a.pcap.1"), capture(&[2])).unwrap();
    fs::write(at("a.pcap.2"), capture(&[1])).unwrap();
    fs::write(at("notes.txt"), "no capture, though it is long enough to be one").unwrap();
    for (name, seconds) in [("a.pcap", 1_003), ("a.pcap.1", 1_002), ("a.pcap.2", 1_001), ("notes.txt", 1_000)]
    {
        written(&at(name), seconds);
    }
    let run = Run::new(folder.path());
    let begun = |name: &str| Begun(name.into());
    run.gives(&[
        begun("a.pcap.2"),
        Packet(1, 1, 0),
        begun("a.pcap.1"),
        Packet(2, 1, 1),
        begun("a.pcap"),
        Packet(3, 1, 2),
    ]);
    // A new name, as dumpcap -b makes it; the old file goes away once it was read.
    fs::write(at("b.pcap"), header()).unwrap();
    run.gives(&[begun("b.pcap")]);
    fs::remove_file(at("a.pcap.2")).unwrap();
    append(&at("b.pcap"), &packet(4));
    run.gives(&[Packet(4, 1, 3)]);
    // All move on by one name: those that were read are known, whatever they are called.
    fs::rename(at("a.pcap.1"), at("a.pcap.2")).unwrap();
    fs::rename(at("a.pcap"), at("a.pcap.1")).unwrap();
    fs::rename(at("b.pcap"), at("b.pcap.1")).unwrap();
    append(&at("b.pcap.1"), &packet(5));
    run.gives(&[Packet(5, 2, 3)]);
    fs::write(at("a.pcap"), capture(&[6])).unwrap();
    run.gives(&[begun("a.pcap"), Packet(6, 1, 4)]);
    // An old name is written again from its beginning, as tcpdump -W does.
    fs::write(at("a.pcap.1"), header()).unwrap();
    fs::write(at("a.pcap.1"), b"").unwrap();
    fs::write(at("a.pcap.2"), &header()[..23]).unwrap();
    append(&at("a.pcap.2"), &header()[23..]);
    run.gives(&[begun("a.pcap.2")]);
    run.stops();
}

#[test]
fn what_is_no_capture_is_told_once_and_a_later_one_is_read() {
    let folder = TempDir::new("follow-refused");
    let path = folder.path().join("a.pcap");
    fs::write(&path, "this is text, and long enough to be seen as such").unwrap();
    let run = Run::new(&path);
    let told = "a.pcap: not a capture file (first bytes 74 68 69 73 20 69 73 20 …)";
    run.gives(&[Begun("a.pcap".into()), Told(told.into())]);
    let other = folder.path().join("b");
    fs::write(&other, capture(&[1])).unwrap();
    fs::rename(&other, &path).unwrap();
    run.gives(&[Begun("a.pcap".into()), Packet(1, 1, 1)]);
    // One that is cut off by its successor.
    append(&path, &packet(2)[..10]);
    fs::write(&other, capture(&[3])).unwrap();
    fs::rename(&other, &path).unwrap();
    run.gives(&[
        Told("a.pcap: cut short in packet 2, at byte 41".into()),
        Begun("a.pcap".into()),
        Packet(3, 1, 2),
    ]);
    run.stops();
}

#[test]
fn a_directory_that_is_not_there_is_an_error_and_a_file_is_waited_for() {
    let folder = TempDir::new("follow-missing");
    Run::new(&folder.path().join("later.pcap")).stops();
    let locked = folder.path().join("file");
    fs::write(&locked, b"").unwrap();
    Run::new(&locked).stops();
}

#[test]
fn numbers_of_files_begin_again() {
    let folder = TempDir::new("follow-numbers");
    let path = folder.path().join("a.pcap");
    fs::write(&path, capture(&[1])).unwrap();
    let mut follow = Follow::new(path, (1, 3), Signs::default()).ok().unwrap();
    follow.begun = FILES + 2;
    assert!(matches!(follow.drive(&mut |_| ControlFlow::Break(())), Ok(Progress::More)));
    assert_eq!(follow.opened()[0].origin, OriginId(7));
}
