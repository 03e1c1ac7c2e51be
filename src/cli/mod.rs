//! The command line: what was typed ([`Args`]), and what it means ([`plan::plan`]).
//!
//! Parsing follows getopt where tcpdump's users rely on it: short options combine (`-nnXX`), options and
//! filter words mix, and of an option that was typed twice the last counts. A subcommand's name is one
//! only as the first word; anywhere else it is a word of the filter.

pub mod ask;
pub mod correlate;
mod explain;
mod filter;
pub mod generate;
pub mod mesh;
mod name;
pub mod options;
mod outputs;
pub mod plan;
pub mod records;
pub mod value;
pub mod world;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::cli::correlate::CorrelateOptions;
use crate::cli::options::Options;
use crate::cli::plan::{Command, plan};
use crate::cli::world::World;
use crate::error::{Error, ExitCode};
use crate::naming::SCHEMES;
use crate::output::SINKS;

/// Name of the program, in help, version and messages.
pub const NAME: &str = "sni-watch";

/// The whole command line, as typed.
#[derive(Debug, clap::Parser)]
#[command(
    name = NAME,
    bin_name = NAME,
    version,
    about = "Print every TLS connection's server name, datacenter and outcome",
    after_help = "--help says more, with examples.",
    override_usage = USAGE,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    disable_help_subcommand = true
)]
pub struct Args {
    /// Options of a watch.
    #[command(flatten)]
    pub options: Options,
    /// The subcommand, where the first word is one.
    #[command(subcommand)]
    pub command: Option<Subcommand>,
}

/// A question of another kind.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Count connections by service, datacenter, name or address
    #[command(args_override_self = true)]
    Summary(Box<Options>),
    /// Follow each connection over several vantage points
    #[command(args_override_self = true)]
    Correlate(Box<CorrelateOptions>),
    /// Say what each label of a server name means; with -r, why a service failed over
    #[command(args_override_self = true)]
    Explain(Box<Explain>),
    /// List the interfaces
    Interfaces,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// What `explain` takes.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The server name; `\xNN` is the byte with that hexadecimal number. With -r, the service
    pub name: OsString,
    /// Print the `mesh` object that a record would carry; with -r, the failover records
    #[arg(short, long)]
    pub json: bool,
    /// A naming scheme of your own, as for a watch
    #[arg(long, value_name = "REGEX", env = "SNI_WATCH_NAME_PATTERN")]
    pub name_pattern: Option<String>,
    /// A capture in which to look for the service's failovers; repeatable
    #[arg(short = 'r', value_name = "[NODE=]FILE")]
    pub read: Vec<String>,
    /// The datacenter of the place where they were taken
    #[arg(long = "local-dc", value_name = "NAME", env = "SNI_WATCH_DC")]
    pub local_datacenter: Option<String>,
}

const USAGE: &str = "sni-watch [OPTIONS] [FILTER]...\n       sni-watch <COMMAND> ...";

/// What help and man page say below the options: title and text.
const NOTES: [(&str, &str); 3] = [
    (
        "Examples",
        "\
sni-watch -i ens4 port 443
    who asks for which name, live
sni-watch -r gateway.pcap --result reset,timeout
    handshakes that failed
sni-watch summary -r gateway.pcap --by dc,dst
    connections by datacenter and server
sni-watch -i any -j | jq -r .sni
    names alone
sni-watch correlate dc1=gw1.pcap dc2=gw2.jsonl
    each connection's way over both gateways
sni-watch explain api.default.dc2.internal.TRUST-DOMAIN.consul
    what each label means
sni-watch explain api -r node.pcap
    when the service api moved to another datacenter, and what had failed",
    ),
    (
        "Environment",
        "\
Every long option with a value can be set by a variable: SNI_WATCH_
and the option in capitals with _ for -, such as SNI_WATCH_MAX_FLOWS.
For --dc it is SNI_WATCH_TARGET_DC, for --local-dc SNI_WATCH_DC. What is
typed comes first.",
    ),
    (
        "Exit status",
        "\
0    done
1    an input or output cannot be opened, read or written
2    what was typed means nothing
3    a rule (--require, --forbid) failed
130  interrupted twice",
    ),
];

/// Why there is no command to run: text was asked for, or what was typed means nothing.
#[derive(Debug)]
pub enum Stop {
    /// Help or the version was asked for, or the parser refused an argument.
    Parser(clap::Error),
    /// What was typed cannot be done.
    Plan(Error),
}

impl Stop {
    /// [`ExitCode::Done`] for help and version.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Parser(error) if error.use_stderr() => ExitCode::Usage,
            Self::Parser(_) => ExitCode::Done,
            Self::Plan(error) => error.exit_code(),
        }
    }

    /// Prints help and version on standard output, anything else on standard error.
    ///
    /// # Errors
    /// The text could not be written.
    pub fn print(&self) -> io::Result<()> {
        match self {
            Self::Parser(error) => error.print(),
            Self::Plan(error) => writeln!(io::stderr(), "{NAME}: {error}"),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parser(error) => error.fmt(f),
            Self::Plan(error) => error.fmt(f),
        }
    }
}

/// The parser: every option and subcommand with its help.
pub fn command() -> clap::Command {
    // The variables follow one rule, which the long help states: named at each option they would hide it.
    let hide = |arg: clap::Arg| arg.hide_env(true);
    let row = |name: &str, help: &str| format!("{name:12} {help}\n");
    let outputs: String = SINKS.iter().map(|sink| row(sink.name, sink.help)).collect();
    let schemes: String = SCHEMES.iter().map(|scheme| row(scheme.name(), scheme.help())).collect();
    let tables = [("Outputs", outputs), ("Naming schemes, the first that fits", schemes)];
    let tables = tables.iter().map(|(title, text)| (*title, text.as_str()));
    let notes = tables.chain(NOTES.iter().copied());
    let notes: Vec<_> = notes.map(|(title, text)| format!("{title}:\n{}", indented(text))).collect();
    Args::command()
        .mut_args(hide)
        .mut_subcommands(|command| command.mut_args(hide))
        .after_long_help(notes.join("\n\n"))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Reads and checks a command line, the program's own name first; `interfaces` lists what can be watched.
///
/// # Errors
/// See [`Stop`].
pub fn parse_from(
    words: impl IntoIterator<Item = OsString>,
    interfaces: &dyn Fn() -> Vec<String>,
) -> Result<Command, Stop> {
    parse_in(words, &World::here(interfaces))
}

/// [`parse_from`] in a given world.
fn parse_in(words: impl IntoIterator<Item = OsString>, world: &World<'_>) -> Result<Command, Stop> {
    let mut parser = command();
    let matches = parser.try_get_matches_from_mut(words).map_err(Stop::Parser)?;
    let mut args =
        Args::from_arg_matches(&matches).map_err(|error| Stop::Parser(error.format(&mut parser)))?;
    match (&mut args.command, matches.subcommand()) {
        (Some(Subcommand::Summary(options)), Some((_, matches))) => typed_first(options, matches),
        _ => typed_first(&mut args.options, &matches),
    }
    if let (None, Some(word)) = (&args.command, args.options.input.words.first()) {
        check_first_word(word, &mut parser)?;
    }
    plan(args, world).map_err(Stop::Plan)
}

/// Drops what the environment says about input, filter and output where the command line says otherwise.
fn typed_first(options: &mut Options, matches: &ArgMatches) {
    let from_environment = |id| matches.value_source(id) == Some(ValueSource::EnvVariable);
    let input = &mut options.input;
    let follows = !input.follow.is_empty() && !from_environment("follow");
    let watches = !input.interfaces.is_empty() && !from_environment("interfaces");
    if from_environment("follow") && (watches || !input.read.is_empty()) {
        input.follow.clear();
    }
    if from_environment("interfaces") && (follows || !input.read.is_empty()) {
        input.interfaces.clear();
        // Live capture only, so no contradiction to a file that was typed.
        options.capture.direction = options.capture.direction.filter(|_| !from_environment("direction"));
    }
    if from_environment("filter") && (!input.words.is_empty() || input.filter_file.is_some()) {
        input.filter = None;
    }
    if from_environment("outputs") && options.output.json {
        options.output.outputs.clear();
    }
}

/// Refuses a filter that begins with a subcommand's name: BPF knows no such word, a slip of order is likely.
fn check_first_word(word: &str, parser: &mut clap::Command) -> Result<(), Stop> {
    if parser.find_subcommand(word).is_none() {
        return Ok(());
    }
    let text = format!("`{word}` goes first: {NAME} {word} ...");
    Err(Stop::Parser(parser.error(ErrorKind::ArgumentConflict, text)))
}

#[cfg(test)]
mod tests;
