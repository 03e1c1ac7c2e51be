use jiff::tz::TimeZone;

use super::*;
use crate::sample::{self, Shared, T0};

fn context() -> Context {
    Context { timezone: TimeZone::UTC, origins: sample::file(), ..Context::default() }
}

fn lines(context: &Context, records: &[Observation]) -> String {
    let shared = Shared::default();
    let mut sink = LineSink::new(Writer::new("memory", Box::new(shared.clone()), false), context);
    for record in records {
        assert!(sink.event(record).unwrap().is_continue());
    }
    sink.finish(&Snapshot::default()).unwrap();
    shared.text()
}

fn line(context: &Context, record: &Observation) -> String {
    lines(context, std::slice::from_ref(record))
}

#[test]
fn lines_stand_as_the_contract_shows_them() {
    let mut reset = sample::failed(Outcome::Reset);
    (reset.time, reset.flow.ports.0) = (T0.plus(2_497_883_000), 41030);
    let mut timeout = sample::failed(Outcome::Timeout);
    timeout.flow = sample::flow("10.42.0.23", (55120, 443), "10.128.0.10");
    (timeout.time, timeout.completed) = (T0.plus(12_500_152_000), T0.plus(22_500_160_000));
    assert_eq!(
        lines(&context(), &[sample::ok(), reset, timeout]),
        "\
10:31:07.402118  10.42.0.17:41022 > 10.128.0.10:443   currency → dc2   ok       4.6 ms  currency.default.dc2.internal.<td>.consul
10:31:09.900001  10.42.0.17:41030 > 10.128.0.10:443   currency → dc2   RESET    by server 0.6 ms after hello
10:31:19.902270  10.42.0.23:55120 > 10.128.0.10:443   currency → dc2   TIMEOUT  no answer in 10 s, 3 retransmits
"
    );
}

#[test]
fn each_failure_has_its_word() {
    let tail = |outcome| {
        let text = line(
            &Context { time_style: crate::output::context::TimeStyle::Omit, ..context() },
            &sample::failed(outcome),
        );
        text.trim_end().split_once(":443   ").unwrap().1.to_owned()
    };
    assert_eq!(tail(Outcome::Alert), "currency → dc2   ALERT    unknown_ca by client 0.6 ms after hello");
    assert_eq!(tail(Outcome::Closed), "currency → dc2   CLOSED   by server 0.6 ms after hello");
    assert_eq!(tail(Outcome::NotSeen), "currency → dc2   NOT SEEN  the answer is not in the capture");
    assert_eq!(tail(Outcome::IncompleteHello), "(no hello)   INCOMPLETE  hello begun and never whole");
}

#[test]
fn attempts_without_a_hello_are_one_line_without_a_port() {
    assert_eq!(
        line(&context(), &sample::failed(Outcome::Refused)),
        "10:31:07.402118  10.42.0.17 > 10.132.0.9:443   (no hello)   REFUSED  by server, 9 attempts\n"
    );
    let mut silent = sample::failed(Outcome::Refused);
    let how = silent.handshake.as_mut().unwrap();
    (how.result, how.by, how.latency, how.attempts) = (Outcome::Timeout, None, None, Some(1));
    how.retransmits = 1;
    silent.completed = T0.plus(9_960_000_000);
    assert!(line(&context(), &silent).ends_with("TIMEOUT  no answer in 10 s, 1 retransmit\n"));
    silent.handshake.as_mut().unwrap().attempts = Some(40);
    assert!(line(&context(), &silent).ends_with("TIMEOUT  no answer, 1 retransmit, 40 attempts\n"));
}

#[test]
fn columns_widen_and_stay_wide() {
    let mut wide = sample::ok();
    wide.name = Some(sample::mesh_name("a-service-with-a-long-name", "dc2"));
    wide.flow = sample::flow("10.142.10.117", (41022, 443), "10.128.0.10");
    let text = lines(&context(), &[sample::ok(), wide, sample::ok()]);
    let place =
        |line: &str| line.chars().collect::<Vec<_>>().windows(4).position(|it| it == [' ', 'o', 'k', ' ']);
    let places: Vec<_> = text.lines().map(place).collect();
    assert!(places[0] < places[1] && places[1] == places[2], "{places:?}\n{text}");
}

#[test]
fn a_foreign_name_is_printed_whole_and_once() {
    let foreign = Observation { name: Some(sample::foreign_name("www.example.com")), ..sample::ok() };
    for verbosity in 0..3 {
        let text = line(&Context { verbosity, ..context() }, &foreign);
        assert_eq!(text.matches("www.example.com").count(), 1, "{text}");
        assert!(text.contains(":443   www.example.com   ok       4.6 ms"), "{text}");
    }
    let nameless = Observation { name: Some(sample::no_name()), ..sample::ok() };
    assert!(line(&context(), &nameless).ends_with(":443   (no name)   ok       4.6 ms\n"));
}

#[test]
fn verbose_lines_hold_the_whole_name_and_the_hello() {
    let sni = format!("currency.default.dc2.internal.{}", sample::TRUST_DOMAIN);
    let once = line(&Context { verbosity: 1, ..context() }, &sample::ok());
    let end = format!("ok       4.6 ms  {sni}  hello 1742 B in 2 seg, TLS 1.3, ALPN h2 http/1.1\n");
    assert!(once.ends_with(&end), "{once}");
    let failed = line(&Context { verbosity: 1, ..context() }, &sample::failed(Outcome::Reset));
    let end = format!("after hello  {sni}  hello 1742 B in 2 seg, offers TLS 1.3, ALPN h2 http/1.1\n");
    assert!(failed.ends_with(&end), "{failed}");
    let twice = line(&Context { verbosity: 2, ..context() }, &sample::ok());
    let more = ", TLS_AES_128_GCM_SHA256, rtt 0.5 ms, packet 4, community 1:";
    assert!(twice.contains(&sni) && twice.contains(more) && twice.contains(", random b1b2b3"), "{twice}");
}

#[test]
fn verbose_lines_name_a_protocol_that_is_not_tls_over_tcp() {
    let record = sample::not_tls(crate::model::observation::Action::Handshake);
    let text = line(&Context { verbosity: 1, ..context() }, &record);
    assert!(text.contains(".consul  gquic\n"), "{text}");
    assert!(!line(&context(), &record).contains("gquic"));
}

#[test]
fn rare_facts_and_the_origin_stand_on_verbose_lines() {
    let mut two = sample::file().to_vec();
    two.push(crate::model::frame::Origin { name: "b\u{202e}.pcap".into(), node: "gw2".into(), live: false });
    let mut rare = sample::rare();
    rare.origin.0 = 1;
    let text = line(&Context { verbosity: 2, origins: two.into(), ..context() }, &rare);
    for fact in [
        "[2001:db8::17]:41022 > [2001:db8:1::a]:443",
        "ALPN a\\xff\" \\x0d\\x0a, outer name (ECH or GREASE), hello retried, cut by snap length, gap, conflicting bytes, on b\\xe2\\x80\\xae.pcap, ",
        ", vlan 100, vxlan_gpe 5001, packet 4",
    ] {
        assert!(text.contains(fact), "{fact}\n{text}");
    }
}

#[test]
fn quiet_lines_are_time_addresses_and_name() {
    let quiet = Context { quiet: true, verbosity: 2, ..context() };
    assert_eq!(
        lines(&quiet, &[sample::failed(Outcome::Reset), sample::failed(Outcome::Refused)]),
        format!(
            "10:31:07.402118  10.42.0.17:41022 > 10.128.0.10:443   currency.default.dc2.internal.{}\n\
             10:31:07.402118  10.42.0.17 > 10.132.0.9:443          (no hello)\n",
            sample::TRUST_DOMAIN
        )
    );
}

#[test]
fn a_strangers_name_cannot_move_the_cursor_or_end_a_line() {
    let hostile = sample::mesh_name("a\r\nb\u{1b}[2J\u{200b}", "d\u{202e}c");
    for (verbosity, quiet) in [(0, false), (2, false), (0, true)] {
        for name in [&hostile, &sample::foreign_name("x\u{1b}]0;y\u{7}\n")] {
            let record = Observation { name: Some(Arc::clone(name)), ..sample::ok() };
            let text = line(&Context { verbosity, quiet, ..context() }, &record);
            let plain = text.trim_end_matches('\n').replace('→', "");
            assert!(plain.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{plain:?}");
        }
    }
    let record = Observation { name: Some(hostile), ..sample::ok() };
    assert!(
        line(&context(), &record).contains("   a\\x0d\\x0ab\\x1b[2J\\xe2\\x80\\x8b → d\\xe2\\x80\\xaec   ok")
    );
}

#[test]
fn colour_is_on_the_result_only_and_moves_no_column() {
    let colored = Context { color: true, ..context() };
    for (outcome, code) in [(Outcome::Ok, "32"), (Outcome::Reset, "31"), (Outcome::NotSeen, "33")] {
        let (with, without) =
            (line(&colored, &sample::failed(outcome)), line(&context(), &sample::failed(outcome)));
        assert_eq!(with.matches('\x1b').count(), 2, "{with:?}");
        assert_eq!(with.replace(&format!("\x1b[{code}m"), "").replace("\x1b[0m", ""), without);
    }
    assert!(!line(&colored, &sample::hello_record()).contains('\x1b'));
}

#[test]
fn hello_and_end_records_have_lines_too() {
    let hello = line(&context(), &sample::hello_record());
    assert!(
        hello.ends_with("currency → dc2   hello    currency.default.dc2.internal.<td>.consul\n"),
        "{hello}"
    );
    let end = line(&context(), &sample::end_record(Outcome::Ok));
    assert!(
        end.contains("   end      sent 2100 B in 12 packets, got 5240 B in 9 packets  currency"),
        "{end}"
    );
}

#[test]
fn the_hellos_bytes_follow_when_asked_for() {
    let rare = sample::rare();
    assert_eq!(line(&context(), &rare).lines().count(), 1);
    let text = line(&Context { hex: HexMode::HexAscii, ..context() }, &rare);
    let dump = text.split_once('\n').unwrap().1;
    assert_eq!(dump, "\t0x0000:  1603 0164 6332                           ...dc2\n");
    let bare = line(&Context { hex: HexMode::LinkHexAscii, ..context() }, &sample::ok());
    assert_eq!(bare.lines().count(), 1);
}
