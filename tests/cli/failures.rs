//! Exit code 1 where the system says no, exit code 2 where what was typed means nothing.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use nix::unistd::Uid;

use crate::captures::{FAILOVER, pcap, three, three_lines};
use crate::run::{BINARY, Done, Folder, command, run, sni_watch, words};

#[test]
fn a_file_that_is_not_there() {
    sni_watch("-r no/such.pcap").is(
        "",
        "sni-watch: cannot open no/such.pcap: No such file or directory (os error 2)\n",
        1,
    );
    let told = "sni-watch: cannot read filter file no/such.bpf: No such file or directory (os error 2)\n";
    sni_watch(&format!("-r {FAILOVER} -F no/such.bpf")).is("", told, 1);
}

/// Runs the program without privileges, from a copy that everybody may run; `None` where that cannot be.
fn as_nobody(folder: &Folder, line: &str) -> Option<(String, Done)> {
    let binary = folder.path("sni-watch");
    if !fs::exists(&binary).unwrap() {
        fs::copy(BINARY, &binary).unwrap();
        fs::set_permissions(&binary, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.root(), Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = if Uid::effective().is_root() {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups", &binary]);
        if Command::new("setpriv").arg("--version").output().is_err() {
            println!("skipped: needs setpriv (util-linux) to give root's privileges up");
            return None;
        }
        setpriv
    } else {
        Command::new(&binary)
    };
    command.args(words(line)).env("TZ", "UTC").stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    Some((binary, run(command)))
}

#[test]
fn a_file_that_may_not_be_read() {
    let folder = Folder::new();
    let path = folder.write("secret.pcap", &pcap(&three()));
    let open = folder.write("open.pcap", &pcap(&three()));
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    let told = format!("sni-watch: cannot open {path}: Permission denied (os error 13)\n");
    let Some((_, done)) = as_nobody(&folder, &format!("-r {path}")) else { return };
    done.is("", &told, 1);
    let (_, done) = as_nobody(&folder, &format!("-r {path} -r {open}")).unwrap();
    done.is(&three_lines().concat(), &told, 1);
}

#[test]
fn no_permission_to_capture_tells_the_remedy_for_this_very_binary() {
    let folder = Folder::new();
    let Some((binary, done)) = as_nobody(&folder, "-i lo port 443") else { return };
    let remedy = format!(
        "sni-watch: lo: no permission to capture: sudo setcap cap_net_raw=ep {binary} (or run it as root)\n"
    );
    done.is("", &remedy, 1);
}

#[test]
fn no_such_interface_names_those_there_are() {
    let done = sni_watch("-i nosuch0 port 443");
    assert_eq!((done.out.as_str(), done.code), ("", Some(1)));
    let list = done.err.strip_prefix("sni-watch: nosuch0: no such interface; there are: ").expect(&done.err);
    assert!(list.trim_end().split(", ").any(|name| name == "lo"), "{list}");
}

#[test]
fn an_output_that_cannot_be_written() {
    let full = "No space left on device (os error 28)";
    for name in ["line", "json", "table"] {
        let done = sni_watch(&format!("-r {FAILOVER} -o {name}:/dev/full"));
        done.is("", &format!("sni-watch: cannot write /dev/full: {full}\n"), 1);
    }
    let done = sni_watch(&format!("-r {FAILOVER} -o json:/no/such/dir/out"));
    done.is("", "sni-watch: cannot open /no/such/dir/out: No such file or directory (os error 2)\n", 1);
    let watch = |more| format!("-r {FAILOVER} {more}");
    for (line, name) in [
        (watch("-o line"), "standard output"),
        (watch("-o json"), "standard output"),
        (watch("-o table"), "standard output"),
        (watch("--count"), "standard output"),
        ("explain a.example".into(), "standard output"),
        ("explain a.example --json".into(), "standard output"),
        ("interfaces".into(), "standard output"),
        ("man".into(), "man"),
        ("completions zsh".into(), "completions"),
    ] {
        let mut command = command(&words(&line));
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        run(command).is("", &format!("sni-watch: cannot write {name}: {full}\n"), 1);
    }
    for line in ["--help", "--version", "summary --help"] {
        let mut command = command(&words(line));
        command.stdout(File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(run(command).code, Some(1), "{line}");
    }
}

#[test]
fn what_means_nothing_is_2_and_says_which_word() {
    let out = format!("-r {FAILOVER}");
    for (line, told) in [
        ("-r x --bogus", "error: unexpected argument '--bogus' found\n"),
        ("-r x -y", "error: unexpected argument '-y' found\n"),
        (
            &format!("{out} prot 443"),
            "sni-watch: filter `prot 443`: can't parse filter expression: syntax error\n",
        ),
        (&format!("{out} -f tcp)or(udp"), "sni-watch: filter `tcp)or(udp`: "),
        (&format!("{out} port no-such-service"), "sni-watch: filter `port no-such-service`: "),
        ("-r x --sni /(/", "sni-watch: --sni '/(/': regex parse error:\n"),
        ("-r x --dc [a", "sni-watch: --dc '[a': unclosed character class"),
        (
            "-r x --name-pattern (",
            "sni-watch: --name-pattern '(': the pattern is no regular expression: unclosed group\n",
        ),
        (
            "-r x --name-pattern a",
            "sni-watch: --name-pattern 'a': the pattern has no named group, as (?<service>[^.]+); ",
        ),
        ("explain a --name-pattern (?<x>a)", "sni-watch: --name-pattern '(?<x>a)': no field is called 'x'; "),
        (
            "-r x --client 10.0.0",
            "sni-watch: --client '10.0.0': not an address or a network such as 10.42.0.0/16\n",
        ),
        (
            "-r x --result bad",
            "error: invalid value 'bad' for '--result <RESULT>'\n  [possible values: ok, alert, reset, ",
        ),
        ("-r x --emit bad", "error: invalid value 'bad' for '--emit <KIND>'\n"),
        ("summary -r x --by bad", "error: invalid value 'bad' for '--by <WHAT>'\n"),
        ("-r x --since noon", "error: invalid value 'noon' for '--since <WHEN>': not a time such as "),
        ("-r x --since 20 --until 10", "sni-watch: --since is later than --until\n"),
        ("-r x --since 10:31 --until 10:30", "sni-watch: --since is later than --until\n"),
        ("-i lo --jobs 257", "error: invalid value '257' for '--jobs <N>': not of 0 to 256\n"),
        ("-r x -c 0", "error: invalid value '0' for '-c <N>': "),
        ("-r x -tttttt", "sni-watch: -t can be typed five times at most\n"),
        ("-i lo -r x", "sni-watch: -i and -r exclude each other: watch interfaces or read captures\n"),
        ("-i any -i lo", "sni-watch: -i any covers every interface: leave the other -i out\n"),
        ("-r x -Q in", "sni-watch: -Q needs -i: a capture file does not say which way its packets went\n"),
        (
            "-r x -o xml",
            "sni-watch: unknown output `xml`: use one of line, json, tsv, csv, table, timeline, none\n",
        ),
        ("-r x -o json:", "sni-watch: output `json:` names no file after the colon\n"),
        ("-r - -r -", "sni-watch: standard input (-) can be read once only\n"),
        (&format!("{out} -Z no-such-user"), "sni-watch: no such user to run as: no-such-user\n"),
        (&format!("{out} -f tcp port 443"), "sni-watch: more than one filter: give the words, -f or -F\n"),
        (&format!("{out} summary"), "error: `summary` goes first: sni-watch summary ...\n"),
        ("-L", "sni-watch: -L needs one -i INTERFACE\n"),
        ("explain", "error: the following required arguments were not provided:\n  <NAME>\n"),
        ("completions tcsh", "error: invalid value 'tcsh' for '<SHELL>'\n"),
    ] {
        let done = sni_watch(line);
        assert_eq!((done.out.as_str(), done.code), ("", Some(2)), "{line}: {done:?}");
        assert!(done.err.starts_with(told), "{line}: {}", done.err);
    }
}

#[test]
fn no_input_is_2_and_names_the_interfaces() {
    for line in ["", "port 443", "summary", "-o json"] {
        let done = sni_watch(line);
        assert_eq!((done.out.as_str(), done.code), ("", Some(2)), "{line}");
        let hint = done.err.strip_prefix("sni-watch: no input: -i INTERFACE or -r FILE; interfaces here: ");
        let hint = hint.expect(&done.err).strip_suffix('\n').unwrap();
        assert!(hint.split(", ").any(|name| name == "lo"), "{line}: {hint}");
    }
}

#[test]
fn nothing_is_emptied_or_awaited_before_all_was_understood() {
    let folder = Folder::new();
    let kept = folder.write("kept.jsonl", b"kept\n");
    let done = sni_watch(&format!("-r {FAILOVER} -o json:{kept} -o xml"));
    assert_eq!(done.code, Some(2));
    assert_eq!(fs::read_to_string(&kept).unwrap(), "kept\n");
    // Standard input is idle: it must not be waited for.
    let mut running = crate::run::Running::piped("-r - -o xml");
    crate::run::wait_for("end", || (!running.is_running()).then_some(()));
    assert_eq!(running.end().code, Some(2));
}

/// A file's name is a stranger's word: it moves no cursor and hides nothing.
#[test]
fn what_a_name_has_in_it_does_not_reach_the_terminal() {
    let folder = Folder::new();
    let path = folder.write("\u{1b}[2J\u{202e}x", b"no capture");
    let done = run(command(&["-r", &path]));
    assert!(done.err.contains("/\\x1b[2J\\xe2\\x80\\xaex: not a capture file"), "{:?}", done.err);
    let done = run(command(&["-r", &format!("{path}\r")]));
    assert!(done.err.contains("/\\x1b[2J\\xe2\\x80\\xaex\\x0d: No such file"), "{:?}", done.err);
}
