//! What a plan needs to know of the host and the terminal: handed in, so that a plan can be tested.

use std::ffi::OsString;
use std::io::IsTerminal;

use crate::cli::value::Color;

/// The surroundings of the process.
pub struct World<'a> {
    /// Names of the interfaces that can be watched, for a hint; asked for only when there is no input.
    pub interfaces: &'a dyn Fn() -> Vec<String>,
    /// An environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Standard output is a terminal.
    pub terminal: bool,
    /// This host's name.
    pub host: String,
    /// Processors that may be used, at least 1.
    pub cores: usize,
}

impl<'a> World<'a> {
    /// The world as it is; listing interfaces is left to the caller.
    pub fn here(interfaces: &'a dyn Fn() -> Vec<String>) -> Self {
        let host = nix::unistd::gethostname().unwrap_or_default();
        Self {
            interfaces,
            variable: &|name| std::env::var_os(name),
            terminal: std::io::stdout().is_terminal(),
            host: host.to_string_lossy().into_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Whether to use colour: what was typed, then `NO_COLOR`, `CLICOLOR_FORCE`, `TERM`, the terminal.
    ///
    /// `NO_COLOR` counts when it is not empty (no-color.org), `CLICOLOR_FORCE` when it is neither empty nor
    /// 0 (bixense.com/clicolors).
    pub fn color(&self, typed: Color) -> bool {
        let is = |name: &str, accept: fn(&str) -> bool| {
            (self.variable)(name).is_some_and(|value| accept(&value.to_string_lossy()))
        };
        match typed {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if is("NO_COLOR", |value| !value.is_empty()) => false,
            Color::Auto if is("CLICOLOR_FORCE", |value| !matches!(value, "" | "0")) => true,
            Color::Auto => self.terminal && !is("TERM", |value| value == "dumb"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(typed: Color, variables: &[(&str, &str)], terminal: bool) -> bool {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        World { interfaces: &Vec::new, variable: &variable, terminal, host: String::new(), cores: 1 }
            .color(typed)
    }

    #[test]
    fn colour_follows_terminal_environment_and_option() {
        use Color::{Always, Auto, Never};
        for (typed, variables, terminal, expected) in [
            (Auto, &[][..], true, true),
            (Auto, &[], false, false),
            (Auto, &[("TERM", "dumb")], true, false),
            (Auto, &[("TERM", "xterm")], true, true),
            (Auto, &[("NO_COLOR", "1")], true, false),
            (Auto, &[("NO_COLOR", "")], true, true),
            (Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Auto, &[("CLICOLOR_FORCE", "")], false, false),
            (Auto, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true, true),
            (Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (Always, &[("NO_COLOR", "1"), ("TERM", "dumb")], false, true),
            (Never, &[("CLICOLOR_FORCE", "1")], true, false),
        ] {
            assert_eq!(color(typed, variables, terminal), expected, "{typed:?} {variables:?} {terminal}");
        }
    }

    #[test]
    fn the_world_has_a_name_and_a_core() {
        let world = World::here(&Vec::new);
        assert!(!world.host.is_empty());
        assert!(world.cores >= 1);
    }
}
