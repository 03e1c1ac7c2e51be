//! The commands that answer a question without a capture: `explain`, `interfaces`, `-L`.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::error::Error;
use crate::model::hello::Sni;
use crate::naming::custom::Pattern;
use crate::naming::{Namer, explain};
use crate::output::escape::escape;
use crate::output::mesh;
use crate::source::interfaces::{self, Interface};

/// A closed pipe is no error: whoever reads has enough.
fn written(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Output { name: "standard output".to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Says what each label of a server name means, or prints the `mesh` object that a record would carry.
///
/// # Errors
/// Standard output could not be written.
pub fn explain(
    name: &[u8],
    as_json: bool,
    pattern: Option<Pattern>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let sni = if name.is_empty() { Sni::Empty } else { Sni::Name { bytes: name, more: false } };
    let name = Namer::new(pattern).classify(sni);
    if as_json {
        return written(out.write_all(&mesh::line(&name)));
    }
    let rows = explain::explain(&name);
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0).min(48);
    let mut text = String::new();
    for (label, meaning) in rows {
        if label.is_empty() {
            _ = writeln!(text, "{meaning}");
        } else {
            _ = writeln!(text, "{:width$}  {meaning}", escape(&label));
        }
    }
    written(out.write_all(text.as_bytes()))
}

/// Lists the interfaces.
///
/// # Errors
/// libpcap could not list them; standard output could not be written.
pub fn interfaces(out: &mut dyn Write) -> Result<(), Error> {
    let mut text = String::new();
    for (index, one) in interfaces::list()?.into_iter().enumerate() {
        _ = writeln!(text, "{}.{}", index + 1, described(&one));
    }
    written(out.write_all(text.as_bytes()))
}

/// `ens4 (what it is) [Up, Running] 10.0.0.1`, as tcpdump's `-D` begins.
fn described(one: &Interface) -> String {
    let mut text = escape(&one.name).into_owned();
    if let Some(description) = &one.description {
        _ = write!(text, " ({})", escape(description));
    }
    let flags =
        [(one.up, "Up"), (one.running, "Running"), (one.loopback, "Loopback"), (one.wireless, "Wireless")];
    let set: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
    if !set.is_empty() {
        _ = write!(text, " [{}]", set.join(", "));
    }
    for address in &one.addresses {
        _ = write!(text, " {address}");
    }
    text
}

/// Lists the link types of an interface.
///
/// # Errors
/// The interface could not be opened; standard output could not be written.
pub fn link_types(interface: &str, out: &mut dyn Write) -> Result<(), Error> {
    let mut text = format!("Data link types for {}:\n", escape(interface));
    for one in interfaces::link_types(interface)? {
        _ = writeln!(text, "  {} ({})", one.name, one.description);
    }
    written(out.write_all(text.as_bytes()))
}
