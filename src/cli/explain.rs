//! `explain`: what a name means, or why a service failed over.

use std::os::unix::ffi::OsStrExt;
use std::slice;

use clap::Parser;

use crate::cli::mesh::MeshOptions;
use crate::cli::name::{datacenter, name_pattern};
use crate::cli::plan::{Command, watch};
use crate::cli::world::World;
use crate::cli::{Args, Explain, NAME};
use crate::error::Error;
use crate::naming::text;
use crate::run::plan::{Emit, Input, Limits, Plan, Watch};
use crate::run::rules::Rules;
use crate::run::select::{Patterns, Select};

/// A name's meaning, or what the captures say of a service.
///
/// # Errors
/// [`Error::Usage`] where what was typed means nothing.
pub(super) fn explain(asked: Explain, world: &World<'_>) -> Result<Command, Error> {
    let Explain { name, json, name_pattern: regex, read, local_datacenter } = asked;
    let pattern = regex.as_deref().map(name_pattern).transpose()?;
    if read.is_empty() {
        return Ok(Command::Explain { name: text::unescape(name.as_bytes()), json, pattern });
    }
    let Some(name) = name.to_str().map(str::to_owned) else {
        return Err(Error::Usage("explain -r needs the service's name as text".to_owned()));
    };
    let whole = text::unescape(&name).ends_with(b".consul");
    let select = if whole {
        Patterns { sni: slice::from_ref(&name), ..Patterns::default() }
    } else {
        Patterns { service: slice::from_ref(&name), ..Patterns::default() }
    };
    // as a watch of files, without what variables say of other inputs
    let mut typed =
        Args::try_parse_from([NAME, "-r", "-"]).map_err(|error| Error::Usage(error.to_string()))?;
    typed.options.input.interfaces.clear();
    typed.options.input.follow.clear();
    typed.options.input.filter = None;
    typed.options.capture.direction = None;
    typed.options.mesh = MeshOptions::default();
    let Command::Watch(plan) = watch(typed.options, world, "timeline", Command::Watch)? else {
        return Err(Error::Usage("explain -r reads captures".to_owned()));
    };
    let local_datacenter = local_datacenter.as_deref().map(datacenter).transpose()?;
    let emit = Emit { handshake: false, hello: false, end: false, failover: json, stats: false };
    let watch = Watch { emit, name_pattern: pattern, local_datacenter, ..plan.watch };
    let outputs = vec![if json { "json" } else { "timeline" }.to_owned()];
    Ok(Command::Watch(Plan {
        input: Input::Files(read),
        select: Select::new(&select)?,
        rules: Rules::default(),
        filter: None,
        limits: Limits::default(),
        count_only: false,
        watch,
        outputs,
        packets: None,
        tell_counts: false,
        ..plan
    }))
}
