//! The man page and the shell completions, printed by the binary itself.

use std::io::{self, ErrorKind, Write};

use clap_complete::Shell;

use crate::cli;
use crate::error::Error;

/// Writes the completions for `shell`.
///
/// # Errors
/// `out` could not be written; a reader that went away is none.
pub fn completions(shell: Shell, out: &mut dyn Write) -> Result<(), Error> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), cli::NAME, &mut text);
    send("completions", &text, out)
}

/// Writes the man page, in roff.
///
/// # Errors
/// As [`completions`].
pub fn man(out: &mut dyn Write) -> Result<(), Error> {
    let mut text = Vec::new();
    page(&mut text).map_err(|source| Error::Output { name: "man".to_string(), source })?;
    send("man", &text, out)
}

/// One page for all: the generator's own list of subcommands would point at pages that do not exist.
fn page(out: &mut dyn Write) -> io::Result<()> {
    let command = cli::command();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for subcommand in command.get_subcommands() {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(subcommand.get_name()), roff(&about))?;
    }
    man.render_options_section(out)?;
    let mut built = command.clone();
    built.build();
    for subcommand in built.get_subcommands() {
        own_options(&built, subcommand, out)?;
    }
    for (title, text) in cli::NOTES {
        writeln!(out, ".SH {}\n.nf\n{}\n.fi", title.to_uppercase(), roff(text))?;
    }
    Ok(())
}

/// The options that a subcommand does not share with a watch.
fn own_options(watch: &clap::Command, subcommand: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let shared = |arg: &clap::Arg| watch.get_arguments().any(|other| other.get_id() == arg.get_id());
    let own: Vec<&clap::Arg> =
        subcommand.get_arguments().filter(|arg| !shared(arg) && !arg.is_hide_set()).collect();
    if own.is_empty() {
        return Ok(());
    }
    writeln!(out, ".SH OPTIONS OF {}", subcommand.get_name().to_uppercase())?;
    for arg in own {
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(&arg.to_string()), roff(&help.replace("\n\n", "\n")))?;
    }
    Ok(())
}

/// Keeps hyphens and backslashes as typed; no line of ours begins with a dot.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

fn send(name: &str, text: &[u8], out: &mut dyn Write) -> Result<(), Error> {
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::Output { name: name.to_string(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn long_options() -> Vec<String> {
        let command = cli::command();
        let options: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        assert!(options.len() > 30);
        options.into_iter().map(str::to_string).collect()
    }

    fn check(text: &str, options: &[String]) {
        for option in options {
            assert!(text.contains(option.as_str()), "{option} is missing");
        }
        for subcommand in cli::command().get_subcommands() {
            assert!(text.contains(subcommand.get_name()), "{} is missing", subcommand.get_name());
        }
    }

    #[test]
    fn completions_hold_every_long_option_in_every_shell() {
        for shell in Shell::value_variants() {
            let mut out = Vec::new();
            completions(*shell, &mut out).unwrap();
            check(&String::from_utf8(out).unwrap(), &long_options());
        }
    }

    #[test]
    fn the_man_page_holds_every_long_option() {
        let mut out = Vec::new();
        man(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        // roff writes a hyphen as \-.
        check(&text.replace("\\-", "-"), &long_options());
        assert!(text.contains(".TH sni-watch 1"));
        assert!(text.contains(".SH OPTIONS OF CORRELATE\n.TP\n\\fB<[NODE=]INPUT>"), "{text}");
        assert!(text.contains("\n\\fB\\-\\-window <TIME>\\fR\nHow long the other legs"), "{text}");
        for (title, note) in cli::NOTES {
            assert!(text.contains(&format!(".SH {}", title.to_uppercase())), "{title} is missing");
            let control = |line: &str| line.contains('\\') || line.starts_with(['.', '\'']);
            assert!(!note.lines().any(control), "{title} would be read as roff");
        }
    }

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        man(&mut Broken(ErrorKind::BrokenPipe)).unwrap();
        completions(Shell::Bash, &mut Broken(ErrorKind::BrokenPipe)).unwrap();
        let error = man(&mut Broken(ErrorKind::StorageFull)).unwrap_err();
        assert!(error.to_string().starts_with("cannot write man:"), "{error}");
    }
}
