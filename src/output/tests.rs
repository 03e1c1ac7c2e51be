use super::*;
use crate::sample;
use std::collections::HashSet;

#[test]
fn the_table_of_outputs_is_well_formed() {
    let names: HashSet<_> = SINKS.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), SINKS.len(), "names are unique");
    assert_eq!(super::names(), "line, json, tsv, csv, table, timeline, none");
    for row in SINKS {
        assert!(!row.help.is_empty() && row.help.len() <= 60, "{}: {}", row.name, row.help);
        assert!(!row.help.ends_with('.') && !row.name.contains(':'), "{}", row.name);
    }
}

#[test]
fn every_output_opens_on_standard_output_and_takes_a_record() {
    for spec in ["none", "table", "table:-"] {
        let mut sink = open(spec, &Context::default()).unwrap();
        assert!(sink.event(&sample::ok()).unwrap().is_continue());
    }
    assert!(open("line", &Context::default()).is_ok() && open("json:-", &Context::default()).is_ok());
}

#[test]
fn a_file_follows_the_colon_and_may_hold_colons() {
    let path = std::env::temp_dir().join(format!("sni-watch:output:{}", std::process::id()));
    let context = Context { live: true, ..Context::default() };
    let mut sink = open(&format!("json:{}", path.display()), &context).unwrap();
    assert!(sink.event(&sample::ok()).unwrap().is_continue() && sink.flush().unwrap().is_continue());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(text.starts_with("{\"@timestamp\":") && text.ends_with("}\n"), "{text}");
}

#[test]
fn what_cannot_be_opened_is_a_usage_error_that_helps() {
    let told = |spec| match open(spec, &Context::default()).err() {
        Some(Error::Usage(text)) => text,
        other => panic!("{spec}: {other:?}"),
    };
    let known = "use one of line, json, tsv, csv, table, timeline, none";
    assert_eq!(told("xml"), format!("unknown output `xml`: {known}"));
    assert_eq!(told("xml:file"), format!("unknown output `xml`: {known}"));
    assert_eq!(told("json:"), "output `json:` names no file after the colon");
    assert_eq!(told("none:file"), "output `none` writes no file");
    assert!(matches!(open("json:/nonexistent/x", &Context::default()), Err(Error::Io { .. })));
}
