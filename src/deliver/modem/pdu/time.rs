//! Service centre time stamps: seven swapped pairs of digits, the last a zone in quarter hours (3GPP TS 23.040, 9.2.3.11).
//!
//! The two-digit year is of this century. A stamp that is no date (zeros, `FF`) is read as none: the message counts more.

use std::fmt;

use jiff::civil;
use jiff::tz::Offset;

use super::octets::{Octets, PduError};
use crate::model::Timestamp;

/// The sign of the zone: bit 3 of its octet.
const ZONE_NEGATIVE: u8 = 0x08;

/// A moment as the network stamped it, with the zone it was stamped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceTime {
    at: jiff::Timestamp,
    zone: Offset,
}

impl ServiceTime {
    /// The same moment in our own kind of time.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        Timestamp::from_millis(self.at.as_millisecond())
    }

    /// Reads the next seven octets.
    pub(super) fn read(octets: &mut Octets<'_>) -> Result<Option<Self>, PduError> {
        octets.array("a time stamp").map(Self::of)
    }

    fn of([year, month, day, hour, minute, second, zone]: [u8; 7]) -> Option<Self> {
        let date = civil::Date::new(i16::from(digits(year)?).checked_add(2000)?, digits(month)?, digits(day)?).ok()?;
        let time = civil::Time::new(digits(hour)?, digits(minute)?, digits(second)?, 0).ok()?;
        let seconds = i32::from(digits(zone & !ZONE_NEGATIVE)?).checked_mul(15 * 60)?;
        let signed = if zone & ZONE_NEGATIVE == 0 { seconds } else { seconds.checked_neg()? };
        let zone = Offset::from_seconds(signed).ok()?;
        Some(Self { at: zone.to_timestamp(date.to_datetime(time)).ok()?, zone })
    }
}

/// Two decimal digits, the tens in the low half.
fn digits(octet: u8) -> Option<i8> {
    let (tens, units) = (octet & 0x0F, octet >> 4);
    if tens > 9 || units > 9 {
        return None;
    }
    i8::try_from(tens.checked_mul(10)?.checked_add(units)?).ok()
}

impl fmt::Display for ServiceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.display_with_offset(self.zone).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_nonsense() {
        for (octets, want) in [
            ([0x62, 0x11, 0x22, 0x81, 0x41, 0x95, 0x0A], Some("2026-11-22T18:14:59-05:00")),
            ([0x62, 0x11, 0x22, 0x32, 0x41, 0x95, 0x15], Some("2026-11-22T23:14:59+12:45")),
            ([0x62, 0x10, 0x10, 0x00, 0x00, 0x00, 0x00], Some("2026-01-01T00:00:00+00:00")),
            ([0x42, 0x20, 0x92, 0x00, 0x00, 0x00, 0x69], Some("2024-02-29T00:00:00-04:00")),
            ([0x52, 0x20, 0x92, 0x00, 0x00, 0x00, 0x00], None),
            ([0x00; 7], None),
            ([0xFF; 7], None),
        ] {
            let read = ServiceTime::of(octets).map(|time| time.to_string());
            assert_eq!(read.as_deref(), want, "{octets:02X?}");
        }
        let time = ServiceTime::of([0x62, 0x11, 0x22, 0x81, 0x41, 0x95, 0x0A]).unwrap();
        assert_eq!(time.timestamp().to_string(), "2026-11-22T23:14:59.000Z");
    }
}
