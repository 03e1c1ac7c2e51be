//! What an output must know besides the records: how much to say, and how to write it.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::model::frame::{Origin, OriginId};

/// How a line begins: tcpdump's `-t` to `-ttttt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStyle {
    /// Local time of day.
    #[default]
    Clock,
    /// `-t`: no time.
    Omit,
    /// `-tt`: seconds since the Unix epoch.
    Epoch,
    /// `-ttt`: time since the line before.
    Delta,
    /// `-tttt`: local date and time of day.
    Date,
    /// `-ttttt`: time since the first line.
    SinceFirst,
}

/// Which bytes of the hello follow a line, and how: tcpdump's `-A`, `-x`, `-xx`, `-X` and `-XX`. Where
/// several are given, tcpdump's order decides: `-XX`, `-X`, `-xx`, `-x`, `-A`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HexMode {
    /// None.
    #[default]
    Off,
    /// `-A`: the TLS records as text.
    Ascii,
    /// `-x`: the TLS records in hexadecimal.
    Hex,
    /// `-X`: the TLS records in hexadecimal and as text.
    HexAscii,
    /// `-xx`: as `-x`, with the packet's headers in front.
    LinkHex,
    /// `-XX`: as `-X`, with the packet's headers in front.
    LinkHexAscii,
}

/// The inputs with one of them named anew, or added: the number of each is its place.
pub fn with_origin(origins: &[Origin], id: OriginId, origin: &Origin) -> Arc<[Origin]> {
    let mut origins = origins.to_vec();
    while origins.len() <= usize::from(id.0) {
        origins.push(origin.clone());
    }
    if let Some(place) = origins.get_mut(usize::from(id.0)) {
        place.clone_from(origin);
    }
    origins.into()
}

/// The settings that outputs share.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug)]
pub struct Context {
    /// The run's inputs, in the order of their `OriginId`s.
    pub origins: Arc<[Origin]>,
    /// How often `-v` was given.
    pub verbosity: u8,
    /// `-q`: time, addresses and name only.
    pub quiet: bool,
    /// How a line begins.
    pub time_style: TimeStyle,
    /// `--nano`: nine fraction digits instead of six.
    pub nano: bool,
    /// The zone of "local" times.
    pub timezone: TimeZone,
    /// Colour the result.
    pub color: bool,
    /// Bytes below a line.
    pub hex: HexMode,
    /// Fields that were chosen for rows (`-e`), checked; empty: the default ones.
    pub fields: Vec<String>,
    /// Each record is written at once.
    pub live: bool,
    /// `--emit failover`: a `failover` record for each.
    pub emit_failover: bool,
    /// `--local-dc`.
    pub local_datacenter: Option<Box<str>>,
    /// `--emit stats`: a `capture_stats` record at each tick.
    pub emit_stats: bool,
    /// A last `capture_stats` record at the end.
    pub last_stats: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            origins: Arc::from([]),
            verbosity: 0,
            quiet: false,
            time_style: TimeStyle::Clock,
            nano: false,
            timezone: TimeZone::system(),
            color: false,
            hex: HexMode::Off,
            fields: Vec::new(),
            live: false,
            emit_failover: false,
            local_datacenter: None,
            emit_stats: false,
            last_stats: false,
        }
    }
}
