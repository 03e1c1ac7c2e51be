//! Command lines and what they mean.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::model::frame::Timestamp;
use crate::model::name::Name;
use crate::output::context::{HexMode, TimeStyle};
use crate::run::plan::{Emit, Input, Plan, When};
use crate::source::live::options::{Direction, LiveOptions};
use crate::tally::snapshot::Dimension;

/// Parses words separated by blanks, in a world with two interfaces, four cores and no terminal.
fn parse(line: &str) -> Result<Command, Stop> {
    parse_words(&line.split_whitespace().collect::<Vec<_>>())
}

fn parse_words(words: &[&str]) -> Result<Command, Stop> {
    let interfaces = || vec!["ens4".to_string(), "lo".to_string()];
    let world = World {
        interfaces: &interfaces,
        variable: &|_| None,
        terminal: false,
        host: "gateway".to_string(),
        cores: 4,
    };
    parse_in([NAME].iter().chain(words).map(OsString::from), &world)
}

fn watch(line: &str) -> Plan {
    match parse(line) {
        Ok(Command::Watch(plan)) => plan,
        other => panic!("{line}: {other:?}"),
    }
}

fn summary(line: &str) -> Plan {
    match parse(line) {
        Ok(Command::Summary(plan)) => plan,
        other => panic!("{line}: {other:?}"),
    }
}

fn interfaces(plan: &Plan) -> Vec<&str> {
    match &plan.input {
        Input::Live { interfaces, .. } => interfaces.iter().map(String::as_str).collect(),
        Input::Files(files) | Input::Follow(files) => panic!("{files:?}"),
    }
}

fn capture(line: &str) -> LiveOptions {
    match watch(line).input {
        Input::Live { capture, .. } => capture,
        Input::Files(files) | Input::Follow(files) => panic!("{files:?}"),
    }
}

#[test]
fn bulk_is_cut_off_unless_the_ends_or_all_are_asked_for() {
    for (line, depth) in [
        ("-i ens4", Some(16_384)),
        ("-i ens4 --emit hello", Some(16_384)),
        ("-i ens4 --emit end", None),
        ("-i ens4 --emit all", None),
        ("-i ens4 --emit end --capture-depth 64k", Some(65_536)),
        ("-i ens4 --capture-depth all", None),
    ] {
        assert_eq!(capture(line).cut.depth, depth, "{line}");
    }
    assert!(parse("-i ens4 --capture-depth 1k").is_err());
}

#[test]
fn the_parser_is_consistent() {
    command().debug_assert();
}

#[test]
fn the_line_that_it_replaces_means_the_same() {
    let plan = watch("-i ens4 port 443 -nnXX -vv -A");
    assert_eq!(interfaces(&plan), ["ens4"]);
    assert_eq!(plan.filter.as_deref(), Some("port 443"));
    assert_eq!(plan.view.verbosity, 2);
    assert_eq!(plan.view.hex, HexMode::LinkHexAscii);
    assert_eq!(plan.outputs, ["line"]);
}

#[test]
fn filter_words_mix_with_options() {
    for (line, filter) in [
        ("-i lo", None),
        ("-i lo port 443", Some("port 443")),
        ("port 443 -i lo", Some("port 443")),
        ("src host 10.0.0.1 -i lo and not port 22 -v", Some("src host 10.0.0.1 and not port 22")),
        ("-i lo (tcp or udp) and host summary", Some("(tcp or udp) and host summary")),
        ("-i lo port 443 or host man", Some("port 443 or host man")),
        ("host explain -i lo", Some("host explain")),
        ("-i lo tcp[13] & 2 != 0", Some("tcp[13] & 2 != 0")),
        ("-nnvi lo -c5 -s0 tcp", Some("tcp")),
        ("-i lo -f tcp", Some("tcp")),
        ("-i lo -- -x", Some("-x")),
    ] {
        assert_eq!(watch(line).filter.as_deref(), filter, "{line}");
    }
    let Ok(Command::Watch(plan)) = parse_words(&["-i", "lo", "tcp port 443 and", "host ::1"]) else {
        panic!()
    };
    assert_eq!(plan.filter.as_deref(), Some("tcp port 443 and host ::1"));
    let Ok(Command::Watch(plan)) = parse_words(&["-i", "lo", ""]) else { panic!() };
    assert_eq!(plan.filter.as_deref(), Some(""));
}

#[test]
fn a_filter_file_is_the_whole_filter_without_its_comments() {
    let path = std::env::temp_dir().join(format!("sni-watch-filter-{}", std::process::id()));
    std::fs::write(&path, "# gateways\ntcp port 443 # TLS\n\n  and host 10.0.0.1\n").unwrap();
    let typed = path.to_str().unwrap().to_string();
    let plan = watch(&format!("-i lo -F {typed}"));
    assert_eq!(plan.filter.as_deref(), Some("tcp port 443 and host 10.0.0.1"));

    let both = parse(&format!("-i lo -F {typed} port 80")).unwrap_err();
    assert_eq!((both.to_string().as_str(), both.exit_code()), (MANY_FILTERS, ExitCode::Usage));

    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    let text = parse(&format!("-i lo -F {typed}")).unwrap_err();
    assert_eq!(text.to_string(), format!("filter file {typed}: not text"));

    std::fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
    let large = parse(&format!("-i lo -F {typed}")).unwrap_err();
    assert_eq!(large.to_string(), format!("filter file {typed}: larger than 1 MiB"));

    std::fs::remove_file(&path).unwrap();
    let missing = parse(&format!("-i lo -F {typed}")).unwrap_err();
    assert_eq!(missing.exit_code(), ExitCode::Runtime);
    assert!(missing.to_string().starts_with(&format!("cannot read filter file {typed}: ")), "{missing}");
}

const MANY_FILTERS: &str = "more than one filter: give the words, -f or -F";

#[test]
fn inputs_are_taken_in_the_order_typed() {
    assert_eq!(interfaces(&watch("-i ens4 -i lo -iens4")), ["ens4", "lo"]);
    assert_eq!(interfaces(&watch("--interface any")), ["any"]);
    let Input::Files(files) = watch("-r b.pcap -r dc1=a.pcap -r - -r b.pcap").input else { panic!() };
    assert_eq!(files, ["b.pcap", "dc1=a.pcap", "-", "b.pcap"]);
}

#[test]
fn capture_options_are_tcpdumps() {
    let plain = capture("-i lo");
    assert!(plain.promiscuous && !plain.immediate);
    assert_eq!((plain.snaplen, plain.buffer_kib, plain.direction), (0, None, Direction::InOut));
    let typed = capture("-i lo -p -B 512k -s96 -Q in --immediate-mode --time-stamp-type adapter -s 128");
    assert!(!typed.promiscuous && typed.immediate);
    assert_eq!((typed.snaplen, typed.buffer_kib, typed.direction), (128, Some(512), Direction::In));
    assert_eq!(typed.timestamp_type.as_deref(), Some("adapter"));
    assert_eq!(capture("-i lo -Q inout").direction, Direction::InOut);
    assert_eq!(capture("-i lo -Q out -B 4096").buffer_kib, Some(4096));
    for line in ["-i lo -Z nobody", "-r f -Z nobody"] {
        assert_eq!(watch(line).user.as_deref(), Some("nobody"));
    }
}

#[test]
fn bytes_are_shown_as_tcpdump_chooses() {
    for (typed, hex) in [
        ("", HexMode::Off),
        ("-A", HexMode::Ascii),
        ("-x", HexMode::Hex),
        ("-xx", HexMode::LinkHex),
        ("-X", HexMode::HexAscii),
        ("-X -X", HexMode::LinkHexAscii),
        ("-X -A", HexMode::HexAscii),
        ("-A -X", HexMode::HexAscii),
        ("-xx -X", HexMode::HexAscii),
        ("-XX -x", HexMode::LinkHexAscii),
        ("-x -A", HexMode::Hex),
    ] {
        assert_eq!(watch(&format!("-i lo {typed}")).view.hex, hex, "{typed}");
    }
}

#[test]
fn outputs_have_a_default_and_none_comes_twice() {
    for (line, outputs) in [
        ("-i lo", &["line"][..]),
        ("-i lo -j", &["json"]),
        ("-i lo -o json -j", &["json"]),
        ("-i lo -o line -o json:/tmp/x --json", &["line", "json:/tmp/x", "json"]),
        ("-i lo --count", &[]),
        ("-i lo --count -j", &["json"]),
    ] {
        let plan = watch(line);
        assert_eq!(plan.outputs, outputs, "{line}");
        assert_eq!(plan.count_only, line.contains("--count"));
    }
    assert_eq!(summary("summary -r f").outputs, ["table"]);
    assert_eq!(summary("summary -r f -j").outputs, ["json"]);
}

#[test]
fn defaults_are_as_documented() {
    let plan = watch("-r f");
    assert!(plan.select.is_empty());
    assert_eq!(plan.by, [Dimension::Service, Dimension::Datacenter]);
    assert_eq!((plan.top, plan.jobs, plan.node.as_str()), (None, 1, "gateway"));
    assert_eq!(
        (plan.interval, plan.watch.handshake_timeout),
        (Duration::from_secs(10), Duration::from_secs(10))
    );
    assert_eq!(plan.watch.max_flows, 1_000_000);
    assert_eq!(
        plan.watch.emit,
        Emit { hello: false, handshake: true, end: false, failover: false, stats: false }
    );
    assert_eq!((plan.view.verbosity, plan.view.time_style), (0, TimeStyle::Clock));
    assert!(!plan.view.quiet && !plan.view.nano && !plan.view.color);
    assert_eq!((plan.limits.records, plan.limits.packets, plan.limits.duration), (None, None, None));
    assert_eq!((plan.limits.since, plan.limits.until), (None, None));
}

#[test]
fn options_of_the_watch_reach_the_plan() {
    let plan = watch(
        "-r f -c 10 --packets 20 --duration 1m --since 10:31 --until 1777890667 --interval 500ms \
         --handshake-timeout 3 --max-flows 7 --jobs 0 --node dc1 --top 3 --by dst,sni,dst -q -ttt --nano \
         --color always --emit hello,stats",
    );
    assert_eq!((plan.limits.records, plan.limits.packets), (Some(10), Some(20)));
    assert_eq!(plan.limits.duration, Some(Duration::from_secs(60)));
    assert_eq!(plan.limits.since, Some(When::TimeOfDay(37_860_000_000_000)));
    assert_eq!(plan.limits.until, Some(When::At(Timestamp(1_777_890_667_000_000_000))));
    assert_eq!(
        (plan.interval, plan.watch.handshake_timeout),
        (Duration::from_millis(500), Duration::from_secs(3))
    );
    assert_eq!((plan.watch.max_flows, plan.jobs, plan.node.as_str(), plan.top), (7, 4, "dc1", Some(3)));
    assert_eq!(plan.by, [Dimension::Destination, Dimension::Sni]);
    assert_eq!(plan.view.time_style, TimeStyle::Delta);
    assert!(plan.view.quiet && plan.view.nano && plan.view.color);
    assert_eq!(
        plan.watch.emit,
        Emit { hello: true, handshake: true, end: false, failover: false, stats: true }
    );
}

#[test]
fn emit_adds_to_the_outcome() {
    for (kinds, hello, end, failover, stats) in [
        ("hello", true, false, false, false),
        ("handshake", false, false, false, false),
        ("end", false, true, false, false),
        ("failover", false, false, true, false),
        ("stats", false, false, false, true),
        ("all", true, true, true, true),
    ] {
        let emit = watch(&format!("-i lo --emit {kinds}")).watch.emit;
        assert_eq!(emit, Emit { hello, handshake: true, end, failover, stats }, "{kinds}");
    }
}

#[test]
fn of_an_option_typed_twice_the_last_counts() {
    let plan = watch("-r f -c 1 -c 2 -l -l -q -q --nano --micro --color never --color always");
    assert_eq!(plan.limits.records, Some(2));
    assert!(!plan.view.nano && plan.view.color);
    assert!(watch("-r f --micro --nano").view.nano);
    assert_eq!(summary("summary -r f -c 1 -c 2").limits.records, Some(2));
}

#[test]
fn questions_need_no_input() {
    assert!(matches!(parse("-D"), Ok(Command::Interfaces)));
    assert!(matches!(parse("interfaces"), Ok(Command::Interfaces)));
    assert!(matches!(parse("-L -i lo"), Ok(Command::LinkTypes { interface }) if interface == "lo"));
    assert!(matches!(parse("completions zsh"), Ok(Command::Completions(clap_complete::Shell::Zsh))));
    assert!(matches!(parse("man"), Ok(Command::Man)));
}

#[test]
fn a_name_to_explain_may_hold_escaped_bytes() {
    for (typed, bytes) in [
        ("api.dc2", &b"api.dc2"[..]),
        (r"caf\xc3\xA9.x", b"caf\xc3\xa9.x"),
        (r"a\x0", br"a\x0"),
        (r"a\xg0\x41", br"a\xg0A"),
        (r"\\x41", br"\A"),
        (r"end\", br"end\"),
    ] {
        let Ok(Command::Explain { name, json, pattern }) = parse(&format!("explain {typed}")) else {
            panic!()
        };
        assert_eq!(name, bytes, "{typed}");
        assert!(!json && pattern.is_none());
    }
    let line = "explain a.dc1 --json --name-pattern (?<service>a)";
    let Ok(Command::Explain { json: true, pattern, .. }) = parse(line) else { panic!() };
    let name = Name::new("a".into(), None);
    let values = pattern.unwrap().parse("a").unwrap();
    assert_eq!(name.meaning("k", "s", &values).service(), Some("a"));
}

#[test]
fn a_name_to_explain_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt;
    let name = OsString::from_vec(vec![b'a', 0xff]);
    let world =
        World { interfaces: &Vec::new, variable: &|_| None, terminal: false, host: String::new(), cores: 1 };
    let parsed = parse_in([NAME.into(), "explain".into(), name], &world);
    assert!(matches!(parsed, Ok(Command::Explain { name, .. }) if name == [b'a', 0xff]));
}

#[test]
fn help_and_version_are_no_failure() {
    for (line, text) in [
        ("--version", "sni-watch 0.1.0\n"),
        ("-V", "sni-watch 0.1.0\n"),
        ("-h", "Print every TLS connection"),
        ("--help", "Print every TLS connection"),
        ("summary --help", "Count connections"),
    ] {
        let stop = parse(line).unwrap_err();
        assert_eq!(stop.exit_code(), ExitCode::Done, "{line}");
        assert!(stop.to_string().starts_with(text), "{line}: {stop}");
    }
}

#[test]
fn what_means_nothing_is_refused_with_exit_code_2() {
    for (line, text) in [
        ("", "no input: -i INTERFACE or -r FILE; interfaces here: ens4, lo"),
        ("port 443", "no input: -i INTERFACE or -r FILE; interfaces here: ens4, lo"),
        ("summary", "no input: -i INTERFACE or -r FILE; interfaces here: ens4, lo"),
        ("-i lo -r f", "-i and -r exclude each other"),
        ("-i lo -i any", "-i any covers every interface"),
        ("-r f -Q in", "-Q needs -i"),
        ("-L", "-L needs one -i"),
        ("-L -i lo -i ens4", "-L needs one -i"),
        ("-L -i lo -r f", "-L needs one -i"),
        ("-i lo -f tcp udp", MANY_FILTERS),
        ("-i lo -f tcp -F x", MANY_FILTERS),
        ("-i lo -tttttt", "-t can be typed five times at most"),
        ("-r f --since 20 --until 10", "--since is later than --until"),
        ("-r f --sni [", "--sni '[': unclosed character class"),
        ("-r f --client 10.0.0.0/40", "--client '10.0.0.0/40': not an address"),
        ("-r f --name-pattern (", "--name-pattern '(': "),
        ("-r f --name-pattern a", "--name-pattern 'a': "),
        ("-r f --name-pattern (?<cluster>a)", "--name-pattern '(?<cluster>a)': no field is called 'cluster'"),
        ("explain x --name-pattern a", "--name-pattern 'a': "),
        ("-r f summary", "error: `summary` goes first: sni-watch summary ..."),
        ("-i", "error: a value is required for '--interface <IF>'"),
        ("-i lo -Q sideways", "error: invalid value 'sideways' for '--direction <in|out|inout>'"),
        ("-i lo -B 0", "error: invalid value '0' for '--buffer-size <KIB>': not above zero"),
        ("-i lo -s 262145", "error: invalid value '262145' for '--snapshot-length <N>'"),
        ("-i lo --time-stamp-type sundial", "error: invalid value 'sundial'"),
        ("-i lo -c 0", "error: invalid value '0' for '-c <N>'"),
        ("-i lo -c ten", "error: invalid value 'ten' for '-c <N>'"),
        ("-i lo --packets 0", "error: invalid value '0' for '--packets <N>'"),
        ("-i lo --top 0", "error: invalid value '0' for '--top <N>'"),
        ("-i lo --max-flows 0", "error: invalid value '0' for '--max-flows <N>'"),
        ("-i lo --interval 0", "error: invalid value '0' for '--interval <TIME>': not above zero"),
        ("-i lo --duration soon", "error: invalid value 'soon' for '--duration <TIME>': not a time"),
        ("-i lo --since soon", "error: invalid value 'soon' for '--since <WHEN>': not a time"),
        ("-i lo --emit path", "error: invalid value 'path' for '--emit <KIND>'"),
        ("-i lo --local-dc a.b", "--local-dc 'a.b': not a datacenter's name such as dc1"),
        ("-i lo --by colour", "error: invalid value 'colour' for '--by <WHAT>'"),
        ("-i lo --color maybe", "error: invalid value 'maybe' for '--color <auto|always|never>'"),
        ("explain", "error: the following required arguments were not provided"),
        ("completions", "error: the following required arguments were not provided"),
        ("completions csh", "error: invalid value 'csh' for '<SHELL>'"),
        ("interfaces lo", "error: unexpected argument 'lo' found"),
        ("-i lo --bogus", "error: unexpected argument '--bogus' found"),
    ] {
        let stop = parse(line).unwrap_err();
        assert_eq!(stop.exit_code(), ExitCode::Usage, "{line}");
        assert!(stop.to_string().starts_with(text), "{line}: {stop}");
    }
}

#[test]
fn a_bad_result_lists_the_good_ones() {
    let stop = parse("-i lo --result ok,bad").unwrap_err();
    assert_eq!(stop.exit_code(), ExitCode::Usage);
    for outcome in crate::model::observation::Outcome::ALL {
        assert!(stop.to_string().contains(outcome.name()), "{stop}");
    }
}

#[test]
fn without_interfaces_the_hint_names_none() {
    let world =
        World { interfaces: &Vec::new, variable: &|_| None, terminal: false, host: String::new(), cores: 1 };
    let stop = parse_in([OsString::from(NAME)], &world).unwrap_err();
    assert_eq!(stop.to_string(), "no input: -i INTERFACE or -r FILE");
}

#[test]
fn what_later_versions_bring_is_absent() {
    for option in ["--config", "--metrics", "--no-sandbox"] {
        let stop = parse(&format!("-i lo {option} x")).unwrap_err();
        assert!(stop.to_string().starts_with("error: unexpected argument"), "{option}: {stop}");
    }
    let subcommands: Vec<_> = command().get_subcommands().map(|c| c.get_name().to_string()).collect();
    assert_eq!(subcommands, ["summary", "correlate", "explain", "interfaces", "completions", "man"]);
}

/// How an option is typed so that it changes the plan of `-i lo`.
fn sample(id: &str) -> Option<&'static str> {
    Some(match id {
        "interfaces" => "-i ens4",
        "words" => "tcp",
        "filter" => "-f tcp",
        "snaplen" => "-s 96",
        "no_promiscuous" => "-p",
        "buffer" => "-B 1",
        "direction" => "-Q in",
        "user" => "-Z nobody",
        "expect" => "--expect fixtures/mesh/chain.json",
        "catalog" => "--catalog http://127.0.0.1:8500",
        "capture_depth" => "--capture-depth all",
        "immediate_mode" => "--immediate-mode",
        "time_stamp_type" => "--time-stamp-type host",
        "sni" => "--sni a",
        "not_sni" => "--not-sni a",
        "service" => "--service a",
        "dc" => "--dc a",
        "peer" => "--peer a",
        "client" => "--client ::1",
        "result" => "--result ok",
        "require" => "--require dc=dc2",
        "forbid" => "--forbid dc=dc1",
        "records" => "-c 1",
        "packets" => "--packets 1",
        "duration" => "--duration 1",
        "since" => "--since 1",
        "until" => "--until 1",
        "outputs" => "-o table",
        "json" => "-j",
        "rows" => "-T fields",
        "fields" => "-o csv -e sni",
        "count" => "--count",
        "write" => "-w x",
        "print" => "-w x --print",
        "emit" => "--emit all",
        "by" => "--by sni",
        "top" => "--top 1",
        "verbose" => "-v",
        "quiet" => "-q",
        "time" => "-t",
        "nano" => "--nano",
        "color" => "--color always",
        "ascii" => "-A",
        "hex" => "-x",
        "both" => "-X",
        "node" => "--node n",
        "local_datacenter" => "--local-dc dc1",
        "name_pattern" => "--name-pattern (?<service>a)",
        "interval" => "--interval 1",
        "stats" => "--stats 5s",
        "handshake_timeout" => "--handshake-timeout 1",
        "max_flows" => "--max-flows 1",
        "jobs" => "--jobs 2",
        "list_interfaces" => "-D",
        "list_data_link_types" => "-L",
        _ => return None,
    })
}

#[test]
fn every_option_changes_the_plan_or_is_documented_to_do_nothing() {
    // Covered by tests of their own, as they cannot stand beside -i lo or need a file.
    let elsewhere = ["read", "follow", "filter_file"];
    let without_effect = ["numeric", "line_buffered", "packet_buffered", "micro"];
    let plain = format!("{:?}", parse("-i lo"));
    for arg in command().get_arguments() {
        let id = arg.get_id().as_str();
        if let Some(typed) = sample(id) {
            assert_ne!(format!("{:?}", parse(&format!("-i lo {typed}"))), plain, "{id}");
            assert!(parse(&format!("-i lo {typed}")).is_ok(), "{id}");
        } else if without_effect.contains(&id) {
            let long = arg.get_long().map(|long| format!("--{long}"));
            let typed = long.unwrap_or_else(|| format!("-{}", arg.get_short().unwrap()));
            assert_eq!(format!("{:?}", parse(&format!("-i lo {typed}"))), plain, "{id}");
            let help = format!("{} {:?}", arg.get_help_heading().unwrap(), arg.get_help());
            assert!(help.contains("without effect") || help.contains("as they are without it"), "{help}");
        } else {
            assert!(elsewhere.contains(&id), "{id} has no sample");
        }
    }
}

#[test]
fn help_texts_are_short_and_differ() {
    let command = command();
    let mut seen = BTreeSet::new();
    let arguments = command.get_arguments().map(|arg| (arg.get_id().to_string(), arg.get_help()));
    let subcommands = command.get_subcommands().map(|c| (c.get_name().to_string(), c.get_about()));
    for (id, help) in arguments.chain(subcommands) {
        let help = help.unwrap().to_string();
        assert!(!help.is_empty() && help.len() < 80 && !help.contains('\n'), "{id}: {help}");
        assert!(seen.insert(help.clone()), "{id}: {help}");
    }
}

#[test]
fn the_short_help_has_one_line_for_each_option() {
    let help = command().term_width(100).render_help().to_string();
    for line in help.lines().skip_while(|line| *line != "Options:") {
        let whole = line.is_empty() || !line.starts_with(' ') || line.trim_start().starts_with(['-', '[']);
        assert!(whole && line.len() <= 100, "{line}");
    }
}

#[test]
fn the_long_help_names_every_value() {
    let command = command();
    let help = command.clone().render_long_help().to_string();
    for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
        let about = arg.get_long_help().or(arg.get_help()).unwrap().to_string();
        let names = arg.get_value_names().map(|names| format!("{names:?}")).unwrap_or_default();
        for value in arg.get_possible_values() {
            let name = value.get_name();
            assert!(about.contains(name) || names.contains(name), "{}: {name}", arg.get_id());
        }
    }
    assert!(help.contains("Exit status:") && help.contains("SNI_WATCH_MAX_FLOWS"));
}

#[test]
fn every_option_stands_in_a_group() {
    for arg in command().get_arguments() {
        assert!(arg.get_help_heading().is_some(), "{}", arg.get_id());
    }
}

#[test]
fn every_long_option_with_a_value_has_its_variable() {
    let command = command();
    let summary = command.find_subcommand("summary").unwrap();
    for arg in command.get_arguments().chain(summary.get_arguments()) {
        let variable = arg.get_env().map(|name| name.to_str().unwrap().to_string());
        let expected = match arg.get_long() {
            Some("dc") => Some("SNI_WATCH_TARGET_DC".to_string()),
            Some("local-dc") => Some("SNI_WATCH_DC".to_string()),
            Some(long) if arg.get_action().takes_values() => {
                Some(format!("SNI_WATCH_{}", long.to_uppercase().replace('-', "_")))
            }
            _ => None,
        };
        assert_eq!(variable, expected, "{}", arg.get_id());
    }
}

/// Runs itself in a process that has the variables, as this one must not change its own.
#[test]
fn the_environment_stands_in_for_options() {
    const CHILD: &str = "TEST_HAS_ITS_ENVIRONMENT";
    if std::env::var_os(CHILD).is_some() {
        return check_environment();
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cli::tests::the_environment_stands_in_for_options"])
        .env(CHILD, "1")
        .env("SNI_WATCH_INTERFACE", "ens4")
        .env("SNI_WATCH_FILTER", "tcp port 8443")
        .env("SNI_WATCH_NODE", "dc1")
        .env("SNI_WATCH_MAX_FLOWS", "5")
        .env("SNI_WATCH_OUTPUT", "table")
        .env("SNI_WATCH_DIRECTION", "in")
        .env("SNI_WATCH_RESULT", "reset,timeout")
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && out.contains("1 passed"), "{out}");
}

fn check_environment() {
    let plan = watch("");
    assert_eq!(interfaces(&plan), ["ens4"]);
    assert_eq!(plan.filter.as_deref(), Some("tcp port 8443"));
    assert_eq!((plan.node.as_str(), plan.watch.max_flows), ("dc1", 5));
    assert_eq!(plan.outputs, ["table"]);
    assert!(!plan.select.is_empty());
    assert_eq!(interfaces(&summary("summary")), ["ens4"]);

    let typed = watch("-i lo port 443 --node dc2 --max-flows 6 -j");
    assert_eq!(interfaces(&typed), ["lo"]);
    assert_eq!(typed.filter.as_deref(), Some("port 443"));
    assert_eq!((typed.node.as_str(), typed.watch.max_flows), ("dc2", 6));
    assert_eq!(typed.outputs, ["json"]);

    assert!(matches!(watch("-r f").input, Input::Files(files) if files == ["f"]));
    assert!(matches!(summary("summary -r f").input, Input::Files(files) if files == ["f"]));
    assert!(matches!(parse("explain x"), Ok(Command::Explain { .. })));
    assert!(matches!(parse("man"), Ok(Command::Man)));
}

#[test]
fn the_long_help_lists_every_output_and_every_naming_scheme() {
    let help = command().render_long_help().to_string();
    for row in crate::output::SINKS {
        assert!(help.contains(&format!("  {:12} {}", row.name, row.help)), "{}", row.name);
    }
    for scheme in crate::naming::SCHEMES {
        assert!(help.contains(scheme.help()), "{}", scheme.name());
    }
}
