//! What typed inputs mean.

use super::*;
use crate::source::samples::{PcapBytes, PcapngBytes, TempDir};

fn names(directory: &TempDir, typed: &str) -> Vec<(Option<String>, String)> {
    let files = resolve(&[PathBuf::from(typed)]).unwrap().into_iter();
    files
        .map(|file| {
            let path = file.path.strip_prefix(directory.path()).unwrap_or(&file.path);
            (file.node, path.display().to_string())
        })
        .collect()
}

#[test]
fn a_file_a_node_and_standard_input() {
    let one = |typed: &str| {
        let file = resolve(&[PathBuf::from(typed)]).unwrap().remove(0);
        (file.node, file.path.display().to_string())
    };
    let node = |node: &str, path: &str| (Some(node.to_owned()), path.to_owned());
    assert_eq!(one("a.pcap"), (None, "a.pcap".to_owned()));
    assert_eq!(one("-"), (None, "-".to_owned()));
    assert_eq!(one("gw1=a.pcap"), node("gw1", "a.pcap"));
    assert_eq!(one("gw1=-"), node("gw1", "-"));
    assert_eq!(one("gw1=/x/b=c.pcap"), node("gw1", "/x/b=c.pcap"));
    assert_eq!(one("x/y=a.pcap"), (None, "x/y=a.pcap".to_owned()));
    assert_eq!(one("=a.pcap"), (None, "=a.pcap".to_owned()));
    assert_eq!(one("a="), (None, "a=".to_owned()));
}

/// In the working directory, since a path ahead of `=` is no node anyway.
#[test]
fn a_file_of_the_whole_name_wins() {
    let name = format!("inputs-test-{}=a.pcap", std::process::id());
    assert!(split(Path::new(&name)).0.is_some());
    std::fs::write(&name, b"").unwrap();
    let (node, path) = split(Path::new(&name));
    std::fs::remove_file(&name).unwrap();
    assert_eq!((node, path), (None, PathBuf::from(&name)));
}

#[test]
fn a_directory_is_its_captures_by_name() {
    let directory = TempDir::new("directory");
    directory.write("b.txt", &PcapBytes::usual().bytes);
    directory.write("a.pcapng", &PcapngBytes::usual().bytes);
    directory.write("c.zst", &zstd::encode_all(&PcapBytes::usual().bytes[..], 1).unwrap());
    directory.write("text.pcap", b"not a capture");
    directory.write("empty.pcap", b"");
    directory.write("packed.gz", b"\x1f\x8b\x08\0");
    std::fs::create_dir(directory.path().join("sub")).unwrap();
    std::fs::write(directory.path().join("sub/d.pcap"), PcapBytes::usual().bytes).unwrap();
    let plain = directory.path().display().to_string();
    let listed: Vec<_> =
        names(&directory, &plain).into_iter().map(|(node, name)| (node.is_some(), name)).collect();
    assert_eq!(listed, ["a.pcapng", "b.txt", "c.zst"].map(|name| (false, name.to_owned())));
    let named = names(&directory, &format!("gw={plain}"));
    assert!(named.len() == 3 && named.iter().all(|(node, _)| node.as_deref() == Some("gw")));
}

#[test]
fn a_directory_without_captures_is_an_error() {
    let directory = TempDir::new("none");
    directory.write("notes.txt", b"nothing here");
    let error = resolve(&[directory.path().to_path_buf()]).unwrap_err().to_string();
    assert!(error.ends_with(": no capture file in this directory"), "{error}");
}

#[test]
fn standard_input_is_read_once() {
    let error = resolve(&["-".into(), "gw=-".into()]).unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error}");
    assert_eq!(resolve(&["-".into(), "a".into()]).unwrap().len(), 2);
}
