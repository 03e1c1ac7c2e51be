//! What is written: nothing that is read is emptied for it, and no two outputs meet.

use std::fs;

use crate::captures::{FAILOVER, pcap, three};
use crate::reread::read;
use crate::run::{Folder, command, sni_watch, words};

#[test]
fn what_cannot_be_written_is_told_before_anything_is_lost() {
    let folder = Folder::new();
    let path = folder.write("in.pcap", &pcap(&three()));
    for line in [format!("-r {path} -w {path}"), format!("-r {FAILOVER} -r {path} -w {path}")] {
        let told = format!("sni-watch: -w {path}: this file is read, and would be overwritten\n");
        sni_watch(&line).is("", &told, 2);
    }
    // The same by another name, and from an output that is text.
    let other = folder.path("other.pcap");
    fs::hard_link(&path, &other).unwrap();
    let record = folder.write("records.jsonl", sni_watch(&format!("-r {path} -j")).good().as_bytes());
    for (line, typed) in [
        (format!("-r {path} -w {other}"), format!("-w {other}")),
        (format!("-r {path} -o json:{path}"), format!("-o json:{path}")),
        (format!("--follow {path} -o none -o tsv:{other}"), format!("-o tsv:{other}")),
        (format!("correlate a={path} b={record} -o json:{record}"), format!("-o json:{record}")),
    ] {
        let told = format!("sni-watch: {typed}: this file is read, and would be overwritten\n");
        sni_watch(&line).is("", &told, 2);
    }
    assert_eq!(fs::read(&path).unwrap(), pcap(&three()));
    assert_eq!(fs::read_to_string(&record).unwrap().lines().count(), 3);
    for (options, told) in [
        ("-w - -j", "-w - and output `json` both write to stdout: give one of them a file"),
        ("-w - --print", "-w - and output `line` both write to stdout: give one of them a file"),
        ("-w - --count", "-w - and --count both write to stdout: give -w a file"),
    ] {
        sni_watch(&format!("-r {path} {options}")).is("", &format!("sni-watch: {told}\n"), 2);
    }
    let done = sni_watch(&format!("-r {path} -w no/such/folder"));
    done.is("", "sni-watch: cannot open no/such/folder: No such file or directory (os error 2)\n", 1);
    let json = folder.path("out.jsonl");
    let line = format!("-r {path} -w - -o json:{json} -o none");
    let beside = command(&words(&line)).output().unwrap();
    assert_eq!(read(&beside.stdout).packets.len(), three().len());
    assert_eq!(fs::read_to_string(json).unwrap().lines().count(), 3);
}

#[test]
fn two_outputs_do_not_write_to_one_file() {
    let folder = Folder::new();
    let (path, new, old) =
        (folder.write("in.pcap", &pcap(&three())), folder.path("new"), folder.write("old", b""));
    let link = folder.path("link");
    std::os::unix::fs::symlink(&old, &link).unwrap();
    for (first, second) in [
        (format!("-o json:{new}"), format!("-o tsv:{new}")),
        (format!("-o json:{old}"), format!("-o csv:{link}")),
        (format!("-o json:{new}"), format!("-w {new}")),
    ] {
        let told = format!("sni-watch: {first} and {second} write to the same file\n");
        sni_watch(&format!("-r {path} {first} {second}")).is("", &told, 2);
    }
    assert!(!fs::exists(&new).unwrap());
    // What holds nothing can be written by several.
    sni_watch(&format!("-r {path} -o json:/dev/null -o tsv:/dev/null")).is("", "", 0);
    sni_watch(&format!("-r {path} -o json:{new} -o tsv:{old}")).is("", "", 0);
    assert_eq!([&new, &old].map(|path| fs::read_to_string(path).unwrap().lines().count()), [3, 3]);
}
