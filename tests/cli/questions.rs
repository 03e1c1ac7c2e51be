//! Commands that need no capture: `explain`, `interfaces`, `man`, `completions`, help and version.

use expect_test::{Expect, expect};

use crate::captures::connection;
use crate::run::{fed, sni_watch};
use crate::support::hello::{Hello, Version};
use crate::support::scenario;

const TD: &str = "1c053652-8512-4373-90cf-5a7f6263a994.consul";

fn explained(line: &str, expected: &Expect) {
    expected.assert_eq(&sni_watch(&format!("explain {line}")).good());
}

#[test]
fn explain_says_what_each_label_means() {
    explained(
        &format!("currency.default.dc2.internal.{TD}"),
        &expect![[r"
            currency                                     service
            default                                      namespace
            dc2                                          target datacenter: the gateway routes by this label
            internal                                     marker of a mesh name in the default partition
            1c053652-8512-4373-90cf-5a7f6263a994.consul  trust domain (cluster id)
            Reaches datacenter dc2.
        "]],
    );
    explained(
        "www.example.org",
        &expect![[r"
            www.example.org  a name that no known mesh has
            No datacenter can be told from this name.
        "]],
    );
    explained(
        r"a\x1b[2J\x00.example",
        &expect![[r"
            a\x1b[2j\x00.example  a name that no known mesh has
            No datacenter can be told from this name.
            case: sent with upper-case letters; gateways compare in lower case
            bad_chars: holds bytes that no host name has; they are shown as \xNN
        "]],
    );
    explained(
        r"a.oslo.shop --name-pattern (?<service>[^.]+)\.(?<dc>[^.]+)\.shop",
        &expect![[r"
            a.oslo.shop  a name that your pattern fits
            a            service, by your pattern
            oslo         datacenter, by your pattern
            Reaches datacenter oslo, by your pattern.
        "]],
    );
}

#[test]
fn explain_prints_the_object_that_a_record_would_carry() {
    explained(
        r"a.oslo.shop --json --name-pattern (?<service>[^.]+)\.(?<dc>[^.]+)\.shop",
        &expect![[r#"
            {"kind":"custom","scheme":"custom","service":"a","datacenter":"oslo"}
        "#]],
    );
    for name in [format!("v2.currency.default.dc2.internal.{TD}"), "www.example.org".into(), r"a\xffb".into()]
    {
        let mut one = connection(1, "x");
        one.hello = Some(Hello::named("x", Version::Tls12, &name));
        let packets = scenario::packets(&[one], crate::captures::START);
        let record = fed("-r - -j", &crate::captures::pcap(&packets)).good();
        let mut record: serde_json::Value = serde_json::from_str(&record).unwrap();
        // What one connection adds is no part of the name.
        record["mesh"].as_object_mut().unwrap().shift_remove("hop");
        let explained = sni_watch(&format!("explain --json {name}")).good();
        assert_eq!(explained, format!("{}\n", record["mesh"]), "{name}");
    }
}

#[test]
fn interfaces_are_listed_by_three_names() {
    let out = sni_watch("interfaces").good();
    assert!(out.starts_with("1."), "{out}");
    let lo = out
        .lines()
        .find(|line| line.split_once('.').is_some_and(|(_, rest)| rest.starts_with("lo ")))
        .expect(&out);
    assert!(lo.contains("Loopback"), "{lo}");
    assert_eq!(sni_watch("-D").good(), out);
    assert_eq!(sni_watch("--list-interfaces").good(), out);
}

#[test]
fn man_completions_help_and_version_are_text() {
    let man = sni_watch("man").good();
    assert!(man.contains(".TH sni-watch 1") && man.contains("\\-\\-handshake\\-timeout"));
    let bash = sni_watch("completions bash").good();
    assert!(bash.contains("complete -F") && bash.contains("--handshake-timeout"));
    for shell in ["zsh", "fish"] {
        assert!(sni_watch(&format!("completions {shell}")).good().contains("handshake-timeout"), "{shell}");
    }
    assert_eq!(sni_watch("--version").good(), concat!("sni-watch ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(sni_watch("-V").good(), sni_watch("--version").good());
    let (short, long) = (sni_watch("-h").good(), sni_watch("--help").good());
    assert!(short.starts_with("Print every TLS connection's server name") && short.len() < long.len());
    assert!(long.contains("Exit status:") && sni_watch("summary --help").good().contains("--by"));
}
