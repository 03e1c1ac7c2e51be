//! The options of a watch, as typed: one struct for each group of the help.
//!
//! The first line of each doc comment is what `-h` prints, the whole is what `--help` prints. Names are
//! tcpdump's where tcpdump has the option. Every long option with a value can also be set in the
//! environment, as `SNI_WATCH_` and its name in capitals; a value that was typed wins.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgAction;

use crate::cli::mesh::MeshOptions;
use crate::cli::records::{BytesOptions, OutputOptions, RuleOptions, SelectOptions};
use crate::cli::value;
use crate::run::plan::When;

/// Everything that a watch and a summary take.
#[derive(Debug, clap::Args)]
#[expect(missing_docs, reason = "each field is a group, documented at its type")]
pub struct Options {
    #[command(flatten)]
    pub input: InputOptions,
    #[command(flatten)]
    pub capture: CaptureOptions,
    #[command(flatten)]
    pub select: SelectOptions,
    #[command(flatten)]
    pub rules: RuleOptions,
    #[command(flatten)]
    pub mesh: MeshOptions,
    #[command(flatten)]
    pub stop: StopOptions,
    #[command(flatten)]
    pub output: OutputOptions,
    #[command(flatten)]
    pub bytes: BytesOptions,
    #[command(flatten)]
    pub watch: WatchOptions,
    #[command(flatten)]
    pub ask: AskOptions,
    #[command(flatten)]
    pub compatibility: CompatibilityOptions,
}

/// What to read, and the packet filter.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub struct InputOptions {
    /// Watch this interface; repeatable, `any` is all of them
    #[arg(short = 'i', long = "interface", value_name = "IF", env = "SNI_WATCH_INTERFACE")]
    pub interfaces: Vec<String>,

    /// Read this capture, a directory of them, or `-` for stdin; repeatable
    ///
    /// pcap or pcapng, also compressed with gzip, zstd or lz4. NODE=FILE gives the name of the vantage point
    /// that took the capture. Several captures are merged by time.
    #[arg(short = 'r', value_name = "[NODE=]FILE")]
    pub read: Vec<String>,

    /// Read this capture, or a directory's newest, as it grows; repeatable
    ///
    /// As tail -F does: a name is followed over rotations, whether the file was moved, removed or emptied, and in
    /// a directory each new capture is read after the one before it, as dumpcap -b and tcpdump -C write them. What
    /// is there already is read first. It ends with Ctrl-C.
    #[arg(long, value_name = "[NODE=]FILE", env = "SNI_WATCH_FOLLOW")]
    pub follow: Vec<String>,

    /// BPF filter; without one: live the TLS ports, offline everything
    ///
    /// The words are joined with blanks, as tcpdump does, and may stand before other options. An empty
    /// filter ('') takes every packet. VLAN-tagged frames are matched too.
    #[arg(value_name = "FILTER")]
    pub words: Vec<String>,

    /// The filter in one word, in place of FILTER
    #[arg(short = 'f', long = "filter", value_name = "EXPR", env = "SNI_WATCH_FILTER")]
    pub filter: Option<String>,

    /// Read the filter from this file
    ///
    /// The whole file is one filter; what follows a `#` in its line is a comment.
    #[arg(short = 'F', value_name = "FILE")]
    pub filter_file: Option<PathBuf>,
}

/// How an interface is watched; tcpdump's options.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Capture")]
pub struct CaptureOptions {
    /// Keep N bytes of each packet; 0 means 262144
    #[arg(
        short = 's',
        long = "snapshot-length",
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=262_144),
        env = "SNI_WATCH_SNAPSHOT_LENGTH"
    )]
    pub snaplen: u32,

    /// Do not set the interface to promiscuous mode
    #[arg(short = 'p', long = "no-promiscuous-mode")]
    pub no_promiscuous: bool,

    /// Kernel buffer in KiB, or with a unit as in 512k, 4M, 1G
    #[arg(
        short = 'B',
        long = "buffer-size",
        value_name = "KIB",
        value_parser = value::kibibytes,
        env = "SNI_WATCH_BUFFER_SIZE"
    )]
    pub buffer: Option<u32>,

    /// Take only packets that this host receives, sends, or both
    #[arg(
        short = 'Q',
        long = "direction",
        value_name = "in|out|inout",
        hide_possible_values = true,
        env = "SNI_WATCH_DIRECTION"
    )]
    pub direction: Option<value::Way>,

    /// Become USER once the inputs are open
    #[arg(
        short = 'Z',
        long = "relinquish-privileges",
        value_name = "USER",
        env = "SNI_WATCH_RELINQUISH_PRIVILEGES"
    )]
    pub user: Option<String>,

    /// Take packets from the kernel as they come, not in blocks
    #[arg(long)]
    pub immediate_mode: bool,

    /// Bytes of each direction to look into, such as 16k, or all
    ///
    /// Deeper in a connection nobody looks: the kernel drops what is there before it copies it, and counts it apart
    /// (eBPF, which takes root or the capabilities `cap_net_raw` and `cap_bpf`; else it drops bare acknowledgements
    /// only). The beginning of a hello and the end of a connection are seen at any depth; packets and bytes of a
    /// connection are not told then. The default is 16k, and with --emit end all. -v says what is in force.
    #[arg(
        long,
        value_name = "BYTES|all",
        value_parser = value::depth,
        env = "SNI_WATCH_CAPTURE_DEPTH"
    )]
    pub capture_depth: Option<value::Depth>,

    /// Which clock stamps the packets, such as adapter
    ///
    /// host, `host_lowprec`, `host_hiprec`, adapter or `adapter_unsynced`, as far as the interface has it.
    #[arg(
        long,
        value_name = "TYPE",
        hide_possible_values = true,
        value_parser = ["host", "host_lowprec", "host_hiprec", "adapter", "adapter_unsynced"],
        env = "SNI_WATCH_TIME_STAMP_TYPE"
    )]
    pub time_stamp_type: Option<String>,
}

/// When to stop, and which time to look at.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct StopOptions {
    /// Stop after N records
    #[arg(short = 'c', value_name = "N")]
    pub records: Option<NonZeroU64>,

    /// Stop after N packets
    #[arg(long, value_name = "N", env = "SNI_WATCH_PACKETS")]
    pub packets: Option<NonZeroU64>,

    /// Stop after this time, such as 90, 500ms, 2m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = value::duration, env = "SNI_WATCH_DURATION")]
    pub duration: Option<Duration>,

    /// Only records from this time on
    ///
    /// As RFC 3339, as 'YYYY-MM-DD HH:MM:SS' in local time, as seconds since 1970, or as HH:MM[:SS[.FRAC]],
    /// local time on the day of the first packet.
    #[arg(long, value_name = "WHEN", value_parser = value::when, env = "SNI_WATCH_SINCE")]
    pub since: Option<When>,

    /// Only records up to this time, written as for --since
    #[arg(long, value_name = "WHEN", value_parser = value::when, env = "SNI_WATCH_UNTIL")]
    pub until: Option<When>,
}

/// How connections are watched.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchOptions {
    /// Name of this vantage point, in place of the host's name
    #[arg(long, value_name = "NAME", env = "SNI_WATCH_NODE")]
    pub node: Option<String>,

    /// The datacenter of this place: tells egress from ingress
    ///
    /// Records get `mesh.local_datacenter` and `mesh.role`, and only what reaches another datacenter, or comes
    /// from one through a gateway here, can be a failover.
    #[arg(long = "local-dc", value_name = "NAME", env = "SNI_WATCH_DC")]
    pub local_datacenter: Option<String>,

    /// A naming scheme of your own: a regex with named groups
    ///
    /// It must fit the whole name. Groups are `service`, `subset`, `namespace`, `partition`, `datacenter`
    /// (or `dc`), `peer` and `trust_domain`, as in `(?<service>[^.]+)\.(?<dc>dc[0-9]+)\..*`.
    #[arg(long, value_name = "REGEX", env = "SNI_WATCH_NAME_PATTERN")]
    pub name_pattern: Option<String>,

    /// Time between two looks at the counters
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        value_parser = value::duration,
        env = "SNI_WATCH_INTERVAL"
    )]
    pub interval: Duration,

    /// Tell the counters each TIME: --emit stats and --interval in one
    ///
    /// Outputs that write no counters leave it to a line on standard error, as after SIGUSR1.
    #[arg(long, value_name = "TIME", value_parser = value::duration, env = "SNI_WATCH_STATS")]
    pub stats: Option<Duration>,

    /// How long an answer to a ClientHello may take
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        value_parser = value::duration,
        env = "SNI_WATCH_HANDSHAKE_TIMEOUT"
    )]
    pub handshake_timeout: Duration,

    /// Watch at most N connections at once
    ///
    /// Past that, those go first that need nothing more. Where some must go whose outcome is open, that is said at
    /// the end, and which they are is not the same in every run: the table's order is secret.
    #[arg(long, value_name = "N", default_value = "1000000", env = "SNI_WATCH_MAX_FLOWS")]
    pub max_flows: NonZeroUsize,

    /// Threads for files, rings for each interface; 0: one for each core
    ///
    /// Files: with two or more, one thread reads and inspects while another counts and writes; the output is the
    /// same. Interfaces: each ring has a thread, and a connection is seen whole by one of them; records of different
    /// rings are put in order of time, for which each waits 40 ms. --max-flows is for all rings of an interface
    /// together; with --packets there is one ring. 256 at most.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value::jobs, env = "SNI_WATCH_JOBS")]
    pub jobs: usize,
}

/// Questions that are answered at once.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Questions")]
pub struct AskOptions {
    /// List the interfaces and exit
    #[arg(short = 'D', long)]
    pub list_interfaces: bool,

    /// List the link types of the interface given with -i and exit
    #[arg(short = 'L', long)]
    pub list_data_link_types: bool,
}

/// Accepted so that tcpdump's command lines work; they change nothing.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Accepted for tcpdump's sake, without effect")]
pub struct CompatibilityOptions {
    /// Do not look up names: none ever is
    #[arg(short = 'n', action = ArgAction::Count)]
    pub numeric: u8,

    /// Write each record at once: live output always is
    #[arg(short = 'l')]
    pub line_buffered: bool,

    /// Write each packet at once: live output always is
    #[arg(short = 'U', long)]
    pub packet_buffered: bool,
}
