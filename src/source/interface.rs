//! One interface of a pcapng section: link type, snapshot length and clock (draft-ietf-opsawg-pcapng 4.2).

use crate::model::frame::{LinkType, Timestamp};

use super::records::{ByteOrder, Damage};

const OPT_END: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

const NANOS: u64 = 1_000_000_000;

/// How units of a timestamp become nanoseconds; a finer clock is rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// Units of so many nanoseconds.
    Multiply(u64),
    /// So many units in a nanosecond.
    Divide(u64),
    /// Units of 2⁻ⁿ seconds.
    Binary(u32),
}

impl Resolution {
    /// From `if_tsresol`: the top bit set means a power of 2, clear a power of 10, both negative.
    fn new(tsresol: u8) -> Self {
        let power = u32::from(tsresol & 0x7f);
        if tsresol & 0x80 != 0 {
            Self::Binary(power)
        } else if power <= 9 {
            Self::Multiply(10u64.pow(9 - power))
        } else {
            // A divisor over 2⁶⁴ leaves nothing of any timestamp.
            10u64.checked_pow(power - 9).map_or(Self::Multiply(0), Self::Divide)
        }
    }

    #[inline]
    fn nanos(self, units: u64) -> u128 {
        match self {
            Self::Multiply(factor) => u128::from(units) * u128::from(factor),
            Self::Divide(divisor) => u128::from(units / divisor),
            Self::Binary(power) => (u128::from(units) * u128::from(NANOS)) >> power,
        }
    }
}

/// What an interface description block told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    /// The most bytes captured of a packet; 0 for no limit.
    pub(super) snap_len: u32,
    resolution: Resolution,
    /// Nanoseconds to add to every timestamp.
    offset: i128,
}

impl Interface {
    /// Reads the body of an interface description block.
    ///
    /// # Errors
    /// A body under 8 bytes, an option that runs over the block's end, or a clock option of a wrong length.
    pub(super) fn new(body: &[u8], order: ByteOrder) -> Result<Self, Damage> {
        let Some((&[l0, l1, _, _, s0, s1, s2, s3], options)) = body.split_first_chunk::<8>() else {
            return Err(Damage { what: "interface description length", value: length(body) });
        };
        let mut interface = Self {
            link: LinkType(order.u16([l0, l1]).into()),
            snap_len: order.u32([s0, s1, s2, s3]),
            resolution: Resolution::new(6),
            offset: 0,
        };
        interface.read_options(options, order)?;
        Ok(interface)
    }

    fn read_options(&mut self, mut options: &[u8], order: ByteOrder) -> Result<(), Damage> {
        while let Some((&[c0, c1, l0, l1], after)) = options.split_first_chunk::<4>() {
            let code = order.u16([c0, c1]);
            if code == OPT_END {
                break;
            }
            let len = order.u16([l0, l1]);
            let Some((value, _)) = after.split_at_checked(len.into()) else {
                return Err(Damage { what: "interface option length", value: len.into() });
            };
            self.apply(code, value, order)?;
            options = after.get(usize::from(len).next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(())
    }

    fn apply(&mut self, code: u16, value: &[u8], order: ByteOrder) -> Result<(), Damage> {
        match (code, value) {
            (IF_TSRESOL, &[tsresol]) => self.resolution = Resolution::new(tsresol),
            (IF_TSRESOL, _) => return Err(Damage { what: "if_tsresol length", value: length(value) }),
            (IF_TSOFFSET, _) => match <[u8; 8]>::try_from(value) {
                Ok(seconds) => self.offset = i128::from(order.i64(seconds)) * i128::from(NANOS),
                Err(_) => return Err(Damage { what: "if_tsoffset length", value: length(value) }),
            },
            _ => {}
        }
        Ok(())
    }

    /// The time that is so many units of this interface's clock.
    #[inline]
    pub(super) fn time(&self, units: u64) -> Timestamp {
        // At most 2⁶⁴ · 10⁹, far inside an i128.
        let nanos = self.resolution.nanos(units).cast_signed() + self.offset;
        Timestamp(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}

/// A length for an error text.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(code: u16, value: &[u8]) -> Result<Interface, Damage> {
        let mut body = vec![1, 0, 0, 0, 96, 0, 0, 0];
        body.extend_from_slice(&code.to_le_bytes());
        body.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
        Interface::new(&body, ByteOrder::Little)
    }

    fn nanos(tsresol: u8, units: u64) -> u64 {
        with(IF_TSRESOL, &[tsresol]).unwrap().time(units).0
    }

    #[test]
    fn microseconds_unless_told() {
        let interface = Interface::new(&[113, 0, 0, 0, 96, 0, 0, 0], ByteOrder::Little).unwrap();
        assert_eq!((interface.link, interface.snap_len), (LinkType(113), 96));
        assert_eq!(interface.time(1_700_000_000_123_456).0, 1_700_000_000_123_456_000);
    }

    #[test]
    fn powers_of_ten() {
        assert_eq!(nanos(0, 5), 5_000_000_000);
        assert_eq!(nanos(3, 5), 5_000_000);
        assert_eq!(nanos(9, 1_700_000_000_123_456_789), 1_700_000_000_123_456_789);
        assert_eq!(nanos(12, 1_999), 1);
        assert_eq!(nanos(28, u64::MAX), 1);
        assert_eq!(nanos(29, u64::MAX), 0);
        assert_eq!(nanos(127, 1_000_000), 0);
    }

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!(nanos(0x80, 7), 7_000_000_000);
        assert_eq!(nanos(0x81, 1), 500_000_000);
        assert_eq!(nanos(0xa0, (3 << 32) | (1 << 31)), 3_500_000_000);
        // 2⁻⁶⁰ s: 2⁶⁰ - 1 units are just under a second.
        assert_eq!(nanos(0xbc, (1 << 60) - 1), 999_999_999);
        assert_eq!(nanos(0xff, u64::MAX), 0);
    }

    #[test]
    fn offsets_are_signed_and_saturate() {
        let plus = with(IF_TSOFFSET, &1_000i64.to_le_bytes()).unwrap();
        assert_eq!(plus.time(5).0, 1_000_000_005_000);
        let minus = with(IF_TSOFFSET, &(-2i64).to_le_bytes()).unwrap();
        assert_eq!(minus.time(3_000_000).0, 1_000_000_000);
        assert_eq!(minus.time(1_000_000).0, 0);
        assert_eq!(with(IF_TSOFFSET, &i64::MIN.to_le_bytes()).unwrap().time(u64::MAX).0, 0);
        assert_eq!(with(IF_TSOFFSET, &i64::MAX.to_le_bytes()).unwrap().time(u64::MAX).0, u64::MAX);
    }

    #[test]
    fn hostile_options_are_damage() {
        let wrong = |what, value| Err(Damage { what, value });
        assert_eq!(with(IF_TSRESOL, &[6, 6]), wrong("if_tsresol length", 2));
        assert_eq!(with(IF_TSOFFSET, &[1]), wrong("if_tsoffset length", 1));
        let over = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(Interface::new(&over, ByteOrder::Little), wrong("interface option length", 0xffff));
        assert_eq!(Interface::new(&over[..4], ByteOrder::Little), wrong("interface description length", 4));
    }

    #[test]
    fn options_behind_the_end_and_unknown_ones_are_passed() {
        let body = [
            1, 0, 0, 0, 0, 0, 0, 0, // link type, snap length
            2, 0, 3, 0, b'e', b't', b'h', 0, // if_name with padding
            9, 0, 1, 0, 9, 0, 0, 0, // if_tsresol
            0, 0, 0, 0, // end
            9, 0, 1, 0, 3, 0, 0, 0, // not an option any more
        ];
        assert_eq!(Interface::new(&body, ByteOrder::Little).unwrap().time(7).0, 7);
    }
}
