//! What the command line means: every check ahead of the first packet.

use clap_complete::Shell;

use crate::cli::correlate;
use crate::cli::explain::explain;
use crate::cli::filter::filter;
use crate::cli::name::{datacenter, name_pattern};
use crate::cli::options::{CaptureOptions, InputOptions, Options, StopOptions};
use crate::cli::outputs::outputs;
use crate::cli::records::{BytesOptions, OutputOptions, SelectOptions};
use crate::cli::value::{Depth, Kind};
use crate::cli::world::World;
use crate::cli::{Args, Subcommand};
use crate::error::Error;
use crate::intent;
use crate::naming::custom::Pattern;
use crate::output::context::{HexMode, TimeStyle};
use crate::run::correlate::Correlation;
use crate::run::plan::{Emit, Input, Limits, Plan, View, Watch, When};
use crate::run::rules::Rules;
use crate::run::select::{Patterns, Select};
use crate::source::cut::CutOptions;
use crate::source::live::options::{Direction, LiveOptions};
use crate::tally::snapshot::Dimension;

/// What the program shall do.
#[derive(Debug)]
pub enum Command {
    /// Watch, and print records.
    Watch(Plan),
    /// Watch, and count.
    Summary(Plan),
    /// Follow connections over several vantage points.
    Correlate(Correlation),
    /// Explain a server name.
    Explain {
        /// The name's bytes.
        name: Vec<u8>,
        /// Print JSON.
        json: bool,
        /// `--name-pattern`, compiled.
        pattern: Option<Pattern>,
    },
    /// List the interfaces.
    Interfaces,
    /// List the link types of an interface.
    LinkTypes {
        /// Its name.
        interface: String,
    },
    /// Print completions.
    Completions(Shell),
    /// Print the man page.
    Man,
}

/// Checks what was typed and says what it means.
///
/// # Errors
/// [`Error::Usage`] where it means nothing; [`Error::Io`] for a filter file that cannot be read.
pub fn plan(args: Args, world: &World<'_>) -> Result<Command, Error> {
    match args.command {
        None => watch(args.options, world, "line", Command::Watch),
        Some(Subcommand::Summary(options)) => watch(*options, world, "table", Command::Summary),
        Some(Subcommand::Correlate(options)) => correlate::plan(*options, world),
        Some(Subcommand::Explain(asked)) => explain(*asked, world),
        Some(Subcommand::Interfaces) => Ok(Command::Interfaces),
        Some(Subcommand::Completions { shell }) => Ok(Command::Completions(shell)),
        Some(Subcommand::Man) => Ok(Command::Man),
    }
}

fn usage<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Usage(text.into()))
}

/// What a watch of these options is.
///
/// # Errors
/// As [`plan`].
pub(super) fn watch(
    options: Options,
    world: &World<'_>,
    default_output: &str,
    command: fn(Plan) -> Command,
) -> Result<Command, Error> {
    let Options { input, capture, select, rules, mesh, stop, output, bytes, watch, ask, compatibility: _ } =
        options;
    if ask.list_interfaces {
        return Ok(Command::Interfaces);
    }
    if ask.list_data_link_types {
        return link_types(input);
    }
    let by = dimensions(&output);
    let outputs = outputs(&output, default_output, world.terminal)?;
    let emit = emit(&output.emit, watch.stats.is_some());
    let local_datacenter = watch.local_datacenter.as_deref().map(datacenter).transpose()?;
    Ok(command(Plan {
        filter: filter(&input)?,
        user: capture.user.clone(),
        input: inputs(input, capture, emit, world)?,
        watch: Watch {
            handshake_timeout: watch.handshake_timeout,
            max_flows: watch.max_flows.get(),
            emit,
            name_pattern: watch.name_pattern.as_deref().map(name_pattern).transpose()?,
            local_datacenter: local_datacenter.clone(),
        },
        select: selection(&select)?,
        rules: Rules::new(&rules.require, &rules.forbid)?,
        expect: intent::load(&mesh.expect, local_datacenter.as_deref())?,
        catalog: mesh.catalog(world)?,
        limits: limits(&stop)?,
        view: view(&output, &bytes, world)?,
        by,
        top: output.top.map(Into::into),
        interval: watch.stats.unwrap_or(watch.interval),
        tell_counts: watch.stats.is_some() && !outputs.iter().any(|spec| spec.starts_with("json")),
        count_only: output.count,
        outputs,
        packets: output.write,
        jobs: if watch.jobs == 0 { world.cores } else { watch.jobs },
        node: watch.node.unwrap_or_else(|| world.host.clone()),
    }))
}

fn link_types(input: InputOptions) -> Result<Command, Error> {
    match <[String; 1]>::try_from(input.interfaces) {
        Ok([interface]) if input.read.is_empty() => Ok(Command::LinkTypes { interface }),
        _ => usage("-L needs one -i INTERFACE"),
    }
}

fn inputs(
    input: InputOptions,
    capture: CaptureOptions,
    emit: Emit,
    world: &World<'_>,
) -> Result<Input, Error> {
    if !input.follow.is_empty() {
        return match (input.interfaces.is_empty(), input.read.is_empty()) {
            (true, true) if capture.direction.is_none() => Ok(Input::Follow(distinct(input.follow))),
            (true, true) => usage("-Q needs -i: a capture file does not say which way its packets went"),
            (false, _) => usage("-i and --follow exclude each other: watch interfaces or follow captures"),
            (_, false) => {
                usage("-r and --follow exclude each other: --follow reads what is there already too")
            }
        };
    }
    match (input.interfaces.is_empty(), input.read.is_empty()) {
        (true, true) => no_input(world),
        (false, false) => usage("-i and -r exclude each other: watch interfaces or read captures"),
        (true, false) if capture.direction.is_some() => {
            usage("-Q needs -i: a capture file does not say which way its packets went")
        }
        (true, false) => Ok(Input::Files(input.read)),
        (false, true) => live(input.interfaces, capture, emit),
    }
}

fn no_input<T>(world: &World<'_>) -> Result<T, Error> {
    let names = (world.interfaces)();
    let hint =
        if names.is_empty() { String::new() } else { format!("; interfaces here: {}", names.join(", ")) };
    usage(format!("no input: -i INTERFACE or -r FILE{hint}"))
}

/// Each interface once; `any` alone, since it would show every frame of another one a second time.
fn live(typed: Vec<String>, capture: CaptureOptions, emit: Emit) -> Result<Input, Error> {
    let interfaces = distinct(typed);
    if interfaces.len() > 1 && interfaces.iter().any(|name| name == "any") {
        return usage("-i any covers every interface: leave the other -i out");
    }
    let capture = LiveOptions {
        snaplen: capture.snaplen,
        promiscuous: !capture.no_promiscuous,
        buffer_kib: capture.buffer,
        direction: capture.direction.map(Direction::from).unwrap_or_default(),
        immediate: capture.immediate_mode,
        timestamp_type: capture.time_stamp_type,
        cut: CutOptions { depth: capture_depth(capture.capture_depth, emit), ..CutOptions::default() },
        ..LiveOptions::default()
    };
    Ok(Input::Live { interfaces, capture })
}

/// `--capture-depth` unless typed: more than the clear part of a handshake takes; a longer hello passes whole.
const CAPTURE_DEPTH: u32 = 16 * 1024;

/// The end of a connection tells how much it carried: whoever asks for it wants that, unless they say otherwise.
fn capture_depth(typed: Option<Depth>, emit: Emit) -> Option<u32> {
    typed.map_or((!emit.end).then_some(CAPTURE_DEPTH), |Depth(bytes)| bytes)
}

fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}

fn selection(typed: &SelectOptions) -> Result<Select, Error> {
    Select::new(&Patterns {
        sni: &typed.sni,
        not_sni: &typed.not_sni,
        service: &typed.service,
        dc: &typed.dc,
        peer: &typed.peer,
        client: &typed.client,
        result: &typed.result,
    })
}

fn limits(typed: &StopOptions) -> Result<Limits, Error> {
    let (since, until) = (typed.since, typed.until);
    let backwards = match (since, until) {
        (Some(When::At(since)), Some(When::At(until))) => since > until,
        // both on the day of the first packet
        (Some(When::TimeOfDay(since)), Some(When::TimeOfDay(until))) => since > until,
        _ => false,
    };
    if backwards {
        return usage("--since is later than --until");
    }
    Ok(Limits {
        records: typed.records.map(Into::into),
        packets: typed.packets.map(Into::into),
        duration: typed.duration,
        since,
        until,
    })
}

fn emit(kinds: &[Kind], stats: bool) -> Emit {
    let any = |kind| kinds.contains(&kind) || kinds.contains(&Kind::All);
    // The outcome is always written: the other kinds come beside it.
    Emit {
        handshake: true,
        hello: any(Kind::Hello),
        end: any(Kind::End),
        failover: any(Kind::Failover),
        stats: stats || any(Kind::Stats),
    }
}

fn dimensions(output: &OutputOptions) -> Vec<Dimension> {
    distinct(output.by.iter().copied().map(Dimension::from))
}

fn view(output: &OutputOptions, bytes: &BytesOptions, world: &World<'_>) -> Result<View, Error> {
    if output.time > 5 {
        return usage("-t can be typed five times at most");
    }
    Ok(View {
        verbosity: output.verbose,
        quiet: output.quiet,
        time_style: match output.time {
            0 => TimeStyle::Clock,
            1 => TimeStyle::Omit,
            2 => TimeStyle::Epoch,
            3 => TimeStyle::Delta,
            4 => TimeStyle::Date,
            _ => TimeStyle::SinceFirst,
        },
        nano: output.nano,
        color: world.color(output.color),
        hex: hex(bytes),
        fields: output.fields.clone(),
    })
}

/// tcpdump's order: `-X` before `-x` before `-A`, in whatever order they were typed.
fn hex(typed: &BytesOptions) -> HexMode {
    match (typed.both, typed.hex, typed.ascii) {
        (0, 0, 0) => HexMode::Off,
        (0, 0, _) => HexMode::Ascii,
        (0, 1, _) => HexMode::Hex,
        (0, ..) => HexMode::LinkHex,
        (1, ..) => HexMode::HexAscii,
        _ => HexMode::LinkHexAscii,
    }
}
