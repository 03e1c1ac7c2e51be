//! Which record stands under which.

use super::*;
use crate::model::observation::Hop;
use crate::sample;

/// A record of hello `hello` that is complete `after` nanoseconds.
fn record(hello: u8, port: u16, leg: Leg, after: u64) -> Observation {
    let mut it = sample::ok();
    it.flow.ports.0 = port;
    it.completed = sample::T0.plus(after);
    it.hop = Some(Hop { leg, gateway: None });
    it.hello = Some(sample::hello(hello));
    it
}

/// Ports and forms in the order of printing.
type Printed = Vec<(u16, Form)>;

fn passed(pairs: &mut Pairs, record: &Observation) -> Printed {
    let mut printed = Vec::new();
    let flow = pairs.pass(record, &mut |it, form| {
        printed.push((it.flow.ports.0, form));
        Ok(ControlFlow::Continue(()))
    });
    assert!(flow.unwrap().is_continue());
    printed
}

#[test]
fn the_leg_out_stands_under_the_leg_in_whichever_is_complete_first() {
    let mut pairs = Pairs::default();
    assert_eq!(passed(&mut pairs, &record(1, 51514, Leg::Out, 0)), []);
    let both = [(41022, Form::Line), (51514, Form::Under)];
    assert_eq!(passed(&mut pairs, &record(1, 41022, Leg::In, 100)), both);
    assert_eq!(passed(&mut pairs, &record(2, 41030, Leg::In, 200)), [(41030, Form::Line)]);
    assert_eq!(passed(&mut pairs, &record(2, 51516, Leg::Out, 300)), [(51516, Form::Under)]);
}

#[test]
fn further_down_the_client_is_named() {
    let mut pairs = Pairs::default();
    passed(&mut pairs, &record(1, 41022, Leg::In, 0));
    assert_eq!(passed(&mut pairs, &record(2, 41023, Leg::Only, 0)), [(41023, Form::Line)]);
    let client = "10.42.0.17:41022".parse().unwrap();
    assert_eq!(passed(&mut pairs, &record(1, 51514, Leg::Out, 10)), [(51514, Form::Below(client))]);
}

#[test]
fn a_leg_out_whose_leg_in_does_not_come_is_a_line_after_a_second() {
    let mut pairs = Pairs::default();
    passed(&mut pairs, &record(1, 51514, Leg::Out, 0));
    assert_eq!(passed(&mut pairs, &record(2, 40000, Leg::Only, PATIENCE)), [(40000, Form::Line)]);
    let both = [(51514, Form::Line), (40001, Form::Line)];
    assert_eq!(passed(&mut pairs, &record(2, 40001, Leg::Only, PATIENCE + 1)), both);
}

#[test]
fn few_wait_and_at_the_end_none() {
    let mut pairs = Pairs::default();
    for port in 0..256 {
        assert_eq!(passed(&mut pairs, &record(1, port, Leg::Out, 0)), [], "{port}");
    }
    assert_eq!(passed(&mut pairs, &record(1, 999, Leg::Out, 0)), [(0, Form::Line)]);
    let mut left = 0;
    let flow = pairs.finish(&mut |_, _| {
        left += 1;
        Ok(ControlFlow::Continue(()))
    });
    assert!(flow.unwrap().is_continue());
    assert_eq!((left, pairs.waiting.len()), (256, 0));
}

#[test]
fn words_of_a_leg_out() {
    let mut it = record(0xb1, 51514, Leg::Out, 0);
    assert_eq!(OutTo(&it, Form::Under).to_string(), "    └ out to 10.128.0.10:443");
    let below = Form::Below("[2001:db8::1]:5".parse().unwrap());
    assert_eq!(OutTo(&it, below).to_string(), "    └ [2001:db8::1]:5 out to 10.128.0.10:443");
    let hello = it.hello.take().unwrap();
    let text = SameHello(&hello, Some(537_000)).to_string();
    assert_eq!(text, "same hello b1b2…, +0.54 ms in gateway");
    assert_eq!(SameHello(&hello, None).to_string(), "same hello b1b2…");
    assert_eq!(Hundredths(10_456_000).to_string(), "10.46");
}
