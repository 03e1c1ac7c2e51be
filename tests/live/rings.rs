//! Several rings on one interface (`--jobs`).

use std::collections::BTreeSet;

use crate::frames::scenario;
use crate::netns::{Lab, run, send};
use crate::watch::{Watch, records};

fn names(count: u16) -> Vec<String> {
    (0..count).map(|number| format!("name-{number}.example")).collect()
}

#[test]
fn two_rings_see_every_connection_once() {
    let Some(lab) = Lab::new() else { return };
    let watch = Watch::start(&lab.near, "-i ens4 -v --jobs 2 port 443 -j");
    watch.until_told("two rings", |told| told.iter().any(|line| line.text.contains("ens4: 2 rings")));
    let names = names(200);
    for (name, port) in names.iter().zip(30_000..) {
        send(&lab.far, scenario(name, port, "send = { split = [80], order = [2, 1] }"));
    }
    let found = records(&watch.until_lines(200));
    let end = watch.interrupt();
    assert_eq!((end.code, end.records().len()), (Some(0), 200));
    let told: BTreeSet<_> = found.iter().map(|record| record["sni"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, names.into_iter().collect());
    assert!(found.iter().all(|record| record["handshake"]["result"] == "ok"));
    assert_eq!(end.counted("connections"), 200);
    assert!(end.stderr.contains(&"0 packets dropped by kernel".to_owned()));
}

#[test]
fn an_interface_that_goes_down_and_up_again_is_told_and_survived() {
    let Some(lab) = Lab::new() else { return };
    for jobs in [1, 2] {
        let watch = Watch::start(&lab.near, &format!("-i ens4 --jobs {jobs} port 443 -j"));
        send(&lab.far, scenario("before.example", 31_000 + jobs, ""));
        watch.until_lines(1);
        run(&format!("-n {} link set ens4 down", lab.near));
        let told = |words: &'static str| {
            watch.until_told(words, |told| told.iter().any(|line| line.text.contains(words)));
        };
        told("ens4: the interface went down");
        run(&format!("-n {} link set ens4 up", lab.near));
        told("ens4: the interface is up again");
        send(&lab.far, scenario("after.example", 32_000 + jobs, ""));
        watch.until_lines(2);
        let end = watch.interrupt();
        assert_eq!((end.code, end.records().len()), (Some(0), 2), "{end:?}");
        let down = end.stderr.iter().filter(|line| line.contains("went down")).count();
        assert_eq!(down, 1, "one ring speaks: {:?}", end.stderr);
    }
}
