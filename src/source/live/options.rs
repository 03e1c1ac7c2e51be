//! How to capture: what the flags say, as libpcap takes it.

use std::time::Duration;

use pcap::{Active, Capture, Inactive, Precision, TimestampType};

use crate::error::Error;
use crate::source::cut::CutOptions;
use crate::source::failure;
use crate::source::interfaces::{self, ANY};

/// The longest frame that is captured whole, and what 0 means; libpcap has no larger.
pub const SNAPLEN: u32 = 262_144;

/// Ring size in KiB unless the user says: 128 ms of 1 Gbit/s. Libpcap's own 2 MiB is 8 blocks, and the
/// kernel hands over whole blocks only.
const BUFFER_KIB: u32 = 16 * 1024;

/// When the kernel hands over a block that is not full: a record must leave within 100 ms of its packet, and each
/// hand-over costs as much as the inspection of some hundred packets.
pub const HAND_OVER: Duration = Duration::from_millis(50);

/// The same where records wait for those of other rings.
pub const HAND_OVER_OF_SEVERAL: Duration = Duration::from_millis(20);

/// Time stamp types by the names that tcpdump gives them.
const TIMESTAMP_TYPES: [(&str, TimestampType); 5] = [
    ("host", TimestampType::Host),
    ("host_lowprec", TimestampType::HostLowPrec),
    ("host_hiprec", TimestampType::HostHighPrec),
    ("adapter", TimestampType::Adapter),
    ("adapter_unsynced", TimestampType::AdapterUnsynced),
];

/// Which frames, seen from the interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Those received.
    In,
    /// Those sent.
    Out,
    /// Both.
    #[default]
    InOut,
}

/// How to capture on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// Bytes kept of a frame; 0 and more than [`SNAPLEN`] mean [`SNAPLEN`].
    pub snaplen: u32,
    /// Also frames that are addressed to others. Has no meaning on `any`.
    pub promiscuous: bool,
    /// Ring size in KiB; libpcap takes less where memory is short.
    pub buffer_kib: Option<u32>,
    /// Received frames, sent frames or both.
    pub direction: Direction,
    /// Each frame at once, not a block at a time: sooner by up to `hand_over`, but the ring holds fewer frames.
    pub immediate: bool,
    /// How long a block that is not full stays with the kernel, whole milliseconds, at most [`HAND_OVER`].
    pub hand_over: Duration,
    /// Who stamps the frames, by tcpdump's name; the system falls back to `host` without a word
    /// where the interface cannot.
    pub timestamp_type: Option<String>,
    /// Nanoseconds where the system can (Linux); else microseconds.
    pub nano: bool,
    /// Filter expression (pcap-filter(7)); VLAN-tagged frames that fit are included.
    pub filter: Option<String>,
    /// What the kernel drops of what passes the filter.
    pub cut: CutOptions,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            snaplen: SNAPLEN,
            promiscuous: true,
            buffer_kib: None,
            direction: Direction::InOut,
            immediate: false,
            hand_over: HAND_OVER,
            timestamp_type: None,
            nano: true,
            filter: None,
            cut: CutOptions::default(),
        }
    }
}

impl LiveOptions {
    /// The precision that a capture with these options has.
    ///
    /// The `pcap` crate tells of no refusal. Linux stamps in nanoseconds on every interface; elsewhere
    /// some refuse, and a wrong unit would be a wrong time.
    pub(super) fn precision(&self) -> Precision {
        if self.nano && cfg!(target_os = "linux") { Precision::Nano } else { Precision::Micro }
    }

    /// Opens `interface` with these options; direction and filter are not attached yet.
    pub(super) fn activate(&self, interface: &str) -> Result<Capture<Active>, Error> {
        let stamps = self.timestamps()?;
        let is_promiscuous = self.promiscuous && interface != ANY;
        let opened = match self.prepare(interface, stamps, is_promiscuous).and_then(Capture::open) {
            // Libpcap only warns that it went on without, but the crate takes a warning for an error.
            Err(error) if is_promiscuous && is_about_promiscuity(&error) => {
                self.prepare(interface, stamps, false).and_then(Capture::open)
            }
            opened => opened,
        };
        opened.and_then(Capture::setnonblock).map_err(|error| interfaces::cannot_open(interface, &error))
    }

    fn prepare(
        &self,
        interface: &str,
        stamps: Option<TimestampType>,
        is_promiscuous: bool,
    ) -> Result<Capture<Inactive>, pcap::Error> {
        let capture = Capture::from_device(interface)?
            .snaplen(self.snap_bytes())
            .promisc(is_promiscuous)
            .buffer_size(self.buffer_bytes())
            .timeout(self.hand_over_ms())
            .immediate_mode(self.immediate)
            .precision(self.precision());
        Ok(match stamps {
            Some(stamps) => capture.tstamp_type(stamps),
            None => capture,
        })
    }

    fn snap_bytes(&self) -> i32 {
        let bytes = if self.snaplen == 0 { SNAPLEN } else { self.snaplen.min(SNAPLEN) };
        i32::try_from(bytes).unwrap_or(i32::MAX)
    }

    fn buffer_bytes(&self) -> i32 {
        let kib = self.buffer_kib.filter(|&kib| kib > 0).unwrap_or(BUFFER_KIB);
        i32::try_from(u64::from(kib) * 1024).unwrap_or(i32::MAX)
    }

    /// 0 would mean that the kernel chooses.
    fn hand_over_ms(&self) -> i32 {
        i32::try_from(self.hand_over.min(HAND_OVER).as_millis()).unwrap_or_default().max(1)
    }

    fn timestamps(&self) -> Result<Option<TimestampType>, Error> {
        let Some(wanted) = &self.timestamp_type else { return Ok(None) };
        let known = TIMESTAMP_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        if let Some((_, stamps)) = known {
            return Ok(Some(*stamps));
        }
        let names = TIMESTAMP_TYPES.map(|(name, _)| name).join(", ");
        Err(Error::Usage(format!("no such time stamp type: {wanted}; there are: {names}")))
    }
}

impl From<Direction> for pcap::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::In => Self::In,
            Direction::Out => Self::Out,
            Direction::InOut => Self::InOut,
        }
    }
}

fn is_about_promiscuity(error: &pcap::Error) -> bool {
    failure::words(error).to_ascii_lowercase().contains("promisc")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pcap::{Precision, TimestampType};

    use super::{Direction, LiveOptions, is_about_promiscuity};
    use crate::error::ExitCode;

    #[test]
    fn a_block_is_handed_over_in_time() {
        let of = |millis| LiveOptions { hand_over: Duration::from_millis(millis), ..LiveOptions::default() };
        for (asked, ms) in [(0, 1), (1, 1), (20, 20), (50, 50), (1000, 50)] {
            assert_eq!(of(asked).hand_over_ms(), ms);
        }
        assert_eq!(LiveOptions::default().hand_over_ms(), 50);
    }

    #[test]
    fn a_snap_length_of_0_is_the_longest_and_more_is_cut() {
        for (asked, got) in [(0, 262_144), (96, 96), (262_144, 262_144), (u32::MAX, 262_144)] {
            let options = LiveOptions { snaplen: asked, ..LiveOptions::default() };
            assert_eq!(options.snap_bytes(), got);
        }
    }

    #[test]
    fn the_ring_is_sized_in_kib_and_never_overflows() {
        for (asked, got) in
            [(None, 16_777_216), (Some(0), 16_777_216), (Some(4), 4096), (Some(u32::MAX), i32::MAX)]
        {
            let options = LiveOptions { buffer_kib: asked, ..LiveOptions::default() };
            assert_eq!(options.buffer_bytes(), got);
        }
    }

    #[test]
    fn time_stamp_types_have_tcpdumps_names() {
        let of = |name: &str| LiveOptions { timestamp_type: Some(name.to_owned()), ..LiveOptions::default() };
        assert_eq!(of("adapter_unsynced").timestamps().unwrap(), Some(TimestampType::AdapterUnsynced));
        assert_eq!(of("HOST").timestamps().unwrap(), Some(TimestampType::Host));
        assert_eq!(LiveOptions::default().timestamps().unwrap(), None);
        let error = of("sundial").timestamps().unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Usage);
        assert_eq!(
            error.to_string(),
            "no such time stamp type: sundial; there are: host, host_lowprec, host_hiprec, adapter, adapter_unsynced"
        );
    }

    #[test]
    fn microseconds_if_asked_for() {
        let options = LiveOptions { nano: false, ..LiveOptions::default() };
        assert_eq!(options.precision(), Precision::Micro);
        let best = if cfg!(target_os = "linux") { Precision::Nano } else { Precision::Micro };
        assert_eq!(LiveOptions::default().precision(), best);
    }

    #[test]
    fn directions_are_libpcaps() {
        assert_eq!(pcap::Direction::from(Direction::In), pcap::Direction::In);
        assert_eq!(pcap::Direction::from(Direction::Out), pcap::Direction::Out);
        assert_eq!(pcap::Direction::from(Direction::InOut), pcap::Direction::InOut);
    }

    #[test]
    fn a_warning_about_promiscuous_mode_is_known() {
        let warning = "Promiscuous mode not supported on this device";
        assert!(is_about_promiscuity(&pcap::Error::PcapError(warning.to_owned())));
        assert!(!is_about_promiscuity(&pcap::Error::PcapError("No such device".to_owned())));
    }
}
