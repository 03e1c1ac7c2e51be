//! Fatal errors, what was attempted on what, and the exit code that follows.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Process exit codes; the numbers are part of the contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All done.
    Done = 0,
    /// Runtime error: cannot open, no permission, truncated input, write failed.
    Runtime = 1,
    /// Usage: bad flag, bad BPF, bad pattern.
    Usage = 2,
    /// A rule failed (`--require`, `--forbid`).
    Rules = 3,
    /// A second SIGINT.
    Interrupted = 130,
}

/// An error that ends the run, or one input of it.
#[derive(Debug)]
pub enum Error {
    /// A file could not be opened, read or written.
    Io {
        /// What was attempted, as in `cannot open`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// An input is no capture, or is damaged; what stood before the damage was used.
    Capture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where (byte offset or packet number).
        problem: String,
    },
    /// An interface could not be opened or failed while watched.
    Interface {
        /// Its name.
        name: String,
        /// libpcap's words, with the remedy.
        problem: String,
    },
    /// A filter, pattern or flag that does not mean anything.
    Usage(String),
    /// An output could not be written.
    Output {
        /// The output's name, or its file.
        name: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl Error {
    /// The exit code that this error leads to.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::Usage,
            _ => ExitCode::Runtime,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => write!(f, "{action} {}: {source}", path.display()),
            Self::Capture { path, problem } => write!(f, "{}: {problem}", path.display()),
            Self::Interface { name, problem } => write!(f, "{name}: {problem}"),
            Self::Usage(text) => f.write_str(text),
            Self::Output { name, source } => write!(f, "cannot write {name}: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::Output { source, .. } => Some(source),
            _ => None,
        }
    }
}
