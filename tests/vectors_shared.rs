//! The names of the collection beside the project, where it is there: each must be classified as it says.
//!
//! `SNI_WATCH_SHARED` names the folder; without it, `../shared` beside the project is looked at.

use std::path::PathBuf;

use sni_watch::model::hello::Sni;
use sni_watch::model::name::{Field, Flag};
use sni_watch::naming::{Namer, text};

const COLUMNS: usize = 10;

fn table() -> PathBuf {
    let shared = std::env::var_os("SNI_WATCH_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    shared.join("vectors/sni_vectors.tsv")
}

fn found(sni: &str) -> [String; COLUMNS - 1] {
    let bytes = text::unescape(sni);
    let sni = match sni {
        "(none)" => Sni::Absent,
        "(empty)" => Sni::Empty,
        _ => Sni::Name { bytes: &bytes, more: false },
    };
    let name = Namer::default().classify(sni);
    let text = |field| name.field(field).unwrap_or_default().to_owned();
    [
        name.kind.to_owned(),
        text(Field::Service),
        text(Field::Subset),
        text(Field::Namespace),
        text(Field::Partition),
        text(Field::Peer),
        text(Field::Datacenter),
        text(Field::TrustDomain),
        name.flags.iter().map(Flag::name).collect::<Vec<_>>().join(","),
    ]
}

#[test]
fn shared_names_are_classified_as_their_table_says() {
    let path = table();
    let Ok(content) = std::fs::read_to_string(&path) else {
        eprintln!("{} is not there: nothing to compare", path.display());
        return;
    };
    let rows: Vec<Vec<&str>> = content
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(rows.len() >= 88, "only {} rows in {}", rows.len(), path.display());
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let found = found(row[0]);
            (found[..] != row[1..COLUMNS])
                .then(|| format!("{}\n  is {found:?}\n not {:?}", row[0], &row[1..COLUMNS]))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
