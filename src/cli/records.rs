//! The options about records, as typed: which count, where they go, and how they look.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ArgAction;

use crate::cli::value;
use crate::model::observation::Outcome;

/// Which records count.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Records (of one option any may match, of several all must)")]
pub struct SelectOptions {
    /// Only server names that match, such as '*.dc2.*' or '/^api[0-9]/'
    ///
    /// Case does not matter, and `*` stands for any characters, dots included. Between slashes it is a
    /// regular expression, which may match anywhere in the name. Bytes outside printable ASCII are
    /// written as in the output, `\xNN`. The same holds for the other patterns.
    #[arg(long, value_name = "GLOB|/RE/", env = "SNI_WATCH_SNI")]
    pub sni: Vec<String>,

    /// No server names that match; connections without a name stay
    #[arg(long, value_name = "GLOB|/RE/", env = "SNI_WATCH_NOT_SNI")]
    pub not_sni: Vec<String>,

    /// Only names of this service
    #[arg(long, value_name = "GLOB|/RE/", env = "SNI_WATCH_SERVICE")]
    pub service: Vec<String>,

    /// Only names that reach this datacenter
    ///
    /// Its variable is `SNI_WATCH_TARGET_DC`.
    #[arg(long, value_name = "GLOB|/RE/", env = "SNI_WATCH_TARGET_DC")]
    pub dc: Vec<String>,

    /// Only names that reach this cluster peer
    #[arg(long, value_name = "GLOB|/RE/", env = "SNI_WATCH_PEER")]
    pub peer: Vec<String>,

    /// Only clients with this address or in this network
    #[arg(long, value_name = "CIDR", env = "SNI_WATCH_CLIENT")]
    pub client: Vec<String>,

    /// Only handshakes that ended so, such as reset,timeout
    ///
    /// A list with commas of ok, alert, reset, refused, closed, timeout, `incomplete_hello` and `not_seen`.
    #[arg(
        long,
        value_name = "RESULT",
        value_delimiter = ',',
        value_parser = value::outcome(),
        hide_possible_values = true,
        env = "SNI_WATCH_RESULT"
    )]
    pub result: Vec<Outcome>,
}

/// What must be true at the end.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rules (exit code 3 where one fails)")]
pub struct RuleOptions {
    /// This must be seen, such as 'service=currency,dc=dc2,count>=1'
    ///
    /// Comparisons with commas between; all must hold for a connection to count. Keys are sni, service, subset,
    /// namespace, partition, dc, peer, kind, protocol, role, result, cause, by, client, server and port, with =
    /// or !=. Names take the patterns of --sni, client and server a network; what a connection does not have
    /// is unequal to everything. `count` (connections, each once however many legs of it were seen) or `legs`
    /// with >=, <=, >, <, = or != says how many; without either it is count>=1. Records that the filters leave
    /// out are not counted.
    #[arg(long, value_name = "EXPR", env = "SNI_WATCH_REQUIRE")]
    pub require: Vec<String>,

    /// This must not be seen, such as 'result!=ok,service=currency'
    #[arg(long, value_name = "EXPR", env = "SNI_WATCH_FORBID")]
    pub forbid: Vec<String>,
}

/// Where records go and how they look.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Write to output NAME, on stdout or in file WHERE; repeatable
    ///
    /// Without it a watch writes `line` and a summary writes `table`. A file whose ending names the output,
    /// such as `out.jsonl`, `out.tsv` or `out.csv`, needs no NAME.
    #[arg(short = 'o', long = "output", value_name = "NAME[:WHERE]", env = "SNI_WATCH_OUTPUT")]
    pub outputs: Vec<String>,

    /// JSON lines, the same as -o json
    #[arg(short = 'j', long)]
    pub json: bool,

    /// `fields` prints rows with tabs between, the same as -o tsv
    #[arg(short = 'T', value_name = "fields", hide_possible_values = true)]
    pub rows: Option<value::Rows>,

    /// A column of tsv or csv, such as mesh.service; repeatable
    ///
    /// Any field of a record, by its path in the JSON as docs/schema/v1.json describes it. One that a record
    /// does not have is empty, a list has commas between its items. Without -e the columns are:
    /// network.transport, source.ip, source.port, destination.ip, destination.port, sni, mesh.service,
    /// mesh.datacenter, handshake.result and `handshake.latency_ms`.
    #[arg(short = 'e', value_name = "FIELD")]
    pub fields: Vec<String>,

    /// Write the packets of these connections to this pcapng file
    ///
    /// `-` is stdout. Those of connections whose record the filters let through, in the order of their capture,
    /// with a comment where the hello is whole: name, target, result. As in tcpdump nothing is printed then, unless
    /// --print, -o or -j says so. A packet leaves when its connection has its outcome, and so have those that
    /// began before it.
    #[arg(short = 'w', value_name = "FILE")]
    pub write: Option<PathBuf>,

    /// Print records although -w is given
    #[arg(long)]
    pub print: bool,

    /// Print only the number of matching records
    #[arg(long)]
    pub count: bool,

    /// Write also hello, end, failover or stats records, or all
    ///
    /// A list with commas: `hello` as soon as a ClientHello is whole, `end` when a connection closes,
    /// `failover` when a service moves to another datacenter or falls silent, `stats` every --interval, `all`. The outcome (`handshake`) is always written.
    #[arg(
        long,
        value_name = "KIND",
        value_delimiter = ',',
        hide_possible_values = true,
        env = "SNI_WATCH_EMIT"
    )]
    pub emit: Vec<value::Kind>,

    /// Group by any of sni,service,dc,src,dst
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        default_value = "service,dc",
        hide_possible_values = true,
        env = "SNI_WATCH_BY"
    )]
    pub by: Vec<value::Group>,

    /// Only the N largest groups of the summary
    #[arg(long, value_name = "N", env = "SNI_WATCH_TOP")]
    pub top: Option<NonZeroUsize>,

    /// Say more of each connection; up to -vvv
    #[arg(short = 'v', action = ArgAction::Count)]
    pub verbose: u8,

    /// Say less of each connection
    #[arg(short = 'q')]
    pub quiet: bool,

    /// Time: none, -tt epoch, -ttt gap, -tttt date, -ttttt since first
    ///
    /// -ttt is the time since the record before, -ttttt since the first one.
    #[arg(short = 't', action = ArgAction::Count)]
    pub time: u8,

    /// Times with nine fraction digits
    #[arg(long, overrides_with = "micro")]
    pub nano: bool,

    /// Times with six fraction digits, as they are without it
    #[arg(long, overrides_with = "nano")]
    pub micro: bool,

    /// Whether to use colour
    ///
    /// `auto` is: on a terminal, unless `NO_COLOR` or `TERM=dumb` is set; also elsewhere if `CLICOLOR_FORCE` is.
    #[arg(
        long,
        value_name = "auto|always|never",
        default_value = "auto",
        hide_possible_values = true,
        env = "SNI_WATCH_COLOR"
    )]
    pub color: value::Color,
}

/// The hello's own bytes. Of several, `-X` comes before `-x`, and `-x` before `-A`, as in tcpdump.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Bytes of each ClientHello")]
pub struct BytesOptions {
    /// Print them as ASCII
    #[arg(short = 'A', action = ArgAction::Count)]
    pub ascii: u8,

    /// Print them in hexadecimal; -xx with the packet's headers
    #[arg(short = 'x', action = ArgAction::Count)]
    pub hex: u8,

    /// Print them in hexadecimal and ASCII; -XX with the packet's headers
    #[arg(short = 'X', action = ArgAction::Count)]
    pub both: u8,
}
