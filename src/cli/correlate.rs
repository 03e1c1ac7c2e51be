//! The command `correlate`: its options, as typed, and what they mean.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::ArgAction;

use crate::cli::name::name_pattern;
use crate::cli::plan::Command;
use crate::cli::value;
use crate::cli::world::World;
use crate::error::Error;
use crate::output::paths;
use crate::run::correlate::Correlation;
use crate::run::plan::{Emit, View, Watch};

/// Everything that `correlate` takes.
#[derive(Debug, clap::Args)]
pub struct CorrelateOptions {
    /// A capture, a file of JSON records, a directory of captures, a pipe, or `-`; NODE= names where it was taken
    ///
    /// Records are those that `-o json` writes. Without NODE= a vantage point is called as its records say, else as
    /// the file. Several files with one NODE= are parts of one capture.
    #[arg(value_name = "[NODE=]INPUT", required = true)]
    pub inputs: Vec<String>,

    /// How long the other legs of a connection are waited for, by the captures' clocks
    ///
    /// Longer than the handshake timeout of what is read. What comes later is told by itself, and marked.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "20s",
        value_parser = value::duration,
        env = "SNI_WATCH_WINDOW"
    )]
    pub window: Duration,

    /// How long an answer to a ClientHello may take, in captures
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        value_parser = value::duration,
        env = "SNI_WATCH_HANDSHAKE_TIMEOUT"
    )]
    pub handshake_timeout: Duration,

    /// Watch at most N connections of a capture at once
    #[arg(long, value_name = "N", default_value = "1000000", env = "SNI_WATCH_MAX_FLOWS")]
    pub max_flows: NonZeroUsize,

    /// A naming scheme of your own, as for a watch
    #[arg(long, value_name = "REGEX", env = "SNI_WATCH_NAME_PATTERN")]
    pub name_pattern: Option<String>,

    /// Write to output NAME (line, json, table), on stdout or in file WHERE; repeatable
    #[arg(short = 'o', long = "output", value_name = "NAME[:WHERE]")]
    pub outputs: Vec<String>,

    /// JSON lines, the same as -o json
    #[arg(short = 'j', long)]
    pub json: bool,

    /// Print every leg below its connection
    #[arg(short = 'v', action = ArgAction::Count)]
    pub verbose: u8,

    /// Say nothing of what could not be joined
    #[arg(short = 'q')]
    pub quiet: bool,

    /// Whether to use colour, as for a watch
    #[arg(
        long,
        value_name = "auto|always|never",
        default_value = "auto",
        hide_possible_values = true,
        env = "SNI_WATCH_COLOR"
    )]
    pub color: value::Color,

    /// Name of this host in records, in place of its own
    #[arg(long, value_name = "NAME", env = "SNI_WATCH_NODE")]
    pub node: Option<String>,
}

/// What the options mean.
///
/// # Errors
/// [`Error::Usage`] where they mean nothing.
pub(super) fn plan(typed: CorrelateOptions, world: &World<'_>) -> Result<Command, Error> {
    if typed.window <= typed.handshake_timeout {
        let text =
            "--window must be longer than --handshake-timeout: a leg is told when its outcome is known";
        return Err(Error::Usage(text.to_owned()));
    }
    let mut outputs = Vec::new();
    for spec in typed.outputs.into_iter().chain(typed.json.then(|| "json".to_owned())) {
        paths::find(&spec)?;
        if !outputs.contains(&spec) {
            outputs.push(spec);
        }
    }
    if outputs.is_empty() {
        outputs.push("line".to_owned());
    }
    Ok(Command::Correlate(Correlation {
        inputs: typed.inputs,
        window: typed.window,
        watch: Watch {
            handshake_timeout: typed.handshake_timeout,
            max_flows: typed.max_flows.get(),
            emit: Emit { hello: false, handshake: true, end: false, stats: false, failover: false },
            name_pattern: typed.name_pattern.as_deref().map(name_pattern).transpose()?,
            local_datacenter: None,
        },
        outputs,
        view: View {
            verbosity: typed.verbose,
            quiet: typed.quiet,
            color: world.color(typed.color),
            ..View::default()
        },
        node: typed.node.unwrap_or_else(|| world.host.clone()),
    }))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn planned(line: &str) -> Result<Correlation, String> {
        let words = format!("sni-watch correlate {line}");
        let words = words.split_whitespace().map(OsString::from);
        match crate::cli::parse_from(words, &Vec::new) {
            Ok(Command::Correlate(plan)) => Ok(plan),
            Ok(other) => Err(format!("{other:?}")),
            Err(stop) => Err(stop.to_string()),
        }
    }

    #[test]
    fn inputs_and_outputs_are_as_typed() {
        let plan = planned("dc1=a.pcap dc2=b.jsonl").unwrap();
        assert_eq!(
            (plan.inputs.len(), plan.outputs, plan.window.as_secs()),
            (2, vec!["line".to_owned()], 20)
        );
        let plan = planned("-vv a b -o line -o json:x.jsonl -j --window 1h --node desk").unwrap();
        assert_eq!(plan.outputs, ["line", "json:x.jsonl", "json"]);
        assert_eq!((plan.view.verbosity, plan.node.as_str(), plan.window.as_secs()), (2, "desk", 3600));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for (line, words) in [
            ("", "required"),
            ("a -o csv", "correlate has no output `csv`: use one of line, json, table"),
            ("a --window 10s", "--window must be longer than --handshake-timeout"),
            ("a --window 0", "not above zero"),
            ("a --name-pattern (", "--name-pattern '(':"),
        ] {
            let error = planned(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
