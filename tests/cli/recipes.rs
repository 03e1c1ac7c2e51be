//! The README tells the truth: its sample is the program's output, and its recipes with jq work.

use std::process::{Command, Stdio};

use expect_test::expect;

use crate::run::{BINARY, run};

const README: &str = include_str!("../../README.md");

/// The code blocks of the README that begin with this fence.
fn blocks(fence: &str) -> Vec<&'static str> {
    let begin = |text: &'static str| text.strip_prefix(fence)?.strip_prefix('\n');
    README.split("```").skip(1).step_by(2).filter_map(begin).collect()
}

/// Runs a command of the README with the program under test in the place of `sni-watch`.
fn shell(text: &str) -> String {
    let mut shell = Command::new("bash");
    let function = format!("set -o pipefail; sni-watch() {{ '{BINARY}' \"$@\"; }}; {text}");
    shell.args(["-c", &function]).current_dir(env!("CARGO_MANIFEST_DIR"));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    run(shell).good()
}

#[test]
fn samples_are_what_the_program_prints() {
    let samples = blocks("```console".trim_start_matches('`'));
    assert!(samples.len() >= 3, "{samples:?}");
    for sample in samples {
        let (command, expected) = sample.split_once('\n').unwrap();
        let command = command.strip_prefix("$ ").expect(command);
        assert_eq!(shell(command), expected, "{command}");
    }
}

#[test]
fn recipes_with_jq_work() {
    if Command::new("jq").arg("--version").output().is_err() {
        println!("skipped: needs jq");
        return;
    }
    let recipes: Vec<_> = blocks("sh").into_iter().filter(|text| text.contains("| jq")).collect();
    let outputs: Vec<String> = recipes.iter().map(|text| shell(text)).collect();
    assert_eq!(outputs.len(), 5, "{recipes:?}");
    let [behind, outputs @ ..] = outputs.as_slice() else { panic!("five recipes") };
    assert!(behind.lines().any(|line| line.starts_with("192.0.2.7")), "{behind}");
    // A newer jq keeps the zeros at a number's end.
    let plain = |lines: &str| -> String {
        let value = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        lines.lines().map(|line| value(line).to_string() + "\n").collect()
    };
    let td = "internal.1c053652-8512-4373-90cf-5a7f6263a994.consul";
    let counted = |lines: &str| -> Vec<(usize, String)> {
        let counts = lines.lines().map(|line| line.trim_start().split_once(' ').unwrap());
        counts.map(|(count, what)| (count.parse().unwrap(), what.to_owned())).collect()
    };
    let names = [(80, "currency", "dc2"), (40, "shipping", "dc2"), (15, "currency", "dc1")];
    let names = names.map(|(count, service, dc)| (count, format!("{service}.default.{dc}.{td}")));
    assert_eq!(counted(&outputs[0]), [names.as_slice(), &[(3, "null".to_owned())]].concat());
    let ends = [
        (1, "\t\trefused"),
        (2, "\t\ttimeout"),
        (8, "currency\tdc1\tok"),
        (7, "currency\tdc1\treset"),
        (39, "currency\tdc2\tok"),
        (1, "currency\tdc2\treset"),
        (1, "currency\tdc2\ttimeout"),
        (20, "shipping\tdc2\tok"),
    ];
    let mut found = counted(&outputs[1]);
    // sort follows the locale.
    found.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(found, ends.map(|(count, what)| (count, what.to_owned())));
    expect![[r#"
        {"ts":1772620245.02,"src":"10.42.0.23","sni":"currency.default.dc1.<td>","why":"reset"}
        {"ts":1772620244.7,"src":"10.42.0.17","sni":null,"why":"refused"}
        {"ts":1772620242.1,"src":"10.42.0.17","sni":null,"why":"timeout"}
        {"ts":1772620242.5,"src":"10.42.0.23","sni":null,"why":"timeout"}
        {"ts":1772620269.900001,"src":"10.42.0.17","sni":"currency.default.dc2.<td>","why":"reset"}
        {"ts":1772620272.6,"src":"10.42.0.29","sni":"currency.default.dc1.<td>","why":"reset"}
        {"ts":1772620279.90227,"src":"10.42.0.23","sni":"currency.default.dc2.<td>","why":"timeout"}
        {"ts":1772620292.6,"src":"10.42.0.29","sni":"currency.default.dc1.<td>","why":"reset"}
        {"ts":1772620312.6,"src":"10.42.0.29","sni":"currency.default.dc1.<td>","why":"reset"}
        {"ts":1772620332.6,"src":"10.42.0.29","sni":"currency.default.dc1.<td>","why":"reset"}
        {"ts":1772620352.6,"src":"10.42.0.29","sni":"currency.default.dc1.<td>","why":"reset"}
        {"ts":1772620372.6,"src":"10.42.0.29","sni":"currency.default.dc1.<td>","why":"reset"}
    "#]]
    .assert_eq(&plain(&outputs[2]).replace(td, "<td>"));
    expect![[r#"
        [
          {
            "dc": null,
            "n": 1
          },
          {
            "dc": "dc1",
            "n": 15
          },
          {
            "dc": "dc2",
            "n": 61
          }
        ]
    "#]]
    .assert_eq(&outputs[3]);
}
