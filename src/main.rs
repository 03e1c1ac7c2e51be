//! The binary: parse, plan, run, one error line, exit code.

use std::io::{self, ErrorKind};
use std::process;

use sni_watch::cli;
use sni_watch::cli::ask;
use sni_watch::cli::plan::Command;
use sni_watch::error::{Error, ExitCode};
use sni_watch::run::{self, report};
use sni_watch::source::interfaces;

/// Records are many small allocations of short life.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> process::ExitCode {
    let names =
        || interfaces::list().map(|all| all.into_iter().map(|one| one.name).collect()).unwrap_or_default();
    let command = match cli::parse_from(std::env::args_os(), &names) {
        Ok(command) => command,
        Err(stop) => {
            let code = match stop.print() {
                // Text that was asked for and not written is no success; a reader that went away is.
                Err(error) if stop.exit_code() == ExitCode::Done && error.kind() != ErrorKind::BrokenPipe => {
                    ExitCode::Runtime
                }
                _ => stop.exit_code(),
            };
            return process::ExitCode::from(code as u8);
        }
    };
    let code = perform(command).unwrap_or_else(|error| {
        report::say(format_args!("sni-watch: {error}"));
        error.exit_code()
    });
    process::ExitCode::from(code as u8)
}

fn perform(command: Command) -> Result<ExitCode, Error> {
    let mut stdout = io::stdout().lock();
    match command {
        Command::Watch(plan) | Command::Summary(plan) => {
            drop(stdout);
            return run::run(plan);
        }
        Command::Correlate(plan) => {
            drop(stdout);
            return run::correlate::run(&plan);
        }
        Command::Explain { name, json, pattern } => {
            ask::explain(&name, json, pattern, &mut stdout)?;
        }
        Command::Interfaces => ask::interfaces(&mut stdout)?,
        Command::LinkTypes { interface } => ask::link_types(&interface, &mut stdout)?,
        Command::Completions(shell) => cli::generate::completions(shell, &mut stdout)?,
        Command::Man => cli::generate::man(&mut stdout)?,
    }
    Ok(ExitCode::Done)
}
