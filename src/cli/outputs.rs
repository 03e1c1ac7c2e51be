//! Which outputs are meant, and which fields their rows have.

use std::path::Path;

use crate::cli::records::OutputOptions;
use crate::error::Error;
use crate::output;
use crate::output::fields;
use crate::output::sink::Place;

/// File name endings that say what is written.
const ENDINGS: [(&str, &str); 4] = [("jsonl", "json"), ("json", "json"), ("tsv", "tsv"), ("csv", "csv")];

/// The outputs, each once; `default` where none was typed.
///
/// # Errors
/// [`Error::Usage`] for an unknown output, and for fields that no output takes or that are none.
pub(crate) fn outputs(typed: &OutputOptions, default: &str, terminal: bool) -> Result<Vec<String>, Error> {
    let mut outputs: Vec<String> = Vec::new();
    let mut add = |spec: String| {
        if !outputs.contains(&spec) {
            outputs.push(spec);
        }
    };
    let files = typed.outputs.iter().map(|spec| by_ending(spec));
    let has_json_file = files.clone().flatten().any(|spec| spec.starts_with("json:"));
    for (spec, by_ending) in typed.outputs.iter().zip(files) {
        add(by_ending.unwrap_or_else(|| spec.clone()));
    }
    if typed.json && !has_json_file {
        add("json".to_owned());
    }
    if typed.rows.is_some() {
        add("tsv".to_owned());
    }
    // A summary is asked for by name; lines are only the default.
    let silent = typed.write.is_some() && !typed.print && default == "line";
    if outputs.is_empty() && !typed.count && !silent {
        outputs.push(default.to_owned());
    }
    let mut takes_fields = false;
    for spec in &outputs {
        takes_fields |= matches!(output::find(spec)?.0.name, "tsv" | "csv");
    }
    if !typed.fields.is_empty() && !takes_fields {
        return Err(Error::Usage("-e needs -T fields, -o tsv or -o csv".to_owned()));
    }
    if typed.write.as_deref() == Some(Path::new("-")) {
        alone_on_stdout(&outputs, typed.count, terminal)?;
    }
    fields::check(&typed.fields)?;
    Ok(outputs)
}

/// Packets on standard output stand between no lines of text.
fn alone_on_stdout(outputs: &[String], count: bool, terminal: bool) -> Result<(), Error> {
    let usage = |text: String| Err(Error::Usage(text));
    for spec in outputs {
        let (row, place) = output::find(spec)?;
        if place == Place::Stdout && row.name != "none" {
            return usage(format!(
                "-w - and output `{}` both write to stdout: give one of them a file",
                row.name
            ));
        }
    }
    if count {
        return usage("-w - and --count both write to stdout: give -w a file".to_owned());
    }
    if terminal {
        return usage("-w - writes packets, not text: redirect stdout, or give a file".to_owned());
    }
    Ok(())
}

/// `out.jsonl` is `json:out.jsonl`; `None` where a word names an output, or its ending none.
fn by_ending(spec: &str) -> Option<String> {
    if spec.contains(':') {
        return None;
    }
    let ending = Path::new(spec).extension()?;
    let (_, name) = ENDINGS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known))?;
    Some(format!("{name}:{spec}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_names_the_output_of_a_file() {
        assert_eq!(by_ending("out.jsonl").as_deref(), Some("json:out.jsonl"));
        assert_eq!(by_ending("/tmp/a.b/x.CSV").as_deref(), Some("csv:/tmp/a.b/x.CSV"));
        for spec in ["json", "line:x.csv", "x.txt", "csv", ".csv", "out", "a.jsonl/b"] {
            assert_eq!(by_ending(spec), None, "{spec}");
        }
    }

    #[test]
    fn every_ending_names_an_output() {
        for (_, name) in ENDINGS {
            output::find(name).unwrap();
        }
    }
}
