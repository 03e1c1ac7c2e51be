//! Several rings on one interface (`--jobs`).

use std::collections::{BTreeMap, BTreeSet};

use crate::frames::{played, scenario};
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
    let all = names.iter().zip(30_000..);
    send(
        &lab.far,
        all.flat_map(|(name, port)| scenario(name, port, "send = { split = [80], order = [2, 1] }"))
            .collect(),
    );
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

/// A gateway on one interface: each connection goes in on one flow and out on another, with the same hello, and two
/// of four such pairs land in different rings.
#[test]
fn the_leg_out_is_under_the_leg_in_whichever_rings_they_come_to() {
    let Some(lab) = Lab::new() else { return };
    let connections: Vec<String> = (0..40)
        .map(|number| {
            format!(
                "[[connection]]\nat = {}\nclient = '10.9.0.1:{}'\nserver = '10.9.0.2:443'\n\
                 hello = {{ sni = ['leg-{number}.example'], label = 'leg-{number}' }}\n\
                 out = {{ client = '10.9.0.2:{}', server = '10.9.0.3:443', after_ms = 0.5 }}\n",
                f64::from(number) * 0.1,
                50_000 + number * 7,
                51_000 + number * 3,
            )
        })
        .collect();
    let watch = Watch::start(&lab.near, "-i ens4 --jobs 2 port 443 -o json");
    let lines = Watch::start(&lab.near, "-i ens4 --jobs 2 port 443");
    send(&lab.far, played(&connections.concat()));
    let found = records(&watch.until_lines(80));
    lines.until_lines(80);
    let (end, lines) = (watch.interrupt(), lines.interrupt());
    assert_eq!(end.counted("connections"), 40, "{:?}", end.stderr.last());
    let mut legs = BTreeMap::<String, Vec<String>>::new();
    for record in &found {
        let leg = record["mesh"]["hop"]["leg"].as_str().unwrap_or("none");
        let name = record["sni"].as_str().unwrap().to_owned();
        let from = record["source"]["ip"].as_str().unwrap();
        assert_eq!(leg, if from == "10.9.0.1" { "in" } else { "out" }, "{record}");
        legs.entry(name).or_default().push(leg.to_owned());
    }
    assert!(legs.len() == 40 && legs.values().all(|both| both.len() == 2), "{legs:?}");
    // right under it, or further down with the client's address
    let out = lines
        .stdout
        .iter()
        .filter(|line| line.text.contains("└ out") || line.text.contains("out to 10.9.0.3"));
    assert_eq!(out.count(), 40, "{:?}", lines.texts());
}
